"""The statistical part of the gate: what held-out rows say of a candidate beside the live model. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from watchkeeper.model import Model, Need
from watchkeeper.model.need import BETTER, Margin
from watchkeeper.release.claim import Claim, Question, answered
from watchkeeper.release.held import Evaluation, Held
from watchkeeper.release.naive import PERFECT, constant, skill_metric
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.release.sides import Rows, Sides, metric, sides
from watchkeeper.report.words import number, percent, plural
from watchkeeper.runtime import Answers
from watchkeeper.stats.influence import Estimate
from watchkeeper.stats.trial import Trial, trial

Told = Sequence[tuple[Claim, Outcome]]


def evaluate(
    model: Model, held: Held, candidate: Answers, live: Answers | None, need: Need, train: pa.Table | None = None
) -> Evaluation:
    """Everything that the rows say: each metric beside the live model's and a naive baseline's, and the checks.

    Raises `CannotEvaluate` where labels or answers do not fit the model's declaration.
    """
    both = sides(model, held, candidate, live)
    margins = need.margins(model.task, both.scored)
    few = _few(both, need)
    found = _Found(both, few, need.confidence)
    questions = [
        *(no_worse(found, name, margin) for name, margin in margins.items() if both.live is not None),
        skill(found, model, tuple(margins), need, train),
        *(level(found, name, least) for name, least in need.level.items()),
    ]
    checks = [*_answers(both), *answered(questions, need.confidence)]
    return Evaluation(tuple(checks), found.metrics, {})


class _Found:
    """Metrics as they are measured, each once."""

    def __init__(self, both: Sides, few: str, confidence: float) -> None:
        self.both, self.few, self.confidence = both, few, confidence
        self.metrics: dict[str, dict[str, Any]] = {}
        self._kept: dict[tuple[str, str], Estimate] = {}

    def of(self, name: str, whose: str = "candidate") -> Estimate:
        """A metric of the candidate or the live model."""
        if (name, whose) not in self._kept:
            rows: Rows | None = self.both.candidate if whose == "candidate" else self.both.live
            assert rows is not None
            self._kept[name, whose] = metric(name, rows)
            if whose == "candidate":
                self._tell(name, self._kept[name, whose])
        return self._kept[name, whose]

    def _tell(self, name: str, estimate: Estimate) -> None:
        found = trial(estimate.value, estimate.influence, self.both.cluster, estimate.most)
        self.metrics[name] = told(found, self.confidence) | {"rows": len(self.both)}


def told(found: Trial, confidence: float) -> dict[str, float | None]:
    """A value with its interval, as JSON holds it: each end holds with the confidence by itself."""
    return {
        "value": json_number(found.value),
        "low": json_number(found.low(confidence)),
        "high": json_number(found.high(confidence)),
    }


def json_number(value: float) -> float | None:
    """A number, or null for what JSON has no word for."""
    return float(value) if abs(value) < float("inf") else None


def gain(name: str, ours: Estimate, theirs: Estimate, share: float = 0.0) -> Estimate:
    """How much better one metric is than another of the same rows; above 0 is better.

    `share`: of theirs, the loss that is allowed besides, so its own uncertainty counts.
    """
    sign = 1.0 if BETTER[name] == "high" else -1.0
    scale = 1.0 - share * sign * _sign(theirs.value)
    value = sign * (ours.value - theirs.value)
    return Estimate(value, sign * (ours.influence - scale * theirs.influence), max(ours.most, theirs.most))


def no_worse(found: _Found, name: str, margin: Margin) -> Question:
    """Paired non-inferiority: the candidate is worse than the live model by less than the margin.

    PASS where the difference exceeds -margin with confidence; FAIL where it surely lies below; else more rows may tell.
    """
    ours, theirs = found.of(name), found.of(name, "live")
    size = margin.at(theirs.value)
    moved = gain(name, ours, theirs, margin.share or 0.0)
    if found.both.same:
        moved = Estimate(0.0, moved.influence * 0.0)
    law = trial(moved.value, moved.influence, found.both.cluster, moved.most)
    sign = 1.0 if BETTER[name] == "high" else -1.0
    ends = sorted((sign * law.low(found.confidence), sign * law.high(found.confidence)))
    facts = {
        "metric": name,
        "value": json_number(ours.value),
        "live": json_number(theirs.value),
        "difference": json_number(sign * moved.value),
        "low": json_number(ends[0]),
        "high": json_number(ends[1]),
        "margin": json_number(size),
        "rows": len(found.both),
    }
    found.metrics[name] |= {
        "live": facts["live"],
        "difference": facts["difference"],
        "difference_low": facts["low"],
        "difference_high": facts["high"],
        "margin": facts["margin"],
    }
    few = found.few or ("" if abs(moved.value) < float("inf") else f"{name} can't be measured on these rows")
    claim = Claim(law.above(-size), law.below(-size), facts, few)
    same = found.both.same

    def words(own: Told) -> str:
        outcome = own[0][1]
        is_now = f"{name} is {number(ours.value)}, the live model's {number(theirs.value)}"
        is_now += f", on {plural(len(found.both), 'row')}"
        if few:
            return f"{is_now}: too few to tell. {few}."
        if same:
            return f"{is_now}: the two answer alike in each."
        interval = (
            f"the difference of {signed(sign * moved.value)} lies between {signed(ends[0])} and {signed(ends[1])}"
        )
        verdict = {
            Outcome.PASS: f"within the margin of {number(size)}",
            Outcome.FAIL: f"worse by more than the margin of {number(size)}",
            Outcome.INCONCLUSIVE: f"which leaves open whether it is within the margin of {number(size)}",
        }[outcome]
        return f"{is_now}; {interval}, {verdict}."

    return Question("non_inferiority", (claim,), words, f"Improve the candidate's {name}, or keep the live model.")


def skill(found: _Found, model: Model, gated: tuple[str, ...], need: Need, train: pa.Table | None) -> Question:
    """The candidate beats a naive baseline.

    PASS where it is better with confidence. FAIL where its skill surely is smaller than `skill` of the way from the
    baseline to perfect answers, and not shown to be above 0: enough rows were there to see any skill worth serving.
    """
    both = found.both
    name = skill_metric(both, gated)
    ours, theirs = found.of(name), metric(name, constant(model, both, name, train))
    better = gain(name, ours, theirs)
    law = trial(better.value, better.influence, both.cluster, better.most)
    low, high = law.low(need.confidence), law.high(need.confidence)
    whole = abs(PERFECT.get(name, 1.0) - theirs.value)
    found.metrics[name] |= {"naive": json_number(theirs.value)}
    facts = {
        "metric": name,
        "value": json_number(ours.value),
        "naive": json_number(theirs.value),
        "low": json_number(low),
        "high": json_number(high),
        "gain": json_number(better.value),
        "worth": json_number(need.skill * whole),
        "rows": len(both),
    }
    few = found.few or ("" if whole > 0 else f"The naive baseline's {name} can't be measured or beaten on these rows")
    claim = Claim(law.above(0.0), law.below(need.skill * whole), facts, few)

    def words(own: Told) -> str:
        is_now = f"{name} is {number(ours.value)}, that of a constant answer {number(theirs.value)}"
        if few:
            return f"{is_now}: too few rows to tell. {few}."
        interval = f"the gain of {signed(better.value)} lies between {signed(low)} and {signed(high)}"
        verdict = {
            Outcome.PASS: "so it has skill",
            Outcome.FAIL: f"so it has no skill worth serving ({percent(need.skill)} of the way to perfect answers)",
            Outcome.INCONCLUSIVE: "which leaves open whether it has skill",
        }[own[0][1]]
        return f"{is_now}; {interval}, {verdict}."

    return Question("skill", (claim,), words, "Look for a broken feature or label: a constant answers as well.")


def level(found: _Found, name: str, least: float) -> Question:
    """A metric reaches a value that is needed whatever is live."""
    ours = found.of(name)
    sign = 1.0 if BETTER[name] == "high" else -1.0
    law = trial(sign * ours.value, sign * ours.influence, found.both.cluster, ours.most)
    facts = {
        "metric": name,
        **{key: found.metrics[name][key] for key in ("value", "low", "high", "rows")},
        "level": least,
    }
    few = found.few or ("" if abs(ours.value) < float("inf") else f"{name} can't be measured on these rows")
    claim = Claim(law.above(sign * least), law.below(sign * least), facts, few)
    word = "at least" if sign > 0 else "at most"

    def words(own: Told) -> str:
        needed = f"{word} {number(least)} is needed"
        is_now = f"{name} is {number(facts['value'])}"
        if few:
            return f"{is_now}, and {needed}: too few rows to tell. {few}."
        verdict = {
            Outcome.PASS: "",
            Outcome.FAIL: ", and that is missed",
            Outcome.INCONCLUSIVE: ", and that is left open",
        }[own[0][1]]
        return f"{is_now}, between {number(facts['low'])} and {number(facts['high'])}; {needed}{verdict}."

    return Question("level", (claim,), words, f"Improve the candidate's {name} before it is served.")


def signed(value: float | None) -> str:
    """A number with its sign."""
    return f"+{number(value)}" if value is not None and value > 0 else number(value)


def _few(both: Sides, need: Need) -> str:
    if len(both) < need.min_rows:
        return f"There are {plural(len(both), 'labelled row')}, and {need.min_rows:,} are needed"
    return both.few


def _answers(both: Sides) -> Iterator[Checked]:
    """Whether the candidate answers: a model that leaves the hard rows out must not look better for it."""
    facts = {"rows": len(both), "unanswered": both.unanswered, "unlabelled": both.unlabelled, "unpaired": both.unpaired}
    said = f"It answers {plural(len(both), 'labelled row')}"
    if both.unpaired:
        said += f", and {both.unpaired:,} more that the live model did not, which are left out"
    if both.unanswered:
        all_rows = both.unanswered + both.unpaired + len(both)
        words = f"It gives no valid answer to {both.unanswered:,} of {all_rows:,} labelled rows."
        remedy = "Make it answer every row: a finite value, or probabilities between 0 and 1."
        yield Checked("answers", Outcome.FAIL, words, remedy, facts)
    else:
        yield Checked("answers", Outcome.PASS if len(both) else Outcome.INCONCLUSIVE, f"{said}.", "", facts)


def _sign(value: float) -> float:
    return 1.0 if value >= 0 else -1.0
