from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conan.errors import ConanInvalidConfiguration

from tfport.packed.conan import recipe
from tfport.target import load_target


def loaded(name: str, archive: str) -> Any:
    """The class of the recipe, without its settings."""
    namespace: dict[str, Any] = {}
    exec(recipe(name, "2.14.1", archive, load_target("zuluko")), namespace)
    return namespace["PackedSdk"]


@pytest.mark.parametrize(
    ("name", "archive", "package", "last"),
    [
        ("tfport-lite", "lib/libtensorflow-lite.a", "TensorFlowLite", "m"),
        ("tfport-core", "lib/libtensorflow-core.a", "TensorFlowCore", "dl"),
        ("tfport-acl", "lib/libtfport-acl.a", "TfPortAcl", "dl"),
    ],
)
def test_of_every_runtime(name: str, archive: str, package: str, last: str) -> None:
    made = loaded(name, archive)
    assert (made.name, made.version, made.package_type) == (name, "2.14.1", "static-library")
    said: dict[str, str] = {}
    fake = SimpleNamespace(cpp_info=SimpleNamespace(set_property=said.__setitem__))
    made.package_info(fake)
    assert said == {"cmake_find_mode": "none", "pkg_config_name": Path(archive).stem[3:]}
    assert fake.cpp_info.libs == [Path(archive).stem[3:]]
    assert fake.cpp_info.builddirs == [f"lib/cmake/{package}"]
    assert fake.cpp_info.system_libs[-1] == last


@pytest.mark.parametrize(("os", "arch"), [("Linux", "x86_64"), ("baremetal", "armv7hf"), ("Linux", "armv7")])
def test_it_is_for_one_machine_only(os: str, arch: str) -> None:
    made = loaded("tfport-lite", "lib/libtensorflow-lite.a")
    with pytest.raises(ConanInvalidConfiguration, match="zuluko"):
        made.validate(SimpleNamespace(settings=SimpleNamespace(os=os, arch=arch)))
    made.validate(SimpleNamespace(settings=SimpleNamespace(os="Linux", arch="armv7hf")))
