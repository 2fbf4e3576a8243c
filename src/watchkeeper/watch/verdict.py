"""From violations and findings to a verdict on a file."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.budget import Finding, Priority, Severity
from watchkeeper.delivery import CATALOGUE, Level, Violation
from watchkeeper.report import Verdict


def finding_of(violation: Violation, rows: int) -> Finding:
    """The finding that tells a violation; its severity is the one fixed for its kind. `rows`: rows of the file."""
    severity = Severity(CATALOGUE[violation.check].severity)
    return Finding(
        kind="violation",
        check=violation.check,
        metric=violation.check,
        columns=violation.columns,
        severity=severity,
        message=violation.message,
        remedy=violation.remedy,
        value=violation.value,
        rows=rows,
        priority=Priority.of(severity),
    )


def verdict(violations: Sequence[Violation], findings: Sequence[Finding], bad: int, *, by_window: bool) -> Verdict:
    """What to do with the file. With `by_window` changes do not touch it: violations alone do. CONTRACT section 3."""
    if any(CATALOGUE[v.check].level is Level.FILE for v in violations):
        return Verdict.REJECT_FILE
    if bad:
        return Verdict.QUARANTINE_ROWS
    counting = [f for f in findings if f.kind == "violation" or not by_window]
    loud = any(f.severity is not Severity.INFO for f in counting)
    return Verdict.ACCEPT_WITH_WARNING if loud else Verdict.ACCEPT
