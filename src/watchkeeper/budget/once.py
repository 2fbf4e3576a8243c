"""Once: a fault of all rows is not told again for a segment or a version that is nearly all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchkeeper.budget.finding import Finding, Severity
from watchkeeper.checks import JOINT

NEARLY_ALL = 0.95
"""A part of a window with so large a share of the rows behind a value is no part: it says what the whole says."""

_LOUDNESS = list(Severity).index
Key = tuple[str, str, tuple[str, ...], str | None]


def is_again(finding: Finding, wholes: Mapping[Key, Finding]) -> bool:
    """Whether a finding about a segment or a version says no more than one about all rows, and no louder.

    `wholes`: those about all rows, by `key`. What a part says that the whole does not is kept, however large the part.
    """
    if finding.segment is None and finding.version is None:
        return False
    whole = wholes.get(key(finding))
    if whole is None or _LOUDNESS(whole.severity) < _LOUDNESS(finding.severity):
        return False
    return (finding.rows or 0) >= NEARLY_ALL * (whole.rows or 0)


def wholes(findings: Iterable[Finding]) -> dict[Key, Finding]:
    """The findings about all rows, by what they are about."""
    return {key(finding): finding for finding in findings if finding.segment is None and finding.version is None}


def key(finding: Finding) -> Key:
    """What a finding is about, in which window, whoever's rows it is about."""
    columns = () if finding.metric in JOINT else finding.columns
    return finding.check, finding.metric, columns, finding.window
