"""Thresholds of a score that are learned from rows, so that what was asked of decisions holds with confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PLACES = 40
"""How many thresholds are tried for precision and cost; what is sure of one is made sure of all."""
FEWEST = 20
"""The fewest rows above a threshold that is tried."""


@dataclass(frozen=True)
class Cutoff:
    """A threshold: a row is decided positive where its score is at least `score`."""

    score: float | None
    """None where none can be had with confidence."""
    bound: float
    """What holds with confidence there, or the best that can be had: a share, or a mean cost."""
    broken: float = 1.0
    """The p-value of "it can be had": small where rows show that it can't."""


def finds(positive: Floats, share: float, confidence: float, scores: Floats) -> Cutoff:
    """The highest threshold that with confidence finds this share of the positive rows.

    It is the k-th smallest of the n scores of positive rows, k the largest for which P(Beta(n - k + 1, k) >= share) is
    at least the confidence: true of any law of scores, exact without ties, safe with them. Source: Wilks (1941).
    `scores` are those of all rows: the threshold stands halfway to the next lower, so that rounding moves no row.
    """
    n = len(positive)
    k = _place(n, 1 - share, confidence)
    if not k:
        return Cutoff(None, _sure_of(n, 1, confidence))
    at = np.partition(positive, k - 1)[k - 1]
    lower = scores[scores < at]
    return Cutoff(float((at + lower.max()) / 2 if len(lower) else at), _sure_of(n, k, confidence))


def spares(negative: Floats, share: float, confidence: float, scores: Floats) -> Cutoff:
    """The lowest threshold that with confidence decides at most this share of the negative rows positive.

    It stands halfway above the k-th largest of the n scores of negative rows; k and `scores` as in `finds`.
    """
    n = len(negative)
    k = _place(n, share, confidence)
    if not k:
        return Cutoff(None, 1 - _sure_of(n, 1, confidence))
    at = np.partition(negative, n - k)[n - k]
    higher = scores[scores > at]
    halfway = (at + higher.min()) / 2 if len(higher) else at
    return Cutoff(float(max(halfway, np.nextafter(at, np.inf))), 1 - _sure_of(n, k, confidence))


def precise(positive: Bools, score: Floats, share: float, confidence: float) -> Cutoff:
    """The lowest threshold at which with confidence this share of what is decided positive is so.

    Of 40 places, from the highest 20 rows to all and denser at both ends, those may be had whose lower Clopper-Pearson
    bound reaches the share, the doubt being shared among them (Bonferroni). It is broken where at every place even the
    likeliest share is too small.
    """
    cuts, decided, hits = _places(positive, score)
    low = np.where(hits > 0, special.betaincinv(hits, decided - hits + 1, (1 - confidence) / len(cuts)), 0.0)
    broken = float(special.bdtr(hits, decided.astype(np.int64), share).max())
    able = np.flatnonzero(low >= share)
    if not len(able):
        return Cutoff(None, float(low.max()), broken)
    return Cutoff(float(cuts[able[0]]), float(low[able[0]]), broken)


def cheapest(positive: Bools, score: Floats, false_positive: float, false_negative: float, confidence: float) -> Cutoff:
    """The threshold with the least mean cost of a row, of 40 places and that of deciding no row positive.

    `bound` is what the mean cost stays below with confidence, the doubt being shared among the places, by the empirical
    Bernstein inequality: true of any law. Source: Maurer, Pontil (2009), theorem 4.
    """
    cuts, decided, hits = _places(positive, score)
    cuts = np.append(cuts, np.nextafter(score.max(), np.inf))
    decided, hits = np.append(decided, 0.0), np.append(hits, 0.0)
    n, missed, false = len(score), positive.sum() - hits, decided - hits
    cost = (false_positive * false + false_negative * missed) / n
    square = (false_positive**2 * false + false_negative**2 * missed) / n
    doubt = np.log(2 * len(cuts) / (1 - confidence))
    variance = np.maximum(square - cost**2, 0.0) * n / (n - 1)
    bound = cost + np.sqrt(2 * variance * doubt / n) + max(false_positive, false_negative) * 7 * doubt / (3 * (n - 1))
    best = int(np.argmin(cost))
    return Cutoff(float(cuts[best]), float(bound[best]))


def _place(n: int, share: float, confidence: float) -> int:
    """The largest k with P(Bin(n, share) >= k) >= confidence; 0 where there is none."""
    low, high = 0, n
    while low < high:
        k = (low + high + 1) // 2
        low, high = (k, high) if special.bdtrc(k - 1, n, share) >= confidence else (low, k - 1)
    return low


def _sure_of(n: int, k: int, confidence: float) -> float:
    """The share of a law above the k-th smallest of n draws that is exceeded with confidence."""
    return float(special.betaincinv(n - k + 1, k, 1 - confidence)) if n else 0.0


def _places(positive: Bools, score: Floats) -> tuple[Floats, Floats, Floats]:
    """Ascending thresholds, the rows at or above each, and those of them that are positive."""
    n, least = len(score), min(FEWEST, len(score))
    steps = np.geomspace(least, max(n / 2, least), PLACES // 2).astype(np.int64)
    rows = np.unique(np.concatenate([steps, np.maximum(n - steps, least), [n]]))
    order = np.argsort(-score, kind="stable")
    ordered, hit = score[order], np.cumsum(positive[order])
    cuts = np.unique(ordered[rows - 1])
    decided = np.searchsorted(-ordered, -cuts, side="right")
    return cuts, decided.astype(np.float64), hit[decided - 1].astype(np.float64)
