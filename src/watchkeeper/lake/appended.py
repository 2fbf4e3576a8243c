"""What became of rows that were brought to the lake."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def no_times() -> Ints:
    """No event times at all."""
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Appended:
    """What became of rows that were brought to a table. Each is counted once, as new, duplicate or conflict."""

    new: int = 0
    """Rows stored."""
    duplicates: int = 0
    """Events whose id and content are known: harmless, not stored again."""
    conflicts: int = 0
    """Events whose id is known with another content: the first wins, these are not stored."""
    future: int = 0
    """Rows stored whose time is more than a day after they were received."""
    ancient: int = 0
    """Rows stored whose time is before 1970."""
    touched: Ints = field(default_factory=no_times)
    """Times of the events that are new or have a new label, in microseconds since 1970."""
    before: bool = False
    """Whether all this was stored earlier: nothing was counted, but `touched` is told again."""
