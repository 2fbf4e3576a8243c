"""Personal columns: what may be told of a column whose values must not be shown to people."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from watchkeeper.budget import Finding, Severity
from watchkeeper.delivery import BadRow
from watchkeeper.model import Model
from watchkeeper.report import words
from watchkeeper.report.metric import WITHOUT_VALUES, in_words
from watchkeeper.report.result import Result

MASKED = "masked"
# The hyphen that a sentence has for a minus; charts and tables have the sign.
_MINUS = re.compile(r"(?<=[ (])-(?=\d)")
# Values stand in quotation marks; an apostrophe within a word is none.
_QUOTED = re.compile(r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|“[^”]*”|‘[^’]*’""")


def hidden(model: Model, columns: Iterable[str]) -> list[str]:
    """Those of `columns` that are marked `pii: true`."""
    return [column for column in columns if column in model.columns and model.columns[column].pii]


def segments(result: Result) -> dict[str, str]:
    """What people read of each segment: `column=value`, or of a personal column a number in place of the value.

    Numbers follow the values' digests, so they tell nothing of the value and stay as long as the values do.
    """
    # Most measurements share one tuple of slices.
    slices = {id(measured.slices): measured.slices for measured in result.measurements}
    known = {at.segment for shared in slices.values() for at in shared}
    return shown_segments(result.model, known | {finding.segment for finding in result.findings})


def shown_segments(model: Model, known: Iterable[str | None]) -> dict[str, str]:
    """The same of all segments that are `known`."""
    listed = [segment for segment in known if segment is not None]
    masked = {segment: words.inert(shown) for segment, shown in masked_segments(model, listed).items()}
    return {segment: words.inert(segment) for segment in listed} | masked


def masked_segments(model: Model, known: Iterable[str | None]) -> dict[str, str]:
    """What stands for those of the `known` segments that name a value of a personal column; not inert."""
    segments = {segment for segment in known if segment is not None}
    masked: dict[str, str] = {}
    for column in hidden(model, model.columns):
        mine = [segment for segment in segments if segment.startswith(f"{column}=")]
        mine.sort(key=lambda segment: hashlib.sha256(segment.encode("utf-8", "surrogatepass")).digest())
        masked |= {segment: f"{column}=({MASKED} {i + 1})" for i, segment in enumerate(mine)}
    return masked


def message(finding: Finding, model: Model, limit: int = 600) -> str:
    """The finding's sentence, inert; of a personal column one that holds none of its values."""
    told = words.inert(sentence(finding, model), limit)
    return _MINUS.sub("−", told) if finding.kind == "change" else told


def sentence(finding: Finding, model: Model) -> str:
    """The same as the check wrote it, for machines: not inert."""
    if not hidden(model, finding.columns) or _tells_no_value(finding):
        return finding.message
    if finding.kind == "violation":
        return _unquoted(finding.message)
    named = words.join([words.name(column) for column in finding.columns], most=3)
    return f"{in_words(finding.metric).changed} in {named}. The values are personal and not shown."


def remedy(finding: Finding, model: Model, limit: int = 400) -> str:
    """What to do, inert; of a personal column without anything quoted."""
    return words.inert(advice(finding, model), limit)


def advice(finding: Finding, model: Model) -> str:
    """The same for machines: not inert."""
    personal = hidden(model, finding.columns) and not _tells_no_value(finding)
    return _unquoted(finding.remedy) if personal else finding.remedy


def entry(kept: Mapping[str, Any], model: Model, segments: Mapping[str, str]) -> dict[str, Any]:
    """A finding as JSON keeps it, without any value of a column that is personal by now; not inert.

    `segments`: what stands for those that name such a value.
    """
    finding = Finding(
        kind=kept["kind"],
        check=kept["check"],
        metric=kept["metric"],
        columns=tuple(kept["columns"]),
        severity=Severity(kept["severity"]),
        message=kept["message"],
        remedy=kept["remedy"],
    )
    told = {**kept, "message": sentence(finding, model), "remedy": advice(finding, model)}
    if kept.get("segment") is not None:
        told["segment"] = segments.get(kept["segment"], kept["segment"])
    if hidden(model, finding.columns) and not _tells_no_value(finding):
        told |= {"value": None, "expected": None, "effect": None}
    return told


def reason(bad: BadRow, model: Model, limit: int = 200) -> str:
    """Why a row was set aside, inert; where a personal column is at fault, without anything quoted."""
    return words.inert(fault(bad, model), limit)


def fault(bad: BadRow, model: Model) -> str:
    """The same for machines: not inert."""
    return _unquoted(bad.reason) if hidden(model, bad.columns) else bad.reason


def _tells_no_value(finding: Finding) -> bool:
    return finding.kind == "change" and (finding.metric in WITHOUT_VALUES or finding.check == "quality")


def _unquoted(text: str) -> str:
    return _QUOTED.sub(f"({MASKED})", text)
