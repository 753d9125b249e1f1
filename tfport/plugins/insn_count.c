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

enum Class {
  kFloatMultiplyAddQuad,
  kFloatMultiplyAddDouble,
  kFloatMultiplyAddScalar,
  kFloatQuad,
  kIntegerMultiplyAddLong,
  kIntegerMultiplyLong,
  kVectorLoad,
  kVectorStore,
  kVectorOther,
  kLoad,
  kStore,
  kBranch,
  kOther,
  kClasses
};

static const char* const kNames[kClasses] = {"float_multiply_add_quad",
                                             "float_multiply_add_double",
                                             "float_multiply_add_scalar",
                                             "float_other_quad",
                                             "integer_multiply_add_long",
                                             "integer_multiply_long",
                                             "vector_load",
                                             "vector_store",
                                             "vector_other",
                                             "load",
                                             "store",
                                             "branch",
                                             "other"};

/* One translated block: how often it ran, and what it is made of. QEMU may translate a block again;
 * each translation then has its own record. */
struct Block {
  uint64_t executions;
  uint32_t instructions[kClasses];
  struct Block* next;
};

static struct Block* blocks;
static char out_path[4096];

static int StartsWith(const char* text, const char* prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum Class ClassOfVector(const char* mnemonic, char first_register) {
  static const char* const kMultiplyAdd[] = {"vmla.f32", "vmls.f32", "vfma.f32", "vfms.f32"};
  static const char* const kArithmetic[] = {"vmul.f32", "vadd.f32", "vsub.f32"};
  for (size_t i = 0; i < sizeof(kMultiplyAdd) / sizeof(*kMultiplyAdd); ++i) {
    if (!StartsWith(mnemonic, kMultiplyAdd[i])) continue;
    if (first_register == 'q') return kFloatMultiplyAddQuad;
    return first_register == 'd' ? kFloatMultiplyAddDouble : kFloatMultiplyAddScalar;
  }
  for (size_t i = 0; i < sizeof(kArithmetic) / sizeof(*kArithmetic); ++i) {
    if (first_register == 'q' && StartsWith(mnemonic, kArithmetic[i])) return kFloatQuad;
  }
  if (StartsWith(mnemonic, "vmlal") || StartsWith(mnemonic, "vmlsl")) {
    return kIntegerMultiplyAddLong;
  }
  if (StartsWith(mnemonic, "vmull")) return kIntegerMultiplyLong;
  if (StartsWith(mnemonic, "vld") || StartsWith(mnemonic, "vpop")) return kVectorLoad;
  if (StartsWith(mnemonic, "vst") || StartsWith(mnemonic, "vpush")) return kVectorStore;
  return kVectorOther;
}

/* By the disassembly: "vmla.f32 q8, q0, d2[0]". */
static enum Class ClassOf(const char* text) {
  char mnemonic[32];
  size_t length = 0;
  text += strspn(text, " ");
  while (text[length] != '\0' && text[length] != ' ' && text[length] != '\t' &&
         length + 1 < sizeof(mnemonic)) {
    mnemonic[length] = text[length];
    ++length;
  }
  mnemonic[length] = '\0';
  text += length;
  text += strspn(text, " \t");
  if (mnemonic[0] == 'v') return ClassOfVector(mnemonic, *text);
  if (StartsWith(mnemonic, "ld") || StartsWith(mnemonic, "pop")) return kLoad;
  if (StartsWith(mnemonic, "st") || StartsWith(mnemonic, "push")) return kStore;
  if (mnemonic[0] == 'b' && !StartsWith(mnemonic, "bic") && !StartsWith(mnemonic, "bf")) {
    return kBranch;
  }
  return kOther;
}

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
