"""Answering: a model's process is given rows batch by batch, and its answers are put together and compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.runtime import Answers, Remote, Worker

Asked = Worker | Remote
"""A model that answers: in a process of its own, or a server of the user's."""

BATCH = 8_192
"""Rows that a model is given at once."""
SECONDS = 60.0
"""So long a batch may take."""
ALIKE = (1e-4, 1e-5)
"""Two figures are the same if they differ by no more than this share, or this much: models often hold 32-bit floats."""


def answers_to(worker: Asked, table: pa.Table) -> Answers:
    """A model's answers to all rows of a table. Raises `Crashed`, `TimedOut`, `WrongAnswer`, `WrongInput`."""
    parts = []
    for first in range(0, table.num_rows, BATCH):
        batch = table.slice(first, BATCH)
        parts.append(worker.predict(columns_of(batch, worker.inputs), SECONDS))
    return joined(parts)


def columns_of(table: pa.Table, inputs: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Columns as a model is given them, each of shape (n,): a missing number is NaN, any other missing value None."""
    return {name: _array(table[name].combine_chunks()) for name in inputs}


def joined(parts: Sequence[Answers]) -> Answers:
    """Answers to batches as answers to all rows."""
    if not parts:
        return Answers(None)
    predictions = [part.prediction for part in parts if part.prediction is not None]
    scores = [part.scores for part in parts if part.scores is not None]
    return Answers(
        np.concatenate(predictions) if len(predictions) == len(parts) else None,
        np.concatenate(scores) if len(scores) == len(parts) else None,
        parts[0].classes,
    )


def differing(one: Answers, other: Answers) -> NDArray[np.bool_]:
    """In which rows two answers are not the same, shape (n,); a decision on a tie may fall either way."""
    rows = max(length(one), length(other))
    if length(one) != length(other) or (one.scores is None) != (other.scores is None):
        return np.ones(rows, dtype=bool)
    out = np.zeros(rows, dtype=bool)
    tied = np.zeros(rows, dtype=bool)
    if one.scores is not None and other.scores is not None:
        if one.scores.shape != other.scores.shape:
            return np.ones(rows, dtype=bool)
        out |= ~_close(one.scores, other.scores).all(axis=1)
        if one.scores.shape[1] > 1:
            best = np.sort(one.scores, axis=1)
            tied = best[:, -1] - best[:, -2] < 10 * ALIKE[1]
    if one.prediction is not None and other.prediction is not None:
        out |= _unequal(one.prediction, other.prediction) & ~tied
    return out


def length(answers: Answers) -> int:
    """To how many rows these are."""
    first = answers.prediction if answers.prediction is not None else answers.scores
    return 0 if first is None else len(first)


def figures(answers: Answers, positive: Any) -> NDArray[np.float64] | None:
    """One number a row by which answers can be ranked: the score of a class, else the value; None for classes alone."""
    score = answers.score(positive)
    if score is not None:
        return score
    if answers.scores is None and answers.prediction is not None and answers.prediction.dtype.kind in "iuf":
        return answers.prediction.astype(np.float64)
    return None


def _array(cells: pa.Array) -> NDArray[Any]:
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(pa.string())
    if pa.types.is_timestamp(cells.type):
        cells = pc.strftime(cells, "%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_integer(cells.type) and cells.null_count:
        cells = cells.cast(pa.float64(), safe=False)
    if pa.types.is_floating(cells.type):
        cells = cells.fill_null(np.nan)
    array: NDArray[Any] = cells.to_numpy(zero_copy_only=False)
    return array


def _unequal(one: NDArray[np.generic], other: NDArray[np.generic]) -> NDArray[np.bool_]:
    if one.dtype.kind == "f" or other.dtype.kind == "f":
        try:
            return ~_close(one.astype(np.float64), other.astype(np.float64))
        except ValueError:  # a text that is no number
            return np.ones(len(one), dtype=bool)
    return np.asarray(one != other)


def _close(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    share, much = ALIKE
    return np.asarray(np.isclose(one, other, rtol=share, atol=much, equal_nan=True))
