"""Spans of event time: that of the data under test, and a baseline's windows of the same length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from watchkeeper.model import Model, Role
from watchkeeper.profiles import NumericProfile, Profiles, Slice, TimeWindows

Span = tuple[int, int]
"""First and last event time, in microseconds since 1970."""

ALIKE = 0.15
"""How far a file's span may differ from an hour, day, week or month to be taken for one."""
UNITS = {"hour": 3_600_000_000, "day": 86_400_000_000, "week": 7 * 86_400_000_000, "month": int(30.4 * 86_400_000_000)}


def span_of(profiles: Iterable[Profiles], model: Model) -> Span | None:
    """First and last event time of profiles; None where they have none."""
    name = model.only(Role.TIMESTAMP) or ""
    times = [p.columns[name] for p in profiles if name in p.columns]
    ends = [
        (float(np.nanmin(t.minimum)), float(np.nanmax(t.maximum)))
        for t in times
        if isinstance(t, NumericProfile) and t.counts.any()
    ]
    return (int(min(a for a, _ in ends)), int(max(b for _, b in ends))) if ends else None


def like(span: Span | None, whole: Span | None) -> TimeWindows | None:
    """Windows of the same length as the file under test: a calendar unit if it is nearly one."""
    if span is None or whole is None or span[1] <= span[0] or whole[1] - whole[0] < span[1] - span[0]:
        return None
    length = span[1] - span[0]
    for unit, size in UNITS.items():
        if abs(length - size) <= ALIKE * size:
            return TimeWindows(unit)
    return TimeWindows(length + 1, whole[1] + 1)


def without_stubs(profiles: Profiles, span: Span | None) -> Profiles:
    """First and last windows that the data cover less than half are added to their neighbours."""
    if span is None:
        return profiles
    times = sorted({at.whole for at in profiles.slices if at.start is not None}, key=lambda at: at.key)
    if len(times) < 3:
        return profiles
    first, last = times[0], times[-1]
    move = {}
    if first.end is not None and first.start is not None and first.end - span[0] < (first.end - first.start) / 2:
        move[first] = times[1]
    if last.end is not None and last.start is not None and span[1] - last.start < (last.end - last.start) / 2:
        move[last] = times[-2]
    return moved(profiles, move)


def without_short(profiles: Profiles, rows: int) -> Profiles:
    """The last block of each file, if it is shorter than half, is added to the one before it."""
    whole = profiles.regrouped(lambda at: at.whole)
    short = [i for i, n in enumerate(whole.rows.tolist()) if n < rows / 2 and i > 0]
    return moved(profiles, {whole.slices[i]: whole.slices[i - 1] for i in short})


def moved(profiles: Profiles, move: Mapping[Slice, Slice]) -> Profiles:
    """The same with some windows added to others; segments and versions stay apart."""

    def to(at: Slice) -> Slice:
        target = move.get(at.whole, at.whole)
        return Slice(target.start, target.end, target.label, at.segment, at.version)

    return profiles.regrouped(to) if move else profiles
