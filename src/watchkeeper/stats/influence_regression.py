"""Metrics of numbers, exact over rows, with the influence of each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.stats.influence import Estimate, mean, smooth, unknown

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RegressionRows:
    """Labels and predictions, shape (n,)."""

    label: Floats
    predicted: Floats

    def of(self, rows: NDArray[np.generic]) -> RegressionRows:
        """The same of some rows only."""
        return RegressionRows(self.label[rows], self.predicted[rows])

    @property
    def error(self) -> Floats:
        """Prediction - label."""
        return self.predicted - self.label


def mae(rows: RegressionRows) -> Estimate:
    """Mean size of the error."""
    return mean(np.abs(rows.error))


def rmse(rows: RegressionRows) -> Estimate:
    """Root of the mean squared error; the delta method's influence."""
    squared = mean(rows.error**2)
    value = float(np.sqrt(squared.value))
    return smooth(squared, value, 0.5 / value if value > 0 else 0.0)


def mape(rows: RegressionRows) -> Estimate:
    """Mean size of the error as a fraction of the label, over labels other than 0."""
    some = rows.label != 0
    n, known = len(some), int(some.sum())
    if not known:
        return unknown(n)
    share = np.zeros(n)
    share[some] = np.abs(rows.error[some] / rows.label[some])
    value = float(share[some].mean())
    return Estimate(value, np.where(some, share - value, 0.0) * (n / known * np.sqrt(known / max(known - 1, 1))))


def r2(rows: RegressionRows) -> Estimate:
    """1 - Σ error² / Σ (label - mean label)², the influence of a ratio."""
    n = len(rows.label)
    if n < 2:
        return unknown(n)
    spread = (rows.label - rows.label.mean()) ** 2
    whole = float(spread.mean())
    if not whole > 1e-12 * float((rows.label**2).mean()):
        return unknown(n)
    squared = rows.error**2
    lost = float(squared.mean()) / whole
    return Estimate(1 - lost, (lost * spread - squared) / whole * np.sqrt(n / (n - 1)))


def bias(rows: RegressionRows) -> Estimate:
    """Mean error."""
    return mean(rows.error)


REGRESSION: Mapping[str, Callable[[RegressionRows], Estimate]] = {
    "mae": mae,
    "rmse": rmse,
    "mape": mape,
    "r2": r2,
    "bias": bias,
}
"""Metrics of numbers."""
