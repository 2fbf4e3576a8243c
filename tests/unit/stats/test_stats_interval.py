"""Confidence intervals: published values, SciPy, and how often they cover."""

import numpy as np
import pytest
from scipy import stats

from watchkeeper.stats import interval


def test_wilson_is_scipys_and_stays_within_zero_and_one():
    for k, n in ((0, 10), (1, 10), (81, 263), (263, 263)):
        low, high = interval.wilson(k, n)
        exact = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert (float(low), float(high)) == pytest.approx((exact.low, exact.high), abs=1e-12)
    # Newcombe (1998), Statist. Med. 17, 857-872, table I: 81 of 263.
    assert interval.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert np.isnan(interval.wilson([0], [0])).all()


def test_the_mean_has_students_interval():
    x = np.array([4.1, 5.0, 4.4, 6.2, 5.1])
    exact = stats.ttest_1samp(x, 0).confidence_interval()
    assert interval.mean(x.mean(), x.var(ddof=1), 5) == pytest.approx((exact.low, exact.high))
    assert np.isnan(interval.mean([3.0], [0.0], [1])).all()


def test_bounded_estimates_have_bounded_intervals():
    low, high = interval.logit([0.0, 0.98, 1.0], [0.0, 0.01**2, 0.0])
    assert (low >= 0).all()
    assert (high <= 1).all()
    assert low[1] < 0.98 < high[1]
    assert (low[2], high[0]) == (1, 0)
    low, high = interval.log([0.0, 3.0], [0.0, 2.0])
    assert (low >= 0).all()
    assert low[1] * high[1] == pytest.approx(9)
    assert interval.normal(1.0, 0.25, 0.99) == pytest.approx((1 - 2.575829 / 2, 1 + 2.575829 / 2))


@pytest.mark.parametrize("p", [0.02, 0.3, 0.9])
def test_wilson_covers_as_often_as_it_says(p):
    k = np.random.default_rng(4).binomial(200, p, 20_000)
    low, high = interval.wilson(k, 200)
    assert 0.93 < ((low <= p) & (p <= high)).mean() < 0.975
