from __future__ import annotations

import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tfport.emulator import Emulator, build_counter
from tfport.errors import CommandTimedOut, EmulatorFailed, PluginFailed
from tfport.target import load_target

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no host compiler")


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def fake_qemu(folder: Path) -> Emulator:
    """Takes QEMU's options; "counts" 100 instructions and 7 for each unit of the program's last argument."""
    text = """out=""
while [ $# -gt 0 ]; do case "$1" in
  -plugin) out="${2##*out=}"; shift 2;; -cpu|-L|-U) shift 2;; *) break;; esac; done
for last; do :; done
[ -z "$out" ] || echo "{\\"total\\": $((100 + 7 * last))}" > "$out"
exec "$@" """
    return Emulator((str(script(folder / "qemu", text)), "-cpu", "cortex-a7", "-L", "/"))


def test_the_command_follows_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    emulator = Emulator.for_target(load_target("zuluko-vfpv3"))
    assert emulator.argv(["run", Path("m")]) == [
        "qemu-arm", "-cpu", "cortex-a9", "-L", "/usr/arm-linux-gnueabihf", "run", "m",
    ]  # fmt: skip
    assert emulator.argv(["run"], plugin="c.so,out=x")[:3] == ["qemu-arm", "-plugin", "c.so,out=x"]


def test_an_image_gets_its_words_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    emulator = Emulator.for_target(load_target("zuluko-baremetal"))
    words = emulator.argv(["a.elf", "m.tflite", "--input", "x=my file.npy", ""], plugin="c.so")
    assert words[:3] == ["qemu-system-arm", "-plugin", "c.so"]
    assert words[-4:] == ["-kernel", "a.elf", "-append", 'm.tflite --input "x=my file.npy" ""']
    assert emulator.argv(["a.elf"])[-2:] == ["-kernel", "a.elf"]


def test_what_is_counted_sees_no_variable_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else counts would depend on how long they are."""
    monkeypatch.setenv("OF_THIS_MACHINE", "x")
    program = script(tmp_path / "program", 'echo "${OF_THIS_MACHINE-nothing} ${GIVEN-nothing}"')
    emulator, given = fake_qemu(tmp_path), {"GIVEN": "y"}
    assert emulator.run([program, "1"], env=given).stdout == "x y\n"
    counted = f"c.so,out={tmp_path / 'out'}"
    assert emulator.run([program, "1"], env=given, plugin=counted).stdout == "nothing y\n"
    assert emulator.argv(["run"], plugin="c.so")[3:7] == ["-U", "PATH", "-U", "LD_LIBRARY_PATH"]


@pytest.mark.parametrize("word", ['a"b', "x" * 901])
def test_words_that_no_image_can_be_given(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    emulator = Emulator.for_target(load_target("zuluko-baremetal"))
    with pytest.raises(EmulatorFailed) as caught:
        emulator.argv(["a.elf", word])
    assert "semihosting" in caught.value.what and "double quotes" in caught.value.why


def test_a_missing_emulator_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(EmulatorFailed) as caught:
        Emulator.for_target(load_target("zuluko"))
    assert "qemu-user" in caught.value.hint


def test_programs_run_and_are_ended_in_time(tmp_path: Path) -> None:
    emulator = fake_qemu(tmp_path)
    assert emulator.run(["echo", "hello"]).stdout == "hello\n"
    with pytest.raises(CommandTimedOut):
        emulator.run(["sleep", "60"], timeout=0.3)


def test_start_up_cancels_out_of_the_count(tmp_path: Path) -> None:
    emulator = fake_qemu(tmp_path)
    per_round = emulator.count_per_round(lambda n: ["echo", str(n)], Path("c.so"), (2, 5))
    assert per_round == {"total": 7.0}
    assert emulator.count_start_up(lambda n: ["echo", str(n)], Path("c.so")) == 100


def test_an_emulator_without_plugins_is_named(tmp_path: Path) -> None:
    emulator = Emulator((str(script(tmp_path / "qemu", "echo no plugins >&2; exit 1")),))
    with pytest.raises(PluginFailed, match="could not count"):
        emulator.count(["echo", "1"], Path("c.so"))


@needs_gcc
def test_the_counter_is_built_once(tmp_path: Path) -> None:
    first = build_counter(tmp_path)
    made = first.stat().st_mtime_ns
    assert build_counter(tmp_path).stat().st_mtime_ns == made


def test_several_may_build_the_counter_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        built = set(pool.map(build_counter, [tmp_path] * 4))
    assert len(built) == 1 and [path.name for path in tmp_path.iterdir()] == [built.pop().name]


def test_no_compiler_is_an_error_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(PluginFailed, match="no host C compiler"):
        build_counter(tmp_path)


@pytest.mark.skipif(
    not (shutil.which("qemu-arm") and shutil.which("arm-linux-gnueabihf-gcc") and shutil.which("gcc")),
    reason="needs the cross compiler and the emulator",
)
def test_counts_of_a_real_program_are_exact(tmp_path: Path) -> None:
    source = """
