/* A QEMU TCG plugin that counts the instructions of each core of an emulated board, and of them
 * those that wait; for the whole run, and until the program first comes to a place.
 *
 * Debian ships no qemu-plugin.h, so the few functions that are used are declared here, as version 1
 * of the plugin interface has them (QEMU 4.2 to 7.2 and later). Each core has a counter of its own.
 *
 * Arguments: out=FILE; idle=BEGIN-END, two hexadecimal addresses between which code waits; and,
 * where wanted, until=ADDRESS, hexadecimal, of the start of a function. At exit one line of JSON
 * goes to FILE: {"work": [n for each core], "wait": [n for each core], "until": n}. The last is the
 * work of all cores before that function ran first, -1 when it did not.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
enum { kNoRegisters = 0, kMostCores = 16 };

extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb*);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                                  void (*)(qemu_plugin_id_t,
                                                           struct qemu_plugin_tb*));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb*,
                                                 void (*)(unsigned core, void*), int flags, void*);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void*),
                                           void*);

EXPORT int qemu_plugin_version = 1;

/* A cache line each: cores may run on threads of their own. */
static struct Counts {
  uint64_t work;
  uint64_t wait;
  char rest[48];
} counts[kMostCores];
static unsigned cores = 1;
static uint64_t idle_begin, idle_end;
static uint64_t until_address = UINT64_MAX;
static int64_t until = -1;
static char out_path[4096];

static void OnWork(unsigned core, void* instructions) {
  if (core < kMostCores) counts[core].work += (uintptr_t)instructions;
  if (core >= cores && core < kMostCores) cores = core + 1;
}

static void OnWait(unsigned core, void* instructions) {
  if (core < kMostCores) counts[core].wait += (uintptr_t)instructions;
}

static void OnPlace(unsigned core, void* data) {
  (void)core;
  (void)data;
  if (until >= 0) return;
  until = 0;
  for (unsigned i = 0; i < cores; ++i) until += (int64_t)counts[i].work;
}

static void OnTranslate(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  const uint64_t at = qemu_plugin_tb_vaddr(tb);
  /* Before its own instructions are counted. */
  if (at == until_address) {
    qemu_plugin_register_vcpu_tb_exec_cb(tb, OnPlace, kNoRegisters, NULL);
  }
  const int waits = at >= idle_begin && at < idle_end;
  qemu_plugin_register_vcpu_tb_exec_cb(tb, waits ? OnWait : OnWork, kNoRegisters,
                                       (void*)(uintptr_t)qemu_plugin_tb_n_insns(tb));
}

static void Write(FILE* file, const char* name, int wait) {
  fprintf(file, "\"%s\": [", name);
  for (unsigned i = 0; i < cores; ++i) {
    fprintf(file, "%s%" PRIu64, i > 0 ? ", " : "", wait ? counts[i].wait : counts[i].work);
  }
  fputc(']', file);
}

static void OnExit(qemu_plugin_id_t id, void* data) {
  (void)id;
  (void)data;
  FILE* file = fopen(out_path, "w");
  if (file == NULL) return;
  fputc('{', file);
  Write(file, "work", 0);
  fputs(", ", file);
  Write(file, "wait", 1);
  fprintf(file, ", \"until\": %" PRId64 "}\n", until);
  fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void* info, int argc, char** argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    if (strncmp(argv[i], "out=", 4) == 0) {
      snprintf(out_path, sizeof(out_path), "%s", argv[i] + 4);
    } else if (strncmp(argv[i], "until=", 6) == 0) {
      if (sscanf(argv[i] + 6, "%" SCNx64, &until_address) != 1) {
        fprintf(stderr, "core_count: %s is not until=ADDRESS\n", argv[i]);
        return -1;
      }
    } else if (sscanf(argv[i], "idle=%" SCNx64 "-%" SCNx64, &idle_begin, &idle_end) != 2) {
      fprintf(stderr, "core_count: %s is not idle=BEGIN-END\n", argv[i]);
      return -1;
    }
  }
  if (out_path[0] == '\0') {
    fprintf(stderr, "core_count: out=FILE is missing\n");
    return -1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, OnTranslate);
  qemu_plugin_register_atexit_cb(id, OnExit, NULL);
  return 0;
}
