"""The one archive: what is refused, what is left behind, which names count as public."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.elf_bytes import COMMON, GROUP, INIT_ARRAY, LOCAL, UNIQUE, WEAK, ElfBytes
from tfport.link import DEFAULT_KEEP, LinkError, Tools, cxx_namespace, link_archive, read_object

TOOLS = Tools.from_prefix("arm-")


def plain() -> ElfBytes:
    """An object as a good link makes it: one public function, one constructor, one symbol of libc."""
    elf = ElfBytes()
    text = elf.section(".text.TfLiteGo", b"\0" * 4)
    elf.section(".init_array", b"\0" * 4, kind=INIT_ARRAY)
    return elf.symbol("TfLiteGo", text).symbol("hidden", text, LOCAL).symbol("malloc")


class FakeBinutils:
    """Stands in for ld, objcopy and ar: hands out prepared objects and keeps the commands."""

    def __init__(self, combined: ElfBytes, shipped: ElfBytes | None = None) -> None:
        self.commands: list[list[str]] = []
        self.scripts: dict[str, str] = {}
        self._combined, self._shipped = combined.build(), (shipped or combined).build()

    def __call__(self, argv: list[str]) -> None:
        self.commands.append(argv)
        program = argv[0]
        if program == "arm-ld":
            Path(argv[argv.index("-o") + 1]).write_bytes(self._combined)
            for script in (word for word in argv if word.endswith(".ld")):
                self.scripts["gc"] = Path(script).read_text()
        elif program == "arm-objcopy":
            for word in argv:
                if word.startswith("--keep-global-symbols="):
                    self.scripts["keep"] = Path(word.partition("=")[2]).read_text()
            Path(argv[-1]).write_bytes(self._shipped)
        else:
            Path(argv[2]).write_bytes(b"!<arch>\n" + Path(argv[3]).read_bytes())


def link(tmp_path: Path, binutils: FakeBinutils, **changes: object) -> object:
    inputs = []
    for name in ("root.o", "need.a"):
        (tmp_path / name).write_bytes(b"x")
        inputs.append(tmp_path / name)
    arguments: dict[str, object] = {
        "run": binutils,
        "tools": TOOLS,
        "roots": inputs[:1],
        "libraries": inputs[1:],
        "output": tmp_path / "lib" / "libtensorflow-lite.a",
        "debug_output": tmp_path / "lib" / "debug" / "libtensorflow-lite.a",
    }
    return link_archive(**{**arguments, **changes})  # type: ignore[arg-type]


def test_a_good_link_writes_both_archives_and_nothing_else(tmp_path: Path) -> None:
    result = link(tmp_path, FakeBinutils(plain()))
    assert result.kept == ("TfLiteGo",)  # type: ignore[attr-defined]
    assert result.undefined == ("malloc",)  # type: ignore[attr-defined]
    left = sorted(p.relative_to(tmp_path / "lib").as_posix() for p in (tmp_path / "lib").rglob("*"))
    assert left == ["debug", "debug/libtensorflow-lite.a", "libtensorflow-lite.a"]


def test_roots_are_whole_and_libraries_are_not(tmp_path: Path) -> None:
    binutils = FakeBinutils(plain())
    link(tmp_path, binutils)
    words = binutils.commands[0]
    assert words[:3] == ["arm-ld", "-r", "--force-group-allocation"]
    root, need = str(tmp_path / "root.o"), str(tmp_path / "need.a")
    assert words.index("--whole-archive") < words.index(root) < words.index("--no-whole-archive")
    assert words.index("--start-group") < words.index(need) < words.index("--end-group")


def test_archives_are_deterministic_and_named_after_the_library(tmp_path: Path) -> None:
    binutils = FakeBinutils(plain())
    link(tmp_path, binutils)
    archivers = [words for words in binutils.commands if words[0] == "arm-ar"]
    assert [words[1] for words in archivers] == ["rcsD", "rcsD"]
    assert {Path(words[3]).name for words in archivers} == {"tensorflow-lite.o"}


def test_a_cut_starts_from_the_entry_points_alone(tmp_path: Path) -> None:
    elf = plain()
    elf.symbol("TfLiteDead", 1).symbol("other", 1)
    binutils = FakeBinutils(elf, plain())
    with pytest.raises(LinkError, match="public symbols got lost: TfLiteDead"):
        link(tmp_path, binutils, gc_roots=["TfLiteGo"])
    assert binutils.scripts["gc"] == 'EXTERN(\n"TfLiteGo"\n)\n'
    assert any("--gc-sections" in words for words in binutils.commands)


def test_no_cut_without_entry_points(tmp_path: Path) -> None:
    binutils = FakeBinutils(plain())
    link(tmp_path, binutils)
    assert not any("--gc-sections" in words for words in binutils.commands)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda e: e.symbol("TfLiteUnique", 1, UNIQUE), "GNU-unique symbols remain .*: TfLiteUnique"),
        (lambda e: e.symbol("__atomic_load_8"), "libatomic would be needed: __atomic_load_8"),
        (lambda e: e.symbol("TfLiteShared", COMMON), "common symbols remain .*: TfLiteShared"),
        (lambda e: e.symbol("_ZN4absl3fooEv", 1, WEAK), "not public: _ZN4absl3fooEv"),
        (lambda e: e.section(".group", kind=GROUP), "1 comdat groups remain"),
        (
            lambda e: e.section(".init_array.1", b"\0" * 8, kind=INIT_ARRAY),
            "constructors got lost: 12 bytes of 4",
        ),
    ],
)
def test_an_object_that_would_not_link_everywhere_is_refused(
    tmp_path: Path, spoil: object, message: str
) -> None:
    shipped = plain()
    spoil(shipped)  # type: ignore[operator]
    with pytest.raises(LinkError, match=message):
        link(tmp_path, FakeBinutils(plain(), shipped))
    assert not list((tmp_path / "lib").rglob("*.a"))


def test_a_failed_tool_leaves_nothing(tmp_path: Path) -> None:
    def fail(argv: list[str]) -> None:
        Path(argv[argv.index("-o") + 1]).write_bytes(b"half")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        link(tmp_path, fail)  # type: ignore[arg-type]
    assert [p.name for p in (tmp_path / "lib").rglob("*")] == ["debug"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"roots": []}, "nothing to link"),
        ({"libraries": [Path("absent.a")]}, "inputs of the link are missing: absent.a"),
        ({"keep": ["NoSuch"]}, "the archive would offer nothing"),
        ({"gc_roots": ["NoSuch"]}, "everything would be thrown away"),
    ],
)
def test_impossible_requests_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(LinkError, match=message):
        link(tmp_path, FakeBinutils(plain()), **changes)


def test_section_numbers_beyond_16_bits_are_read(tmp_path: Path) -> None:
    elf = plain()
    elf.wide = True
    (tmp_path / "wide.o").write_bytes(elf.build())
    facts = read_object(tmp_path / "wide.o")
    assert facts.global_names(defined=True) == {"TfLiteGo"}
    assert next(s.section for s in facts.symbols if s.name == "TfLiteGo") == 1


def test_what_is_not_an_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.o").write_bytes(b"\x7fELF\x02\x01" + bytes(60))
    with pytest.raises(LinkError, match="not a 32-bit little-endian ELF object"):
        read_object(tmp_path / "no.o")


@pytest.mark.parametrize(
    "name",
    [
        "_ZN6tflite11Interpreter6InvokeEv",
        "_ZNK6tflite11Interpreter6tensorEi",
        "_ZTVN6tflite13ErrorReporterE",
        "_ZTIN6tflite13ErrorReporterE",
        "_ZTSN6tflite13ErrorReporterE",
        "_ZTTN6tflite4DiamE",
        "_ZTCN6tflite4DiamE0_NS_4BaseE",
        "_ZThn8_N6tflite4DiamD1Ev",
        "_ZTv0_n12_N6tflite4DiamD1Ev",
        "_ZZN6tflite21DefaultErrorReporterEvE14error_reporter",
        "_ZGVZN6tflite21DefaultErrorReporterEvE14error_reporter",
        "_ZTHN6tflite2tlE",
        "_ZN18tfport_flatbuffers17FlatBufferBuilderC1Ev",
        "TfLiteInterpreterCreate",
        "TfPortCheckCpu",
    ],
)
def test_public_names_are_kept(name: str) -> None:
    assert re.fullmatch("|".join(DEFAULT_KEEP), name)


@pytest.mark.parametrize(
    "name",
    [
        "_ZN4absl12lts_2022062311string_viewE",
        "_ZNSt6vectorIN6tflite6TensorESaIS1_EE9push_backERKS1_",
        "_ZSt4moveIRN6tflite6TensorEEvOT_",
        "_ZN7tflite211InterpreterE",
        "_ZN11flatbuffers17FlatBufferBuilderC1Ev",
        "xnn_create_runtime",
        "MyTfLite",
        "tflite_main",
        "_ZN5Eigen10ThreadPoolE",
    ],
)
def test_other_names_are_localised(name: str) -> None:
    assert not re.fullmatch("|".join(DEFAULT_KEEP), name)


def test_a_namespace_pattern_counts_the_length_of_the_name() -> None:
    assert re.fullmatch(cxx_namespace("abc"), "_ZN3abc1fEv")
    assert not re.fullmatch(cxx_namespace("abc"), "_ZN4abcd1fEv")
