"""Pictures of a comparison: old against new scores, what is decided otherwise, and segments beside the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from watchkeeper.report import svg, words
from watchkeeper.report.comparison import Comparison, Decisions, Picture, Segment
from watchkeeper.report.comparison_words import figure, segment, shown

Floats = NDArray[np.float64]

SIDE = 300.0
LEFT, BELOW, OVER = 44.0, 34.0, 8.0
SHADES = 5
"""Shades of squares: each holds about four times as many rows as the one before."""
MOST_CLASSES = 12
MOST_BARS = 24
ROW = 24.0
WIDE = 640.0


def density(picture: Picture, thresholds: tuple[float | None, float | None], names: tuple[str, str]) -> Markup:
    """Old scores (across) against new ones (up): rows on the diagonal do not move."""
    counts, edges = picture.counts, picture.edges
    bins = len(edges) - 1
    step = (SIDE - LEFT - OVER) / bins
    floor = SIDE - BELOW
    top = floor - step * bins
    most = max(int(counts.max()), 1)
    shade = np.where(counts > 0, 1 + np.floor((SHADES - 1) * np.log1p(counts) / math.log1p(most)), 0).astype(int)
    parts = [svg.path(f"M{svg.short(LEFT)} {svg.short(floor)}L{svg.short(LEFT + step * bins)} {svg.short(top)}", "dv")]
    for level in range(1, SHADES + 1):
        at = np.argwhere(np.minimum(shade, SHADES) == level).tolist()
        squares = "".join(
            f"M{svg.short(LEFT + i * step)} {svg.short(floor - (j + 1) * step)}h{step:.2f}v{step:.2f}h-{step:.2f}z"
            for i, j in at
        )
        parts.append(svg.path(squares, f"d{level}"))
    parts += [*_ticks(edges, floor, top), *_thresholds(edges, thresholds, floor, top)]
    parts.append(svg.text(SIDE, SIDE - 3, f"{_short(names[0])} →", "t", "e"))
    parts.append(svg.text(LEFT + 4, top + 10, f"↑ {_short(names[1])}"))
    label = f"Scores of {words.inert(names[0])} against those of {words.inert(names[1])}, row by row"
    return svg.picture(SIDE, SIDE, label, parts)


def histograms(picture: Picture, names: tuple[str, str]) -> Markup:
    """The distribution of both versions' scores on the same bins."""
    width, height = 320.0, 150.0
    old, new = picture.counts.sum(axis=1), picture.counts.sum(axis=0)
    tallest = max(int(old.max()), int(new.max()), 1)
    xs = np.linspace(8.0, width - 8, len(picture.edges)).tolist()
    floor = height - 20
    heights = [(floor - (floor - 14) * counts / tallest).tolist() for counts in (old, new)]
    ticks = svg.ticks(float(picture.edges[0]), float(picture.edges[-1]), 4)
    named = [
        svg.text(_at(tick, picture.edges, 8.0, width - 8), height - 4, words.number(tick), "t", "m") for tick in ticks
    ]
    parts = [
        svg.path(svg.steps(xs, heights[0], floor) + "z", "hb"),
        svg.path(svg.steps(xs, heights[1], floor), "hn"),
        svg.path(f"M8 {svg.short(floor)}H{svg.short(width - 8)}", "ba"),
        *named,
    ]
    label = f"Distribution of the scores of {words.inert(names[0])} and {words.inert(names[1])}"
    return svg.picture(width, height, label, parts)


def matrix(decisions: Decisions) -> list[list[tuple[str, str]]]:
    """Cells of the transition table: what stands in each, and its class; heads first.

    The class says how dark a cell is: its share of the rows that the old version decided so.
    """
    if len(decisions.classes) > MOST_CLASSES:
        kept = sorted(sorted(range(len(decisions.classes)), key=lambda i: -sum(decisions.matrix[i]))[:MOST_CLASSES])
    else:
        kept = list(range(len(decisions.classes)))
    table = [[("", "")] + [(shown(decisions.classes[j]), "h") for j in kept]]
    for i in kept:
        total = max(sum(decisions.matrix[i]), 1)
        cells = [(shown(decisions.classes[i]), "h")]
        for j in kept:
            count = decisions.matrix[i][j]
            share = f" ({words.percent(count / total)})" if count else ""
            kind = "same" if i == j else f"f{min(4, math.ceil(4 * math.sqrt(count / total)))}" if count else ""
            cells.append((f"{count:,}{share}" if count else "0", kind))
        table.append(cells)
    return table


