"""From what was found to sentences: a violation each, with numbers, examples and what to do."""

from __future__ import annotations

import re

from watchkeeper.delivery.catalogue import CATALOGUE
from watchkeeper.delivery.ledger import Entry
from watchkeeper.delivery.time_text import likely_format
from watchkeeper.delivery.violation import Level, Violation
from watchkeeper.delivery.wording import listed, value
from watchkeeper.model.declaration import Model, Type

_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,.' ]\d{3})+([.,]\d+)?")
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_NO_VALUE = frozenset(
    ("null", "none", "n/a", "na", "nan", "nil", "-", "--", "?", ".", "missing", "unknown", "#n/a", "undefined")
)
_SHOWN = 3

REMEDIES = {
    "invalid_bytes": "Ask the sender to write all rows in one encoding; some seem to come from another source.",
    "nul_byte": "Ask the sender what writes NUL bytes: often a broken disk block, or text in UTF-16.",
    "ragged_row": "Ask the sender to put cells that hold the delimiter or line breaks in quotes.",
    "broken_quote": 'Ask the sender to escape quotes inside a quoted cell as "".',
    "broken_json": "Ask the sender to write each line with a JSON library, and whole lines only.",
    "cell_limit": "Ask the sender what the large cell is; raise `cell_limit` in the model if it is right.",
    "constraint": "Ask the sender whether the value can be right; if so, correct the model's line for this column.",
    "null_key": "Ask the sender for the key of these rows: without it they can't be told apart.",
    "duplicate_key": "Ask the sender which of the rows is right, and whether a job ran twice.",
    "outside_period": "Ask the sender whether rows of another period slipped in, or day and month are exchanged.",
    "active_content": "Reports show it as plain text. Guard what opens the file next: spreadsheet, browser, database.",
    "implausible_time": "Ask the sender whether the clock or the format is wrong. A period sets such rows aside.",
    "other_encoding": "Write `encoding: cp1252` under `text` in the model: it is latin-1 but for these signs.",
    "type_change": "Ask the sender why the type changed; the values were read as whole numbers.",
    "type_exchange": "Nothing to do: the values were read as whole numbers.",
}


def violation(entry: Entry, name: str, rows: int, model: Model) -> Violation:
    """What was wrong with some of `rows` rows of the file called `name`."""
    found = entry.rows.size
    examples = [
        f"row {row:,}" + (f" ({value(entry.values[i])})" if i < len(entry.values) and entry.values[i] else "")
        for i, row in enumerate(entry.first_rows[:_SHOWN])
    ]
    more = "such as " if found > len(examples) else ""
    message = f"{name}: {entry.rule} in {found:,} of {rows:,} rows, {more}{listed(examples)}."
    hint = _hint(entry, model)
    remedy = entry.remedy or REMEDIES.get(entry.check, "Ask the sender to correct these rows.")
    return Violation(
        entry.check, message, f"{hint} {remedy}".strip(), entry.columns, found / rows if rows else None, found
    )


def _hint(entry: Entry, model: Model) -> str:
    """What the bad cells look like."""
    if entry.check == "date_format":
        declared = model.columns[entry.columns[0]].format or "iso8601"
        if entry.values and (likely := likely_format(entry.values, declared)):
            other, fitting = likely
            swapped = declared.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")
            words = f"{other}, so day and month are exchanged" if other == swapped else other
            return f"{'All' if fitting == len(entry.values) else 'Most'} of them fit {words}."
    if entry.check == "parse" and entry.values and model.columns[entry.columns[0]].type in (Type.INTEGER, Type.NUMBER):
        texts = [text.strip() for text in entry.values]
        for fits, words in (
            (
                lambda text: text.lower() in _NO_VALUE,
                "They stand for a missing value; list them under `missing` if that is agreed.",
            ),
            (_THOUSANDS.fullmatch, "They are written with thousands separators."),
            (
                _DECIMAL_COMMA.fullmatch,
                'They have a decimal comma; write `decimal: ","` in the model if that is agreed.',
            ),
            (
                _DECIMAL_POINT.fullmatch if model.columns[entry.columns[0]].decimal == "," else lambda _: None,
                'They have a decimal point; write `decimal: "."` in the model if that is agreed.',
            ),
        ):
            if sum(bool(fits(text)) for text in texts) * 2 > len(texts):
                return words
    return ""


def loudest_first(violations: list[Violation]) -> list[Violation]:
    """File-level violations first, then rows, then notes."""
    return sorted(violations, key=lambda v: list(Level).index(CATALOGUE[v.check].level))
