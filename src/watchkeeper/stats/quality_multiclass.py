"""Metrics of several classes, from the confusion matrix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles.quality_multiclass import MulticlassQuality
from watchkeeper.stats.quality_metric import ENOUGH, MeanLaw, Metric, mean_metric, share_metric, unbiased

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MACRO = ("precision", "recall", "f1")


def multiclass_metrics(profile: MulticlassQuality) -> Iterator[Metric]:
    """Accuracy, macro precision, recall and F1; with a score for each class log loss and top-k accuracy.

    Log loss is over rows whose label has a score column; a label without one is a miss among the top k.
    """
    plan = profile.plan
    columns: tuple[str, ...] = (plan.label, plan.prediction or next(filter(None, plan.scores)))
    rows = profile.decided
    yield share_metric("accuracy", columns, rows, profile.correct, rows)
    mean, unit = np.empty((len(MACRO), len(rows))), np.empty((len(MACRO), len(rows)))
    for part, (confusion,) in profile.tables():
        mean[:, part], unit[:, part] = macro(confusion, profile.correct[part])
    for i, name in enumerate(MACRO):
        law = MeanLaw(mean[i], unit[i, None], rows[None].astype(np.float64), "high", 0.0, 1.0)
        yield mean_metric(name, columns, rows, rows >= ENOUGH, law)
    if plan.scores:
        columns, rows = (plan.label, *filter(None, plan.scores)), profile.scored
        yield share_metric("top_k_accuracy", columns, profile.ranked, profile.hits, profile.ranked)
        with np.errstate(divide="ignore", invalid="ignore"):
            loss, square = (profile.losses[:, :, 0] / rows[:, None]).T
        law = MeanLaw(loss, unbiased(loss, square, rows)[None], rows[None].astype(np.float64), "low", 0.0, np.inf)
        yield mean_metric("log_loss", columns, rows, rows >= ENOUGH, law)


def macro(confusion: Ints, correct: Ints) -> tuple[Floats, Floats]:
    """Macro precision, recall and F1, and the variance of one row in each: two arrays of shape (3, slices).

    `confusion`: shape (slices, classes + 1, classes + 1), label by prediction, the last for values that the baseline
    did not hold; `correct`: all hits, shape (slices,). Means are over the classes present in the slice, as label or as
    prediction: scikit-learn's default, with 0/0 = 0. The last counts as one class; its hits are the rest of `correct`.
    Variance: delta method, how much a row in each cell moves the mean.
    """
    table = confusion.astype(np.float64)
    hits = np.diagonal(table, axis1=1, axis2=2).copy()
    hits[:, -1] = correct - hits[:, :-1].sum(axis=1)
    actual, predicted = table.sum(axis=2), table.sum(axis=1)
    rows, classes = actual.sum(axis=1), np.maximum(((actual + predicted) > 0).sum(axis=1), 1)
    means, units = [], []
    for by_label, by_prediction in ((0.0, 1.0), (1.0, 0.0), (0.5, 0.5)):  # share = hits/whole, whole a mix of the two
        whole = by_label * actual + by_prediction * predicted
        safe = np.where(whole > 0, whole, 1.0)
        share = np.where(whole > 0, hits / safe, 0.0)
        falls = -share / safe  # what a row more in the whole does; a hit gains 1/whole besides
        moves = by_label * falls[:, :, None] + by_prediction * falls[:, None, :]
        squares = (table * moves**2).sum(axis=(1, 2)) + (hits * ((falls + 1 / safe) ** 2 - falls**2)).sum(axis=1)
        means.append(np.where(rows > 0, share.sum(axis=1) / classes, np.nan))
        units.append(rows * squares / classes**2)
    return np.stack(means), np.stack(units)
