"""Figures of the service in which a model runs, a window at a time: measured once, and kept beside metric points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.lake import Lake
from watchkeeper.lake.event import days, instants
from watchkeeper.lake.schema import POINTS
from watchkeeper.lake.text_map import mapped
from watchkeeper.watch.windowed import Span, joined

SOURCE = "figures"
"""What kept figures have as `source` among the metric points."""
QUANTILES = {"latency_p50": 0.50, "latency_p95": 0.95, "latency_p99": 0.99}
METRICS = (*QUANTILES, "throughput", "error_share", "memory", "cpu")
MEMORY = ("service_memory_bytes", "service_memory_peak_bytes")
CPU = "service_cpu_share"
SECOND = 1_000_000

STEP = np.log(1.01)
"""Latencies are counted in buckets 1 % wide, so that memory is bounded however many events a window has."""
FASTEST, SLOWEST = np.log(1e-3), np.log(1e8)
"""From a microsecond to a day, in milliseconds."""
BUCKETS = int((SLOWEST - FASTEST) / STEP) + 2
BEYOND = 5
"""So many events have to lie beyond a quantile, or it is not measured."""


@dataclass(frozen=True)
class Figures:
    """What a service did in one window. What could not be measured is not there."""

    span: Span
    values: Mapping[str, float]
    """By metric: milliseconds, events a second, shares, bytes."""
    rows: Mapping[str, int]
    """The events, or points, behind each."""
    chance: Mapping[str, float] = field(default_factory=dict)
    """The variance that chance alone gives the logarithm of a latency; only where it was measured just now."""
    loud: frozenset[str] = frozenset()
    """Metrics that alarmed."""

    @property
    def seconds(self) -> float:
        """How long the window is."""
        return (self.span[1] - self.span[0]) / SECOND


def measured(lake: Lake, spans: Sequence[Span]) -> list[Figures]:
    """Figures of windows as events and service points are now, in order of time."""
    ordered = sorted(spans)
    counts, events, errors = _events(lake, ordered)
    memory, cpu = _points(lake, ordered)
    found = []
    for i, span in enumerate(ordered):
        values: dict[str, float] = {}
        rows: dict[str, int] = {}
        chance: dict[str, float] = {}
        timed = int(counts[i].sum())
        for metric, share in QUANTILES.items():
            if timed * min(share, 1 - share) >= BEYOND:
                values[metric], chance[metric] = _quantile(counts[i], share)
                rows[metric] = timed
        tells = timed or errors[i] or memory[i] or cpu[i]
        values["throughput"], rows["throughput"] = events[i] / ((span[1] - span[0]) / SECOND), int(events[i])
        if events[i]:
            values["error_share"], rows["error_share"] = errors[i] / events[i], int(events[i])
        if memory[i]:
            values["memory"], rows["memory"] = max(memory[i]), len(memory[i])
        if cpu[i]:
            values["cpu"], rows["cpu"] = sum(cpu[i]) / len(cpu[i]), len(cpu[i])
        found.append(Figures(span, values if tells else {}, rows, chance))
    return found


def quiet(at: Figures) -> Figures:
    """A window in which a service that told of itself before served nobody."""
    return Figures(at.span, {"throughput": 0.0}, {"throughput": 0})


def keep(lake: Lake, figures: Sequence[tuple[Figures, int]], now: int) -> None:
    """Keep figures with the revisions of their windows; keeping the same again changes nothing."""
    rows = [(one, revision, metric) for one, revision in figures for metric in one.values]
    if not rows:
        return
    starts = np.array([one.span[0] for one, _, _ in rows], dtype=np.int64)
    tags = [
        {"end": str(one.span[1]), "revision": str(revision), "rows": str(one.rows[metric])}
        | ({"severity": "alarm"} if metric in one.loud else {})
        for one, revision, metric in rows
    ]
    cells = [
        pa.array([metric for _, _, metric in rows], pa.string()),
        instants(starts),
        pa.array([one.values[metric] for one, _, metric in rows], pa.float64()),
        mapped(tags),
        pa.array([SOURCE] * len(rows), pa.string()),
        instants(np.full(len(rows), now, dtype=np.int64)),
        days(starts),
    ]
    lake.append_points(pa.table(cells, schema=POINTS), {})


def kept(lake: Lake, start: int, end: int) -> list[Figures]:
    """The figures that were kept of windows that start in this span, in order of time, by their latest revisions."""
    newest: dict[Span, tuple[int, int]] = {}
    told: dict[Span, dict[tuple[int, int], list[tuple[str, float, dict[str, str]]]]] = defaultdict(dict)
    for batch in lake.read("points", start, end, ["name", "time", "value", "tags", "source", "received"]):
        mine = batch.filter(pc.equal(batch["source"], SOURCE))
        times, received = (mine[name].cast(pa.int64()).to_pylist() for name in ("time", "received"))
        for row, at, came in zip(mine.to_pylist(), times, received, strict=True):
            tags = dict(row["tags"])
            span, made = (at, int(tags["end"])), (int(tags["revision"]), came)
            newest[span] = max(newest.get(span, made), made)
            told[span].setdefault(made, []).append((row["name"], row["value"], tags))
    found = []
    for span in sorted(newest):
        latest = told[span][newest[span]]
        values = {name: value for name, value, _ in latest}
        rows = {name: int(tags["rows"]) for name, _, tags in latest}
        loud = frozenset(name for name, _, tags in latest if "severity" in tags)
        found.append(Figures(span, values, rows, loud=loud))
    return found


def _events(lake: Lake, spans: Sequence[Span]) -> tuple[NDArray[np.int64], list[int], list[int]]:
    """Of each window: latencies counted in buckets, how many events, and how many of them failed."""
    counts = np.zeros((len(spans), BUCKETS), dtype=np.int64)
    events, errors = (np.zeros(len(spans), dtype=np.int64) for _ in range(2))
    for start, end in joined(spans):
        for batch in lake.events(start, end, ["time", "latency_ms", "error"]):
            at = _window(np.asarray(batch["time"].cast(pa.int64())), spans)
            latency = batch["latency_ms"].fill_null(np.nan).to_numpy(zero_copy_only=False)
            events += np.bincount(at[at >= 0], minlength=len(spans))
            failed = np.asarray(batch["error"].is_valid()) & (at >= 0)
            errors += np.bincount(at[failed], minlength=len(spans))
            timed = np.isfinite(latency) & (at >= 0)
            logs = np.clip(np.log(np.maximum(latency[timed], 1e-3)), FASTEST, SLOWEST)
            flat = at[timed] * BUCKETS + ((logs - FASTEST) / STEP).astype(np.int64)
            counts += np.bincount(flat, minlength=counts.size).reshape(counts.shape)
    return counts, events.tolist(), errors.tolist()


def _points(lake: Lake, spans: Sequence[Span]) -> tuple[list[list[float]], list[list[float]]]:
    """Of each window: what the service told of its memory and of its processors."""
    memory: list[list[float]] = [[] for _ in spans]
    cpu: list[list[float]] = [[] for _ in spans]
    for start, end in joined(spans):
        for batch in lake.read("points", start, end, ["name", "time", "value", "source"]):
            wanted = pc.is_in(batch["name"], pa.array([*MEMORY, CPU]))
            mine = batch.filter(pc.and_(wanted, pc.equal(batch["source"], "service")))
            at = _window(np.asarray(mine["time"].cast(pa.int64())), spans).tolist()
            for name, value, i in zip(mine["name"].to_pylist(), mine["value"].to_pylist(), at, strict=True):
                if i >= 0:
                    (cpu if name == CPU else memory)[i].append(value)
    return memory, cpu


def _window(times: NDArray[np.int64], spans: Sequence[Span]) -> NDArray[np.int64]:
    """The number of the window in which each time lies; -1 for none."""
    starts, ends = (np.array(side, dtype=np.int64) for side in zip(*spans, strict=True))
    at = np.searchsorted(starts, times, side="right") - 1
    return np.where((at >= 0) & (times < ends[at]), at, -1)


def _quantile(counts: NDArray[np.int64], share: float) -> tuple[float, float]:
    """A quantile in milliseconds, and the variance that chance gives its logarithm.

    The variance is that of order statistics: half of what lies between the quantiles one standard error of the share
    below and above, squared, and at least that of the buckets. Source: David, Nagaraja (2003), Order Statistics, 2.5.
    """
    total, summed = int(counts.sum()), np.cumsum(counts)
    error = np.sqrt(share * (1 - share) / total)
    ranks = np.clip(np.array([share - error, share, share + error]), 0.0, 1.0) * total
    low, middle, high = np.searchsorted(summed, np.maximum(np.ceil(ranks), 1.0)).tolist()
    spread = max(STEP, (high - low) / 2 * STEP)
    return float(np.exp(FASTEST + (middle + 0.5) * STEP)), float(spread**2)
