"""Skill: a candidate beats a naive baseline, even if nothing is live."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from watchkeeper.model import Model, Need, Task
from watchkeeper.release.gate.claim import Claim, Question
from watchkeeper.release.gate.found import Found, gain, json_number, measurable, signed, told
from watchkeeper.release.gate.held import Held
from watchkeeper.release.gate.naive import OF_SCORES, PERFECT, constant, last_value, skill_metric
from watchkeeper.release.gate.popularity import popular
from watchkeeper.release.gate.sides import metric
from watchkeeper.release.outcome import Outcome
from watchkeeper.report.words import number, percent


def skill(
    found: Found, model: Model, held: Held, gated: tuple[str, ...], need: Need, past: pa.Table | None
) -> Question:
    """The candidate beats a constant answer (of rankings, popularity), or the last value where the need says so.

    PASS where it is better with confidence. FAIL where its skill surely is less than `need.skill` of the way from the
    baseline to perfect answers and was not shown to be above 0: there were rows enough to see a skill worth serving.
    """
    both = found.both
    name = skill_metric(both, gated)
    ours, theirs = found.of(name), metric(name, constant(both, name) or popular(model, held, both, past))
    found.metrics[name]["naive"] = json_number(theirs.value)
    last = last_value(held, both) if name not in OF_SCORES or both.probabilities else None
    by = "an order by popularity or chance" if both.task is Task.RANKING else "the best constant answer"
    if last is not None:
        repeated = metric(name, last)
        found.metrics[name]["last_value"] = json_number(repeated.value)
        if need.naive == "last_value":
            theirs, by = repeated, "the last label known before"
    better = gain(name, ours, theirs)
    law = found.law(better)
    ends = told(law, need.confidence)
    whole = abs(PERFECT.get(name, 1.0) - theirs.value)
    few = measurable(name, found, ours.value, theirs.value)
    if not few and not whole > 0:
        few = f"{by} is perfect on these rows"
    if not few and need.naive == "last_value" and last is None:
        few = "rows have no time, so no label is known to come before another"
    facts = {
        "metric": name,
        "value": json_number(ours.value),
        "naive": json_number(theirs.value),
        "gain": ends["value"],
        "gain_low": ends["low"],
        "gain_high": ends["high"],
        "worth": json_number(need.skill * whole),
        "rows": len(both),
    }
    claim = Claim(law.above(0.0), law.below(need.skill * whole), facts, few)

    def words(own: Sequence[tuple[Claim, Outcome]]) -> str:
        is_now = f"{name} is {number(ours.value)}, that of {by} {number(theirs.value)}"
        if few:
            return f"{is_now}; that tells nothing: {few}."
        interval = f"the gain of {signed(ends['value'])} is between {signed(ends['low'])} and {signed(ends['high'])}"
        verdict = {
            Outcome.PASS: "so it has skill",
            Outcome.FAIL: f"so any skill is less than {percent(need.skill)} of the way to perfect answers",
            Outcome.INCONCLUSIVE: "which leaves open whether it has skill",
        }[own[0][1]]
        return f"{is_now}; {interval}, {verdict}."

    return Question("skill", (claim,), words, f"Look for a broken feature or label: {by} does as well.")
