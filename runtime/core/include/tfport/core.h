/* What tfport adds to the C API of TensorFlow: the CPU check, the switch of the fast kernels, the
 * log and facts about the library.
 *
 * C99; no other header is needed. Strings that functions return are static, UTF-8 and never freed.
 * Sizes are bytes. No function throws. Unless a function says otherwise it may be called from any
 * thread at any time. Nothing here has a name in common with tfport.h of TensorFlow Lite's library.
 */
#ifndef TFPORT_CORE_H_
#define TFPORT_CORE_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- CPU
 * ----------------------------------------------------------------------------------------- */

/* Says whether this CPU can run the library.
 *
 * Returns NULL when it can, else one sentence that names every missing feature (NEON, VFPv4,
 * hardware divide), as read from the kernel (AT_HWCAP). Runs on any ARMv7-A.
 *
 * TensorFlow registers its ops before main, so a program that links the library would die of
 * SIGILL there. It ends with this sentence on stderr and exit code 7 instead; only a function in
 * the program's own .preinit_array comes earlier. */
const char* TfPortCoreCheckCpu(void);

/* ---- Log
 * ----------------------------------------------------------------------------------------- */

/* Severity of a log message; the values are those of TF_CPP_MIN_LOG_LEVEL. */
typedef enum TfPortCoreLogSeverity {
  kTfPortCoreLogInfo = 0,
  kTfPortCoreLogWarning = 1,
  kTfPortCoreLogError = 2,
  kTfPortCoreLogFatal = 3 /* An assertion failed: TensorFlow aborts the process after this. */
} TfPortCoreLogSeverity;

/* Receives one message without a final newline. `message` is valid during the call only. Called on
 * the thread that logs, one call at a time; must not call into the library. A handler that gets
 * kTfPortCoreLogFatal may end the process in its own way instead of returning. */
typedef void (*TfPortCoreLogHandler)(void* context, TfPortCoreLogSeverity severity,
                                     const char* message);

/* Sends every message of the library to `handler`. NULL brings back the default, which writes to
 * stderr. `context` stays the caller's and must live as long as the handler is set. For start-up:
 * not while another thread is inside the library. */
void TfPortCoreSetLogHandler(TfPortCoreLogHandler handler, void* context);

/* Drops messages below `severity`, which is not kTfPortCoreLogFatal, by setting
 * TF_CPP_MIN_LOG_LEVEL in this process's environment. TensorFlow reads it once, at its first
 * message: call this before anything of TensorFlow, and not while another thread reads the
 * environment. Later it has no effect. The default is kTfPortCoreLogInfo. */
void TfPortCoreSetMinimumLogSeverity(TfPortCoreLogSeverity severity);

/* ---- Fast kernels
 * -------------------------------------------------------------------------------- */

/* Conv2D, DepthwiseConv2dNative and MatMul run through XNNPACK, where that can, unless `enabled`
 * is 0. Holds for graphs that sessions prepare from now on: call it before a session's first run.
 */
void TfPortCoreSetXnnpack(int enabled);

/* How many nodes of the graphs that sessions have prepared in this process run through XNNPACK:
 * they are counted by the kernels that exist, so a node that runs again counts once, and those of a
 * deleted session count no more. */
long TfPortCoreXnnpackOps(void);

/* Bytes that XNNPACK's packed copies of weights take now; 0 in a library that does not count
 * them. */
size_t TfPortCorePackedWeightsBytes(void);

/* Names of the XNNPACK microkernels for matrix products and convolutions (GEMM, IGEMM, depthwise)
 * that have been chosen in this process so far, each once, in order of first use. Writes at most
 * `capacity` of them to `names` (may be NULL when capacity is 0) and returns how many there are. */
size_t TfPortCoreKernelNames(const char** names, size_t capacity);

/* ---- About the library
 * --------------------------------------------------------------------------- */

/* Version of the runtime, such as "2.14.1". */
const char* TfPortCoreVersion(void);

/* Name of the target that the library was built for, such as "zuluko". */
const char* TfPortCoreTarget(void);

/* The ops and kernels that are registered in this library: a JSON object. `build.py check` reads
 * the same text from the archive, where it starts with the key "tfport_manifest". */
const char* TfPortCoreOpsManifest(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TFPORT_CORE_H_ */
