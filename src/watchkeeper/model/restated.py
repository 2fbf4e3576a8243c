"""Finds columns that restate the event time: its hour, weekday, month or year, verified on the data and not by name.

They change as the calendar does, in every window, so their distribution says nothing that the event time does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model.constraint import Type
from watchkeeper.model.facts import Facts
from watchkeeper.model.note import Note

Ints = NDArray[np.int64]

_ROWS = 100
"""The fewest rows from which a rule is taken for one."""
_VALUES = 3
"""The fewest values of a part that returns."""
_CYCLES = 2
"""How often, at least, most values of a part must have returned."""
_GLANCE = 1_000
"""About so many rows are looked at first: in most columns they show that nothing of the time is repeated."""
_MINUTE, _DAY = 60_000_000, 86_400_000_000


@dataclass(frozen=True)
class _Part:
    """A part of the time. Shapes (rows,)."""

    name: str
    value: Ints
    cycle: Ints | None
    """The span within which it takes each value once; None for a part that never returns."""


def restated(column: Facts, time: Facts) -> Note | None:
    """What part of the event `time` a column repeats in every row, or None.

    Each value of the part has one value of the column, and the reverse. A part that returns, as the hour does each day,
    must have done so; one that never does, as the year, must be counted up by the column in steps of one.
    """
    if column.type not in (Type.INTEGER, Type.NUMBER, Type.STRING) or column is time or column.distinct < 2:
        return None
    both = np.asarray(pc.and_(column.values.is_valid(), time.values.is_valid()))
    rows = int(both.sum())
    if rows < _ROWS or rows < column.present:
        return None
    moments = np.asarray(pc.fill_null(time.values.cast(pa.int64()), 0))[both]
    codes = np.asarray(column.values.filter(pa.array(both)).dictionary_encode().indices).astype(np.int64)
    some = slice(None, None, max(1, rows // _GLANCE))
    hopeful = [_pairs_up(part.value, codes[some]) for part in _parts(moments[some])]
    if not any(hopeful):
        return None
    for part, hope in zip(_parts(moments), hopeful, strict=True):
        if not hope or not _pairs_up(part.value, codes):
            continue
        distinct, place = np.unique(part.value, return_inverse=True)
        if part.cycle is None:
            fits = _counts_up(column, both, part.value)
        else:
            fits = len(distinct) >= _VALUES and _returns(place, part.cycle, len(distinct))
        if fits:
            return Note(
                0.95 if part.cycle is not None else 0.8, f"the {part.name} of {time.name}, in all {rows:,} rows"
            )
    return None


def _parts(moments: Ints) -> Iterator[_Part]:
    days, minutes = moments // _DAY, moments // _MINUTE
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    years = months // 12
    yield _Part("hour", minutes // 60 % 24, days)
    yield _Part("time of day", minutes % 1440, days)
    yield _Part("minute", minutes % 60, minutes // 60)
    yield _Part("weekday", (days + 3) % 7, (days + 3) // 7)
    yield _Part("day of the month", days - _first_day(months), months)
    yield _Part("month", months % 12, years)
    yield _Part("quarter", months // 3 % 4, years)
    yield _Part("week of the year", _iso_week(days), years)
    yield _Part("day of the year", days - _first_day(years * 12), years)
    yield _Part("year", years, None)
    yield _Part("month", months % 12, None)
    yield _Part("month", months, None)
    yield _Part("day", days, None)


def _first_day(months: Ints) -> Ints:
    """The day on which each month (since 1970) begins."""
    days: Ints = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return days


def _iso_week(days: Ints) -> Ints:
    """The week's number by ISO 8601: that of its Thursday."""
    thursdays = days - (days + 3) % 7 + 3
    years = thursdays.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    return (thursdays - _first_day(years * 12)) // 7


def _pairs_up(value: Ints, codes: Ints) -> bool:
    """Whether each value has one code only, and each code one value."""
    distinct, place = np.unique(value, return_inverse=True)
    code = np.full(len(distinct), -1, dtype=np.int64)
    code[place] = codes
    return bool((code[place] == codes).all()) and len(np.unique(code)) == len(distinct)


def _returns(place: Ints, cycle: Ints, size: int) -> bool:
    """Whether most values came in several cycles."""
    pairs = np.unique(np.stack([place, cycle]), axis=1)
    return bool(2 * (np.bincount(pairs[0], minlength=size) >= _CYCLES).sum() > size)


def _counts_up(column: Facts, both: NDArray[np.bool_], value: Ints) -> bool:
    """Whether the column is the part itself, but for where it begins to count."""
    if column.type is Type.STRING:
        return False
    numbers = np.asarray(pc.cast(column.values, pa.float64(), safe=False).filter(pa.array(both)))
    return bool((numbers - value == numbers[0] - value[0]).all())
