"""Two distributions of one column made comparable for the eye: on the same few bins, or by the same few values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.checks.column import centre
from watchkeeper.profiles import CategoryProfile, NumericProfile

Floats = NDArray[np.float64]

BINS = 40
CLIP = 0.005
"""The share of rows that may lie beyond each end of the picture, so that one outlier does not flatten it."""
WIDE = 200.0
"""From how many times the lowest value on the highest one calls for a logarithmic axis."""
TOP = 8
FARTHEST = np.finfo(np.float64).max / 8


@dataclass(frozen=True)
class Histograms:
    """Shares of a column's finite values on shared bins; `before` and `now` have shape (bins,)."""

    edges: Floats
    """Shape (bins + 1,), ascending, evenly spaced (of the logarithm where `logarithmic`)."""
    before: Floats
    now: Floats
    below: tuple[float, float]
    """Shares before and now left of the picture."""
    above: tuple[float, float]
    centre: tuple[str, float, float]
    """`median` or `mean`, before and now."""
    logarithmic: bool
    whole: bool
    """Whether values are whole numbers: v stands in [v, v + 1)."""
    temporal: bool


@dataclass(frozen=True)
class Shares:
    """Shares of a column's most telling values, in the baseline's order, new values last."""

    values: tuple[str, ...]
    before: Floats
    now: Floats
    rest: int
    """How many values are not among them."""
    rest_shares: tuple[float, float]


def histograms(before: NumericProfile, now: NumericProfile, at: int) -> Histograms | None:
    """The baseline (`before`, slice 0) against slice `at` of `now`.

    None where either has no finite value, or values lie so far apart that no axis holds them.
    """
    sides = [_cumulated(before, 0), _cumulated(now, at)]
    span = max(before.maximum[0], now.maximum[at]) / 2 - min(before.minimum[0], now.minimum[at]) / 2
    if any(side is None for side in sides) or span > FARTHEST:
        return None
    first, second = (side for side in sides if side is not None)
    low, high = (
        pick(float(np.interp(share, cumulated, bounds)) for bounds, cumulated in (first, second))
        for pick, share in ((min, CLIP), (max, 1 - CLIP))
    )
    positive = min(before.minimum[0], now.minimum[at]) > 0 and not now.edges.temporal
    logarithmic = positive and high > WIDE * low
    whole = not now.edges.temporal and (now.edges.whole or _on_whole_numbers(before, now, at))
    edges = np.geomspace(low, high, BINS + 1) if logarithmic else _even(low, high, whole)
    shares = [np.interp(edges, bounds, cumulated, left=0.0, right=1.0) for bounds, cumulated in (first, second)]
    what, here, was = centre(now, at, before)
    return Histograms(
        edges=edges,
        before=np.diff(shares[0]),
        now=np.diff(shares[1]),
        below=(float(shares[0][0]), float(shares[1][0])),
        above=(float(1 - shares[0][-1]), float(1 - shares[1][-1])),
        centre=(what, was, here),
        logarithmic=logarithmic,
        whole=whole,
        temporal=now.edges.temporal,
    )


def _cumulated(profile: NumericProfile, at: int) -> tuple[Floats, Floats] | None:
    """Bounds of the bins, open ones closed by the extremes, and the share of values below each; shape (bins + 1,)."""
    counts, cuts = profile.counts[at], profile.edges.cuts
    total = int(counts.sum())
    if not total:
        return None
    least, most = profile.minimum[at], profile.maximum[at] + (1 if profile.edges.whole else 0)
    ends = [least, *cuts.tolist(), most]
    ends[0], ends[-1] = min(ends[0], *ends[1:2]), max(ends[-1], *ends[-2:-1])
    filled = np.flatnonzero(counts)
    first, last = int(filled[0]), int(filled[-1]) + 1
    bounds = np.clip(np.array(ends[first : last + 1], dtype=np.float64), least, most)
    return bounds, np.concatenate([[0.0], np.cumsum(counts[first:last]) / total])


def _on_whole_numbers(before: NumericProfile, now: NumericProfile, at: int) -> bool:
    """Whether most of the mass lies on whole numbers that have bins of their own."""
    cuts = before.edges.cuts
    lone = np.flatnonzero((np.diff(cuts) <= 2 * np.spacing(np.abs(cuts[:-1]))) & (cuts[:-1] == np.round(cuts[:-1])))
    mass = before.counts[0][lone + 1].sum() + now.counts[at][lone + 1].sum()
    return bool(mass >= 0.6 * (before.counts[0].sum() + now.counts[at].sum()))


def _even(low: float, high: float, whole: bool) -> Floats:
    if whole:
        first = np.floor(low)
        width = max(1.0, np.ceil((high - first + 1) / BINS))
        return np.asarray(first + width * np.arange(np.ceil((high - first + 1e-9) / width) + 1))
    if high <= low:
        margin = abs(low) * 0.05 or 0.5
        low, high = low - margin, high + margin
    # A value just at the right end belongs into the picture.
    return np.linspace(low, np.nextafter(high, np.inf), BINS + 1)


def shares(before: CategoryProfile, now: CategoryProfile, at: int) -> Shares | None:
    """The baseline (`before`, slice 0) against slice `at` of `now`; None where either has no value."""
    was, here = _by_value(before, 0), _by_value(now, at)
    if not was or not here:
        return None
    totals = sum(was.values()), sum(here.values())
    pairs = {value: (was.get(value, 0) / totals[0], here.get(value, 0) / totals[1]) for value in was | here}
    moved = sorted(pairs, key=lambda value: -abs(pairs[value][1] - pairs[value][0]))[:3]
    largest = sorted(pairs, key=lambda value: -max(pairs[value]))
    chosen = set(list(dict.fromkeys([*moved, *largest]))[:TOP])
    shown = sorted(chosen, key=lambda value: (-pairs[value][0], -pairs[value][1], value))
    left = [pair for value, pair in pairs.items() if value not in chosen]
    return Shares(
        values=tuple(shown),
        before=np.array([pairs[value][0] for value in shown]),
        now=np.array([pairs[value][1] for value in shown]),
        rest=len(left),
        rest_shares=(sum(pair[0] for pair in left), sum(pair[1] for pair in left)),
    )


def _by_value(profile: CategoryProfile, at: int) -> dict[str, int]:
    names = profile.edges.values + profile.others
    mine = np.flatnonzero(profile.at == at)
    return {
        names[code]: count
        for code, count in zip(profile.code[mine].tolist(), profile.count[mine].tolist(), strict=True)
    }
