"""Evidence: against SciPy's exact tests, published values, and what must hold for any data."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from watchkeeper.stats import evidence, prediction
from watchkeeper.stats.cells import cells_categorical, cells_numeric
from watchkeeper.stats.law import CHANCE, UnseenLaw

DATA = Path(__file__).parents[2] / "data"
sizes = some.integers(1, 3_000)


@some.composite
def tables(draw):
    n, N = draw(sizes), draw(sizes)
    return draw(some.integers(0, n)), n, draw(some.integers(0, N)), N


# share


@pytest.mark.parametrize(("n", "N"), [(100, 3_000), (500, 15_000), (1_000, 3_000), (500, 500)])
@pytest.mark.parametrize("share", [0.001, 0.02, 0.1, 0.5, 0.8])
def test_the_share_law_is_close_to_the_exact_conditional_test(n, N, share):
    M = max(1, round((n + N) * share))
    k = np.arange(max(0, M - N), min(n, M) + 1)
    for side, exact in (
        ("up", stats.hypergeom.logsf(k - 1, n + N, n, M)),
        ("down", stats.hypergeom.logcdf(k, n + N, n, M)),
    ):
        usual = (exact > -23) & (exact < -1)
        log_p = -evidence.share(k, n, M - k, N, side=side)
        assert (exact - log_p)[usual].max(initial=-9) < (0.4 if 30 * n <= N else 1.0), "louder than the exact test"
        assert (log_p - exact)[usual].max(initial=-9) < 1.0, "much quieter than the exact test"


def test_a_value_never_seen_before_has_the_evidence_of_exchangeability():
    k = np.array([1, 2, 10, 50])
    np.testing.assert_allclose(
        evidence.share(k, 100, 0, 3_000, side="up"), -k * np.log(100 / 3_100) * 3_100 / (3_100 - k)
    )


def test_the_physicians_health_study_has_its_published_evidence():
    # Heart attacks: 189 of 11,034 with a placebo, 104 of 11,037 with aspirin, chi-square 25.01 (Agresti 2002, 2.1).
    exact = stats.fisher_exact([[189, 11_034 - 189], [104, 11_037 - 104]], alternative="greater").pvalue
    assert evidence.share(189, 11_034, 104, 11_037, side="up") == pytest.approx(-np.log(exact), abs=0.05)
    assert evidence.share(189, 11_034, 104, 11_037) == pytest.approx(-stats.chi2.logsf(25.01, 1), abs=0.6)


def test_no_rows_say_nothing_and_an_unchanged_share_says_little():
    assert np.isnan(evidence.share([0, 0], [0, 5], [3, 0], [10, 0])).all()
    assert evidence.share(0, 100, 0, 3_000) == 0
    assert evidence.share(100, 100, 3_000, 3_000) == 0
    assert evidence.share(10, 100, 300, 3_000) < 0.5


def test_huge_evidence_stays_finite_and_in_order():
    nats = evidence.share([100, 1_000, 10_000, 100_000], 100_000, 30, 3_000_000)
    assert np.isfinite(nats).all()
    assert (np.diff(nats) > 0).all()
    assert nats[-1] > 1e5


@given(tables())
def test_hit_and_miss_and_window_and_reference_may_change_places(table):
    k, n, K, N = table
    here = evidence.share(k, n, K, N)
    np.testing.assert_allclose(here, evidence.share(n - k, n, N - K, N), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(here, evidence.share(K, N, k, n), rtol=1e-6, atol=1e-9)
    up, down = evidence.share(k, n, K, N, side="up"), evidence.share(k, n, K, N, side="down")
    np.testing.assert_allclose(up, evidence.share(n - k, n, N - K, N, side="down"), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(here, max(0.0, max(up, down) - np.log(2)), rtol=1e-6, atol=1e-9)


@given(some.integers(20, 2_000), some.integers(20, 20_000), some.floats(0, 1), some.floats(1, 10))
def test_evidence_grows_with_the_share_from_the_rows_on_that_a_window_is_judged(n, N, part, f):
    up = evidence.share(np.arange(n + 1), n, round(part * N), N, f, "up")
    assert (np.diff(up) > -1e-6).all()


@given(sizes, sizes, some.floats(0, 1), some.floats(0.1, 50), some.sampled_from(["two", "up", "down"]))
def test_the_band_holds_exactly_the_shares_without_more_evidence(n, N, part, nats, side):
    K = round(part * N)
    usual = round(n * K / N)
    if evidence.share(usual, n, K, N, side=side) > nats:
        return
    low, high = evidence.share_band(n, K, N, nats, side=side)
    k = np.arange(n + 1)
    within = (k / n >= low - 1e-12) & (k / n <= high + 1e-12)
    assert (within == (evidence.share(k, n, K, N, side=side) <= nats)).all()


def test_natural_variation_takes_evidence_away():
    assert evidence.share(30, 500, 300, 15_000, 4.0) < evidence.share(30, 500, 300, 15_000) / 2


# shape


def test_g_is_the_log_likelihood_ratio_of_scipy_with_williams_correction():
    counts, reference = np.array([[12, 30, 40, 18], [25, 25, 25, 25]]), np.array([300, 900, 1_200, 600])
    G, df, nats = evidence.g_test(counts, reference)
    for i in range(2):
        table = np.stack([counts[i], reference])
        plain = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
        T, n, N = table.sum(), table[0].sum(), table[1].sum()
        q = 1 + (T / n + T / N - 1) * ((T / table.sum(axis=0)).sum() - 1) / (6 * T * 3)
        assert df[i] == plain.dof
        assert G[i] == pytest.approx(plain.statistic / q)
        assert nats[i] == pytest.approx(-stats.chi2.logsf(G[i], 3))


def test_g_of_nothing_or_of_one_cell_says_nothing():
    assert np.isnan(evidence.g_test([[0, 0], [5, 0]], [3, 4])[2]).tolist() == [True, False]
    assert np.isnan(evidence.g_test([[7, 0]], [90, 0])[2]).all()


def test_g_of_a_thousandfold_shift_is_finite():
    nats = evidence.g_test([[0, 0, 50_000], [0, 0, 500_000]], [1_000_000, 1_000_000, 10])[2]
    assert np.isfinite(nats).all()
    assert nats[1] > nats[0] > 1e5


def test_a_window_of_hot_days_speaks_against_a_baseline_of_all_days_and_a_random_sample_does_not():
    temp = pq.read_table(DATA / "bike_sharing.parquet")["temp"].to_numpy()
    bins = np.arange(-8, 42)
    reference = np.histogram(temp, bins)[0]
    sample = np.random.default_rng(1).choice(temp, 500)
    hot = temp[temp > np.quantile(temp, 0.7)][:500]
    counts = np.stack([np.histogram(x, bins)[0] for x in (sample, hot)])
    _, df, nats = evidence.g_test(counts, reference, cells_numeric(reference, [500, 500]))
    assert nats[0] < 5
    assert nats[1] > 100
    assert 8 <= df[0] <= 18


@given(
    some.lists(some.integers(0, 500), min_size=2, max_size=60),
    some.lists(some.integers(1, 5_000), min_size=1, max_size=5),
)
def test_numeric_cells_are_whole_runs_of_bins_with_ten_expected_rows_each(mass, rows):
    if sum(mass) == 0:
        return
    cells = cells_numeric(mass, rows)
    assert cells.shape == (len(rows), len(mass))
    assert (np.diff(cells, axis=1) >= 0).all()
    for n, cell in zip(rows, cells, strict=True):
        held = np.bincount(cell, mass)
        if len(held) > 1:
            assert (held[held > 0] * n >= 10 * sum(mass) * (1 - 1e-12)).all()


@given(
    some.lists(some.integers(0, 500), min_size=1, max_size=100),
    some.lists(some.integers(1, 5_000), min_size=1, max_size=5),
)
def test_frequent_values_stand_alone_and_the_rest_is_one_pool_with_the_unseen(mass, rows):
    if sum(mass) == 0:
        return
    cells = cells_categorical([*mass, 0], rows)
    for n, cell in zip(rows, cells, strict=True):
        assert cell[-1] == 0
        held = np.bincount(cell, [*mass, 0])
        assert len(held) <= 65
        assert np.bincount(cell)[1:].max(initial=1) == 1
        if len(held) > 1:
            assert (held * n >= 10 * sum(mass) * (1 - 1e-12)).all()


# laws that stand on the windows


def test_the_predictive_t_is_that_of_a_new_observation():
    past = np.array([3.1, 2.9, 3.4, 3.0, 3.3])
    t = (4.0 - past.mean()) / np.sqrt(past.var(ddof=1) * 1.2)
    assert prediction.predictive_t(4.0, past, 0.0) == pytest.approx(-np.log(2) - stats.t.logsf(t, 4))
    assert prediction.predictive_t(4.0, past, 0.0, "up") == pytest.approx(-stats.t.logsf(t, 4))
    assert prediction.predictive_t(4.0, past, 0.0, "down") == pytest.approx(0, abs=0.01)
    assert prediction.predictive_t(4.0, past, 100.0) < 0.2, "chance alone explains it"
    assert np.isnan(prediction.predictive_t([4.0], past[:1], 1.0)).all()


def test_a_new_maximum_needs_to_lie_far_out_to_be_evidence():
    nats = prediction.tail([9.0, 10.0, 10.1, 20.0, 1e300], 10.0, 5.0, 500, 15_000, 2.0)
    assert nats[0] == nats[1] == 0
    assert nats[2] == pytest.approx(np.log(1 + 30 * (5.1 / 5) ** 2) - np.log(2))
    assert (np.diff(nats[1:]) > 0).all()
    assert np.isfinite(nats).all()
    assert np.isnan(prediction.tail(3.0, 2.0, 2.0, 500, 15_000, 2.0, 0.0)), "a constant column has no scale"
    assert prediction.tail(3.0, 2.0, 2.0, 500, 15_000, 2.0, 1.0) > 0, "the range stands in where median = maximum"


def test_the_tail_index_is_two_for_light_tails_and_small_for_heavy_ones():
    rng = np.random.default_rng(3)
    light, heavy = rng.normal(size=(30, 500)).max(axis=1), (rng.uniform(size=(30, 500)) ** -2.0).max(axis=1)
    assert prediction.tail_index(light, 0.0) == 2
    assert 0.2 < prediction.tail_index(heavy, 4.0) < 0.7
    assert np.isnan(prediction.tail_index([1.0, 2.0], 0.0))


def test_unseen_rows_speak_less_where_the_baseline_brings_new_values_all_the_time():
    closed, open_ended = (evidence.unseen(20, 500, once, 15_000, twice=once // 2) for once in (0, 600))
    assert closed > 50
    assert open_ended < 2
    assert evidence.unseen(20, 500, 0, 15_000, 30, 0.02, 10.0) < closed
    n, once, N, twice = (np.array(count) for count in (500, 60, 15_000, 20))
    high = UnseenLaw(np.array(0), n, once, N, twice).band(np.array(8.0), CHANCE)[1]
    assert evidence.unseen(high * 500, 500, 60, 15_000, twice=20) <= 8
    assert evidence.unseen(high * 500 + 1, 500, 60, 15_000, twice=20) > 8


def test_the_value_that_rose_is_found_and_the_search_is_paid_for():
    reference = np.array([3, 0, 5, 2])
    nats, which = evidence.rise([[0, 0, 1, 0], [0, 9, 1, 0]], [500, 500], reference, 15_000)
    assert nats[0] < 1
    assert nats[1] == pytest.approx(evidence.share(9, 500, 1, 15_000, side="up") - np.log(4))
    assert which[1] == 1
    assert np.isnan(evidence.rise(np.zeros((2, 0)), [5, 5], [], 100)[0]).all()


def test_a_frozen_sensor_is_a_spike_and_one_row_more_on_a_frequent_value_is_not():
    past_k, past_n = np.array([40, 38, 45, 41, 39, 44, 43, 40, 37, 42]), np.full(10, 500)
    assert prediction.spike(48, 500, past_k, past_n) < 4
    assert prediction.spike(480, 500, past_k, past_n) > 20
    high = prediction.spike_band([500], past_k, past_n, [9.0])
    assert prediction.spike(high * 500, 500, past_k, past_n) <= 9
    assert prediction.spike(high * 500 + 1, 500, past_k, past_n) > 9


def test_a_column_of_zeros_but_for_a_few_rows_may_lack_even_these():
    # 490 of 500 are zero in each window: none left is no more than chance (e^-10), and must not look like e^-30.
    past = np.array([490, 488, 492, 491, 489, 490, 487, 493, 490, 490, 491, 489] * 3)
    assert prediction.spike(500, 500, past, np.full(36, 500)) < 11


def test_rows_and_their_band_agree():
    past = np.array([1_000, 1_100, 950, 1_050, 980, 1_020, 1_010])
    low, high = prediction.rows_band(past, 6.0)
    assert 0 < low < 950 < 1_100 < high
    np.testing.assert_allclose(prediction.rows([low, high], past), 6.0)
    assert prediction.rows(0, past) > prediction.rows(500, past) > 6
    assert np.isfinite(prediction.rows([0, 10**12], past)).all()
    assert (np.isnan(prediction.rows_band(past[:1], 6.0))).all()
    assert prediction.rows_band(past, 1e4)[0] == 0


def test_correlations_are_compared_on_fishers_scale():
    assert evidence.fisher_z(0.3, 500, 0.3, 15_000) == pytest.approx(0, abs=1e-12)
    s1, s2 = 0.5 * 500 / 505, 0.2 * 500 / 505
    wanted = (np.arctanh(s1) - np.arctanh(s2)) / np.sqrt((1 + s1**2 / 2) / 497 + (1 + s2**2 / 2) / 14_997)
    assert evidence.fisher_z(0.5, 500, 0.2, 15_000) == pytest.approx(wanted)
    assert np.isfinite(evidence.fisher_z([1.0, -1.0], 500, 0.999, 15_000)).all()
    assert np.isnan(evidence.fisher_z(0.5, 3, 0.2, 100))


def test_one_row_that_breaks_a_perfect_correlation_is_no_evidence():
    assert abs(evidence.fisher_z(0.99, 100, 1.0, 3_000)) < 3


def test_normal_and_student_evidence_match_their_tables():
    np.testing.assert_allclose(np.exp(-evidence.normal([1.959964, -2.575829])), [0.05, 0.01], rtol=1e-5)
    np.testing.assert_allclose(np.exp(-evidence.student([2.776445, -2.045230], [4, 29])), [0.05, 0.05], rtol=1e-5)
    assert evidence.normal(1_000.0) == pytest.approx(500_000, rel=1e-4)


def test_a_scaled_band_never_contradicts_its_evidence():
    counts, reference = np.array([[40, 60], [50, 50], [90, 10]]), np.array([1_500, 1_500])
    G, _, nats = evidence.g_test(counts, reference)
    value, limit = np.abs(counts[:, 0] / 100 - 0.5), 9.0
    high = evidence.scaled_band(value, G, limit, 0.0)
    assert ((value > high) == (limit < G)).all()
    assert (evidence.scaled_band(value, G, limit, 0.04) >= 0.04).all()
    assert len(nats) == 3


# size


@pytest.mark.parametrize(("n", "p"), [(30, 0.5), (100, 0.1), (500, 0.01), (5_000, 0.3)])
def test_where_nothing_changes_the_share_law_seldom_speaks(n, p):
    rng = np.random.default_rng(7)
    nats = evidence.share(rng.binomial(n, p, 60_000), n, rng.binomial(30 * n, p, 60_000), 30 * n)
    for x in range(1, 8):
        assert (nats > x).mean() < 1.1 * np.exp(-x) + 3 * np.sqrt(np.exp(-x) / 60_000)


def test_where_nothing_changes_the_g_test_speaks_as_seldom_as_it_says():
    rng = np.random.default_rng(8)
    reference = rng.multinomial(3_000, np.full(200, 1 / 200))
    counts = rng.multinomial(100, np.full(200, 1 / 200), 20_000)
    cells = np.broadcast_to(cells_numeric(reference, [100]), counts.shape)
    nats = evidence.g_test(counts, reference, cells)[2]
    for x in range(1, 6):
        assert (nats > x).mean() == pytest.approx(np.exp(-x), rel=0.25, abs=4 * np.sqrt(np.exp(-x) / 20_000))
