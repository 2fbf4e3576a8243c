"""Flip: what two versions decide about the same rows, as numbers that can be compared with each other and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Model, Scalar, Task, Type
from watchkeeper.model import Role as ColumnRole
from watchkeeper.report import mask
from watchkeeper.report.comparison import Churn, Decisions, Estimate, Part, Turn
from watchkeeper.runtime import Answers
from watchkeeper.stats import interval, paired

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_CLASSES = 50
"""More classes than this have no matrix of their own; the most frequent ones are shown."""
MOST_TURNS = 20
UNKNOWN = -1
"""The code of a row without a decision or a label."""


@dataclass(frozen=True, eq=False)
class Decided:
    """Decisions of both versions, and labels, as numbers of `classes`; `UNKNOWN` where there is none. Shapes (n,)."""

    classes: tuple[Scalar, ...]
    old: Ints
    new: Ints
    label: Ints
    thresholds: tuple[float | None, float | None]

    @property
    def known(self) -> Bools:
        """Rows that both versions decide."""
        return np.asarray((self.old != UNKNOWN) & (self.new != UNKNOWN))

    @property
    def flipped(self) -> Bools:
        """Rows that they decide otherwise."""
        return np.asarray(self.known & (self.old != self.new))

    @property
    def judged(self) -> Bools:
        """Rows that both decide and that have a label."""
        return np.asarray(self.known & (self.label != UNKNOWN))


def decided(
    model: Model,
    old: Answers,
    new: Answers,
    thresholds: tuple[float | None, float | None],
    labels: NDArray[Any] | None,
) -> Decided | None:
    """What both decide; None where nothing is decided, as of values and rankings.

    A binary score at or above the version's own learned threshold decides for the positive class; without a threshold
    or a score the prediction counts as it comes.
    """
    if model.task not in (Task.BINARY, Task.MULTICLASS):
        return None
    said = [_said(model, answers, at) for answers, at in zip((old, new), thresholds, strict=True)]
    if said[0] is None or said[1] is None:
        return None
    columns = [said[0][0], said[1][0], [] if labels is None else labels.tolist()]
    classes, codes = _coded(columns, model)
    n = len(codes[0])
    label = codes[2] if labels is not None else np.full(n, UNKNOWN)
    return Decided(classes, codes[0], codes[1], label, (said[0][1], said[1][1]))


def part(flags: Bools) -> Part:
    """So many of these rows."""
    return share(int(np.count_nonzero(flags)), len(flags))


def share(count: int, of: int) -> Part:
    """So many of so many."""
    low, high = (float(end) for end in interval.wilson(count, of))
    return Part(count, of, low, high)


def decisions(both: Decided) -> Decisions:
    """How many decisions change, by direction."""
    known = both.known
    size = len(both.classes)
    pairs = both.old[known] * size + both.new[known]
    matrix = np.bincount(pairs, minlength=size * size).reshape(size, size)
    rows = int(known.sum())
    off = np.argwhere((matrix > 0) & ~np.eye(size, dtype=bool)).tolist()
    off.sort(key=lambda at: (-int(matrix[at[0], at[1]]), at))
    turns = [Turn(both.classes[i], both.classes[j], share(int(matrix[i, j]), rows)) for i, j in off[:MOST_TURNS]]
    common = np.sort(np.argsort(-(matrix.sum(axis=0) + matrix.sum(axis=1)), kind="stable")[:MOST_CLASSES])
    return Decisions(
        flipped=part(both.flipped[known]),
        turns=tuple(turns),
        classes=tuple(both.classes[i] for i in common.tolist()),
        matrix=tuple(tuple(row) for row in matrix[np.ix_(common, common)].tolist()),
        thresholds=both.thresholds,
    )


def churn(both: Decided) -> Churn | None:
    """What the labels say of it; None without any."""
    judged = both.judged
    rows = int(judged.sum())
    if not rows:
        return None
    before, after = (codes[judged] == both.label[judged] for codes in (both.old, both.new))
    good, bad = int((~before & after).sum()), int((before & ~after).sum())
    return Churn(
        good=share(good, rows),
        bad=share(bad, rows),
        both_right=int((before & after).sum()),
        both_wrong=int((~before & ~after).sum()),
        net=Estimate(*paired.net_share(good, bad, rows)),
        p=paired.mcnemar(good, bad),
    )


def _said(model: Model, answers: Answers, threshold: float | None) -> tuple[list[Any], float | None] | None:
    """What a version decides, and the threshold that was used."""
    score = answers.score(model.positive) if model.task is Task.BINARY else None
    if score is not None and threshold is not None:
        positive = _positive(model, answers)
        other = next((name for name in answers.classes if name != positive), _opposite(positive))
        picked = np.where(np.isnan(score), UNKNOWN, score >= threshold).astype(np.int64).tolist()
        return [(other, positive, None)[at] for at in picked], threshold
    if answers.prediction is not None:
        return answers.prediction.tolist(), None
    if answers.scores is None or not answers.classes:
        return None
    empty = np.asarray(np.isnan(answers.scores).any(axis=1))
    likeliest = np.where(empty, 0, np.argmax(np.where(empty[:, None], 0.0, answers.scores), axis=1))
    picked = np.where(empty, UNKNOWN, likeliest).tolist()
    return [(*answers.classes, None)[at] for at in picked], None


def _positive(model: Model, answers: Answers) -> Scalar:
    if model.positive is not None and (model.positive in answers.classes or not answers.classes):
        return model.positive
    return answers.classes[1] if len(answers.classes) > 1 else True


def _opposite(positive: Scalar) -> Scalar:
    return not positive if isinstance(positive, bool) else 0 if positive == 1 else f"not {positive}"


def _coded(columns: Sequence[Sequence[Any]], model: Model) -> tuple[tuple[Scalar, ...], list[Ints]]:
    """Values of several columns as numbers of the same classes: 1, 1.0 and true are one; beside texts all are texts."""
    plain = [{value: _tidy(value) for value in set(column)} for column in columns]
    known = {value for distinct in plain for value in distinct.values() if value is not None}
    if len({isinstance(value, str) for value in known}) > 1:
        plain = [{raw: None if v is None else _text(v) for raw, v in distinct.items()} for distinct in plain]
    seen = sorted({value for distinct in plain for value in distinct.values() if value is not None})
    place: dict[Any, int] = {value: i for i, value in enumerate(seen)} | {None: UNKNOWN}
    codes = []
    for column, distinct in zip(columns, plain, strict=True):
        code = {raw: place[value] for raw, value in distinct.items()}
        codes.append(np.fromiter((code[raw] for raw in column), dtype=np.int64, count=len(column)))
    label = model.only(ColumnRole.LABEL)
    if label is not None and mask.hidden(model, [label]):
        return tuple(f"({mask.MASKED} {i + 1})" for i in range(len(seen))), codes
    return tuple(_named(value, model) for value in seen), codes


def _tidy(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else int(value) if value.is_integer() else value
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _named(value: Any, model: Model) -> Scalar:
    """A class as the model's label has it: true and not 1, where the label is a truth value."""
    label = model.only(ColumnRole.LABEL)
    of_truth = label is not None and model.columns[label].type is Type.BOOLEAN
    named: Scalar = bool(value) if of_truth and value in (0, 1) else value
    return named
