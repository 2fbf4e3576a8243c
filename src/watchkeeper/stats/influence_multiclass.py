"""Metrics of several classes, exact over rows, with the influence of each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.stats.influence import Estimate, mean, unknown

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LEAST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class MulticlassRows:
    """Labels of several classes, and what a model says of them; classes are numbers from 0 on, shape (n,)."""

    label: Ints
    predicted: Ints
    score: Floats | None
    """Probability of the row's label; 0 where the model does not know that class."""
    classes: int

    def of(self, rows: NDArray[np.generic]) -> MulticlassRows:
        """The same of some rows only."""
        score = None if self.score is None else self.score[rows]
        return MulticlassRows(self.label[rows], self.predicted[rows], score, self.classes)


def log_loss(rows: MulticlassRows) -> Estimate:
    """Mean of -ln of the label's probability, kept off 0 by 2.2e-16."""
    assert rows.score is not None
    return mean(-np.log(np.clip(rows.score, _LEAST, 1.0)))


def accuracy(rows: MulticlassRows) -> Estimate:
    """Share of right predictions."""
    return mean((rows.label == rows.predicted).astype(np.float64), 1.0)


def balanced_accuracy(rows: MulticlassRows) -> Estimate:
    """Mean over the classes that labels have of the share that is found."""
    return _macro(rows, 1.0, 0.0, np.bincount(rows.label, minlength=rows.classes) > 0)


def recall(rows: MulticlassRows) -> Estimate:
    """Mean over all classes, of labels or predictions, of the share that is found."""
    return _macro(rows, 1.0, 0.0)


def precision(rows: MulticlassRows) -> Estimate:
    """Mean over all classes of the share of its predictions that are right."""
    return _macro(rows, 0.0, 1.0)


def f1(rows: MulticlassRows) -> Estimate:
    """Mean over all classes of the harmonic mean of precision and recall."""
    return _macro(rows, 0.5, 0.5)


def _macro(
    rows: MulticlassRows, by_label: float, by_prediction: float, counted: NDArray[np.bool_] | None = None
) -> Estimate:
    """Mean over classes of hits / whole, the whole being a mix of labels and predictions; 0/0 = 0 as in scikit-learn.

    Influence: of a mean of ratios. A row of the average class moves it by 1/n, which `most` says.
    """
    n, k = len(rows.label), rows.classes
    if not n:
        return unknown(0)
    right = rows.label == rows.predicted
    hits = np.bincount(rows.label[right], minlength=k).astype(np.float64)
    actual, predicted = np.bincount(rows.label, minlength=k), np.bincount(rows.predicted, minlength=k)
    counted = (actual + predicted) > 0 if counted is None else counted
    whole = by_label * actual + by_prediction * predicted
    weight = np.divide(1.0, whole, out=np.zeros(k), where=counted & (whole > 0)) / int(counted.sum())
    falls = hits * np.divide(1.0, whole, out=np.zeros(k), where=whole > 0) * weight
    moves = np.where(right, weight[rows.label], 0.0) - by_label * falls[rows.label]
    moves -= by_prediction * falls[rows.predicted]
    return Estimate(float((hits * weight).sum()), moves * (n * np.sqrt(n / max(n - 1, 1))), 1.0)


MULTICLASS: Mapping[str, Callable[[MulticlassRows], Estimate]] = {
    "log_loss": log_loss,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
}
"""Metrics of several classes."""
