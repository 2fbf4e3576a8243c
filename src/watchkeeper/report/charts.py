"""A metric over the windows: the usual range behind it, the baseline's own windows before it, the rows beneath."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from watchkeeper.budget import Severity
from watchkeeper.report import svg, words
from watchkeeper.report.metric import Unit, in_words, written
from watchkeeper.report.timeline import Series

Floats = NDArray[np.float64]

WIDTH = 320.0
TOP, BOTTOM = 16.0, 118.0
FLOOR = 150.0
"""Where the bars of rows stand."""
MOST_WINDOWS = 200
"""More windows than this are not told apart in a chart; those around the worst are shown."""
ONE_WINDOW = 64.0
"""Room for a single window beside the baseline's, so that its value can stand next to it."""


@dataclass(frozen=True)
class _Frame:
    """Where things lie: x of every window, and how a value becomes a y."""

    left: float
    past: list[float]
    now: list[float]
    step: float
    divider: float
    least: float
    most: float

    def y(self, values: Floats | float) -> list[float]:
        """Heights of values; what lies far outside is drawn just outside."""
        share = (np.atleast_1d(np.asarray(values, dtype=np.float64)) - self.least) / (self.most - self.least)
        heights: list[float] = (BOTTOM - (BOTTOM - TOP) * np.clip(share, -0.04, 1.08)).tolist()
        return heights


def over_windows(series: Series, past: Floats, loud: Mapping[str, Severity], worst: str | None, label: str) -> Markup:
    """Draw a metric's course.

    `past`: the baseline windows' values, oldest first, may be empty. `loud`: severity of the windows with a finding.
    `worst`: the window whose value is written out. `label`: what a screen reader says.
    """
    series = _around(series, worst)
    least, most = _domain(series, past)
    ticks = [tick for tick in svg.ticks(least, most, 3) if least <= tick <= most]
    figures = [written(series.metric, tick, series.temporal) for tick in ticks]
    frame = _frame(len(past), len(series.windows), max(map(len, figures), default=0), least, most)
    heights = frame.y(series.value)
    bottom = FLOOR if len(series.windows) > 1 else BOTTOM
    parts = [
        *_grid(frame, ticks, figures),
        _band(frame, series),
        *_past(frame, past),
        _margins(frame, series),
        svg.path(svg.line(frame.now, heights), "nl"),
        *_marks(frame, heights, series.windows, loud),
        *_worst(frame, heights, series, worst),
        *(_rows(frame, series) if len(series.windows) > 1 else ()),
        *_names(frame, series.windows, bottom + 15),
    ]
    return svg.picture(WIDTH, bottom + 20, label, parts)


