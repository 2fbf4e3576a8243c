"""Finds sentinels: numbers such as -200 or 9999 that stand for a missing value."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST = 3
"""Sentinels that are looked for in one column."""
SEEN = 3
"""The fewest rows that hold a sentinel."""
NEIGHBOURS = 20
"""Distinct values beside the candidate whose spacing tells what a gap is."""

_NINES = re.compile(r"-?9{2,}(?:\.9{1,3}|\.0)?")
_ROUND = re.compile(r"-[1-9]0{2,}(?:\.0)?")
_LIMITS = frozenset(
    [-32_768.0, 32_767.0, 65_535.0, -2_147_483_648.0, 2_147_483_647.0, 4_294_967_295.0, -9.223372036854775808e18]
    + [sign * 10.0**power for sign in (1, -1) for power in (20, 30, 35, 36, 37, 38)]
    + [
        sign * limit
        for sign in (1, -1)
        for limit in (3.4028234663852886e38, 1.7976931348623157e308, 9.969209968386869e36)
    ]
)


@dataclass(frozen=True)
class Sentinel:
    """A value that stands for a missing one, and what gives it away."""

    value: float
    rows: int
    confidence: float
    reason: str


def find_sentinels(values: Floats) -> list[Sentinel]:
    """The sentinels among finite `values` of shape (n,), the most extreme first.

    A sentinel has the look of one (nines, -1, a negative round number, a limit of a machine type), is repeated, and
    stands alone beyond the other values: its gap is far wider than what lies between its neighbours. So neither a
    common 0 nor the smallest count of a column is one.
    """
    distinct, counts = np.unique(values, return_counts=True)
    found: list[Sentinel] = []
    while len(found) < MOST and len(distinct) >= 3:
        at = next((end for end in (0, -1) if _alone(distinct, counts, end)), None)
        if at is None:
            break
        found.append(_described(distinct, counts, at))
        distinct, counts = np.delete(distinct, at), np.delete(counts, at)
    return found


def _alone(distinct: Floats, counts: NDArray[np.int64], at: int) -> bool:
    """Whether the smallest (`at` 0) or largest (-1) of the distinct values is a sentinel."""
    value, rows, total = float(distinct[at]), int(counts[at]), int(counts.sum())
    if rows < max(SEEN, 0.0005 * total) or not _looks_like_one(value):
        return False
    others = np.delete(distinct, at)
    weights = np.delete(counts, at)
    ordered = others if at == 0 else others[::-1]
    gap = abs(float(ordered[0]) - value)
    spacing = np.abs(np.diff(ordered[: NEIGHBOURS + 1]))
    low, high = _bulk(others, weights)
    spread = high - low
    if value == -1:
        return bool(others[0] >= 0 and len(others) >= 10) and (others[0] > 0 or rows > _carried_on(weights))
    if len(others) < 10:
        return gap >= 10 * max(spread, 1.0) and (abs(value) >= 999 or value == -99)
    apart = gap > 10 * float(np.median(spacing)) and gap > 3 * float(spacing.max())
    if value < 0 and others[0] >= 0:
        return apart
    return apart and gap >= 0.5 * spread


def _looks_like_one(value: float) -> bool:
    if value == -1 or value in _LIMITS:
        return True
    text = repr(value)
    return bool(_NINES.fullmatch(text) or _ROUND.fullmatch(text)) and value not in (99.0, 9.9)


def _carried_on(weights: NDArray[np.int64]) -> float:
    """The rows that -1 may hold if it but carries on the counts of 0, 1, …: half more than a log-concave tail has."""
    return 1.5 * float(weights[0]) * min(1.0, float(weights[0] / weights[1]))


def _bulk(distinct: Floats, counts: NDArray[np.int64]) -> tuple[float, float]:
    """The range that holds 99.8 % of the rows."""
    below = np.cumsum(counts) / counts.sum()
    return float(distinct[np.searchsorted(below, 0.001)]), float(distinct[np.searchsorted(below, 0.999)])


def _described(distinct: Floats, counts: NDArray[np.int64], at: int) -> Sentinel:
    value, rows = float(distinct[at]), int(counts[at])
    nearest = float(distinct[1] if at == 0 else distinct[-2])
    reason = f"in {rows / counts.sum():.1%} of rows, and the nearest other value is {nearest:g}"
    return Sentinel(value, rows, 0.7 if value == -1 else 0.95, reason)
