/* The CPU check. This file is compiled for plain ARMv7-A (no NEON, no hardware divide), whatever
 * the target is, and holds no initialiser that runs before main: it must work on the CPU that it is
 * to refuse. */
#include <stddef.h>

#if defined(__linux__) && defined(__arm__)
#include <sys/auxv.h>
#endif

#ifndef TFPORT_TARGET
#define TFPORT_TARGET "unknown"
#endif

/* Every runtime's library has the function under a name of its own, so that one program may link
 * two of them. */
#ifndef TFPORT_CHECK_CPU
#define TFPORT_CHECK_CPU TfPortCheckCpu
#endif

const char* TFPORT_CHECK_CPU(void);

#define LACKS(features) \
  "this CPU lacks " features ", which a library built for " TFPORT_TARGET " needs"

#define NEON "NEON"
#define VFPV4 "VFPv4"
#define IDIV "hardware divide (IDIV)"

/* Whole sentences, so that the result needs neither memory nor formatting. Bit 0: NEON, 1: VFPv4,
 * 2: divide. */
static const char* const kSentences[8] = {
    NULL,        LACKS(NEON),           LACKS(VFPV4),           LACKS(NEON ", " VFPV4),
    LACKS(IDIV), LACKS(NEON ", " IDIV), LACKS(VFPV4 ", " IDIV), LACKS(NEON ", " VFPV4 ", " IDIV),
};

const char* TFPORT_CHECK_CPU(void) {
  unsigned missing = 0;
#if defined(__linux__) && defined(__arm__)
  /* Bits of the kernel's arch/arm ABI, spelled out because older C libraries lack some of the
   * names. */
  const unsigned long kNeon = 1ul << 12;
  const unsigned long kVfpv4 = 1ul << 16;
  const unsigned long kIdivArm = 1ul << 17;
  const unsigned long kIdivThumb = 1ul << 18;
  const unsigned long have = getauxval(AT_HWCAP);
  (void)have;
  (void)kNeon;
  (void)kVfpv4;
  (void)kIdivArm;
  (void)kIdivThumb;
#ifdef TFPORT_REQUIRE_NEON
  if (!(have & kNeon)) missing |= 1u;
#endif
#ifdef TFPORT_REQUIRE_VFPV4
  if (!(have & kVfpv4)) missing |= 2u;
#endif
#ifdef TFPORT_REQUIRE_IDIV
  if ((have & (kIdivArm | kIdivThumb)) != (kIdivArm | kIdivThumb)) missing |= 4u;
#endif
#endif
  return kSentences[missing];
}
