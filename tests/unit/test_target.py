from __future__ import annotations

from pathlib import Path

import pytest

from tfport.errors import TargetFileError, UnknownTarget
from tfport.target import TOOLCHAINS, dump_target, known_keys, load_target, parse_target, target_names

ZULUKO = (TOOLCHAINS / "zuluko.toml").read_text()


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(TargetFileError) as caught:
        parse_target(write(folder, "zuluko", text))
    assert "zuluko.toml" in caught.value.what
    return caught.value.why.splitlines()


def test_zuluko_is_what_the_device_is() -> None:
    target = load_target("zuluko")
    assert target.compile_flags == (
        "-march=armv7ve",
        "-mtune=cortex-a7",
        "-mfpu=neon-vfpv4",
        "-mfloat-abi=hard",
        "-mthumb",
    )
    assert target.cpu.has_vfpv4 and target.cpu.cores == 4 and target.cpu.ram_mb == 512
    assert " ".join(target.emulator_command) == "qemu-arm -cpu cortex-a7 -L /usr/arm-linux-gnueabihf"
    assert target.compiler.program("gcc") == "arm-linux-gnueabihf-gcc"
    assert (target.limits.glibc, target.limits.glibcxx) == ("2.28", "3.4.25")


def test_vfpv3_target_has_no_vfpv4() -> None:
    target = load_target("zuluko-vfpv3")
    assert not target.cpu.has_vfpv4
    assert "-mfpu=neon-vfpv3" in target.compile_flags and "-march=armv7-a" in target.compile_flags
    assert target.emulator.cpu == "cortex-a9"


@pytest.mark.parametrize(
    ("typed", "meant"), [("zuluk", "zuluko"), ("Zuluko", "zuluko"), ("zuluko-vfp3", "zuluko-vfpv3")]
)
def test_unknown_target_suggests_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(UnknownTarget) as caught:
        load_target(typed)
    assert caught.value.hint == f"Did you mean --target {meant}?"
    assert "raspi2-baremetal, zuluko, zuluko-baremetal, zuluko-vfpv3" in caught.value.why


@pytest.mark.parametrize("typed", ["quite-another-thing", "../zuluko", "", "toolchains/zuluko.toml"])
def test_names_that_are_no_target(typed: str) -> None:
    with pytest.raises(UnknownTarget):
        load_target(typed)


def test_a_file_in_another_folder_is_a_target(tmp_path: Path) -> None:
    write(tmp_path, "mine", ZULUKO.replace('"zuluko"', '"mine"'))
    assert target_names(tmp_path) == ["mine"] and load_target("mine", tmp_path).name == "mine"


def test_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    text = ZULUKO.replace("clock_mhz", "clock_mz")
    assert faults(tmp_path, text) == [
        "cpu.clock_mz: unknown key, did you mean cpu.clock_mhz?",
        "cpu.clock_mhz: missing",
    ]


def test_all_faults_are_shown_together(tmp_path: Path) -> None:
    text = (
        ZULUKO.replace("cores = 4", "cores = 0").replace('"2.28"', "2.28").replace("schema = 1", "schema = 2")
    )
    assert faults(tmp_path, text) == [
        "schema: must be 1, not 2",
        "cpu.cores: must be a whole number above 0, not 0",
        "limits.glibc: must be a text, not 2.28",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"neon-vfpv4"', '"neno"', "cpu.fpu: must be 'neon-vfpv3' or 'neon-vfpv4', not 'neno'"),
        ('"hard"', '"soft"', "cpu.float_abi: must be 'hard', not 'soft'"),
        ('["qemu-user"]', '"qemu-user"', "emulator.packages: must be a list of texts, not 'qemu-user'"),
        ("cores = 4", "cores = true", "cpu.cores: must be a whole number above 0, not True"),
        ('name = "zuluko"', 'name = "other"', "name: is 'other', but the file is called zuluko.toml"),
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in ZULUKO
    assert faults(tmp_path, ZULUKO.replace(old, new)) == [fault]


def test_a_table_must_be_a_table(tmp_path: Path) -> None:
    head = ZULUKO.split("[limits]", 1)[0]
    assert faults(tmp_path, head) == ["limits: missing"]
    assert faults(tmp_path, "limits = 3\n" + head) == ["limits: must be a table"]


@pytest.mark.parametrize("text", ["schema = ", "schema = 1\nschema = 1\n"])
def test_no_toml_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(TargetFileError, match="is not a TOML file"):
        parse_target(write(tmp_path, "zuluko", text))


def test_dump_quotes_what_toml_needs(tmp_path: Path) -> None:
    text = ZULUKO.replace("PerceptIn Zuluko", 'a \\"quoted\\" \\\\ name')
    target = parse_target(write(tmp_path, "zuluko", text))
    assert target.description.startswith('a "quoted" \\ name')
    assert dump_target(target) == text


def test_known_keys_are_dotted_paths() -> None:
    assert {"schema", "cpu.fpu", "limits.glibcxx", "emulator.packages"} <= set(known_keys())


BARE = (TOOLCHAINS / "zuluko-baremetal.toml").read_text()


def bare_faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(TargetFileError) as caught:
        parse_target(write(folder, "zuluko-baremetal", text))
    return caught.value.why.splitlines()


def test_bare_metal_is_emulated_as_a_board() -> None:
    target = load_target("zuluko-baremetal")
    assert target.compile_flags == load_target("zuluko").compile_flags
    command = " ".join(target.emulator_command)
    assert command.startswith("qemu-system-arm -M virt -cpu cortex-a7 -smp 4 -m 512 ")
    assert command.endswith(" -kernel")
    assert " -nic none " in command  # else QEMU looks for a boot ROM that only a recommended package has
    assert target.limits is None and target.board is not None
    assert target.board.devices[0].base == 0x08000000


def test_keys_of_another_os_are_refused_and_its_own_required(tmp_path: Path) -> None:
    assert faults(tmp_path, ZULUKO + BARE[BARE.index("\n[board]") :]) == [
        "board: goes with os = 'baremetal' only"
    ]
    limits = ZULUKO[ZULUKO.index("\n[limits]") :]
    assert bare_faults(tmp_path, BARE + limits) == ["limits: goes with os = 'Linux' only"]
    assert bare_faults(tmp_path, BARE.replace('machine = "virt"\n', "")) == ["emulator.machine: missing"]
    assert bare_faults(tmp_path, BARE[: BARE.index("\n[board]")]) == ["board: missing"]


def test_an_os_that_nobody_knows_is_the_one_fault_told(tmp_path: Path) -> None:
    (fault,) = bare_faults(tmp_path, BARE.replace('os = "baremetal"', 'os = "QNX"'))
    assert fault == "os: must be 'Linux' or 'baremetal', not 'QNX'"


def test_facts_of_a_board_are_checked(tmp_path: Path) -> None:
    text = BARE.replace("ram_base = 0x40000000", "ram_base = 0x140000000")
    text = text.replace("semihosting = true", "semihosting = 1").replace("threads = 16", "threads = 0")
    text = text.replace("heap_mb = 0", "heap_mb = -1").replace("{ base = 0x08000000,", "{ start = 0,")
    assert bare_faults(tmp_path, text) == [
        "board.ram_base: must be an address or size of 32 bits, not 5368709120",
        "board.semihosting: must be true or false, not 1",
        "board.threads: must be a whole number above 0, not 0",
        "board.heap_mb: must be a whole number, 0 or above, not -1",
        "board.devices.start: unknown key",
        "board.devices.base: missing",
    ]
