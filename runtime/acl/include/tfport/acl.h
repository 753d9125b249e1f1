/* A network compiled for the Arm Compute Library, behind a C API like TensorFlow Lite's.
 *
 * The network and its weights are part of the library: there is no file to load, and nothing about
 * it changes at run time. C99; no other header is needed. Strings that functions return are
 * static, UTF-8 and never freed. Sizes are bytes. No function throws; one engine is used by one
 * thread at a time.
 */
#ifndef TFPORT_ACL_H_
#define TFPORT_ACL_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum TfPortAclStatus { kTfPortAclOk = 0, kTfPortAclError = 1 } TfPortAclStatus;

typedef enum TfPortAclType {
  kTfPortAclFloat32 = 0,
  kTfPortAclInt8 = 1,
  kTfPortAclUInt8 = 2
} TfPortAclType;

/* real = scale * (stored - zero_point); scale is 0 for what is not quantised. */
typedef struct TfPortAclQuantizationParams {
  float scale;
  int32_t zero_point;
} TfPortAclQuantizationParams;

typedef struct TfPortAclEngine TfPortAclEngine;
typedef struct TfPortAclTensor TfPortAclTensor;

/* ---- Engine
 * -------------------------------------------------------------------------------------- */

/* Makes an engine, with weights transformed and all memory in place. `threads` (1 or more) is
 * that of the whole process: the library has one set of threads. NULL when there is no memory for
 * the arena, or when the library refuses an operator; TfPortAclLastError says which.
 *
 * What the library allocates by itself cannot fail softly: it ends the process where memory is
 * short. */
TfPortAclEngine* TfPortAclEngineCreate(int32_t threads);

/* NULL is allowed. */
void TfPortAclEngineDelete(TfPortAclEngine* engine);

/* Why the last TfPortAclEngineCreate of this process failed; "" when it did not. */
const char* TfPortAclLastError(void);

int32_t TfPortAclEngineGetInputTensorCount(const TfPortAclEngine* engine);
int32_t TfPortAclEngineGetOutputTensorCount(const TfPortAclEngine* engine);

/* NULL when there is none of that index. The tensor is the engine's. */
TfPortAclTensor* TfPortAclEngineGetInputTensor(TfPortAclEngine* engine, int32_t index);
const TfPortAclTensor* TfPortAclEngineGetOutputTensor(const TfPortAclEngine* engine, int32_t index);

/* One inference. Inputs keep their values, outputs hold theirs until the next one. */
TfPortAclStatus TfPortAclEngineInvoke(TfPortAclEngine* engine);

/* ---- Tensors
 * ------------------------------------------------------------------------------------- */

const char* TfPortAclTensorName(const TfPortAclTensor* tensor);
TfPortAclType TfPortAclTensorType(const TfPortAclTensor* tensor);
int32_t TfPortAclTensorNumDims(const TfPortAclTensor* tensor);
int32_t TfPortAclTensorDim(const TfPortAclTensor* tensor, int32_t index);
size_t TfPortAclTensorByteSize(const TfPortAclTensor* tensor);
TfPortAclQuantizationParams TfPortAclTensorGetQuantizationParams(const TfPortAclTensor* tensor);

/* Where its values lie, batch, height, width, channels, for as long as the engine lives. */
void* TfPortAclTensorData(const TfPortAclTensor* tensor);

/* An error when `size` is not the tensor's. */
TfPortAclStatus TfPortAclTensorCopyFromBuffer(TfPortAclTensor* tensor, const void* data,
                                              size_t size);
TfPortAclStatus TfPortAclTensorCopyToBuffer(const TfPortAclTensor* tensor, void* data, size_t size);

/* ---- About the library
 * --------------------------------------------------------------------------- */

/* NULL when this CPU can run it, else a sentence that names every feature that is missing. */
const char* TfPortAclCheckCpu(void);

/* Version of the Arm Compute Library, such as "24.11". */
const char* TfPortAclVersion(void);

/* Name of the target that the library was built for, such as "zuluko". */
const char* TfPortAclTarget(void);

/* The model that was compiled: the name of its file, and what that is known again by (the CRC-32 is
 * that of zlib). */
const char* TfPortAclModelName(void);
const char* TfPortAclModelSha256(void);
size_t TfPortAclModelBytes(void);
uint32_t TfPortAclModelCrc32(void);

/* What the library holds: a JSON object, which `build.py check` reads from the archive too. */
const char* TfPortAclOpsManifest(void);

/* Of all activations, planned when the model was compiled. */
size_t TfPortAclArenaBytes(void);

/* How many functions of the library one inference calls. */
int32_t TfPortAclFunctionCount(const TfPortAclEngine* engine);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TFPORT_ACL_H_ */
