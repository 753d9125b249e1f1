/* From the MMU to main(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cxx/exceptions.h"
#include "../devices/console.h"
#include "../files/arguments.h"
#include "../libc/stdio_table.h"
#include "../threads/thread.h"
#include "tfport/baremetal.h"

typedef void (*constructor)(void);

extern constructor __preinit_array_start[], __preinit_array_end[];
extern constructor __init_array_start[], __init_array_end[];
extern constructor __fini_array_start[], __fini_array_end[];

/* libstdc++ makes its first locale without a lock; if it is in the image, it is made here. */
extern const void* _ZNSt6locale7classicEv(void) __attribute__((weak));

void* __dso_handle = 0;

int main(int count, char** arguments);

static void finish(void) {
  for (constructor* run = __fini_array_end; run > __fini_array_start;) (*--run)();
}

static void flush(void) {
  fflush(stdout);
  fflush(stderr);
  struct _reent* main_state = &tfport_bm_threads[0].reent;
  if (main_state->__sdidinit) fflush(main_state->_stdout); /* exit() may be another thread's */
}

static void* run_main(void* unused) {
  struct _reent* own = _impure_ptr;
  _impure_ptr = _global_impure_ptr; /* see state.c */
  atexit(flush);
  atexit(finish);
  tfport_bm_exceptions_init();
  if (_ZNSt6locale7classicEv) _ZNSt6locale7classicEv();
  for (constructor* run = __preinit_array_start; run < __preinit_array_end; run++) (*run)();
  for (constructor* run = __init_array_start; run < __init_array_end; run++) (*run)();
  fflush(stdout);
  _impure_ptr = own;
  char** arguments;
  int count = tfport_bm_arguments(&arguments);
  exit(main(count, arguments));
  return unused;
}

void tfport_bm_boot(void) {
  memset(__bss_start, 0, (size_t)(__bss_end - __bss_start));
  for (unsigned core = 1; core < BOARD_CORES; core++)
    memcpy(tfport_bm_core_pages + core * PAGE_SIZE, tfport_bm_core_local, PAGE_SIZE);
  tfport_bm_enter_core(0);
  tfport_bm_console_init();

  struct thread* main_thread = &tfport_bm_threads[0];
  size_t size;
  char* stack = tfport_bm_stack_of(0, &size);
  strcpy(main_thread->name, "main");
  tfport_bm_prepare_thread(main_thread, stack, size);
  main_thread->entry = run_main;
  main_thread->detached = true;
  spin_lock(&tfport_bm_scheduler);
  tfport_bm_make_ready(main_thread);
  spin_unlock(&tfport_bm_scheduler);
  tfport_bm_idle();
}
