"""Figures of a version while it serves: what Prometheus is told, and what decides whether it is rolled back."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct

EDGES = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
"""Seconds at which times are cut; what is longer falls into one more bucket."""


class Figures(Struct):
    """What one version was asked and how it answered, since it was loaded. Only the event loop's thread writes it."""

    requests: int = 0
    """Requests that it was given: answered or not."""
    errors: int = 0
    """Requests that it failed: its process ended, it took too long, or it raised an error."""
    invalid: int = 0
    """Requests of which an answer can't be true: NaN, a probability beyond 0 and 1, a value that is not allowed."""
    seconds: float = 0.0
    """Of all requests together."""
    buckets: list[int] = []
    """Requests by the time they took, cut at `EDGES`."""

    def __post_init__(self) -> None:
        self.buckets = [0] * (len(EDGES) + 1)

    def add(self, seconds: float) -> None:
        """Count a request that was answered or failed after so long."""
        self.requests += 1
        self.seconds += seconds
        self.buckets[bisect_left(EDGES, seconds)] += 1

    def copy(self) -> Figures:
        """The figures as they are now."""
        same = Figures(self.requests, self.errors, self.invalid, self.seconds)
        same.buckets = list(self.buckets)
        return same


def since(now: Figures, before: Figures) -> Figures:
    """What came after `before`."""
    less = Figures(
        now.requests - before.requests,
        now.errors - before.errors,
        now.invalid - before.invalid,
        now.seconds - before.seconds,
    )
    less.buckets = [a - b for a, b in zip(now.buckets, before.buckets, strict=True)]
    return less


def cumulated(buckets: Sequence[int]) -> list[tuple[str, float]]:
    """Buckets as Prometheus counts them: all up to an edge."""
    edges = [*map(str, EDGES), "+Inf"]
    total, found = 0, []
    for edge, number in zip(edges, buckets, strict=True):
        total += number
        found.append((edge, float(total)))
    return found
