"""Evidence about a share that may be looked at after each event, and acted on at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

A = B = 0.5
"""Jeffreys' law of a share, from which what lies above `most` is taken: it is at home near 0, where faults are."""


def rise(k: ArrayLike, n: ArrayLike, most: ArrayLike) -> Floats:
    """Evidence, in nats, that k of n events come from a share above `most`: the logarithm of an e-value.

    It is the likelihood of the events under a share drawn from Beta(1/2, 1/2) above `most`, to that under `most`
    itself. Under any share up to `most` its exponential is a supermartingale, so that the chance that it ever exceeds
    ln(1/alpha), however often one looks, is at most alpha. Shapes broadcast; 0 <= k <= n, 0 <= most <= 1.

    Sources: Ville (1939), the inequality; Robbins (1970), Ann. Math. Statist. 41, 1397-1409, the mixture; Ramdas et al.
    (2023), Statistical Science 38, 576-601, composite hypotheses.
    """
    k, n, most = (np.asarray(part, dtype=np.float64) for part in (k, n, most))
    inside = (most > 0) & (most < 1)
    q = np.where(inside, most, 0.5)
    above = special.betaln(A + k, B + n - k) + _log_tail(A + k, B + n - k, q)
    prior = special.betaln(A, B) + _log_tail(A, B, q)
    evidence = above - prior - k * np.log(q) - (n - k) * np.log1p(-q)
    never = np.where(k > 0, np.inf, 0.0)  # below nothing there is no room: one event says all
    return np.where(inside, evidence, np.where(most <= 0, never, 0.0))


def _log_tail(a: ArrayLike, b: ArrayLike, q: Floats) -> Floats:
    """ln P(X > q) of X ~ Beta(a, b); where that underflows, what its leading term says."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    tail = special.betaincc(a, b, q)
    leading = a * np.log(q) + b * np.log1p(-q) - special.betaln(a, b) - np.log(b)
    return np.where(tail > 0, np.log(np.where(tail > 0, tail, 1.0)), leading)
