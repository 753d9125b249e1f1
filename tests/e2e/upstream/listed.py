"""Reads tests.toml, and finds the ops of each of TensorFlow's C++ wrappers.

Only the standard library, Python's TOML and the steps of the recipes: SConstruct runs this file too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TESTS = Path(__file__).with_name("tests.toml")
# cc/BUILD generates a wrapper for the ops of one source. These ops are defined elsewhere, by the C API.
_FROM_C_API = {
    "array_ops": ("bitcast",),
    "logging_ops": ("histogram_summary", "merge_summary", "summary"),
}
_OP = re.compile(r'\b(?:REGISTER_OP|REGISTER_SYSTEM_OP|TF_NewOpDefinitionBuilder)\(\s*"(\w+)"')
_COMMENT = re.compile(r"//[^\n]*")
_RULE = re.compile(r"^tf_gen_op_wrappers_cc\((.*?)^\)", re.MULTILINE | re.DOTALL)
_NAMES = re.compile(r"op_lib_names = \[(.*?)\]", re.DOTALL)


@dataclass(frozen=True)
class Test:
    """One of TensorFlow's test files.

    path: below TensorFlow's tree. text: whether it needs text forms of messages. unrun: tests (in the form of
    googletest's filters) that are not run. cases: how many run.
    """

    __test__ = False  # pytest collects classes of such a name

    path: str
    text: bool
    unrun: tuple[str, ...]

    @property
    def name(self) -> str:
        """A name for a file, of its path: ``core_framework_tensor``."""
        return re.sub(r"\W", "_", self.path[len("tensorflow/") : -len("_test.cc")])


@dataclass(frozen=True)
class Listed:
    """What tests.toml says; its head explains each key."""

    tests: tuple[Test, ...]
    ops: tuple[str, ...]
    types: str
    kernels: tuple[str, ...]
    support: tuple[str, ...]
    wrappers: tuple[str, ...]
    left_out: Mapping[str, str]  # glob -> why

    @classmethod
    def read(cls, path: Path) -> Listed:
        """Read the file. Raises KeyError, TypeError or ValueError for what it should not hold."""
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        unrun: dict[str, list[str]] = {}
        for entry in data.pop("unrun", []):
            assert entry.pop("why").strip(), entry
            unrun.setdefault(entry.pop("file"), []).extend(entry.pop("tests"))
            assert not entry, entry
        tests = []
        for group in data.pop("group"):
            folder, texts = group.pop("folder"), group.pop("text", [])
            names = group.pop("tests", [])
            for name in sorted({*names, *texts}):
                path_ = f"tensorflow/{folder}/{name}_test.cc"
                tests.append(Test(path_, name in texts, tuple(unrun.pop(path_, ()))))
            assert not group and not set(names) & set(texts), group
        assert not unrun, f"no such test is listed: {sorted(unrun)}"
        left_out = {glob: entry["why"] for entry in data.pop("left_out") for glob in entry["files"]}
        lists = {key: tuple(data.pop(key)) for key in ("ops", "kernels", "support", "wrappers")}
        return cls(tests=tuple(tests), left_out=left_out, **lists, **data)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """A selection for the steps that find sources; the text of types stands for a kernel's class."""
        return [(op, self.types) for op in self.ops]

    def why_left_out(self, path: str) -> str:
        """Why a test file is not listed; "" for one of which nothing is said."""
        return next((why for glob, why in self.left_out.items() if fnmatchcase(path, glob)), "")


def wrappers(tree: Path) -> str:
    """A line for each wrapper that TensorFlow's build generates: NAME 0|1 OP..., for cc_ops.cc.

    tree: TensorFlow's sources. With 1, its build asks for internal ops and gives no definitions of the API.
    """
    return "".join(f"{line}\n" for line in _wrappers(tree))


def _wrappers(tree: Path) -> Iterator[str]:
    text = (tree / "tensorflow/cc/BUILD").read_text(encoding="utf-8")
    for rule in _RULE.findall(text):
        internal = int("include_internal_ops = 1" in rule)
        for names in _NAMES.findall(rule):
            for name in re.findall(r'"(\w+)"', names):
                if name == "test_op" or name.startswith("tpu_"):
                    continue  # no test that is listed needs them
                folder = tree / "tensorflow/core"
                sources = [folder / ("user_ops/fact.cc" if name == "user_ops" else f"ops/{name}.cc")]
                more = (tree / f"tensorflow/c/kernels/ops/{each}.cc" for each in _FROM_C_API.get(name, ()))
                yield " ".join([name, str(internal), *sorted(_ops([*sources, *more]))])


def _ops(sources: list[Path]) -> set[str]:
    texts = (_COMMENT.sub("", path.read_text(encoding="utf-8")) for path in sources if path.is_file())
    return {op for text in texts for op in _OP.findall(text)}
