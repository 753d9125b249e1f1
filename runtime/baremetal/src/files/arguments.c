#include "arguments.h"

#include <stdint.h>

#include "../devices/console.h"
#include "tfport/baremetal.h"

enum { SYS_GET_CMDLINE = 0x15, MOST = 32 };

int tfport_bm_arguments(char*** arguments) {
  static char line[1024] = "image";
  static char* words[MOST + 1];
  uint32_t block[2] = {(uint32_t)line, sizeof line - 1};
  if (tfport_bm_semihosting()) tfport_bm_semihosting_call(SYS_GET_CMDLINE, block);
  int count = 0;
  for (char* at = line; *at && count < MOST;) {
    /* A word with spaces in it comes in double quotes. */
    char end = *at == '"' ? '"' : ' ';
    if (end == '"') at++;
    words[count++] = at;
    while (*at && *at != end) at++;
    if (*at == '"') *at++ = 0;
    while (*at == ' ') *at++ = 0;
  }
  *arguments = words;
  return count;
}
