"""Naive baselines: what any model must beat before it is worth serving."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Task
from watchkeeper.release.gate.held import Held
from watchkeeper.release.gate.sides import Rows, Sides
from watchkeeper.stats.influence_binary import BinaryRows
from watchkeeper.stats.influence_multiclass import MulticlassRows
from watchkeeper.stats.influence_ranking import RankingRows
from watchkeeper.stats.influence_regression import RegressionRows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SKILLED = {
    Task.BINARY: ("roc_auc", "pr_auc", "log_loss", "brier", "balanced_accuracy", "f1", "accuracy"),
    Task.MULTICLASS: ("log_loss", "accuracy", "balanced_accuracy", "f1"),
    Task.REGRESSION: ("mae", "rmse", "r2", "mape"),
    Task.RANKING: ("ndcg@10", "ndcg@5", "map", "mrr", "recall@10", "recall@5"),
}
"""Metrics that a constant answer can't win, by task, the one to choose first; recall alone can be had for free."""

OF_SCORES = ("roc_auc", "pr_auc", "log_loss", "brier")
"""Metrics that need probabilities."""

PERFECT = dict.fromkeys(("log_loss", "brier", "mae", "rmse", "mape"), 0.0)
"""What perfect answers reach; 1 in all other metrics."""


def skill_metric(sides: Sides, gated: tuple[str, ...]) -> str:
    """The metric in which skill is judged: the first that is gated and can show it, else the task's first."""
    known = SKILLED[sides.task]
    return next(name for name in (*gated, *known) if name in known and (sides.probabilities or name not in OF_SCORES))


def constant(sides: Sides, name: str) -> Rows | None:
    """The best constant answer for a metric: shares of classes, the majority, mean or median; None of rankings.

    Learned from the held-out rows themselves: no constant does better there, that of the training rows included. A
    candidate that learned nothing but how common the outcome is by now would beat the latter, and has no skill.
    """
    rows = sides.candidate
    match rows:
        case BinaryRows():
            n = len(rows.positive)
            share = rows.positive.sum() / max(n, 1)
            return BinaryRows(rows.positive, np.full(n, share), np.full(n, name == "f1" or share >= 0.5))
        case MulticlassRows():
            found = np.bincount(rows.label, minlength=rows.classes) / max(len(rows.label), 1)
            majority = np.full(len(rows.label), int(found.argmax()))
            return MulticlassRows(rows.label, majority, found[rows.label], rows.classes)
        case RegressionRows():
            return RegressionRows(rows.label, np.full(len(rows.label), _middle(rows.label, name)))
    return None


def last_value(held: Held, sides: Sides) -> Rows | None:
    """The label known last before each row: of the same entity where entities repeat, else of all rows in time.

    Probabilities are the shares of labels after such a one. None where nothing orders rows, or there is no such thing.
    The first row of an entity has no earlier label: it takes the median, or the majority.
    """
    rows = sides.candidate
    if held.time is None or isinstance(rows, RankingRows) or not len(sides):
        return None
    before = _before(held.time[sides.rows], sides.cluster)
    match rows:
        case RegressionRows():
            return RegressionRows(rows.label, np.where(before < 0, np.median(rows.label), rows.label[before]))
        case BinaryRows():
            known = MulticlassRows(rows.positive.astype(np.int64), rows.positive.astype(np.int64), None, 2)
        case MulticlassRows():
            known = rows
    usual = int(np.bincount(known.label, minlength=known.classes).argmax())
    told = np.where(before < 0, usual, known.label[before])
    after = np.bincount(told * known.classes + known.label, minlength=known.classes**2).reshape(known.classes, -1)
    shares = after / np.maximum(after.sum(axis=1, keepdims=True), 1)
    if isinstance(rows, BinaryRows):
        return BinaryRows(rows.positive, shares[told, 1], told == 1)
    return MulticlassRows(known.label, told, shares[told, known.label], known.classes)


def _before(time: Ints, cluster: Ints | None) -> Ints:
    """The row before each, in time, of the same entity; -1 for the first."""
    order = np.argsort(time, kind="stable") if cluster is None else np.lexsort((time, cluster))
    earlier = np.append(-1, order[:-1])
    if cluster is not None:
        earlier[1:][cluster[order[1:]] != cluster[order[:-1]]] = -1
    before = np.empty(len(time), dtype=np.int64)
    before[order] = earlier
    return before


def _middle(label: Floats, name: str) -> float:
    """The number that has the least error: the mean, the median, or of `mape` a median by the weights 1/|label|."""
    if name == "mape":
        known = np.sort(label[label != 0])
        weight = np.cumsum(1 / np.abs(known))
        return float(known[np.searchsorted(weight, weight[-1] / 2)]) if len(known) else 0.0
    best = np.mean if name in ("rmse", "r2") else np.median
    return float(best(label)) if len(label) else 0.0
