from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from tfport.conan import HOOK, Conan, RecipeEvent, _Watch, package_folder, render_profile
from tfport.errors import BuildFailed, CommandFailed
from tfport.target import load_target

OUTPUT = """
======== Installing packages ========

fxdiv/20200417: Already installed! (1 of 3)

-------- Installing package xnnpack/20241108 (2 of 3) --------
Building from source xnnpack/20241108:0fa69ae769d4cd9778cc1732d5b79b7c4baa9cfb
RUN: cmake --build
[1/2] Building C object a.c.o
FAILED: a.c.o
a.c:1:2: error: unknown type name 'flot'
ninja: build stopped: subcommand failed.
"""


def profile(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    # += and *= leave room for what a tool package adds.
    parser.read_string(re.sub(r"^([^=\n]+?)[+*]=", r"\1=", text, flags=re.MULTILINE))
    return parser


def test_profile_follows_the_target() -> None:
    text = profile(render_profile(load_target("zuluko"), 3))
    assert text["settings"]["arch"] == "armv7hf" and text["settings"]["compiler.version"] == "12"
    assert text["options"] == {"xnnpack/*:target_core": "cortex-a7", "xnnpack/*:vfpv4": "True"}
    conf = text["conf"]
    flags = eval(conf["tools.build:cxxflags"])
    assert flags[:5] == list(load_target("zuluko").compile_flags)
    assert {"-ffunction-sections", "-fdata-sections", "-fPIC", "-fno-gnu-unique"} <= set(flags)
    assert "-fno-gnu-unique" not in conf["tools.build:cflags"]
    assert conf["tools.build:jobs"] == "3"
    assert conf["user.tfport:emulator"] == "qemu-arm -cpu cortex-a7 -L /usr/arm-linux-gnueabihf"
    assert "tools.build:cxxflags" in conf["tools.info.package_id:confs"]
    assert text["buildenv"]["OBJCOPY"] == "arm-linux-gnueabihf-objcopy"


def test_the_vfpv3_profile_differs_in_flags_and_kernels() -> None:
    text = profile(render_profile(load_target("zuluko-vfpv3"), 1))
    assert text["options"] == {"xnnpack/*:target_core": "cortex-a9", "xnnpack/*:vfpv4": "False"}
    assert "-mfpu=neon-vfpv3" in text["conf"]["tools.build:cflags"]


def test_bare_metal_gets_its_sysroot_and_runs_where_it_is_linked() -> None:
    text = profile(render_profile(load_target("zuluko-baremetal"), 1))
    assert text["settings"]["os"] == "baremetal"
    assert text["options"]["*/*:fPIC"] == "False"
    assert "-fPIC" not in text["conf"]["tools.build:cflags"]
    assert "*: tfport-sysroot/" in render_profile(load_target("zuluko-baremetal"), 1)
    # Conan leaves tools out of package identities, so the profile says what is in the sysroot.
    assert text["conf"]["user.tfport:sysroot"]
    assert "user.tfport:sysroot" in text["conf"]["tools.info.package_id:confs"]
    assert "sysroot" not in render_profile(load_target("zuluko"), 1).split("[conf]")[0]


def test_ccache_is_used_when_given_and_stays_out_of_identities() -> None:
    without = profile(render_profile(load_target("zuluko"), 1))
    with_it = profile(render_profile(load_target("zuluko"), 1, ccache="/opt/ccache"))
    key = "tools.cmake.cmaketoolchain:extra_variables"
    assert "LAUNCHER" not in without["conf"][key]
    assert "'CMAKE_CXX_COMPILER_LAUNCHER': '/opt/ccache'" in with_it["conf"][key]
    assert key not in with_it["conf"]["tools.info.package_id:confs"]


def test_ccache_finds_objects_of_another_folder(tmp_path: Path) -> None:
    text = profile(render_profile(load_target("zuluko"), 1, tmp_path))
    assert text["buildenv"]["CCACHE_BASEDIR"] == str(tmp_path)
    assert str(tmp_path) not in str(dict(text["conf"]))


def test_names_of_files_in_objects_are_part_of_the_identity() -> None:
    conf = profile(render_profile(load_target("zuluko"), 1))["conf"]
    assert conf["user.tfport:paths"] and "user.tfport:paths" in conf["tools.info.package_id:confs"]


def test_a_home_has_the_hook_of_this_tree(tmp_path: Path) -> None:
    conan = Conan(tmp_path / "home", tmp_path / "sources", tmp_path / "logs")
    (conan.home / "profiles").mkdir(parents=True)
    (conan.home / "profiles" / "default").write_text("")
    hook = conan.home / "extensions" / "hooks" / "hook_paths.py"
    hook.parent.mkdir(parents=True)
    hook.write_text("of an earlier version")
    conan.prepare()
    assert hook.read_bytes() == HOOK.read_bytes()


def test_downloads_are_events_too(tmp_path: Path) -> None:
    events: list[RecipeEvent] = []
    watch = _Watch(tmp_path, events.append)
    watch.line("-------- Downloading 2 packages --------")
    watch.line("a/1.0: Downloaded package revision 4292")
    watch.line("b/2.0: Downloaded package revision 0880")
    assert [(event.reference, event.state, event.index, event.total) for event in events] == [
        ("a/1.0", "downloaded", 1, 2),
        ("b/2.0", "downloaded", 2, 2),
    ]


def test_events_and_logs_by_recipe(tmp_path: Path) -> None:
    events: list[RecipeEvent] = []
    watch = _Watch(tmp_path, events.append)
    for line in OUTPUT.splitlines():
        watch.line(line)
    error = watch.failure(CommandFailed("python returned 1: conan install"))
    watch.close()
    assert [(event.reference, event.state, event.index, event.total) for event in events] == [
        ("fxdiv/20200417", "started", 1, 3),
        ("fxdiv/20200417", "cached", 1, 3),
        ("xnnpack/20241108", "started", 2, 3),
    ]
    assert error.what == "xnnpack/20241108 could not be built"
    assert "unknown type name 'flot'" in error.why and str(tmp_path / "xnnpack.log") in error.hint
    assert not (tmp_path / "fxdiv.log").exists(), "the log of an earlier build would be lost"
    assert "FAILED: a.c.o" in (tmp_path / "xnnpack.log").read_text()


def test_a_recipe_built_from_source_is_told_apart(tmp_path: Path) -> None:
    events: list[RecipeEvent] = []
    watch = _Watch(tmp_path, events.append)
    for line in OUTPUT.splitlines()[:7]:
        watch.line(line)
    watch.finish()
    assert [event.state for event in events] == ["started", "cached", "started", "built"]


def test_a_refusal_before_any_recipe_keeps_conans_words(tmp_path: Path) -> None:
    error = _Watch(tmp_path, lambda event: None).failure(
        CommandFailed("python returned 6: x", "ERROR: Missing binary", "log")
    )
    assert "Missing binary" in error.why and error.hint == "log"


def test_package_folder_from_the_graph() -> None:
    nodes = {
        "0": {"ref": "conanfile", "package_folder": None},
        "1": {"ref": "tfport-lite/2.14.1#abc", "package_folder": "/p"},
        "2": {"ref": "tfport-lite/2.14.10#abc", "package_folder": "/q"},
    }
    assert package_folder({"graph": {"nodes": nodes}}, "tfport-lite/2.14.1") == Path("/p")
    with pytest.raises(BuildFailed):
        package_folder({"graph": {"nodes": {}}}, "tfport-lite/2.14.1")


def test_conan_reads_the_source_cache_and_talks_to_itself(tmp_path: Path) -> None:
    (tmp_path / "home" / "profiles").mkdir(parents=True)
    (tmp_path / "home" / "profiles" / "default").write_text("")
    Conan(tmp_path / "home", tmp_path / "sources", tmp_path / "logs").prepare()
    conf = (tmp_path / "home" / "global.conf").read_text()
    assert f"core.sources:download_cache={tmp_path / 'sources'}\n" in conf
    assert "core:non_interactive=True" in conf
