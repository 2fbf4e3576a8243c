"""What terminal and page say alike of a verdict of the gate, which is given as its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from watchkeeper.report import words

Verdict = Mapping[str, Any]

LEVELS = {"PASS": "fine", "FAIL": "alarm", "INCONCLUSIVE": "warning"}
"""The sign and colour of an outcome."""
QUALITY = frozenset(
    {"non_inferiority", "skill", "level", "segments", "group_gap", "calibration", "threshold", "answers", "quality"}
)
"""Checks of quality; the others look at the data, and at how the model runs."""


def headline(verdict: Verdict) -> str:
    """The verdict in a sentence that says what was shown, and by how many checks."""
    version, many = verdict["version"], words.plural(len(verdict["checks"]), "check")
    found = [one["name"] for one in verdict["checks"] if one["outcome"] == verdict["outcome"]]
    named = words.join(list(dict.fromkeys(found)), 3)
    match verdict["outcome"]:
        case "PASS" if verdict["of"] is not None:
            return f"{version} answers like {verdict['of']['version']}, which passed; it may go live."
        case "PASS":
            return f"{version} may go live: {_shown(verdict)}, and all {many} pass."
        case "FAIL":
            return f"{version} must not go live: it failed {len(found)} of {many} ({named})."
    undecided = f"{len(found)} of {many} can't be decided by these rows"
    return f"{version} was not shown to be fit to go live: {undecided} ({named}), and none failed."


def _shown(verdict: Verdict) -> str:
    """What a PASS has shown of quality."""
    margins = {name: one["margin"] for name, one in verdict["metrics"].items() if one.get("margin") is not None}
    if verdict["live"] is None or not margins:
        return "it was shown to do better than a naive baseline"
    told = words.join([f"{words.inert(name, 30)} {words.number(margin)}" for name, margin in margins.items()], 3)
    return f"it was shown to be no worse than the live {verdict['live']} by more than the margin ({told})"


def against(verdict: Verdict) -> str:
    """Whom the version was held against."""
    who = f"the live {verdict['live']}" if verdict["live"] is not None else "a naive baseline (no version is live)"
    return f"{verdict['version']} of {verdict['model']} against {who}"


def held_out(verdict: Verdict) -> str:
    """The held-out rows: which, how many, of when."""
    rows = verdict["holdout"]
    left = [f"{rows[name]:,} {what}" for name, what in _LEFT_OUT.items() if rows[name]]
    text = f"{rows['name']}, {words.plural(rows['used'], 'row')}"
    text += f" ({words.join(left)} left out)" if left else ""
    return f"{text}, {span(rows)}" if rows["from"] else text


def span(rows: Mapping[str, Any]) -> str:
    """From when to when, in days."""
    first, last = (_day(rows[end]) for end in ("from", "to"))
    return first if first == last else f"{first} to {last}"


def judged(verdict: Verdict) -> dict[str, Any]:
    """The metrics that the version was judged by: beside the live one, or a naive baseline."""
    return {name: one for name, one in verdict["metrics"].items() if {"live", "naive"} & one.keys()}


def measured(verdict: Verdict) -> str:
    """The other metrics, which were only measured."""
    rest = {name: one for name, one in verdict["metrics"].items() if name not in judged(verdict)}
    told = [f"`{words.inert(name, 30)}` {words.number(one['value'])} ({interval(one)})" for name, one in rest.items()]
    return f"Also measured: {words.join(told)}." if told else ""


def interval(one: Mapping[str, Any]) -> str:
    """The interval of a metric."""
    return between(one.get("low"), one.get("high"))


def between(low: float | None, high: float | None, *, with_sign: bool = False) -> str:
    """Two ends of an interval."""
    if low is None or high is None:
        return words.MISSING
    form = signed if with_sign else words.number
    return f"{form(low)} to {form(high)}"


def signed(value: float | None) -> str:
    """A number with its sign."""
    return f"+{words.number(value)}" if value is not None and value > 0 else words.number(value)


_LEFT_OUT = {"unlabelled": "without a label", "bad": "bad", "left_over": "not needed"}


def _day(moment: str) -> str:
    at = datetime.fromisoformat(moment)
    return f"{at.day} {at:%B} {at.year}"
