"""Segments: the candidate is not much worse than the live model for any value of a column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from watchkeeper.model import Need
from watchkeeper.model.need import Margin
from watchkeeper.release.gate.claim import Claim, Question
from watchkeeper.release.gate.found import Found, beside_live, json_number, measurable, signed, turned
from watchkeeper.release.gate.held import Held
from watchkeeper.release.gate.parts import parts
from watchkeeper.release.outcome import Outcome
from watchkeeper.report.words import inert, join, name, number, plural


def segments(found: Found, held: Held, margins: dict[str, Margin], need: Need) -> Iterator[Question]:
    """For each segment column and metric, non-inferiority in each value with enough rows, by a wider margin.

    Values with too few rows are judged together. Every part must hold for a PASS; a FAIL is corrected for how many
    there are, as all claims are (`claim.answered`).
    """
    for column in held.segments if need.segments is None else need.segments:
        if column in held.segments:
            yield from _column(found, held, column, margins, need)


def _column(found: Found, held: Held, column: str, margins: dict[str, Margin], need: Need) -> Iterator[Question]:
    claims: dict[str, list[Claim]] = {metric: [] for metric in margins}
    judged = 0
    for part in parts(held.segments[column][found.both.rows], need.min_segment_rows):
        own = found.both.of(part.rows)
        if len(own) < need.min_segment_rows or own.few:
            continue
        judged += len(own)
        within = Found(own, found.few, need.confidence)
        for metric, margin in margins.items():
            claims[metric].append(_claim(within, metric, margin, need.segment_margin, part.name))
    for metric in margins:
        told = [dict(claim.facts) for claim in claims[metric]]
        found.metrics[metric].setdefault("segments", {})[column] = told
        if found.both.live is not None:
            yield _question(column, metric, tuple(claims[metric]), len(found.both) - judged, found.both.counted)


def _claim(within: Found, metric: str, margin: Margin, times: float, segment: str) -> Claim:
    ours = within.of(metric)
    facts = {"metric": metric, "segment": segment, **within.metrics[metric]}
    if within.both.live is None:
        return Claim(1.0, 1.0, facts)
    law, size = beside_live(within, metric, margin, times)
    theirs = within.of_live(metric)
    difference, low, high = turned(law, metric, within.confidence)
    facts |= {
        "live": json_number(theirs.value),
        "difference": json_number(difference),
        "difference_low": json_number(low),
        "difference_high": json_number(high),
        "margin": json_number(size),
    }
    met = 0.0 if within.both.same else law.above(-size)
    return Claim(met, law.below(-size), facts, measurable(metric, within, ours.value, theirs.value))


def _question(column: str, metric: str, claims: tuple[Claim, ...], small: int, rows: str) -> Question:
    left = f" {plural(small, 'row')} of rarer values are too few to be judged." if small else ""

    def words(own: Sequence[tuple[Claim, Outcome]]) -> str:
        if not own:
            return f"{metric} by {name(column)}: no value has rows enough to be judged ({rows} in all)."
        by = {outcome: [claim.facts for claim, one in own if one is outcome] for outcome in Outcome}
        said = f"{metric} by {name(column)}: no worse in {len(by[Outcome.PASS])} of {plural(len(own), 'segment')}"
        if by[Outcome.FAIL]:
            said += f"; worse than the margin in {join([_said(facts) for facts in by[Outcome.FAIL]], 5)}"
        if by[Outcome.INCONCLUSIVE]:
            said += f"; left open in {join([_said(facts) for facts in by[Outcome.INCONCLUSIVE]], 5)}"
        return f"{said}.{left}"

    facts = {"column": column, "metric": metric, "too_small_rows": small}
    remedy = f"See which rows of {name(column)} the candidate gets wrong: `watchkeeper compare` shows those that moved."
    return Question("segments", claims, words, remedy, facts)


def _said(facts: object) -> str:
    assert isinstance(facts, dict)
    ends = f"{signed(facts['difference_low'])} to {signed(facts['difference_high'])}"
    return f"{inert(facts['segment'])} ({ends}, margin {number(facts['margin'])}, {plural(facts['rows'], 'row')})"
