"""Working time: the clock of a job that never begins on some days of the week, which stands still on these."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
SECOND, DAY = 1_000_000, 86_400_000_000
_THURSDAY = 3
"""1970-01-01, where Monday is 0."""
ALL = frozenset(range(7))


@dataclass(frozen=True)
class WorkingTime:
    """Counts the time of some days of the week alone, UTC. Moments are microseconds since 1970."""

    days: frozenset[int] = ALL
    """Monday is 0. At least one."""
    noon: int = DAY // 2
    """The time of day, UTC, half a day before and after which a day begins and ends."""

    @staticmethod
    def of(moments: Ints) -> WorkingTime:
        """The clock of the days of the week on which these moments are, which are the middle of their days.

        So a job that begins about midnight does not seem to begin on two days.
        """
        angle = 2 * np.pi * (moments % DAY) / DAY
        mean = np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())
        noon = round(float(mean) / (2 * np.pi) * 1440) * (DAY // 1440) % DAY
        weekdays = ((moments - noon + DAY // 2) // DAY + _THURSDAY) % 7
        return WorkingTime(frozenset(weekdays.tolist()), noon)

    def passed(self, moments: Ints) -> Ints:
        """Working time until each moment, in microseconds."""
        shifted = moments - self.noon + DAY // 2
        day = shifted // DAY + _THURSDAY
        weekday = day % 7
        works = self._works[weekday]
        return (day // 7 * len(self.days) + self._before[weekday]) * DAY + np.where(works, shifted % DAY, 0)

    def between(self, start: int, end: int) -> float:
        """Working time from one moment to another, in seconds."""
        first, last = self.passed(np.array([start, end], dtype=np.int64)).tolist()
        return float(last - first) / SECOND

    def after(self, start: int, seconds: float) -> int:
        """The moment at which so much working time has passed since another."""
        target = int(self.passed(np.array([start], dtype=np.int64))[0]) + int(seconds * SECOND)
        days, rest = divmod(target, DAY)
        week, number = divmod(days, len(self.days))
        return (week * 7 + sorted(self.days)[number] - _THURSDAY) * DAY + rest + self.noon - DAY // 2

    @cached_property
    def _works(self) -> NDArray[np.bool_]:
        return np.array([day in self.days for day in range(7)])

    @cached_property
    def _before(self) -> Ints:
        """How many of the days come before each day of the week."""
        return np.concatenate([[0], np.cumsum(self._works)[:-1]]).astype(np.int64)
