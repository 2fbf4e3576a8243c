"""The charter of a model: what it is for, who answers for it, and what it must not be used for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from watchkeeper.model.constraint import Strict

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)]


class Charter(Strict):
    """What people agreed on before the model was built (`charter:` of a model). Every line may be left out."""

    goal: Words | None = None
    """What the model is to achieve, in one sentence."""
    business_metric: Words | None = None
    """The figure of the business that tells whether it does."""
    metrics: list[Words] = Field(default_factory=list)
    """The metrics of the model that stand for it, such as recall."""
    level: Words | None = None
    """What these metrics must reach before it is deployed; what the gate enforces stands under `gate:`."""
    value: Words | None = None
    """What reaching the goal is worth."""
    feasibility: Words | None = None
    """Why it should be possible: data, labels, how well people or rules do."""
    owners: list[Words] = Field(default_factory=list)
    """Who answers for it."""
    users: list[Words] = Field(default_factory=list)
    """Who uses its answers, and who is affected by them."""
    out_of_scope: list[Words] = Field(default_factory=list)
    """What it must not be used for."""
    ethics: list[Words] = Field(default_factory=list)
    """Harm that it may do, and what is done against it."""
