"""Estimates against bounds: Student's t, exact counts, clusters."""

import numpy as np
import pytest
from scipy import stats

from watchkeeper.stats.influence import mean
from watchkeeper.stats.trial import Trial, apart, trial


def test_a_mean_has_students_t():
    x = np.random.default_rng(0).normal(0.2, 1, 5_000)
    found = trial(mean(x).value, mean(x).influence)
    assert found.above(0.0) == pytest.approx(stats.ttest_1samp(x, 0.0, alternative="greater").pvalue, rel=0.01)
    low, high = stats.ttest_1samp(x, 0.0).confidence_interval(0.9)
    assert (found.low(0.95), found.high(0.95)) == pytest.approx((low, high), rel=1e-3)


@pytest.mark.parametrize(("error", "grain"), [(0.01, 0.0), (0.0, 0.01), (0.02, 0.001), (0.003, 0.01)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_an_interval_ends_where_the_p_value_is_the_doubt(error, grain, confidence):
    found = Trial(0.1, error, 30.0, grain)
    assert found.above(found.low(confidence)) == pytest.approx(1 - confidence, rel=1e-6)
    assert found.below(found.high(confidence)) == pytest.approx(1 - confidence, rel=1e-6)


@pytest.mark.parametrize("lost", [0, 1, 2, 5, 20])
def test_few_lost_rows_are_held_against_a_law_near_poissons_and_never_bolder_by_much(lost):
    """The bound on how many are lost, where `lost` of 100,000 were: against the exact one of Garwood (1936)."""
    n = 100_000
    x = np.zeros(n)
    x[:lost] = 1.0
    bound = trial(mean(x).value, mean(x).influence, most=1.0).high(0.95) * n
    exact = stats.chi2.isf(0.05, 2 * lost + 2) / 2
    assert exact * 0.985 < bound < exact * 1.2


def test_without_any_difference_there_is_no_doubt():
    same = Trial(0.0, 0.0, 10.0)
    assert (same.low(0.95), same.high(0.95)) == (0.0, 0.0)
    assert (same.above(-0.01), same.below(-0.01), same.above(0.0)) == (0.0, 1.0, 1.0)


def test_rows_of_one_entity_count_together():
    x = np.random.default_rng(1).normal(size=400)
    again = np.repeat(x, 5)
    alone = trial(0.0, mean(x).influence)
    clustered = trial(0.0, mean(again).influence, np.repeat(np.arange(400), 5))
    assert clustered.error == pytest.approx(alone.error, rel=0.01)
    assert trial(0.0, mean(again).influence).error == pytest.approx(alone.error / np.sqrt(5), rel=0.01)


def test_a_difference_that_few_rows_make_has_few_degrees_of_freedom():
    x = np.zeros(1_000)
    x[:3] = 1.0
    assert 5 < trial(0.0, mean(x).influence).degrees < 7


def test_two_groups_differ_as_welch_has_it():
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1, 3_000), rng.normal(0.1, 3, 1_000)
    found = apart(*(trial(mean(x).value, mean(x).influence) for x in (a, b)))
    expected = stats.ttest_ind(a, b, equal_var=False, alternative="less").pvalue
    assert found.below(0.0) == pytest.approx(expected, rel=0.01)


def test_nothing_is_shown_of_no_rows():
    nothing = trial(float("nan"), np.zeros(0))
    assert nothing.above(0.0) == nothing.below(0.0) == 1.0
    assert np.isnan(nothing.low(0.95))
