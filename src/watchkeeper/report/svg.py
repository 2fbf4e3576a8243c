"""Small pieces of SVG: numbers, paths and axes, kept short because a page may hold hundreds of charts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape


def short(x: float) -> str:
    """A coordinate to a tenth, as few characters as possible."""
    text = f"{x:.1f}"
    text = text.removesuffix(".0")
    return "0" if text in ("-0", "0") else text


def line(xs: Sequence[float], ys: Sequence[float]) -> str:
    """A path through points; NaN breaks it, and a point alone becomes a dot (round line caps make it visible)."""
    path, pen_down = [], False
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        if math.isnan(y):
            pen_down = False
            continue
        path.append(f"{'L' if pen_down else 'M'}{short(x)} {short(y)}")
        alone = not pen_down and (i + 1 == len(ys) or math.isnan(ys[i + 1]))
        if alone:
            path.append("h.01")
        pen_down = True
    return "".join(path)


def area(xs: Sequence[float], tops: Sequence[float], bottoms: Sequence[float], half: float) -> str:
    """A band between two lines, drawn in steps `half` to both sides of each x; NaN leaves a gap."""
    path: list[str] = []
    run: list[int] = []
    for i in range(len(xs) + 1):
        if i < len(xs) and not math.isnan(tops[i]) and not math.isnan(bottoms[i]):
            run.append(i)
        elif run:
            path.append(f"M{short(xs[run[0]] - half)} {short(bottoms[run[0]])}")
            path.extend(f"V{short(tops[j])}H{short(xs[j] + half)}" for j in run)
            path.extend(f"V{short(bottoms[j])}H{short(xs[j] - half)}" for j in reversed(run))
            path.append("z")
            run = []
    return "".join(path)


def steps(edges: Sequence[float], heights: Sequence[float], floor: float) -> str:
    """The outline of a histogram: from the floor up over each bin and down again."""
    path = [f"M{short(edges[0])} {short(floor)}"]
    for right, y in zip(edges[1:], heights, strict=True):
        path.append(f"V{short(y)}H{short(right)}")
    return "".join([*path, f"V{short(floor)}"])


def text(x: float, y: float, words: str, kind: str = "t", anchor: str = "") -> Markup:
    """A piece of text; `anchor` is `m` (middle) or `e` (end)."""
    return Markup('<text x="{}" y="{}" class="{}">{}</text>').format(
        short(x), short(y), f"{kind} {anchor}".strip(), words
    )


def path(d: str, kind: str) -> Markup:
    """A path of a class; nothing where there is nothing to draw."""
    return Markup('<path class="{}" d="{}"/>').format(kind, d) if d else Markup()


def picture(width: float, height: float, label: str, parts: Iterable[Markup]) -> Markup:
    """A chart that scales with the page and tells a screen reader what it shows."""
    inside = Markup().join(parts)
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        short(width), short(height), escape(label), inside
    )


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round numbers within the span, about `most` of them and never fewer than two, as one alone gives no scale.

    Source: Heckbert (1990), nice numbers for graph labels.
    """
    if not high > low or not math.isfinite(high - low):
        return [low]
    found = _multiples(low, high, (high - low) / most)
    return found if len(found) > 1 else _multiples(low, high, (high - low) / 4)


def _multiples(low: float, high: float, rough: float) -> list[float]:
    """Multiples of the round number next above; of a quarter of the span there are two, as it is at most doubled."""
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [
        round(i * step, 12) if abs(step) > 1e-9 else i * step for i in range(first, math.floor(high / step + 1e-9) + 1)
    ]
