"""The machine: where tfport keeps things, how many compilers fit on it, which Debian packages it lacks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfport.command import run
from tfport.errors import CommandFailed, InstallFailed, PackagesMissing
from tfport.target import Target

_MEMORY_PER_JOB = 1.5e9  # bytes: what a compiler takes for TensorFlow's larger units
Which = Callable[[str], object]


@dataclass(frozen=True)
class Need:
    """Something that a build asks of the machine: a program or a file, and the packages that bring it."""

    what: str
    packages: tuple[str, ...]
    purpose: str

    def is_met(self, which: Which = shutil.which) -> bool:
        """Whether the program is on the PATH, or the file is there."""
        return Path(self.what).exists() if self.what.startswith("/") else which(self.what) is not None


def needs(target: Target) -> list[Need]:
    """All that a build for ``target`` asks of the machine."""
    compiler, emulator = target.compiler, target.emulator
    if target.board is None:
        loader = target.sysroot / "lib" / "ld-linux-armhf.so.3"
        libraries = [Need(str(loader), compiler.packages, "run dynamic programs under the emulator")]
    else:  # of the compiler's packages, those that its programs do not prove to be there
        libraries = [
            Need("/usr/include/newlib/stdio.h", compiler.packages, f"the C library of {target.name}"),
            Need("/usr/include/newlib/c++", compiler.packages, f"the C++ library of {target.name}"),
        ]
    return [
        Need("gcc", ("build-essential",), "build tools that run here (flatc)"),
        Need("g++", ("build-essential",), "build tools that run here (flatc)"),
        Need("cmake", ("cmake",), "configure the recipes"),
        Need("ninja", ("ninja-build",), "build the recipes"),
        Need(compiler.program("gcc"), compiler.packages, f"compile for {target.name}"),
        Need(compiler.program("g++"), compiler.packages, f"compile for {target.name}"),
        Need(compiler.program("objcopy"), compiler.packages, "make the one archive"),
        *libraries,
        Need(emulator.program, emulator.packages, f"run programs for {target.name}"),
    ]


def suite_needs() -> list[Need]:
    """What the tests ask of the machine on top of the builds."""
    return [
        Need("pkg-config", ("pkgconf",), "test a consumer that asks pkg-config"),
        Need("ccache", ("ccache",), "test builds that share a cache of objects"),
        Need("distccd", ("distcc",), "test builds on more than one machine"),
    ]


def unmet(wanted: Iterable[Need], which: Which = shutil.which) -> list[Need]:
    """Those needs that this machine does not meet."""
    return [need for need in wanted if not need.is_met(which)]


def apt_steps(packages: Iterable[str]) -> list[list[str]]:
    """The two commands that install Debian packages, with sudo unless this is root."""
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    names = list(dict.fromkeys(packages))
    return [
        [*sudo, "apt-get", "update"],
        [*sudo, "apt-get", "install", "-y", "--no-install-recommends", *names],
    ]


def apt_line(packages: Iterable[str]) -> str:
    """The same as one line for a shell."""
    return " && ".join(" ".join(step) for step in apt_steps(packages))


def provide(
    wanted: Sequence[Need],
    *,
    install: bool,
    log: Path,
    say: Callable[[str], None],
    which: Which = shutil.which,
) -> None:
    """See that every need is met; with ``install`` by apt.

    Raises ``PackagesMissing`` with the exact line to run, or ``InstallFailed``.
    """
    lacking = unmet(wanted, which)
    if not lacking:
        return
    packages = list(dict.fromkeys(name for need in lacking for name in need.packages))
    missing = "\n".join(f"{need.what}: {need.purpose}" for need in lacking)
    if not install:
        raise PackagesMissing(
            f"This machine lacks Debian packages: {' '.join(packages)}",
            missing,
            f"Run this, or add --install-deps:\n  {apt_line(packages)}",
        )
    say(f"Installing {' '.join(packages)}")
    try:
        for number, step in enumerate(apt_steps(packages)):
            run(step, env={"DEBIAN_FRONTEND": "noninteractive"}, log=log.with_suffix(f".{number}.log"))
    except CommandFailed as error:
        raise InstallFailed(
            "apt-get could not install the Debian packages", error.why, f"By hand: {apt_line(packages)}"
        ) from None
    still = unmet(lacking, which)
    if still:
        raise InstallFailed(
            f"After the installation this is still missing: {', '.join(need.what for need in still)}",
            "The distribution may keep it in another package than Debian 12 does.",
        )


def check_compiler(target: Target) -> str:
    """The cross compiler's full version. Raises ``PackagesMissing`` if its major version is another one."""
    program = target.compiler.program("gcc")
    version = run([program, "-dumpfullversion"]).stdout.strip()
    if version.split(".")[0] != target.compiler.version:
        raise PackagesMissing(
            f"{program} is version {version}; {target.name} is built with {target.compiler.version}",
            "Another compiler needs other symbols of the device's libraries; its result would be unproven.",
            f"Install GCC {target.compiler.version} (Debian 12 has it), or change the target file.",
        )
    return version


def tfport_home() -> Path:
    """Where caches live: ``$TFPORT_HOME``, else ``tfport`` in the user's cache folder."""
    given = os.environ.get("TFPORT_HOME")
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(given or Path(cache) / "tfport").expanduser().absolute()


def total_memory_bytes() -> int:
    """Memory of this machine, or of the container that it is."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(physical, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    except (OSError, ValueError):  # no control group, or no limit in it
        return physical


def compile_jobs(memory_bytes: int | None = None, cores: int | None = None) -> int:
    """How many compilers run at once: one a core, as far as memory reaches."""
    memory = total_memory_bytes() if memory_bytes is None else memory_bytes
    available = len(os.sched_getaffinity(0)) if cores is None else cores
    return max(1, min(available, int(memory // _MEMORY_PER_JOB)))
