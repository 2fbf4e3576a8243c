"""Pictures of a verdict: each metric's interval against its margin, the threshold's curve, and time and memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from watchkeeper.model.need import BETTER
from watchkeeper.report import svg, words

WIDTH = 320.0
LEFT = 78.0
RIGHT = 308.0
STEP = 24.0
TOP = 22.0

Fact = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A value with its interval, on a line of its own."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    kind: str = "c"
    """`c` the candidate, `l` what it is held against, `p` the paired difference."""


def metric(name: str, one: Fact, version: str, live: str | None) -> Markup:
    """The candidate's interval and value beside the live model's and the naive baseline's.

    Of the difference the interval is drawn about the live model's value, so that it can be held against the margin: it
    is narrower than the two values' own, as both models answered the same rows.
    """
    rows = [Row(words.inert(version, 10), one["value"], one.get("low"), one.get("high"))]
    limit, upwards = None, BETTER.get(name, "high") == "high"
    if one.get("live") is not None:
        rows.append(Row(words.inert(live or "live", 10), one["live"], kind="l"))
        ends = one.get("difference_low"), one.get("difference_high")
        if None not in ends and one.get("difference") is not None:
            moved, least, most = (one["live"] + end for end in (one["difference"], *ends))
            rows.insert(1, Row("paired", moved, least, most, "p"))
            limit = one["live"] + (-1.0 if upwards else 1.0) * one["margin"] if one.get("margin") is not None else None
    if one.get("naive") is not None:
        rows.append(Row("naive", one["naive"], kind="l"))
    return ranges(rows, f"{name} of {version}", limit=limit, upwards=upwards)


def ranges(
    rows: Sequence[Row],
    label: str,
    *,
    limit: float | None = None,
    upwards: bool = True,
    unit: str = "",
    from_zero: bool = False,
) -> Markup:
    """Values with intervals under one another. `limit`: what lies beyond it is shaded, as it is worse than allowed."""
    known = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    known += [*([] if limit is None else [limit]), *([0.0] if from_zero else [])]
    least, most = _domain(known)
    least = 0.0 if from_zero else least

    def x(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * min(max((value - least) / (most - least), 0.0), 1.0)

    bottom = TOP + STEP * len(rows)
    parts: list[Markup] = []
    if limit is not None:
        start, end = (LEFT, x(limit)) if upwards else (x(limit), RIGHT)
        if end > start:
            shade = (
                f"M{svg.short(start)} {svg.short(TOP - 8)}H{svg.short(end)}V{svg.short(bottom - 4)}H{svg.short(start)}z"
            )
            parts.append(svg.path(shade, "bw"))
        parts.append(svg.path(f"M{svg.short(x(limit))} {svg.short(TOP - 8)}V{svg.short(bottom - 4)}", "lm"))
        side = "e" if x(limit) > (LEFT + RIGHT) / 2 else ""
        shift = -4 if side else 4
        parts.append(
            svg.text(x(limit) + shift, TOP - 11, "the least allowed" if upwards else "the most allowed", "t", side)
        )
    ticks = svg.ticks(least, most, 3)
    for tick, name in zip(ticks, _named(ticks), strict=True):
        parts.append(svg.path(f"M{svg.short(x(tick))} {svg.short(bottom - 4)}v4", "ba"))
        parts.append(svg.text(x(tick), bottom + 12, f"{name}{unit}", "t", "m"))
    parts.append(svg.path(f"M{svg.short(LEFT)} {svg.short(bottom - 4)}H{svg.short(RIGHT)}", "ba"))
    for place, row in enumerate(rows):
        parts += _row(row, TOP + STEP * place + 7, x)
    return svg.picture(WIDTH, bottom + 18, label, parts)


def curve(points: Sequence[Fact], across: str, up: str, chosen: float | None, label: str) -> Markup:
    """A figure over the threshold, and the threshold that was chosen."""
    xs = [float(point[across]) for point in points]
    ys = [float("nan") if point[up] is None else float(point[up]) for point in points]
    known = [y for y in ys if not math.isnan(y)]
    if len(xs) < 2 or not known:
        return Markup()
    left, top, bottom = 40.0, 14.0, 120.0
    least, most = min(xs), max(xs) if max(xs) > min(xs) else min(xs) + 1
    low, high = min(0.0, *known), max(known) or 1.0

    def across_of(value: float) -> float:
        return left + (RIGHT - left) * (value - least) / (most - least)

    def up_of(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (high - low) if not math.isnan(value) else value

    parts = []
    ups, acrosses = svg.ticks(low, high, 3), svg.ticks(least, most, 4)
    for tick, name in zip(ups, _named(ups), strict=True):
        parts.append(svg.path(f"M{svg.short(left)} {svg.short(up_of(tick))}H{svg.short(RIGHT)}", "gr"))
        parts.append(svg.text(left - 5, up_of(tick) + 4, name, "t", "e"))
    for tick, name in zip(acrosses, _named(acrosses), strict=True):
        parts.append(svg.text(across_of(tick), bottom + 15, name, "t", "m"))
    parts.append(svg.path(svg.line([across_of(x) for x in xs], [up_of(y) for y in ys]), "nl"))
    if chosen is not None and least <= chosen <= most:
        at = across_of(chosen)
        parts.append(svg.path(f"M{svg.short(at)} {svg.short(top - 6)}V{svg.short(bottom)}", "lm"))
        side, shift = ("e", -4) if at > 200 else ("", 4)
        parts.append(svg.text(at + shift, top + 2, words.number(chosen), "v", side))
    return svg.picture(WIDTH, bottom + 20, label, parts)


def _row(row: Row, y: float, x: Any) -> list[Markup]:
    middle = x(row.value)
    parts = [svg.text(LEFT - 8, y + 4, row.name, "t", "e")]
    if row.low is not None and row.high is not None:
        ends = f"M{svg.short(x(row.low))} {svg.short(y)}H{svg.short(x(row.high))}"
        parts.append(svg.path(ends, {"c": "wi", "p": "wp"}.get(row.kind, "wl")))
    shapes = {"c": "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", "p": "m0 -5l5 5l-5 5l-5 -5z"}
    shape = shapes.get(row.kind, "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z")
    kind = {"c": "hf", "p": "hf"}.get(row.kind, "hl")
    parts.append(svg.path(f"M{svg.short(middle)} {svg.short(y)}{shape}", kind))
    if row.kind != "p":
        edge = max(x(row.high) if row.high is not None else middle, middle)
        side, at = (
            ("", edge + 8)
            if edge < RIGHT - 46
            else ("e", min(x(row.low) if row.low is not None else middle, middle) - 8)
        )
        parts.append(svg.text(at, y + 4, words.number(row.value), "v", side))
    return parts


def _named(ticks: Sequence[float]) -> list[str]:
    """Ticks as their labels, with as many digits as tell them apart."""
    names = [words.number(tick) for tick in ticks]
    return names if len(set(names)) == len(ticks) else [f"{tick:.12g}".replace("-", "−") for tick in ticks]


def _domain(known: Sequence[float]) -> tuple[float, float]:
    least, most = min(known), max(known)
    size = (most - least) or abs(most) * 0.1 or 1.0
    return least - 0.06 * size, most + 0.06 * size
