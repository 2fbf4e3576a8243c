"""Where a column lies, in its sentence: the raw rows' median, or their mean where bins are too wide for a median."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchkeeper.checks import shape
from watchkeeper.checks.column import centre, median
from watchkeeper.model import Column, Model, Type
from watchkeeper.profiles import Baseline, Slice, fit, profile

BIKES = pq.read_table(Path(__file__).parents[2] / "data" / "bike_sharing.parquet")


def profiled(before, now, type_):
    model = Model(name="m", columns={"x": Column(type=type_)})
    edges = fit(model, [pa.table({"x": before})])
    return [profile(edges, pa.table({"x": x}), np.zeros(len(x), dtype=np.int64), [Slice()]) for x in (before, now)]


@pytest.mark.parametrize("column", ["temp", "hum", "windspeed", "cnt"])
@pytest.mark.parametrize("change", [1, 1.1, 2, 10, 1_000, 1e6, -1, -1_000])
def test_what_a_sentence_says_is_true_of_the_raw_rows(column, change):
    x = BIKES[column].to_numpy().astype(float)
    before, now = x[: len(x) // 2], x[len(x) // 2 :] * change
    sides = [side.columns["x"] for side in profiled(before, now, Type.NUMBER)]
    what, here, was = centre(sides[1], 0, sides[0])
    if what == "mean":
        assert here == pytest.approx(now.mean())
        assert was == pytest.approx(before.mean())
    else:
        move, spread = abs(np.median(now) - np.median(before)), np.subtract(*np.quantile(before, [0.75, 0.25]))
        assert abs(here - np.median(now)) <= 0.12 * max(move, spread)
        assert abs(was - np.median(before)) <= 0.02 * spread
    found = median(sides[1], 0, sides[0])
    assert found.low <= np.quantile(now, 0.5, method="inverted_cdf") <= found.high
    assert found.rough == (what == "mean")


def test_a_price_in_cents_is_told_by_its_mean_as_its_median_is_known_to_a_wide_bin_only():
    price = np.exp(np.random.default_rng(1).normal(3, 1, 5_000))
    before, now = profiled(price[:4_000], price[4_000:] * 1_000, Type.NUMBER)
    measured = next(iter(shape.measure(now, Baseline(before, "one"))))
    said = shape.CHECK.say(measured, 0, (0.0, 0.1))
    assert f"its mean is {price[4_000:].mean() * 1_000:,.0f}, was {price[:4_000].mean():.1f}." in said


def test_whole_numbers_in_a_bin_of_few_are_told_by_their_median():
    ages = np.random.default_rng(1).integers(18, 90, 5_000)
    before, now = (side.columns["x"] for side in profiled(ages[:4_000], ages[4_000:] + 3, Type.INTEGER))
    what, here, was = centre(now, 0, before)
    assert (what, was) == ("median", np.median(ages[:4_000]))
    assert abs(here - np.median(ages[4_000:] + 3)) <= 1
