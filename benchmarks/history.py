"""What Watchkeeper tells of a data set's own history: the first part is the baseline, the rest is judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import watchkeeper as wk
from watchkeeper.budget import Finding, Severity

FIRST = 0.4
"""The share of the history that is the baseline."""
SHOWN = 12
"""Lines of each data set; most findings first."""
SPANS = {"day": 1.0, "week": 7.0, "month": 30.4}
LEAST = 20
"""Rows that most windows should have."""


def replay(file: Path) -> Iterator[str]:
    """The lines to print of one data set."""
    table = pq.read_table(file)
    time = next((field.name for field in table.schema if pa.types.is_timestamp(field.type)), None)
    if time is None:
        yield f"**{file.parent.name}** has no time column.\n"
        return
    table = table.filter(pc.is_valid(table[time])).sort_by(time)
    stamps = table[time].cast(pa.timestamp("us")).to_numpy()
    by = _span(stamps)
    cut = int(np.searchsorted(stamps, _border(stamps[0] + FIRST * (stamps[-1] - stamps[0]), by)))
    result = wk.check(table.slice(cut), table.slice(0, cut), by=by)
    loud = [found for found in result.findings if found.severity is not Severity.INFO]
    windows = len(np.unique(stamps[cut:].astype("datetime64[D]"))) if by == "day" else None
    judged = windows or len({at.window for m in result.measurements for at in m.slices})
    alarms, warnings = (
        len({found.window for found in loud if found.severity is severity})
        for severity in (Severity.ALARM, Severity.WARNING)
    )
    yield (
        f"**{file.parent.name}**, by {by}: baseline {str(stamps[0])[:10]} to {str(stamps[cut - 1])[:10]} "
        f"({result.baseline_windows} windows), {judged} windows until {str(stamps[-1])[:10]}; "
        f"{alarms} with an alarm, {warnings} with a warning.\n"
    )
    yield "| metric | columns | alarm windows | warning windows | first | last |"
    yield "|---|---|---:|---:|---|---|"
    yield from _lines(loud)
    yield ""


def _span(stamps: np.ndarray) -> str:
    """The shortest span whose windows mostly hold enough rows."""
    for name, days in SPANS.items():
        length = np.timedelta64(int(days * 86_400_000_000), "us")
        _, rows = np.unique((stamps - stamps[0]) // length, return_counts=True)
        if np.median(rows) >= LEAST:
            return name
    return "month"


def _border(time: np.datetime64, by: str) -> np.datetime64:
    """The start of the window that holds this time."""
    if by == "week":
        monday = np.datetime64("1970-01-05", "D")
        return monday + (time - monday) // np.timedelta64(7, "D") * np.timedelta64(7, "D")
    return np.datetime64(str(time)[: 7 if by == "month" else 10])


def _lines(loud: list[Finding]) -> Iterator[str]:
    """One for each metric and its columns, those with most alarms first."""
    grouped: dict[tuple[str, tuple[str, ...]], list[Finding]] = defaultdict(list)
    for found in loud:
        grouped[found.metric, found.columns].append(found)

    def alarms(group: list[Finding]) -> int:
        return sum(found.severity is Severity.ALARM for found in group)

    ranked = sorted(grouped.items(), key=lambda item: (-alarms(item[1]), -len(item[1])))
    for (metric, columns), group in ranked[:SHOWN]:
        when = sorted((found.window or "").split("/")[0][:10] for found in group)
        names = ", ".join(f"`{name}`" for name in columns[:3]) + (
            f" and {len(columns) - 3} more" if columns[3:] else ""
        )
        n = alarms(group)
        yield f"| {metric} | {names} | {n} | {len(group) - n} | {when[0]} | {when[-1]} |"
    if len(ranked) > SHOWN:
        rest = [found for _, group in ranked[SHOWN:] for found in group]
        yield f"| {len(ranked) - SHOWN} more | | {alarms(rest)} | {len(rest) - alarms(rest)} | | |"
