"""A measurement that the budget let through, or a violation: what a person gets to read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How loud a finding is."""

    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"


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
