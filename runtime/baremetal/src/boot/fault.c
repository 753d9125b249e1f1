/* Says in words why the processor stopped. */
#include <signal.h>
#include <stdbool.h>

#include "../devices/console.h"
#include "../threads/thread.h"
#include "stay.h"
#include "tfport/baremetal.h"

#define CPSR_THUMB 0x20u
#define DFSR_WRITE 0x800u

/* Status of the short-descriptor format: bits 0-3 and bit 10. */
static const char* cause(uint32_t status) {
  switch ((status & 0xf) | (status >> 6 & 0x10)) {
    case 0x01:
      return "alignment";
    case 0x02:
      return "debug event";
    case 0x03:
    case 0x06:
      return "access flag";
    case 0x05:
      return "nothing is mapped there (section)";
    case 0x07:
      return "nothing is mapped there (page)";
    case 0x09:
    case 0x0b:
      return "domain";
    case 0x0d:
      return "not permitted (section)";
    case 0x0f:
      return "not permitted (page)";
    case 0x08:
      return "external abort";
    case 0x16:
      return "asynchronous external abort";
    default:
      return "other";
  }
}

static bool within(uint32_t address, const char* begin, const char* end) {
  return address >= (uint32_t)begin && address < (uint32_t)end;
}

static const char* name_of_slot(unsigned slot) {
  static char names[BOARD_CORES][16];
  if (tfport_bm_threads[slot].name[0]) return tfport_bm_threads[slot].name;
  char* name = names[tfport_bm_core()];
  for (unsigned i = 0; i < 8; i++) name[i] = "thread  "[i];
  name[7] = (char)('0' + slot / 100);
  name[8] = (char)('0' + slot / 10 % 10);
  name[9] = (char)('0' + slot % 10);
  name[10] = 0;
  return name;
}

/* Names the thread whose guard page holds `address`. */
static const char* guarded(uint32_t address) {
  if (within(address, tfport_bm_stack_idle, tfport_bm_core_pages)) return "a core without thread";
  for (unsigned slot = 0; slot <= BOARD_THREADS; slot++) {
    size_t size;
    const char* stack = tfport_bm_stack_of(slot, &size);
    if (within(address, stack - GUARD_SIZE, stack)) return name_of_slot(slot);
  }
  return 0;
}

static void explain(const struct tfport_bm_fault* fault, bool write) {
  uint32_t address = fault->address;
  const char* owner = guarded(address);
  if ((fault->status & 0x40f) == 1) return; /* alignment says it all */
  if (address < PAGE_SIZE)
    tfport_bm_report("  null pointer %s\n", fault->kind == TFPORT_BM_PREFETCH_ABORT ? "call"
                                            : write                                 ? "write"
                                                                                    : "read");
  else if (owner)
    tfport_bm_report("  stack overflow of %s\n", owner);
  else if (within(address, tfport_bm_text_begin, tfport_bm_rodata_begin))
    tfport_bm_report("  the address is in the program's code, which is read-only\n");
  else if (within(address, tfport_bm_rodata_begin, tfport_bm_data_begin))
    tfport_bm_report("  the address is in the program's constants, which are read-only\n");
}

static const char* const kinds[] = {[TFPORT_BM_UNDEFINED] = "undefined instruction",
                                    [TFPORT_BM_SVC] = "unexpected SVC",
                                    [TFPORT_BM_PREFETCH_ABORT] = "prefetch abort",
                                    [TFPORT_BM_DATA_ABORT] = "data abort",
                                    [TFPORT_BM_IRQ] = "unexpected IRQ",
                                    [TFPORT_BM_FIQ] = "unexpected FIQ"};

/* As a shell would show the signal. */
static int status_of(const struct tfport_bm_fault* fault) {
  switch (fault->kind) {
    case TFPORT_BM_UNDEFINED:
      return 128 + SIGILL;
    case TFPORT_BM_PREFETCH_ABORT:
    case TFPORT_BM_DATA_ABORT:
      return 128 + ((fault->status & 0x40f) == 1 ? SIGBUS : SIGSEGV);
    default:
      return 128 + SIGTRAP;
  }
}

static void print_registers(const uint32_t* r, uint32_t cpsr) {
  for (unsigned i = 0; i < 12; i += 4)
    tfport_bm_report("  r%u %x  r%u %x  r%u %x  r%u %x\n", i, (unsigned)r[i], i + 1,
                     (unsigned)r[i + 1], i + 2, (unsigned)r[i + 2], i + 3, (unsigned)r[i + 3]);
  tfport_bm_report("  r12 %x  sp %x  lr %x  pc %x  cpsr %x\n", (unsigned)r[12], (unsigned)r[13],
                   (unsigned)r[14], (unsigned)r[15], (unsigned)cpsr);
}

__attribute__((weak)) void tfport_bm_report_fault(const struct tfport_bm_fault* fault) {
  bool memory = fault->kind == TFPORT_BM_PREFETCH_ABORT || fault->kind == TFPORT_BM_DATA_ABORT;
  bool write = fault->kind == TFPORT_BM_DATA_ABORT && (fault->status & DFSR_WRITE);
  uint32_t pc = fault->r[15];
  if (!memory && (fault->cpsr & CPSR_THUMB)) pc += 2; /* vectors.S took four off, not two */
  unsigned faults = ++tfport_bm_this_core.faults;
  if (faults > 2) tfport_bm_stay(); /* even the end of the program faults */
  tfport_bm_console_seize();
  if (faults == 2) {
    tfport_bm_report("tfport: %s at %x while reporting a fault\n", kinds[fault->kind],
                     (unsigned)pc);
    tfport_bm_exit(status_of(fault));
  }
  const struct thread* thread = this_thread;
  const char* name = "none";
  if (thread != tfport_bm_this_core.idle)
    name = name_of_slot((unsigned)(thread - tfport_bm_threads));
  tfport_bm_report("tfport: fault: %s at %x on core %u, thread: %s\n", kinds[fault->kind],
                   (unsigned)pc, tfport_bm_core(), name);
  if (memory) {
    tfport_bm_report("  %s address %x: %s (status %x)\n",
                     fault->kind == TFPORT_BM_PREFETCH_ABORT ? "executing"
                     : write                                 ? "writing"
                                                             : "reading",
                     (unsigned)fault->address, cause(fault->status), (unsigned)fault->status);
    explain(fault, write);
  }
  uint32_t registers[16];
  for (unsigned i = 0; i < 16; i++) registers[i] = fault->r[i];
  registers[15] = pc;
  print_registers(registers, fault->cpsr);
  tfport_bm_exit(status_of(fault));
}
