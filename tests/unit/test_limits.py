"""Symbol versions against a target's limits."""

from __future__ import annotations

import pytest

from tfport.limits import Offer, faults, highest, number, within
from tfport.target import Limits

LIMITS = Limits(glibc="2.28", glibcxx="3.4.25")
OFFER = Offer(
    versions={
        "pthread_create": ("GLIBC_2.34", "GLIBC_2.4"),
        "fstat64": ("GLIBC_2.33",),
        "memcpy": ("GLIBC_2.4",),
        "strtof_l": ("GLIBC_2.26",),
        "_Znwj": ("GLIBCXX_3.4",),
        "_ZSt28__throw_bad_array_new_lengthv": ("GLIBCXX_3.4.29",),
        "_dl_private": ("GLIBC_PRIVATE",),
    },
    static=frozenset({"__aeabi_uidiv"}),
)


@pytest.mark.parametrize(
    ("version", "inside"),
    [
        ("GLIBC_2.28", True),
        ("GLIBC_2.4", True),
        ("GLIBC_2.29", False),
        ("GLIBC_2.100", False),
        ("GLIBC_PRIVATE", False),
        ("GLIBCXX_3.4.25", True),
        ("GLIBCXX_3.4.9", True),
        ("GLIBCXX_3.4.26", False),
        ("CXXABI_1.3.11", True),
        ("CXXABI_1.3.12", False),
        ("GCC_3.5", True),
        ("SOMEONE_1.0", False),
        ("", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, inside: bool) -> None:
    assert within(version, LIMITS) is inside


def test_a_newer_limit_lets_more_through() -> None:
    newer = Limits(glibc="2.36", glibcxx="3.4.30")
    assert within("CXXABI_1.3.13", newer) and within("GLIBC_2.36", newer)


def test_the_oldest_version_of_a_symbol_counts() -> None:
    assert faults(["pthread_create", "memcpy", "_Znwj", "__aeabi_uidiv"], OFFER, LIMITS) == ()


def test_newer_and_unknown_symbols_are_named_with_their_versions() -> None:
    assert faults(
        ["fstat64", "_ZSt28__throw_bad_array_new_lengthv", "xnn_init", "_dl_private"], OFFER, LIMITS
    ) == (
        "_ZSt28__throw_bad_array_new_lengthv is newer than the target's limit: GLIBCXX_3.4.29",
        "_dl_private is newer than the target's limit: GLIBC_PRIVATE",
        "fstat64 is newer than the target's limit: GLIBC_2.33",
        "xnn_init is defined by no library of the toolchain",
    )


def test_the_highest_need_per_family() -> None:
    names = ["pthread_create", "memcpy", "strtof_l", "_Znwj"]
    assert highest(names, OFFER, "GLIBC") == "2.26"
    assert highest(names, OFFER, "GLIBCXX") == "3.4"
    assert highest([], OFFER, "GLIBC") == ""


def test_numbers_of_versions() -> None:
    assert number("GLIBC_2.28") == (2, 28)
    assert number("3.4.25") == (3, 4, 25)
    assert number("GLIBC_PRIVATE") == ()
