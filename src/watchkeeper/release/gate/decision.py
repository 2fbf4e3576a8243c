"""Decisions: the threshold of a binary score, learned for the stated need at each version anew, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Need
from watchkeeper.model.need import StatedNeed
from watchkeeper.release.gate.claim import Claim, Question
from watchkeeper.release.gate.found import Found, json_number, told
from watchkeeper.release.gate.sides import Sides
from watchkeeper.release.outcome import Outcome
from watchkeeper.report.words import number, percent
from watchkeeper.stats.cutoff import Cutoff, cheapest, finds, precise, spares
from watchkeeper.stats.influence_binary import CHOSEN, BinaryRows, decision
from watchkeeper.stats.trial import Trial, trial

Bools = NDArray[np.bool_]

SHOWN = ("recall", "precision", "false_positive_rate", "selection_rate", "f1")


@dataclass(frozen=True)
class Learned:
    """The thresholds learned for a need."""

    need: StatedNeed
    confidence: float
    candidate: Cutoff
    live: Cutoff | None


def learned(both: Sides, need: Need) -> Learned | None:
    """Thresholds of both models for the stated need, from these rows; None where there is none, or no score."""
    rows = both.candidate
    if need.threshold is None or not isinstance(rows, BinaryRows) or rows.score is None or both.few:
        return None
    live = both.live if isinstance(both.live, BinaryRows) else None
    theirs = None if live is None else _cutoff(live, need.threshold, need.confidence)
    return Learned(need.threshold, need.confidence, _cutoff(rows, need.threshold, need.confidence), theirs)


def decided(both: Sides, by: Learned) -> Sides:
    """The same with decisions by learned thresholds, where they could be learned, so that they can be judged fairly.

    A threshold that holds a recall or a false positive rate stands for all rows, and its uncertainty is counted (see
    `influence_binary.decision`). One for precision or cost is chosen among many, which flatters the rows that chose:
    there each half of the rows is decided by a threshold learned from the other half.
    """
    half = (np.arange(len(both)) if both.cluster is None else both.cluster) % 2 == 1
    candidate = _at(_binary(both), by.need, by.candidate, half, by.confidence)
    if by.live is None:
        return replace(both, candidate=candidate)
    assert isinstance(both.live, BinaryRows)
    return replace(both, candidate=candidate, live=_at(both.live, by.need, by.live, half, by.confidence))


def thresholds(found: Found, by: Learned) -> dict[str, Any]:
    """What is told of the learned threshold: its score, what holds there, and the decisions it makes."""
    decisions = {name: told(found.law(decision(name, _binary(found.both))), found.confidence, name) for name in SHOWN}
    return {
        "need": by.need.model_dump(exclude_none=True),
        "score": by.candidate.score,
        "bound": json_number(by.candidate.bound),
        "confidence": found.confidence,
        "rows": len(found.both),
        "decisions": {} if by.candidate.score is None else decisions,
        "live_score": None if by.live is None else by.live.score,
    }


def threshold(found: Found, need: Need, by: Learned | None) -> Question:
    """Whether a threshold meets the stated need."""
    assert need.threshold is not None
    wanted = _words(need.threshold)
    if by is None:
        reason = found.few or "the models give no probabilities, of which a threshold could be learned"
        return Question("threshold", (Claim(1.0, 1.0, {}, reason),), lambda own: f"{wanted}: {reason}.")
    facts = thresholds(found, by)
    claim = _claim(found, need, by, facts)
    cost = by.need.cost is not None

    def words(own: Sequence[tuple[Claim, Outcome]]) -> str:
        bound = number(by.candidate.bound) if cost else percent(by.candidate.bound)
        if claim.few:
            return f"{wanted}: {claim.few}. The best that can be had with confidence is {bound}."
        if own[0][1] is Outcome.PASS:
            found_share = ", ".join(f"{name} {number(facts['decisions'][name]['value'])}" for name in SHOWN[:3])
            side = "below" if cost or by.need.false_positive_rate is not None else "at least"
            return f"{wanted}: met from a score of {number(by.candidate.score)} on, {side} {bound}; {found_share}."
        useless = by.candidate.score is not None and not cost
        alike = "only by deciding all rows alike" if useless else f"not by any threshold; the best is {bound}"
        if cost:
            alike = f"no threshold is shown to be cheaper than deciding all rows alike; the cost stays below {bound}"
        left = " That may change with more rows." if own[0][1] is Outcome.INCONCLUSIVE else ""
        return f"{wanted}: {alike}.{left}"

    remedy = "Improve the candidate's scores, or state a need that can be met."
    return Question("threshold", (claim,), words, remedy)


def _claim(found: Found, need: Need, by: Learned, facts: Mapping[str, Any]) -> Claim:
    rows, cutoff, few = _binary(found.both), by.candidate, found.few
    if by.need.cost is not None:
        law, worth = _saved(found, by.need, need.skill)
        return Claim(law.above(0.0), law.below(worth), facts, few)
    if cutoff.score is None:
        short = "" if by.need.precision is not None else "there are too few rows of the class that it is about"
        return Claim(1.0, cutoff.broken, facts, few or short)
    alike = bool(rows.decided.all() or not rows.decided.any())
    return Claim(float(alike), 0.0 if alike else 1.0, facts, few)


def _saved(found: Found, need: StatedNeed, skill: float) -> tuple[Trial, float]:
    """What a row costs less than where all rows are decided alike, the cheaper way; and how much would be worth it."""
    rows = _binary(found.both)
    assert need.cost is not None
    false, missed = need.cost.false_positive, need.cost.false_negative

    def cost(decision: Bools) -> NDArray[np.float64]:
        return np.where(rows.positive, np.where(decision, 0.0, missed), np.where(decision, false, 0.0))

    neither = [cost(np.full(len(rows.positive), one)) for one in (False, True)]
    alike = min(neither, key=lambda costs: float(costs.mean()))
    saved = alike - cost(rows.decided)
    mean = float(saved.mean())
    return trial(mean, CHOSEN * (saved - mean), found.both.cluster, max(false, missed)), skill * float(alike.mean())


def _cutoff(rows: BinaryRows, need: StatedNeed, confidence: float) -> Cutoff:
    assert rows.score is not None
    score, positive = rows.score, rows.positive
    if need.recall is not None:
        return finds(score[positive], need.recall, confidence, score)
    if need.false_positive_rate is not None:
        return spares(score[~positive], need.false_positive_rate, confidence, score)
    if need.precision is not None:
        return precise(positive, score, need.precision, confidence)
    assert need.cost is not None
    return cheapest(positive, score, need.cost.false_positive, need.cost.false_negative, confidence)


def _at(rows: BinaryRows, need: StatedNeed, cutoff: Cutoff, half: Bools, confidence: float) -> BinaryRows:
    """Decisions by the threshold, or where it was chosen among many, by that of the other half of the rows."""
    assert rows.score is not None
    if cutoff.score is None:
        return rows
    held = next((name for name in ("recall", "false_positive_rate") if getattr(need, name) is not None), "")
    if held:
        return BinaryRows(rows.positive, rows.score, rows.score >= cutoff.score, held)
    costs = None if need.cost is None else (need.cost.false_positive, need.cost.false_negative)
    if half.all() or not half.any():  # all rows are of one entity
        return BinaryRows(rows.positive, rows.score, rows.score >= cutoff.score, costs=costs)
    cuts = [_cutoff(rows.of(half == other), need, confidence).score for other in (True, False)]
    first, second = (cutoff.score if cut is None else cut for cut in cuts)
    return BinaryRows(rows.positive, rows.score, rows.score >= np.where(half, second, first), costs=costs)


def _binary(both: Sides) -> BinaryRows:
    assert isinstance(both.candidate, BinaryRows)
    return both.candidate


def _words(need: StatedNeed) -> str:
    if need.recall is not None:
        return f"To find at least {percent(need.recall)} of the positive rows"
    if need.false_positive_rate is not None:
        return f"To decide at most {percent(need.false_positive_rate)} of the negative rows positive"
    if need.precision is not None:
        return f"To be right in at least {percent(need.precision)} of the rows decided positive"
    assert need.cost is not None
    costs = f"{number(need.cost.false_positive)} and {number(need.cost.false_negative)}"
    return f"To keep the cost of decisions low (a false positive and a false negative cost {costs})"
