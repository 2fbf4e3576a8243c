"""Seasons: days by weekday, hours by hour of the day, and none where the baseline cannot tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from watchkeeper.budget import Budget
from watchkeeper.budget.season import season_of
from watchkeeper.model import Column, Model, Type
from watchkeeper.profiles import Baseline, Slice, fit, profile

MODEL = Model(name="m", columns={"x": Column(type=Type.INTEGER)})
EDGES = fit(MODEL, [pa.table({"x": [1, 2, 3]})])
FIRST = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday


DAILY = Budget(alarm=1 / 30.4, warning=1 / 7)


def cut(slices):
    """A row in each slice."""
    return profile(EDGES, pa.table({"x": np.arange(len(slices))}), np.arange(len(slices)), slices)


def windows(count, *, hours=24, first=FIRST):
    starts = [first + timedelta(hours=hours * i) for i in range(count)]
    slices = tuple(Slice(*(round(at.timestamp() * 1e6) for at in (s, s + timedelta(hours=hours)))) for s in starts)
    return cut(slices), starts


def test_the_phase_of_a_day_is_its_weekday():
    past, starts = windows(28)
    now, later = windows(9, first=FIRST + timedelta(days=28))
    season = season_of(now, Baseline(past, "time"), DAILY)
    weekdays = [at.weekday() for at in (*starts, *later)]
    phases = np.concatenate([season.past, season.now])
    for i, mine in enumerate(weekdays):
        assert (phases == phases[i]).tolist() == [other == mine for other in weekdays]


def test_the_phase_of_an_hour_is_the_hour_of_its_day_whatever_the_date():
    past, starts = windows(72, hours=1, first=datetime(1969, 12, 30, 5, tzinfo=UTC))
    season = season_of(past, Baseline(past, "time"), DAILY)
    assert season.past.tolist() == season.now.tolist() == [at.hour for at in starts]


@pytest.mark.parametrize(("count", "hours", "seen"), [(13, 24, False), (14, 24, True), (47, 1, False), (48, 1, True)])
def test_a_season_is_looked_for_from_two_windows_of_each_phase_on(count, hours, seen):
    past, _ = windows(count, hours=hours)
    now, _ = windows(1, hours=hours)
    assert (season_of(now, Baseline(past, "time"), DAILY) is not None) == seen


@pytest.mark.parametrize("hours", [7 * 24, 12, 2])
def test_weeks_and_other_lengths_have_no_season(hours):
    past, _ = windows(60, hours=hours)
    assert season_of(past, Baseline(past, "time"), DAILY) is None


def test_days_of_one_weekday_only_have_no_season():
    past, _ = windows(50)
    mondays = past.regrouped(lambda at: at if at.start // 86_400_000_000 % 7 == 4 else None)
    assert len(mondays.slices) >= 7
    assert season_of(mondays, Baseline(mondays, "time"), DAILY) is None


def test_a_window_of_a_weekday_that_the_baseline_lacks_has_no_season():
    past, _ = windows(40)
    working = past.regrouped(lambda at: at if at.start // 86_400_000_000 % 7 not in (2, 3) else None)
    assert season_of(working, Baseline(working, "time"), DAILY) is not None
    assert season_of(past, Baseline(working, "time"), DAILY) is None


def test_files_and_blocks_of_rows_have_no_season():
    slices = tuple(Slice(label=f"file {i}") for i in range(30))
    files = cut(slices)
    days, _ = windows(30)
    assert season_of(files, Baseline(files, "files"), DAILY) is None
    assert season_of(files, Baseline(days, "time"), DAILY) is None
    assert season_of(days, Baseline(files, "files"), DAILY) is None
