/* UARTs that follow the NS16550, with 32-bit registers: 8 bits, no parity, polled. */
#include "../board_map.h"

#ifdef BOARD_UART_NS16550
#include "tfport/baremetal.h"

#define REGISTER(number) (*(volatile uint32_t*)(BOARD_UART_BASE + (number)*4))
#define DATA REGISTER(0)
#define DIVISOR_LOW REGISTER(0)
#define DIVISOR_HIGH REGISTER(1)
#define INTERRUPTS REGISTER(1)
#define FIFO_CONTROL REGISTER(2)
#define LINE_CONTROL REGISTER(3)
#define LINE_STATUS REGISTER(5)
#define LINE_8_BITS 0x03u
#define LINE_DIVISOR 0x80u
#define STATUS_TX_EMPTY 0x20u

__attribute__((weak)) void tfport_bm_uart_init(void) {
  uint32_t divisor = BOARD_UART_CLOCK_HZ / (16 * BOARD_UART_BAUD);
  INTERRUPTS = 0;
  LINE_CONTROL = LINE_8_BITS | LINE_DIVISOR;
  DIVISOR_LOW = divisor & 0xff;
  DIVISOR_HIGH = divisor >> 8;
  LINE_CONTROL = LINE_8_BITS;
  FIFO_CONTROL = 1;
}

__attribute__((weak)) void tfport_bm_uart_put(char byte) {
  while (!(LINE_STATUS & STATUS_TX_EMPTY)) {
  }
  DATA = (unsigned char)byte;
}
#endif
