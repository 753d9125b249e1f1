from __future__ import annotations

from pathlib import Path

from tfport.sdk_bare import FLAGS, add_runtime, machine_flags, words


def test_only_what_decides_the_machine_is_handed_on() -> None:
    flags = ["-isystem", "/x", "-mtp=cp15", "-march=armv7ve", "-mthumb", "-O2", "-fPIC", "-mthumb"]
    assert machine_flags(flags) == ["-march=armv7ve", "-mthumb"]


def test_comments_are_no_flags() -> None:
    assert words(["# why", "-DA=1", "", "-include a.h  # and why"]) == ["-DA=1", "-include", "a.h"]


def test_the_sdk_gets_the_runtime_its_flags_and_the_example(tmp_path: Path) -> None:
    runtime, example, sdk = (tmp_path / name for name in ("runtime", "image", "sdk"))
    source = runtime / "share" / "tfport" / "baremetal"
    for file in (runtime / "lib" / "libtfport-baremetal.a", runtime / "include" / "semaphore.h"):
        file.parent.mkdir(parents=True)
        file.write_text("")
    source.mkdir(parents=True)
    (source / "flags.txt").write_text("# threads\n-D_POSIX_THREADS=1\n-mtp=cp15\n")
    example.mkdir()
    (example / "main.c").write_text("")
    (sdk / "include").mkdir(parents=True)
    add_runtime(sdk, runtime, ["-mthumb", "-mtp=cp15"], example)
    assert (sdk / FLAGS).read_text() == "-mthumb\n-D_POSIX_THREADS=1\n-mtp=cp15\n"
    assert (sdk / "lib" / "libtfport-baremetal.a").is_file() and (sdk / "include" / "semaphore.h").is_file()
    assert (sdk / "share/tfport/examples/image/main.c").is_file()
