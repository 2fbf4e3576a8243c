"""Outcome: what a check of the gate says of a candidate, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """PASS lets a candidate go live; INCONCLUSIVE does not, and more rows may tell."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True)
class Checked:
    """One check of a candidate."""

    name: str
    """Such as `non_inferiority` or `time_leak`."""
    outcome: Outcome
    sentence: str
    """What was found, with its figures and their units."""
    remedy: str = ""
    """What to do where it did not pass."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a program may read, as JSON holds it: metric, segment, value, low, high, margin, rows, …"""


def together(checks: Sequence[Checked]) -> Outcome:
    """FAIL where any failed or there is none; else INCONCLUSIVE where any is; else PASS."""
    outcomes = {check.outcome for check in checks}
    if not outcomes or Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return Outcome.INCONCLUSIVE if Outcome.INCONCLUSIVE in outcomes else Outcome.PASS
