/* The classes in which the counting plugins sort ARM instructions, by their disassembly. */
#ifndef TFPORT_INSN_CLASS_H_
#define TFPORT_INSN_CLASS_H_

#include <stddef.h>
#include <string.h>

enum Class {
  kFloatMultiplyAddQuad,
  kFloatMultiplyAddDouble,
  kFloatMultiplyAddScalar,
  kFloatQuad,
  kIntegerMultiplyAddLong,
  kIntegerMultiplyLong,
  kRequantise,
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
                                             "requantise",
                                             "vector_load",
                                             "vector_store",
                                             "vector_other",
                                             "load",
                                             "store",
                                             "branch",
                                             "other"};

static int StartsWith(const char* text, const char* prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum Class ClassOfVector(const char* mnemonic, char first_register) {
  static const char* const kMultiplyAdd[] = {"vmla.f32", "vmls.f32", "vfma.f32", "vfms.f32"};
  /* What turns 32-bit sums into 8-bit results, and hardly anything else needs. */
  static const char* const kRequantisation[] = {"vqdmulh", "vqrdmulh", "vrshl",    "vqmov",
                                                "vcvt",    "vqshl",    "vqadd.s16"};
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
  for (size_t i = 0; i < sizeof(kRequantisation) / sizeof(*kRequantisation); ++i) {
    if (StartsWith(mnemonic, kRequantisation[i])) return kRequantise;
  }
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

#endif /* TFPORT_INSN_CLASS_H_ */
