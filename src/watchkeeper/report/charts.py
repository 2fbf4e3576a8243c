"""Evidence as pictures: a metric over the windows before its usual range, and two distributions laid over each other."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from watchkeeper.budget import Severity
from watchkeeper.report import svg, words
from watchkeeper.report.distribution import Histograms, Shares
from watchkeeper.report.metric import Unit, in_words, written
from watchkeeper.report.timeline import Series

Floats = NDArray[np.float64]

WIDTH = 320.0
MOST_WINDOWS = 200
"""More windows than this are not told apart in a chart; those around the worst are shown."""


def over_windows(series: Series, past: Floats, loud: Mapping[str, Severity], worst: str | None, label: str) -> Markup:
    """The metric over the windows: the usual range behind it, the baseline's own windows before it, rows beneath it.

    `past`: the baseline windows' values, oldest first, may be empty. `loud`: severity of the windows with a finding.
    """
    top, bottom, floor = 16.0, 118.0, 150.0
    metric, temporal = series.metric, series.temporal
    first, last = _around(series.windows, worst)
    names, value, rows = series.windows[first:last], series.value[first:last], series.rows[first:last]
    low, high = series.low[first:last], series.high[first:last]
    least, most = _domain(np.concatenate([past, value]), low, high)
    most = min(most, 1.06) if in_words(metric).unit is Unit.SHARE and metric != "mape" else most
    marks = [tick for tick in svg.ticks(least, most, 3) if least <= tick <= most]
    figures = [written(metric, tick, temporal) for tick in marks]
    left = 8.0 + max((5.9 * len(figure) for figure in figures), default=0.0)
    gap = 1 if len(past) else 0
    step = (WIDTH - left - 6) / max(len(past) + gap + len(names), 1)
    xs = (left + step * (np.arange(len(past) + gap + len(names)) + 0.5)).tolist()
    now_xs = xs[len(past) + gap :]

    def y(values: Floats | float) -> Floats:
        share = (np.asarray(values, dtype=np.float64) - least) / (most - least)
        return np.asarray(bottom - (bottom - top) * np.clip(share, -0.04, 1.08))

    usual_low = np.where(np.isnan(low) & ~np.isnan(high), -np.inf, low)
    usual_high = np.where(np.isnan(high) & ~np.isnan(low), np.inf, high)
    parts = [svg.path("".join(f"M{svg.short(left)} {svg.short(float(y(at)))}H{svg.short(WIDTH)}" for at in marks), "gr")]
    parts += [svg.text(left - 5, float(y(at)) + 4, figure, "t", "e") for at, figure in zip(marks, figures, strict=True)]
    parts.append(svg.path(svg.area(now_xs, y(usual_high).tolist(), y(usual_low).tolist(), step / 2), "bd"))
    if len(past):
        parts += [svg.path(svg.line(xs[: len(past)], y(past).tolist()), "pl"), *_divider(left + step * (len(past) + 0.5), left)]
    if series.margin is not None:
        ends = zip(now_xs, y(series.margin[0][first:last]).tolist(), y(series.margin[1][first:last]).tolist(), strict=True)
        parts.append(svg.path("".join(f"M{svg.short(x)} {svg.short(a)}V{svg.short(b)}" for x, a, b in ends if a == a and b == b), "mg"))
    parts.append(svg.path(svg.line(now_xs, y(value).tolist()), "nl"))
    parts += _marks(now_xs, y(value).tolist(), names, loud)
    parts += _told(now_xs, y(value).tolist(), names, worst, written(metric, _at(value, names, worst), temporal))
    tallest = max(int(rows.max(initial=0)), 1)
    bars = "".join(f"M{svg.short(x)} {svg.short(floor)}v-{svg.short(max(18 * n / tallest, 0.4))}" for x, n in zip(now_xs, rows.tolist(), strict=True))
    width = svg.short(max(step * 0.7, 0.5) if len(names) < 60 else step)
    parts.append(Markup('<g stroke-width="{}">{}</g>').format(width, svg.path(bars, "rw")))
    parts.append(svg.text(left - 5, floor, "rows", "t", "e"))
    parts += _window_names(now_xs, names, floor + 15, left)
    return svg.picture(WIDTH, floor + 20, label, parts)


def _around(windows: tuple[str, ...], worst: str | None) -> tuple[int, int]:
    if len(windows) <= MOST_WINDOWS:
        return 0, len(windows)
    middle = windows.index(worst) if worst in windows else len(windows)
    first = min(max(0, middle - MOST_WINDOWS // 2), len(windows) - MOST_WINDOWS)
    return first, first + MOST_WINDOWS


def _domain(value: Floats, low: Floats, high: Floats) -> tuple[float, float]:
    """The span of the axis: all values, and the usual range as far as it does not flatten them."""
    seen = value[np.isfinite(value)]
    limits = np.concatenate([low, high])
    limits = limits[np.isfinite(limits)]
    if not len(seen):
        seen = limits if len(limits) else np.array([0.0, 1.0])
    least, most = float(seen.min()), float(seen.max())
    size = (most - least) or abs(most) * 0.1 or 1.0
    near = limits[(limits >= least - size) & (limits <= most + size)]
    least, most = min([least, *near.tolist()]), max([most, *near.tolist()])
    if least >= 0 and least < 0.6 * most:
        least = 0.0
    margin = (most - least) * 0.06 or size
    return (least if least == 0 else least - margin), most + margin


def _divider(x: float, left: float) -> list[Markup]:
    parts = [svg.path(f"M{svg.short(x)} 4V122", "dv"), svg.text(x + 5, 11, "now")]
    return [*parts, svg.text(x - 5, 11, "baseline", "t", "e")] if x - left > 55 else parts


def _marks(xs: list[float], ys: list[float], names: tuple[str, ...], loud: Mapping[str, Severity]) -> list[Markup]:
    """A square for an alarm, a triangle for a warning, as everywhere; smaller where windows stand close."""
    half = min(4.0, max(1.6, (xs[1] - xs[0]) * 0.55)) if len(xs) > 1 else 4.0
    size, rise = svg.short(2 * half), svg.short(2.2 * half)
    shapes = {
        Severity.INFO: ("in", f"m-{svg.short(half / 2)}-{svg.short(half / 2)}h{svg.short(half)}v{svg.short(half)}h-{svg.short(half)}z"),
        Severity.WARNING: ("wa", f"m0-{svg.short(1.3 * half)}l{svg.short(1.2 * half)} {rise}h-{svg.short(2.4 * half)}z"),
        Severity.ALARM: ("al", f"m-{svg.short(half)}-{svg.short(half)}h{size}v{size}h-{size}z"),
    }
    parts = []
    for severity, (kind, shape) in shapes.items():
        at = [i for i, name in enumerate(names) if loud.get(name) is severity and not math.isnan(ys[i])]
        parts.append(svg.path("".join(f"M{svg.short(xs[i])} {svg.short(ys[i])}{shape}" for i in at), kind))
    return parts


def _at(value: Floats, names: tuple[str, ...], worst: str | None) -> float | None:
    return float(value[names.index(worst)]) if worst in names else None


def _told(xs: list[float], ys: list[float], names: tuple[str, ...], worst: str | None, figure: str) -> list[Markup]:
    """The worst value, written beside its mark: above it, or below where there is no room."""
    if worst not in names or figure == words.MISSING:
        return []
    at = names.index(worst)
    x, y = xs[at], ys[at]
    anchor = "e" if x > WIDTH - 60 else "" if x < 90 else "m"
    shift = {"e": 5.0, "": -5.0, "m": 0.0}[anchor]
    return [svg.text(x + shift, y - 9 if y > 24 else y + 18, figure, "v", anchor)]


def _window_names(xs: list[float], names: tuple[str, ...], y: float, left: float) -> list[Markup]:
    if not names:
        return []
    if len(names) == 1:
        anchor = "e" if xs[0] > WIDTH * 0.7 else "m"
        return [svg.text(WIDTH if anchor == "e" else xs[0], y, words.tick(names[0]), "t", anchor)]
    start = min(xs[0], WIDTH - 160) if xs[0] - left > 20 else left
    return [svg.text(start, y, words.tick(names[0])), svg.text(WIDTH, y, words.tick(names[-1]), "t", "e")]


def overlay(shapes: Histograms, label: str, *, masked: bool = False) -> Markup:
    """The baseline's histogram as an area, the window's as a line over it. `masked` leaves the axis without values."""
    left, right, top, bottom = 8.0, WIDTH - 8, 18.0, 128.0
    highest = max(float(shapes.before.max()), float(shapes.now.max()), 1e-12)
    xs = np.linspace(left, right, len(shapes.edges)).tolist()

    def heights(side: Floats) -> list[float]:
        return (bottom - (bottom - top) * side / highest).tolist()

    parts = [
        svg.path(svg.steps(xs, heights(shapes.before), bottom), "hb"),
        svg.path(svg.steps(xs, heights(shapes.now), bottom), "hn"),
        svg.path(f"M0 {svg.short(bottom)}H{svg.short(WIDTH)}", "ba"),
    ]
    if not masked:
        parts += _value_ticks(shapes, left, right, bottom)
    for (was, now), x, anchor, arrow in (
        (shapes.below, 0.0, "", "◂ {}"),
        (shapes.above, WIDTH, "e", "{} ▸"),
    ):
        if max(was, now) > 1e-9:
            parts.append(svg.text(x, bottom + 31, arrow.format(f"{words.percent(now)} beyond, was {words.percent(was)}"), "t", anchor))
    return svg.picture(WIDTH, bottom + 36, label, parts)


def _value_ticks(shapes: Histograms, left: float, right: float, bottom: float) -> list[Markup]:
    low, high = float(shapes.edges[0]), float(shapes.edges[-1])
    if shapes.temporal:
        ends = ((left, low, ""), (right, high, "e"))
        return [svg.text(x, bottom + 15, words.moment(value), "t", anchor) for x, value, anchor in ends]
    if shapes.logarithmic:
        powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        every = max(1, math.ceil(len(powers) / 6))
        at = [10.0**power for power in powers][::every]
        places = [(math.log(value) - math.log(low)) / (math.log(high) - math.log(low)) for value in at]
    else:
        at = svg.ticks(low, high, 5)
        centre = 0.5 if shapes.whole and high - low <= 40 else 0.0
        at = [value for value in at if value + centre < high]
        places = [(value + centre - low) / (high - low) for value in at]
    parts = []
    for value, place in zip(at, places, strict=True):
        x = left + (right - left) * place
        anchor = "e" if x > WIDTH - 20 else "" if x < 20 else "m"
        parts.append(svg.path(f"M{svg.short(x)} {svg.short(bottom)}v4", "ba"))
        parts.append(svg.text(min(x + 8, WIDTH) if anchor == "e" else max(x - 8, 0) if not anchor else x, bottom + 15, words.number(value), "t", anchor))
    return parts


def value_bars(found: Shares, label: str, known: frozenset[str], *, masked: bool = False) -> Markup:
    """The most telling values: the baseline's share as a broad bar, the window's as a narrow one over it."""
    row, right = 19.0, WIDTH - 50
    pairs = [*zip(found.values, found.before.tolist(), found.now.tolist(), strict=True)]
    named = [(f"value {i + 1}" if masked else words.inert(value, 16) or "(empty)", value not in known, was, now) for i, (value, was, now) in enumerate(pairs)]
    if found.rest:
        named.append((words.plural(found.rest, "other value"), False, *found.rest_shares))
    longest = max(max(was, now) for _, _, was, now in named) or 1.0
    left = 12 + 6.2 * max(len(name) + 6 * is_new for name, is_new, _, _ in named)
    before, here, parts = [], [], []
    for i, (name, is_new, was, now) in enumerate(named):
        y = 6 + row * i
        before.append(f"M{svg.short(left)} {svg.short(y)}h{svg.short((right - left) * was / longest)}v14h-{svg.short((right - left) * was / longest)}z")
        here.append(f"M{svg.short(left)} {svg.short(y + 4)}h{svg.short(max((right - left) * now / longest, 1.2))}v6h-{svg.short(max((right - left) * now / longest, 1.2))}z")
        parts.append(svg.text(left - 6, y + 11, f"{name} (new)" if is_new else name, "t", "e"))
        parts.append(svg.text(WIDTH, y + 11, words.percent(now), "v" if is_new else "t", "e"))
    return svg.picture(WIDTH, 6 + row * len(named) + 2, label, [svg.path("".join(before), "hb"), svg.path("".join(here), "hf"), *parts])
