"""A share of rows, compared with the baseline's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks.measurement import Measurement
from watchkeeper.stats import evidence

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def compared(
    metric: str, name: str, hits: Ints, rows: Ints, before: int, rows_before: int, side: evidence.Side = "two"
) -> Measurement:
    """`hits` of `rows`, both of shape (slices,), against `before` of `rows_before`."""

    def band(nats: Floats) -> tuple[Floats, Floats]:
        return evidence.share_band(rows, before, rows_before, nats, side=side)

    value = ratio(hits, rows)
    reference = before / rows_before if rows_before else 0.0
    return Measurement(
        metric=metric,
        columns=(name,),
        value=value,
        rows=rows,
        effect=value - reference,
        evidence=evidence.share(hits, rows, before, rows_before, side=side),
        reference=reference,
        band=band,
    )


def ratio(part: Ints, whole: Ints) -> Floats:
    """part / whole, NaN where there is no whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(whole > 0, part / whole, np.nan))
