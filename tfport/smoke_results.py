"""What a smoke test found: plain data for the terminal and for report.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Optional, Union

from tfport.compare import Difference
from tfport.errors import SmokeFailed, TfportError
from tfport.target_run import Setting


@dataclass(frozen=True)
class RunResult:
    """One run. Times in seconds (emulated, so no measure of a device), memory in bytes."""

    model: str
    input: str
    threads: int
    xnnpack: bool
    problems: tuple[str, ...]
    differences: tuple[Difference, ...] = ()
    top_class: Optional[int] = None
    label: str = ""
    score: Optional[float] = None
    seconds: float = 0.0
    seconds_per_inference: float = 0.0
    nodes: int = 0
    delegated_nodes: int = 0
    kernels: tuple[str, ...] = ()
    memory: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.problems

    @property
    def worst(self) -> float:
        """The largest difference of any output, in its units or steps."""
        return max((difference.worst for difference in self.differences), default=0.0)


@dataclass(frozen=True)
class OpsResult:
    """Every operator of a quantised model fed the reference's inputs; ``left_out`` cannot stand alone."""

    model: str
    input: str
    xnnpack: bool
    problems: tuple[str, ...]
    ops: int = 0
    left_out: int = 0
    delegated_nodes: int = 0
    worst_steps: float = 0.0
    worst_op: str = ""
    off_by_one: int = 0  # operators with any element one step off
    worst_float: float = 0.0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class CountResult:
    """Instructions of one inference, one thread: by class, with "total"."""

    model: str
    per_inference: Mapping[str, float]
    problems: tuple[str, ...] = ()
    xnnpack: bool = True

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class PackResult:
    """A model whose weights are packed ahead of time, beside the model itself: results must be the same bits.

    Bytes, and instructions of tfport-run before the first inference; 0 where that was not counted.
    """

    model: str
    problems: tuple[str, ...] = ()
    in_place_bytes: int = 0
    file_bytes: int = 0
    heap_bytes: int = 0
    heap_bytes_unpacked: int = 0
    start_up: int = 0
    start_up_unpacked: int = 0

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class CoresResult:
    """Instructions of one inference on each core of a board, waiting left out, by number of threads.

    ``busiest_share``: of the busiest core with most threads, in the work of one core alone.
    """

    model: str
    per_core: Mapping[int, tuple[float, ...]]
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems

    @property
    def busiest_share(self) -> float:
        if len(self.per_core) < 2:
            return 1.0
        return max(self.per_core[max(self.per_core)]) / sum(self.per_core[min(self.per_core)])


@dataclass(frozen=True)
class ImageResult:
    """A model linked into an image and booted with nothing but its board; sizes in bytes.

    ``heap_bytes`` at its highest, ``ready_bytes`` before the first inference; the latter with the tensors'
    arena of ``arena_bytes``, the former with XNNPACK's arena too. ``start_up``: instructions
    from reset to the first inference, on all cores together, waiting left out.
    """

    model: str
    input: str
    problems: tuple[str, ...] = ()
    size: int = 0
    cores: int = 0
    heap_bytes: int = 0
    ready_bytes: int = 0
    arena_bytes: int = 0
    start_up: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class SmokeResults:
    """All of it. ``reference`` False: nothing was compared. ``skipped`` says what did not run, and why."""

    target: str
    reference: bool
    runs: tuple[RunResult, ...]
    ops: tuple[OpsResult, ...]
    counts: tuple[CountResult, ...]
    skipped: tuple[str, ...]
    seconds: float
    images: tuple[ImageResult, ...] = ()
    cores: tuple[CoresResult, ...] = ()
    packed: tuple[PackResult, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """One line for each failure."""
        lines = []
        for run in self.runs:
            where = f"{run.model}, {run.input}, {Setting(run.threads, run.xnnpack)}"
            lines += [f"{where}: {problem}" for problem in run.problems]
        for ops in self.ops:
            where = f"{ops.model}, {ops.input}, op by op, XNNPACK {'on' if ops.xnnpack else 'off'}"
            lines += [f"{where}: {problem}" for problem in ops.problems]
        for image in self.images:
            lines += [f"{image.model}, {image.input}, image: {problem}" for problem in image.problems]
        counts: list[Union[CountResult, CoresResult]] = [*self.counts, *self.cores]
        lines += [f"{count.model}: {problem}" for count in counts for problem in count.problems]
        lines += [f"{pack.model}, packed: {problem}" for pack in self.packed for problem in pack.problems]
        return lines

    def raise_if_failed(self) -> None:
        """Raise ``SmokeFailed`` with every failure."""
        if not self.ok:
            raise SmokeFailed(
                f"The smoke test for {self.target} failed in {len(self.problems)} place(s)",
                "\n".join(self.problems),
            )

    def to_dict(self) -> dict[str, Any]:
        """For report.json: plain values only; infinities become null."""
        data = {
            **asdict(self),
            "ok": self.ok,
            "problems": self.problems,
            "runs": [{**asdict(r), "ok": r.ok, "worst": r.worst} for r in self.runs],
            "ops": [{**asdict(r), "ok": r.ok} for r in self.ops],
            "cores": [{**asdict(r), "ok": r.ok, "busiest_share": r.busiest_share} for r in self.cores],
            "images": [{**asdict(r), "ok": r.ok} for r in self.images],
            "counts": [{**asdict(r), "ok": r.ok} for r in self.counts],
            "packed": [{**asdict(r), "ok": r.ok} for r in self.packed],
        }
        plain: dict[str, Any] = _plain(data)
        return plain


def sentence(error: TfportError) -> str:
    """An error as one line of a result."""
    return error.what + (f": {error.why}" if error.why else "")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
