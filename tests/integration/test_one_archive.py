"""One archive that just links: every way a consumer may link it, and what it must survive.

The consumer has other versions of the same third-party libraries: same names, other layouts and results.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cross import (
    CASE,
    HOUSE,
    TOOLS,
    ZULUKO,
    Sdk,
    compile_file,
    emulate,
    link_program,
    needs_compiler,
    needs_emulator,
)
from tfport.command import run
from tfport.elf import members, parse
from tfport.errors import CommandFailed
from tfport.limits import faults, offer_of_toolchain
from tfport.link import LinkError, cxx_namespace

pytestmark = [needs_compiler, needs_emulator]

RIGHT = "wrong=0 invoke=2042 c=2008 thrown=42"
STRICT = ("-Wl,-z,text", "-Wl,-z,defs", "-Wl,--fatal-warnings")
PLAIN = ("-lstdc++", "-lpthread", "-lm")


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    made = Sdk(tmp_path_factory.mktemp("sdk"))
    made.link()
    yield made


@pytest.fixture(scope="module")
def consumer(sdk: Sdk) -> tuple[Path, Path]:
    return sdk.consumer()


@pytest.mark.parametrize("static", [(), ("-static",), ("-no-pie",)], ids=str)
@pytest.mark.parametrize("collect", [(), ("-Wl,--gc-sections",)], ids=str)
def test_plain_gcc_links_and_all_registrations_are_there(
    sdk: Sdk, tmp_path: Path, static: tuple[str, ...], collect: tuple[str, ...]
) -> None:
    main = compile_file(
        CASE / "plain.c", tmp_path / "plain.o", "-O2", *(["-fPIE"] if "pie" in str(static) else [])
    )
    program = link_program(
        tmp_path / "plain", [main, f"-L{sdk.lib}", "-ltensorflow-lite", *PLAIN, *static, *collect]
    )
    assert emulate(program) == "2008"


@pytest.mark.parametrize("static", [(), ("-static",)], ids=str)
@pytest.mark.parametrize("order", ["ours first", "theirs first", "ours before the program"])
def test_a_consumer_with_other_versions_links_in_every_order(
    sdk: Sdk, consumer: tuple[Path, Path], tmp_path: Path, order: str, static: tuple[str, ...]
) -> None:
    main, theirs = consumer
    words = {
        "ours first": [main, sdk.archive, theirs],
        "theirs first": [main, theirs, sdk.archive],
        "ours before the program": [
            "-Wl,--whole-archive",
            sdk.archive,
            "-Wl,--no-whole-archive",
            theirs,
            main,
            theirs,
        ],
    }[order]
    program = link_program(tmp_path / "both", [*words, *static], driver="g++")
    assert emulate(program) == RIGHT


def test_without_dissolving_comdat_groups_the_same_consumer_fails(
    sdk: Sdk, consumer: tuple[Path, Path], tmp_path: Path
) -> None:
    """The test above can tell: localising alone, the obvious way, does not do."""
    main, theirs = consumer
    combined, local, keep = tmp_path / "c.o", tmp_path / "l.o", tmp_path / "keep"
    run([TOOLS.ld, "-r", "-o", combined, *sdk.roots, "--start-group", *sdk.libraries, "--end-group"])
    _, data = next(members(sdk.archive))
    keep.write_text("\n".join(parse(data, "x").global_names(defined=True)))
    run([TOOLS.objcopy, f"--keep-global-symbols={keep}", combined, local])
    results = set()
    for words in ([main, local, theirs], [main, theirs, local], [local, main, theirs]):
        try:
            results.add(emulate(link_program(tmp_path / "both", words, driver="g++")))
        except CommandFailed as error:
            results.add("discarded" if "discarded section" in error.stderr else "died")
    assert results - {RIGHT}


def test_into_a_shared_object_without_text_relocations(sdk: Sdk, tmp_path: Path) -> None:
    wrapper = tmp_path / "wrapper.c"
    wrapper.write_text("int TfLiteInvoke(int x);\nint wrapped(int x) { return TfLiteInvoke(x); }\n")
    user = tmp_path / "user.c"
    user.write_text(
        '#include <stdio.h>\nint wrapped(int x);\nint main(void) { printf("%d\\n", wrapped(4)); }\n'
    )
    library = link_program(
        tmp_path / "libwrapped.so",
        [compile_file(wrapper, tmp_path / "wrapper.o", "-fPIC"), sdk.archive, "-shared", *PLAIN, *STRICT],
    )
    program = link_program(
        tmp_path / "user", [compile_file(user, tmp_path / "user.o"), library, f"-Wl,-rpath,{tmp_path}"]
    )
    assert emulate(program) == "2008"


def test_the_archive_is_one_object_with_only_public_globals(sdk: Sdk) -> None:
    ((name, data),) = members(sdk.archive)
    elf = parse(data, name)
    names = elf.global_names(defined=True)
    assert name == "tensorflow-lite.o"
    assert {"TfLiteInvoke", "TfLiteUnused"} <= names
    assert not [n for n in names if "absl" in n or n.startswith(("xnn", "_ZNSt", "_Z11IsConst"))]
    assert [n for n in names if n.startswith("_ZN18tfport_flatbuffers8Verifier")]
    assert not [s.name for s in elf.sections if "xnn_unneeded" in s.name]
    assert elf.debug_sections() == () and elf.text_relocations() == ()


def test_a_consumers_gc_keeps_only_what_it_uses(sdk: Sdk, tmp_path: Path) -> None:
    main = compile_file(CASE / "plain.c", tmp_path / "plain.o", "-O2")
    sizes = {}
    for name, words in (("all", []), ("cut", ["-Wl,--gc-sections"])):
        map_file = tmp_path / f"{name}.map"
        link_program(tmp_path / name, [main, sdk.archive, *PLAIN, *words, f"-Wl,-Map={map_file}"])
        sizes[name] = parse((tmp_path / name).read_bytes(), name)
    assert "TfLiteUnused" in sizes["all"].global_names(defined=True)
    assert "TfLiteUnused" not in sizes["cut"].global_names(defined=True)


def test_the_debug_twin_is_the_same_program_with_debug_information(sdk: Sdk, tmp_path: Path) -> None:
    main = compile_file(CASE / "plain.c", tmp_path / "plain.o", "-O2")
    strip = ZULUKO.compiler.program("strip")
    codes = []
    for name, library in (("shipped", sdk.archive), ("twin", sdk.debug)):
        program = link_program(tmp_path / name, [main, library, *PLAIN, "-Wl,--build-id=none"])
        elf = parse(program.read_bytes(), name)
        codes.append(
            [elf.content(s) for s in elf.sections if s.name in (".text", ".rodata", ".data", ".init_array")]
        )
        has_lines = (
            b"interpreter.cc"
            in run(["sh", "-c", f"{TOOLS.objcopy[:-7]}readelf -wl {program}"]).stdout.encode()
        )
        assert has_lines is (name == "twin")
        run([strip, program])
    assert codes[0] == codes[1]
    assert emulate(tmp_path / "twin") == "2008"


def test_the_same_inputs_give_the_same_bytes(sdk: Sdk, tmp_path: Path) -> None:
    first = sdk.archive.read_bytes(), sdk.debug.read_bytes()
    sdk.link(
        output=tmp_path / "lib" / sdk.archive.name, debug_output=tmp_path / "lib" / "debug" / sdk.debug.name
    )
    assert (tmp_path / "lib" / sdk.archive.name).read_bytes() == first[0]
    assert (tmp_path / "lib" / "debug" / sdk.debug.name).read_bytes() == first[1]


def test_a_cut_keeps_its_entry_points_and_every_constructor(sdk: Sdk, tmp_path: Path) -> None:
    output = tmp_path / "lib" / "libtensorflow-lite.a"
    result = sdk.link(
        output=output, debug_output=tmp_path / "debug.a", gc_roots=["TfLiteInvoke", cxx_namespace("nobody")]
    )
    assert "TfLiteUnused" not in result.kept and "TfLiteInvoke" in result.kept
    assert output.stat().st_size < sdk.archive.stat().st_size
    main = compile_file(CASE / "plain.c", tmp_path / "plain.o")
    assert emulate(link_program(tmp_path / "plain", [main, output, *PLAIN, "-static"])) == "2008"


def test_gnu_unique_symbols_are_refused(sdk: Sdk, tmp_path: Path) -> None:
    flags = [flag for flag in HOUSE if flag != "-fno-gnu-unique"]
    unique = compile_file(
        CASE / "lite" / "interpreter.cc",
        tmp_path / "unique.o",
        *(*flags, f"-I{CASE / 'ours'}", f"-I{CASE / 'lite'}", "-Dflatbuffers=tfport_flatbuffers"),
    )
    roots = [path if "interpreter" not in path.name else unique for path in sdk.roots]
    with pytest.raises(LinkError, match="GNU-unique"):
        sdk.link(roots=roots, output=tmp_path / "x.a", debug_output=tmp_path / "d.a")


@pytest.mark.parametrize(
    ("optimise", "expected"),
    [
        (
            "-O2",
            ("fstat64", "__libc_single_threaded", "7reserveEv", "pthread_cond_clockwait", "array_new_length"),
        ),
        ("-O0", ("basic_stringstream", "basic_ostringstream", "basic_istringstream", "basic_stringbuf")),
    ],
)
def test_newer_library_symbols_are_provided_and_work(
    sdk: Sdk, tmp_path: Path, optimise: str, expected: tuple[str, ...]
) -> None:
    root = compile_file(CASE / "compat.cc", tmp_path / "compat.o", *HOUSE, "-std=gnu++17", optimise)
    offer = offer_of_toolchain(ZULUKO)
    asked = faults(parse(root.read_bytes(), "compat.o").global_names(defined=False), offer, ZULUKO.limits)
    for symbol in expected:
        assert symbol in " ".join(asked)  # else this test shows nothing
    output = tmp_path / "lib" / "libtensorflow-lite.a"
    result = sdk.link(roots=[root], output=output, debug_output=tmp_path / "d.a")
    assert faults(result.undefined, offer, ZULUKO.limits) == ()
    user = tmp_path / "user.c"
    user.write_text(
        "#include <stdio.h>\nint TfLiteCompat(const char* path);\n"
        'int main(int n, char** v) { printf("%d\\n", TfLiteCompat(v[1])); return 0; }\n'
    )
    main = compile_file(user, tmp_path / "user.o")
    for static in ((), ("-static",)):
        program = link_program(tmp_path / "user", [main, output, *PLAIN, *static])
        assert emulate(program, str(tmp_path / "file")) == "0"
