"""Metrics of numbers, from sums of errors and of their powers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles.quality_regression import RegressionQuality
from watchkeeper.stats.quality_metric import ENOUGH, MeanLaw, Metric, mean_metric, unbiased

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def regression_metrics(profile: RegressionQuality) -> Iterator[Metric]:
    """MAE, RMSE, bias (prediction - label), MAPE (a fraction, over labels other than 0) and R².

    Means have their own variance; RMSE and R² the delta method's (Cramér 1946, 28.4), from fourth moments.
    """
    plan, n = profile.plan, profile.compared
    columns = (plan.label, str(plan.prediction))
    with np.errstate(divide="ignore", invalid="ignore"):
        e, size, ee, eeee, z, zz, zzz, zzzz, eez, eezz = (total / n for total in profile.moments[:, :10, 0].T)
        share, share_square = (total / profile.nonzero for total in profile.moments[:, 10:, 0].T)
        spread = zz - z**2
        r2 = np.where(spread > 1e-12 * zz, 1 - ee / spread, np.nan)
        zzzz = zzzz - 4 * z * zzz + 6 * z**2 * zz - 3 * z**4
        eezz = eezz - 2 * z * eez + z**2 * ee
        loss = ee / spread  # 1 - R²
        unit_r2 = (eeee - ee**2 - 2 * loss * (eezz - ee * spread) + loss**2 * (zzzz - spread**2)) / spread**2
        unit_rmse = np.where(ee > 0, unbiased(ee, eeee, n) / (4 * ee), 0.0)

    def metric(name: str, mean: Floats, unit: Floats, rows: Ints, better: Literal["high", "low", "zero"]) -> Metric:
        least, most = 0.0 if better == "low" else -np.inf, 1.0 if better == "high" else np.inf
        law = MeanLaw(mean, unit[None], rows[None].astype(np.float64), better, least, most)
        return mean_metric(name, columns, rows, rows >= ENOUGH, law)

    scale = plan.scale
    yield metric("mae", scale * size, scale**2 * unbiased(size, ee, n), n, "low")
    yield metric("rmse", scale * np.sqrt(ee), scale**2 * unit_rmse, n, "low")
    yield metric("bias", scale * e, scale**2 * unbiased(e, ee, n), n, "zero")
    yield metric("r2", r2, np.maximum(unit_r2, 0.0), n, "high")
    yield metric("mape", share, unbiased(share, share_square, profile.nonzero), profile.nonzero, "low")
