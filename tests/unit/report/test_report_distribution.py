"""Two distributions on the same bins: no mass is lost, and outliers do not flatten the picture."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import checked
from watchkeeper.model import Column, Model, Type
from watchkeeper.profiles import Slice, fit, profile
from watchkeeper.report.distribution import histograms, shares


def profiled(before, now, column):
    model = Model(name="m", columns={"x": column})
    edges = fit(model, [pa.table({"x": before})])
    sides = [
        profile(edges, pa.table({"x": side}), np.zeros(len(side), dtype=np.int64), [Slice()]).columns["x"]
        for side in (pa.array(before), pa.array(now))
    ]
    return sides[0], sides[1]


def test_every_value_is_in_the_picture_or_told_beyond_it():
    temp = checked.bikes("2011-01-01", "2011-07-01")["temp"].to_numpy()
    july = checked.bikes("2011-07-01", "2011-08-01")["temp"].to_numpy()
    found = histograms(*profiled(temp, july, Column(type=Type.INTEGER)), 0)
    for side, at in ((found.before, 0), (found.now, 1)):
        assert abs(side.sum() + found.below[at] + found.above[at] - 1) < 1e-9
    assert found.centre == ("median", np.median(temp), np.median(july))


def test_whole_numbers_stand_in_bins_of_their_own():
    rolls = np.repeat(np.arange(1, 7), 100)
    found = histograms(*profiled(rolls, rolls, Column(type=Type.INTEGER)), 0)
    assert found.edges.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert np.allclose(found.now, 1 / 6)


def test_a_long_tail_is_drawn_on_a_logarithmic_axis_and_one_outlier_is_cut_off():
    generator = np.random.default_rng(0)
    amounts = generator.lognormal(0, 2, 20_000)
    found = histograms(*profiled(amounts, np.append(amounts[:500], 1e12), Column(type=Type.NUMBER)), 0)
    assert found.logarithmic
    assert found.edges[-1] < 1e6
    assert 0 < found.above[1] < 0.02


def test_a_column_frozen_at_one_value_still_has_a_picture():
    found = histograms(*profiled(np.full(50, 3.5), np.full(50, 3.5), Column(type=Type.NUMBER)), 0)
    assert found.now.max() > 0.99


@pytest.mark.filterwarnings("error")
def test_values_that_no_axis_holds_have_no_picture():
    huge = np.tile([-1.7e308, 1.0, 1.7e308], 50)
    assert histograms(*profiled(huge, huge, Column(type=Type.NUMBER)), 0) is None


def test_a_side_without_values_has_no_picture():
    assert histograms(*profiled([1.0, 2.0, 3.0], pa.nulls(3, pa.float64()), Column(type=Type.NUMBER)), 0) is None


def test_the_values_that_moved_are_among_those_shown():
    before = [f"v{i:02d}" for i in range(40) for _ in range(40 - i)]
    found = shares(*profiled(before, [*before, *["new"] * 300], Column(type=Type.STRING)), 0)
    assert "new" in found.values
    assert found.rest == 41 - len(found.values)
    assert abs(found.now.sum() + found.rest_shares[1] - 1) < 1e-9
