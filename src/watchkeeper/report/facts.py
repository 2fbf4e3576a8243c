"""What is known of every column, loud or not, in one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from watchkeeper.checks.column import Median, median, missing
from watchkeeper.model import Column
from watchkeeper.profiles import CategoryProfile, ColumnProfile, NumericProfile, Profiles
from watchkeeper.report import mask, words
from watchkeeper.report.result import Result
from watchkeeper.report.strip import Level, Row

MOST = 1_000
"""Columns in the table: a page of more is slow to draw, and nobody reads it."""


@dataclass(frozen=True)
class Facts:
    """One line of the table of columns; every text but `column` is inert."""

    column: str
    name: str
    about: str
    """Type and role."""
    missing: float
    """Share of rows without a value."""
    missing_before: float
    centre: str
    """Mean and median, or the most frequent value, or the first and last day."""
    centre_before: str
    distinct: int | None
    strongest: float
    """The strongest evidence, as a multiple of what a warning takes."""
    rule: bool
    """Whether a rule is broken, which needs no evidence."""
    level: Level


def facts(result: Result, rows: Sequence[Row]) -> list[Facts]:
    """A line for each profiled column, in file order; empty where the file was never looked at.

    `rows`: the overview's. Of very wide data the columns with findings come first, and no more than `MOST` are told.
    """
    if result.profiles is None:
        return []
    known = {row.column: row for row in rows}
    names = list(result.profiles.columns)
    if len(names) > MOST:
        names.sort(key=lambda name: -known[name].worst)
    kept = {name: result.profiles.columns[name] for name in names[:MOST]}
    now, before = (
        replace(result.profiles, columns=kept).whole,
        None if result.baseline is None else result.baseline.whole,
    )
    return [_facts(name, column, result, known[name], now, before) for name, column in now.columns.items()]


def _facts(name: str, column: ColumnProfile, result: Result, row: Row, now: Profiles, before: Profiles | None) -> Facts:
    was = None if before is None else before.columns.get(name)
    declared = result.model.columns.get(name)
    personal = bool(mask.hidden(result.model, [name]))
    return Facts(
        column=name,
        name=words.inert(name),
        about="" if declared is None else _about(declared),
        missing=_missing(column, now),
        missing_before=float("nan") if was is None or before is None else _missing(was, before),
        centre=mask.MASKED if personal else _centre(column, was),
        centre_before="" if personal or was is None else _centre(was, was),
        distinct=int(column.distinct[0]) if isinstance(column, CategoryProfile) else None,
        strongest=row.strongest,
        rule=row.broken,
        level=row.worst,
    )


def _median(found: Median) -> str:
    """The median, or between which values it lies."""
    return f"{words.number(found.low)} to {words.number(found.high)}" if found.rough else words.number(found.value)


def _about(column: Column) -> str:
    """`number, feature`; a word that says both stands once."""
    return ", ".join(dict.fromkeys([str(column.type), str(column.role).replace("_", " ")]))


def _missing(column: ColumnProfile, profiles: Profiles) -> float:
    rows = int(profiles.rows[0])
    return int(missing(column)[0]) / rows if rows else float("nan")


def _centre(column: ColumnProfile, was: ColumnProfile | None) -> str:
    if isinstance(column, NumericProfile):
        if not column.finite[0]:
            return words.MISSING
        if column.edges.temporal:
            ends = (float(column.minimum[0]), float(column.maximum[0]))
            return " to ".join(words.moment(end, to_the_day=True) for end in ends)
        before = was if isinstance(was, NumericProfile) else column
        return f"{words.number(float(column.mean[0]))} · {_median(median(column, 0, before))}"
    if isinstance(column, CategoryProfile) and len(column.count):
        most = int(np.argmax(column.count))
        names = column.edges.values + column.others
        share = int(column.count[most]) / max(int(column.valid[0]), 1)
        return f"“{words.inert(names[int(column.code[most])], 20)}” {words.percent(share)}"
    return words.MISSING
