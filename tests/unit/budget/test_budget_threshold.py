"""The threshold keeps the chance that was asked for, and what the baseline did may only raise it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from watchkeeper.budget.threshold import threshold

NONE = np.zeros(0)
DAILY_ALARM, DAILY_WARNING = 1 / 30.4, 1 / 7


def gumbel_by_hand(maxima, chance):
    """The quantile of a Gumbel law whose L-scale is half the mean difference of two windows, ten of width 1 beside."""
    W = len(maxima)
    pairs = np.abs(maxima[:, None] - maxima[None, :])[np.triu_indices(W, 1)]
    width = max(1.0, (W * pairs.mean() / 2 / np.log(2) + 10) / (W + 10))
    return stats.gumbel_r(maxima.mean() - np.euler_gamma * width, width).isf(chance)


def without_top(maxima):
    """One in fifteen windows, the largest, cut to half as far again beyond the next as that lies above the median."""
    known = np.sort(maxima)
    following = known[len(known) - 1 - len(known) // 15]
    return np.minimum(known, following + 0.5 * (following - np.median(known)))


@given(some.integers(0, 5_000), some.floats(1e-6, 0.5), some.lists(some.floats(0, 500), max_size=60).map(np.array))
def test_the_threshold_is_never_below_that_of_independent_measurements(judged, chance, maxima):
    assert threshold(judged, chance, maxima) >= math.log(max(1, judged) / chance)


@given(some.integers(1, 5_000), some.floats(1e-6, 0.5), some.lists(some.floats(0, 500), max_size=9).map(np.array))
def test_fewer_than_ten_windows_teach_nothing(judged, chance, maxima):
    unknown = np.append(maxima, [np.nan, np.inf, -np.inf])
    assert threshold(judged, chance, unknown) == math.log(judged / chance)


@pytest.mark.parametrize("windows", [10, 14, 28, 90])
@pytest.mark.parametrize("chance", [DAILY_ALARM, DAILY_WARNING])
def test_wide_maxima_raise_it_to_the_quantile_of_a_gumbel_law_by_l_moments(windows, chance):
    maxima = 20 + 6 * np.random.default_rng(windows).gumbel(size=windows)
    found = threshold(50, chance, np.append(maxima, np.nan))
    cut = without_top(maxima)
    assert found == pytest.approx(gumbel_by_hand(cut, chance))
    assert found > math.log(50 / chance)
    assert (cut.max() < maxima.max()) == (windows >= 15 and cut.max() != maxima.max())


def test_the_half_mean_difference_over_ln_2_is_the_width_of_a_gumbel_law():
    # Hosking (1990), table 1: the second L-moment of a Gumbel law is its width times ln 2.
    drawn = stats.gumbel_r(3.0, 2.0).rvs(4_000, random_state=1)
    assert threshold(1, DAILY_ALARM, drawn) == pytest.approx(stats.gumbel_r(3.0, 2.0).isf(DAILY_ALARM), rel=0.03)


def test_one_wild_window_of_the_baseline_does_not_set_everyones_threshold():
    maxima = np.random.default_rng(4).exponential(size=(30, 100)).max(axis=1)
    usual = threshold(100, DAILY_ALARM, maxima)
    maxima[7] = 700.0
    assert threshold(100, DAILY_ALARM, maxima) < usual + 3


@pytest.mark.parametrize("chance", [DAILY_ALARM, DAILY_WARNING])
@pytest.mark.parametrize("judged", [5, 300])
def test_of_windows_in_which_nothing_happens_the_share_above_it_is_about_the_chance(judged, chance):
    generator = np.random.default_rng(judged)
    at_random = generator.uniform(size=(100, 200)) ** (1 / judged)  # the largest of so many uniform numbers
    windows = -np.log1p(-at_random)
    baselines = -np.log1p(-(generator.uniform(size=(100, 30)) ** (1 / judged)))
    above = [(windows > threshold(judged, chance, own)).mean() for own in baselines]
    assert windows.size == 20_000
    assert 0.6 * chance < np.mean(above) <= 1.05 * chance


@pytest.mark.parametrize("chance", [DAILY_ALARM, DAILY_WARNING])
def test_where_evidence_is_three_times_too_large_the_share_above_it_is_still_about_the_chance(chance):
    generator = np.random.default_rng(9)
    windows = 3 * generator.exponential(size=(20_000, 40)).max(axis=1)
    above = [
        (windows > threshold(40, chance, 3 * generator.exponential(size=(60, 40)).max(axis=1))).mean()
        for _ in range(60)
    ]
    assert (windows > math.log(40 / chance)).mean() > 4 * chance  # what independent measurements would let through
    assert 0.5 * chance < np.mean(above) < 1.6 * chance
