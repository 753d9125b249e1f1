"""Check of small SDKs built by the cross compiler, each good or with exactly one fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.cross import (
    CASE,
    HOUSE,
    TOOLS,
    VFPV3,
    ZULUKO,
    Sdk,
    archive,
    compat,
    compile_file,
    link_program,
    needs_compiler,
)
from tfport.check import check_sdk
from tfport.command import run
from tfport.core.symbols import KEEP
from tfport.elf import exported_versions, members, parse
from tfport.errors import (
    AboveTarget,
    CheckFailed,
    NotLinkable,
    NotStripped,
    SymbolsExposed,
    SymbolsTooNew,
    WrongMachine,
)
from tfport.link import LinkResult, link_archive
from tfport.target import Target

pytestmark = needs_compiler


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Sdk(tmp_path_factory.mktemp("zuluko"))
    made.link()
    return made.folder / "sdk"


def refused(sdk: Path, target: Target = ZULUKO) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        check_sdk(sdk, target)
    return caught.value


def one_file(tmp_path: Path, text: str, *flags: str, suffix: str = ".c", target: Target = ZULUKO) -> Path:
    """An SDK whose archive is one source file, compiled and put there without our link."""
    source = tmp_path / f"one{suffix}"
    source.write_text(text)
    (tmp_path / "lib").mkdir()
    made = compile_file(source, tmp_path / "one.o", "-O2", "-fPIC", *flags, target=target)
    archive(tmp_path / "lib" / "libone.a", made)
    return tmp_path


def test_a_good_sdk_and_its_facts(sdk: Path) -> None:
    facts = check_sdk(sdk, ZULUKO)
    assert facts.archive == "lib/libtensorflow-lite.a"
    assert facts.archive_size == (sdk / facts.archive).stat().st_size
    assert (facts.attributes.cpu_arch, facts.attributes.fp_arch, facts.attributes.vfp_args) == (
        "v7",
        "VFPv4",
        True,
    )
    assert facts.instructions > 100 and facts.code_size > 400 and facts.exported > 5
    assert [int(part) for part in facts.highest_glibc.split(".")] <= [2, 28]
    assert "__cxa_throw" in facts.undefined
    assert json.loads(json.dumps(facts.as_dict()))["attributes"]["simd_arch"] == "NEONv1+FMA"


def test_a_vfpv4_build_is_refused_for_a_vfpv3_target(sdk: Path) -> None:
    error = refused(sdk, VFPV3)
    assert type(error) is AboveTarget
    assert "uses FPU VFPv4, the target has neon-vfpv3" in error.why
    assert "may use hardware division, cortex-a9 has none" in error.why


def test_a_vfpv3_build_passes_for_both(tmp_path: Path) -> None:
    made = Sdk(tmp_path, VFPV3)
    made.link()
    for target in (VFPV3, ZULUKO):
        assert check_sdk(made.folder / "sdk", target).fused_multiply_adds == 0


FMA = "float TfLiteF(float a, float b, float c) { return __builtin_fmaf(a, b, c); }\n"
PRAGMA = '#pragma GCC target("fpu=neon-vfpv4")\n' + FMA


def test_a_single_forbidden_instruction_is_found_where_it_is(tmp_path: Path) -> None:
    """Attributes do not tell: a function may be compiled for more than its file says."""
    error = refused(one_file(tmp_path, PRAGMA, "-ffp-contract=fast", target=VFPV3), VFPV3)
    assert type(error) is AboveTarget
    assert "TfLiteF+0x0: vfma.f32" in error.why and error.why.endswith("needs VFPv4")


def test_many_in_one_function_are_one_line_with_a_count(tmp_path: Path) -> None:
    text = (
        PRAGMA + "float TfLiteG(float a, float b) { return __builtin_fmaf(a, __builtin_fmaf(b, b, a), b); }\n"
    )
    error = refused(one_file(tmp_path, text, target=VFPV3), VFPV3)
    assert error.what.endswith("2 findings")
    assert "TfLiteG+0x" in error.why and error.why.endswith("needs VFPv4 (and 1 more)")


def test_the_same_instruction_is_counted_where_it_is_allowed(tmp_path: Path) -> None:
    assert check_sdk(one_file(tmp_path, FMA), ZULUKO).fused_multiply_adds == 1


def test_hand_written_code_above_the_target_is_found(tmp_path: Path) -> None:
    text = (
        ".syntax unified\n.arch armv8-a\n.eabi_attribute 28, 1\n.thumb\n"
        ".global TfLiteF\n.type TfLiteF, %function\nTfLiteF: lda r0, [r0]\n bx lr\n"
    )
    error = refused(one_file(tmp_path, text, suffix=".s"))
    assert type(error) is AboveTarget
    assert "TfLiteF+0x0: lda r0, [r0] needs ARMv8" in error.why and "is built for v8-A" in error.why


def test_code_for_another_float_abi(tmp_path: Path) -> None:
    error = refused(one_file(tmp_path, "float TfLiteF(float a) { return a; }\n", "-mfloat-abi=softfp"))
    assert type(error) is WrongMachine and "not as hard float does" in error.why


def test_symbols_that_the_device_does_not_have(tmp_path: Path) -> None:
    text = "int fstat64(int, void*), absent(void);\nint TfLiteF(void) { return fstat64(0, 0) + absent(); }\n"
    error = refused(one_file(tmp_path, text))
    assert type(error) is SymbolsTooNew
    assert error.why.splitlines() == [
        "absent is defined by no library of the toolchain",
        "fstat64 is newer than the target's limit: GLIBC_2.33",
    ]


def test_a_weak_reference_need_not_be_resolved(tmp_path: Path) -> None:
    text = "int absent(void) __attribute__((weak));\nint TfLiteF(void) { return absent ? absent() : 0; }\n"
    assert "absent" in check_sdk(one_file(tmp_path, text), ZULUKO).undefined


def test_globals_that_are_not_public(tmp_path: Path) -> None:
    error = refused(one_file(tmp_path, "int xnn_init(void) { return 0; }\nint TfLiteF(void) { return 0; }\n"))
    assert type(error) is SymbolsExposed and error.why == "xnn_init is global but not public"


def test_text_relocations(tmp_path: Path) -> None:
    error = refused(one_file(tmp_path, "int TfLiteV;\nint* TfLiteF(void) { return &TfLiteV; }\n", "-fno-pic"))
    assert type(error) is NotLinkable and "text relocation in .text: R_ARM_THM_MOVW_ABS_NC" in error.why


def test_debug_information_and_comdat_groups(tmp_path: Path) -> None:
    text = "namespace tflite { inline int F() { static int x; return ++x; } int G() { return F(); } }\n"
    error = refused(one_file(tmp_path, text, "-g1", "-O0", "-fno-gnu-unique", suffix=".cc"))
    assert type(error) is NotLinkable
    assert "comdat groups remain" in error.why and ".debug_info" in error.why


def test_debug_information_alone(tmp_path: Path) -> None:
    assert type(refused(one_file(tmp_path, "int TfLiteF(void) { return 0; }\n", "-g"))) is NotStripped


def test_an_executable_stack(tmp_path: Path) -> None:
    text = (
        ".syntax unified\n.eabi_attribute 28, 1\n.thumb\n"
        ".global TfLiteF\n.type TfLiteF, %function\nTfLiteF: bx lr\n"
    )
    error = refused(one_file(tmp_path, text, suffix=".s"))
    assert type(error) is NotLinkable and "asks for an executable stack" in error.why


def test_programs_are_checked_too(tmp_path: Path) -> None:
    made = Sdk(tmp_path)
    made.link()
    sdk = made.folder / "sdk"
    (sdk / "bin").mkdir()
    (sdk / "bin" / "notes.txt").write_text("no program")
    main = compile_file(CASE / "plain.c", tmp_path / "plain.o", "-O2")
    plain = ["-lstdc++", "-lpthread", "-lm"]
    link_program(sdk / "bin" / "tfport-run", [main, made.archive, *plain, "-static", "-Wl,--gc-sections"])
    (program,) = check_sdk(sdk, ZULUKO).programs
    assert (program.name, program.dynamic) == ("tfport-run", False)
    assert program.instructions is not None and program.instructions > 1000
    link_program(sdk / "bin" / "dynamic", [main, made.archive, *plain])
    error = refused(sdk)
    assert type(error) is SymbolsTooNew and "dynamic needs GLIBC_2.34" in error.why


def test_every_exported_symbol_has_its_versions() -> None:
    (libc,) = (path for path in ZULUKO.sysroot.glob("lib/libc.so.6") if path.is_file())
    versions = exported_versions(libc)
    assert versions["pthread_create"] == ("GLIBC_2.34", "GLIBC_2.4")
    assert versions["memcpy"] == ("GLIBC_2.4",)


def test_our_own_stand_ins_need_nothing_new(tmp_path: Path) -> None:
    """Each member of the compat archive keeps within the limits by itself, at no optimisation too."""
    from tfport.limits import faults, offer_of_toolchain

    offer = offer_of_toolchain(ZULUKO)
    for name, data in members(compat(tmp_path)):
        elf = parse(data, name)
        assert faults(elf.global_names(defined=False), offer, ZULUKO.limits) == ()
        too_new = {n for n in elf.global_names(defined=True) if faults([n], offer, ZULUKO.limits)}
        assert too_new, f"{name} stands in for nothing"


def test_house_flags_are_those_of_the_profile() -> None:
    """The small SDKs of these tests are compiled the way the host profile compiles the real one."""
    profile = (Path(__file__).resolve().parents[2] / "tfport" / "conan.py").read_text()
    for flag in HOUSE:
        assert flag == "-O2" or f'"{flag}"' in profile, flag


CORE_FACE = """
struct TF_Session { int value; };
namespace absl { inline namespace tfport_20220623 {
class Status { public: int code() const; private: int code_; };
int Status::code() const { return code_; }
} }
namespace absl { namespace lts_20220623 { int Theirs() { return 1; } } }
namespace tsl { absl::Status* Status() { return nullptr; } }
namespace tfport_google { namespace protobuf { int Parse() { return 2; } } }
namespace google { namespace protobuf { int Parse() { return 3; } } }
namespace Eigen { int Threads() { return 4; } }
namespace tensorflow {
class Session { public: virtual ~Session(); virtual int Run(); };
Session::~Session() {}
int Session::Run() { return Eigen::Threads() + google::protobuf::Parse() + absl::lts_20220623::Theirs(); }
}
extern "C" int xnn_initialize(void) { return 5; }
extern "C" int TF_Run(TF_Session* session) { return session->value + xnn_initialize(); }
"""


def test_the_public_face_of_the_core_archive(tmp_path: Path) -> None:
    """The recipe links with the very list that the check holds the archive against."""
    (tmp_path / "face.cc").write_text(CORE_FACE)
    made = compile_file(tmp_path / "face.cc", tmp_path / "face.o", *HOUSE)
    sdk, output = tmp_path / "sdk", tmp_path / "sdk" / "lib" / "libtensorflow-core.a"

    def link(*more: str) -> LinkResult:
        twin = tmp_path / "twin.a"
        keep = (*KEEP, *more)
        return link_archive(run=run, tools=TOOLS, roots=[made], output=output, debug_output=twin, keep=keep)

    kept = link().kept
    assert "TF_Run" in kept and "xnn_initialize" not in kept
    assert {name for name in kept if "absl" in name} == {"_ZNK4absl15tfport_202206236Status4codeEv"}
    spaces = ("10tensorflow7Session", "3tsl6Status", "13tfport_google8protobuf5Parse")
    assert all(any(space in name for name in kept) for space in spaces)
    assert not any(space in name for name in kept for space in ("6google", "5Eigen", "12lts_20220623"))
    facts = check_sdk(sdk, ZULUKO, KEEP)
    assert facts.archive == "lib/libtensorflow-core.a" and facts.exported == len(kept)
    assert type(refused(sdk)) is SymbolsExposed, "the face of TensorFlow Lite is another one"
    link(r"_ZN6google.*", "xnn_.*")
    with pytest.raises(SymbolsExposed) as caught:
        check_sdk(sdk, ZULUKO, KEEP)
    assert caught.value.why.splitlines() == [
        "_ZN6google8protobuf5ParseEv is global but not public",
        "xnn_initialize is global but not public",
    ]