def _around(series: Series, worst: str | None) -> Series:
    count = len(series.windows)
    middle = series.windows.index(worst) if worst in series.windows else count
    first = min(max(0, middle - MOST_WINDOWS // 2), max(0, count - MOST_WINDOWS))
    return series.part(first, first + MOST_WINDOWS)


def _domain(series: Series, past: Floats) -> tuple[float, float]:
    """The span of the axis: all values, and the usual range as far as it does not flatten them."""
    unit = in_words(series.metric).unit
    seen, limits = np.concatenate([past, series.value]), np.concatenate([series.low, series.high])
    seen, limits = seen[np.isfinite(seen)], limits[np.isfinite(limits)]
    if not len(seen):
        seen = limits if len(limits) else np.array([0.0, 1.0])
    least, most = float(seen.min()), float(seen.max())
    size = (most - least) or abs(most) * 0.1 or 1.0
    near = limits[(limits >= least - size) & (limits <= most + size)]
    least, most = min([least, *near.tolist()]), max([most, *near.tolist()])
    from_zero = unit in (Unit.SHARE, Unit.COUNT) or series.metric == "shape"
    if least >= 0 and (from_zero or least < 0.6 * most):
        least = 0.0
    margin = (most - least) * 0.06 or size
    most += margin
    if unit is Unit.SHARE and series.metric != "mape":
        most = min(most, 1.06)
    return (least if least == 0 else least - margin), most


def _frame(past: int, now: int, letters: int, least: float, most: float) -> _Frame:
    left = 8.0 + 5.9 * letters
    if past and now == 1:
        right = WIDTH - ONE_WINDOW
        step = (right - left) / past
        xs = [left + step * (i + 0.5) for i in range(past)]
        return _Frame(left, xs, [right + 16], min(step, 20.0), right + 2, least, most)
    gap = 1 if past else 0
    step = (WIDTH - 6 - left) / max(past + gap + now, 1)
    xs = [left + step * (i + 0.5) for i in range(past + gap + now)]
    return _Frame(left, xs[:past], xs[past + gap :], step, left + step * (past + 0.5), least, most)


def _grid(frame: _Frame, ticks: list[float], figures: list[str]) -> list[Markup]:
    heights = [frame.y(tick)[0] for tick in ticks]
    lines = "".join(f"M{svg.short(frame.left)} {svg.short(y)}H{svg.short(WIDTH)}" for y in heights)
    named = [svg.text(frame.left - 5, y + 4, figure, "t", "e") for y, figure in zip(heights, figures, strict=True)]
    return [svg.path(lines, "gr"), *named]


def _band(frame: _Frame, series: Series) -> Markup:
    # An end that is not known is open, where the other is.
    low = np.where(np.isnan(series.low) & ~np.isnan(series.high), -np.inf, series.low)
    high = np.where(np.isnan(series.high) & ~np.isnan(series.low), np.inf, series.high)
    return svg.path(svg.area(frame.now, frame.y(high), frame.y(low), frame.step / 2), "bd")


def _past(frame: _Frame, past: Floats) -> list[Markup]:
    if not len(past):
        return []
    x = frame.divider
    parts = [svg.path(svg.line(frame.past, frame.y(past)), "pl"), svg.path(f"M{svg.short(x)} 4V122", "dv")]
    parts.append(svg.text(x + 5, 11, "now"))
    return [*parts, svg.text(x - 5, 11, "baseline", "t", "e")] if x - frame.left > 55 else parts


def _margins(frame: _Frame, series: Series) -> Markup:
    """Confidence intervals as whiskers."""
    if series.margin is None:
        return Markup()
    ends = zip(frame.now, frame.y(series.margin[0]), frame.y(series.margin[1]), strict=True)
    known = [(x, low, high) for x, low, high in ends if not math.isnan(low + high)]
    return svg.path("".join(f"M{svg.short(x)} {svg.short(low)}V{svg.short(high)}" for x, low, high in known), "mg")


def _marks(frame: _Frame, heights: list[float], names: tuple[str, ...], loud: Mapping[str, Severity]) -> list[Markup]:
    """A square for an alarm, a triangle for a warning, as everywhere; smaller where windows stand close."""
    half = min(4.0, max(1.6, frame.step * 0.55))
    h, w = svg.short(half), svg.short(2 * half)
    shapes = {
        Severity.INFO: ("in", f"m-{svg.short(half / 2)}-{svg.short(half / 2)}h{h}v{h}h-{h}z"),
        Severity.WARNING: ("wa", f"m0-{svg.short(1.3 * half)}l{svg.short(1.2 * half)} {w}h-{svg.short(2.4 * half)}z"),
        Severity.ALARM: ("al", f"m-{h}-{h}h{w}v{w}h-{w}z"),
    }
    parts = []
    for severity, (kind, shape) in shapes.items():
        at = [i for i, name in enumerate(names) if loud.get(name) is severity and not math.isnan(heights[i])]
        parts.append(svg.path("".join(f"M{svg.short(frame.now[i])} {svg.short(heights[i])}{shape}" for i in at), kind))
    return parts


def _worst(frame: _Frame, heights: list[float], series: Series, worst: str | None) -> list[Markup]:
    """The worst value, written beside its mark: above it, or below where there is no room."""
    if worst not in series.windows:
        return []
    at = series.windows.index(worst)
    figure = written(series.metric, float(series.value[at]), series.temporal)
    x, y = frame.now[at], heights[at]
    if math.isnan(y):
        return []
    if len(series.windows) == 1:
        return [svg.text(x + 9, y + 4, figure, "v")]
    side, shift = ("e", 5.0) if x > WIDTH - 50 else ("", -5.0) if x < 80 else ("m", 0.0)
    return [svg.text(x + shift, y - 9 if y > 24 else y + 18, figure, "v", side)]


def _rows(frame: _Frame, series: Series) -> list[Markup]:
    tallest = max(int(series.rows.max(initial=0)), 1)
    bars = "".join(
        f"M{svg.short(x)} {svg.short(FLOOR)}v-{svg.short(max(18 * count / tallest, 0.4))}"
        for x, count in zip(frame.now, series.rows.tolist(), strict=True)
    )
    width = svg.short(max(frame.step * 0.7, 0.5) if len(series.windows) < 60 else frame.step)
    drawn = Markup('<g stroke-width="{}">{}</g>').format(width, svg.path(bars, "rw"))
    return [drawn, svg.text(frame.left - 5, FLOOR, "rows", "t", "e")]


def _names(frame: _Frame, names: tuple[str, ...], y: float) -> list[Markup]:
    """The first and the last window."""
    if not names:
        return []
    if len(names) == 1:
        return [svg.text(WIDTH, y, words.tick(names[0]), "t", "e")]
    start = min(frame.now[0], WIDTH - 160) if frame.now[0] - frame.left > 20 else frame.left
    return [svg.text(start, y, words.tick(names[0])), svg.text(WIDTH, y, words.tick(names[-1]), "t", "e")]
