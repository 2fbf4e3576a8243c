"""Profiles against NumPy, SciPy and plain counting on the same rows."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.profiles import EdgesDiffer, OneWindow, Slice, TimeWindows, event_times, fit, merge, profile
from watchkeeper.profiles.fit import fit_numeric
from watchkeeper.stats import distance

ALL = [Slice(label="all")]


def one(edges, table):
    return profile(edges, table, np.zeros(len(table), dtype=np.int64), ALL)


def model(**columns):
    return Model(name="m", columns={name: Column(type=kind) for name, kind in columns.items()})


@pytest.fixture(scope="module")
def skewed():
    """Rows as they come: atoms at 0 and 7, a long tail, ties, and a few odd values."""
    rng = np.random.default_rng(5)
    x = np.concatenate(
        [np.zeros(3_000), np.full(500, 7.0), rng.lognormal(1, 1.5, 16_000), np.round(rng.normal(20, 3, 500))]
    )
    return rng.permutation(x)


def test_sums_counts_and_extremes_are_those_of_the_rows(skewed):
    values = pa.array([*skewed.tolist(), None, math.nan, math.inf, -math.inf, -1.5])
    table = pa.table({"x": values})
    column = one(fit(model(x="number"), [table]), table).columns["x"]
    finite = np.append(skewed, -1.5)
    assert (column.null[0], column.nan[0], column.positive_infinity[0], column.negative_infinity[0]) == (1, 1, 1, 1)
    assert (column.zero[0], column.negative[0], column.finite[0]) == (3_000, 1, len(finite))
    assert (column.minimum[0], column.maximum[0]) == (-1.5, finite.max())
    assert column.total[0, 0] == math.fsum(finite)
    assert column.mean[0] == pytest.approx(finite.mean(), rel=1e-14)
    assert column.sd[0] == pytest.approx(finite.std(ddof=1), rel=1e-12)


def test_edges_are_few_and_every_frequent_value_has_a_bin_of_its_own(skewed):
    edges = fit_numeric(skewed, skewed.min(), skewed.max())
    assert len(edges.cuts) <= 255
    counts = np.bincount(np.searchsorted(edges.cuts, skewed, side="right"), minlength=edges.bins)
    for atom in (0.0, 7.0):
        place = int(np.searchsorted(edges.cuts, atom, side="right"))
        assert counts[place] == (skewed == atom).sum()


def test_quantiles_are_within_the_promised_rank_error(skewed):
    table = pa.table({"x": skewed})
    column = one(fit(model(x="number"), [table]), table).columns["x"]
    ordered = np.sort(skewed)
    for q in (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99):
        found = float(distance.quantile(column.counts[0], column.edges.cuts, column.minimum[0], column.maximum[0], q))
        low, high = (np.searchsorted(ordered, found, side=side) / len(ordered) for side in ("left", "right"))
        assert low - 0.0062 <= q <= high + 0.0062


def test_distances_from_profiles_are_those_of_the_raw_rows(skewed):
    now = np.concatenate([skewed[:4_000] * 1.3 + 0.5, np.full(300, 7.0)])
    edges = fit(model(x="number"), [pa.table({"x": skewed})])
    before, here = (one(edges, pa.table({"x": x})).columns["x"] for x in (skewed, now))
    assert float(distance.ks(here.counts, before.counts[0])[0]) == pytest.approx(
        stats.ks_2samp(skewed, now).statistic, abs=0.006
    )
    moved = distance.wasserstein(
        here.counts,
        before.counts[0],
        edges.columns["x"].cuts,
        here.minimum,
        here.maximum,
        before.minimum[0],
        before.maximum[0],
    )
    assert float(moved[0]) == pytest.approx(stats.wasserstein_distance(skewed, now), abs=0.007 * skewed.std())


def test_rank_correlation_is_spearmans(skewed):
    rng = np.random.default_rng(6)
    other = np.log1p(skewed) + rng.normal(0, 1, len(skewed))
    table = pa.table({"a": skewed, "b": other})
    found = one(fit(model(a="number", b="number"), [table]), table).pairs
    assert found.names == (("a", "b"),)
    assert found.correlation[0, 0] == pytest.approx(stats.spearmanr(skewed, other).statistic, abs=0.003)


def test_rank_correlation_leaves_out_rows_where_one_is_missing():
    rng = np.random.default_rng(7)
    x = rng.normal(size=5_000)
    y = x + rng.normal(size=5_000)
    no_x, no_y = rng.random(5_000) < 0.2, (rng.random(5_000) < 0.3) & (x > 0)
    table = pa.table({"a": pa.array(x, mask=no_x), "b": pa.array(y, mask=no_y)})
    found = one(fit(model(a="number", b="number"), [table]), table).pairs
    both = ~no_x & ~no_y
    assert found.rows[0, 0] == both.sum()
    assert found.correlation[0, 0] == pytest.approx(stats.spearmanr(x[both], y[both]).statistic, abs=0.02)


def test_values_outside_the_baseline_are_counted_by_name_and_as_unseen():
    edges = fit(model(c="string"), [pa.table({"c": ["a", "a", "b", None]})])
    column = one(edges, pa.table({"c": ["a", "z", "z", "y", None]})).columns["c"]
    assert column.edges.values == ("a", "b")
    assert column.others == ("y", "z")
    assert column.dense(4).tolist() == [[1, 0, 1, 2]]
    assert (column.unseen[0], column.null[0], column.valid[0], column.distinct[0]) == (3, 1, 4, 3)


def test_more_new_values_than_the_cap_are_still_counted_and_estimated():
    edges = fit(model(c="string"), [pa.table({"c": ["a"]})])
    table = pa.table({"c": [f"v{i}" for i in range(30_000)]})
    halves = [one(edges, table.slice(0, 14_000)), one(edges, table.slice(14_000))]
    column = merge(halves).columns["c"]
    assert column.unseen[0] == 30_000
    assert len(column.others) == 10_000
    assert column.distinct[0] == pytest.approx(30_000, rel=0.06)
    assert column.others == one(edges, table).columns["c"].others


def test_profiles_on_different_edges_are_not_added():
    a, b = (one(fit(model(x="number"), [t]), t) for t in (pa.table({"x": [1.0, 2.0]}), pa.table({"x": [5.0, 9.0]})))
    with pytest.raises(EdgesDiffer, match=rf"{a.edges.id} and {b.edges.id}"):
        merge([a, b])


def test_a_column_that_is_not_in_the_table_counts_as_missing():
    edges = fit(model(x="number", c="string"), [pa.table({"x": [1.0, 2.0], "c": ["a", "b"]})])
    profiles = one(edges, pa.table({"x": [1.0, 3.0, 4.0]}))
    assert profiles.columns["c"].null.tolist() == [3]


def test_days_begin_at_midnight_utc_weeks_on_monday_and_months_on_the_first():
    stamps = pa.array(["2024-02-29T23:59:59Z", "2024-03-01T00:00:00Z", "2024-03-04T00:00:00Z", None]).cast(
        pa.timestamp("us", "UTC")
    )
    times, present = event_times(pa.table({"t": stamps}), "t")
    rows = np.arange(1, 5)
    for unit, expected in {
        "day": ["2024-02-29/2024-03-01", "2024-03-01/2024-03-02", "2024-03-04/2024-03-05"],
        "week": ["2024-02-26/2024-03-04", "2024-03-04/2024-03-11"],
        "month": ["2024-02-01/2024-03-01", "2024-03-01/2024-04-01"],
    }.items():
        at, slices = TimeWindows(unit).cut(times, present, rows)
        assert [s.window for s in slices] == expected
        assert at[3] == -1
    assert OneWindow(Slice(label="f")).cut(times, present, rows)[0].tolist() == [0, 0, 0, 0]


def test_times_before_1970_fall_into_their_own_day():
    at, slices = TimeWindows("day").cut(np.array([-1]), np.array([True]), np.array([1]))
    assert slices[at[0]].window == "1969-12-31/1970-01-01"


def test_segments_and_versions_add_up_to_the_whole():
    from watchkeeper.profiles.segment import split

    table = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "r": ["n", "s", None, "n"], "v": ["v1", "v1", "v2", None]})
    edges = fit(
        Model(name="m", columns={"x": Column(type=Type.NUMBER), "v": Column(type="string", role=Role.VERSION)}), [table]
    )
    at, slices = split(table, np.zeros(4, dtype=np.int64), ALL, "r", "v")
    profiles = profile(edges, table, at, slices)
    assert {(s.segment, s.version): n for s, n in zip(profiles.slices, profiles.rows.tolist(), strict=True)} == {
        ("r=n", "v1"): 1,
        ("r=s", "v1"): 1,
        ("r=(none)", "v2"): 1,
        ("r=n", "unversioned"): 1,
    }
    assert profiles.whole.columns["x"].total[0, 0] == 10.0
