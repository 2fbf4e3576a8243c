"""Seasons: windows of the same weekday, or of the same hour of the day; and holidays, which have none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from watchkeeper.budget.budget import Budget
from watchkeeper.profiles import Baseline, Profiles, Slice

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SEASONS = 2
"""A season is looked for where the baseline has so many windows of each phase."""
_HOUR, _DAY = 3_600_000_000, 86_400_000_000
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Season:
    """The phase of each window: the weekday of a day, the hour of an hour."""

    past: Ints
    """Of the baseline's windows, shape (windows,)."""
    now: Ints
    """Of the data's slices, shape (slices,)."""
    holiday: Bools
    """Slices that hold part of a holiday, which are compared with all windows, shape (slices,)."""
    declared: bool
    """Whether a person says so; else it is reckoned with where the baseline shows it."""


def season_of(now: Profiles, baseline: Baseline, budget: Budget) -> Season | None:
    """The season of windows that are days or hours; None where they are not, or the baseline is too short for one.

    Where a person declares the season it is that one: then days have none in a day, and hours may have a week's.
    """
    past, here = (phases_of(profiles.slices, budget.season) for profiles in (baseline.profiles, now))
    if past is None or here is None:
        return None
    _, many = np.unique(past, return_counts=True)
    if many.min() < SEASONS or len(many) < 2 or not np.isin(here, past).all():
        return None
    return Season(past, here, festive(now.slices, budget.holidays), budget.season is not None)


def unseen_season(baseline: Baseline) -> str | None:
    """The season, in words, of which a baseline in days or hours is too short to show two; else None."""
    phases = phases_of(baseline.profiles.by_window.slices, None)
    if phases is None:
        return None
    daily = phase(baseline) == "weekday"
    return ("weeks" if daily else "days") if len(phases) < SEASONS * (7 if daily else 24) else None


def phase(baseline: Baseline) -> str:
    """What windows of a season have in common, in words: of days the weekday, of hours the hour."""
    first = baseline.profiles.slices[0]
    return "weekday" if (first.end or 0) - (first.start or 0) == _DAY else "hour"


def festive(slices: Sequence[Slice], holidays: Collection[date]) -> Bools:
    """Which slices hold part of a holiday, shape (slices,)."""
    begins = [(day.toordinal() - _EPOCH) * _DAY for day in holidays]
    spans = [(at.start, at.end) for at in slices]
    return np.array(
        [
            start is not None and end is not None and any(start < begin + _DAY and begin < end for begin in begins)
            for start, end in spans
        ],
        dtype=bool,
    )


def phases_of(slices: tuple[Slice, ...], declared: str | None) -> Ints | None:
    """The weekday of days, the hour of hours; None of others."""
    lengths = {at.end - at.start if at.start is not None and at.end is not None else 0 for at in slices}
    starts = np.array([at.start or 0 for at in slices], dtype=np.int64)
    if lengths == {_DAY} and declared in (None, "week"):
        return starts // _DAY % 7
    if lengths == {_HOUR} and declared != "none":
        return starts // _HOUR % (168 if declared == "week" else 24)
    return None
