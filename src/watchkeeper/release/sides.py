"""The two models' answers beside the labels, row by row: what every metric of the gate is measured of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.model import Model, Task, WatchkeeperError
from watchkeeper.profiles.quality_cells import class_counts, class_name, codes, in_order
from watchkeeper.release.held import Held, Values
from watchkeeper.runtime import Answers
from watchkeeper.stats.influence import Estimate
from watchkeeper.stats.influence_binary import DECIDED, SCORED, BinaryRows
from watchkeeper.stats.influence_regression import REGRESSION, RegressionRows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Rows = BinaryRows | RegressionRows


class CannotEvaluate(WatchkeeperError):
    """Held-out rows and answers do not fit the model's declaration, so that nothing can be measured."""


@dataclass(frozen=True, eq=False)
class Sides:
    """Labels and answers of the rows that both models answered."""

    task: Task
    rows: Ints
    """Their places among the held-out rows, shape (n,)."""
    candidate: Rows
    live: Rows | None
    """None where nothing is live."""
    cluster: Ints | None
    """Which entity each row is about, numbers from 0 on; None where no entity has two."""
    unlabelled: int = 0
    """Held-out rows without a label."""
    unanswered: int = 0
    """Labelled rows to which the candidate gave no valid answer."""
    unpaired: int = 0
    """Rows that the candidate answered and the live model did not."""
    positive: str = ""
    """Binary: the class that scores speak for."""
    scored: bool = False
    """Whether both models give probabilities."""

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, chosen: NDArray[np.generic]) -> Sides:
        """The same of some rows only."""
        cluster = self.cluster
        if cluster is not None:
            cluster = np.unique(cluster[chosen], return_inverse=True)[1].astype(np.int64)
        live = None if self.live is None else self.live.of(chosen)
        return replace(self, rows=self.rows[chosen], candidate=self.candidate.of(chosen), live=live, cluster=cluster)

    @cached_property
    def same(self) -> bool:
        """Whether both models answered alike everywhere."""
        return self.live is not None and _alike(self.candidate, self.live)

    @cached_property
    def few(self) -> str:
        """Why no metric can be judged of so few rows, or nothing."""
        if isinstance(self.candidate, BinaryRows):
            positive = int(self.candidate.positive.sum())
            least = min(positive, len(self) - positive)
            if least < OF_EACH:
                return f"{least:,} of {len(self):,} rows are of the rarer class, and {OF_EACH} are needed"
        return ""


OF_EACH = 10
"""Rows of each class that a binary metric needs: the corrections for few rows hold from here on."""


def metric(name: str, rows: Rows) -> Estimate:
    """A metric by its name."""
    if isinstance(rows, RegressionRows):
        return REGRESSION[name](rows)
    return {**SCORED, **DECIDED}[name](rows)


def sides(model: Model, held: Held, candidate: Answers, live: Answers | None) -> Sides:
    """Put labels and answers beside each other. Raises `CannotEvaluate`."""
    n = len(held.label)
    for whose, answers in (("the candidate", candidate), ("the live model", live)):
        given = () if answers is None else (answers.prediction, answers.scores)
        wrong = next((len(values) for values in given if values is not None and len(values) != n), None)
        if wrong is not None:
            raise CannotEvaluate(f"{whose} gave {wrong:,} answers to {n:,} held-out rows. Give one for each row.")
    match model.task:
        case Task.BINARY:
            return _paired(held, *_binary(model, held, candidate, live))
        case Task.REGRESSION:
            return _paired(held, *_regression(held, candidate, live))
    raise CannotEvaluate(f"a model of task {model.task} has no metrics. Write `task:` in its YAML.")


def numbers_of(values: Values) -> Floats:
    """Values as doubles, NaN where there is none. Raises `CannotEvaluate` where they are no numbers."""
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    try:
        return np.asarray(pa.array(values, from_pandas=True).cast(pa.float64()).to_numpy(zero_copy_only=False))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as wrong:
        raise CannotEvaluate(f"numbers were expected, and there is something else: {wrong}") from wrong


Side = tuple[Rows, Bools]
"""Rows of a model, and which of them it answered."""


Read = tuple[Task, Bools, Side, Side | None, Mapping[str, Any]]
"""Which rows have a label, both models' answers, and further fields of `Sides`."""


