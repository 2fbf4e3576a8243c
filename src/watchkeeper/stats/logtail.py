"""Logarithms of tail probabilities that neither overflow nor round to zero, however far out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

_DIRECT = 1e-100
"""Above this probability SciPy's own function is used, below it a continued fraction."""
_TINY = 1e-290
_STEPS = 10_000


def floats(*values: ArrayLike) -> list[Floats]:
    """The values as arrays of one shape."""
    return list(np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values)))


def log_beta(a: ArrayLike, b: ArrayLike, x: ArrayLike, y: ArrayLike) -> Floats:
    """Ln I_x(a, b), the regularised incomplete beta function, for a, b > 0 and y = 1 - x given exactly.

    Absolute error about 1e-15 (a + b), so 1e-8 nats at ten million rows.
    Source: DLMF 8.17.22, the continued fraction, by Lentz's method.
    """
    a, b, x, y = floats(a, b, x, y)
    return _log(np.asarray(special.betainc(a, b, x), dtype=np.float64), _far_beta, a, b, x, y)


def log_gamma(a: ArrayLike, x: ArrayLike) -> Floats:
    """Ln Q(a, x), the regularised upper incomplete gamma function, for a > 0 and x >= 0.

    Absolute error about 1e-15 (a + x). Source: DLMF 8.9.2, the continued fraction, by Lentz's method.
    """
    a, x = floats(a, x)
    return _log(special.gammaincc(a, x), _far_gamma, a, x)


def log_chi2(statistic: ArrayLike, df: ArrayLike) -> Floats:
    """Ln P(chi-square with `df` degrees of freedom > `statistic`)."""
    return log_gamma(np.asarray(df, dtype=np.float64) / 2, np.asarray(statistic, dtype=np.float64) / 2)


def log_t(t: ArrayLike, df: ArrayLike) -> Floats:
    """Ln P(T > t), T Student's with `df` degrees of freedom. Source: DLMF 8.17 and Abramowitz, Stegun 26.7.1."""
    t, df = floats(t, df)
    square = np.square(np.clip(t, -1e150, 1e150))
    beyond = log_beta(df / 2, 0.5, df / (df + square), square / (df + square)) - np.log(2.0)
    return np.asarray(np.where(t >= 0, beyond, np.log1p(-np.exp(beyond))))


def log_normal(z: ArrayLike) -> Floats:
    """Ln P(Z > z), Z standard normal."""
    return np.asarray(special.log_ndtr(-np.asarray(z, dtype=np.float64)))


def quantile_normal(log_p: Floats) -> Floats:
    """The z with ln P(Z > z) = `log_p`."""
    return np.asarray(-special.ndtri_exp(log_p))


def _log(direct: Floats, far: Callable[..., Floats], *arguments: Floats) -> Floats:
    """The logarithm of `direct`, by `far` where it is too small to trust. NaN stays NaN."""
    with np.errstate(divide="ignore"):
        result = np.array(np.log(direct))
    small = direct < _DIRECT
    if small.any():
        result[small] = far(*(argument[small] for argument in arguments))
    return result


def _far_beta(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    def terms() -> Iterator[tuple[Floats | float, Floats | float]]:
        yield np.ones_like(a), 1.0
        for m in range(_STEPS):
            yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
            yield (m + 1) * (b - m - 1) * x / ((a + 2 * m + 1) * (a + 2 * m + 2)), 1.0

    scale = a * np.log(x) + b * np.log(y) - np.log(a) - special.betaln(a, b)
    return scale + np.log(_fraction(terms()))


def _far_gamma(a: Floats, x: Floats) -> Floats:
    def terms() -> Iterator[tuple[Floats | float, Floats | float]]:
        yield np.ones_like(a), x + 1 - a
        for m in range(1, _STEPS):
            yield m * (a - m), x + 2 * m + 1 - a

    return a * np.log(x) - x - special.gammaln(a) + np.log(_fraction(terms()))


def _fraction(terms: Iterator[tuple[Floats | float, Floats | float]]) -> Floats:
    """The continued fraction p1/(q1 + p2/(q2 + ...)) of the pairs (p, q), by the modified Lentz method."""
    p, q = next(terms)
    d = 1 / np.where(np.abs(q) < _TINY, _TINY, q)
    c = np.full_like(d, 1 / _TINY)
    value = np.asarray(p * d)
    for p, q in terms:
        d, c = q + p * d, q + p / c
        d = 1 / np.where(np.abs(d) < _TINY, _TINY, d)
        c = np.where(np.abs(c) < _TINY, _TINY, c)
        value = value * (c * d)
        if np.all(np.abs(c * d - 1) < 1e-14):
            break
    return value
