"""Two classes: label × score histogram, decisions, and sums of the losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import special

from watchkeeper.model import Model, Role, Task, WatchkeeperError
from watchkeeper.profiles.counted import Kernel
from watchkeeper.profiles.quality_cells import class_counts, class_name, codes, in_order, is_numeric, values
from watchkeeper.profiles.quality_plan import QualityPlan
from watchkeeper.profiles.quality_profile import TableQuality, counts, rows_in

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CUTS = 999
"""Score bins less one (DESIGN §4)."""
GRID = 109
"""Of these, cuts evenly spaced in ln(p/(1-p)) from -12 to 12, and the tenths: for scores that leave the baseline's."""
ALONE = 250
"""Up to this many distinct scores each gets a bin of its own."""
ATOM = 0.002
"""The share of rows from which a score gets a bin of its own."""
TOGETHER = 256
"""Slices of which full tables are held at once."""
NEGATIVES = 100
"""The most values that are told apart as negative."""


class NoSuchClass(WatchkeeperError):
    """The model declares a positive class that no label has."""


@dataclass(frozen=True, eq=False)
class BinaryQuality(TableQuality):
    """Labels, scores and decisions of two classes; the table counts rows by label (0 negative, 1 positive), score."""

    places: Ints
    """Sum of where in their bin the rows of a cell lie, in 65,536ths of its width, shape (entries,)."""
    scored: Ints
    """Rows with label and score, shape (slices, 2): by label."""
    decisions: Ints
    """Rows with label and decision, shape (slices, 2, 2): label, decision."""
    losses: Floats
    """Sums of log loss, its square, squared error and its square; 0 unless probabilities; shape (slices, 4, 2)."""

    entries: ClassVar[tuple[str, ...]] = ("cell", "count", "places")

    @property
    def shape(self) -> tuple[int, ...]:
        """Labels and score bins."""
        return 2, self.plan.bins


def plan_binary(model: Model, sample: pa.Table, label: str) -> QualityPlan | None:
    """Classes, score column and score cuts of a baseline's sample."""
    found = class_counts(sample, label)
    if model.positive is not None:
        positive = class_name(model.positive)
        if positive not in found and len(found) > 1:
            raise NoSuchClass(
                f"positive: {model.positive}: the label {label!r} never has this value in the baseline. "
                f"Its values are {', '.join(in_order(found)[:10])}."
            )
    else:  # the greater one, as scikit-learn has it
        positive = "1" if found.keys() <= {"0", "1"} else in_order(found)[-1]
    others = sorted(found.keys() - {positive}, key=lambda name: (-found[name], name))[:NEGATIVES]
    classes = (*in_order({*others, *(["0"] if positive == "1" else [])}), positive)
    prediction = model.only(Role.PREDICTION)
    score = _score(list(model.with_role(Role.SCORE)), positive)
    if score is None and _holds_scores(sample, prediction, classes):
        score, prediction = prediction, None
    s, scored = values(sample, score)
    s = s[scored]
    probabilities = bool(len(s) and s.min() >= 0 and s.max() <= 1 and ((s > 0) & (s < 1)).any())
    if prediction is None and not len(s):
        return None
    cuts = score_cuts(s, probabilities) if len(s) else ()
    scores = (score,) if score is not None and len(s) else ()
    return QualityPlan(Task.BINARY, label, prediction, scores, None, classes, cuts, probabilities)


def score_cuts(s: Floats, probabilities: bool) -> tuple[float, ...]:
    """At most 999 cuts for scores like `s`, shape (n,): a grid, a bin for each atom, and quantiles of `s`."""
    ordered = np.sort(s)
    distinct, times = np.unique(ordered, return_counts=True)
    heavy = np.argsort(-times, kind="stable")[:ALONE]
    atoms = distinct if len(distinct) <= ALONE else distinct[heavy[times[heavy] > ATOM * len(s)]]
    if probabilities:
        grid = np.concatenate([special.expit(np.linspace(-12, 12, GRID - 9)), np.arange(1, 10) / 10])
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            span = ordered[-1] - ordered[0] or abs(ordered[0]) or 1.0
            out = span * np.array([0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0])
            grid = np.concatenate([ordered[0] - out, ordered[-1] + out])
    cuts = np.union1d(grid, np.concatenate([atoms, np.nextafter(atoms, np.inf)]))
    quantiles = max(1, CUTS + 1 - len(cuts))
    cuts = np.union1d(cuts, ordered[np.arange(1, quantiles) * len(ordered) // quantiles])
    cuts = cuts[np.isfinite(cuts) & ((cuts > 0) & (cuts <= 1) if probabilities else True)]
    return tuple(cuts.tolist())


def empty_binary(plan: QualityPlan, slices: int) -> BinaryQuality:
    """No rows at all."""
    none, nothing = np.zeros(slices, dtype=np.int64), np.empty(0, dtype=np.int64)
    two, four = np.zeros((slices, 2), dtype=np.int64), np.zeros((slices, 2, 2), dtype=np.int64)
    losses = np.zeros((slices, 4, 2))
    return BinaryQuality(plan, none, none, nothing, nothing, nothing, nothing, two, four, losses)


def measure_binary(plan: QualityPlan, table: pa.Table, at: Ints, slices: int, kernel: Kernel) -> BinaryQuality:
    """Count one block; `at`, shape (rows,), is the slice of each row, sorted."""
    (label, labelled), (decision, decided) = codes(table, (plan.label, plan.prediction), plan.classes)
    positive = len(plan.classes) - 1
    if positive:  # a value that is neither can't be counted; without known negatives all others are
        labelled, decided = labelled & (label <= positive), decided & (decision <= positive)
    y, d = label == positive, decision == positive
    s, scored = values(table, plan.scores[0] if plan.scores else None)
    if plan.prediction is None and plan.probabilities:
        d, decided = s >= 0.5, scored
    decided = decided & labelled
    borders = np.searchsorted(at, np.arange(slices + 1))
    parts = [
        kernel.scored(y, s, scored & labelled, borders[first : first + TOGETHER + 1], plan)
        for first in range(0, slices, TOGETHER)
    ]
    filled = [part.counts.nonzero() for part in parts]
    return BinaryQuality(
        plan=plan,
        labelled=rows_in(at[labelled], slices),
        unlabelled=rows_in(at[~labelled], slices),
        at=_joined([place + i * TOGETHER for i, (place, _, _) in enumerate(filled)]),
        cell=_joined([label * plan.bins + bins for _, label, bins in filled]),
        count=_joined([part.counts[where] for part, where in zip(parts, filled, strict=True)]),
        places=_joined([part.places[where] for part, where in zip(parts, filled, strict=True)]),
        scored=np.concatenate([np.zeros((0, 2), dtype=np.int64), *(part.counts.sum(axis=2) for part in parts)]),
        decisions=counts(at[decided], slices, 2 * y[decided] + d[decided], 4).reshape(slices, 2, 2),
        losses=np.concatenate([np.zeros((0, 4, 2)), *(part.losses for part in parts)]),
    )


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _score(columns: list[str], positive: str) -> str | None:
    """The score that speaks for the positive class: by its name where there are several."""
    named = (name for name in columns if len(columns) > 1 and name.lower().endswith(positive.lower()))
    return next(named, columns[0] if columns else None)


def _holds_scores(sample: pa.Table, prediction: str | None, classes: tuple[str, ...]) -> bool:
    """Whether the prediction is a number that names no class: a score under another name."""
    if prediction is None or prediction not in sample.column_names:
        return False
    strange = class_counts(sample, prediction).keys() - {*classes}
    return bool(strange) and is_numeric(sample.schema.field(prediction).type)
