"""Metrics of two classes, exact over rows, with the influence of each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from watchkeeper.stats.influence import Estimate, mean, ratio, smooth, unknown

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CHOSEN = 1.2
"""How much less sure a mean cost is for its threshold having been chosen: 1.1 was measured (`benchmarks/gate.py`)."""
_LEAST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class BinaryRows:
    """Labels of two classes, and what a model says of them; arrays of shape (n,)."""

    positive: Bools
    """Whether the label is the positive class."""
    score: Floats | None
    """Probability of the positive class."""
    decided: Bools
    """Whether the positive class is predicted."""
    pinned: str = ""
    """`recall` or `false_positive_rate`, where the threshold that decides was learned from these rows to hold it."""
    costs: tuple[float, float] | None = None
    """What a false positive and a false negative cost, where that is stated."""

    def of(self, rows: NDArray[np.generic]) -> BinaryRows:
        """The same of some rows only, with decisions as they are."""
        score = None if self.score is None else self.score[rows]
        return BinaryRows(self.positive[rows], score, self.decided[rows], costs=self.costs)

    @cached_property
    def ladder(self) -> Ladder:
        """Its rows in the order of their scores."""
        assert self.score is not None
        return _ladder(self.positive, self.score)


@dataclass(frozen=True, eq=False)
class Ladder:
    """Rows in ascending order of their score; steps are rows of one score."""

    order: Ints
    """The rows, shape (n,)."""
    step: Ints
    """The step of each row in that order, shape (n,)."""
    negative: Floats
    """Negative rows of each step, shape (steps,)."""
    positive: Floats
    """Positive rows of each step."""


def _ladder(positive: Bools, score: Floats) -> Ladder:
    order = np.argsort(score)
    ordered = score[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(new)
    upto = np.append(0, np.cumsum(positive[order]))
    ends = np.append(starts[1:], len(order))
    above = (upto[ends] - upto[starts]).astype(np.float64)
    return Ladder(order, np.cumsum(new) - 1, (ends - starts) - above, above)


def roc_auc(rows: BinaryRows) -> Estimate:
    """Area under the ROC curve: the share of pairs where the positive row scores higher; ties count half.

    Influence: DeLong's structural components, so the difference of two models has exactly the variance of DeLong,
    DeLong, Clarke-Pearson (1988). Time O(n log n), from the steps of ordered scores as in Sun, Xu (2014).
    """
    n, P = len(rows.positive), int(rows.positive.sum())
    N = n - P
    if not (P and N):
        return unknown(n)
    steps = rows.ladder
    beaten = (np.cumsum(steps.negative) - steps.negative / 2) / N
    beating = 1 - (np.cumsum(steps.positive) - steps.positive / 2) / P
    value = float((steps.positive * beaten).sum() / P)
    above, below = (n / P * np.sqrt(P / max(P - 1, 1)), n / N * np.sqrt(N / max(N - 1, 1)))
    moves = np.empty(n)
    positive = rows.positive[steps.order]
    at = np.where(positive, (beaten - value)[steps.step] * above, (beating - value)[steps.step] * below)
    moves[steps.order] = at
    return Estimate(value, moves)


def pr_auc(rows: BinaryRows) -> Estimate:
    """Area under the precision-recall curve as scikit-learn's average precision: mean precision at each positive row.

    Influence: how much a row moves its own precision and that of the positive rows below it (infinitesimal jackknife).
    """
    n, P = len(rows.positive), int(rows.positive.sum())
    if not P:
        return unknown(n)
    steps = rows.ladder
    hits = np.cumsum(steps.positive[::-1])[::-1]
    misses = np.cumsum(steps.negative[::-1])[::-1]
    precision = hits / (hits + misses)
    value = float((steps.positive * precision).sum() / P)
    moved = steps.positive / (hits + misses) ** 2
    helped = np.cumsum(moved * misses) + precision - value
    harmed = -np.cumsum(moved * hits)
    moves = np.empty(n)
    at = np.where(rows.positive[steps.order], helped[steps.step], harmed[steps.step])
    moves[steps.order] = at * (n / P * np.sqrt(n / max(n - 1, 1)))
    return Estimate(value, moves)


def log_loss(rows: BinaryRows) -> Estimate:
    """Mean of -ln of the label's probability, which is kept off 0 and 1 by 2.2e-16 as in scikit-learn."""
    assert rows.score is not None
    score = np.clip(rows.score, _LEAST, 1 - _LEAST)
    return mean(-np.log(np.where(rows.positive, score, 1 - score)))


