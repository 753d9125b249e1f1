"""A host that quantises nothing: it leaves a ready int8 model, its facts and an agreement."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Optional

import numpy as np
import pytest

from tests.unit.lite_bytes import ModelBytes
from tfport.host import Host
from tfport.quantise.accuracy import Agreement
from tfport.quantise.convert import FLOAT, INT8, SAMPLE

INT8_TYPE = 9


def saved_model(folder: Path) -> Path:
    """Enough of a SavedModel to be taken for one: version, and a graph without nodes."""
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    return folder


def pictures(folder: Path, *names: str) -> Path:
    image = pytest.importorskip("PIL.Image")
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names or ("a.png", "b.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((6, 8, 3), (250, 20 * number, 5), np.uint8)
        image.fromarray(pixels).save(folder / name)
    return folder


def fake_work(monkeypatch: pytest.MonkeyPatch, agreed: Optional[Agreement] = None) -> list[list[str]]:
    """Make ``Host.work`` leave results for what is not there; returns what each call had to do."""
    done: list[list[str]] = []
    from tfport import reference

    monkeypatch.setattr(reference, "require", lambda: "2.14.1")

    def work(self: Host) -> None:
        done.append([])
        for path, job in self._jobs.items():
            if path.exists():
                continue
            done[-1].append(job["do"])
            self.tell(1, 2, job["do"])
            if job["do"] == "quantise":
                for place, name in ((FLOAT, ""), (INT8, "-int8")):
                    file = path.parent / place / f"{job['stem']}{name}.tflite"
                    file.parent.mkdir(parents=True)
                    file.write_bytes(ModelBytes(dtype=INT8_TYPE, scale=0.5).build())
                (path.parent / SAMPLE).mkdir()
                np.save(path.parent / SAMPLE / "in0.npy", np.zeros(2, np.int8))
                scaling = "rgb-bytes" if job["scaling"] == "auto" else job["scaling"]
                path.write_text(json.dumps({"scaling": scaling, "samples": 2, "sample": {"a": "in0.npy"}}))
            else:
                path.write_text(json.dumps(asdict(agreed or Agreement(2, 1, 30.0))))
        self._jobs.clear()

    monkeypatch.setattr(Host, "work", work)
    return done
