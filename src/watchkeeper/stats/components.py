"""Principal components: what holds columns together, and what is left when it is taken off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rest(covariance: Floats, share: float) -> Floats:
    """The projection on all but the first principal components, shape (k, k).

    As many components count as it takes to reach `share` of the variance, but always one less than there are
    directions with variance, so that something is left. Source: Abdi, Williams (2010), Principal component analysis,
    WIREs Computational Statistics 2, 433-459.
    """
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    left = vectors[:, kept(values, share) :]
    return np.asarray(left @ left.T)


def kept(values: Floats, share: float) -> int:
    """How many of the largest variances (`values`, descending) make up `share` of all; at least one stays out."""
    some = int((values > 1e-12 * values[:1].sum()).sum())
    reached = int(np.searchsorted(np.cumsum(values), share * values.sum())) + 1
    return max(0, min(reached, some - 1))
