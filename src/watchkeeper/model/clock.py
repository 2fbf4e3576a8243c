"""Clock: what time it is. Commands, servers and loops ask it; whatever decides is told the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def clock() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1_000


def instant(microseconds: int) -> str:
    """A moment as RFC 3339 writes it, in UTC."""
    at = (_EPOCH + timedelta(microseconds=int(microseconds))).replace(tzinfo=None)
    return f"{at.isoformat()}Z"
