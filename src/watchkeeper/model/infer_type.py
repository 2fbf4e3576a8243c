"""Infers a column's type from its texts: every cell must parse, or nearly every one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.model import column_name
from watchkeeper.model.cells import Bools, Cells, Reading
from watchkeeper.model.constraint import Type
from watchkeeper.model.note import Note
from watchkeeper.model.time_format import has_time_of_day
from watchkeeper.model.time_guess import TimeGuess, epoch_of, guess_format
from watchkeeper.model.time_read import read_times

PLACEHOLDERS = frozenset(
    [
        "null",
        "(null)",
        "n/a",
        "#n/a",
        "na",
        "#na",
        "<na>",
        "none",
        "nan",
        "nat",
        "nil",
        "-",
        "--",
        "?",
        ".",
        "\\n",
        "missing",
    ]
)
"""Texts, in lower case, that stand for "no value" in a column otherwise of numbers, times or booleans."""
BOOLEANS = (("true", "false"), ("t", "f"), ("yes", "no"))
TIMES_OF_DAY = "times of day are kept as text"
BAD_SHARE = 0.01
"""The share of cells that may be no value of a type while the column is still taken to be of it."""

WHOLE = r"^[+-]?\d{1,18}$"
_POINT = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_COMMA = r"^[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d{1,3})?$"
_ENDLESS = r"^[+-]?(?i:inf|infinity)$"
_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(,\d{3})+$"
_PADDED = r"^[+-]?0\d+$"
_LONG = r"^\+?\d{16,}$"
_CLOCK = r"^([01]?\d|2[0-3])[:.][0-5]\d([:.][0-5]\d)?( ?[AaPp][Mm])?$"
_DIALLED = r"^\+\d{8,15}$"


def read_texts(cells: Cells, *, lexical: bool, event_time: bool = False) -> Reading:
    """Read a column of texts as the type that its cells have.

    `lexical` is false where text is the physical type: then it binds, and only a time is looked for. `event_time` says
    that a person declared the column the event time: then the format that reads most cells is taken.
    """
    total = int(cells.counts.sum())
    if not total:
        return Reading(
            Type.STRING, cells.spread(cells.distinct), notes={"type": Note(0.0, "there is no value to tell by")}
        )
    placeholder = np.isin(np.array(cells.lower, dtype=object), list(PLACEHOLDERS))
    return (
        (_as_booleans(cells, placeholder) if lexical else None)
        or _as_times(cells, placeholder, lexical, event_time)
        or (_as_numbers(cells, placeholder) if lexical else None)
        or _as_texts(cells, "stored as text" if not lexical else _why_text(cells))
    )


def _as_texts(cells: Cells, reason: str) -> Reading:
    return Reading(
        Type.STRING, cells.spread(cells.distinct), notes={"type": Note(_sure(int(cells.counts.sum())), reason)}
    )


def _sure(rows: int, share: float = 1.0) -> float:
    return share * rows / (rows + 1)


def _missing(cells: Cells, placeholder: Bools) -> tuple[dict[str, Any], dict[str, Note]]:
    """The `missing` field, where placeholders stand among the values."""
    if not cells.rows(placeholder):
        return {}, {}
    texts = [text for text, held in zip(cells.distinct.to_pylist(), placeholder, strict=True) if held]
    share = cells.rows(placeholder) / cells.counts.sum()
    return {"missing": ["", *sorted(texts)]}, {
        "missing": Note(0.9, f"in {share:.1%} of cells, among values of the type")
    }


def _enough(cells: Cells, right: Bools, placeholder: Bools) -> bool:
    """Whether the cells that parse are enough to say that a column is of a type, whatever the few others hold."""
    parsed, placed = cells.rows(right), cells.rows(placeholder & ~right)
    bad = int(cells.counts.sum()) - parsed - placed
    if not parsed or (placed and (parsed < 5 or right.sum() < 2)):
        return False
    return bad == 0 or (parsed >= 100 and bad <= BAD_SHARE * parsed)


def _typed(
    cells: Cells, type: Type, values: pa.Array, right: Bools, placeholder: Bools, what: str, **fields: Any
) -> Reading:
    total = int(cells.counts.sum())
    placed = placeholder & ~right
    bad = total - cells.rows(right) - cells.rows(placed)
    kept = pc.if_else(pa.array(right), values, pa.scalar(None, values.type))
    more, notes = _missing(cells, placed)
    share = cells.rows(right) / total
    cells_are = f"all {total:,} cells are {what}" if share == 1 else f"{share:.1%} of {total:,} cells are {what}"
    notes["type"] = Note(_sure(total, max(0.0, 1 - 5 * bad / total)), cells_are)
    return Reading(type, cells.spread(kept), {**fields, **more}, notes, bad)


def booleans(cells: Cells) -> tuple[pa.Array, Bools]:
    """The truth that each distinct text tells, and which of them tell any."""
    yes = {yes for yes, _ in BOOLEANS} | {"1"}
    no = {no for _, no in BOOLEANS} | {"0"}
    known = [True if text in yes else False if text in no else None for text in cells.lower]
    return pa.array(known, pa.bool_()), np.array([value is not None for value in known], dtype=bool)


def _as_booleans(cells: Cells, placeholder: Bools) -> Reading | None:
    if len(cells.distinct) > 20:
        return None
    held = {text for text, placed in zip(cells.lower, placeholder, strict=True) if not placed}
    for pair in BOOLEANS:
        if held == set(pair) or (held and held <= {"true", "false"} and pair[0] == "true"):
            values, right = booleans(cells)
            return _typed(cells, Type.BOOLEAN, values, right, placeholder, f"{pair[0]} or {pair[1]}")
    return None


def numeric(cells: Cells, decimal: str) -> Bools:
    """Which of the distinct texts are numbers with this decimal mark; one too large for a double is none."""
    written = cells.matching(_COMMA if decimal == "," else _POINT)
    finite = pc.is_finite(numbers(cells, written, Type.NUMBER, decimal))
    return np.array(pc.fill_null(finite, False), dtype=bool) | cells.matching(_ENDLESS)


def numbers(cells: Cells, right: Bools, type: Type, decimal: str) -> pa.Array:
    """The numbers that the `right` ones of the distinct texts hold, null for the others."""
    texts = pc.if_else(pa.array(right), cells.distinct, None)
    texts = pc.replace_substring(texts, ",", ".") if decimal == "," else texts
    if type is Type.INTEGER:
        return pc.cast(pc.replace_substring_regex(texts, pattern=r"^\+", replacement=""), pa.int64())
    return pc.cast(texts, pa.float64())


def _as_numbers(untrimmed: Cells, placeholder: Bools) -> Reading | None:
    cells = untrimmed.trimmed
    if cells.rows(cells.matching(_PADDED)) or _dialled(cells) or _like_codes(cells):
        return None
    whole, point, comma = cells.matching(WHOLE), numeric(cells, "."), numeric(cells, ",")
    if _enough(cells, whole, placeholder) and not cells.rows(point & ~whole) and not cells.rows(comma & ~whole):
        values = numbers(cells, whole, Type.INTEGER, ".")
        return _typed(untrimmed, Type.INTEGER, values, whole, placeholder, "whole numbers")
    if _enough(cells, point, placeholder):
        values = numbers(cells, point, Type.NUMBER, ".")
        return _typed(untrimmed, Type.NUMBER, values, point, placeholder, "numbers")
    if _enough(cells, comma, placeholder) and cells.rows(comma & ~whole & ~cells.matching(_THOUSANDS)):
        values = numbers(cells, comma, Type.NUMBER, ",")
        return _typed(untrimmed, Type.NUMBER, values, comma, placeholder, "numbers with a decimal comma", decimal=",")
    return None


def _dialled(cells: Cells) -> bool:
    """Whether these are phone numbers rather than numbers."""
    named = not column_name.PHONE_WORDS.isdisjoint(column_name.words(cells.name))
    return cells.rows(cells.matching(r"^\+?\d{6,15}$" if named else _DIALLED)) > int(cells.counts.sum()) / 2


def _like_codes(cells: Cells) -> bool:
    """Whether digits are codes: longer than a number can hold exactly, or some of the same length end in a letter."""
    if cells.rows(cells.matching(_LONG)):
        return True
    digits, lettered = cells.matching(r"^\d{4,}$"), cells.matching(r"^[0-9]+[A-Za-z]+[0-9A-Za-z]*$")
    if not cells.rows(lettered) or not cells.rows(digits):
        return False
    lengths = np.asarray(pc.utf8_length(cells.distinct))
    usual = int(np.median(np.repeat(lengths[digits], cells.counts[digits])))
    return bool((lengths[lettered] == usual).any() and (lengths[digits] == usual).mean() > 0.9)


def guess_times(cells: Cells, placeholder: Bools, *, named: bool, least: float) -> TimeGuess | None:
    """The format of the times among the distinct texts that are no placeholders, as `guess_format` finds it."""
    kept = np.flatnonzero(~placeholder)
    place = np.full(len(cells.distinct), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    order = place[np.asarray(pc.drop_null(cells.codes)).astype(np.int64)]
    guess = guess_format(
        cells.distinct.take(pa.array(kept)), cells.counts[kept], order[order >= 0], named=named, least=least
    )
    if guess is None:
        return None
    back = pa.array(place, mask=place < 0)
    return TimeGuess(guess.format, guess.times.take(back), guess.share, guess.note)


def _as_times(cells: Cells, placeholder: Bools, lexical: bool, event_time: bool) -> Reading | None:
    named = event_time or column_name.like_a_time(cells.name)
    guess = guess_times(cells, placeholder, named=named, least=0.5 if event_time else 1 - BAD_SHARE)
    if guess is not None:
        right = np.array(pc.is_valid(guess.times), dtype=bool)
        if event_time or _enough(cells, right, placeholder):
            what = "times" if has_time_of_day(guess.format) else "dates"
            read = _typed(cells, Type.TIMESTAMP, guess.times, right, placeholder, what, format=guess.format)
            return Reading(read.type, read.values, read.fields, {**read.notes, "format": guess.note}, read.bad)
    return _as_epochs(cells, placeholder) if named and lexical else None


def _as_epochs(cells: Cells, placeholder: Bools) -> Reading | None:
    whole = cells.matching(WHOLE)
    if not _enough(cells, whole, placeholder):
        return None
    counts = pc.drop_null(numbers(cells, whole, Type.INTEGER, "."))
    counted = epoch_of(np.asarray(counts.cast(pa.float64())))
    if counted is None:
        return None
    times = read_times(cells.distinct, counted)
    read = _typed(cells, Type.TIMESTAMP, times, whole, placeholder, "counts that fall in 1990 to 2100", format=counted)
    return Reading(
        read.type, read.values, read.fields, {**read.notes, "format": Note(0.9, "named as a time")}, read.bad
    )


def _why_text(cells: Cells) -> str:
    if cells.rows(cells.matching(_PADDED)) and cells.rows(cells.matching(r"^[+-]?\d+$")) == cells.counts.sum():
        return "digits with leading zeros are codes"
    if _dialled(cells):
        return "these are phone numbers"
    if cells.rows(cells.matching(_LONG)):
        return "so many digits are a code"
    if cells.rows(cells.matching(_THOUSANDS)) > 0.01 * cells.counts.sum():
        return "numbers are written with commas in them, which are not read"
    if cells.rows(cells.matching(_CLOCK)) == cells.counts.sum():
        return TIMES_OF_DAY
    return f"{len(cells.distinct):,} different texts"
