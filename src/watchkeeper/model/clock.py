"""Clock: what time it is. Commands, servers and loops ask it; whatever decides is told the time."""

from __future__ import annotations

import time


def clock() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1_000
