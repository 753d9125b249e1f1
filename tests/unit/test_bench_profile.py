from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.bench_fakes import CLASSES, write_profile
from tfport import command
from tfport.bench import profile
from tfport.bench.operators import read_symbols, split
from tfport.bench.profile import Profile
from tfport.emulator import PROFILER_SOURCE, Emulator, build_counter
from tfport.errors import PluginFailed
from tfport.target import load_target


def parsed(*blocks: list[int]) -> tuple[Profile, Profile]:
    return Profile.parse({"classes": CLASSES, "blocks": blocks})


def test_records_of_one_block_are_added_up() -> None:
    whole, lap = parsed([8, 10, 2, 1, 0, 2, 0], [8, 5, 0, 1, 0, 2, 0])
    assert whole.counts() == {
        "total": 45,
        "float_multiply_add_quad": 15,
        "requantise": 0,
        "load": 30,
        "other": 0,
    }
    assert lap.counts()["total"] == 6


def test_a_run_gives_its_profile_its_last_lap_and_its_result() -> None:
    def program(plugin: str) -> str:
        assert plugin.startswith("p.so,out=")
        write_profile(plugin, [[8, 3, 1, 1, 0, 0, 0]])
        return "result"

    whole, lap, result = profile.run(program, Path("p.so"))
    assert (whole.counts()["total"], lap.counts()["total"], result) == (3, 1, "result")


def engine(inferences: int, plugin: str) -> int:
    """7 instructions of start-up, 100 of an inference."""
    write_profile(plugin, [[4, 7, 0, 0, 0, 0, 1], [8, 100 * inferences, 100, 1, 0, 0, 0]])
    return inferences


@pytest.mark.parametrize(("timed", "result"), [(True, 2), (False, 1)])
def test_start_up_and_one_inference_are_told_apart(timed: bool, result: int) -> None:
    once, start_up, got = profile.inference(engine, Path("p.so"), timed)
    assert (once.counts()["total"], start_up, got) == (100, 7, result)
    assert list(once.blocks) == [8]


def test_a_program_that_does_not_time_itself_is_an_error() -> None:
    def engine(inferences: int, plugin: str) -> None:
        assert plugin.endswith(",clock=4")
        write_profile(plugin, [[8, 3, 0, 1, 0, 0, 0]])

    with pytest.raises(PluginFailed, match="clock"):
        profile.inference(engine, Path("p.so"), True, clock=profile.MONOTONIC_RAW)


def test_an_emulator_that_counts_nothing_is_an_error() -> None:
    with pytest.raises(PluginFailed, match="counted nothing"):
        profile.run(lambda plugin: None, Path("p.so"))


@pytest.mark.skipif(
    not (shutil.which("qemu-arm") and shutil.which("arm-linux-gnueabihf-gcc") and shutil.which("gcc")),
    reason="needs the cross compiler and the emulator",
)
def test_instructions_of_a_real_program_belong_to_its_functions(tmp_path: Path) -> None:
    """A convolution of 1000 multiply-adds and 500 requantisations, a pooling of 200, and the rest."""
    source = """
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#define TURNS(name, count, text) \\
  __attribute__((noinline)) void name(int n) { \\
    for (n *= count; n > 0; --n) __asm__ volatile(text ::: "q0", "q8"); }
TURNS(xnn_qs8_gemm_ukernel, 500, "vmlal.s8 q0, d2, d4\\nvmlal.s8 q0, d2, d4\\nvqmovn.s16 d16, q0")
TURNS(xnn_f32_maxpool_ukernel, 200, "vmax.f32 q0, q1, q2")
int main(int argc, char** argv) {
  struct timespec now;
  (void)argc;
  for (int n = atoi(argv[1]); n > 0; --n) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    xnn_qs8_gemm_ukernel(1);
    xnn_f32_maxpool_ukernel(1);
    clock_gettime(CLOCK_MONOTONIC, &now);
  }
  clock_gettime(CLOCK_REALTIME, &now);
  return printf("%ld.%09ld\\n", (long)now.tv_sec, now.tv_nsec) < 0;
}
"""
    (tmp_path / "loop.c").write_text(source, encoding="utf-8")
    target = load_target("zuluko")
    gcc = target.compiler.program("gcc")
    program_file = tmp_path / "loop"
    command.run([gcc, *target.compile_flags, "-O2", "-static", "-o", program_file, tmp_path / "loop.c"])
    emulator, profiler = Emulator.for_target(target), build_counter(tmp_path, PROFILER_SOURCE)

    def once() -> Profile:
        def program(inferences: int, plugin: str) -> object:
            return emulator.run([program_file, str(inferences)], plugin=plugin)

        return profile.inference(program, profiler, timed=True)[0]

    found = once()
    parts = split(found, read_symbols(program_file), quantised=True)
    assert parts["convolution"]["integer_multiply_add_long"] == 1000
    assert parts["requantisation"]["total"] == parts["requantisation"]["requantise"] == 500
    assert parts["pooling"]["vector_other"] == 200
    assert parts["convolution"]["requantise"] == 0
    assert sum(part["total"] for part in parts.values()) == found.counts()["total"]
    assert once() == found
