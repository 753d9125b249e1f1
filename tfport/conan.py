"""Conan, to which only this module and ``conan_server`` talk: profile, export, build, package folder.

Conan owns the order of the recipes, the binary cache and the package identity. It runs in tfport's own
``CONAN_HOME``, without remotes, and takes sources from the cache that ``tfport.sources`` fills.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import jinja2

from tfport.command import Completed, meaningful_lines, run
from tfport.errors import BuildFailed, CommandFailed, DiskFull
from tfport.recipe import Recipe
from tfport.target import ROOT, Target

CODE_FLAGS = ("-ffunction-sections", "-fdata-sections", "-fPIC", "-g1")
SYSROOT = "tfport-sysroot/1.0"
HOOK = Path(__file__).with_name("conan_hook.py")
_PATHS = 1  # of the names that the hook gives to files: whoever changes them makes other bytes, so raise it
CXX_ONLY_FLAGS = ("-fno-gnu-unique", "-Wno-psabi")
# CMake itself would take -O3: more code, while the loops that matter are written by hand.
_RELEASE_FLAGS = {f"CMAKE_{language}_FLAGS_RELEASE": "-O2 -DNDEBUG" for language in ("C", "CXX")}
_PACKAGE_ID_CONFS = (
    *("tools.build:cflags", "tools.build:cxxflags", "user.tfport:target"),
    *("user.tfport:paths", "user.tfport:sysroot"),
)
_TOOLS = (("AR", "ar"), ("NM", "nm"), ("OBJCOPY", "objcopy"), ("RANLIB", "ranlib"), ("STRIP", "strip"))
# Flags of the user's shell would get into every object without showing in the package identity.
_NEUTRAL_ENV = dict.fromkeys(
    ("CC", "CXX", "ASM", "CFLAGS", "CXXFLAGS", "ASMFLAGS", "CPPFLAGS", "LDFLAGS"), ""
)
# Clock and language of the machine would get into packages too.
_NEUTRAL_ENV |= {"SOURCE_DATE_EPOCH": "315532800", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_INSTALLING = re.compile(
    r"^-+ (?:Installing|Downloading) package (\S+?/\S+?)(?:#\S*)? \((\d+) of (\d+)\) -+$"
)
_INSTALLED = re.compile(r"^(\S+?/\S+?)(?:#\S*)?: Already installed! \((\d+) of (\d+)\)$")
# The system, SQLite (Conan's own tables), a quota.
_FULL = re.compile("No space left on device|database or disk is full|Disk quota exceeded")
_BUILDING = re.compile(r"^Building from source (\S+?/[^:#]+)")
_DOWNLOADING = re.compile(r"^-+ Downloading (\d+) packages? -+$")
_DOWNLOADED = re.compile(r"^(\S+?/[^:#]+)(?:#\S*)?: Downloaded package revision ")


@dataclass(frozen=True)
class RecipeEvent:
    """What happens to one recipe: ``state`` is ``started``, ``built``, ``downloaded`` or ``cached``."""

    reference: str
    state: str
    index: int
    total: int
    seconds: float
    log: Path


Listener = Callable[[RecipeEvent], None]


def render_profile(
    target: Target, jobs: int, ccache_base: Path | None = None, ccache: str | None = None
) -> str:
    """The Conan host profile of a target.

    ``jobs`` is the number of compilers at once. ``ccache`` is the program's path, if it is to be used;
    ``ccache_base`` is the folder whose place does not matter to it. None of them gets into an identity.
    """
    folder = ROOT / "toolchains" / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    bare = target.board is not None
    flags = (*target.compile_flags, *(flag for flag in CODE_FLAGS if not (bare and flag == "-fPIC")))
    launchers = {f"CMAKE_{language}_COMPILER_LAUNCHER": ccache for language in ("C", "CXX")} if ccache else {}
    return environment.get_template("profile.jinja").render(
        target=target,
        jobs=jobs,
        compilers={
            "c": target.compiler.program("gcc"),
            "cpp": target.compiler.program("g++"),
            "asm": target.compiler.program("gcc"),
        },
        c_flags=flags,
        cxx_flags=(*flags, *CXX_ONLY_FLAGS),
        extra_variables={**_RELEASE_FLAGS, **launchers},
        package_id_confs=_PACKAGE_ID_CONFS,
        tools=_TOOLS,
        # An image runs where it was linked to run.
        options={"*/*:fPIC": False, "tfport-baremetal/*:board": target.board_facts} if bare else {},
        tool_requires=(SYSROOT,) if bare else (),
        sysroot=_sysroot_digest() if bare else "",
        ccache_base=ccache_base,
        paths=_PATHS,
    )


def _sysroot_digest() -> str:
    """Of what the sysroot puts into every compile; Conan leaves tools out of package identities."""
    runtime = ROOT / "runtime" / "baremetal"
    total = hashlib.sha256((runtime / "flags.txt").read_bytes())
    for path in sorted((runtime / "include").rglob("*")):
        if path.is_file() and path.name != "baremetal.h":  # the recipe leaves it out
            total.update(f"{path.relative_to(runtime)}\0".encode())
            total.update(path.read_bytes())
    return total.hexdigest()[:16]


@dataclass
class Conan:
    """Conan in a home of its own; ``logs`` gets one file per recipe."""

    home: Path
    sources: Path
    logs: Path
    python: str = sys.executable
    on_event: Listener = lambda event: None
    _ready: bool = field(default=False, repr=False)

    def export(self, recipes: Iterable[Recipe]) -> None:
        """Put the recipes with their patches into Conan's cache, as they are now."""
        for recipe in recipes:
            self.run(
                ["export", recipe.folder, "--name", recipe.name, "--version", recipe.version],
                log=self.logs / "export" / f"{recipe.name}.log",
            )

    def install(
        self,
        reference: str,
        profile: str,
        options: Sequence[str] = (),
        *,
        remote: str | None = None,
        build: str = "missing",
    ) -> Path:
        """Build ``reference`` (``name/version``) and all it needs; returns its package folder.

        ``options`` are Conan option assignments (``tfport-lite/*:ops=all``). ``remote`` names a server whose
        packages are taken instead of building them; ``build`` "never" builds none. Raises ``BuildFailed``
        with the recipe that failed and its log, or ``DiskFull``.
        """
        graph = self.logs / "graph.json"
        watch = _Watch(self.logs, self.on_event)
        words = ["install", *self.about(reference, profile, options, remote), f"--build={build}"]
        words += ["--format=json", f"--out-file={graph}"]
        try:
            self.run(words, log=self.logs / "conan.log", on_line=watch.line)
        except CommandFailed as error:
            raise watch.failure(error) from None
        finally:
            watch.close()
        watch.finish()
        return package_folder(json.loads(graph.read_text(encoding="utf-8")), reference)

    def about(
        self, reference: str, profile: str, options: Sequence[str], remote: str | None = None
    ) -> list[str]:
        """The words that name a package and with what it is built, for any command on a graph."""
        words = [f"--requires={reference}", f"--remote={remote}" if remote else "--no-remote"]
        words += [f"--profile:host={self.write_profile(profile)}", "--profile:build=default"]
        return words + [f"--options:host={option}" for option in options]

    def test_package(self, recipe: Recipe, profile: str, options: Sequence[str] = ()) -> Completed:
        """Build (if missing) and run the ``test_package`` of one recipe under the emulator."""
        words: list[str | Path] = [
            "create",
            recipe.folder,
            "--name",
            recipe.name,
            "--version",
            recipe.version,
        ]
        words += ["--build=missing", "--no-remote", "--profile:build=default"]
        words += [f"--profile:host={self.write_profile(profile)}"]
        words += [f"--options:host={option}" for option in options]
        return self.run(words, log=self.logs / f"test-{recipe.name}.log")

    def write_profile(self, profile: str) -> Path:
        """Keep a rendered profile where Conan and a person can read it."""
        path = self.logs / "host.profile"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(profile, encoding="utf-8")
        return path

    def prepare(self) -> None:
        """Make the home: its configuration and the profile of this machine, for tools such as flatc."""
        if self._ready:
            return
        if not (self.home / "profiles" / "default").is_file():
            self._make_home()
        conf = f"core.sources:download_cache={self.sources}\ncore:non_interactive=True\n"
        path = self.home / "global.conf"
        if not path.is_file() or path.read_text(encoding="utf-8") != conf:
            path.write_text(conf, encoding="utf-8")
        hook = self.home / "extensions" / "hooks" / "hook_paths.py"
        hook.parent.mkdir(parents=True, exist_ok=True)
        if not hook.is_file() or hook.read_bytes() != HOOK.read_bytes():
            shutil.copyfile(HOOK, hook)
        self._ready = True

    def _make_home(self) -> None:
        # Beside its place: what a full disk or Ctrl-C leaves of it, Conan would take for whole ever after.
        fresh = self.home.with_name(f".{self.home.name}.new")
        for folder in (fresh, self.home):
            shutil.rmtree(folder, ignore_errors=True)
        fresh.mkdir(parents=True)
        self._conan(fresh, ["profile", "detect"], log=self.logs / "profile.log")
        fresh.rename(self.home)

    def run(
        self, words: Sequence[str | Path], *, log: Path, on_line: Callable[[str], None] | None = None
    ) -> Completed:
        """Any command of Conan's. Raises ``CommandFailed``, or ``DiskFull``."""
        self.prepare()
        return self._conan(self.home, words, log=log, on_line=on_line)

    def _conan(
        self,
        home: Path,
        words: Sequence[str | Path],
        *,
        log: Path,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        # A conan.lock or a .conanrc in the current folder would be used silently.
        folder = home / "cwd"
        folder.mkdir(exist_ok=True)
        env = {**_NEUTRAL_ENV, "CONAN_HOME": str(home), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            return run(
                [self.python, "-m", "conans.conan", *words], cwd=folder, env=env, log=log, on_line=on_line
            )
        except CommandFailed as error:
            if _FULL.search(error.stdout + error.stderr):
                raise DiskFull(
                    "No space is left on the disk while Conan ran",
                    str(home),
                    "Make room and run it again.",
                ) from None
            raise


def package_folder(graph: dict[str, Any], reference: str) -> Path:
    """The package folder of ``reference`` in the JSON that ``conan install`` prints."""
    for node in graph["graph"]["nodes"].values():
        if str(node.get("ref", "")).split("#", 1)[0] == reference and node.get("package_folder"):
            return Path(node["package_folder"])
    raise BuildFailed(f"Conan built no package for {reference}")


class _Watch:
    """Follows Conan's output: one log per recipe, and an event when a recipe starts and ends."""

    def __init__(self, logs: Path, on_event: Listener) -> None:
        self._logs = logs
        self._on_event = on_event
        self._sink: TextIO | None = None
        self._current: tuple[str, int, int, float] | None = None
        self._built = False
        self._downloads = (0, 0)
        self._lines: list[str] = []

    def line(self, text: str) -> None:
        installed = _INSTALLED.match(text.strip())
        found = installed or _INSTALLING.match(text.strip())
        if found:
            self.finish()
            self._current = (found[1], int(found[2]), int(found[3]), time.monotonic())
            self._built, self._lines = False, []
            self._tell("started")
        if installed:  # the log of the run that built it stays
            self.finish()
        elif found:
            self._sink = self._log(found[1]).open("w", encoding="utf-8", errors="replace", buffering=1)
        elif self._current is not None:
            said = _BUILDING.match(text)
            self._built = self._built or (said is not None and said[1] == self._current[0])
        else:
            self._follow_downloads(text)
        if self._sink is not None:
            self._sink.write(text + "\n")
            self._lines.append(text)

    def _follow_downloads(self, text: str) -> None:
        """They come before anything is built, several at once."""
        begun, ended = _DOWNLOADING.match(text), _DOWNLOADED.match(text)
        if begun:
            self._downloads = (0, int(begun[1]))
        elif ended:
            done, total = self._downloads
            self._downloads = (done + 1, total)
            log = self._logs / "conan.log"
            self._on_event(RecipeEvent(ended[1], "downloaded", done + 1, total, 0.0, log))

    def finish(self) -> None:
        if self._current is not None:
            self._tell("built" if self._built else "cached")
            self._current = None
        self.close()

    def close(self) -> None:
        if self._sink is not None:
            self._sink.close()
            self._sink = None

    def failure(self, error: CommandFailed) -> BuildFailed:
        if self._current is None:
            return BuildFailed(
                f"Conan refused the build (it {error.what.split(':')[0]})", error.why, error.hint
            )
        reference = self._current[0]
        return BuildFailed(
            f"{reference} could not be built",
            "\n".join(meaningful_lines("\n".join(self._lines))),
            f"The whole log: {self._log(reference)}",
        )

    def _log(self, reference: str) -> Path:
        return self._logs / f"{reference.split('/')[0]}.log"

    def _tell(self, state: str) -> None:
        assert self._current is not None
        reference, index, total, started = self._current
        seconds = time.monotonic() - started
        self._on_event(RecipeEvent(reference, state, index, total, seconds, self._log(reference)))
