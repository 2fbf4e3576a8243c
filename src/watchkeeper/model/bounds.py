"""Bounds: what the gate allows beside quality, as part of `gate:` in the YAML."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from watchkeeper.model.constraint import Strict


class Bounds(Strict):
    """What the gate allows beside quality."""

    p95_ratio: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 2.0
    """How many times the live model's time a single prediction may take, at the 95th percentile."""
    p95_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How many milliseconds it may take at most, whatever the live model takes."""
    memory_ratio: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 2.0
    """How many times the live model's memory a candidate's process may hold."""
    known_before: list[str] = Field(default_factory=list)
    """Features that are known when the model is asked, although they look as if they told the outcome."""
    retrain_flips: Annotated[float, Field(ge=0, le=1)] = 0.1
    """The share of decisions in which a model that was retrained on everything may differ from the one that passed."""
    retrain_rank: Annotated[float, Field(ge=-1, le=1)] = 0.9
    """The rank correlation that its scores or values must have with those of the one that passed."""
