"""Numbers and names as a colleague would write them in a sentence."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta


def named(column: str) -> str:
    """A column's name in backticks, shortened and without control characters."""
    plain = "".join(c if c.isprintable() else "�" for c in column)
    return f"`{plain if len(plain) <= 60 else plain[:57] + '…'}`"


def quoted(value: str) -> str:
    """A value in quotation marks, shortened and without control characters."""
    return f'"{named(value)[1:-1]}"'


def figure(x: float | None) -> str:
    """Three significant digits, thousands separated."""
    if x is None or math.isnan(x):
        return "none"
    if math.isinf(x):
        return "∞" if x > 0 else "-∞"
    if x == 0:
        return "0"
    if abs(x) >= 1e15 or abs(x) < 1e-4:
        return f"{x:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(x))))
    text = f"{x:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float | None) -> str:
    """A share as a percentage; small ones keep a digit."""
    if share is None or math.isnan(share):
        return "none"
    points = 100 * share
    return (
        f"{points:.0f} %"
        if abs(points) >= 9.95 or points == 0
        else f"{points:.2g} %"
        if abs(points) < 0.995
        else f"{points:.1f} %"
    )


def between(low: float | None, high: float | None, *, shares: bool = False) -> str:
    """A range of usual values: `0–1.9 %`, `up to 4`, `at least 2`."""
    say = percent if shares else figure
    lowest = low is None or math.isnan(low) or math.isinf(low)
    highest = high is None or math.isnan(high) or math.isinf(high)
    if lowest and highest:
        return "anything"
    if lowest:
        return f"up to {say(high)}"
    if highest:
        return f"at least {say(low)}"
    left, right = say(low), say(high)
    return left if left == right else f"{left.removesuffix(' %') if right.endswith('%') else left}–{right}"


def lapse(seconds: float) -> str:
    """A length of time in the unit that fits it."""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if abs(seconds) >= 2 * size:
            return f"{figure(seconds / size)} {unit}"
    return f"{figure(seconds)} seconds"


def instant(microseconds: float) -> str:
    """A time given in microseconds since 1970, UTC."""
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return figure(microseconds / 31_557_600e6 + 1970)
    return at.strftime("%Y-%m-%d" if at.time() == datetime.min.time() else "%Y-%m-%d %H:%M")
