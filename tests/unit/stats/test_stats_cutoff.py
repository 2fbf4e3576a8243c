"""Learned thresholds: what they promise holds in the share of samples that they say, whatever the law of scores."""

import numpy as np
import pytest
from scipy import stats

from watchkeeper.stats.cutoff import cheapest, finds, precise, spares


def tied(t):
    """The share of normal draws that are at least t once they are rounded to tenths."""
    return stats.norm.sf(np.ceil(t * 10 - 1e-9) / 10 - 0.05)


LAWS = {
    "normal": (lambda rng, n: rng.normal(size=n), stats.norm.sf),
    "ties": (
        lambda rng, n: np.round(rng.normal(size=n), 1),
        tied,
    ),
}
"""How scores are drawn, and the share of them at or above a threshold."""


@pytest.mark.parametrize("law", LAWS)
def test_a_threshold_for_recall_holds_in_at_least_95_of_100_samples(law):
    rng, kept, (draw, share) = np.random.default_rng(0), 0, LAWS[law]
    for _ in range(600):
        positive, negative = draw(rng, 300), draw(rng, 300) - 1
        found = finds(positive, 0.9, 0.95, np.concatenate([positive, negative]))
        kept += share(found.score) >= 0.9
    assert kept >= stats.binom.ppf(0.001, 600, 0.95)
    if law == "normal":
        assert kept <= stats.binom.ppf(0.999, 600, 0.985)


@pytest.mark.parametrize("law", LAWS)
def test_a_threshold_for_false_positives_holds_in_at_least_95_of_100_samples(law):
    rng, kept, (draw, share) = np.random.default_rng(1), 0, LAWS[law]
    for _ in range(600):
        negative, positive = draw(rng, 400), draw(rng, 200) + 1
        found = spares(negative, 0.05, 0.95, np.concatenate([positive, negative]))
        kept += share(found.score) <= 0.05
    assert kept >= stats.binom.ppf(0.001, 600, 0.95)


def test_a_threshold_for_precision_holds_in_at_least_95_of_100_samples():
    rng, kept, had = np.random.default_rng(2), 0, 0
    for _ in range(400):
        score = rng.random(1_000)
        found = precise(rng.random(1_000) < score, score, 0.8, 0.95)  # the true precision from t on is (1 + t) / 2
        if found.score is not None:
            had += 1
            kept += (1 + found.score) / 2 >= 0.8
    assert had > 300
    assert kept >= stats.binom.ppf(0.001, had, 0.95)


def test_the_cost_stays_below_its_bound_and_the_threshold_lies_where_costs_meet():
    """Of calibrated probabilities it is c/(1 + c): Elkan (2001)."""
    rng = np.random.default_rng(3)
    score = rng.random(40_000)
    found = cheapest(rng.random(40_000) < score, score, 1.0, 4.0, 0.95)
    assert found.score == pytest.approx(0.2, abs=0.05)
    t = found.score
    true = 4.0 * t**2 / 2 + (1 - t) ** 2 / 2
    assert true < found.bound < true * 1.2


def test_59_positive_rows_are_needed_for_95_percent_recall():
    """0.95 ** 59 < 0.05 < 0.95 ** 58."""
    score = np.linspace(0.1, 0.9, 59)
    assert finds(score, 0.95, 0.95, score).score is not None
    assert finds(score[1:], 0.95, 0.95, score).score is None
    assert finds(score[:0], 0.95, 0.95, score).score is None


def test_the_threshold_stands_between_scores():
    positive, negative = np.linspace(0.5, 0.9, 100), np.linspace(0.1, 0.45, 100)
    scores = np.concatenate([positive, negative])
    assert 0.45 < finds(positive, 0.99, 0.5, scores).score <= 0.504
    assert 0.44 < spares(negative, 0.01, 0.5, scores).score < 0.5


def test_a_precision_that_no_threshold_has_is_told_with_the_best():
    rng = np.random.default_rng(4)
    found = precise(rng.random(4_000) < 0.3, rng.random(4_000), 0.95, 0.95)
    assert found.score is None
    assert found.bound < 0.5
    assert found.broken < 1e-4


def test_constant_scores_have_one_threshold():
    score, positive = np.full(500, 0.3), np.arange(500) < 150
    assert finds(score[positive], 0.95, 0.95, score).score == 0.3
    assert spares(score[~positive], 0.05, 0.95, score).score > 0.3
    assert precise(positive, score, 0.9, 0.95).score is None
    assert np.isfinite(cheapest(positive, score, 1.0, 1.0, 0.95).score)
