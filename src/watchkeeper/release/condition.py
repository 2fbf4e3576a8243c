"""Condition: whether the version that went live does harm that the one before did not, told as soon as it is sure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log, sqrt

from scipy import special

from watchkeeper.model.rollback import Rollback
from watchkeeper.stats import anytime

BORDERS = tuple(round(10 ** (power / 8 - 1), 3) for power in range(45))
"""Milliseconds, eight borders to a factor of ten, from 0.1 to 31,623: latencies are counted between them."""
SLOW = 2.0
"""So many times the median of the version before is slow, where no limit is declared."""
CONDITIONS = 3


@dataclass
class Counts:
    """What a version did so far."""

    requests: int = 0
    failed: int = 0
    """Requests without an answer: the model raised, crashed or ran out of time."""
    invalid: int = 0
    """Answers that are none: null, not finite, of an unknown class."""
    latency: list[int] = field(default_factory=lambda: [0] * (len(BORDERS) + 1))
    """Answered requests whose milliseconds lie up to each border, and beyond the last."""

    def add(self, milliseconds: float | None, *, invalid: bool = False) -> None:
        """One request; None for milliseconds says that it failed."""
        self.requests += 1
        if milliseconds is None:
            self.failed += 1
            return
        self.invalid += invalid
        self.latency[bisect_left(BORDERS, milliseconds)] += 1

    @property
    def answered(self) -> int:
        """Requests with an answer."""
        return sum(self.latency)

    def slower(self, border: int) -> int:
        """Answers that took longer than a border, by its place."""
        return sum(self.latency[border + 1 :])


@dataclass(frozen=True)
class Harm:
    """What the live version does worse than the one before, by more than was declared."""

    condition: str
    """`failed`, `invalid` or `slow`."""
    share: float
    before: float
    margin: float
    requests: int
    evidence: float
    """Nats; it exceeds `needed`."""
    needed: float
    sentence: str


@dataclass(frozen=True)
class _Share:
    """One condition as counts: k of n now, and the greatest share that the version before may have had."""

    name: str
    k: int
    n: int
    before: float
    most: float
    margin: float
    words: str


def harm(declared: Rollback, before: Counts, since: Counts) -> Harm | None:
    """What the live version does worse; None as long as that is not sure. It may be asked after each request.

    `before`: what the previous version did before the switch, once and for all; `since`: what the live one did since.
    A version that does no harm is told with a chance of at most `declared.false_rollbacks`: each of the three
    conditions may spend a third of it, half on not knowing the previous version's share, and half on the evidence of
    `stats.anytime.rise`, which holds at all times together.
    """
    if not before.requests or not since.requests:
        return None
    spent = declared.false_rollbacks / CONDITIONS / 2
    found = []
    for share in _shares(declared, before, since, spent):
        evidence = float(anytime.rise(share.k, share.n, min(share.most + share.margin, 1.0)))
        if evidence > log(1 / spent):
            found.append((evidence, share))
    if not found:
        return None
    evidence, worst = max(found, key=lambda one: one[0])
    now = worst.k / worst.n
    sentence = (
        f"{worst.k:,} of {worst.n:,} {worst.words} ({now:.2%}), with the version before {worst.before:.2%}; "
        f"declared is at most {worst.margin:.2%} more"
    )
    return Harm(worst.name, now, worst.before, worst.margin, worst.n, evidence, log(1 / spent), sentence)


def _shares(declared: Rollback, before: Counts, since: Counts, spent: float) -> Iterator[_Share]:
    failed = before.failed / before.requests
    most = _upper(before.failed, before.requests, spent)
    yield _Share("failed", since.failed, since.requests, failed, most, declared.failed, "requests failed")
    n, n_before = since.answered, before.answered
    if not n or not n_before:
        return
    most = _upper(before.invalid, n_before, spent)
    words = "answers are no valid answers"
    yield _Share("invalid", since.invalid, n, before.invalid / n_before, most, declared.invalid, words)
    border, is_declared = _slow(declared, before)
    slow = before.slower(border)
    if is_declared:
        most = _upper(slow, n_before, spent)
    else:  # the limit was chosen by these very latencies: a bound that holds for all limits together
        most = min(1.0, slow / n_before + sqrt(log(1 / spent) / (2 * n_before)))
    words = f"answers took more than {BORDERS[border]:,g} ms"
    yield _Share("slow", since.slower(border), n, slow / n_before, most, declared.slow, words)


def _slow(declared: Rollback, before: Counts) -> tuple[int, bool]:
    """The border beyond which an answer is slow, and whether it was declared."""
    if declared.slow_ms is not None:
        return _border(declared.slow_ms), True
    half = next(place for place in range(len(BORDERS) + 1) if 2 * before.slower(place) <= before.answered)
    return _border(SLOW * BORDERS[min(half, len(BORDERS) - 1)]), False


def _border(milliseconds: float) -> int:
    """The place of the first border that is no less."""
    return min(bisect_left(BORDERS, milliseconds), len(BORDERS) - 1)


def _upper(k: int, n: int, alpha: float) -> float:
    """Upper limit of a share of which k of n were seen. Source: Clopper and Pearson (1934), Biometrika 26, 404-413."""
    return 1.0 if k == n else float(special.betaincinv(k + 1, n - k, 1 - alpha))
