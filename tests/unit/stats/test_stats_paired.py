"""Two versions on the same rows: exact tests and distances against SciPy, the interval by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.stats.paired import holm, ks, mcnemar, net_share, wasserstein


@pytest.mark.parametrize(("better", "worse"), [(0, 1), (5, 5), (3, 11), (40, 21), (700, 640)])
def test_mcnemar_is_the_exact_sign_test(better, worse):
    assert mcnemar(better, worse) == pytest.approx(stats.binomtest(better, better + worse).pvalue, rel=1e-9)
    assert mcnemar(better, worse) == mcnemar(worse, better)


def test_nothing_changed_is_no_evidence():
    assert mcnemar(0, 0) == 1.0
    assert all(np.isnan(net_share(0, 0, 0)))


@pytest.mark.parametrize(("gain", "loss", "rows"), [(0.05, 0.02, 100), (0.1, 0.1, 60), (0.02, 0.02, 400)])
def test_the_interval_of_the_net_share_holds_as_often_as_it_says(gain, loss, rows):
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(rows, [gain, loss, 1 - gain - loss], size=4_000)
    found = [net_share(int(b), int(w), rows) for b, w, _ in drawn]
    held = np.mean([low <= gain - loss <= high for _, low, high in found])
    assert 0.94 <= held <= 1.0
    assert all(low <= value <= high for value, low, high in found)


def test_distances_of_samples_are_those_of_scipy_with_ties_and_sizes_that_differ():
    rng = np.random.default_rng(2)
    a, b = np.round(rng.normal(size=301), 1), np.round(rng.gamma(2, size=190), 1)
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-12)
    assert ks(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic, rel=1e-12)
    assert np.isnan(ks([], b))
    assert np.isnan(wasserstein(a, []))


def test_holm_gives_the_values_of_its_paper_steps_in_any_order():
    # By hand: 0.005 x 4, then 0.01 x 3, 0.03 x 2 and 0.04 x 1, never falling.
    assert holm([0.03, 0.005, 0.04, 0.01]).tolist() == pytest.approx([0.06, 0.02, 0.06, 0.03])
    assert holm([]).tolist() == []
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]
