/* A QEMU TCG plugin that counts the target's instructions by class.
 *
 * Debian ships no qemu-plugin.h, so the few functions that are used are declared here, as version 1
 * of the plugin interface has them (QEMU 4.2 to 7.2 and later). Counting is inline, without a lock:
 * exact for one thread only.
 *
 * Argument: out=FILE. At exit one line of JSON goes there: {"total": n, "<class>": n, ...}.
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
extern char* qemu_plugin_insn_disas(const struct qemu_plugin_insn*);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                                  void (*)(qemu_plugin_id_t,
                                                           struct qemu_plugin_tb*));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, int operation,
                                                     void* counter, uint64_t value);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void*),
                                           void*);

EXPORT int qemu_plugin_version = 1;

/* One translated block: how often it ran, and what it is made of. QEMU may translate a block again;
 * each translation then has its own record. */
struct Block {
  uint64_t executions;
  uint32_t instructions[kClasses];
  struct Block* next;
};

static struct Block* blocks;
static char out_path[4096];

static void OnTranslate(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  struct Block* block = calloc(1, sizeof(*block));
  if (block == NULL) abort();
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

static void OnExit(qemu_plugin_id_t id, void* data) {
  (void)id;
  (void)data;
  uint64_t counts[kClasses] = {0};
  uint64_t total = 0;
  for (const struct Block* block = blocks; block != NULL; block = block->next) {
    for (int i = 0; i < kClasses; ++i) {
      const uint64_t executed = block->executions * block->instructions[i];
      counts[i] += executed;
      total += executed;
    }
  }
  FILE* file = fopen(out_path, "w");
  if (file == NULL) return;
  fprintf(file, "{\"total\": %llu", (unsigned long long)total);
  for (int i = 0; i < kClasses; ++i) {
    fprintf(file, ", \"%s\": %llu", kNames[i], (unsigned long long)counts[i]);
  }
  fprintf(file, "}\n");
  fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void* info, int argc, char** argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    if (StartsWith(argv[i], "out=")) snprintf(out_path, sizeof(out_path), "%s", argv[i] + 4);
  }
  if (out_path[0] == '\0') {
    fprintf(stderr, "insn_count: out=FILE is missing\n");
    return -1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, OnTranslate);
  qemu_plugin_register_atexit_cb(id, OnExit, NULL);
  return 0;
}
