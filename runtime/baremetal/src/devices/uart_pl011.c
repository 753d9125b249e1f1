/* ARM PrimeCell UART (PL011): 8 bits, no parity, polled. */
#include "../board_map.h"

#ifdef BOARD_UART_PL011
#include "tfport/baremetal.h"

#define REGISTER(offset) (*(volatile uint32_t*)(BOARD_UART_BASE + (offset)))
#define DATA REGISTER(0x00)
#define FLAGS REGISTER(0x18)
#define BAUD_INTEGER REGISTER(0x24)
#define BAUD_FRACTION REGISTER(0x28)
#define LINE_CONTROL REGISTER(0x2c)
#define CONTROL REGISTER(0x30)
#define FLAGS_TX_FULL 0x20u
#define LINE_8_BITS_FIFO 0x70u
#define CONTROL_ENABLE_TX_RX 0x301u

__attribute__((weak)) void tfport_bm_uart_init(void) {
  /* In 64ths: clock / (16 * baud). */
  uint32_t divisor = (uint32_t)((uint64_t)BOARD_UART_CLOCK_HZ * 4 / BOARD_UART_BAUD);
  CONTROL = 0;
  BAUD_INTEGER = divisor / 64;
  BAUD_FRACTION = divisor % 64;
  LINE_CONTROL = LINE_8_BITS_FIFO; /* also takes the divisor over */
  CONTROL = CONTROL_ENABLE_TX_RX;
}

__attribute__((weak)) void tfport_bm_uart_put(char byte) {
  while (FLAGS & FLAGS_TX_FULL) {
  }
  DATA = (unsigned char)byte;
}
#endif
