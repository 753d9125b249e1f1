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


def parsed(*blocks: list[int]) -> Profile:
    return Profile.parse({"classes": CLASSES, "blocks": blocks})


def test_records_of_one_block_are_added_up() -> None:
    found = parsed([8, 10, 1, 0, 2, 0], [8, 5, 1, 0, 2, 0])
    assert found.counts() == {
        "total": 45,
        "float_multiply_add_quad": 15,
        "requantise": 0,
        "load": 30,
        "other": 0,
    }


def test_start_up_and_one_round_are_told_apart() -> None:
    first = parsed([4, 7, 0, 0, 0, 1], [8, 100, 1, 0, 0, 0])
    second = parsed([4, 7, 0, 0, 0, 1], [8, 300, 1, 0, 0, 0])
    once, rest = profile.per_round(first, second, (1, 3))
    assert (once.counts()["total"], rest.counts()["total"]) == (100, 7)
    assert list(once.blocks) == [8]


def test_a_run_gives_its_profile_and_its_result() -> None:
    def program(plugin: str) -> str:
        assert plugin.startswith("p.so,out=")
        write_profile(plugin, [[8, 3, 1, 0, 0, 0]])
        return "result"

    found, result = profile.run(program, Path("p.so"))
    assert (found.counts()["total"], result) == (3, "result")


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
#include <stdlib.h>
#define TURNS(name, count, text) \\
  __attribute__((noinline)) void name(int n) { \\
    for (n *= count; n > 0; --n) __asm__ volatile(text ::: "q0", "q8"); }
TURNS(xnn_qs8_gemm_ukernel, 500, "vmlal.s8 q0, d2, d4\\nvmlal.s8 q0, d2, d4\\nvqmovn.s16 d16, q0")
TURNS(xnn_f32_maxpool_ukernel, 200, "vmax.f32 q0, q1, q2")
int main(int argc, char** argv) {
  (void)argc;
  xnn_qs8_gemm_ukernel(atoi(argv[1]));
  xnn_f32_maxpool_ukernel(atoi(argv[1]));
  return 0;
}
"""
    (tmp_path / "loop.c").write_text(source, encoding="utf-8")
    target = load_target("zuluko")
    gcc = target.compiler.program("gcc")
    program = tmp_path / "loop"
    command.run([gcc, *target.compile_flags, "-O2", "-static", "-o", program, tmp_path / "loop.c"])
    emulator, profiler = Emulator.for_target(target), build_counter(tmp_path, PROFILER_SOURCE)

    def once() -> Profile:
        first, second = (
            profile.run(lambda p, n=n: emulator.run([program, str(n)], plugin=p), profiler)[0] for n in (1, 2)
        )
        return profile.per_round(first, second, (1, 2))[0]

    found = once()
    parts = split(found, read_symbols(program), quantised=True)
    assert parts["convolution"]["integer_multiply_add_long"] == 1000
    assert parts["requantisation"]["total"] == parts["requantisation"]["requantise"] == 500
    assert parts["pooling"]["vector_other"] == 200
    assert parts["convolution"]["requantise"] == 0
    assert sum(part["total"] for part in parts.values()) == found.counts()["total"]
    assert once() == found
