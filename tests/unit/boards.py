"""What boards say of themselves in /proc/cpuinfo and ``ldd --version``."""

from __future__ import annotations

_NEON4 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm"


def _arm(
    cores: int, model: str, features: str, part: str, *, implementer: str = "0x41", arch: str = "7"
) -> str:
    return "\n".join(
        f"processor\t: {number}\nmodel name\t: {model}\nBogoMIPS\t: 38.40\nFeatures\t: {features}\n"
        f"CPU implementer\t: {implementer}\nCPU architecture: {arch}\nCPU variant\t: 0x0\n"
        f"CPU part\t: {part}\nCPU revision\t: 5\n"
        for number in range(cores)
    )


CORTEX_A7 = _arm(4, "ARMv7 Processor rev 5 (v7l)", _NEON4, "0xc07") + "\nHardware\t: Allwinner sun8i Family\n"
CORTEX_A9 = _arm(
    2, "ARMv7 Processor rev 10 (v7l)", "half thumb fastmult vfp edsp neon vfpv3 tls vfpd32", "0xc09"
)
# NVIDIA Tegra 2: a Cortex-A9 whose FPU has sixteen registers and no NEON.
CORTEX_A9_D16 = _arm(
    2, "ARMv7 Processor rev 0 (v7l)", "swp half thumb fastmult vfp edsp vfpv3 vfpv3d16", "0xc09"
)
CORTEX_A8 = _arm(
    1, "ARMv7 Processor rev 2 (v7l)", "half thumb fastmult vfp edsp thumbee neon vfpv3 tls", "0xc08"
)
CORTEX_A5 = _arm(
    1, "ARMv7 Processor rev 1 (v7l)", "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4", "0xc05"
)
# Kernels before 3.8 name the processor in one line and then number them.
OLD_KERNEL = (
    "Processor\t: ARMv7 Processor rev 0 (v7l)\nprocessor\t: 0\nBogoMIPS\t: 1581.05\n\nprocessor\t: 1\n"
    "BogoMIPS\t: 1581.05\n\nFeatures\t: swp half thumb fastmult vfp edsp neon vfpv3\n"
    "CPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x3\nCPU part\t: 0xc09\nCPU revision\t: 0\n"
    "\nHardware\t: Freescale i.MX 6Quad/DualLite Board\nSerial\t\t: 0000000000000000\n"
)
KRAIT = _arm(4, "ARMv7 Processor rev 1 (v7l)", _NEON4, "0x06f", implementer="0x51")
# A 64-bit core under a 32-bit kernel, as Raspberry Pi OS had it for years.
CORTEX_A53_32 = _arm(4, "ARMv7 Processor rev 4 (v7l)", f"{_NEON4} crc32", "0xd03")
PI_ZERO = _arm(1, "ARMv6-compatible processor rev 7 (v6l)", "half thumb fastmult vfp edsp java tls", "0xb76")
CORTEX_A72_64 = "\n".join(
    f"processor\t: {number}\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\n"
    "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n"
    for number in range(4)
)
CORTEX_A720_64 = CORTEX_A72_64.replace("0xd08", "0xd81")
X86 = (
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 55\n"
    "model name\t: Intel(R) Atom(TM) CPU  E3815  @ 1.46GHz\nflags\t\t: fpu vme de pse tsc msr sse2 lm\n"
)
ALL = {name: text for name, text in globals().items() if name.isupper() and isinstance(text, str)}

DEBIAN_10 = "ldd (Debian GLIBC 2.28-10+deb10u2) 2.28\nCopyright (C) 2018 Free Software Foundation, Inc.\n"
DEBIAN_9 = "ldd (Debian GLIBC 2.24-11+deb9u4) 2.24\nCopyright (C) 2016 Free Software Foundation, Inc.\n"
UBUNTU_22 = "ldd (Ubuntu GLIBC 2.35-0ubuntu3.8) 2.35\nCopyright (C) 2022 Free Software Foundation, Inc.\n"
YOCTO = "ldd (GNU libc) 2.31\nCopyright (C) 2020 Free Software Foundation, Inc.\n"
MUSL = "musl libc (armhf)\nVersion 1.2.4\nDynamic Program Loader\nUsage: /lib/ld-musl-armhf.so.1 [options]\n"
