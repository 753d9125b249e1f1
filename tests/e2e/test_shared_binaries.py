"""The main job on a machine that never built anything: a Conan server has what another one published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.support import Sdk, tfport
from tests.integration.conan_server import USER, conan_server
from tfport.deploy import hash_files

pytestmark = [pytest.mark.e2e, pytest.mark.full]


def test_a_second_machine_compiles_nothing(sdk_squeezenet: Sdk, squeezenet: Path, tmp_path: Path) -> None:
    job = ["--target", "zuluko", "--model", squeezenet]
    with conan_server(tmp_path) as server:
        own = ["--output", sdk_squeezenet.folder, "--remote", server.url]
        done = tfport("publish", *job, *own, "--json", env=USER)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "tfport-lite" in json.loads(done.stdout)["sent"][-1]
        again = tfport("publish", *job, *own, "--json", env=USER)
        assert json.loads(again.stdout)["sent"] == []

        second = tmp_path / "second"
        env = {"TFPORT_HOME": str(second / "caches"), "CCACHE_DISABLE": "1"}
        words = [*job, "--output", second / "sdk", "--remote", server.url, "--no-reference"]
        done = tfport(*words, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((second / "sdk" / "report.json").read_text(encoding="utf-8"))
    assert [(each["recipe"], each["state"]) for each in report["build"]["recipes"]] == [
        ("tfport-lite/2.14.1", "downloaded")
    ]
    assert report["smoke"]["ok"]
    assert not any((second / "caches" / "sources").rglob("s/*")), "no source was needed"
    assert hash_files(second / "sdk") == hash_files(sdk_squeezenet.folder)
