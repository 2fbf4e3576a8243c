"""Sums in double-double: the same to an ulp whatever the order in which rows and profiles come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HUGE = 2.0**900


def segment_sums(x: Floats, starts: NDArray[np.intp]) -> Floats:
    """Sums of `x` over the segments that begin at `starts`, as (segments, 2): high part, low part.

    `x` has shape (n,) with n < 2^27; no segment is empty. Each value is cut into two pieces of 26 bits, whose sums
    are exact, and a rest. Values beyond 2^900 are added plainly, and the sum may then be infinite.

    Source: error-free splitting, Rump, Ogita, Oishi, "Accurate floating-point summation" (2008), part I.
    """
    biggest = float(np.max(np.abs(x))) if len(x) else 0.0
    if biggest == 0.0 or biggest > _HUGE:
        with np.errstate(over="ignore", invalid="ignore"):
            plain = np.add.reduceat(x, starts)
        return np.stack([plain, np.zeros_like(plain)], axis=-1)
    exponent = int(np.frexp(biggest)[1])
    anchor = 1.5 * 2.0 ** (exponent + 26)
    high = (x + anchor) - anchor
    rest = x - high
    anchor = 1.5 * 2.0**exponent
    middle = (rest + anchor) - anchor
    rest = rest - middle
    total = two_sum(np.add.reduceat(high, starts), np.add.reduceat(middle, starts))
    return add(total, np.stack([np.add.reduceat(rest, starts), np.zeros(len(starts))], axis=-1))


def two_sum(a: Floats, b: Floats) -> Floats:
    """a + b as (…, 2): the rounded sum and its exact error (Knuth 1969)."""
    with np.errstate(invalid="ignore", over="ignore"):
        total = a + b
        back = total - a
        error = (a - (total - back)) + (b - back)
    return np.stack([total, np.where(np.isfinite(total), error, 0.0)], axis=-1)


def add(a: Floats, b: Floats) -> Floats:
    """The sum of two double-doubles of shape (…, 2) (Dekker 1971)."""
    total = two_sum(a[..., 0], b[..., 0])
    return two_sum(total[..., 0], total[..., 1] + a[..., 1] + b[..., 1])
