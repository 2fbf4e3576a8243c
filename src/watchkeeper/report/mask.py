"""Personal columns: what may be told of a column whose values must not be shown to people."""

from __future__ import annotations

import re
from collections.abc import Iterable

from watchkeeper.budget import Finding
from watchkeeper.delivery import BadRow
from watchkeeper.model import Model
from watchkeeper.report import words
from watchkeeper.report.metric import WITHOUT_VALUES, in_words

MASKED = "masked"
# Values stand in quotation marks; an apostrophe within a word is none.
_QUOTED = re.compile(r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|“[^”]*”|‘[^’]*’""")


def hidden(model: Model, columns: Iterable[str]) -> list[str]:
    """Those of `columns` that are marked `pii: true`."""
    return [column for column in columns if column in model.columns and model.columns[column].pii]


def message(finding: Finding, model: Model, limit: int = 600) -> str:
    """The finding's sentence; of a personal column one that holds none of its values."""
    if not hidden(model, finding.columns) or _tells_no_value(finding):
        return words.inert(finding.message, limit)
    if finding.kind == "violation":
        return words.inert(_unquoted(finding.message), limit)
    named = words.join([words.name(column) for column in finding.columns], most=3)
    return f"{in_words(finding.metric).changed} in {named}. The values are personal and not shown."


def remedy(finding: Finding, model: Model, limit: int = 400) -> str:
    """What to do; of a personal column without anything quoted."""
    personal = hidden(model, finding.columns) and not _tells_no_value(finding)
    return words.inert(_unquoted(finding.remedy) if personal else finding.remedy, limit)


def reason(bad: BadRow, model: Model, limit: int = 200) -> str:
    """Why a row was set aside; where a personal column is at fault, without anything quoted."""
    return words.inert(_unquoted(bad.reason) if hidden(model, bad.columns) else bad.reason, limit)


def _tells_no_value(finding: Finding) -> bool:
    return finding.kind == "change" and (finding.metric in WITHOUT_VALUES or finding.check == "quality")


def _unquoted(text: str) -> str:
    return _QUOTED.sub(f"({MASKED})", text)
