"""How old the newest time of a window is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.profiles import OneWindow, Slice, TimeWindows, event_times, fit, profile

HOUR = 3_600_000_000
UTC = pa.timestamp("us", tz="UTC")
MODEL = Model(
    name="m",
    columns={
        "at": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP),
        "stock": Column(type=Type.TIMESTAMP),
        "x": Column(type=Type.NUMBER),
    },
)
TABLE = pa.table(
    {
        "at": pa.array([1 * HOUR, 20 * HOUR, 25 * HOUR, 47 * HOUR]).cast(UTC),
        "stock": pa.array([0, 19 * HOUR, 48 * HOUR, None]).cast(UTC),
        "x": [1.0, 2.0, 3.0, 4.0],
    }
)


def profiled(windows):
    at, slices = windows.cut(*event_times(TABLE, "at"), np.arange(1, 5))
    return profile(fit(MODEL, [TABLE]), TABLE, at, slices)


def test_event_times_are_as_old_as_the_window_s_end_is_away():
    assert (profiled(TimeWindows("day")).freshness("at") / HOUR).tolist() == [4.0, 1.0]


def test_other_times_are_counted_from_the_newest_event():
    assert (profiled(TimeWindows("day")).freshness("stock") / HOUR).tolist() == [1.0, -1.0]


def test_it_follows_the_windows_when_they_are_added_up_and_is_unknown_without_any():
    week = profiled(TimeWindows("day")).regrouped(lambda at: Slice(0, 7 * 24 * HOUR))
    assert (week.freshness("at") / HOUR).tolist() == [121.0]
    file = profiled(OneWindow(Slice(label="a.csv")))
    assert np.isnan(file.freshness("at")).all()
    assert (file.freshness("stock") / HOUR).tolist() == [-1.0]
    assert np.isnan(file.freshness("x")).all()
