"""Each check sees the fault it is for, in the window it is in, and its words name what happened."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from watchkeeper.budget import Budget, History, judge
from watchkeeper.checks import BUILT_IN, run
from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.profiles import Baseline, TimeWindows, event_times, fit, profile
from watchkeeper.profiles.window import filled

DAY = 86_400_000_000
ROWS = 400
MODEL = Model(
    name="m",
    columns={
        "t": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP),
        "key": Column(type=Type.INTEGER, role=Role.ID, drift=False),
        "x": Column(type=Type.NUMBER),
        "y": Column(type=Type.NUMBER),
        "n": Column(type=Type.INTEGER),
        "c": Column(type=Type.STRING),
        "wide": Column(type=Type.STRING),
        "label": Column(type=Type.BOOLEAN, role=Role.LABEL),
    },
)


def days(first, count, seed):
    """Rows of `count` days in which nothing happens."""
    rng = np.random.default_rng(seed)
    size = count * ROWS
    x = rng.normal(10, 2, size)
    return {
        "t": (np.repeat(np.arange(first, first + count), ROWS) + rng.random(size) * 0.999).astype(np.float64) * DAY,
        "key": np.arange(size) + first * ROWS,
        "x": x,
        "y": 0.8 * x + rng.normal(0, 1, size),
        "n": rng.poisson(4, size),
        "c": rng.choice(["red", "green", "blue"], size, p=[0.6, 0.3, 0.1]),
        "wide": np.array([f"v{i}" for i in rng.integers(0, 3_000, size)]),
        "label": x + rng.normal(0, 2, size) > 10,
    }


def table(columns):
    times = pa.array(columns["t"].astype(np.int64)).cast(pa.timestamp("us", "UTC"))
    return pa.table({**columns, "t": times}, schema=None)


def profiled(edges, rows):
    times, present = event_times(rows, "t")
    windows = TimeWindows("day")
    at, slices = windows.cut(times, present, np.arange(1, len(rows) + 1))
    return filled(profile(edges, rows, at, slices), windows)


BASE = table(days(0, 30, 1))
EDGES = fit(MODEL, [BASE])
BASELINE = Baseline(profiled(EDGES, BASE), "time")
HISTORY = History(30, {check.name: check for check in BUILT_IN})
BUDGET = Budget(1 / 30.4, 1 / 7)


def found(columns):
    """Loud findings by day."""
    measured = run(profiled(EDGES, columns if isinstance(columns, pa.Table) else table(columns)), BASELINE, BUILT_IN)
    return judge(measured, HISTORY, BUDGET)


def spoiled(change):
    """Three days of which the second is spoiled by `change(columns, rows of that day)`."""
    columns = days(40, 3, 2)
    change(columns, slice(ROWS, 2 * ROWS))
    return found(columns)


def put(name, value):
    def change(columns, day):
        columns[name] = columns[name].astype(object) if isinstance(value, str) else columns[name].astype(float)
        columns[name][day] = value(columns[name][day]) if callable(value) else value

    return change


def test_days_on_which_nothing_happens_are_quiet():
    assert found(days(40, 10, 3)) == []


@pytest.mark.parametrize(
    ("metric", "column", "change", "words"),
    [
        ("shape", "x", put("x", lambda x: x + 1.5), "its median is"),
        ("spike", "y", put("y", 8.0), "lie at 8"),
        ("spike", "n", put("n", lambda n: np.where(np.arange(len(n)) < 5, n, 4)), "lie at 4; up to"),
        ("range_high", "x", put("x", lambda x: np.where(np.arange(len(x)) < 5, 1e6, x)), "goes up to 1,000,000"),
        ("range_low", "x", put("x", lambda x: np.where(np.arange(len(x)) < 5, -np.inf, x)), "goes down to -∞"),
        (
            "correlation",
            "y",
            put("y", lambda y: y[np.random.default_rng(0).permutation(len(y))]),
            "belong together less",
        ),
    ],
)
def test_a_fault_of_one_day_is_found_on_that_day(metric, column, change, words):
    mine = [f for f in spoiled(change) if f.metric == metric and column in f.columns]
    assert mine
    assert {f.window for f in mine} == {"1970-02-11/1970-02-12"}
    assert words in mine[0].message


def test_missing_values_are_found():
    columns = days(40, 3, 2)
    rows = table(columns)
    gone = pa.array(columns["x"], mask=(np.arange(3 * ROWS) // ROWS == 1) & (np.arange(3 * ROWS) % 3 == 0))
    loud = [f for f in found(rows.set_column(rows.column_names.index("x"), "x", gone)) if f.metric == "null_share"]
    assert [(f.columns, f.window, f.severity) for f in loud] == [(("x",), "1970-02-11/1970-02-12", "alarm")]


def test_a_new_spelling_is_found_with_the_value_in_its_sentence():
    loud = spoiled(
        lambda columns, day: columns.update(
            c=np.where((np.arange(3 * ROWS) // ROWS == 1) & (columns["c"] == "red"), "Red", columns["c"])
        )
    )
    assert any(f.metric == "unseen_share" and '"Red"' in f.message for f in loud)


def test_one_value_among_thousands_that_becomes_frequent_is_found():
    def change(columns, day):
        columns["wide"] = columns["wide"].astype(object)
        columns["wide"][day.start : day.start + 40] = "v7"

    loud = [f for f in spoiled(change) if f.metric == "rise"]
    assert loud
    assert '"v7" rose from' in loud[0].message


def test_half_of_the_rows_lost_is_found_and_a_day_without_any_too():
    columns = days(40, 5, 2)
    keep = np.ones(5 * ROWS, dtype=bool)
    keep[ROWS : 2 * ROWS : 2] = False
    keep[3 * ROWS : 4 * ROWS] = False
    loud = [f for f in found({name: values[keep] for name, values in columns.items()}) if f.metric == "rows"]
    assert sorted((f.window[:10], f.value) for f in loud) == [("1970-02-11", 200.0), ("1970-02-13", 0.0)]


def test_a_last_day_that_the_data_cover_only_in_part_is_not_called_lost():
    columns = days(40, 3, 2)
    keep = columns["t"] < 42.4 * DAY
    assert [f for f in found({name: values[keep] for name, values in columns.items()}) if f.metric == "rows"] == []


def test_a_target_that_leaks_into_a_feature_is_found():
    loud = spoiled(lambda columns, day: columns["n"].__setitem__(day, columns["label"][day] + 1))
    assert any(f.metric == "correlation" and set(f.columns) == {"n", "label"} and "leak" in f.message for f in loud)


def test_windows_with_fewer_than_twenty_rows_are_not_judged_but_counted():
    columns = {name: values[:15] for name, values in days(40, 1, 2).items()}
    columns["x"] = columns["x"] * 1000
    assert {f.metric for f in found(columns)} <= {"rows"}
