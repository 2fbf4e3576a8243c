"""Gaps between protected groups: how far apart they are, and whether the candidate moves them further apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from watchkeeper.model import Need
from watchkeeper.model.need import Gap
from watchkeeper.release.gate.claim import Claim, Question
from watchkeeper.release.gate.found import Found, json_number, told
from watchkeeper.release.gate.held import Held
from watchkeeper.release.gate.parts import parts
from watchkeeper.release.gate.sides import OF_EACH, Sides
from watchkeeper.release.outcome import Outcome
from watchkeeper.report.words import inert, join, name, number, plural
from watchkeeper.stats.influence import Estimate
from watchkeeper.stats.influence_binary import DECIDED, BinaryRows
from watchkeeper.stats.trial import Trial, apart, trial

GAPPED = ("recall", "false_positive_rate", "selection_rate")
Group = tuple[str, Sides]


def gaps(found: Found, held: Held, need: Need) -> Iterator[Question]:
    """For each protected column and stated gap, each pair of groups with enough rows.

    `most`: no two groups are further apart. `wider`: no two are further apart than the live model has them, by more
    than that. Every pair must hold for a PASS. What is not stated is measured and told.
    """
    if not isinstance(found.both.candidate, BinaryRows):
        return
    for column, values in held.groups.items():
        groups = [
            (part.name, found.both.of(part.rows)) for part in parts(values[found.both.rows], need.min_segment_rows)
        ]
        for rate in GAPPED:
            judged = [group for group in groups if _supported(group[1], rate, need.min_segment_rows)]
            _tell(found, column, rate, judged)
            if rate in need.gaps:
                yield from _questions(found, column, rate, need.gaps[rate], judged)


def _supported(both: Sides, rate: str, least: int) -> bool:
    rows = _binary(both.candidate)
    positive = int(rows.positive.sum())
    of = {"recall": positive, "false_positive_rate": len(both) - positive}.get(rate, len(both))
    return len(both) >= least and of >= OF_EACH


def _tell(found: Found, column: str, rate: str, groups: Sequence[Group]) -> None:
    found.of(rate)
    found.metrics[rate].setdefault("groups", {})[column] = [
        {"group": group, "rows": len(both), **told(_rate(both, rate), found.confidence, rate)} for group, both in groups
    ]


def _questions(found: Found, column: str, rate: str, gap: Gap, groups: Sequence[Group]) -> Iterator[Question]:
    if gap.most is not None:
        claims = tuple(_most(found, rate, gap.most, *pair) for pair in combinations(groups, 2))
        yield _question(column, rate, f"at most {number(gap.most)} is allowed", claims)
    if gap.wider is not None and found.both.live is not None:
        claims = tuple(_wider(found, rate, gap.wider, *pair) for pair in combinations(groups, 2))
        yield _question(column, rate, f"at most {number(gap.wider)} more than the live model's is allowed", claims)


def _most(found: Found, rate: str, most: float, one: Group, other: Group) -> Claim:
    """Two groups differ by no more than `most`, either way."""
    law = apart(_rate(one[1], rate), _rate(other[1], rate))
    facts = _facts(rate, one, other, most) | {"difference": json_number(law.value)}
    facts |= {end: told(law, found.confidence)[end] for end in ("low", "high")}
    return Claim(max(law.below(most), law.above(-most)), min(law.above(most), law.below(-most)), facts, found.few)


def _wider(found: Found, rate: str, wider: float, one: Group, other: Group) -> Claim:
    """|candidate's difference| - |live's| is at most `wider`.

    For each sign s of the candidate's, s c - l <= wider or s c + l <= wider has to be shown (the doubt shared among the
    two), and is refuted where neither holds.
    """
    laws = {(s, t): apart(*(_moved(group[1], rate, s, t) for group in (one, other))) for s in (1, -1) for t in (1, -1)}
    met = max(min(1.0, 2 * min(laws[s, t].below(wider) for t in (1, -1))) for s in (1, -1))
    broken = min(max(laws[s, t].above(wider) for t in (1, -1)) for s in (1, -1))
    ours, theirs = (laws[1, 1].value + laws[1, -1].value) / 2, (laws[1, -1].value - laws[1, 1].value) / 2
    facts = _facts(rate, one, other, wider) | {"difference": json_number(ours), "live": json_number(theirs)}
    return Claim(met, broken, facts, found.few)


def _rate(both: Sides, rate: str) -> Trial:
    estimate = DECIDED[rate](_binary(both.candidate))
    return trial(estimate.value, estimate.influence, both.cluster, estimate.most)


def _moved(both: Sides, rate: str, s: int, t: int) -> Trial:
    """s times the candidate's rate - t times the live model's, of one group."""
    ours, theirs = (DECIDED[rate](_binary(rows)) for rows in (both.candidate, both.live))
    moved = Estimate(s * ours.value - t * theirs.value, s * ours.influence - t * theirs.influence)
    return trial(moved.value, moved.influence, both.cluster, max(ours.most, theirs.most))


def _facts(rate: str, one: Group, other: Group, bound: float) -> dict[str, Any]:
    return {"metric": rate, "groups": [one[0], other[0]], "rows": [len(one[1]), len(other[1])], "bound": bound}


def _question(column: str, rate: str, allowed: str, claims: tuple[Claim, ...]) -> Question:
    def words(own: Sequence[tuple[Claim, Outcome]]) -> str:
        if not own:
            return f"{rate} by {name(column)}: fewer than two groups have rows enough to be compared."
        widest = max(own, key=lambda pair: abs(pair[0].facts["difference"] or 0.0))[0].facts
        said = f"{rate} by {name(column)}: the widest gap is {number(abs(widest['difference'] or 0.0))}, "
        said += f"between {' and '.join(inert(group) for group in widest['groups'])}; {allowed}"
        for outcome, verb in ((Outcome.FAIL, "broken by"), (Outcome.INCONCLUSIVE, "left open by")):
            pairs = [" and ".join(map(inert, claim.facts["groups"])) for claim, one in own if one is outcome]
            said += f"; {verb} {plural(len(pairs), 'pair')} of groups ({join(pairs, 3)})" if pairs else ""
        return f"{said}."

    remedy = f"See what the candidate decides by {name(column)}, and whom the difference harms, before it is served."
    return Question("group_gap", claims, words, remedy, {"column": column, "metric": rate})


def _binary(rows: object) -> BinaryRows:
    assert isinstance(rows, BinaryRows)
    return rows
