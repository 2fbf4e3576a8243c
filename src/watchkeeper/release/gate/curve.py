"""Curve: what decisions would be worth at each threshold of a binary score."""

from __future__ import annotations

from typing import Any

import numpy as np

from watchkeeper.model import Model
from watchkeeper.release.gate.held import Held
from watchkeeper.release.gate.pairing import paired
from watchkeeper.runtime import Answers
from watchkeeper.stats.influence_binary import BinaryRows

POINTS = 61
"""Thresholds that are told: quantiles of the score, so that each step moves as many rows."""


def curve(model: Model, held: Held, candidate: Answers) -> list[dict[str, Any]]:
    """Recall, precision and false positive rate by threshold, where rows from it on are decided positive.

    Empty where the model gives no score of two classes.
    """
    rows = paired(model, held, candidate, None).candidate
    if not isinstance(rows, BinaryRows) or rows.score is None or not len(rows.score):
        return []
    score, positive = rows.score, rows.positive.astype(bool)
    found = []
    for threshold in np.unique(np.quantile(score, np.linspace(0, 1, POINTS))).tolist():
        decided = score >= threshold
        hits, alarms = int((decided & positive).sum()), int(decided.sum())
        found.append(
            {
                "threshold": threshold,
                "recall": _share(hits, int(positive.sum())),
                "precision": _share(hits, alarms),
                "false_positive_rate": _share(alarms - hits, int((~positive).sum())),
            }
        )
    return found


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
