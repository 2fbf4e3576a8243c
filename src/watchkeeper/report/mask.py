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
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|“[^”]*”|‘[^’]*’""")


def hidden(model: Model, columns: Iterable[str]) -> list[str]:
    """Those of `columns` that are marked `pii: true`."""
    return [column for column in columns if column in model.columns and model.columns[column].pii]


def message(finding: Finding, model: Model, limit: int = 600) -> str:
    """The finding's sentence; of a personal column one that holds none of its values."""
    personal = hidden(model, finding.columns)
    if not personal or _tells_no_value(finding):
        return words.inert(finding.message, limit)
    if finding.kind == "change":
        what = f"{in_words(finding.metric).changed} in {_names(finding.columns)}"
    else:
        what = f"{_names(finding.columns)} fails the check `{words.inert(finding.check)}`"
    return f"{what}. The values are personal and not shown."


def remedy(finding: Finding, model: Model, limit: int = 400) -> str:
    """What to do; of a personal column without anything quoted."""
    text = words.inert(finding.remedy, limit)
    if not hidden(model, finding.columns) or _tells_no_value(finding):
        return text
    return _QUOTED.sub("…", text)


def reason(bad: BadRow, model: Model, limit: int = 200) -> str:
    """Why a row was set aside, without the values of personal columns."""
    personal = hidden(model, bad.columns)
    if not personal:
        return words.inert(bad.reason, limit)
    return f"{_names(personal)} breaks a rule; the value is personal and not shown"


def _tells_no_value(finding: Finding) -> bool:
    return finding.kind == "change" and (finding.metric in WITHOUT_VALUES or finding.check == "quality")


def _names(columns: Iterable[str]) -> str:
    return words.join([words.name(column) for column in columns], most=3)
