/* Whether semihosting is there, and its console. */
#include "../board_map.h"
#include "console.h"
#include "tfport/baremetal.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_TIME = 0x11 };
enum { MODE_WRITE = 4 };

/* Not zero while boot asks; the SVC vector clears it, which nobody does when a debugger takes the
 * call. */
volatile uint32_t tfport_bm_semihosting_probe;

static int available;
static int console;

int tfport_bm_semihosting(void) { return available; }

void tfport_bm_semihosting_init(void) {
#if BOARD_SEMIHOSTING
  static const char terminal[] = ":tt";
  const uint32_t open[3] = {(uint32_t)terminal, MODE_WRITE, sizeof terminal - 1};
  tfport_bm_semihosting_probe = 1;
  tfport_bm_semihosting_call(SYS_TIME, 0);
  available = tfport_bm_semihosting_probe == 1;
  tfport_bm_semihosting_probe = 0;
  if (available) console = tfport_bm_semihosting_call(SYS_OPEN, open);
#endif
}

void tfport_bm_semihosting_write(const char* text, size_t size) {
  const uint32_t write[3] = {(uint32_t)console, (uint32_t)text, size};
  tfport_bm_semihosting_call(SYS_WRITE, write);
}
