"""Disassembly: forbidden instructions are found, data between instructions gives no false alarm."""

from __future__ import annotations

import re

import pytest

from tests.unit.elf_bytes import LOCAL, ElfBytes
from tfport.elf import parse
from tfport.instructions import Disassembly, disassemble, forbidden
from tfport.target import Cpu

NOP = bytes.fromhex("00bf")
VFMA_THUMB, VFMA_ARM = bytes.fromhex("a0ee810a"), bytes.fromhex("810aa0ee")
UDIV_THUMB = bytes.fromhex("b1fbf2f0")
LDA_THUMB = bytes.fromhex("d0e8af0f")


def cpu(arch: str, fpu: str) -> Cpu:
    return Cpu("core", arch, fpu, "hard", "thumb", 1, 1000, 512)


A7, A9 = cpu("armv7ve", "neon-vfpv4"), cpu("armv7-a", "neon-vfpv3")


def decode(content: bytes, marks: list[tuple[str, int]], target: Cpu = A9) -> Disassembly:
    elf = ElfBytes()
    index = elf.code(".text.f", content, marks)
    elf.symbol("f", index, value=1)
    result = disassemble(parse(elf.build(), "x.o"), target)
    assert result is not None
    return result


@pytest.mark.parametrize("mark_and_code", [("$t", VFMA_THUMB), ("$a", VFMA_ARM)])
def test_vfpv4_is_found_in_both_instruction_sets(mark_and_code: tuple[str, bytes]) -> None:
    mark, code = mark_and_code
    (finding,) = decode(code, [(mark, 0)]).findings
    assert str(finding) == "f+0x0: vfma.f32 s0, s1, s2 needs VFPv4"
    assert decode(code, [(mark, 0)], A7).findings == ()


def test_division_needs_a_core_that_has_it() -> None:
    assert decode(UDIV_THUMB, [("$t", 0)]).findings[0].needs == "hardware division"
    assert decode(UDIV_THUMB, [("$t", 0)], A7).findings == ()


@pytest.mark.parametrize("target", [A7, A9])
def test_armv8_is_found_for_every_target(target: Cpu) -> None:
    (finding,) = decode(NOP + LDA_THUMB, [("$t", 0)], target).findings
    assert (finding.symbol, finding.offset) == ("f", 2)
    assert finding.instruction.startswith("lda ") and finding.needs == "ARMv8 or its extensions"


def test_data_that_looks_like_code_is_not_judged() -> None:
    result = decode(NOP * 2 + VFMA_THUMB + NOP, [("$t", 0), ("$d", 4), ("$t.1", 8)])
    assert result.findings == ()
    assert (result.instructions, result.code_bytes, result.data_bytes) == (3, 6, 4)


def test_data_marked_as_code_would_be() -> None:
    assert len(decode(NOP * 2 + VFMA_THUMB + NOP, [("$t", 0)]).findings) == 1


def test_a_code_section_without_marks_is_arm_code() -> None:
    elf = ElfBytes()
    elf.code(".text.f", NOP)
    elf.code(".text.g", VFMA_ARM, marks=[])
    result = disassemble(parse(elf.build(), "x.o"), A9)
    assert result is not None and [f.symbol for f in result.findings] == [".text.g"]


@pytest.mark.parametrize(("mark", "nop"), [("$t", NOP), ("$a", bytes.fromhex("00f020e3"))])
def test_bytes_that_do_not_decode_are_a_finding_and_the_rest_is_judged(mark: str, nop: bytes) -> None:
    vfma = VFMA_THUMB if mark == "$t" else VFMA_ARM
    first, second = decode(nop + bytes.fromhex("ffffffff") + nop + vfma, [(mark, 0)]).findings
    assert first.instruction == "bytes ffffffff" and first.offset == len(nop)
    assert first.needs == "an instruction set that is not known"
    assert second.needs == "VFPv4" and second.offset == 2 * len(nop) + 4


def test_coprocessor_instructions_that_armv8_dropped_are_known() -> None:
    result = decode(bytes.fromhex("ecec02a1") + NOP, [("$t", 0)], A7)  # stcl p1, as in setjmp
    assert result.findings == () and result.instructions == 2


def test_a_stripped_file_cannot_be_judged() -> None:
    elf = ElfBytes()
    elf.code(".text.f", VFMA_ARM, marks=[])
    elf.symbol("f", 1, LOCAL)
    assert disassemble(parse(elf.build(), "x"), A9) is None


def test_findings_are_limited() -> None:
    elf = ElfBytes()
    elf.code(".text.f", VFMA_THUMB * 50)
    result = disassemble(parse(elf.build(), "x.o"), A9, limit=3)
    assert result is not None and len(result.findings) == 3 and result.instructions == 50


@pytest.mark.parametrize(
    ("mnemonic", "needs"),
    [
        ("vfmaeq.f32", "VFPv4"),
        ("vfmalt.f32", "VFPv4"),
        ("vfmsls.f64", "VFPv4"),
        ("sevl", "ARMv8 or its extensions"),
        ("sevlt", None),
        ("vcvtpl.s32.f32", None),
        ("vcvtmi.s32.f32", None),
        ("vfnms.f64", "VFPv4"),
        ("vcvt.f32.f16", "VFPv4"),
        ("vcvtb.f16.f32", "VFPv4"),
        ("sdivne", "hardware division"),
        ("vrintm.f32", "ARMv8 or its extensions"),
        ("vselge.f32", "ARMv8 or its extensions"),
        ("vmaxnm.f32", "ARMv8 or its extensions"),
        ("vcvta.s32.f32", "ARMv8 or its extensions"),
        ("stlexd", "ARMv8 or its extensions"),
        ("aese.8", "ARMv8 or its extensions"),
        ("sha256h.32", "ARMv8 or its extensions"),
        ("crc32w", "ARMv8 or its extensions"),
        ("vsdot.s8", "ARMv8 or its extensions"),
        ("vudot.u8", "ARMv8 or its extensions"),
        ("vdot.bf16", "ARMv8 or its extensions"),
        ("vusdot.s8", "ARMv8 or its extensions"),
        ("vsmmla.s8", "ARMv8 or its extensions"),
        ("vfmal.f16", "ARMv8 or its extensions"),
        ("vadd.f16", "ARMv8 or its extensions"),
        ("vqrdmlah.s16", "ARMv8 or its extensions"),
        ("vmla.f32", None),
        ("vcvtr.s32.f32", None),
        ("vcvt.s32.f32", None),
        ("vsub.f32", None),
        ("vqdmlal.s16", None),
        ("vmull.p8", None),
        ("ldmda", None),
        ("stmdb", None),
        ("shadd8", None),
        ("bfi", None),
        ("smlal", None),
        ("smmla", None),
        ("vinvalid", None),
    ],
)
def test_mnemonics_and_what_they_need(mnemonic: str, needs: str | None) -> None:
    found = [need for need, pattern in forbidden(A9) if re.match(pattern, mnemonic)]
    assert (found[0] if found else None) == needs
