#include "../board_map.h"

#ifdef BOARD_UART_NONE
#include "tfport/baremetal.h"

__attribute__((weak)) void tfport_bm_uart_init(void) {}
__attribute__((weak)) void tfport_bm_uart_put(char byte) { (void)byte; }
#endif
