"""Orders of the same rows compared: against SciPy, and against lists counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.stats.agreement import kendall, overlap, places, rank_biased_overlap, spearman


@pytest.mark.parametrize("rows", [2, 3, 10, 500, 5_000])
@pytest.mark.parametrize("digits", [0, 1, 9])
def test_rank_correlations_are_those_of_scipy_with_ties_and_without(rows, digits):
    rng = np.random.default_rng(rows)
    a = np.round(rng.normal(size=rows), digits)
    b = np.round(a + rng.normal(size=rows), digits)
    if len(set(a)) == 1 or len(set(b)) == 1:
        pytest.skip("constant values have no order")
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)
    assert kendall(a, b) == pytest.approx(stats.kendalltau(a, b).statistic, abs=1e-12)


def test_a_constant_has_no_order():
    assert np.isnan(spearman([1, 1, 1], [1, 2, 3]))
    assert np.isnan(kendall([1, 2, 3], [4, 4, 4]))
    assert np.isnan(kendall([], []))


def test_ties_go_the_way_on_which_both_agree():
    one, other = places([1.0, 1.0, 0.0], [0.1, 0.9, 0.5])
    assert one.tolist() == [2, 1, 3]
    assert other.tolist() == [3, 1, 2]


def test_overlap_counts_who_stays_in_the_head():
    one, other = places([5, 4, 3, 2, 1], [5, 1, 4, 2, 3])
    assert [overlap(one, other, k) for k in (1, 2, 3, 5, 9)] == [1.0, 0.5, 2 / 3, 1.0, 1.0]


def test_rank_biased_overlap_is_the_sum_by_its_definition():
    rng = np.random.default_rng(1)
    a, b = rng.permutation(30).astype(float), rng.permutation(30).astype(float)
    one, other = places(a, b)
    first, second = np.argsort(-a).tolist(), np.argsort(-b).tolist()
    p, depth = 0.9, 4_000
    terms = [p ** (d - 1) * len(set(first[:d]) & set(second[:d])) / d for d in range(1, 31)]
    beyond = [p ** (d - 1) for d in range(31, depth)]
    assert rank_biased_overlap(one, other, p) == pytest.approx((1 - p) * (sum(terms) + sum(beyond)), abs=1e-12)


def test_the_same_order_overlaps_fully_and_two_swapped_rows_by_their_published_share():
    assert rank_biased_overlap(*places([3, 2, 1], [3, 2, 1])) == pytest.approx(1.0)
    # Agreement is 0 at depth 1 and 1 from depth 2 on: 1 - (1 - p).
    assert rank_biased_overlap(*places([2, 1], [1, 2]), 0.9) == pytest.approx(0.9)
