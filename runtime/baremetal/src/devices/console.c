#include "console.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "../board_map.h"
#include "../threads/thread.h"
#include "tfport/baremetal.h"

#ifdef BOARD_UART_NONE
#define BOARD_CONSOLES 0u
#else
#define BOARD_CONSOLES TFPORT_BM_UART
#endif

#define NOBODY (-1)

static unsigned present, selected;
static struct spin lock;
static int seized_by = NOBODY;

void tfport_bm_console_init(void) {
  tfport_bm_uart_init();
  tfport_bm_semihosting_init();
  present = BOARD_CONSOLES | (tfport_bm_semihosting() ? TFPORT_BM_SEMIHOSTING : 0u);
  selected = present & TFPORT_BM_UART ? TFPORT_BM_UART : present;
}

unsigned tfport_bm_select_consoles(unsigned consoles) { return selected = consoles & present; }

static void write_to(unsigned consoles, const char* text, size_t size) {
  int core = (int)tfport_bm_core();
  bool locked = __atomic_load_n(&seized_by, __ATOMIC_RELAXED) != core;
  if (locked) spin_lock(&lock);
  tfport_bm_this_core.printing = true;
  if (consoles & TFPORT_BM_UART)
    for (size_t i = 0; i < size; i++) {
      if (text[i] == '\n') tfport_bm_uart_put('\r');
      tfport_bm_uart_put(text[i]);
    }
  if (consoles & TFPORT_BM_SEMIHOSTING) tfport_bm_semihosting_write(text, size);
  tfport_bm_this_core.printing = false;
  if (locked) spin_unlock(&lock);
}

void tfport_bm_console_write(const char* text, size_t size) { write_to(selected, text, size); }

void tfport_bm_print_all(const char* text) { write_to(present, text, strlen(text)); }

void tfport_bm_console_one(void) {
  present = selected = present & TFPORT_BM_UART ? TFPORT_BM_UART : present;
}

void tfport_bm_console_seize(void) {
  int core = (int)tfport_bm_core();
  if (__atomic_load_n(&seized_by, __ATOMIC_RELAXED) == core) return;
  /* A fault while this core was printing: it has the lock already, and must not wait for itself. */
  if (!tfport_bm_this_core.printing) spin_lock(&lock);
  __atomic_store_n(&seized_by, core, __ATOMIC_RELAXED);
}

static char* put_number(char* end, uint32_t value, unsigned base, unsigned digits) {
  for (; value || digits > 0; value /= base) {
    *--end = "0123456789abcdef"[value % base];
    if (digits > 0) digits--;
  }
  return end;
}

void tfport_bm_report(const char* format, ...) {
  char line[200];
  size_t used = 0;
  va_list arguments;
  va_start(arguments, format);
  for (; *format && used < sizeof line - 1; format++) {
    char number[12] = {0};
    const char* piece = number;
    if (*format != '%') {
      line[used++] = *format;
      continue;
    }
    switch (*++format) {
      case 's':
        piece = va_arg(arguments, const char*);
        break;
      case 'x':
        piece = put_number(number + 11, va_arg(arguments, uint32_t), 16, 8);
        break;
      case 'd': {
        int value = va_arg(arguments, int);
        char* first =
            put_number(number + 11, value < 0 ? -(uint32_t)value : (uint32_t)value, 10, 1);
        if (value < 0) *--first = '-';
        piece = first;
        break;
      }
      default:
        piece = put_number(number + 11, va_arg(arguments, uint32_t), 10, 1);
    }
    while (*piece && used < sizeof line - 1) line[used++] = *piece++;
  }
  va_end(arguments);
  line[used] = 0;
  tfport_bm_print_all(line);
}
