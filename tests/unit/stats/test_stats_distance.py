"""Distances and quantiles from frozen bins: against SciPy and NumPy on the raw rows of real data."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats
from scipy.spatial.distance import jensenshannon

from watchkeeper.stats import distance
from watchkeeper.stats.cells import merge

DATA = Path(__file__).parents[2] / "data"
COLUMNS = {
    "temp": "bike_sharing",
    "hum": "bike_sharing",
    "windspeed": "bike_sharing",
    "cnt": "bike_sharing",
    "T": "air_quality",
    "AH": "air_quality",
    "PT08.S1(CO)": "air_quality",
    "NOx(GT)": "air_quality",
}


def read(column):
    x = pq.read_table(DATA / f"{COLUMNS[column]}.parquet", columns=[column])[column].to_numpy().astype(float)
    return x[x != -200]


def edges(x):
    """Cuts as a baseline freezes them: 199 quantiles, frequent values in bins of their own, tails to both sides."""
    values, counts = np.unique(x, return_counts=True)
    frequent = values[counts > 0.005 * len(x)]
    after = frequent + 1 if (x == np.rint(x)).all() else np.nextafter(frequent, np.inf)
    inner = np.quantile(x, np.arange(1, 200) / 200, method="inverted_cdf")
    span = np.ptp(x) * np.array([0.1, 1, 10])
    ends = [x.min(), np.nextafter(x.max(), np.inf), *(x.min() - span), *(x.max() + span)]
    return np.unique(np.concatenate([inner, frequent, after, ends]))


def count(x, cuts):
    return np.bincount(np.searchsorted(cuts, x, side="right"), minlength=len(cuts) + 1)


@pytest.fixture(params=COLUMNS)
def history(request):
    """A baseline (the first third of a real column), later windows of 500 rows and the rest, and their counts."""
    x = read(request.param)
    baseline, later = np.split(x, [len(x) // 3])
    windows = [later[i : i + 500] for i in range(0, len(later) - 500, 1_500)] + [later, baseline, baseline[:1]]
    cuts = edges(baseline)
    return baseline, windows, cuts, count(baseline, cuts), np.stack([count(w, cuts) for w in windows])


def test_ks_is_that_of_the_raw_rows_but_for_one_bin(history):
    baseline, windows, _, reference, counts = history
    exact = np.array([stats.ks_2samp(baseline, w).statistic for w in windows])
    found = distance.ks(counts, reference)
    slack = np.minimum(counts / counts.sum(axis=1, keepdims=True), reference / reference.sum()).max(axis=1)
    assert (found <= exact + 1e-12).all()
    assert (exact - found <= slack + 1e-12).all()
    assert (exact - found)[:-1].max() < 0.0062


def test_wasserstein_is_that_of_the_raw_rows_within_its_bound(history):
    baseline, windows, cuts, reference, counts = history
    low, high = np.array([w.min() for w in windows]), np.array([w.max() for w in windows])
    ends = baseline.min(), baseline.max()
    found = distance.wasserstein(counts, reference, cuts, low, high, *ends)
    exact = np.array([stats.wasserstein_distance(baseline, w) for w in windows])
    widths = np.diff(
        np.concatenate(
            [
                [min(low.min(), ends[0])],
                np.clip(cuts, min(low.min(), ends[0]), max(high.max(), ends[1])),
                [max(high.max(), ends[1])],
            ]
        )
    )
    shares = counts / counts.sum(axis=1, keepdims=True) + reference / reference.sum()
    assert (np.abs(found - exact) <= (shares * widths).sum(axis=1) / 2 + 1e-9).all()


def test_wasserstein_with_known_means_is_within_a_hundredth_of_a_standard_deviation(history):
    baseline, windows, cuts, reference, counts = history
    low, high, mean = (np.array([f(w) for w in windows]) for f in (np.min, np.max, np.mean))
    found = distance.wasserstein(
        counts, reference, cuts, low, high, baseline.min(), baseline.max(), mean, baseline.mean()
    )
    exact = np.array([stats.wasserstein_distance(baseline, w) for w in windows])
    assert np.abs(found - exact).max() < 0.0125 * baseline.std()


def test_quantiles_are_those_of_the_raw_rows_within_a_bin(history):
    _, windows, cuts, _, counts = history
    low, high = np.array([w.min() for w in windows]), np.array([w.max() for w in windows])
    edge = np.concatenate([[-np.inf], cuts, [np.inf]])
    for q in (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0):
        exact = np.array([np.quantile(w, q, method="inverted_cdf") for w in windows])
        found = distance.quantile(counts, cuts, low, high, q)
        bins = np.searchsorted(cuts, exact, side="right")
        assert ((found >= edge[bins]) & (found <= edge[bins + 1])).all(), q
    assert (distance.quantile(counts, cuts, low, high, 0) == low).all()
    assert (distance.quantile(counts, cuts, low, high, 1) == high).all()
    assert (
        distance.quantile(counts[0], cuts, low[0], high[0], 0.5) == distance.quantile(counts, cuts, low, high, 0.5)[0]
    )


def test_a_quantile_beyond_the_baseline_lies_in_the_bin_of_the_raw_rows():
    x = read("cnt")
    x = x[x > 0]
    span = (x.max() - x.min()) * np.array([0.02, 0.1, 0.5, 1, 4, 10, 100, 1e4])
    cuts = np.unique(np.concatenate([np.quantile(x, np.arange(200) / 200), x.min() - span, x.max() + span]))
    for far in (60 * x, 3_000 * x, 1e9 * x, -60 * x):
        counts, ends = count(far, cuts), (far.min(), far.max())
        left, right = distance.quantile_bin(counts, cuts, *ends, 0.5)
        assert left <= np.median(far) <= right
        assert left <= distance.quantile(counts, cuts, *ends, 0.5) <= right


def test_values_at_both_ends_of_the_doubles_are_measured_in_silence():
    ends = np.array([-1.7e308]), np.array([1.7e308])
    with np.errstate(all="raise"):
        moved = distance.wasserstein([[5, 0, 5]], [0, 10, 0], [-1.0, 1.0], *ends, -1.0, 1.0)
        middle = distance.quantile([[5, 0, 6]], [-1.0, 1.0], *ends, 0.5)
    assert moved == pytest.approx([8.5e307])
    assert 1.0 <= middle <= 1.7e308


def test_ten_deciles_of_a_smooth_column_weigh_a_tenth_each():
    x = read("AH")
    cuts = edges(x)
    reference = count(x, cuts)
    cells = distance.deciles(reference)
    assert (np.diff(cells) >= 0).all()
    np.testing.assert_allclose(np.bincount(cells, reference) / len(x), 0.1, atol=0.003)


def test_a_value_that_outweighs_a_decile_leaves_fewer_cells_and_none_is_empty():
    reference = np.array([0, 600, 0, 100, 100, 100, 100, 0])
    cells = distance.deciles(reference)
    assert np.bincount(cells, reference).tolist() == [600, 100, 100, 100, 100]
    assert distance.deciles([0, 5, 0]).tolist() == [0, 0, 0]
    assert distance.deciles([0, 0]).tolist() == [0, 0]


def test_psi_on_deciles_is_that_of_the_raw_rows():
    x = read("temp")
    baseline, now = np.split(x, [len(x) // 3])
    cuts = edges(baseline)
    reference, counts = count(baseline, cuts), count(now, cuts)[None, :]
    cells = distance.deciles(reference)[None, :]
    found = distance.psi(merge(counts, cells), merge(reference[None, :], cells)[0])
    ends = [cuts[i] for i in np.flatnonzero(np.diff(cells[0]))]
    p, q = (np.maximum(np.histogram(y, [-np.inf, *ends, np.inf])[0] / len(y), 1e-4) for y in (now, baseline))
    assert found == pytest.approx(((p - q) * np.log(p / q)).sum())


counts = some.lists(some.integers(0, 10_000), min_size=2, max_size=40)


@given(
    some.integers(2, 40).flatmap(
        lambda k: some.tuples(*[some.lists(some.integers(0, 9_999), min_size=k, max_size=k)] * 2)
    )
)
def test_distances_agree_with_scipy_and_keep_their_ranges(pair):
    now, before = map(np.array, pair)
    if not (now.sum() and before.sum()):
        return
    p, q = now / now.sum(), before / before.sum()
    here = now[None, :]
    js = distance.js_distance(here, before)[0]
    assert js == pytest.approx(np.nan_to_num(jensenshannon(p, q, base=2)), abs=1e-6)
    some_rows = now + before > 0
    if some_rows.sum() > 1:
        table = stats.chi2_contingency(np.stack([now, before])[:, some_rows], correction=False)
        assert distance.chi2(here, before)[0] == pytest.approx(table.statistic, rel=1e-9, abs=1e-9)
    tv, hellinger, ks = (f(here, before)[0] for f in (distance.total_variation, distance.hellinger, distance.ks))
    assert 0 <= ks <= tv + 1e-12
    assert hellinger**2 <= tv + 1e-12
    assert tv <= np.sqrt(2) * hellinger + 1e-12
    assert tv <= 1 + 1e-12
    for f in (distance.psi, distance.js_distance, distance.hellinger, distance.total_variation, distance.ks):
        assert f(here, before)[0] == pytest.approx(f(before[None, :], now)[0], abs=1e-12), "symmetric"
        assert f(3 * here, now)[0] == pytest.approx(0, abs=1e-7), "zero for the same shares"


@given(
    some.lists(some.integers(-20, 20), min_size=1, max_size=30),
    some.lists(some.integers(-20, 20), min_size=1, max_size=30),
    some.lists(some.integers(-25, 25), min_size=1, max_size=12, unique=True),
)
def test_wasserstein_keeps_its_bound_for_any_cuts(now, before, cuts):
    now, before, cuts = np.array(now, float), np.array(before, float), np.sort(np.array(cuts, float))
    found = distance.wasserstein(
        count(now, cuts)[None],
        count(before, cuts),
        cuts,
        now[[now.argmin()]],
        now[[now.argmax()]],
        before.min(),
        before.max(),
    )
    low, high = min(now.min(), before.min()), max(now.max(), before.max())
    ends = np.clip(np.concatenate([[-np.inf], cuts, [np.inf]]), low, high)
    shares = count(now, cuts) / len(now) + count(before, cuts) / len(before)
    slack = sum(s * (b - a) for s, (a, b) in zip(shares, pairwise(ends), strict=True)) / 2
    assert abs(found[0] - stats.wasserstein_distance(now, before)) <= slack + 1e-9


def test_whole_numbers_in_bins_of_their_own_are_exact():
    rng = np.random.default_rng(2)
    now, before = rng.poisson(3, 400), rng.poisson(5, 900)
    cuts = np.arange(0, 20.0)
    found = distance.wasserstein(
        count(now, cuts)[None], count(before, cuts), cuts, [now.min()], [now.max()], before.min(), before.max()
    )
    assert found[0] == pytest.approx(stats.wasserstein_distance(now, before))
    assert distance.quantile(count(now, cuts), cuts, now.min(), now.max(), 0.5) == np.quantile(
        now, 0.5, method="inverted_cdf"
    )


def test_slices_without_rows_are_nan_and_touch_nothing_else():
    now, before, cuts = np.array([[0, 0, 0], [0, 4, 0]]), np.array([0, 8, 0]), np.array([0.0, 4.0])
    empty = np.array([np.nan, 1.0]), np.array([np.nan, 3.0])
    for f in (
        distance.psi,
        distance.js_distance,
        distance.hellinger,
        distance.total_variation,
        distance.chi2,
        distance.ks,
    ):
        assert np.isnan(f(now, before)).tolist() == [True, False], f.__name__
    assert np.isnan(distance.wasserstein(now, before, cuts, *empty, 1.0, 3.0)).tolist() == [True, False]
    assert np.isnan(distance.quantile(now, cuts, *empty, 0.5)).tolist() == [True, False]
