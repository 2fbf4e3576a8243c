"""What a profile is keyed by: a window, a segment's value and a model version."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and last microsecond that a calendar of four digits can name."""


def iso(microseconds: int) -> str:
    """An instant in microseconds since 1970 (UTC), as ISO 8601 without an offset; the day alone at midnight.

    The end of the year 9999 and what lies beyond are written as its last microsecond.
    """
    within = min(max(microseconds, _FIRST), _LAST)
    instant = (_EPOCH + timedelta(microseconds=within)).replace(tzinfo=None)
    return instant.date().isoformat() if instant.time() == datetime.min.time() else instant.isoformat()


def _natural(name: str) -> str:
    """A name that sorts as people count: `rows 9-16` before `rows 17-24`."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(15), name)


@dataclass(frozen=True)
class Slice:
    """Window × segment × version. None means all of them."""

    start: int | None = None
    """Start of the window in microseconds since 1970, UTC; None where the window is not a span of time."""
    end: int | None = None
    """End of the window, not part of it."""
    label: str | None = None
    """The window's name where it is not a span of time: a file, or a block of rows."""
    segment: str | None = None
    """`column=value`."""
    version: str | None = None

    @property
    def window(self) -> str | None:
        """`start/end` in ISO 8601 (UTC), or None where the window is not a span of time."""
        return None if self.start is None or self.end is None else f"{iso(self.start)}/{iso(self.end)}"

    @property
    def window_label(self) -> str:
        """What to call the window in words for people."""
        return self.window or self.label or "all rows"

    @property
    def key(self) -> tuple[int, int, str, str, str]:
        """A sorting key: time first, then names."""
        lowest = -(2**63)
        start, end = (lowest if at is None else at for at in (self.start, self.end))
        return (start, end, _natural(self.label or ""), self.segment or "", self.version or "")

    @cached_property
    def whole(self) -> Slice:
        """The same window over all segments and versions."""
        if self.segment is None and self.version is None:
            return self
        return replace(self, segment=None, version=None)
