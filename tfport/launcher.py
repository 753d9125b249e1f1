"""What stands in front of every compiler: ccache, distcc, both, or nothing.

ccache finds its remote storage and distcc its hosts in the environment, as everywhere else. What is added
here is what would go wrong silently: a host that does not answer, a host with another compiler, and more
compilers on this machine than its memory holds once a host dies.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, Optional
from urllib.parse import urlsplit

from tfport.command import run
from tfport.environment import Need, compile_jobs
from tfport.errors import CommandFailed, FarmCompilerDiffers, FarmInvalid

CHOICES = ("ccache", "distcc", "ccache+distcc", "none")
_HOSTS, _BACKOFF, _STORAGE = "DISTCC_HOSTS", "DISTCC_BACKOFF_PERIOD", "CCACHE_REMOTE_STORAGE"
_PROBE = "int tfport_probe(int x) { return 3 * x; }\n"
_PROBE_FLAGS = ("-O2", "-g1", "-c", "probe.c")
_PROBE_SECONDS = 60.0
_HERE = re.compile(r"localhost(/|$)")  # distcc runs those without a server


@dataclass(frozen=True)
class Launcher:
    """``program`` stands before the compiler's words, ``environment`` goes with every compile for the target.

    ``hosts`` are distcc's, each as DISTCC_HOSTS spells it, options included. ``storage`` says in words where
    ccache looks besides its own folder.
    """

    name: str = "none"
    program: Optional[str] = None
    environment: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    storage: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """The CMake variables, which the recipes that SCons builds read too."""
        if self.program is None:
            return {}
        return {f"CMAKE_{language}_COMPILER_LAUNCHER": self.program for language in ("C", "CXX")}

    @property
    def jobs(self) -> int:
        """How many compilers run at once: distcc's slots, or what this machine holds."""
        return _slots(self.hosts) if self.hosts else compile_jobs()

    @property
    def description(self) -> str:
        """For the plan: empty without any."""
        if self.name == "none":
            return ""
        remote = [host for host in self.hosts if not host.startswith("--")]
        parts = [f" and {self.storage}" if self.storage else "", f" on {', '.join(remote)}" if remote else ""]
        return f", through {self.name}{''.join(parts)}"

    def build_profile(self, base: Path) -> str:
        """Of the tools that run here, such as protoc: ccache for them too, but no host of the farm.

        What a host's native compiler makes runs on that host; nothing says that it runs on this machine.
        """
        if not self.name.startswith("ccache"):
            return ""
        variables = f"tools.cmake.cmaketoolchain:extra_variables={self.variables}"
        return f"[conf]\n{variables}\n\n[buildenv]\nCCACHE_BASEDIR={base}\nCCACHE_NOHASHDIR=1\n"


def launcher_needs(name: Optional[str]) -> list[Need]:
    """What a choice asks of the machine."""
    purposes = {"ccache": "take objects from a cache", "distcc": "compile on other machines"}
    return [Need(each, (each,), purposes[each]) for each in (name or "none").split("+") if each in purposes]


def choose(name: Optional[str], environment: Mapping[str, str] = os.environ) -> Launcher:
    """The launcher of that name; None is ccache where it is installed.

    Raises ``FarmInvalid`` if distcc is asked for and has no hosts, or hosts that it cannot read.
    """
    ccache = shutil.which("ccache")
    name = name or ("ccache" if ccache else "none")
    if name == "none":
        return Launcher()
    storage = _storage(environment.get(_STORAGE, "")) if name.startswith("ccache") else ""
    if name == "ccache":
        return Launcher(name, ccache, storage=storage)
    hosts = tuple(environment.get(_HOSTS, "").split())
    if not hosts:
        raise FarmInvalid(
            f"{_HOSTS} is empty or not set, so distcc has no machine to compile on",
            "",
            f"For two machines with 8 and 16 slots: export {_HOSTS}='build1/8,lzo build2/16,lzo'",
        )
    if not any(host.startswith("--localslots=") for host in hosts):
        # What no host takes, distcc compiles here: four at once, whatever the memory, unless it is told.
        hosts += (f"--localslots={compile_jobs()}",)
    _slots(hosts)
    made = {_HOSTS: " ".join(hosts)}
    if environment.get(_BACKOFF, "").strip() in ("0", "00"):
        # distcc 3.4 then asks a dead host again and again until it runs out of file descriptors, and aborts.
        made[_BACKOFF] = "60"
    if name == "distcc":
        return Launcher(name, shutil.which("distcc"), made, hosts)
    return Launcher(name, ccache, {**made, "CCACHE_PREFIX": "distcc"}, hosts, storage)


