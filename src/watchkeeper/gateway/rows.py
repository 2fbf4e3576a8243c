"""Rows on their way to a model, and what it replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from watchkeeper.model import Scalar

Values = list[Any] | NDArray[np.generic]
"""Values of a column: a list of what JSON knows (None is missing), or an array of numbers (NaN is missing)."""


class Rows(Struct, gc=False):
    """Rows of one request, which keep to the contract."""

    number: int
    columns: dict[str, Values]
    """All that was sent and is logged: inputs, and what else belongs to an event."""
    ids: Sequence[str] | None = None
    """What the events are called; without it the gateway names them."""
    times: Sequence[datetime | None] | None = None
    """When they happened; without it, now."""


class Reply(Struct, gc=False):
    """What a model answers to the rows of one request."""

    prediction: Values | None
    scores: Values | None
    """Probabilities of classes, row by row."""
    classes: Sequence[Scalar]
    """What they stand for; numbers where the model does not say."""

    def first(self) -> Reply:
        """The reply to the first row alone."""
        prediction = None if self.prediction is None else self.prediction[:1]
        return Reply(prediction, None if self.scores is None else self.scores[: len(self.classes)], self.classes)


def listed(values: Values) -> list[Any]:
    """Values as Python's own."""
    return values if isinstance(values, list) else values.tolist()


def score_of(reply: Reply, positive: Scalar | None) -> list[float] | None:
    """Probabilities that a binary model speaks of: those of `positive`, else of the second class."""
    if reply.scores is None or len(reply.classes) != 2:
        return None
    at = reply.classes.index(positive) if positive in reply.classes else 1
    return listed(reply.scores)[at::2]


def scores_of(reply: Reply) -> list[Mapping[str, float]] | None:
    """By row the probability of each class, where there are more than two."""
    width = len(reply.classes)
    if reply.scores is None or width <= 2:
        return None
    names, flat = [str(name) for name in reply.classes], listed(reply.scores)
    return [dict(zip(names, flat[at : at + width], strict=True)) for at in range(0, len(flat), width)]
