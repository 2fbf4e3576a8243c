"""Tells integers that are codes from integers that count or measure something."""

from __future__ import annotations

import numpy as np

from watchkeeper.model.column_name import like_an_id, word_set
from watchkeeper.model.constraint import Type
from watchkeeper.model.facts import Facts
from watchkeeper.model.note import Note

_CODE_WORDS = word_set(
    "code codes zip zipcode postcode postal plz type kind category cat class status flag group channel segment store "
    "shop region state country branch department dept product sku item campaign season weekday dow batch cluster"
)
_MEASURE_WORDS = word_set(
    "count cnt num number total sum amount price age days hours years size rank score decile temp"
)


def code_note(column: Facts) -> Note | None:
    """Why an integer column is one of codes, or None where it counts, measures, or may do so.

    By its name; or by its values, if they are few, often repeated, and stand in large irregular steps, as 200, 404 and
    503 do. Grades and classes numbered from 1 on can't be told from counts by their values, so they stay numbers.
    """
    if column.type is not Type.INTEGER or column.distinct < 2 or not _MEASURE_WORDS.isdisjoint(column.words):
        return None
    if column.distinct == 2 and column.within(0, 1):
        return None
    if like_an_id(column.name) and column.distinct < column.present:
        return Note(0.9, "named as an identifier, shared by rows")
    if not _CODE_WORDS.isdisjoint(column.words):
        return Note(0.8, "named as a code") if column.distinct <= max(1_000, column.present // 2) else None
    if column.distinct > 30 or column.present < 30 * column.distinct:
        return None
    steps = np.diff(np.unique(column.numbers))
    if len(steps) >= 3 and steps.max() >= 20 and len(set(steps.tolist())) > len(steps) / 2:
        return Note(0.6, f"{column.distinct} values in irregular steps, each in many rows")
    return None
