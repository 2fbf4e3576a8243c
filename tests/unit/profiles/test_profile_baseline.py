"""What a column is compared with: the whole baseline, a part of it for each slice, and never a spoiled window."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from watchkeeper.model import Column, Model, Type
from watchkeeper.profiles import Baseline, Slice, fit, profile
from watchkeeper.profiles.chosen import apart, before

MODEL = Model(name="m", columns={"x": Column(type=Type.INTEGER), "y": Column(type=Type.INTEGER)})
SIZES = [3, 5, 2, 7, 4]
AT = np.repeat(np.arange(5), SIZES)
X = np.array([1, 2, 3] + [10] * 5 + [-900, 900] + [20, 21, 22, 23, 24, 25, 26] + [5, 6, 7, 8])


@pytest.fixture
def windows():
    table = pa.table({"x": X, "y": np.arange(len(X))})
    return profile(fit(MODEL, [table]), table, AT, tuple(Slice(i, i + 1) for i in range(5)))


def test_without_a_choice_all_slices_share_one_reference(windows):
    baseline = Baseline(windows, "time")
    assert baseline.windows == 5
    assert baseline.rows("x").tolist() == [sum(SIZES)]
    assert [baseline["x"].minimum.tolist(), baseline["x"].maximum.tolist()] == [[-900.0], [900.0]]
    assert baseline["x"].mean.tolist() == pytest.approx([X.mean()])


def test_a_spoiled_window_is_left_out_of_its_own_column_alone(windows):
    baseline = Baseline(windows, "time", spoiled={"x": (2,)})
    kept = X[AT != 2]
    assert baseline.rows("x").tolist() == [len(kept)]
    assert baseline["x"].finite.tolist() == [len(kept)]
    assert [baseline["x"].minimum.tolist(), baseline["x"].maximum.tolist()] == [[kept.min()], [kept.max()]]
    assert baseline["x"].mean.tolist() == pytest.approx([kept.mean()])
    assert baseline.rows("y").tolist() == [len(X)]
    assert baseline["y"].finite.tolist() == [len(X)]


def test_with_a_choice_each_slice_has_its_own_reference_without_the_spoiled_windows(windows):
    baseline = Baseline(windows, "time", before(5, 2), {"x": (2,)})
    places = [[], [0], [0, 1], [1], [3]]
    assert baseline.rows("x").tolist() == [np.isin(AT, at).sum() for at in places]
    assert baseline["x"].maximum.tolist()[1:] == [X[np.isin(AT, at)].max() for at in places[1:]]
    assert np.isnan(baseline["x"].maximum[0])
    assert baseline.rows("y").tolist() == [0, 3, 8, 7, 9]


def test_the_past_sums_over_the_windows_that_count(windows):
    values = np.array([1.0, 10.0, np.nan, 1_000.0, 10_000.0])
    alone = Baseline(windows, "time", spoiled={"x": (2,)}).past("x")
    assert alone.kept.tolist() == [True, True, False, True, True]
    assert alone.total(values).tolist() == [11_011.0]
    each = Baseline(windows, "time", apart(5), {"x": (2,)}).past("x")
    assert each.total(values).tolist() == [11_000.0, 11_000.0, 10_001.0, 11.0, 11.0]


def test_how_a_column_is_looked_at_is_decided_by_the_baseline_and_not_by_the_windows_beside_it(windows):
    first = windows.regrouped(lambda at: Slice() if at.start == 0 else None)
    both = Baseline(windows, "time", before(5, 2), first=first)
    assert both.whole is first
    assert Baseline(windows, "time").whole.rows.tolist() == [len(X)]
    assert both["x"].finite.tolist() == [0, 3, 8, 7, 9]
