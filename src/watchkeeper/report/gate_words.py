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
    """The verdict in a sentence; what speaks against the version comes first."""
    bad = [one for one in verdict["checks"] if one["outcome"] == verdict["outcome"]]
    version, total = verdict["version"], len(verdict["checks"])
    match verdict["outcome"]:
        case "PASS" if verdict["of"] is not None:
            return f"{version} answers like {verdict['of']['version']}, which passed; it may go live."
        case "PASS":
            return f"{version} may go live: all {total} checks pass."
        case "FAIL":
            return f"{version} must not go live: {len(bad)} of {words.plural(total, 'check')} failed."
    return f"Nothing speaks surely against {version}, but {len(bad)} of {words.plural(total, 'check')} can't tell yet."


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
