/* What tfport adds to the C API of TensorFlow Lite: the CPU check, and hooks for logging, memory
 * and threads, and facts about the library.
 *
 * C99; no other header is needed. Strings that functions return are static, UTF-8 and never freed.
 * Sizes are bytes. No function throws. Unless a function says otherwise it may be called from any
 * thread at any time; the Set functions are for start-up: call them before the first model or
 * interpreter is created and not while another thread is inside the library.
 */
#ifndef TFPORT_TFPORT_H_
#define TFPORT_TFPORT_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct TfLiteInterpreter;
struct TfLiteInterpreterOptions;
struct TfLiteModel;

/* What the Set functions and a few others return. */
typedef enum TfPortStatus {
  kTfPortOk = 0,
  kTfPortInvalidArgument = 1, /* A required pointer or callback is NULL. */
  kTfPortBusy = 2,            /* Too late: the resource is in use already. */
  kTfPortUnavailable = 3      /* This library was built without the part. */
} TfPortStatus;

/* ---- CPU
 * ----------------------------------------------------------------------------------------- */

/* Says whether this CPU can run the library.
 *
 * Returns NULL when it can, else one sentence that names every missing feature (NEON, VFPv4,
 * hardware divide), as read from the kernel (AT_HWCAP). Models and interpreters are refused with
 * the same sentence instead of dying of SIGILL, so calling this is only needed to tell the reason
 * apart. Runs on any ARMv7-A.
 */
const char* TfPortCheckCpu(void);

/* ---- Log
 * ----------------------------------------------------------------------------------------- */

/* Severity of a log message; the values are those of TfLiteLogSeverity. */
typedef enum TfPortLogSeverity {
  kTfPortLogVerbose = 0,
  kTfPortLogInfo = 1,
  kTfPortLogWarning = 2,
  kTfPortLogError = 3
} TfPortLogSeverity;

/* Receives one message without a final newline. `message` is valid during the call only and is cut
 * after 1023 bytes. Called on the thread that logs, possibly on several at once; must not call into
 * the library. */
typedef void (*TfPortLogHandler)(void* context, TfPortLogSeverity severity, const char* message);

/* Sends every message of the library (log lines and errors that have no error reporter of their
 * own) to `handler`. NULL brings back the default, which writes to stderr. `context` stays the
 * caller's and must live as long as the handler is set. */
void TfPortSetLogHandler(TfPortLogHandler handler, void* context);

/* Drops messages below `severity`. The default is kTfPortLogInfo. */
void TfPortSetMinimumLogSeverity(TfPortLogSeverity severity);

/* ---- Memory
 * -------------------------------------------------------------------------------------- */

/* A source of memory for what grows with the model: tensor arenas, XNNPACK's packed weights and
 * workspaces, and models read into memory. Small bookkeeping, dynamic tensors (which kernels resize
 * by realloc) and thread stacks stay with malloc. Both callbacks may be called from several threads
 * at once. */
typedef struct TfPortAllocator {
  void* context; /* Passed on as it is. */
  /* Returns `size` bytes at a multiple of `alignment` (a power of two), or NULL when there is no
   * memory: the library then reports an error. */
  void* (*allocate)(void* context, size_t alignment, size_t size);
  /* Takes back what `allocate` returned; never called with NULL. */
  void (*deallocate)(void* context, void* pointer);
} TfPortAllocator;

/* Uses `allocator` (copied) from now on; NULL brings back malloc. Returns kTfPortBusy, and changes
 * nothing, while memory of the present allocator is in use; kTfPortInvalidArgument when a callback
 * is NULL. */
TfPortStatus TfPortSetAllocator(const TfPortAllocator* allocator);

/* Bytes that passed through the allocator hook, also when no hook is set. */
typedef struct TfPortMemoryUsage {
  size_t current_bytes;    /* In use now, as asked for by the allocator's caller (bookkeeping
                              included). */
  size_t high_water_bytes; /* The most that was in use at one time since start or the last reset. */
} TfPortMemoryUsage;

/* Fills `usage`, which must not be NULL. */
void TfPortGetMemoryUsage(TfPortMemoryUsage* usage);

/* Sets the high-water mark to what is in use now. */
void TfPortResetMemoryHighWater(void);

/* ---- Threads
 * ------------------------------------------------------------------------------------- */

/* Makes the worker threads of the library's thread pool. */
typedef struct TfPortThreadHooks {
  /* Starts a thread that calls entry(argument), and stores what `join` needs in *handle. Returns 0,
   * or another value when there is no thread: the interpreter then runs with fewer threads. */
  int (*create)(void* context, void* (*entry)(void*), void* argument, void** handle);
  /* Waits until the thread has ended and frees it. */
  void (*join)(void* context, void* handle);
  void* context; /* Passed on as it is. */
} TfPortThreadHooks;

/* Uses `hooks` (copied) for every pool made from now on; NULL brings back pthread_create. Pools
 * that exist keep the hooks they were made with. Errors: kTfPortInvalidArgument when a callback is
 * NULL, kTfPortUnavailable. */
TfPortStatus TfPortSetThreadHooks(const TfPortThreadHooks* hooks);

/* ---- Models and interpreters
 * --------------------------------------------------------------------- */

/* XNNPACK runs what it can unless it is turned off here. `enabled` is 0 or 1; other delegates are
 * not touched. Belongs to the thread rules of `options`. */
TfPortStatus TfPortInterpreterOptionsSetXnnpack(struct TfLiteInterpreterOptions* options,
                                                int enabled);

/* Bytes of the tensor arenas of all subgraphs, persistent ones included; 0 before
 * TfLiteInterpreterAllocateTensors. Follows the thread rules of `interpreter`. */
size_t TfPortInterpreterArenaBytes(const struct TfLiteInterpreter* interpreter);

/* Gives the pages of a model that was opened from a file back to the system, and returns how many
 * bytes the mapping spans; 0 when the model is not a file mapping. Whatever is still needed is read
 * again from the file on first use, so results never change. The library does this by itself once
 * XNNPACK has packed the weights; call it again after other readers of the whole model, such as a
 * checksum. */
size_t TfPortModelReleasePages(const struct TfLiteModel* model);

/* Bytes of a model's file mapping that are in this process's memory now (/proc/self/smaps); 0 when
 * the model is not a file mapping or there is no /proc. */
size_t TfPortModelResidentBytes(const struct TfLiteModel* model);

/* Bytes of weights that a model brings packed for this library (see tfport-pack) and that are used
 * where they are; 0 when it brings none or they do not fit. Nothing needs to be called for their
 * use: the memory of such a model must only start at a multiple of 16 bytes, better 64. */
size_t TfPortModelPackedBytes(const struct TfLiteModel* model);

/* ---- About the library
 * --------------------------------------------------------------------------- */

/* Version of the runtime, such as "2.14.1". */
const char* TfPortVersion(void);

/* Name of the target that the library was built for, such as "zuluko". */
const char* TfPortTarget(void);

/* The ops that are registered in this library: a JSON object. `build.py check` reads the same text
 * from the archive, where it starts with the key "tfport_manifest". */
const char* TfPortOpsManifest(void);

/* Names of the XNNPACK microkernels for matrix products and convolutions (GEMM, IGEMM, depthwise)
 * that have been chosen in this process so far, each once, in order of first use. Writes at most
 * `capacity` of them to `names` (may be NULL when capacity is 0) and returns how many there are. */
size_t TfPortKernelNames(const char** names, size_t capacity);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TFPORT_TFPORT_H_ */