def _paired(
    held: Held, task: Task, labelled: Bools, candidate: Side, live: Side | None, more: Mapping[str, Any]
) -> Sides:
    """Keep the rows that have a label and that both answered."""
    ours, answered = candidate
    theirs = None if live is None else live[0]
    paired = labelled & answered if live is None else labelled & answered & live[1]
    chosen = np.flatnonzero(paired)
    every = len(chosen) == len(labelled)
    return Sides(
        task=task,
        rows=chosen,
        candidate=ours if every else ours.of(chosen),
        live=theirs if every or theirs is None else theirs.of(chosen),
        cluster=_clusters(held.id, chosen),
        unlabelled=int((~labelled).sum()),
        unanswered=int((labelled & ~answered).sum()),
        unpaired=int((labelled & answered & ~paired).sum()),
        **more,
    )


def _clusters(id: Values | None, chosen: Ints) -> Ints | None:
    """The number of each row's entity; None where none has two rows. A row without an id is one of its own."""
    if id is None or not len(chosen):
        return None
    encoded = pa.array(id[chosen], from_pandas=True).dictionary_encode()
    if len(encoded.dictionary) + encoded.null_count == len(chosen):
        return None
    known: Ints = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    alone = known < 0
    known[alone] = len(encoded.dictionary) + np.arange(int(alone.sum()))
    return known


def _regression(held: Held, candidate: Answers, live: Answers | None) -> Read:
    label = numbers_of(held.label)

    def side(answers: Answers, whose: str) -> Side:
        if answers.prediction is None:
            raise CannotEvaluate(f"{whose} predicts no values. A model of task regression must.")
        predicted = numbers_of(answers.prediction)
        return RegressionRows(label, predicted), np.isfinite(predicted)

    theirs = None if live is None else side(live, "the live model")
    return Task.REGRESSION, np.isfinite(label), side(candidate, "the candidate"), theirs, {}


def _binary(model: Model, held: Held, candidate: Answers, live: Answers | None) -> Read:
    given = {"the candidate": candidate} | ({} if live is None else {"the live model": live})
    told = {whose: answers.prediction for whose, answers in given.items() if answers.prediction is not None}
    table = pa.table(
        {name: pa.array(values, from_pandas=True) for name, values in {"label": held.label, **told}.items()}
    )
    names = {name for column in table.column_names for name in class_counts(table, column)}
    names |= {class_name(one) for answers in given.values() for one in answers.classes}
    positive = positive_of(model, names)
    others = in_order(names - {positive})
    if len(others) > 1:
        listed = ", ".join([*others[:4], positive])
        raise CannotEvaluate(f"a binary model has two classes, and labels and answers hold {len(names):,}: {listed}.")
    read = dict(zip(table.column_names, codes(table, table.column_names, (*others, positive)), strict=True))
    label, labelled = read["label"]
    scores = {whose: score_of(answers, positive) for whose, answers in given.items()}
    scored = all(score is not None for score in scores.values())

    def side(whose: str) -> Side:
        score, valid = scores[whose], np.ones(len(label), dtype=bool)
        if score is None and whose not in read:
            raise CannotEvaluate(f"{whose} gives neither classes nor probabilities of two classes.")
        if score is not None:
            valid = (score >= 0) & (score <= 1)
        decided = score >= 0.5 if score is not None else np.zeros(len(label), dtype=bool)
        if whose in read:
            decision, known = read[whose]
            decided, valid = decision == len(others), valid & known
        return BinaryRows(label == len(others), score if scored else None, decided), valid

    theirs = None if live is None else side("the live model")
    return Task.BINARY, labelled, side("the candidate"), theirs, {"positive": positive, "scored": scored}


def positive_of(model: Model, names: set[str]) -> str:
    """The class that scores speak for: as declared, else 1 of 0 and 1, else the last in order."""
    if model.positive is not None:
        return class_name(model.positive)
    return "1" if names <= {"0", "1"} else in_order(names)[-1]


def score_of(answers: Answers, positive: str) -> Floats | None:
    """Probabilities of the positive class, shape (n,); None where the model gives none of two classes."""
    if answers.scores is None or answers.scores.ndim != 2 or answers.scores.shape[1] != 2:
        return None
    names = [class_name(one) for one in answers.classes]
    return answers.scores[:, names.index(positive) if positive in names else 1].astype(np.float64)


def _alike(one: Rows, other: Rows) -> bool:
    if isinstance(one, BinaryRows) and isinstance(other, BinaryRows):
        scores = one.score is None or other.score is None or np.array_equal(one.score, other.score)
        return scores and np.array_equal(one.decided, other.decided)
    assert isinstance(one, RegressionRows)
    assert isinstance(other, RegressionRows)
    return np.array_equal(one.predicted, other.predicted)
