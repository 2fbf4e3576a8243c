"""What the baseline's windows teach, and what new windows are held against: seasons, outliers, the windows before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from watchkeeper.budget import Budget, Severity, judge, observe
from watchkeeper.budget.recent import HOLD, Recent, _first_of_each_run
from watchkeeper.checks import BUILT_IN
from watchkeeper.model import Column, Model, Type
from watchkeeper.profiles import Baseline, Slice, fit, profile
from watchkeeper.stats import evidence
from watchkeeper.stats.cells import cells_numeric

DAY = 86_400_000_000
MONDAY = 4 * DAY
DAILY = Budget(alarm=1 / 30.4, warning=1 / 7)
WEEKEND = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
BY_SLICE = [check for check in BUILT_IN if check.by_slice]


def drawn(seed, days, names="xyz", rows=300):
    """Days of normal numbers, shape (days, rows) each."""
    generator = np.random.default_rng(seed)
    return {name: generator.normal(size=(days, rows)) for name in names}


def cut(values, first, edges=None):
    """The profile of days from day `first` on; day 0 is a Monday."""
    days, rows = next(iter(values.values())).shape
    table = pa.table({name: column.reshape(-1) for name, column in values.items()})
    model = Model(name="m", columns={name: Column(type=Type.NUMBER) for name in values})
    starts = [MONDAY + (first + i) * DAY for i in range(days)]
    slices = tuple(Slice(start, start + DAY) for start in starts)
    return profile(edges or fit(model, [table]), table, np.repeat(np.arange(days), rows), slices)


def observed(past, now, *, first=None, checks=BUILT_IN):
    windows = cut(past, 0)
    first = len(windows.slices) if first is None else first
    return observe(cut(now, first, windows.edges), Baseline(windows, "time"), checks, DAILY)


def told(measurements, history):
    """By column the findings of `shape`: (place of the window, severity)."""
    starts = {at.window: i for i, at in enumerate(measurements[0].slices)}
    found = [f for f in judge(measurements, history, DAILY) if f.metric == "shape"]
    columns = {name for f in found for name in f.columns}
    return {c: sorted((starts[f.window], f.severity) for f in found if f.columns == (c,)) for c in columns}


def shape(measurements, name="x"):
    return next(m for m in measurements if m.metric == "shape" and m.columns == (name,))


def with_weekend(values, first, size):
    """The values with x higher at weekends."""
    days = len(values["x"])
    return values | {"x": values["x"] + size * WEEKEND[(first + np.arange(days)) % 7][:, None]}


def test_nothing_is_told_where_nothing_changes():
    measurements, history = observed(drawn(1, 28), drawn(2, 28))
    assert [f for f in judge(measurements, history, DAILY) if f.severity is Severity.ALARM] == []
    assert (history.windows, history.spoiled, history.seasonal) == (28, {}, frozenset())
    assert shape(measurements).recent is not None


@pytest.mark.parametrize("day", [2, 5])
def test_a_column_with_a_weekend_is_seasonal_and_a_fault_of_half_an_sd_is_found_on_its_day(day):
    now = with_weekend(drawn(4, 7), 35, 1.0)
    now["x"][day] += 0.5
    measurements, history = observed(with_weekend(drawn(3, 35), 0, 1.0), now)
    assert history.seasonal == {"x"}
    assert told(measurements, history) == {"x": [(day, Severity.ALARM)]}


def test_without_its_season_the_same_column_would_hide_the_fault():
    now = with_weekend(drawn(4, 7), 35, 1.0)
    now["x"][2] += 0.5
    weekly = observed(with_weekend(drawn(3, 35), 0, 1.0), now)[0]
    mixed = with_weekend(drawn(3, 35), 0, 1.0)
    mixed["x"] = np.random.default_rng(0).permutation(mixed["x"])
    plain, history = observed(mixed, now)
    assert history.seasonal == frozenset()
    assert shape(plain).evidence[2] < 3 < 10 < shape(weekly).evidence[2]


def test_days_that_are_alike_have_no_season_even_where_one_could_be_looked_for():
    _, history = observed(drawn(5, 35), drawn(6, 7))
    assert history.seasonal == frozenset()


def test_a_spoiled_window_of_the_baseline_is_left_out_and_named():
    past, now = drawn(7, 28), drawn(8, 7)
    clean, _ = observed(past, now)
    past["y"] = past["y"].copy()
    past["y"][11] *= 1_000
    now["y"][3] += 0.6
    measurements, history = observed(past, now)
    assert history.spoiled == {"y": (Slice(MONDAY + 11 * DAY, MONDAY + 12 * DAY),)}
    assert told(measurements, history) == {"y": [(3, Severity.ALARM)]}
    reach = next(m for m in measurements if m.metric == "range_high" and m.columns == ("y",))
    usual = np.delete(past["y"], 11, axis=0).max()
    np.testing.assert_array_equal(reach.reference, usual)
    np.testing.assert_allclose(shape(measurements, "x").value, shape(clean, "x").value)


def test_at_most_one_window_in_ten_of_a_column_is_left_out():
    past = drawn(9, 30)
    past["z"][[3, 9, 14, 20, 26]] += 5
    _, history = observed(past, drawn(10, 3))
    assert all(len(windows) <= 3 for windows in history.spoiled.values())
    assert "x" not in history.spoiled


@pytest.mark.parametrize("names", ["xyz", "x"])
def test_a_shift_that_lasts_alarms_until_it_is_how_things_are_and_is_then_told_once_as_slow(names):
    past, now = drawn(11, 28, names), drawn(12, 40, names)
    now["x"][5:] += 1.0
    found = told(*observed(past, now, checks=BY_SLICE))["x"]
    alarms = [at for at, severity in found if severity is Severity.ALARM]
    assert alarms == list(range(5, 5 + len(alarms)))
    assert HOLD <= len(alarms) <= HOLD + 4
    assert [(at, severity) for at, severity in found if at not in alarms] == [(5 + len(alarms), Severity.WARNING)]


def test_a_fault_in_all_columns_at_once_does_not_pass_for_natural_variation():
    past, now = drawn(13, 28), drawn(14, 5)
    for column in now.values():
        column[2] += 0.8
    assert told(*observed(past, now)) == {name: [(2, Severity.ALARM)] for name in "xyz"}


def test_windows_in_alarm_are_left_out_of_what_later_ones_are_compared_with():
    past, now = drawn(15, 28), drawn(16, 12)
    quiet = shape(observed(past, now)[0]).recent
    now["x"] = now["x"].copy()
    now["x"][2:5] += 3.0
    loud = shape(observed(past, now)[0]).recent
    np.testing.assert_allclose(loud.value[:2], quiet.value[:2])
    assert (loud.value[2:5] > 0.5).all()
    assert (loud.value[5:] < 0.15).all()  # with the three among its 28, some 0.1 higher
    without = np.concatenate([past["x"], now["x"][:2], now["x"][5:9]])[-25:]
    both = np.sort(np.concatenate([now["x"][9], without.reshape(-1)]))
    gap = np.abs(
        np.searchsorted(np.sort(now["x"][9]), both, "right") / 300
        - np.searchsorted(np.sort(without.reshape(-1)), both, "right") / without.size
    ).max()
    assert loud.value[9] == pytest.approx(gap, abs=0.01)


@pytest.mark.parametrize("first", [-60, 14])
def test_new_windows_that_do_not_follow_in_time_are_not_held_against_the_windows_before(first):
    measurements, _ = observed(drawn(17, 28), drawn(18, 5), first=first)
    assert all(m.recent is None for m in measurements)
    assert shape(measurements).evidence is not None


def test_below_three_windows_nothing_is_learned():
    measurements, history = observed(drawn(19, 2), drawn(20, 4))
    assert len(history.maxima) == 0
    assert all(m.recent is None for m in measurements)


def test_the_maxima_are_what_each_window_of_the_baseline_says_against_others_by_what_others_vary():
    past = drawn(23, 20, "x")
    past["x"] = past["x"] + np.random.default_rng(1).normal(0, 0.3, (20, 1))
    windows = cut(past, 0)
    only_shape = [check for check in BUILT_IN if check.name == "shape"]
    strict = Budget(alarm=1e-9, warning=1e-3)  # no window is an outlier
    _, history = observe(cut(drawn(24, 2, "x"), 20, windows.edges), Baseline(windows, "time"), only_shape, strict)
    counts, place = windows.columns["x"].counts, np.arange(20)
    others = np.array([counts[abs(place - i) > 5].sum(axis=0) for i in place])
    cells = cells_numeric(counts.sum(axis=0), counts.sum(axis=1))
    G, df, _ = evidence.g_test(counts, others, cells)
    spread = np.minimum(G / df, 1.5 * np.sort(G / df)[-2])  # one in fifteen is cut
    expected = []
    for i in place:
        phi = max(1.0, (np.delete(spread, i).sum() + 5 * spread.mean()) / (19 + 5))
        excess = df[i] * (phi - 1)
        first = (df[i] + excess) ** 2 / (df[i] - 1 + (1 + excess) ** 2)
        expected.append(-stats.f.logsf(G[i] / phi / df[i], first, first * 19))
    assert history.spoiled == {}
    assert spread.mean() > 1.5
    np.testing.assert_allclose(history.maxima, expected, rtol=1e-6)


def test_a_spoiled_window_does_not_raise_the_maxima():
    past = drawn(21, 28, "x")
    usual = observed(past, drawn(22, 3, "x"), checks=BY_SLICE)[1].maxima.max()
    past["x"][9] += 2.0
    _, history = observed(past, drawn(22, 3, "x"), checks=BY_SLICE)
    assert [at.start for at in history.spoiled["x"]] == [MONDAY + 9 * DAY]
    assert history.maxima.max() < usual + 1


def test_days_that_differ_by_nature_give_less_evidence_for_the_same_shift():
    alike, unlike = drawn(23, 28), drawn(23, 28)
    unlike["x"] = unlike["x"] + np.random.default_rng(1).normal(0, 0.5, (28, 1))
    now = drawn(24, 3)
    now["x"][1] += 0.7
    sure, unsure = (shape(observed(past, now)[0]).evidence[1] for past in (alike, unlike))
    assert sure > 10 > 5 > unsure


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("1111", "1100"), ("0111011", "0110011"), ("1", "1"), ("0000", "0000"), ("1011100", "1011000")],
)
def test_of_each_run_of_windows_in_alarm_the_first_ones_are_left_out(flags, expected):
    found = _first_of_each_run([place for place, flag in enumerate(flags) if flag == "1"], 2)
    assert "".join("1" if place in found else "0" for place in range(len(flags))) == expected


def test_observing_changes_nothing_of_what_it_is_given():
    windows = cut(drawn(25, 28), 0)
    baseline = Baseline(windows, "time")
    now = cut(drawn(26, 3), 28, windows.edges)
    before = replace(windows.columns["x"]).counts.copy(), now.columns["x"].counts.copy()
    observe(now, baseline, BUILT_IN, DAILY)
    assert baseline.chosen is None
    assert baseline.spoiled == {}
    np.testing.assert_array_equal(windows.columns["x"].counts, before[0])
    np.testing.assert_array_equal(now.columns["x"].counts, before[1])


@pytest.mark.parametrize("size", [0.0, 1.0])
def test_the_windows_just_before_say_the_same_whether_or_not_a_long_baseline_is_cut_to_those_that_count(
    monkeypatch, size
):
    past, now = with_weekend(drawn(31, 200), 0, size), with_weekend(drawn(32, 20), 200, size)
    now["y"][5:8] += 0.6
    short, history = observed(past, now)
    assert history.seasonal == ({"x"} if size else frozenset())
    monkeypatch.setattr(Recent, "_latest", lambda self, past: past)
    long, _ = observed(past, now)
    assert [m.recent is None for m in short] == [m.recent is None for m in long]
    for one, other in zip(short, long, strict=True):
        if one.recent is not None:
            np.testing.assert_array_equal(one.recent.slices, other.recent.slices)
            np.testing.assert_allclose(one.recent.evidence, other.recent.evidence, rtol=1e-9)
