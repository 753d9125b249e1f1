/* What the bare-metal runtime offers a program, and the pieces that a firmware may replace.
 *
 * A function under "Hooks" has a default in libtfport-baremetal.a, weak and in an object of its
 * own; define a function of the same name and it takes the default's place. Unless a comment says
 * otherwise a hook may be called on any core, at any time, also while a fault is reported: it must
 * not block, allocate or use stdio.
 */
#ifndef TFPORT_BAREMETAL_H_
#define TFPORT_BAREMETAL_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Cores ---- */

/* Limits threads to `cores` cores, the boot core included. Returns 0, EINVAL when the board has
 * fewer, or EBUSY once other cores have been started: call it before the first thread. */
int tfport_bm_set_cores(unsigned cores);

/* How many cores run threads. The first call starts them. */
unsigned tfport_bm_cores(void);

/* The core that runs the caller. A thread may be on another one after any call that can block. */
unsigned tfport_bm_core(void);

/* ---- Memory ---- */

/* Bytes that are allocated now. */
size_t tfport_bm_heap_used(void);
/* The most that the heap has ever taken of its room, its own overhead included. */
size_t tfport_bm_heap_high_water(void);
/* The room of the heap. */
size_t tfport_bm_heap_limit(void);

/* The most that the stack of the calling thread has ever used. */
size_t tfport_bm_stack_high_water(void);

/* ---- Console ---- */

enum { TFPORT_BM_UART = 1u, TFPORT_BM_SEMIHOSTING = 2u };

/* Sends what is printed to these consoles from now on; one that the machine lacks is left out.
 * Fault reports go to every console there is, the verdict to the UART or else to semihosting.
 * Returns those in use now. */
unsigned tfport_bm_select_consoles(unsigned consoles);

/* Whether a debugger or emulator answers semihosting calls. Found out once, at boot. */
int tfport_bm_semihosting(void);

/* ---- Files ---- */

/* A file in memory, by which fopen() and open() find it; `data` is used in place. */
struct tfport_bm_file {
  const char* name;
  const void* data;
  size_t size;
};

/* Adds a file; `file` and what it points to must stay. Returns 0, EEXIST or ENFILE. */
int tfport_bm_add_file(const struct tfport_bm_file* file);

/* ---- Waiting ---- */

/* Code between these two addresses waits: idle cores and cores that want a lock. A count of
 * instructions that leaves it out is the count of work. */
extern const char tfport_bm_idle_begin[];
extern const char tfport_bm_idle_end[];

/* ---- Hooks ---- */

/* Makes the UART ready. Called once on the boot core, before anything is printed. */
void tfport_bm_uart_init(void);
/* Writes one byte to the UART and waits until it is accepted. */
void tfport_bm_uart_put(char byte);

/* A counter that never goes back and is the same on every core, and its frequency. */
uint64_t tfport_bm_ticks(void);
uint32_t tfport_bm_ticks_per_second(void);
/* What CLOCK_REALTIME was at tick 0, in seconds since 1970. */
int64_t tfport_bm_epoch(void);

/* Lets core `core` begin at `entry`, an ARM-state address, with its MMU off. Returns 0, or an error
 * number that is printed; may return before the core runs. */
int tfport_bm_core_start(unsigned core, uintptr_t entry);

/* Fills `buffer` with random bytes and returns 0, or returns an error number. The default has no
 * source of entropy: it is a fixed sequence, the same at every boot. */
int tfport_bm_entropy(void* buffer, size_t size);

/* Where the heap lies. Called once. */
void tfport_bm_heap_region(uintptr_t* begin, uintptr_t* end);

/* What the processor saw when it stopped. */
struct tfport_bm_fault {
  uint32_t r[16]; /* r0 to r15; r[15] is the instruction that faulted */
  uint32_t cpsr;
  uint32_t kind;    /* enum below */
  uint32_t status;  /* DFSR or IFSR */
  uint32_t address; /* DFAR or IFAR */
};
enum {
  TFPORT_BM_UNDEFINED = 1,
  TFPORT_BM_SVC = 2,
  TFPORT_BM_PREFETCH_ABORT = 3,
  TFPORT_BM_DATA_ABORT = 4,
  TFPORT_BM_IRQ = 6,
  TFPORT_BM_FIQ = 7
};

/* Reports a fault and ends the program; does not return. Runs on the stack for exceptions. */
void tfport_bm_report_fault(const struct tfport_bm_fault* fault) __attribute__((noreturn));

/* Ends the program for good: prints the verdict, hands `status` to a debugger if there is one, and
 * switches the machine off. */
void tfport_bm_exit(int status) __attribute__((noreturn));

/* Switches the machine off, or returns when it cannot. */
void tfport_bm_power_off(void);

#ifdef __cplusplus
}
#endif

#endif
