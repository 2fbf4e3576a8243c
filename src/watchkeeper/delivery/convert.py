"""From cells as delivered to values: text or physical types become the canonical types of the model's columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.delivery import number
from watchkeeper.delivery.piece import Bools
from watchkeeper.delivery.time_text import CANONICAL, times
from watchkeeper.model.declaration import Column, Role, Type


@dataclass(frozen=True)
class Converted:
    """One column of one piece. Shapes (rows,)."""

    values: pa.Array
    """int64, double, bool, string, dictionary<int32, string> or timestamp[us, UTC]; null where missing or bad."""
    invalid: Bools | None = None
    """Cells that hold something that is no value of the type; None where there is none."""
    decimals: Bools | None = None
    """Whole numbers written or stored as decimal ones."""
    texts: pa.Array | None = None
    """The cells as text, to show what was wrong."""


def is_read(column: Column) -> bool:
    """Whether a column is read at all."""
    return column.role is not Role.IGNORED and column.type is not Type.OTHER


def is_held_to(column: Column, *, key: bool) -> bool:
    """Whether values of no known type are looked at all the same: what is missing, and what repeats, has no type."""
    declared = key or column.nullable is False or bool(column.unique)
    return declared and column.type is Type.OTHER and column.role is not Role.IGNORED


def kept_as_codes(column: Column) -> bool:
    """Whether a text column is dictionary-encoded: not so for identifiers and the like, whose values hardly repeat."""
    return column.type is Type.STRING and column.drift


def from_text(cells: pa.Array, column: Column, *, empty_is_null: bool) -> Converted:
    """Values of text cells. `empty_is_null`: whether empty text came as null (see `Reader.empty_is_null`)."""
    texts = _without_missing(cells, column, empty_is_null=empty_is_null)
    decimals = None
    match column.type:
        case Type.INTEGER:
            values, decimals = number.integers(texts)
        case Type.NUMBER:
            values = number.numbers(texts, column.decimal if empty_is_null else ".")
            if column.decimal == "," and not empty_is_null:  # JSON's own numbers have a point, its texts may not
                values = pc.coalesce(values, number.numbers(texts, ","))
        case Type.BOOLEAN:
            values = number.booleans(texts)
        case Type.TIMESTAMP:
            values = times(texts, column.format or "iso8601")
        case _:
            coded = texts.dictionary_encode() if kept_as_codes(column) else texts
            return Converted(coded)
    invalid = None
    if values.null_count > texts.null_count:
        invalid = np.asarray(pc.and_(pc.is_valid(texts), pc.is_null(values)))
    return Converted(without_sentinels(values, column), invalid, decimals, texts)


def without_sentinels(values: pa.Array, column: Column) -> pa.Array:
    """Numbers and times with null for the values that stand for a missing one."""
    if column.sentinels and column.type is Type.TIMESTAMP:
        ends = times(pa.array([text for text in column.sentinels if isinstance(text, str)], pa.string()), "iso8601")
        return pc.if_else(pc.is_in(values, value_set=pc.drop_null(ends)), None, values)
    if not column.sentinels or column.type not in (Type.INTEGER, Type.NUMBER):
        return values
    numeric = [float(sentinel) for sentinel in column.sentinels if not isinstance(sentinel, str)]
    if not numeric:
        return values
    return pc.if_else(pc.is_in(pc.cast(values, pa.float64(), safe=False), value_set=pa.array(numeric)), None, values)


def without_nan(values: pa.Array) -> pa.Array:
    """Numbers with null for NaN: which of the two stands for a missing value is up to the library that wrote it."""
    if not pa.types.is_floating(values.type) or not np.isnan(np.asarray(pc.sum(values).as_py() or 0.0)):
        return values
    return pc.if_else(pc.is_nan(values), None, values)


def missing_texts(column: Column) -> list[str]:
    """Texts that stand for no value, other than the empty one."""
    sentinels = [
        str(sentinel) for sentinel in column.sentinels if isinstance(sentinel, str) or column.type is Type.STRING
    ]
    return [text for text in [*(column.missing or []), *sentinels] if text]


def _without_missing(cells: pa.Array, column: Column, *, empty_is_null: bool) -> pa.Array:
    empty_is_missing = column.missing is None or "" in column.missing
    if empty_is_null and not empty_is_missing and cells.null_count:
        cells = cells.fill_null("")
    elif not empty_is_null and empty_is_missing:
        cells = pc.if_else(pc.equal(cells, ""), None, cells)
    if words := missing_texts(column):
        cells = pc.if_else(pc.is_in(cells, value_set=pa.array(words)), None, cells)
    return cells


def moments(values: pa.Array) -> pa.Array:
    """Times as microseconds since 1970, int64."""
    return values.cast(CANONICAL).view(pa.int64())
