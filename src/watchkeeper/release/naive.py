"""Naive baselines: what any model must beat before it is worth serving."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, Task
from watchkeeper.profiles.quality_cells import class_counts
from watchkeeper.release.sides import CannotEvaluate, Rows, Sides, numbers_of
from watchkeeper.stats.influence_binary import BinaryRows
from watchkeeper.stats.influence_regression import RegressionRows

Floats = NDArray[np.float64]

SKILLED = {
    Task.BINARY: ("roc_auc", "pr_auc", "log_loss", "brier", "balanced_accuracy", "f1", "accuracy"),
    Task.REGRESSION: ("mae", "rmse", "r2", "mape"),
}
"""Metrics that a constant answer can't win, by task, the one to choose first; recall alone can be had for free."""

PERFECT = {"log_loss": 0.0, "brier": 0.0, "mae": 0.0, "rmse": 0.0, "mape": 0.0}
"""What perfect answers reach; 1 in all other metrics."""


def skill_metric(sides: Sides, gated: tuple[str, ...]) -> str:
    """The metric in which skill is judged: the first that is gated and can show it, else the task's first."""
    known = SKILLED[sides.task]
    usable = [
        name
        for name in (*gated, *known)
        if name in known and (sides.scored or name not in ("roc_auc", "pr_auc", "log_loss", "brier"))
    ]
    return usable[0]


def constant(model: Model, sides: Sides, name: str, train: pa.Table | None) -> Rows:
    """The answer of the best constant for a metric: shares of classes, the majority, the mean or the median.

    Learned from the training rows where they are given; else from the held-out rows themselves, which makes the
    baseline as strong as any constant can be there, so a model that beats it would beat an honest one too.
    """
    known = None if train is None or not len(train) else train.select(_label(model, train))
    rows = sides.candidate
    if isinstance(rows, BinaryRows):
        share = float(rows.positive.mean())
        if known is not None and known.num_columns:
            counts = class_counts(known, known.column_names[0])
            share = counts.get(sides.positive, 0) / max(sum(counts.values()), 1)
        decided = True if name == "f1" else share >= 0.5
        n = len(rows.positive)
        return BinaryRows(rows.positive, np.full(n, share), np.full(n, decided))
    label = rows.label
    if known is not None and known.num_columns:
        label = numbers_of(known.column(0).to_numpy())
        label = label[np.isfinite(label)]
    if not len(label):
        raise CannotEvaluate("the training rows hold no label that is a number.")
    middle = np.mean(label) if name in ("rmse", "r2") else np.median(label)
    return RegressionRows(rows.label, np.full(len(rows.label), float(middle)))


def _label(model: Model, train: pa.Table) -> list[str]:
    """The label's column, where the training rows have it."""
    return [name for name in model.with_role(Role.LABEL) if name in train.column_names]
