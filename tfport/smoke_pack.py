"""Hold a model whose weights are packed ahead of time against the model itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfport.emulator import build_counter
from tfport.errors import EmulatorFailed, TfportError
from tfport.inputs import Array
from tfport.smoke import COUNT_LIMIT, Case, Smoke
from tfport.smoke_results import PackResult, sentence
from tfport.target_run import Setting

_SETTINGS = (Setting(1, True), Setting(4, True))


def compare_packed(
    smoke: Smoke[Any], case: Case[Any], packed: Path, feeds: Sequence[tuple[str, Path]]
) -> PackResult:
    """Run both on the same input, on one thread and on four, and count the start-up of both.

    The packed file is for XNNPACK alone, so there is no run without it.
    """
    problems: list[str] = []
    facts: list[dict[str, Any]] = [{}, {}]
    seconds = 0.0
    for setting in _SETTINGS:
        try:
            runs = [
                smoke.runner.run(path, feeds, setting, case.net.options) for path in (case.net.path, packed)
            ]
        except EmulatorFailed as error:
            problems.append(f"{setting}: {sentence(error)}")
            continue
        if not _same([run.outputs for run in runs]):
            problems.append(f"{setting}: the results are not those of the model itself, bit by bit")
        if setting.threads == 1:
            facts, seconds = [run.facts for run in runs], max(run.seconds for run in runs)
    start_up = [0, 0]
    if smoke.setup.count and not problems and seconds <= COUNT_LIMIT:
        counter = build_counter(smoke.setup.home / "tools")
        try:
            start_up = [_start_up(smoke, case, path, feeds, counter) for path in (case.net.path, packed)]
        except TfportError as error:
            problems.append(sentence(error))
    return PackResult(
        model=case.name,
        problems=tuple(problems),
        in_place_bytes=facts[1].get("packed_in_place_bytes", 0),
        file_bytes=packed.stat().st_size,
        heap_bytes=facts[1].get("heap_high_water_bytes", 0),
        heap_bytes_unpacked=facts[0].get("heap_high_water_bytes", 0),
        start_up=start_up[1],
        start_up_unpacked=start_up[0],
    )


def _same(results: Sequence[Sequence[Array]]) -> bool:
    plain, packed = results
    return len(plain) == len(packed) and all(
        a.shape == b.shape and a.dtype == b.dtype and np.asarray(a).tobytes() == np.asarray(b).tobytes()
        for a, b in zip(plain, packed)
    )


def _start_up(
    smoke: Smoke[Any], case: Case[Any], path: Path, feeds: Sequence[tuple[str, Path]], counter: Path
) -> int:
    return smoke.runner.emulator.count_start_up(
        lambda n: smoke.runner.words(
            path, feeds, _SETTINGS[0], *case.net.options, "--repeat", str(n), "--json"
        ),
        counter,
        timeout=smoke.runner.timeout,
    )
