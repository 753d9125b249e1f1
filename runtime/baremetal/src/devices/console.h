/* Where text goes. No function here allocates or uses stdio. */
#ifndef TFPORT_BM_CONSOLE_H_
#define TFPORT_BM_CONSOLE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void tfport_bm_console_init(void);
/* To the consoles that are selected. */
void tfport_bm_console_write(const char* text, size_t size);
/* To every console there is. */
void tfport_bm_print_all(const char* text);
/* The same with %s, %u, %d and %x (eight hexadecimal digits), which is all that reports need. */
void tfport_bm_report(const char* format, ...) __attribute__((format(printf, 1, 2)));
/* Keeps the console for the calling core for ever: nothing comes between the lines of a report. */
void tfport_bm_console_seize(void);
/* From now on only to one console, the UART if there is one: who reads the verdict on both would
 * take it for two. */
void tfport_bm_console_one(void);

/* Asks at boot whether semihosting is there. */
void tfport_bm_semihosting_init(void);
int tfport_bm_semihosting_call(int operation, const void* argument);
void tfport_bm_semihosting_write(const char* text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
