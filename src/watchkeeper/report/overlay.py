"""Two distributions laid over each other: histograms of numbers, bars of values. The baseline grey, the window blue."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from watchkeeper.report import svg, words
from watchkeeper.report.charts import WIDTH
from watchkeeper.report.distribution import CLIP, Histograms, Shares

Floats = NDArray[np.float64]

LEFT, RIGHT = 8.0, WIDTH - 8
TOP, BOTTOM = 18.0, 128.0
ROW = 19.0


def histogram(shapes: Histograms, label: str, *, masked: bool = False) -> Markup:
    """The baseline's histogram as an area, the window's as a line over it. `masked` leaves the axis without values."""
    highest = max(float(shapes.before.max()), float(shapes.now.max()), 1e-12)
    xs = np.linspace(LEFT, RIGHT, len(shapes.edges)).tolist()

    def heights(side: Floats) -> list[float]:
        found: list[float] = (BOTTOM - (BOTTOM - TOP) * side / highest).tolist()
        return found

    parts = [
        svg.path(svg.steps(xs, heights(shapes.before), BOTTOM), "hb"),
        svg.path(svg.steps(xs, heights(shapes.now), BOTTOM), "hn"),
        svg.path(f"M0 {svg.short(BOTTOM)}H{svg.short(WIDTH)}", "ba"),
        *(() if masked else _ticks(shapes)),
        *_open_end(*shapes.below, 0.0, "◂ {}", ""),
        *_open_end(*shapes.above, WIDTH, "{} ▸", "e"),
    ]
    beyond = max(*shapes.below, *shapes.above) > 2 * CLIP
    return svg.picture(WIDTH, BOTTOM + (36 if beyond else 20), label, parts)


def _open_end(was: float, now: float, x: float, arrow: str, side: str) -> list[Markup]:
    """What lies beyond the picture: a mark, and how much where it is more than what is always left out."""
    if max(was, now) > 2 * CLIP:
        told = arrow.format(f"{words.percent(now)} beyond, was {words.percent(was)}")
        return [svg.text(x, BOTTOM + 31, told, "t", side)]
    return [svg.text(x, BOTTOM + 4, arrow.format("").strip(), "t", side)] if max(was, now) > 1e-9 else []


def _ticks(shapes: Histograms) -> list[Markup]:
    low, high = float(shapes.edges[0]), float(shapes.edges[-1])
    if shapes.temporal:
        ends = ((LEFT, low, ""), (RIGHT, high, "e"))
        return [svg.text(x, BOTTOM + 15, words.moment(value), "t", side) for x, value, side in ends]
    if shapes.logarithmic:
        powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        at = [10.0**power for power in powers][:: max(1, math.ceil(len(powers) / 6))]
        places = [math.log(value / low) / math.log(high / low) for value in at]
    else:
        # A whole number stands in the middle of its bin, where the bins are one wide.
        centre = 0.5 if shapes.whole and shapes.edges[1] - shapes.edges[0] == 1 else 0.0
        at = [value for value in svg.ticks(low, high, 5) if value + centre < high or not centre]
        places = [(value + centre - low) / (high - low) for value in at]
    parts = []
    for value, place in zip(at, places, strict=True):
        x = LEFT + (RIGHT - LEFT) * place
        side, shift = ("e", 8.0) if x > WIDTH - 20 else ("", -8.0) if x < 20 else ("m", 0.0)
        parts.append(svg.path(f"M{svg.short(x)} {svg.short(BOTTOM)}v4", "ba"))
        parts.append(svg.text(min(max(x + shift, 0), WIDTH), BOTTOM + 15, words.number(value), "t", side))
    return parts


def bars(found: Shares, label: str, known: Collection[str], *, masked: bool = False) -> Markup:
    """The most telling values: the baseline's share as a broad bar, the window's as a narrow one over it.

    `known`: the baseline's values; others are marked as new. `masked` numbers the values instead of naming them.
    """
    lines = [
        (f"value {i + 1}" if masked else words.inert(value, 16) or "(empty)", value not in known, was, now)
        for i, (value, was, now) in enumerate(zip(found.values, found.before.tolist(), found.now.tolist(), strict=True))
    ]
    if found.rest:
        lines.append((words.plural(found.rest, "other value"), False, *found.rest_shares))
    named = [f"{name} (new)" if is_new else name for name, is_new, _, _ in lines]
    left = 12 + 6.2 * max(map(len, named))
    scale = (WIDTH - 50 - left) / (max(max(was, now) for _, _, was, now in lines) or 1.0)
    before, here, parts = [], [], []
    for i, (_, is_new, was, now) in enumerate(lines):
        y = 6 + ROW * i
        before.append(_bar(left, y, was * scale, 14))
        here.append(_bar(left, y + 4, max(now * scale, 1.2), 6))
        parts.append(svg.text(left - 6, y + 11, named[i], "t", "e"))
        parts.append(svg.text(WIDTH, y + 11, words.percent(now), "v" if is_new else "t", "e"))
    drawn = [svg.path("".join(before), "hb"), svg.path("".join(here), "hf"), *parts]
    return svg.picture(WIDTH, 8 + ROW * len(lines), label, drawn)


def _bar(x: float, y: float, width: float, height: float) -> str:
    return f"M{svg.short(x)} {svg.short(y)}h{svg.short(width)}v{svg.short(height)}h-{svg.short(width)}z"
