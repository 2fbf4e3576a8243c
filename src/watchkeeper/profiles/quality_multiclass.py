"""More than two classes: confusion matrix, hits among the highest scores, and sums of the log loss."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import Model, Role, Task
from watchkeeper.profiles.counted import Kernel
from watchkeeper.profiles.quality_cells import class_counts, codes, in_order, values
from watchkeeper.profiles.quality_plan import QualityPlan
from watchkeeper.profiles.quality_profile import TableQuality, rows_in, sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLASSES = 100
"""The most classes that are told apart; further ones are counted together as the last, "other"."""


@dataclass(frozen=True, eq=False)
class MulticlassQuality(TableQuality):
    """Labels, predictions and scores of several classes.

    The table is the confusion matrix: rows by label and prediction, the last of each standing for "other".
    """

    decided: Ints
    """Rows with label and prediction, shape (slices,)."""
    correct: Ints
    """Rows whose prediction is the label, "other" ones told apart too, shape (slices,)."""
    ranked: Ints
    """Rows with a label and all scores, shape (slices,)."""
    hits: Ints
    """Those whose label is among the `plan.k` highest scores, shape (slices,)."""
    scored: Ints
    """Those whose label has a score of its own, shape (slices,)."""
    losses: Floats
    """Sums of log loss and its square over `scored`, shape (slices, 2, 2)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Labels and predictions."""
        return len(self.plan.classes) + 1, len(self.plan.classes) + 1


def plan_multiclass(model: Model, sample: pa.Table, label: str) -> QualityPlan | None:
    """Classes of a baseline's sample, and which score column speaks for which class."""
    prediction = model.only(Role.PREDICTION)
    found = class_counts(sample, label)
    for name, count in class_counts(sample, prediction).items():
        found[name] = found.get(name, 0) + count
    columns = [name for name in model.with_role(Role.SCORE) if name in sample.column_names]
    speaks = _speakers(columns, sorted(found))
    kept = sorted(found, key=lambda name: (name not in speaks, -found[name], name))[:CLASSES]
    classes = in_order([*kept, *[name for name in speaks if name not in kept][: CLASSES - len(kept)]])
    scores = tuple(speaks.get(name, "") for name in classes)
    if sum(map(bool, scores)) < 2:
        scores = ()
    if not classes or (prediction is None and not scores):
        return None
    k = 5 if len(classes) > 10 else 2
    return QualityPlan(Task.MULTICLASS, label, prediction, scores, None, tuple(classes), k=(k,))


def empty_multiclass(plan: QualityPlan, slices: int) -> MulticlassQuality:
    """No rows at all."""
    none, nothing = np.zeros(slices, dtype=np.int64), np.empty(0, dtype=np.int64)
    losses = np.zeros((slices, 2, 2))
    return MulticlassQuality(plan, none, none, nothing, nothing, nothing, none, none, none, none, none, losses)


def measure_multiclass(plan: QualityPlan, table: pa.Table, at: Ints, slices: int, kernel: Kernel) -> MulticlassQuality:
    """Count one block; `at`, shape (rows,), is the slice of each row, sorted.

    Where the model has no prediction column the highest score decides.
    """
    (label, labelled), (decision, decided) = codes(table, (plan.label, plan.prediction), plan.classes)
    other = len(plan.classes)
    scores, ranked = _scores(plan, table)
    if plan.prediction is None:
        decision, decided = np.argmax(scores, axis=1) if len(scores) else decision, ranked
    both = labelled & decided
    code = np.minimum(label, other) * (other + 1) + np.minimum(decision, other)
    ranked = labelled & ranked
    scored = ranked.copy()
    scored[ranked] = np.isfinite(scores[ranked, np.minimum(label[ranked], other)])
    own = scores[scored, label[scored]]
    higher = (scores[scored] > own[:, None]).sum(axis=1)  # a tie is won by the later class, as scikit-learn has it
    tied = ((scores[scored] == own[:, None]) & (np.arange(other + 1) > label[scored, None])).sum(axis=1)
    hit = higher + tied < plan.k[0]
    loss = -np.log(np.clip(own, np.finfo(np.float64).eps, 1.0))
    return MulticlassQuality(
        plan=plan,
        labelled=rows_in(at[labelled], slices),
        unlabelled=rows_in(at[~labelled], slices),
        at=at[both],
        cell=code[both],
        count=np.ones(int(both.sum()), dtype=np.int64),
        decided=rows_in(at[both], slices),
        correct=rows_in(at[both & (label == decision)], slices),
        ranked=rows_in(at[ranked], slices),
        hits=rows_in(at[scored][hit], slices),
        scored=rows_in(at[scored], slices),
        losses=sums(at[scored], slices, (loss, loss**2)),
    ).settled()


def _scores(plan: QualityPlan, table: pa.Table) -> tuple[Floats, Bools]:
    """Scores of all classes, shape (rows, classes + 1), -inf for classes without, and which rows have all of them."""
    matrix = np.full((len(table), len(plan.classes) + 1), -np.inf)
    complete = np.full(len(table), bool(plan.scores))
    for i, name in enumerate(plan.scores):
        if name:
            matrix[:, i], present = values(table, name)
            complete &= present
    return matrix, complete


def _speakers(columns: list[str], classes: list[str]) -> dict[str, str]:
    """The score column of each class: its name ends in the class, `p_setosa`. A shared stem tells of unseen classes."""
    speaks: dict[str, str] = {}
    silent = []
    for column in columns:
        ends = [name for name in classes if _ends_in(_plain(column), _plain(name))]
        if ends:
            speaks[max(ends, key=len)] = column
        else:
            silent.append(column)
    stems = {column[: -len(name)] for name, column in speaks.items() if column.endswith(name)}
    if len(stems) == 1:
        stem = stems.pop()
        speaks |= {column[len(stem) :]: column for column in silent if column.startswith(stem) and column != stem}
    return speaks


def _plain(text: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", text.casefold()).strip("_")


def _ends_in(column: str, name: str) -> bool:
    """Whether a column's name ends in a class's, as a word or, if that is a number, after a letter."""
    if not name or not column.endswith(name):
        return False
    last = column.removesuffix(name)[-1:]
    return last in ("", "_") or (name[0].isdigit() and last.isalpha())