def probed(launcher: Launcher, compiler: str, say: Callable[[str], None]) -> Launcher:
    """The launcher with those hosts that answer; ``compiler`` is the target's, by name.

    Raises ``FarmCompilerDiffers`` if a host makes another object than this machine.
    """
    options = tuple(host for host in launcher.hosts if host.startswith("--"))
    remote = [host for host in launcher.hosts if host not in options]
    if not remote:
        return launcher
    with tempfile.TemporaryDirectory(prefix="tfport-probe-") as name:
        folder = Path(name)
        (folder / "probe.c").write_text(_PROBE, encoding="utf-8")
        run([compiler, *_PROBE_FLAGS, "-o", "here.o"], cwd=folder, timeout=_PROBE_SECONDS)
        alive = [host for host in remote if _HERE.match(host) or _answers(host, compiler, folder, say)]
    if not any(not _HERE.match(host) for host in alive):
        say("No host of distcc answers: everything is compiled on this machine.")
        return choose("ccache" if launcher.name.startswith("ccache") else "none")
    hosts = (*alive, *options)
    return replace(launcher, hosts=hosts, environment={**launcher.environment, _HOSTS: " ".join(hosts)})


def _answers(host: str, compiler: str, folder: Path, say: Callable[[str], None]) -> bool:
    """Whether ``host`` compiles; raises ``FarmCompilerDiffers`` if what it makes is not what is made here."""
    environment = {_HOSTS: host, _BACKOFF: "1", "DISTCC_FALLBACK": "0", "DISTCC_SKIP_LOCAL_RETRY": "1"}
    words = ["distcc", compiler, *_PROBE_FLAGS, "-o", "there.o"]
    try:
        run(words, cwd=folder, env=environment, timeout=_PROBE_SECONDS)
    except CommandFailed as error:
        reason = next((line for line in error.stderr.splitlines() if "ERROR" in line), "it timed out")
        say(f"distcc's host {host} is left out: {reason.partition('ERROR: ')[2] or reason}")
        return False
    if (folder / "there.o").read_bytes() == (folder / "here.o").read_bytes():
        return True
    raise FarmCompilerDiffers(
        f"On distcc's host {host}, {compiler} makes other objects than the one of this machine",
        "It is another version, and the library would be a mixture of both.",
        f"Install the same version there, or take the host out of {_HOSTS}.",
    )


def _slots(hosts: tuple[str, ...]) -> int:
    """The sum over ``hosts``, as distcc reads them."""
    done = run(["distcc", "-j"], env={_HOSTS: " ".join(hosts)}, timeout=20, check=False)
    if done.stdout.strip().isdigit() and int(done.stdout) > 0:
        return int(done.stdout)
    said = [line.partition("ERROR: ")[2] for line in done.stderr.splitlines() if "ERROR: " in line]
    raise FarmInvalid(
        f"distcc cannot read {_HOSTS}: {' '.join(hosts)}",
        "\n".join(said),
        "Each host is NAME[:PORT][/SLOTS][,lzo]; `man distcc` has the rest.",
    )


def _storage(given: str) -> str:
    """Where a remote storage is, without the password that its address may hold."""
    url = urlsplit(given.split("|")[0].strip())
    place = url.path if url.scheme == "file" else url.netloc.rpartition("@")[2]
    return f"{url.scheme}://{place}" if url.scheme else ""
