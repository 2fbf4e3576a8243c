"""Speed: how long a single prediction takes and how much memory it needs, beside the live model in the same minute."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model.bounds import Bounds
from watchkeeper.release.gate.answering import SECONDS, Asked, columns_of
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report import words

Floats = NDArray[np.float64]

CALLS = 200
"""Calls of each model."""
WARM = 20
"""Calls before them that do not count."""
LONGEST = 5.0
"""After so many seconds no further call is made, once there are enough."""
PATIENCE = 30.0
"""After so many none is made, though there are few: they are slow."""
UNNOTICED = 0.02
"""Seconds that a prediction may take however little the live model takes: a small scikit-learn estimator takes five,
ten times as long as the same in ONNX, and whoever asks over a network does not notice."""
SMALL = 400_000_000
"""Bytes that a process may hold however little the live model's holds: Python with scikit-learn holds half of them."""
DRAWS = 1_000
LEAST = 40
"""Calls from which on a 95th percentile is worth comparing."""


@dataclass(frozen=True, eq=False)
class Timed:
    """Seconds of single-row calls, asked in turn, so that a busy machine slows both alike; shape (calls,)."""

    candidate: Floats
    live: Floats | None


def timed(candidate: Asked, live: Asked | None, requests: pa.Table, inputs: Sequence[Sequence[str]]) -> Timed:
    """Ask both models one row at a time, in turn. `inputs`: the columns of the candidate, and of the live model."""
    workers = [candidate] if live is None else [candidate, live]
    rows = [requests.slice(i % requests.num_rows, 1) for i in range(min(CALLS, max(requests.num_rows, 1)))]
    asked = [[columns_of(row, names) for row in rows] for _, names in zip(workers, inputs, strict=False)]
    seconds: list[list[float]] = [[] for _ in workers]
    begin = time.perf_counter()
    for call in range(WARM + CALLS):
        order = range(len(workers)) if call % 2 else reversed(range(len(workers)))
        for which in order:
            start = time.perf_counter()
            workers[which].predict(asked[which][call % len(rows)], SECONDS)
            seconds[which].append(time.perf_counter() - start)
        passed = time.perf_counter() - begin
        if passed > PATIENCE or (passed > LONGEST and call > WARM + LEAST):
            break
    measured = [np.array(own[min(WARM, len(own) // 10) :]) for own in seconds]
    return Timed(measured[0], measured[1] if live is not None else None)


def latency(found: Timed, bounds: Bounds) -> Checked:
    """The 95th percentile of a single prediction against its bounds; only what is surely too slow fails."""
    mine = float(np.quantile(found.candidate, 0.95))
    facts: dict[str, float | int | None] = {
        "p95": mine,
        "p50": float(np.median(found.candidate)),
        "calls": len(found.candidate),
    }
    facts |= {"bound_ms": bounds.p95_ms, "bound_ratio": bounds.p95_ratio, "live_p95": None}
    told = f"A single prediction takes {words.duration(mine)} at the 95th percentile"
    low, _ = _interval(_drawn(found.candidate, 1))
    if bounds.p95_ms is not None and low > bounds.p95_ms / 1000:
        sentence = f"{told}; {words.number(bounds.p95_ms)} ms are allowed."
        return Checked("latency", Outcome.FAIL, sentence, _FASTER.format("p95_ms"), facts)
    if found.live is None:
        return Checked("latency", Outcome.PASS, f"{told}; no model is live to hold it against.", facts=facts)
    theirs = float(np.quantile(found.live, 0.95))
    ratio = mine / theirs
    low, high = _interval(_drawn(found.candidate, 1) / _drawn(found.live, 2))
    facts |= {"live_p95": theirs, "live_p50": float(np.median(found.live)), "ratio": ratio, "low": low, "high": high}
    told += (
        f", {words.number(ratio)} times as long as the live model's {words.duration(theirs)} "
        f"(95 %: {words.number(low)}–{words.number(high)})"
    )
    enough = len(found.candidate) >= LEAST or found.candidate.sum() > LONGEST
    if low > bounds.p95_ratio and enough:
        if mine <= UNNOTICED:
            sentence = f"{told}; up to {words.duration(UNNOTICED)} is always quick enough."
            return Checked("latency", Outcome.PASS, sentence, facts=facts)
        sentence = f"{told}; {words.number(bounds.p95_ratio)} times are allowed."
        return Checked("latency", Outcome.FAIL, sentence, _FASTER.format("p95_ratio"), facts)
    return Checked("latency", Outcome.PASS, f"{told}.", facts=facts)


def memory(candidate: int | None, live: int | None, bounds: Bounds) -> Checked | None:
    """The memory of the candidate's process after its work against the live model's; None where it has no process."""
    if candidate is None:
        return None
    facts: dict[str, float | int | None] = {"bytes": candidate, "live_bytes": live, "bound_ratio": bounds.memory_ratio}
    told = f"Its process holds {words.size(candidate)}"
    if live is None or not live:
        return Checked("memory", Outcome.PASS, f"{told}; no model is live to hold it against.", facts=facts)
    ratio = candidate / live
    told += f", {words.number(ratio)} times the live model's {words.size(live)}"
    if ratio > bounds.memory_ratio and candidate > SMALL:
        sentence = f"{told}; {words.number(bounds.memory_ratio)} times are allowed."
        remedy = "Make the model smaller, or raise `gate: memory_ratio:` if there is room."
        return Checked("memory", Outcome.FAIL, sentence, remedy, facts | {"ratio": ratio})
    return Checked("memory", Outcome.PASS, f"{told}.", facts=facts | {"ratio": ratio})


_FASTER = "Make the model faster, or raise `gate: {}:` if that is fast enough."


def _drawn(seconds: Floats, seed: int) -> Floats:
    """The percentile in samples drawn with replacement, shape (draws,): how far chance moves it (Efron 1979)."""
    draws = np.random.default_rng(seed).integers(0, len(seconds), (DRAWS, len(seconds)))
    return np.asarray(np.quantile(seconds[draws], 0.95, axis=1))


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
