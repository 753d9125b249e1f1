"""Stand-ins for what the core SDK is made with: cross tools, a ConanFile, packages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.unit.elf_bytes import INIT_ARRAY, LOCAL, ElfBytes
from tests.unit.trees import grow
from tfport.core.sdk_core import CXX_HEADERS, CoreSdk
from tfport.target import ROOT

SELECTION = "AddV2:BinaryOp<CPUDevice, functor::add<float>>;Const:ConstantOp;PartitionedCall"
OTHER = "_ZN10tensorflow8OpKernelD2Ev"  # public, but no entry
TEMPLATES = ROOT / "toolchains" / "templates"


class FakeTools:
    """Stands in for CMake, ld, objcopy, ar and strip; each link gives the next of ``objects``."""

    def __init__(self, *objects: ElfBytes) -> None:
        self.commands: list[list[str]] = []
        self.entries = ""
        self._objects = [each.build() for each in objects]

    def __call__(self, argv: list[str]) -> None:
        self.commands.append(argv)
        if argv[0] == "arm-ld":
            scripts = [word for word in argv if word.endswith(".ld")]
            self.entries += "".join(Path(script).read_text() for script in scripts)
            Path(argv[argv.index("-o") + 1]).write_bytes(self._objects[0])
        elif argv[0] == "arm-objcopy":
            Path(argv[-1]).write_bytes(self._objects[0])
        elif argv[0] == "arm-ar":
            Path(argv[2]).write_bytes(b"!<arch>\n")
            if "debug" not in Path(argv[2]).name and len(self._objects) > 1:
                self._objects.pop(0)
        elif argv[:2] == ["cmake", "--build"]:
            (Path(argv[2]) / "tfport-run").write_bytes(b"program")


def linked(*undefined: str) -> ElfBytes:
    """An object with the C API that lacks ``undefined``."""
    elf = ElfBytes()
    text = elf.section(".text", b"\0" * 4)
    elf.section(".init_array", b"\0" * 4, kind=INIT_ARRAY)
    for name in ("TF_NewSession", "TfPortCoreTarget", "_ZN10tensorflow7SessionD1Ev", OTHER):
        elf.symbol(name, text)
    elf.symbol("xnn_initialize", text, LOCAL).symbol("malloc")
    for name in undefined:
        elf.symbol(name)
    return elf


def core_sdks(tmp_path: Path) -> Callable[..., CoreSdk]:
    """Makes SDKs, of a selection and of the objects that their links give, from a small TensorFlow."""
    house = {
        "runtime/core/include/tfport/core.h": "#include <stdint.h>\n",
        "runtime/examples/classify.c": "lite",
        "runtime/examples/classify_core.c": "core",
    }
    names = ("TensorFlowCoreConfig.cmake", "TensorFlowCoreConfigVersion.cmake", "tensorflow-core.pc")
    for name in names:
        house[f"templates/{name}.jinja"] = (TEMPLATES / f"{name}.jinja").read_text(encoding="utf-8")
    tensorflow = dict.fromkeys(CXX_HEADERS, '#include "tensorflow/core/a.pb.h"\n')
    tensorflow["tensorflow/c/c_api.h"] = '#include "tensorflow/c/tf_status.h"\n'
    tensorflow["tensorflow/c/tf_status.h"] = ""
    tensorflow["tensorflow/core/unused.h"] = ""
    message = "#include <google/protobuf/port.h>\nnamespace google { class A; }\n"
    tensorflow["tensorflow/core/a.pb.h"] = message
    grow(tmp_path / "house", house)
    grow(tmp_path / "tensorflow/include", tensorflow)
    grow(tmp_path / "tensorflow/res", {"index.json": json.dumps({"framework": [], "ops": ["Add", "Sub"]})})
    grow(tmp_path / "protobuf", {"google/protobuf/port.h": "#define GOOGLE_PROTOBUF_VERSION 1\n"})
    grow(tmp_path / "build/CMakeFiles/tfport_core.dir/runtime", {"info.cc.o": "", "notes.txt": ""})
    grow(tmp_path / "build", {"libkernels.a": "", "libtfport_compat.a": ""})
    libraries = ("libtensorflow.a", "libprotobuf.a", "libprotobuf-lite.a", "libre2.a")
    grow(tmp_path / "libraries", dict.fromkeys(libraries, ""))

    def make(ops: str = SELECTION, *objects: ElfBytes) -> CoreSdk:
        return CoreSdk(
            sources=tmp_path / "house",
            build=tmp_path / "build",
            tensorflow=tmp_path / "tensorflow",
            ops=ops,
            version="2.14.1",
            target="zuluko",
            prefix="arm-",
            run=FakeTools(*(objects or (linked(),))),
        )

    return make


class FakeRecipe:
    """The ConanFile of the SDK: keeps what build.json held each time that SCons was started."""

    def __init__(self, tmp_path: Path) -> None:
        self.source_folder, self.build_folder = str(tmp_path / "house"), str(tmp_path / "build")
        self.conf = SimpleNamespace(get=self._get)
        self.buildenv = SimpleNamespace(vars=lambda recipe: {})
        self.options = SimpleNamespace(ops=SELECTION)
        self.version = "2.14.1"
        info = SimpleNamespace(
            includedirs=[str(tmp_path / "tensorflow/include"), str(tmp_path / "protobuf")],
            libdirs=[str(tmp_path / "libraries")],
            libs=["tensorflow", "protobuf", "re2", "pthread"],
            defines=["IS_SLIM_BUILD"],
        )
        package = SimpleNamespace(
            ref=SimpleNamespace(name="tensorflow"),
            cpp_info=SimpleNamespace(aggregated_components=lambda: info),
            package_folder=str(tmp_path / "tensorflow"),
        )
        self.dependencies = FakeDependencies(tensorflow=package)
        self.rounds: list[dict[str, Any]] = []
        self.commands: list[str] = []

    def _get(self, name: str, default: Any = None, check_type: Any = None) -> Any:
        known = {
            "tools.build:compiler_executables": {"c": "arm-gcc", "cpp": "arm-g++"},
            "user.tfport:target": "zuluko",
        }
        return known.get(name, default)

    def run(self, command: str, quiet: bool = False) -> None:
        self.commands.append(command)
        if "SCons" in command:
            text = (Path(self.build_folder) / "build.json").read_text(encoding="utf-8")
            self.rounds.append(json.loads(text))


class FakeDependencies(dict):  # type: ignore[type-arg]
    """Of a ConanFile: by name, and all of the host's."""

    @property
    def host(self) -> dict[str, Any]:
        return self
