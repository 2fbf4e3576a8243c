"""Figures of a version while it serves: what Prometheus is told, and what decides whether it is rolled back."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct

EDGES = tuple(round(10 ** (step / 4 - 4), 6) for step in range(25))
"""Seconds at which times are cut, four to a factor of ten, from 0.1 ms to 100 s; one more bucket holds longer ones."""


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
        self.buckets = self.buckets or [0] * (len(EDGES) + 1)

    def add(self, seconds: float) -> None:
        """Count a request that was answered or failed after so long."""
        self.requests += 1
        self.seconds += seconds
        self.buckets[bisect_left(EDGES, seconds)] += 1

    def slower(self, edge: int) -> int:
        """Requests that took longer than an edge, by its place."""
        return sum(self.buckets[edge + 1 :])

    def copy(self) -> Figures:
        """The figures as they are now."""
        return Figures(self.requests, self.errors, self.invalid, self.seconds, list(self.buckets))


def since(now: Figures, before: Figures) -> Figures:
    """What came after `before`."""
    return Figures(
        now.requests - before.requests,
        now.errors - before.errors,
        now.invalid - before.invalid,
        now.seconds - before.seconds,
        [a - b for a, b in zip(now.buckets, before.buckets, strict=True)],
    )


def cumulated(buckets: Sequence[int]) -> list[tuple[str, float]]:
    """Buckets as Prometheus counts them: all up to an edge."""
    edges = [*map(str, EDGES), "+Inf"]
    total, found = 0, []
    for edge, number in zip(edges, buckets, strict=True):
        total += number
        found.append((edge, float(total)))
    return found
