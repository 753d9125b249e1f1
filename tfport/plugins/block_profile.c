/* A QEMU TCG plugin that tells where the target spends its instructions, block by block and by
 * class.
 *
 * A block is straight code up to the next branch. Whoever knows the program's symbols can sum
 * blocks up by function. Otherwise like insn_count.c: exact for one thread only.
 *
 * Who times something looks at a clock before and after. So what ran between the last two looks at
 * one clock is told apart: the last of the things that the program timed, to the instruction,
 * whatever else the program does. Without an operating system nothing is told apart.
 *
 * Arguments: out=FILE and clock=N, Linux's number of the clock (1, the monotonic one, if left out).
 * At exit one JSON object goes to FILE: {"classes": [name, ...], "blocks": [[address, executions,
 * executions in the last lap, instructions of each class, ...], ...]}.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "insn_class.h"

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { kInlineAddU64 = 0 };

extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
extern struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb*);
extern char* qemu_plugin_insn_disas(const struct qemu_plugin_insn*);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                                  void (*)(qemu_plugin_id_t,
                                                           struct qemu_plugin_tb*));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, int operation,
                                                     void* counter, uint64_t value);
typedef void (*SyscallCallback)(qemu_plugin_id_t, unsigned int, int64_t, uint64_t, uint64_t,
                                uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
extern void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, SyscallCallback);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void*),
                                           void*);

EXPORT int qemu_plugin_version = 1;

/* One translated block: how often it ran, and what it is made of. QEMU may translate a block again;
 * each translation then has its own record. */
struct Block {
  uint64_t address;
  uint64_t executions;
  uint64_t executions_at_look; /* at the clock, the latest one */
  uint64_t last_lap;
  uint32_t instructions[kClasses];
  struct Block* next;
};

static struct Block* blocks;
static char out_path[4096];
static uint64_t watched_clock = 1;

static void OnTranslate(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  struct Block* block = calloc(1, sizeof(*block));
  if (block == NULL) abort();
  block->address = qemu_plugin_tb_vaddr(tb);
  block->next = blocks;
  blocks = block;
  const size_t count = qemu_plugin_tb_n_insns(tb);
  for (size_t i = 0; i < count; ++i) {
    char* text = qemu_plugin_insn_disas(qemu_plugin_tb_get_insn(tb, i));
    ++block->instructions[text != NULL ? ClassOf(text) : kOther];
    free(text);
  }
  qemu_plugin_register_vcpu_tb_exec_inline(tb, kInlineAddU64, &block->executions, 1);
}

static void OnSyscall(qemu_plugin_id_t id, unsigned int cpu, int64_t number, uint64_t clock,
                      uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7,
                      uint64_t a8) {
  enum { kClockGetTime = 263, kClockGetTime64 = 403 };
  (void)id, (void)cpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
  if ((number != kClockGetTime && number != kClockGetTime64) || clock != watched_clock) return;
  for (struct Block* block = blocks; block != NULL; block = block->next) {
    block->last_lap = block->executions - block->executions_at_look;
    block->executions_at_look = block->executions;
  }
}

static void OnExit(qemu_plugin_id_t id, void* data) {
  (void)id;
  (void)data;
  FILE* file = fopen(out_path, "w");
  if (file == NULL) return;
  fprintf(file, "{\"classes\": [");
  for (int i = 0; i < kClasses; ++i) fprintf(file, "%s\"%s\"", i == 0 ? "" : ", ", kNames[i]);
  fprintf(file, "], \"blocks\": [");
  const char* separator = "";
  for (const struct Block* block = blocks; block != NULL; block = block->next) {
    if (block->executions == 0) continue;
    fprintf(file, "%s\n[%llu, %llu, %llu", separator, (unsigned long long)block->address,
            (unsigned long long)block->executions, (unsigned long long)block->last_lap);
    for (int i = 0; i < kClasses; ++i) fprintf(file, ", %u", block->instructions[i]);
    fprintf(file, "]");
    separator = ",";
  }
  fprintf(file, "]}\n");
  fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void* info, int argc, char** argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    if (StartsWith(argv[i], "out=")) snprintf(out_path, sizeof(out_path), "%s", argv[i] + 4);
    if (StartsWith(argv[i], "clock=")) watched_clock = strtoul(argv[i] + 6, NULL, 10);
  }
  if (out_path[0] == '\0') {
    fprintf(stderr, "block_profile: out=FILE is missing\n");
    return -1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, OnTranslate);
  qemu_plugin_register_vcpu_syscall_cb(id, OnSyscall);
  qemu_plugin_register_atexit_cb(id, OnExit, NULL);
  return 0;
}
