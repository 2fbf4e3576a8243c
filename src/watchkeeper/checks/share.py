"""A share of rows, compared with the baseline's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks.measurement import Measurement
from watchkeeper.stats.evidence import Side
from watchkeeper.stats.law import ShareLaw

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def compared(
    metric: str, name: str, hits: Ints, rows: Ints, before: Ints, rows_before: Ints, side: Side = "two"
) -> Measurement:
    """`hits` of `rows`, both of shape (slices,), against `before` of `rows_before`, of shape (1,) or (slices,)."""
    value, reference = ratio(hits, rows), np.broadcast_to(np.nan_to_num(ratio(before, rows_before)), rows.shape)
    return Measurement(
        metric=metric,
        columns=(name,),
        value=value,
        rows=rows,
        effect=value - reference,
        law=ShareLaw(hits, rows, before, rows_before, side),
        reference=reference,
    )


def ratio(part: Ints, whole: Ints) -> Floats:
    """part / whole, NaN where there is no whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(whole > 0, part / whole, np.nan))
