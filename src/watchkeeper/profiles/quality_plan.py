"""What is frozen from a baseline so that model quality can be counted and added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Task

Floats = NDArray[np.float64]

STEPS = 65_536
"""Places within a score bin."""


@dataclass(frozen=True)
class QualityPlan:
    """Which columns hold labels and predictions, and how they are counted. Rows count alike: no weight is used."""

    task: Task
    label: str
    prediction: str | None = None
    scores: tuple[str, ...] = ()
    """Binary: the score, if any. Multi-class: the column of each class, '' for a class without, or none at all.
    Ranking: what rows are ordered by."""
    query: str | None = None
    """Ranking: the column that says which rows belong together."""
    classes: tuple[str, ...] = ()
    """Multi-class: the classes in order. Binary: what counts as negative, and last the positive one."""
    cuts: tuple[float, ...] = ()
    """Ascending cuts of scores (binary) or residuals (regression); bin i holds cuts[i-1] <= x < cuts[i]."""
    probabilities: bool = False
    """Whether a binary score is a probability."""
    by_position: bool = False
    """Ranking: whether `scores` is a position, the first row being the best, rather than a score."""
    k: tuple[int, ...] = ()
    """Where a list is cut: of recall@k and ndcg@k, or of top-k accuracy."""
    shift: float = 0.0
    """Regression: what is taken off a label before it is squared: near the baseline's mean."""
    scale: float = 1.0
    """Regression: the unit of the sums, a power of two near the label's standard deviation, so no power overflows."""

    @property
    def columns(self) -> set[str]:
        """The columns that are read."""
        return {name for name in (self.label, self.prediction, *self.scores, self.query) if name}

    @property
    def bins(self) -> int:
        """How many bins the cuts make."""
        return len(self.cuts) + 1

    @cached_property
    def left(self) -> Floats:
        """Left end of each score bin, shape (bins,); the first bin of probabilities begins at 0."""
        return np.array([0.0 if self.probabilities else -np.inf, *self.cuts])

    @cached_property
    def width(self) -> Floats:
        """Width of each score bin, shape (bins,): 0 where a bin holds one value alone, infinite where it is open."""
        ends = np.array([*self.cuts, 1.0 if self.probabilities else np.inf])
        return np.where(np.nextafter(self.left, np.inf) >= ends, 0.0, ends - self.left)

    @cached_property
    def origin(self) -> Floats:
        """Where places in a score bin are counted from, shape (bins,)."""
        return np.where(self.steps > 0, self.left, 0.0)

    @cached_property
    def steps(self) -> Floats:
        """Places per unit of score, shape (bins,); 0 in a bin that holds one value or is open."""
        usable = np.isfinite(self.width) & (self.width > np.finfo(np.float64).tiny * STEPS)
        return np.where(usable, STEPS / np.where(usable, self.width, 1.0), 0.0)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-safe values; floats survive to the last bit."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def quality_plan_from_dict(data: Mapping[str, Any]) -> QualityPlan:
    """The inverse of `to_dict`."""
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return QualityPlan(**(values | {"task": Task(data["task"])}))
