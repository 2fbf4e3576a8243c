"""Cuts rows into windows: spans of event time, counts of rows, or a whole file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import WatchkeeperError
from watchkeeper.profiles.profile import Profiles
from watchkeeper.profiles.slice import Slice

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MICROSECONDS = {"hour": 3_600_000_000, "day": 86_400_000_000, "week": 7 * 86_400_000_000}
_MONDAY = 4 * 86_400_000_000
"""1970-01-05, a Monday, in microseconds: weeks are counted from it."""
_DAY = 86_400_000_000


class UnknownWindow(WatchkeeperError):
    """`--by` takes hour, day, week, month or a count of rows."""


class Windows(Protocol):
    """A way to cut rows into windows."""

    def cut(self, times: Ints | None, present: Bools | None, rows: Ints) -> tuple[Ints, list[Slice]]:
        """The window of each row, shape (rows,), as an index into the sorted list of windows; -1 for none.

        `times`: event times in microseconds since 1970, where `present`; `rows`: 1-based row numbers.
        """


@dataclass(frozen=True)
class OneWindow:
    """All rows in one window, such as a file."""

    at: Slice

    def cut(self, times: Ints | None, present: Bools | None, rows: Ints) -> tuple[Ints, list[Slice]]:
        """See `Windows.cut`."""
        return np.zeros(len(rows), dtype=np.int64), [self.at]


@dataclass(frozen=True)
class RowWindows:
    """Blocks of `count` rows, in file order."""

    count: int
    name: str = ""

    def cut(self, times: Ints | None, present: Bools | None, rows: Ints) -> tuple[Ints, list[Slice]]:
        """See `Windows.cut`."""
        used, at = np.unique((rows - 1) // self.count, return_inverse=True)
        firsts = (used * self.count).tolist()
        return at, [Slice(start=None, end=None, label=f"{self.name}rows {a + 1}-{a + self.count}") for a in firsts]


@dataclass(frozen=True)
class TimeWindows:
    """Spans of event time in UTC, half-open: calendar units, or a length in microseconds counted from `origin`."""

    unit: str | int
    origin: int = 0

    def cut(self, times: Ints | None, present: Bools | None, rows: Ints) -> tuple[Ints, list[Slice]]:
        """See `Windows.cut`."""
        if times is None or present is None:
            return np.full(len(rows), -1, dtype=np.int64), []
        starts = self.start_of(times)
        used, at = np.unique(starts[present], return_inverse=True)
        whole = np.full(len(rows), -1, dtype=np.int64)
        whole[present] = at
        ends = self.end_of(used)
        return whole, [Slice(a, b) for a, b in zip(used.tolist(), ends.tolist(), strict=True)]

    def start_of(self, times: Ints) -> Ints:
        """Start of the window that each time lies in."""
        if self.unit == "month":
            return times.astype("datetime64[us]").astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
        length, origin = self._grid()
        return (times - origin) // length * length + origin

    def end_of(self, starts: Ints) -> Ints:
        """End of the windows that begin at `starts`."""
        if self.unit == "month":
            return (
                (starts.astype("datetime64[us]").astype("datetime64[M]") + np.timedelta64(1, "M"))
                .astype("datetime64[us]")
                .astype(np.int64)
            )
        return starts + self._grid()[0]

    def _grid(self) -> tuple[int, int]:
        if isinstance(self.unit, int):
            return self.unit, self.origin
        return MICROSECONDS[self.unit], _MONDAY if self.unit == "week" else 0


def parse(by: str) -> TimeWindows | RowWindows:
    """The windows that `--by` names: hour, day, week, month or N-rows. Raises `UnknownWindow`."""
    if by in (*MICROSECONDS, "month"):
        return TimeWindows(by)
    rows = re.fullmatch(r"([1-9]\d{0,11})-rows", by)
    if rows:
        return RowWindows(int(rows[1]))
    raise UnknownWindow(
        f"--by {by}: there is no such window. Use hour, day, week, month, or a count such as 1000-rows."
    )


def days(windows: Windows) -> float:
    """Length of a window in days; without a cadence a window counts as a day (CONTRACT: one file is one delivery)."""
    if not isinstance(windows, TimeWindows):
        return 1.0
    if windows.unit == "month":
        return 30.4
    return windows._grid()[0] / _DAY


def event_times(table: pa.Table, column: str | None) -> tuple[Ints | None, Bools | None]:
    """Event times in microseconds since 1970 (0 where missing) and where there is one; None without such a column."""
    if column is None or column not in table.column_names:
        return None, None
    array = table[column].combine_chunks()
    present = np.asarray(array.is_valid())
    return array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), present


def filled(profiles: Profiles, windows: Windows | None) -> Profiles:
    """The same profiles with an empty slice for each window without rows between the first and the last.

    Where more windows would be empty than full the data have no such cadence, and nothing is added.
    """
    times = {at.start for at in profiles.slices if at.start is not None and at.label is None}
    if not isinstance(windows, TimeWindows) or len(times) < 2:
        return profiles
    starts, last = [min(times)], max(times)
    while starts[-1] < last and len(starts) <= 2 * len(times):
        starts.append(int(windows.end_of(np.array(starts[-1:], dtype=np.int64))[0]))
    if len(starts) > 2 * len(times):
        return profiles
    ends = windows.end_of(np.array(starts, dtype=np.int64)).tolist()
    keys = {(at.segment, at.version) for at in profiles.slices}
    every = {Slice(a, b, None, *key) for a, b in zip(starts, ends, strict=True) for key in keys}
    return profiles.onto(sorted(every | set(profiles.slices), key=lambda at: at.key))
