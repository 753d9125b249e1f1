from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.core_bytes import TINY
from tfport.core.model import (
    CoreModel,
    Facts,
    Port,
    Signature,
    facts_text,
    read_core_models,
    read_facts,
)
from tfport.errors import ModelBroken, NotACoreModel, SignatureUnknown

SIGNATURE = Signature(
    "serving_default",
    (Port("image", "image:0", "float32", (-1, 8, 8, 3)),),
    (Port("any", "out:1", "string", None), Port("n", "n:0", "int64", ())),
)
FACTS = Facts((SIGNATURE,), (("Add", "AddOp<float>"), ("AddN", "")), {"Add": "sum"})


class FakeHost:
    """Writes the facts of a prepared model when it is asked to work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[Path, str, str]] = []

    def prepared(self, path: Path, kind: str, sha256: str) -> Path:
        self.asked.append((path, kind, sha256))
        return self.folder / sha256[:8] / "facts.json"

    def work(self) -> None:
        for _, _, sha256 in self.asked:
            (self.folder / sha256[:8]).mkdir(exist_ok=True)
            (self.folder / sha256[:8] / "facts.json").write_text(facts_text(FACTS))


def model(*keys: str) -> CoreModel:
    signatures = tuple(Signature(key, (), ()) for key in keys)
    return CoreModel(Path("m"), "graphdef", "", Path("p"), signatures, (), {})


def test_facts_are_read_as_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text(facts_text(FACTS))
    assert read_facts(tmp_path / "facts.json") == FACTS


def change(data: Any, what: str) -> Any:
    if what == "unknown key":
        data["extra"] = 1
    elif what == "missing key":
        del data["kernels"]
    elif what == "unknown key of a port":
        data["signatures"][0]["inputs"][0]["extra"] = 1
    elif what == "wrong kind":
        data["signatures"] = 3
    elif what == "wrong shape":
        data["signatures"][0]["inputs"][0]["shape"] = ["x"]
    else:
        return []
    return data


@pytest.mark.parametrize(
    "what", ["unknown key", "missing key", "unknown key of a port", "wrong kind", "wrong shape", "list"]
)
def test_other_facts_are_refused(what: str, tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(change(json.loads(facts_text(FACTS)), what)))
    with pytest.raises(ModelBroken, match=r"facts\.json"):
        read_facts(path)


def test_facts_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken):
        read_facts(tmp_path / "facts.json")


def test_models_are_prepared_together(tmp_path: Path) -> None:
    (tmp_path / "a.pb").write_bytes(TINY)
    (tmp_path / "b.pb").write_bytes(TINY + TINY)
    host = FakeHost(tmp_path)
    first, second = read_core_models([tmp_path / "a.pb", tmp_path / "b.pb"], host)  # type: ignore[arg-type]
    assert [path.name for path, _, _ in host.asked] == ["a.pb", "b.pb"]
    assert (first.kind, first.signatures, first.kernels) == ("graphdef", (SIGNATURE,), FACTS.kernels)
    assert first.sha256 != second.sha256 and first.prepared == tmp_path / first.sha256[:8] / "model"


def test_no_model_is_prepared_when_one_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.pb").write_bytes(TINY)
    (tmp_path / "b.pb").write_bytes(b"nothing")
    host = FakeHost(tmp_path)
    with pytest.raises(NotACoreModel):
        read_core_models([tmp_path / "a.pb", tmp_path / "b.pb"], host)  # type: ignore[arg-type]
    assert not host.asked


def test_a_signature_is_chosen_by_name_or_by_rule() -> None:
    assert model("a", "serving_default").signature().key == "serving_default"
    assert model("a").signature().key == "a"
    assert model("a", "b").signature("b").key == "b"


@pytest.mark.parametrize(("keys", "asked"), [(("a", "b"), ""), (("a",), "c"), (("a", "b"), "c")])
def test_an_unknown_signature_lists_the_known(keys: tuple[str, ...], asked: str) -> None:
    with pytest.raises(SignatureUnknown) as caught:
        model(*keys).signature(asked)
    assert repr(asked or "serving_default") in caught.value.what
    assert ", ".join(keys) in caught.value.why
