"""Condition: whether the version that went live does harm that the one before did not, told as soon as it is sure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from math import log, sqrt

from scipy import special

from watchkeeper.model.rollback import Rollback
from watchkeeper.release.figures import EDGES, Figures
from watchkeeper.stats import anytime

SLOW = 2.0
"""So many times the median of the version before is slow, where no limit is declared."""
CONDITIONS = 3


@dataclass(frozen=True)
class Harm:
    """What the live version does worse than the one before, by more than was declared."""

    condition: str
    """`errors`, `invalid` or `slow`."""
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


def harm(declared: Rollback, before: Figures, since: Figures) -> Harm | None:
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


def _shares(declared: Rollback, before: Figures, since: Figures, spent: float) -> Iterator[_Share]:
    n, n_before = since.requests, before.requests
    most = _upper(before.errors, n_before, spent)
    yield _Share("errors", since.errors, n, before.errors / n_before, most, declared.errors, "requests failed")
    edge, is_declared = _slow(declared, before)
    slow = before.slower(edge)
    if is_declared:
        most = _upper(slow, n_before, spent)
    else:  # the limit was chosen by these very times: a bound that holds for all limits together
        most = min(1.0, slow / n_before + sqrt(log(1 / spent) / (2 * n_before)))
    words = f"requests took more than {1000 * EDGES[edge]:,g} ms"
    yield _Share("slow", since.slower(edge), n, slow / n_before, most, declared.slow, words)
    n, n_before = since.requests - since.errors, before.requests - before.errors
    if n and n_before:
        most = _upper(before.invalid, n_before, spent)
        words = "answers are no valid answers"
        yield _Share("invalid", since.invalid, n, before.invalid / n_before, most, declared.invalid, words)


def _slow(declared: Rollback, before: Figures) -> tuple[int, bool]:
    """The place of the edge beyond which a request is slow, and whether it was declared."""
    if declared.slow_ms is not None:
        return _edge(declared.slow_ms / 1000), True
    half = next(place for place in range(len(EDGES) + 1) if 2 * before.slower(place) <= before.requests)
    return _edge(SLOW * EDGES[min(half, len(EDGES) - 1)]), False


def _edge(seconds: float) -> int:
    """The place of the first edge that is no less."""
    return min(bisect_left(EDGES, seconds), len(EDGES) - 1)


def _upper(k: int, n: int, alpha: float) -> float:
    """Upper limit of a share of which k of n were seen. Source: Clopper and Pearson (1934), Biometrika 26, 404-413."""
    return 1.0 if k == n else float(special.betaincinv(k + 1, n - k, 1 - alpha))
