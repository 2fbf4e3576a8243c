"""What a model answers to some rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Scalar


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers to n rows."""

    prediction: NDArray[np.generic] | None
    """What is predicted, shape (n,): classes (numbers, booleans or texts), values, or the scores of items."""
    scores: NDArray[np.float64] | None = None
    """Probabilities of classes, shape (n, classes); None where the model gives none."""
    classes: tuple[Scalar, ...] = ()
    """What the columns of `scores` stand for."""

    def score(self, positive: Scalar | None) -> NDArray[np.float64] | None:
        """Probabilities that a binary model speaks of, shape (n,): those of `positive`, else of the second class."""
        if self.scores is None or self.scores.shape[1] != 2:
            return None
        return self.scores[:, self.classes.index(positive) if positive in self.classes else 1]
