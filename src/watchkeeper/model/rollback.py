"""What is declared of the way back: from which harm on a version that went live is rolled back by itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from watchkeeper.model.constraint import Strict

Share = Annotated[float, Field(gt=0, lt=1)]


class Rollback(Strict):
    """From which harm on a version that went live is rolled back by itself. Without this section none ever is."""

    errors: Share = 0.01
    """Requests that fail or run out of time: how much greater their share may be than with the version before."""
    invalid: Share = 0.01
    """Answers that are no answers (null, not finite, a class that is unknown): how much greater their share may be."""
    slow: Share = 0.1
    """Slow answers: how much greater their share may be."""
    slow_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """From how many milliseconds on an answer is slow; without it, from twice the median of the version before on."""
    false_rollbacks: Annotated[float, Field(gt=0, le=0.2)] = 0.01
    """The chance that a version that does no harm is ever rolled back, however long it is watched."""
    hours: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 168.0
    """How long a version is watched after it went live."""
