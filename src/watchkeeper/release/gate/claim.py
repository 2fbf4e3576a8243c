"""Claims that a candidate must meet, and the one place where the evidence on all of them is turned into outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from watchkeeper.release.outcome import Checked, Outcome


@dataclass(frozen=True)
class Claim:
    """Something that must hold of a candidate."""

    met: float
    """The p-value of "it does not hold": small where rows show that it does."""
    broken: float
    """The p-value of "it holds": small where rows show that it does not."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Its figures, as JSON holds them."""
    few: str = ""
    """Why the rows are too few to tell anything; then nothing is decided."""


@dataclass(frozen=True)
class Question:
    """One check: claims that must all hold, and how to speak of them."""

    name: str
    claims: tuple[Claim, ...]
    words: Callable[[Sequence[tuple[Claim, Outcome]]], str]
    """What was found, given each claim and its outcome."""
    remedy: str = ""
    """What to do where a claim is broken."""
    facts: Mapping[str, Any] = field(default_factory=dict)


MORE = "Give the gate more labelled rows, or state a wider margin if that much loss is harmless."


def answered(questions: Sequence[Question], confidence: float) -> list[Checked]:
    """The outcome of each check.

    A claim is met where p <= 1 - confidence. All must be met for a PASS of the whole, so a candidate that breaks any of
    them passes with at most this probability, however many there are (intersection-union test, Berger 1982). A claim is
    broken where its p-value stays below Holm's bound (1979) over all claims of all checks: a candidate that meets every
    one FAILs in any with at most this probability. What is neither is INCONCLUSIVE, as is what has too few rows.
    """
    claims = [claim for question in questions for claim in question.claims]
    alpha = 1 - confidence
    broken = holm([1.0 if claim.few else claim.broken for claim in claims], alpha)
    outcomes = iter([_outcome(claim, alpha, fails) for claim, fails in zip(claims, broken, strict=True)])
    checked = []
    for question in questions:
        own = [(claim, next(outcomes)) for claim in question.claims]
        checked.append(_checked(question, own))
    return checked


def holm(p: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses are rejected so that none that is true is, but with probability alpha: Holm (1979)."""
    order = np.argsort(p, kind="stable")
    bounds = alpha / np.arange(len(order), 0, -1)
    rejected = np.zeros(len(order), dtype=bool)
    rejected[order] = np.logical_and.accumulate(np.asarray(p, dtype=np.float64)[order] <= bounds)
    return rejected.tolist()


def _outcome(claim: Claim, alpha: float, fails: bool) -> Outcome:
    if claim.few:
        return Outcome.INCONCLUSIVE
    if claim.met <= alpha:
        return Outcome.PASS
    return Outcome.FAIL if fails else Outcome.INCONCLUSIVE


def _checked(question: Question, own: Sequence[tuple[Claim, Outcome]]) -> Checked:
    found = {outcome for _, outcome in own}
    worst = next((one for one in (Outcome.FAIL, Outcome.INCONCLUSIVE) if one in found), Outcome.PASS)
    remedy = {Outcome.FAIL: question.remedy, Outcome.INCONCLUSIVE: MORE, Outcome.PASS: ""}[worst]
    facts = dict(question.facts)
    if len(own) == 1:
        facts |= own[0][0].facts
    else:
        facts["claims"] = [{**claim.facts, "outcome": outcome.value} for claim, outcome in own]
    return Checked(question.name, worst if own else Outcome.INCONCLUSIVE, question.words(own), remedy, facts)