def brier(rows: BinaryRows) -> Estimate:
    """Mean squared error of the probability."""
    assert rows.score is not None
    return mean((rows.score - rows.positive) ** 2)


def accuracy(rows: BinaryRows) -> Estimate:
    """Share of right decisions."""
    return mean((rows.decided == rows.positive).astype(np.float64), 1.0)


def recall(rows: BinaryRows) -> Estimate:
    """Share of positive rows that are found."""
    return ratio(_number(rows.decided & rows.positive), _number(rows.positive))


def false_positive_rate(rows: BinaryRows) -> Estimate:
    """Share of negative rows that are decided positive."""
    return ratio(_number(rows.decided & ~rows.positive), _number(~rows.positive))


def precision(rows: BinaryRows) -> Estimate:
    """Share of rows decided positive that are so; 0 where none is, as in scikit-learn."""
    if not rows.decided.any():
        return Estimate(0.0, np.zeros(len(rows.decided)))
    return ratio(_number(rows.decided & rows.positive), _number(rows.decided))


def selection_rate(rows: BinaryRows) -> Estimate:
    """Share of rows decided positive."""
    return mean(_number(rows.decided), 1.0)


def balanced_accuracy(rows: BinaryRows) -> Estimate:
    """Mean of the shares of each class that are decided right."""
    found, false = recall(rows), false_positive_rate(rows)
    most = max(found.most, false.most) / 2
    return Estimate((found.value + 1 - false.value) / 2, (found.influence - false.influence) / 2, most)


def f1(rows: BinaryRows) -> Estimate:
    """2J/(1 + J), J = hits / (hits + misses + false alarms): the harmonic mean of precision and recall."""
    jaccard = ratio(_number(rows.decided & rows.positive), _number(rows.decided | rows.positive))
    return smooth(jaccard, 2 * jaccard.value / (1 + jaccard.value), 2 / (1 + jaccard.value) ** 2)


def cost(rows: BinaryRows) -> Estimate:
    """Mean cost of a decision, in the unit of the stated costs; a right one costs nothing.

    Its influence is widened by `CHOSEN`, as the threshold is the best of many on other rows, and moves with those.
    """
    if rows.costs is None:
        return unknown(len(rows.positive))
    false_positive, false_negative = rows.costs
    wrong = np.where(rows.positive, false_negative, false_positive)
    found = mean(np.where(rows.decided == rows.positive, 0.0, wrong), max(rows.costs))
    return smooth(found, found.value, CHOSEN)


def decision(name: str, rows: BinaryRows) -> Estimate:
    """A metric of decisions by its name, with the uncertainty of a threshold that was learned from the same rows.

    A threshold that holds recall at R moves with the scores of positive rows, and with it every other metric m: by
    -(dm/dR) times what the rows move recall where the threshold stands still. dm/dR is taken between the thresholds two
    standard errors of R to both sides. Source: the Bahadur (1966) representation of a quantile.
    """
    found = DECIDED[name](rows)
    if not rows.pinned or rows.score is None:
        return found
    held = DECIDED[rows.pinned](rows)
    own = rows.score[rows.positive if rows.pinned == "recall" else ~rows.positive]
    if not len(own):
        return found
    reach = 2 * np.sqrt(held.value * (1 - held.value) / len(own))
    cuts = np.quantile(own, np.clip([1 - held.value - reach, 1 - held.value + reach], 0.0, 1.0))
    low, high = (BinaryRows(rows.positive, None, rows.score >= cut) for cut in cuts)
    apart = DECIDED[rows.pinned](low).value - DECIDED[rows.pinned](high).value
    slope = (DECIDED[name](low).value - DECIDED[name](high).value) / apart if apart > 0 else 0.0
    return Estimate(found.value, found.influence - slope * held.influence, found.most)


def _number(of: Bools) -> Floats:
    return of.astype(np.float64)


SCORED: Mapping[str, Callable[[BinaryRows], Estimate]] = {
    "roc_auc": roc_auc,
    "pr_auc": pr_auc,
    "log_loss": log_loss,
    "brier": brier,
}
"""Metrics of probabilities."""
DECIDED: Mapping[str, Callable[[BinaryRows], Estimate]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "false_positive_rate": false_positive_rate,
    "selection_rate": selection_rate,
    "cost": cost,
}
"""Metrics of decisions."""
