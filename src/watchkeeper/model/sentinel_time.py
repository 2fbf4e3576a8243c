"""Finds dates such as 9999-12-31 or 1900-01-01 that stand for a missing time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model.sentinel import NEIGHBOURS, SEEN

Ints = NDArray[np.int64]

_DAYS = (
    *(date(1, 1, 1), date(1600, 1, 1), date(1753, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1)),
    *(date(1900, 12, 31), date(1901, 1, 1), date(1970, 1, 1), date(1980, 1, 1), date(2000, 1, 1)),
    *(date(2099, 12, 31), date(2100, 1, 1), date(2999, 12, 31), date(3000, 1, 1), date(9999, 1, 1), date(9999, 12, 31)),
)
"""Where clocks and types of programs begin, and ends of time that people write."""
_DAY = 86_400_000_000
_YEAR = 365 * _DAY
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS = np.array([(day - _EPOCH.date()).days for day in _DAYS])


def known(times: Ints) -> NDArray[np.bool_]:
    """Which times lie on a day that often stands for a missing one."""
    return np.isin(times // _DAY, _NUMBERS)


def find_times(times: Ints) -> list[tuple[int, str]]:
    """The times (microseconds since 1970, shape (n,)) that stand for a missing one, and what gives each away.

    Such a time is repeated, lies on one of the days that are known for it, and stands alone before or behind all
    others: a year at least, and far more than lies between its neighbours.
    """
    distinct, counts = np.unique(times, return_counts=True)
    found: list[tuple[int, str]] = []
    while len(distinct) >= 3:
        at = next((end for end in (0, -1) if _alone(distinct, counts, end)), None)
        if at is None:
            break
        nearest = written(int(distinct[1] if at == 0 else distinct[-2]))
        share = counts[at] / len(times)
        found.append((int(distinct[at]), f"in {share:.1%} of rows, and the nearest other time is {nearest}"))
        distinct, counts = np.delete(distinct, at), np.delete(counts, at)
    return found


def _alone(distinct: Ints, counts: Ints, at: int) -> bool:
    """Whether the earliest (`at` 0) or latest (-1) of the distinct times is a sentinel."""
    if counts[at] < max(SEEN, 0.0005 * counts.sum()) or not known(distinct[[at]])[0]:
        return False
    others = np.delete(distinct, at)
    ordered = others if at == 0 else others[::-1]
    gap = abs(int(ordered[0]) - int(distinct[at]))
    spacing = np.abs(np.diff(ordered[: NEIGHBOURS + 1]))
    return gap >= _YEAR and gap > 10 * float(np.median(spacing)) and gap > 3 * int(spacing.max())


def written(time: int) -> str:
    """A time as it is written in the model: a date where it is midnight."""
    moment = (_EPOCH + timedelta(microseconds=time)).replace(tzinfo=None)
    return moment.date().isoformat() if time % _DAY == 0 else f"{moment.isoformat()}Z"


def without_times(values: pa.Array, gone: list[int]) -> pa.Array:
    """Times with null in place of those in `gone`."""
    held = pc.is_in(values.cast(pa.int64()), value_set=pa.array(gone, pa.int64()))
    return pc.if_else(held, pa.scalar(None, values.type), values)
