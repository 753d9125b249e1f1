"""Models of the core runtime as data, as host TensorFlow would have found them."""

from __future__ import annotations

from pathlib import Path

from tfport.core.model import CoreModel, Port, Signature

ADD = ("AddV2", "BinaryOp<CPUDevice, functor::add<float>>")
CONST = ("Const", "ConstantOp")
ADD_ONE = Signature(
    "serving_default",
    (Port("a", "a:0", "float32", (-1, 3)),),
    (Port("c", "c:0", "float32", (-1, 3)),),
)
WORDS = Signature("words", (Port("quiet", "q:0", "string", (2,)),), (Port("loud", "l:0", "string", (2,)),))


def core_model(
    folder: Path,
    name: str = "add.pb",
    signatures: tuple[Signature, ...] = (ADD_ONE,),
    kernels: tuple[tuple[str, str], ...] = (ADD, CONST),
    kind: str = "graphdef",
) -> CoreModel:
    """A model whose prepared form is a folder of one file."""
    prepared = folder / f"prepared-{name}" / "model"
    prepared.mkdir(parents=True, exist_ok=True)
    (prepared / "saved_model.pb").write_text(name)
    nodes = {"AddV2": "model/sum", "Const": "model/one", "Erfcinv": "model/odd", "SaveV2": "save"}
    return CoreModel(
        path=folder / name,
        kind=kind,
        sha256=name.encode().hex(),
        prepared=prepared,
        signatures=signatures,
        kernels=tuple(sorted(kernels)),
        nodes_of={op: nodes[op] for op, _ in kernels if op in nodes},
    )


def core_tree(root: Path) -> Path:
    """A tree of two small recipes, with a port of two ops."""
    for name, needs in (("tensorflow", "pass"), ("tfport-core", 'self.requires("tensorflow/2.14.1")')):
        folder = root / "recipes" / name / "all"
        folder.mkdir(parents=True)
        (folder.parent / "config.yml").write_text('versions:\n  "2.14.1":\n    folder: all\n')
        (folder / "conanfile.py").write_text(f"class R:\n    def r(self):\n        {needs}\n")
    (root / "recipes" / "tensorflow" / "all" / "ops.json").write_text('{"ops": ["AddV2", "Const"]}')
    return root
