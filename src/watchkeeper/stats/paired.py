"""Two versions on the same rows: what becomes right, what becomes wrong, and how two samples of scores differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]
SURE = 1.959963984540054
"""The normal quantile of a 95 % interval."""


def mcnemar(better: int, worse: int) -> float:
    """Two-sided exact p that of the rows that changed as many became right as wrong: binomial with share 1/2.

    Source: McNemar (1947); exact form as `scipy.stats.binomtest`. 1 where nothing changed.
    """
    changed = better + worse
    return min(1.0, 2.0 * float(special.bdtr(min(better, worse), changed, 0.5))) if changed else 1.0


def net_share(better: int, worse: int, rows: int) -> tuple[float, float, float]:
    """(better - worse)/rows with its 95 % interval for paired rows.

    Adjusted Wald: with p = (better + 1)/(rows + 2) and q = (worse + 1)/(rows + 2), p - q -+ z sqrt((p + q - (p - q)^2)
    / (rows + 2)). Source: Bonett, Price (2012), J. Educ. Behav. Stat. 37, 479-488. NaN without rows.
    """
    if not rows:
        return float("nan"), float("nan"), float("nan")
    p, q = (better + 1) / (rows + 2), (worse + 1) / (rows + 2)
    reach = SURE * float(np.sqrt((p + q - (p - q) ** 2) / (rows + 2)))
    value = (better - worse) / rows
    return value, max(-1.0, min(value, p - q - reach)), min(1.0, max(value, p - q + reach))


def wasserstein(a: ArrayLike, b: ArrayLike) -> float:
    """Earth mover's distance of two samples, in their unit: the integral of |A(x) - B(x)|. Exact.

    Source: Vallender (1974), eq. 1; as `scipy.stats.wasserstein_distance`. NaN where one is empty.
    """
    grid, gap = _gap(a, b)
    return float((np.abs(gap[:-1]) * np.diff(grid)).sum()) if len(grid) else float("nan")


def ks(a: ArrayLike, b: ArrayLike) -> float:
    """Largest distance of the two distribution functions. Exact; as `scipy.stats.ks_2samp`. NaN where one is empty."""
    grid, gap = _gap(a, b)
    return float(np.abs(gap).max()) if len(grid) else float("nan")


def holm(p: ArrayLike) -> Floats:
    """p corrected for their number, such that any false one among those below a level is as rare as the level.

    Source: Holm (1979), Scand. J. Stat. 6, 65-70.
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))) if len(p) else p
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(raised, 1.0)
    return corrected


def _gap(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    """Values of both, sorted, and how much more of `a` than of `b` lies at or below each."""
    x, y = (np.sort(np.asarray(values, dtype=np.float64)) for values in (a, b))
    if not len(x) or not len(y):
        return np.empty(0), np.empty(0)
    grid = np.unique(np.concatenate([x, y]))
    return grid, np.searchsorted(x, grid, "right") / len(x) - np.searchsorted(y, grid, "right") / len(y)
