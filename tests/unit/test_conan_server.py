from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tfport.conan import Conan
from tfport.conan_server import Server, Stored, select
from tfport.errors import RemoteFailed, RemoteRefused


def node(name: str, *needs: str, package: str = "pid") -> dict[str, Any]:
    return {
        "ref": f"{name}/1.0#rev-{name}",
        "rrev": f"rev-{name}",
        "package_id": package,
        "dependencies": {each: {} for each in needs},
    }


GRAPH = {
    "graph": {
        "nodes": {
            "0": {"ref": "cli", "rrev": None, "package_id": None, "dependencies": {"1": {}}},
            "1": node("sdk", "2", "3"),
            "2": node("library", "3"),
            "3": node("base"),
            "4": node("tool", package="built for this machine"),
        }
    }
}


def held(*names: str, **packages: dict[str, float]) -> dict[str, Any]:
    """What ``conan list`` says of these recipes; ``packages``: of which there are revisions, with times."""
    return {
        f"{name}/1.0": {
            "revisions": {
                f"rev-{name}": {
                    "packages": {
                        "pid": {
                            "revisions": {
                                revision: {"timestamp": time}
                                for revision, time in packages.get(name, {}).items()
                            }
                        }
                    }
                }
            }
        }
        for name in names
    }


def test_what_is_needed_comes_first_with_its_latest_package() -> None:
    names = ("sdk", "library", "base")
    there = held(*names, "other", sdk={"a": 1.0}, library={"old": 1.0, "new": 2.0}, base={"b": 1.0})
    assert select(GRAPH, there) == [
        Stored("base/1.0#rev-base", "pid#b"),
        Stored("library/1.0#rev-library", "pid#new"),
        Stored("sdk/1.0#rev-sdk", "pid#a"),
    ]


def test_a_recipe_without_a_package_goes_alone() -> None:
    """On a machine that took the SDK from a server there is nothing that it was made from."""
    found = select(GRAPH, held("sdk", "base", sdk={"a": 1.0}))
    assert found == [Stored("base/1.0#rev-base"), Stored("sdk/1.0#rev-sdk", "pid#a")]
    assert [each.pattern for each in found] == ["base/1.0#rev-base", "sdk/1.0#rev-sdk:pid#a"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ERROR: Unable to connect to remote tfport-binaries=http://c", RemoteFailed),
        ("Error uploading file: conan_package.tgz, '500 Internal Server Error'", RemoteFailed),
        ("ERROR: 503: Service Unavailable", RemoteFailed),
        ("ERROR: Authentication error in remote 'tfport-binaries'", RemoteRefused),
        ("ERROR: Permission denied for user: 'reader'", RemoteRefused),
        ("ERROR: Conan interactive mode disabled", RemoteRefused),
        ("ERROR: Found password in env-var, but not defined user", RemoteRefused),
        ("tensorflow-lite/2.14.1: 512 files; ERROR: Invalid configuration", type(None)),
    ],
)
def test_what_conan_says_of_a_server(tmp_path: Path, text: str, kind: type) -> None:
    server = Server(Conan(tmp_path, tmp_path, tmp_path), "http://c")
    assert type(server.told(text)) is kind