#include <stdlib.h>
int main(int argc, char** argv) {
  (void)argc;
  for (int n = 1000 * atoi(argv[1]); n > 0; --n) __asm__ volatile("vmla.f32 q0, q1, q2" ::: "q0");
  return 0;
}
"""
    (tmp_path / "loop.c").write_text(source, encoding="utf-8")
    target = load_target("zuluko")
    from tfport import command

    gcc = target.compiler.program("gcc")
    command.run([gcc, *target.compile_flags, "-O2", "-o", tmp_path / "loop", tmp_path / "loop.c"])
    counts = Emulator.for_target(target).count_per_round(
        lambda n: [tmp_path / "loop", str(n)], build_counter(tmp_path)
    )
    assert counts["float_multiply_add_quad"] == 1000
    assert 3000 <= counts["total"] < 3100  # the multiply-add, the decrement and the branch
    assert counts["branch"] >= 1000


def test_the_work_of_each_core_is_that_of_one_more_round(tmp_path: Path) -> None:
    """The second core starts with the second round; waiting is not counted, and cores take short turns."""
    text = """while [ $# -gt 0 ]; do case "$1" in
  -plugin) plugin="$2"; shift 2;; -icount) turns="$2"; shift 2;;
  *) last="$1"; shift;; esac; done
out="${plugin##*out=}"
case "$plugin $turns" in *idle=100-1ff*" shift=10,sleep=off") ;; *) exit 8;; esac
case "$last" in *1) echo '{"work": [100], "wait": [5]}';; *) echo '{"work": [160, 40]}';; esac > "$out"
"""
    emulator = Emulator((str(script(tmp_path / "qemu", text)), "-M", "virt", "-kernel"), boots=True)
    work = emulator.count_cores(lambda n: ["a.elf", "n", str(n)], tmp_path / "c.so", (0x100, 0x1FF))
    assert work == (30.0, 20.0)


def test_instructions_until_a_place(tmp_path: Path) -> None:
    text = """#!/bin/sh
for word; do case "$word" in *out=*) out="${word#*out=}"; plugin="$word";; -icount) steady=1;; esac; done
case "$plugin" in *,idle=100-1ff,until=8000,*) [ "$steady" = 1 ] && n=77 ;; *) n=-1 ;; esac
echo "{\\"work\\": [100], \\"wait\\": [5], \\"until\\": $n}" > "$out"
"""
    emulator = Emulator((str(script(tmp_path / "qemu", text)), "-M", "virt", "-kernel"), boots=True)
    assert emulator.count_until(["a.elf"], tmp_path / "c.so", (0x100, 0x1FF), 0x8000) == 77
    with pytest.raises(PluginFailed, match="never came to 0x9000"):
        emulator.count_until(["a.elf"], tmp_path / "c.so", (0x100, 0x1FF), 0x9000)
