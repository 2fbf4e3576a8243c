"""A measurement that the budget let through, or a violation: what a person gets to read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Severity(StrEnum):
    """How loud a finding is."""

    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"


class Priority(StrEnum):
    """Where a finding goes."""

    PAGE = "page"
    """To a person at once."""
    DIGEST = "digest"
    """Into the next summary."""

    @staticmethod
    def of(severity: Severity) -> Priority | None:
        """Where findings of a severity go as long as nothing is known of what comes of them; infos go nowhere."""
        return {Severity.ALARM: Priority.PAGE, Severity.WARNING: Priority.DIGEST}.get(severity)


@dataclass(frozen=True)
class Change:
    """When a value changed, and how: what it did before and since says so, see `stats.change`."""

    kind: Literal["jump", "drift"]
    """At once, or little by little."""
    since: str
    """The start of the first changed window, ISO 8601 in UTC; the window's name where it is not a span of time."""
    between: tuple[str, str]
    """The change came after the first and before the second instant, with 95 % probability."""


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know about one window. Field names are those of `check --json`."""

    kind: str
    """`violation` (certain) or `change` (measured and judged)."""
    check: str
    metric: str
    columns: tuple[str, ...]
    severity: Severity
    message: str
    remedy: str
    value: float | None = None
    expected: tuple[float | None, float | None] | None = None
    effect: float | None = None
    evidence: float | None = None
    rows: int | None = None
    window: str | None = None
    """`start/end`, ISO 8601 in UTC."""
    segment: str | None = None
    version: str | None = None
    change: Change | None = None
    """When it began; None where there is nothing before it in time."""
    priority: Priority | None = None
    """Where it goes, by what may come of it; None for an info."""
