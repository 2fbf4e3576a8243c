"""Tail probabilities in logarithms: against SciPy where it can still compute them, against closed forms beyond."""

import numpy as np
import pytest
from scipy import stats

from watchkeeper.stats import logtail


def test_the_tails_agree_with_scipy_where_scipy_does_not_underflow():
    t, df = np.array([-3.0, 0.0, 1.0, 8.0, 60.0, 1e5]), np.array([2.0, 3.0, 29.0, 4.0, 59.0, 9.0])
    np.testing.assert_allclose(logtail.log_t(t, df), stats.t.logsf(t, df), rtol=1e-9)
    x, df = np.array([0.0, 1.0, 30.0, 500.0, 1200.0]), np.array([1.0, 15.0, 15.0, 63.0, 1.0])
    np.testing.assert_allclose(logtail.log_chi2(x, df), stats.chi2.logsf(x, df), rtol=1e-9)
    np.testing.assert_allclose(logtail.log_normal([-2.0, 5.0, 37.0]), stats.norm.logsf([-2.0, 5.0, 37.0]), rtol=1e-12)
    a, b, x = np.array([5.0, 500.0, 0.5, 3e4]), np.array([2.0, 3e4, 8.0, 5e5]), np.array([0.3, 0.005, 1e-4, 0.05])
    np.testing.assert_allclose(logtail.log_beta(a, b, x, 1 - x), stats.beta.logcdf(x, a, b), rtol=1e-9)


@pytest.mark.parametrize("nats", [50.0, 230.0, 700.0, 1e4, 1e6])
def test_closed_forms_hold_far_beyond_what_a_float_can_hold(nats):
    a = np.array([1.0, 3.0, 200.0])
    np.testing.assert_allclose(logtail.log_beta(a, 1.0, np.exp(-100 / a), -np.expm1(-100 / a)), -100.0)
    x = 0.25
    np.testing.assert_allclose(logtail.log_beta(-nats / np.log(x), 1.0, x, 1 - x), -nats)
    # I_x(a, 2) = x^a (1 + a (1 - x))
    a = -nats / np.log(x)
    np.testing.assert_allclose(logtail.log_beta(a, 2.0, x, 1 - x), -nats + np.log1p(a * (1 - x)))
    np.testing.assert_allclose(logtail.log_chi2(2 * nats, 2), -nats)
    # Q(2, x) = e^-x (1 + x)
    np.testing.assert_allclose(logtail.log_chi2(2 * nats, 4), -nats + np.log1p(nats))


def test_a_t_of_one_degree_is_cauchy_and_of_two_has_a_closed_tail():
    t = 10.0 ** np.arange(1, 150, 12)
    np.testing.assert_allclose(logtail.log_t(t, 1), -np.log(np.pi * t), atol=0.004)
    np.testing.assert_allclose(logtail.log_t(t, 2), -np.log(2 * t * t), atol=0.016)


def test_nothing_overflows_however_far_out_the_data_lie():
    assert np.isfinite(logtail.log_t([1e200, 1e308], 30)).all()
    assert np.isfinite(logtail.log_normal([1e5, 1e150])).all()
    assert np.isfinite(logtail.log_beta([1e8, 1e9], [1e9, 1e3], 1e-3, 1 - 1e-3)).all()
