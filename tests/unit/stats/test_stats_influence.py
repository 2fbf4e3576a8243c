"""Metrics over rows and their influence: against scikit-learn, the jackknife, and published examples."""

import numpy as np
import pytest
from sklearn import metrics as sk

from watchkeeper.stats.influence import Estimate, ratio
from watchkeeper.stats.influence_binary import DECIDED, SCORED, BinaryRows, roc_auc
from watchkeeper.stats.influence_multiclass import MULTICLASS, MulticlassRows
from watchkeeper.stats.influence_ranking import estimate, ranked
from watchkeeper.stats.influence_regression import REGRESSION, RegressionRows
from watchkeeper.stats.trial import trial


def binary(n=200, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = rng.random(n) < 1 / (1 + np.exp(-1.5 * x))
    score = 1 / (1 + np.exp(-(x + rng.normal(size=n) * 0.5)))
    return BinaryRows(y, np.round(score, 1) if ties else score, score > 0.55)


BINARY = {
    "roc_auc": lambda r: sk.roc_auc_score(r.positive, r.score),
    "pr_auc": lambda r: sk.average_precision_score(r.positive, r.score),
    "log_loss": lambda r: sk.log_loss(r.positive, np.clip(r.score, 1e-15, 1 - 1e-15)),
    "brier": lambda r: sk.brier_score_loss(r.positive, r.score),
    "accuracy": lambda r: sk.accuracy_score(r.positive, r.decided),
    "balanced_accuracy": lambda r: sk.balanced_accuracy_score(r.positive, r.decided),
    "precision": lambda r: sk.precision_score(r.positive, r.decided),
    "recall": lambda r: sk.recall_score(r.positive, r.decided),
    "f1": lambda r: sk.f1_score(r.positive, r.decided),
    "false_positive_rate": lambda r: 1 - sk.recall_score(~r.positive, ~r.decided),
    "selection_rate": lambda r: r.decided.mean(),
}
SEVERAL = {
    "log_loss": lambda r: -np.log(np.clip(r.score, 1e-15, 1)).mean(),
    "accuracy": lambda r: sk.accuracy_score(r.label, r.predicted),
    "balanced_accuracy": lambda r: sk.balanced_accuracy_score(r.label, r.predicted),
    "precision": lambda r: sk.precision_score(r.label, r.predicted, average="macro", zero_division=0),
    "recall": lambda r: sk.recall_score(r.label, r.predicted, average="macro", zero_division=0),
    "f1": lambda r: sk.f1_score(r.label, r.predicted, average="macro", zero_division=0),
}
NUMBERS = {
    "mae": lambda r: sk.mean_absolute_error(r.label, r.predicted),
    "rmse": lambda r: sk.root_mean_squared_error(r.label, r.predicted),
    "mape": lambda r: np.abs(r.error[r.label != 0] / r.label[r.label != 0]).mean(),
    "r2": lambda r: sk.r2_score(r.label, r.predicted),
    "bias": lambda r: (r.predicted - r.label).mean(),
}


def several(n=240, seed=1):
    rng = np.random.default_rng(seed)
    label = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    predicted = np.where(rng.random(n) < 0.7, label, rng.choice(4, n))
    return MulticlassRows(label, predicted, rng.beta(4, 2, n), 5)


def numbers(n=120, seed=2):
    rng = np.random.default_rng(seed)
    label = rng.normal(5, 2, n)
    label[:3] = 0.0
    return RegressionRows(label, label + rng.normal(0.3, 1, n))


CASES = [
    *((name, f, (SCORED | DECIDED)[name], binary()) for name, f in BINARY.items()),
    *((name, BINARY[name], SCORED[name], binary(ties=True)) for name in ("roc_auc", "pr_auc")),
    *((name, f, MULTICLASS[name], several()) for name, f in SEVERAL.items()),
    *((name, f, REGRESSION[name], numbers()) for name, f in NUMBERS.items()),
]


def size(rows):
    return len(rows.positive if isinstance(rows, BinaryRows) else rows.label)


@pytest.mark.parametrize(("name", "oracle", "ours", "rows"), CASES)
def test_a_metric_is_scikit_learns_and_its_variance_the_jackknifes(name, oracle, ours, rows):
    n, found = size(rows), ours(rows)
    assert found.value == pytest.approx(oracle(rows), abs=1e-12)
    assert found.influence.sum() == pytest.approx(0, abs=1e-8)
    every = np.arange(n)
    left_out = np.array([oracle(rows.of(every != i)) for i in range(n)])
    jackknife = (n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()
    assert (found.influence**2).sum() / n**2 == pytest.approx(jackknife, rel=0.08)


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc", "f1", "brier"])
def test_the_difference_of_two_models_has_the_variance_of_the_bootstrap(name):
    one, rng = binary(n=2_000, seed=3), np.random.default_rng(4)
    score = np.clip(one.score + rng.normal(size=2_000) * 0.1, 0, 1)
    other = BinaryRows(one.positive, score, score > 0.5)
    measure = (SCORED | DECIDED)[name]
    moved = measure(one).influence - measure(other).influence
    found = trial(0.0, moved).error
    drawn = []
    for _ in range(250):
        again = rng.integers(0, 2_000, 2_000)
        drawn.append(measure(one.of(again)).value - measure(other.of(again)).value)
    assert found == pytest.approx(np.std(drawn), rel=0.15)


def test_the_area_of_hanleys_and_mcneils_images_has_the_error_that_is_published():
    """109 CT images rated 1 to 5 (Hanley, McNeil 1982, table I): area 0.8932, DeLong error 0.0307 (Stata, `roctab`)."""
    normal, abnormal = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    ratings = np.concatenate([np.repeat(np.arange(1, 6), normal), np.repeat(np.arange(1, 6), abnormal)]) / 5
    found = roc_auc(BinaryRows(np.arange(109) >= 58, ratings, ratings > 0.5))
    error = trial(found.value, found.influence).error
    assert (round(found.value, 4), round(error, 4)) == (0.8932, 0.0307)


def test_paired_areas_have_delongs_covariance():
    """By the definition of DeLong, DeLong, Clarke-Pearson (1988), every pair of rows by itself."""
    one, two = binary(n=90, seed=5, ties=True), binary(n=90, seed=6)
    two = BinaryRows(one.positive, (two.score + one.score) / 2, two.decided)
    parts = []
    for rows in (one, two):
        x, y = rows.score[rows.positive], rows.score[~rows.positive]
        pairs = (x[:, None] > y) + 0.5 * (x[:, None] == y)
        parts.append((pairs.mean(axis=1), pairs.mean(axis=0)))
    above, below = (np.cov(parts[0][i], parts[1][i]) for i in (0, 1))
    covariance = above / len(parts[0][0]) + below / len(parts[0][1])
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    moved = roc_auc(one).influence - roc_auc(two).influence
    assert trial(0.0, moved).error ** 2 == pytest.approx(variance, rel=1e-10)


def test_queries_have_the_ndcg_of_scikit_learn_and_the_variance_of_queries():
    rng = np.random.default_rng(7)
    query = np.repeat(np.arange(60), 12)
    relevance, score = rng.choice(4, 720, p=[0.6, 0.2, 0.1, 0.1]).astype(float), rng.normal(size=720)
    queries, rows = ranked(query, relevance, score)
    each = [sk.ndcg_score(relevance[None, query == q], score[None, query == q], k=10) for q in queries]
    found = estimate("ndcg@10", rows)
    assert rows.values["ndcg@10"] == pytest.approx(each)
    assert trial(found.value, found.influence).error == pytest.approx(np.std(each, ddof=1) / np.sqrt(len(each)))


def test_one_class_alone_has_no_area_and_no_recall():
    rows = BinaryRows(np.zeros(50, dtype=bool), np.linspace(0, 1, 50), np.zeros(50, dtype=bool))
    assert np.isnan(SCORED["roc_auc"](rows).value)
    assert np.isnan(SCORED["pr_auc"](rows).value)
    assert np.isnan(DECIDED["recall"](rows).value)
    assert DECIDED["precision"](rows).value == 0


def test_no_row_has_no_metric():
    nothing = np.zeros(0)
    rows = BinaryRows(nothing.astype(bool), nothing, nothing.astype(bool))
    assert all(np.isnan(f(rows).value) for name, f in (SCORED | DECIDED).items() if name != "precision")
    assert all(np.isnan(f(RegressionRows(nothing, nothing)).value) for f in REGRESSION.values())
    none = MulticlassRows(nothing.astype(int), nothing.astype(int), nothing, 3)
    assert all(np.isnan(f(none).value) for f in MULTICLASS.values())


def test_a_ratio_of_nothing_is_unknown():
    assert np.isnan(ratio(np.zeros(3), np.zeros(3)).value)
    assert isinstance(ratio(np.ones(3), np.ones(3)), Estimate)
