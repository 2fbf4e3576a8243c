"""Evidence that may be looked at after each event, against numerical integration, Ville's bound and exact laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from watchkeeper.stats import anytime


def likelihood_ratio(k, n, most):
    """The mixture by numerical integration over shares above `most`."""
    law = stats.beta(anytime.A, anytime.B)
    # p = 1 - (1 - most) u^2 takes the pole of the law at 1 away.
    width = 1 - most

    def under(u):
        p = 1 - width * u * u
        ratio = k * math.log(p / most) + (n - k) * math.log((1 - p) / width) if n > k else k * math.log(p / most)
        return math.exp(ratio) * law.pdf(p) * 2 * width * u

    value, _ = integrate.quad(under, 0, 1, limit=500)
    return value / law.sf(most)


@pytest.mark.parametrize(
    ("k", "n", "most"), [(0, 5, 0.2), (3, 10, 0.1), (10, 10, 0.3), (40, 200, 0.15), (1, 400, 0.02)]
)
def test_it_is_the_likelihood_ratio_of_the_mixture(k, n, most):
    assert math.exp(anytime.rise(k, n, most)) == pytest.approx(likelihood_ratio(k, n, most), rel=1e-6)


@given(n=st.integers(0, 12), most=st.floats(0.001, 0.999))
def test_its_mean_is_one_on_the_border_and_less_below(n, most):
    k = np.arange(n + 1)
    values = np.exp(anytime.rise(k, n, most))
    assert (stats.binom.pmf(k, n, most) * values).sum() == pytest.approx(1, rel=1e-6)
    assert (stats.binom.pmf(k, n, most / 2) * values).sum() <= 1 + 1e-9


@given(n=st.integers(1, 2_000), most=st.floats(0.0001, 0.99), data=st.data())
def test_more_harm_is_more_evidence_and_it_is_always_a_number(n, most, data):
    k = data.draw(st.integers(0, n - 1))
    fewer, more = anytime.rise(k, n, most), anytime.rise(k + 1, n, most)
    assert np.isfinite([fewer, more]).all()
    assert more > fewer


def test_far_from_harm_the_evidence_against_it_stays_finite_and_grows():
    found = anytime.rise(0, np.array([10**3, 10**5, 10**7]), 0.1)
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()


def test_the_borders_say_what_they_must():
    assert anytime.rise(0, 100, 0.0) == 0
    assert anytime.rise(1, 100, 0.0) == math.inf
    assert anytime.rise(100, 100, 1.0) == 0


def test_whoever_looks_after_each_event_is_fooled_no_more_often_than_promised():
    random, runs, length, alpha = np.random.default_rng(7), 1_000, 1_000, 0.05
    n = np.arange(1, length + 1)
    fooled = 0
    for most in (0.01, 0.2):
        seen = np.cumsum(random.random((runs, length)) < most, axis=1)
        fooled = (anytime.rise(seen, n, most).max(axis=1) > math.log(1 / alpha)).sum()
        assert stats.binomtest(int(fooled), runs, alpha, alternative="greater").pvalue > 0.001
        assert fooled  # the bound is not idle
