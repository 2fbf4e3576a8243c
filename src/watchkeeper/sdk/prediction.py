"""Prediction: the `with` block around one call of a model, which becomes an event when it ends."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from watchkeeper.sdk.record import Event
from watchkeeper.sdk.value import identifier, moment

if TYPE_CHECKING:
    from watchkeeper.sdk.pump import Pump

ERROR_CHARACTERS = 2000


class Prediction(Struct, gc=False):
    """Set `prediction`, `score` and `scores` inside the block; latency and errors are recorded by themselves.

    A struct, because its constructor costs a fraction of a Python class's.
    """

    _pump: Pump
    _entered: float
    features: dict[str, Any] | None
    """A copy of what was given; None where it was no mapping, and then nothing is recorded."""
    version: str | None
    id: Any
    raw: dict[str, Any] | None
    context: dict[str, Any] | None
    time: Any
    _began: float
    prediction: Any = None
    score: Any = None
    scores: Any = None
    latency_ms: float | None = None
    error: str | None = None

    def __enter__(self) -> Prediction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.latency_ms is None:
            self.latency_ms = (perf_counter() - self._began) * 1000.0
        if error is not None:
            self.error = described(error)
        queue: deque[Any] = self._pump.queue
        if len(queue) < self._pump.room:
            queue.append(self)
        else:
            self._pump.take_slowly(self)

    def event(self) -> Event | None:
        """What is recorded of it."""
        if self.features is None:
            return None
        return Event(
            id=identifier(self.id),
            time=datetime.fromtimestamp(self._entered, UTC) if self.time is None else moment(self.time),
            features=self.features,
            version=self.version,
            raw=self.raw,
            prediction=self.prediction,
            score=self.score,
            scores=self.scores,
            context=self.context,
            latency_ms=self.latency_ms,
            error=self.error,
        )


def described(error: BaseException) -> str:
    """An exception's class and text, even where its text can't be had."""
    try:
        text = str(error)
    except Exception as worse:  # noqa: BLE001 – the service's own `__str__` failed, and that is what is recorded
        text = f"its text can't be had: {type(worse).__name__}"
    return f"{type(error).__name__}: {text}"[:ERROR_CHARACTERS]