def bars(comparison: Comparison, measure: str) -> Markup:
    """Segments of one measure: the value and its interval, sure ones marked; the rest of the rows as a thin mark."""
    chosen = [one for one in comparison.segments if one.measure == measure]
    chosen = sorted(chosen[:MOST_BARS], key=lambda one: (one.column, -one.here.value))
    low, high = _span(chosen)
    left, right = 200.0, WIDE - 76

    def x(value: float) -> float:
        return left + (right - left) * (min(max(value, low), high) - low) / (high - low)

    parts = []
    for tick in svg.ticks(low, high, 5):
        at = svg.short(x(tick))
        parts.append(svg.path(f"M{at} 16V{svg.short(20 + ROW * len(chosen))}", "gr"))
        parts.append(svg.text(x(tick), 11, figure(measure, tick, signed=tick != 0), "t", "m"))
    for i, one in enumerate(chosen):
        parts += _bar(comparison, one, 20 + ROW * (i + 0.5), x)
    return svg.picture(WIDE, 26 + ROW * len(chosen), f"By segment: {measure}", parts)


def _bar(comparison: Comparison, one: Segment, y: float, x: object) -> list[Markup]:
    place = x  # a function of a value
    assert callable(place)
    at = [svg.short(place(value)) for value in (one.here.low, one.here.value, one.here.high, one.rest.value)]
    h = svg.short(y)
    kind = "su" if one.is_sure else "ns"
    name = words.inert(segment(comparison, one), 30)
    return [
        svg.text(192, y + 4, name, "v" if one.is_sure else "t", "e"),
        svg.path(f"M{at[0]} {h}H{at[2]}", f"{kind} iv"),
        svg.path(f"M{at[1]} {svg.short(y - 5)}v10", f"{kind} pt"),
        svg.path(f"M{at[3]} {svg.short(y - 8)}v16", "rs"),
        svg.text(WIDE - 4, y + 4, f"{one.rows:,}", "t", "e"),
    ]


def _span(chosen: Sequence[Segment]) -> tuple[float, float]:
    values = [value for one in chosen for value in (one.here.low, one.here.high, one.rest.value)]
    low, high = min([0.0, *values]), max([0.0, *values])
    return (low, high) if high > low else (low, low + 1)


def _ticks(edges: Floats, floor: float, top: float) -> list[Markup]:
    right = LEFT + floor - top
    parts = [
        svg.path(
            f"M{svg.short(right)} {svg.short(floor)}H{svg.short(LEFT)}V{svg.short(top)}",
            "ba",
        )
    ]
    for tick in svg.ticks(float(edges[0]), float(edges[-1]), 4):
        across, up = _at(tick, edges, LEFT, right), _at(tick, edges, floor, top)
        parts.append(svg.text(across, floor + 13, words.number(tick), "t", "m"))
        parts.append(svg.text(LEFT - 5, up + 4, words.number(tick), "t", "e"))
    return parts


def _thresholds(edges: Floats, thresholds: tuple[float | None, float | None], floor: float, top: float) -> list[Markup]:
    """Lines of the learned thresholds: what lies in the corners that they cut off is decided otherwise."""
    right = LEFT + floor - top
    parts = []
    if thresholds[0] is not None:
        parts.append(
            svg.path(f"M{svg.short(_at(thresholds[0], edges, LEFT, right))} {svg.short(floor)}V{svg.short(top)}", "th")
        )
    if thresholds[1] is not None:
        parts.append(
            svg.path(f"M{svg.short(LEFT)} {svg.short(_at(thresholds[1], edges, floor, top))}H{svg.short(right)}", "th")
        )
    return parts


def _at(value: float, edges: Floats, start: float, end: float) -> float:
    share = (value - float(edges[0])) / (float(edges[-1]) - float(edges[0]))
    return start + (end - start) * min(max(share, 0.0), 1.0)


def _short(name: str) -> str:
    return words.inert(name, 18)
