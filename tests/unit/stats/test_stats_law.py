"""Laws: the plain function where windows differ by chance alone, and SciPy's F and t where they differ by more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from watchkeeper.profiles.chosen import before
from watchkeeper.stats import evidence, prediction
from watchkeeper.stats.law import (
    CHANCE,
    GapLaw,
    NormalLaw,
    OwnLaw,
    ScaledLaw,
    SeriesLaw,
    ShareLaw,
    UnseenLaw,
    Variation,
)

K, N = np.array([30, 300, 3_000, 0]), np.full(4, 15_000)
HITS, ROWS = np.array([9, 40, 160, 3]), np.full(4, 500)
ALONE = ShareLaw(HITS, ROWS, K, N, "up")
SIDES = some.sampled_from(["two", "up", "down"])


def varied(phi, windows, record=0.0):
    return Variation(np.array([phi]), np.array([float(windows)]), np.array([record]))


def gap(G, df):
    G, df = np.array(G, dtype=float), np.array(df, dtype=float)
    return GapLaw(np.full(len(G), 0.1), G, df, ShareLaw(*(v[: len(G)] for v in (HITS, ROWS, K, N)), "up"))


def test_by_chance_alone_a_share_has_the_evidence_of_the_share_law():
    for side in ("two", "up", "down"):
        law = ShareLaw(HITS, ROWS, K, N, side, 2.0)
        np.testing.assert_array_equal(law.nats(CHANCE), evidence.share(HITS, ROWS, K, N, 2.0, side))


def test_by_chance_alone_unseen_rows_have_the_evidence_of_unseen():
    once, twice = np.array([5, 50, 500, 0]), np.array([2, 20, 100, 0])
    law = UnseenLaw(HITS, ROWS, once, N, twice)
    np.testing.assert_array_equal(law.nats(CHANCE), evidence.unseen(HITS, ROWS, once, N, twice=twice))
    assert (law.nats(CHANCE)[:1] > 1).all()


def test_by_chance_alone_a_gap_has_the_evidence_of_the_g_test():
    counts, reference = np.array([[30, 50, 20], [33, 33, 34], [60, 30, 10]]), np.array([300, 300, 300])
    G, df, nats = evidence.g_test(counts, reference)
    np.testing.assert_allclose(gap(G, df).nats(CHANCE), nats)
    np.testing.assert_allclose(gap(G, df).nats(CHANCE), -stats.chi2.logsf(G, 2))


def test_a_gap_without_two_cells_has_the_evidence_of_the_share_that_stands_for_it():
    law = gap([np.nan, 20.0, np.nan, 7.0], [0, 3, 0, np.nan])
    for natural in (CHANCE, varied(2.0, 20)):
        found = law.nats(natural)
        np.testing.assert_array_equal(found[[0, 2]], ALONE.nats(natural)[[0, 2]])
        assert found[1] != ALONE.nats(natural)[1]
    assert np.isnan(law.spread[[0, 2, 3]]).all()
    assert law.spread[1] == pytest.approx(20 / 3)


def test_by_chance_alone_a_difference_in_standard_errors_is_normal():
    z = np.array([-5.0, -1.0, 0.0, 2.0, 40.0])
    np.testing.assert_allclose(NormalLaw(z).nats(CHANCE), evidence.normal(z))
    np.testing.assert_allclose(NormalLaw(z, "up").nats(CHANCE), -stats.norm.logsf(z), atol=1e-12)
    np.testing.assert_allclose(NormalLaw(z, "down").nats(CHANCE), -stats.norm.logcdf(z), atol=1e-12)


def test_by_chance_alone_evidence_that_is_given_stays():
    L = np.array([0.0, 3.5, np.nan, 80.0])

    def limits(nats):
        return -nats, nats

    nothing = np.full(4, np.nan)
    series = SeriesLaw(L, limits, nothing, nothing, nothing, nothing, "up")
    for law in (ScaledLaw(L, limits), OwnLaw(L, limits), series):
        np.testing.assert_array_equal(law.nats(CHANCE), L)
        np.testing.assert_array_equal(law.band(np.full(4, 2.5), CHANCE)[1], 2.5)


@pytest.mark.parametrize(("phi", "windows", "df"), [(1.0, 28, 9), (1.7, 28, 9), (4.0, 12, 15), (30.0, 5, 3)])
def test_a_gap_follows_the_f_law_with_one_more_direction(phi, windows, df):
    excess = df * (phi - 1)
    first = (df + excess) ** 2 / (df - 1 + (1 + excess) ** 2)
    ratio = np.array([0.3, 1.0, 2.0, 6.0])
    law, natural = gap(ratio * phi * df, [df] * 4), varied(phi, windows)
    np.testing.assert_allclose(law.nats(natural), -stats.f.logsf(ratio, first, first * windows), rtol=1e-9)
    for nats in (0.5, 3.0, 12.0):
        limit = stats.f.isf(np.exp(-nats), first, first * windows)
        high = law.band(np.full(4, nats), natural)[1]
        np.testing.assert_allclose(high, 0.1 * np.sqrt(limit / ratio), rtol=1e-7)


@pytest.mark.parametrize("side", ["two", "up", "down"])
@pytest.mark.parametrize(("phi", "windows"), [(1.0, 28), (3.0, 5), (2.0, 1)])
def test_a_difference_in_standard_errors_follows_students_law(side, phi, windows):
    z = np.array([-9.0, -2.0, 0.0, 1.0, 6.0])
    t = z / np.sqrt(phi)
    exact = {
        "two": -np.log(2) - stats.t.logsf(np.abs(t), windows),
        "up": -stats.t.logsf(t, windows),
        "down": -stats.t.logcdf(t, windows),
    }[side]
    natural = varied(phi, windows)
    np.testing.assert_allclose(NormalLaw(z, side).nats(natural), np.maximum(0, exact), atol=1e-9)
    law = NormalLaw(np.zeros(1), side, lambda errors: (-errors, errors))
    for nats in (1.0, 4.0, 11.0):
        p = np.exp(-nats) / (2 if side == "two" else 1)
        reach = stats.t.isf(p, windows) * np.sqrt(phi)
        assert law.band(np.array([nats]), natural)[1] == pytest.approx(reach, rel=1e-6)


def test_a_share_never_has_more_evidence_than_students_t_of_the_windows():
    for phi, windows in ((1.0, 4), (3.0, 10), (8.0, 28)):
        z2 = ALONE.spread
        student = -stats.t.logsf(np.sqrt(z2 / phi), windows)
        found, exact = ALONE.nats(varied(phi, windows)), evidence.share(HITS, ROWS, K, N, phi, "up")
        np.testing.assert_allclose(found, np.minimum(exact, student), rtol=1e-9)
    assert (ALONE.nats(varied(1.0, 4)) < evidence.share(HITS, ROWS, K, N, 1.0, "up")).any()


def test_the_spread_of_a_share_is_the_square_of_its_pooled_z():
    for k, n, big_k, big_n in zip(HITS, ROWS, K, N, strict=True):
        table = [[k, n - k], [big_k, big_n - big_k]]
        chi2 = stats.chi2_contingency(table, correction=False).statistic
        assert ShareLaw(*(np.array([v]) for v in (k, n, big_k, big_n))).spread[0] == pytest.approx(chi2)
    assert np.isnan(ShareLaw(np.array([0]), np.array([0]), np.array([3]), np.array([9])).spread).all()


def laws(k, n, big_k, big_n, side):
    arrays = tuple(np.array([v]) for v in (k, n, big_k, big_n))
    G = np.array([float(k)])
    yield ShareLaw(*arrays, side)
    yield UnseenLaw(*arrays, np.array([big_k // 3]))
    yield GapLaw(np.ones(1), G, np.array([5.0]), ShareLaw(*arrays, "up"))
    yield NormalLaw(G / 10, side)
    yield ScaledLaw(G, lambda nats: (-nats, nats))


@given(
    some.integers(20, 2_000),
    some.integers(1_000, 50_000),
    some.floats(0, 1),
    some.floats(0, 1),
    SIDES,
    some.floats(1, 20),
    some.floats(1, 20),
    some.integers(3, 200),
)
def test_the_more_windows_vary_by_nature_the_less_any_evidence_says(n, N, part, before_part, side, a, b, windows):
    less, more = sorted((a, b))
    for law in laws(round(part * n), n, round(before_part * N), N, side):
        first, second = law.nats(varied(less, windows))[0], law.nats(varied(more, windows))[0]
        assert second <= max(first + 1e-6, 1.0), type(law).__name__  # below 1 nat, in the middle, nothing is told


@given(
    some.integers(20, 2_000),
    some.integers(1_000, 50_000),
    some.floats(0, 1),
    SIDES,
    some.floats(0.5, 20),
    some.floats(1, 5),
    some.one_of(some.just(np.inf), some.integers(3, 60)),
)
def test_the_band_of_a_share_holds_exactly_what_has_no_more_evidence(n, N, part, side, nats, phi, windows):
    natural, big_k = varied(phi, windows), round(part * N)
    k = np.arange(n + 1)
    every = ShareLaw(k, np.full(n + 1, n), np.full(n + 1, big_k), np.full(n + 1, N), side).nats(natural)
    if every[round(n * big_k / N)] > nats:
        return
    low, high = ShareLaw(*(np.array([v]) for v in (0, n, big_k, N)), side).band(np.array([nats]), natural)
    within = (k / n >= low - 1e-12) & (k / n <= high + 1e-12)
    np.testing.assert_array_equal(within, every <= nats)


@pytest.mark.parametrize("natural", [CHANCE, varied(2.5, 20, 0.01)])
def test_unseen_rows_at_the_end_of_their_band_are_the_last_that_are_quiet(natural):
    nats, n = 6.0, 500
    k = np.arange(n + 1)
    wide = [np.full(n + 1, v) for v in (n, 40, 15_000, 10)]
    every = UnseenLaw(k, *wide).nats(natural)
    one = UnseenLaw(k[:1], *(v[:1] for v in wide))
    low, high = one.band(np.array([nats]), natural)
    assert low.tolist() == [0.0]
    assert round(high[0] * n) == k[every <= nats].max() < n
    assert every[round(high[0] * n) + 1] > nats


@given(some.floats(0.5, 300), some.floats(1, 40), some.integers(1, 20), some.floats(0.5, 40), some.integers(3, 90))
def test_a_gap_at_the_end_of_its_band_has_just_the_evidence(G, phi, df, nats, windows):
    for natural in (varied(phi, windows), varied(phi, np.inf)):
        law = gap([G], [df])
        high = law.band(np.array([nats]), natural)[1]
        moved = replace(law, value=high, G=law.G * (high / law.value) ** 2)
        assert moved.nats(natural)[0] == pytest.approx(nats, rel=1e-6, abs=1e-6)


def test_the_band_of_scaled_evidence_is_widened_as_the_evidence_is_divided():
    law = ScaledLaw(np.array([12.0]), lambda nats: (-nats, nats))
    high = law.band(np.array([5.0]), varied(3.0, 20))[1]
    assert replace(law, L=high).nats(varied(3.0, 20)).tolist() == [5.0]


def series(y, past, side="two", in_unit=True, L=None):
    y, past = np.asarray(y, dtype=float), np.asarray(past, dtype=float)
    L = np.full(len(y), 1e3) if L is None else np.asarray(L, dtype=float)

    def nothing_quiet(nats):
        return np.full(len(nats), np.nan), np.full(len(nats), np.nan)

    return SeriesLaw(L, nothing_quiet, y, past, np.full(len(y), 1e-4), np.full(len(past), 1e-4), side, in_unit)


PAST = np.random.default_rng(5).normal(2.0, 0.3, 24)
WINDOWS = varied(1.0, 24)


def test_a_series_is_held_against_the_windows_of_the_baseline():
    y = np.array([2.0, 3.0, 5.0])
    t = (y - PAST.mean()) / (PAST.std(ddof=1) * np.sqrt(1 + 1 / 24))
    np.testing.assert_allclose(series(y, PAST).nats(WINDOWS), -np.log(2) - stats.t.logsf(np.abs(t), 23), atol=1e-12)
    quieter = series(y, PAST, L=[0.1, 0.2, 0.3])
    assert (quieter.nats(WINDOWS) <= quieter.L).all()


@pytest.mark.parametrize("side", ["two", "up", "down"])
def test_a_series_at_the_end_of_its_band_has_just_the_evidence(side):
    nats = np.array([7.0])
    low, high = series([2.0], PAST, side).band(nats, WINDOWS)
    for end, looks in ((low, side != "up"), (high, side != "down")):
        if looks:
            assert series(end, PAST, side).nats(WINDOWS) == pytest.approx(nats)
        else:
            assert np.isinf(end).all()


def test_against_the_windows_just_before_a_series_is_that_of_a_loop():
    y = np.random.default_rng(6).normal(2.5, 0.5, 9)
    law = series(y, PAST)
    both = np.concatenate([PAST, y])
    found = law.recent(before(len(both), 10).total)
    looped = [prediction.predictive_t(both[i], both[i - 10 : i], 1e-4) for i in range(len(PAST), len(both))]
    np.testing.assert_allclose(found, np.concatenate(looped), rtol=1e-9)


def test_of_a_series_each_window_of_the_baseline_is_held_against_the_others():
    found = series([2.0], PAST).left_out
    looped = [prediction.predictive_t(PAST[i], np.delete(PAST, i), 1e-4) for i in range(len(PAST))]
    np.testing.assert_allclose(found, np.concatenate(looped), rtol=1e-9)
