"""How numbers, times and foreign text are written for people."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchkeeper.budget import Finding

MISSING = "–"

# C0, DEL and C1 steer a terminal; line and paragraph separators break lines; bidirectional controls reorder
# what stands beside them; invisible characters make two names look alike; lone surrogates can't be encoded.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Several files under one result carry a number that keeps their order.
_NUMBERED = re.compile(r"^\d{6} ")
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_STARTS_FORMULA = re.compile(r"[\s\x00]*[=+\-@\t\r\n＝＋－＠]")


def inert(text: str, limit: int = 60) -> str:
    """Foreign text made safe for terminals and pages: what is invisible or steers is shown as an escape.

    Longer text than `limit` characters is cut in its middle, since names often differ at the end. HTML is
    not escaped here: the template does that.
    """
    ends = text if len(text) <= limit else text[:limit] + text[-limit:]
    shown = _UNSAFE.sub(_escape, ends)
    if len(text) <= limit and len(shown) <= limit:
        return shown
    tail = limit // 3
    return f"{shown[: limit - tail - 1]}…{shown[len(shown) - tail :]}"


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def name(column: str, limit: int = 40) -> str:
    """A column's name as it stands in a sentence."""
    return f"`{inert(column, limit)}`"


def spreadsheet_safe(cell: str) -> str:
    """Text that a spreadsheet will show and not run: what looks like a formula gets a leading apostrophe."""
    if _STARTS_FORMULA.match(cell) and not _PLAIN_NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def number(value: float | None) -> str:
    """Three significant digits and thousands separators; the whole part is never rounded, so 2012 stays 2,012."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size, value = abs(value), value + 0.0  # -0.0 + 0.0 is 0.0
    if size >= 1e15 or 0 < size < 1e-4:
        mantissa, exponent = f"{value:.2e}".split("e")
        text = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    elif size >= 100 or value == int(value):
        text = f"{value:,.0f}"
    else:
        text = f"{value:.{2 - math.floor(math.log10(size))}f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


def percent(share: float | None) -> str:
    """A share as a percentage. Nearly all is never rounded up to all."""
    if share is None or math.isnan(share):
        return MISSING
    hundredths = share * 100
    if 99.9 < hundredths < 100:
        return f"{min(math.floor(hundredths * 100) / 100, 99.99)} %"
    return f"{number(hundredths)} %"


def size(count: float) -> str:
    """A number of bytes."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{number(count)} {unit}"
        count /= 1000
    return f"{number(count)} TB"


def duration(seconds: float) -> str:
    """A span of time in the two units that matter."""
    if seconds < 0.0995:
        return f"{number(float(f'{seconds * 1000:.2g}'))} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 row`, `1,234 rows`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def join(items: Sequence[str], most: int | None = None) -> str:
    """`a`, `a and b`, `a, b and c`, or `a, b and 7 more`."""
    if most is not None and len(items) > most + 1:
        return f"{', '.join(items[:most])} and {len(items) - most:,} more"
    return " and ".join(part for part in (", ".join(items[:-1]), items[-1]) if part) if items else ""


def window(label: str | None) -> str:
    """A window in words: `2 May 2012`, `May 2012`, `2–8 May 2012`, `2 May 2012 14:00`; a file by its name."""
    start, end = _span(label)
    if start is None or end is None:
        return "all rows" if label is None else inert(_NUMBERED.sub("", label))
    if start.time() != datetime.min.time() or end.time() != datetime.min.time():
        if end - start == timedelta(hours=1):
            return f"{_day(start)} {start:%H:%M}"
        last = f"{end:%H:%M}" if end.date() == start.date() else f"{_day(end)} {end:%H:%M}"
        return f"{_day(start)} {start:%H:%M} – {last}"
    last_day = end - timedelta(days=1)
    if last_day <= start:
        return _day(start)
    if start.day == 1 and end.day == 1 and last_day.month == start.month and last_day.year == start.year:
        return f"{start:%B} {start.year}"
    if (start.year, start.month) == (last_day.year, last_day.month):
        return f"{start.day}–{_day(last_day)}"
    first = f"{start.day} {start:%B}" if start.year == last_day.year else _day(start)
    return f"{first} – {_day(last_day)}"


def within(label: str | None) -> str:
    """The window with its preposition: `on 2 May 2012`, `in May 2012`, `at 2 May 2012 14:00`."""
    start, end = _span(label)
    if start is None or end is None:
        return f"in {window(label)}"
    length = end - start
    return f"{'on' if length == timedelta(days=1) else 'at' if length <= timedelta(hours=1) else 'in'} {window(label)}"


def from_to(first: str, last: str) -> str:
    """The label of the windows from the first to the last as one window."""
    if first == last or None in (*_span(first), *_span(last)):
        return first if first == last else f"{window(first)} to {window(last)}"
    return f"{first.partition('/')[0]}/{last.partition('/')[2]}"


def tick(label: str | None) -> str:
    """The start of a window, short enough for an axis: `2 May 12`, `2 May 14:00`; a file by its shortened name."""
    start, end = _span(label)
    if start is None or end is None:
        return "" if label is None else inert(_NUMBERED.sub("", label).rsplit("/")[-1], 22)
    if end - start < timedelta(days=1):
        return f"{start.day} {start:%b} {start:%H:%M}"
    return f"{start.day} {start:%b} {start.year}"


def since(label: str | None) -> str:
    """The start of a window in words."""
    start, end = _span(label)
    if start is None or end is None:
        return window(label)
    return _day(start) if end - start >= timedelta(days=1) else f"{_day(start)} {start:%H:%M}"


def began(finding: Finding) -> str:
    """When what a finding tells began, where that was before its window: a sentence, else empty."""
    change = finding.change
    if change is None or (finding.window or "").startswith(f"{change.since}/") or _span(finding.window)[0] is None:
        return ""
    low, high = change.between
    if change.kind == "jump":
        return f"It jumped {within(f'{low}/{high}')}."
    return f"It has drifted since {since(f'{change.since}/{high}')} or so ({window(f'{low}/{high}')})."


def moment(microseconds: float, *, to_the_day: bool = False) -> str:
    """An instant in microseconds since 1970 (UTC), to the minute, or to the day in short."""
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=float(microseconds))
    except (OverflowError, ValueError):
        return MISSING
    if to_the_day:
        return f"{at.day} {at:%b} {at.year}"
    return _day(at) if at.time() == datetime.min.time() else f"{_day(at)} {at:%H:%M}"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B} {at.year}"


def _span(label: str | None) -> tuple[datetime | None, datetime | None]:
    start, _, end = (label or "").partition("/")
    try:
        return datetime.fromisoformat(start), datetime.fromisoformat(end)
    except ValueError:
        return None, None
