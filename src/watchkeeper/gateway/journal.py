"""Journal: each answer becomes an event of its model, by the SDK's logger, which neither blocks nor raises."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from watchkeeper.gateway.rows import Reply, Rows, listed, score_of, scores_of
from watchkeeper.lake import schema
from watchkeeper.model import Model, Role, Scalar
from watchkeeper.sdk import Logger, inbox_of
from watchkeeper.sdk.counts import Counts

LONGEST_ERROR = 2_000
_NOTHING = Reply(None, None, ())


class _Declared(NamedTuple):
    """How the columns are declared."""

    positive: Scalar | None
    context: frozenset[str]
    apart: frozenset[str]
    """What is no feature, as it names or dates the event."""


class Journal:
    """Logs the predictions of one model."""

    def __init__(self, home: Path, model: Model) -> None:
        inbox_of(home, model.name).mkdir(parents=True, exist_ok=True)  # another machine may have added the model
        self._logger = Logger(model.name, home=home)
        self._start = os.urandom(8).hex()
        self._numbers = itertools.count(1)
        self.declare(model)

    def declare(self, model: Model) -> None:
        """Take over how the columns are declared now."""
        apart = frozenset(name for role in (Role.ID, Role.TIMESTAMP) if (name := model.only(role)))
        self._declared = _Declared(
            model.positive, frozenset(schema.declared(model, "context")), apart
        )  # at once, for threads

    @property
    def counts(self) -> Counts:
        """What became of the records."""
        return self._logger.counts

    def name(self) -> str:
        """A name that no event has, for those of a request that brings none."""
        return f"{self._start}-{next(self._numbers):x}"

    def log(self, rows: Rows, name: str, version: str, seconds: float, answer: Reply | str) -> None:
        """Log each row with what was predicted; or with why nothing was, in a text."""
        declared = self._declared
        error, reply = (answer[:LONGEST_ERROR], _NOTHING) if isinstance(answer, str) else (None, answer)
        predictions = None if reply.prediction is None else listed(reply.prediction)
        score, scores = score_of(reply, declared.positive), scores_of(reply)
        self._logger.request(seconds, error is not None)
        for row in range(rows.number):
            features, context = _cells(rows, row, declared)
            self._logger.event(
                features,
                id=_id(rows, name, row),
                time=None if rows.times is None else rows.times[row],
                version=version,
                prediction=None if predictions is None else predictions[row],
                score=None if score is None else score[row],
                scores=None if scores is None else scores[row],
                context=context,
                latency_ms=1000 * seconds,
                error=error,
            )

    def close(self) -> None:
        """Bring to disk what waits."""
        self._logger.close()


def _cells(rows: Rows, row: int, declared: _Declared) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The row's features, and what else belongs to it."""
    features: dict[str, Any] = {}
    context: dict[str, Any] | None = None
    for name, values in rows.columns.items():
        if name in declared.context:
            context = context or {}
            context[name] = values[row]
        elif name not in declared.apart:
            features[name] = values[row]
    return features, context


def _id(rows: Rows, name: str, row: int) -> str:
    ids: Sequence[str] | None = rows.ids
    if ids is not None:
        return ids[row]
    return name if rows.number == 1 else f"{name}-{row}"
