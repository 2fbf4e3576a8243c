"""What a model gave, made into answers: checked, so that nonsense never leaves a model's process."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Scalar
from watchkeeper.runtime.answers import Answers
from watchkeeper.runtime.failure import WrongAnswer

_SLACK = 1e-4
"""How far a probability may be beyond 0 and 1: what single precision and its sums leave."""


def answers(prediction: object, scores: object, classes: Sequence[Scalar], rows: int) -> Answers:
    """The answers to `rows` rows. Raises `WrongAnswer` if they are too few or many, or not possible."""
    said = None if prediction is None else _prediction(prediction, rows)
    if scores is None:
        if said is None:
            raise WrongAnswer("The model gives neither a prediction nor scores.")
        return Answers(said, None, tuple(classes))
    table = _scores(scores, rows)
    if classes and table.shape[1] != len(classes):
        raise WrongAnswer(f"The model gives {table.shape[1]} scores a row, but has {len(classes)} classes.")
    if said is None:
        said = np.asarray(classes)[table.argmax(axis=1)] if classes else table.argmax(axis=1)
    return Answers(said, table, tuple(classes))


def part(whole: Answers, start: int, end: int) -> Answers:
    """The answers to some of the rows."""
    prediction = None if whole.prediction is None else whole.prediction[start:end]
    return Answers(prediction, None if whole.scores is None else whole.scores[start:end], whole.classes)


def check(given: Answers) -> None:
    """Raise `WrongAnswer` if a prediction is missing or not finite, or a probability is none."""
    said = given.prediction
    if said is not None and said.dtype.kind == "f" and not bool(np.isfinite(said).all()):
        row = int(np.flatnonzero(~np.isfinite(said))[0])
        raise WrongAnswer(f"The model predicts {said[row]} for row {row + 1}, which is no value.")
    if said is not None and (
        said.dtype.kind not in "biufUO" or (said.dtype.kind == "O" and not all(map(_possible, said)))
    ):
        raise WrongAnswer("The model predicts what is neither a number nor a boolean nor a text.")
    table = given.scores
    if table is not None and not (bool((table >= -_SLACK).all()) and bool((table <= 1 + _SLACK).all())):
        row, column = np.argwhere(~((table >= -_SLACK) & (table <= 1 + _SLACK)))[-1]
        raise WrongAnswer(
            f"The model gives {table[row, column]} as a probability for row {row + 1}. "
            "Export it so that scores are between 0 and 1, or only its prediction."
        )


def plain(value: Any) -> Any:
    """A value of NumPy's as Python has it."""
    return value.item() if isinstance(value, np.generic) else value


def maps_to_table(maps: Sequence[Mapping[Any, float]], classes: Sequence[Scalar]) -> NDArray[np.float64]:
    """Probabilities that come as one map of class to probability a row."""
    try:
        return np.array([[one[name] for name in classes] for one in maps], dtype=np.float64)
    except KeyError as error:
        raise WrongAnswer(f"The model gives no probability of the class {error} for one of the rows.") from error


def _prediction(given: object, rows: int) -> NDArray[Any]:
    said = np.asarray(given)
    if said.dtype.kind == "O":
        said = np.array([plain(value) for value in said.ravel()], dtype=object).reshape(said.shape)
    if said.ndim == 2 and said.shape[1] == 1:
        said = said[:, 0]
    if said.ndim != 1 or len(said) != rows:
        raise WrongAnswer(
            f"The model answers with shape {list(said.shape)} to {rows} rows: one prediction a row is due."
        )
    return said


def _scores(given: object, rows: int) -> NDArray[np.float64]:
    """Probabilities of shape (rows, classes); one number a row is the probability of the second of two classes."""
    try:
        table = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise WrongAnswer(f"The model's scores are no numbers: {error}.") from error
    if table.ndim == 2 and table.shape[1] == 1:
        table = table[:, 0]
    if table.ndim == 1:
        table = np.stack([1 - table, table], axis=1)
    if table.ndim != 2 or len(table) != rows:
        raise WrongAnswer(f"The model gives scores of shape {list(table.shape)} to {rows} rows: one line a row is due.")
    return table


def _possible(value: object) -> bool:
    """Whether a value may be predicted: a text, a boolean, or a number that is finite and not too large to travel."""
    if type(value) is float:
        return math.isfinite(value)
    return type(value) in (str, bool) or (type(value) is int and -(1 << 63) <= value < 1 << 63)
