"""Non-inferiority and level: a candidate is hardly worse than the live model, and as good as must be."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.model.need import Margin
from watchkeeper.release.gate.claim import Claim, Question
from watchkeeper.release.gate.found import Found, beside_live, direction, json_number, measurable, signed, turned
from watchkeeper.release.outcome import Outcome
from watchkeeper.report.words import number

Told = Sequence[tuple[Claim, Outcome]]


def no_worse(found: Found, name: str, margin: Margin) -> Question:
    """Paired non-inferiority: on the same rows the candidate is worse than the live model by less than the margin.

    PASS where the gain exceeds -margin with confidence; FAIL where it surely lies below; else more rows may tell.
    """
    ours, theirs = found.of(name), found.of_live(name)
    law, size = beside_live(found, name, margin)
    difference, low, high = turned(law, name, found.confidence)
    beside = {
        "live": json_number(theirs.value),
        "difference": json_number(difference),
        "difference_low": json_number(low),
        "difference_high": json_number(high),
        "margin": json_number(size),
    }
    found.metrics[name] |= beside
    few = measurable(name, found, ours.value, theirs.value)
    facts = {"metric": name, "value": json_number(ours.value), **beside, "rows": len(found.both)}
    same = found.both.same
    claim = Claim(0.0 if same else law.above(-size), law.below(-size), facts, few)

    def words(own: Told) -> str:
        is_now = f"{name} is {number(ours.value)}, the live model's {number(theirs.value)}"
        is_now += f", on {found.both.counted}"
        if few:
            return f"{is_now}; that tells nothing: {few}."
        if same:
            return f"{is_now}; the two answer alike in each of them."
        interval = f"the difference of {signed(difference)} is between {signed(low)} and {signed(high)}"
        verdict = {
            Outcome.PASS: f"no worse than the margin of {number(size)}",
            Outcome.FAIL: f"worse than the margin of {number(size)}",
            Outcome.INCONCLUSIVE: f"which leaves open whether it is worse than the margin of {number(size)}",
        }[own[0][1]]
        return f"{is_now}; {interval}, {verdict}."

    return Question("non_inferiority", (claim,), words, f"Improve the candidate's {name}, or keep the live model.")


def level(found: Found, name: str, needed: float) -> Question:
    """A metric reaches a value that is needed, whatever is live."""
    ours, sign = found.of(name), direction(name)
    law = found.law(ours)
    few = measurable(name, found, ours.value)
    met, broken = (law.above(needed), law.below(needed)) if sign > 0 else (law.below(needed), law.above(needed))
    told = {key: found.metrics[name][key] for key in ("value", "low", "high", "rows")}
    claim = Claim(met, broken, {"metric": name, **told, "level": needed}, few)

    def words(own: Told) -> str:
        is_needed = f"{'at least' if sign > 0 else 'at most'} {number(needed)} is needed"
        if few:
            return f"{name} is {number(ours.value)}, and {is_needed}; that tells nothing: {few}."
        verdict = {
            Outcome.PASS: "",
            Outcome.FAIL: ", and it misses that",
            Outcome.INCONCLUSIVE: ", which is left open",
        }[own[0][1]]
        ends = f"{number(told['low'])} and {number(told['high'])}"
        return f"{name} is {number(ours.value)}, between {ends}; {is_needed}{verdict}."

    return Question("level", (claim,), words, f"Improve the candidate's {name} before it is served.")
