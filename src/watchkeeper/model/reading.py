"""Reads a column of a sample, as what its cells look like or as what a contract declares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.model import column_name, wide
from watchkeeper.model.cells import ARROW, Cells, Reading
from watchkeeper.model.constraint import Type
from watchkeeper.model.infer_type import WHOLE, booleans, guess_times, numbers, numeric, read_texts
from watchkeeper.model.note import Note
from watchkeeper.model.time_format import EPOCHS
from watchkeeper.model.time_guess import epoch_of
from watchkeeper.model.time_read import EARLIEST, LATEST, read_times
from watchkeeper.model.uuid_text import is_uuid, written_out


def read_column(name: str, column: pa.Array, *, lexical: bool, event_time: bool = False) -> Reading:
    """Read one column of the sample.

    `lexical` says that its cells are those of a text file, whose type their texts decide; else the physical type binds.
    `event_time` says that a person declared it the event time: then whatever time format reads the most cells is taken.
    """
    column = _decoded(column)
    kind = column.type
    physical = {"type": Note(1.0, f"stored as {kind}")}
    if pa.types.is_string(kind):
        return read_texts(Cells.of(name, column), lexical=lexical, event_time=event_time)
    if pa.types.is_boolean(kind):
        return Reading(Type.BOOLEAN, column, notes=physical)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Reading(Type.TIMESTAMP, _moments(column), notes=physical)
    if wide.is_wide(kind) and pc.all(wide.fits(column)).as_py() is False:
        return _too_wide(name, column)
    if wide.is_whole(kind):
        values = column.cast(pa.int64())
        counted = epoch_of(_numpy(values)) if event_time or column_name.like_a_time(name) else None
        if counted is None:
            return Reading(Type.INTEGER, values, notes=physical)
        times = pc.multiply(values, EPOCHS[counted]).cast(pa.timestamp("us"))
        note = Note(0.9, "counts named as a time, all of which fall in 1990 to 2100")
        return Reading(Type.TIMESTAMP, times, {"format": counted}, {"type": note})
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Reading(Type.NUMBER, column.cast(pa.float64(), safe=False), notes=physical)
    if is_uuid(kind):
        return Reading(Type.STRING, written_out(column), notes=physical)
    what = "objects or arrays" if kind == pa.struct([]) else kind  # JSON's are of no one type
    return Reading(
        Type.OTHER, pa.nulls(len(column)), notes={"type": Note(1.0, f"stored as {what}, which is not watched")}
    )


def _too_wide(name: str, column: pa.Array) -> Reading:
    """Whole numbers beyond 64 bits with a sign: identifiers as text, to the last digit, and amounts as doubles."""
    stored = f"stored as {column.type}, with values that no 64-bit integer holds"
    if wide.names_rows(name, column):
        note = Note(0.9, f"{stored}: identifiers are kept as text, to the last digit")
        return Reading(Type.STRING, column.cast(pa.string()), notes={"type": note})
    return Reading(Type.NUMBER, column.cast(pa.float64(), safe=False), notes={"type": Note(1.0, stored)})


def read_as(name: str, column: pa.Array, type: Type, fields: dict[str, Any]) -> Reading:
    """Read a column as the type that a contract declares; `fields` holds its `format`, `decimal` and `missing`."""
    column = _decoded(column)
    if pa.types.is_string(column.type):
        return _texts_as(Cells.of(name, column), type, fields)
    if wide.is_wide(column.type) and type in (Type.INTEGER, Type.NUMBER, Type.STRING):
        return _wide_as(column, type, fields)
    found = read_column(name, column, lexical=False, event_time=type is Type.TIMESTAMP)
    if found.type is type:
        return Reading(type, found.values, fields)
    if {found.type, type} == {Type.INTEGER, Type.NUMBER}:
        finite = pc.if_else(pc.is_finite(found.values), found.values, None)
        return Reading(type, finite.cast(pa.int64() if type is Type.INTEGER else pa.float64(), safe=False), fields)
    return Reading(type, pa.nulls(len(column), ARROW[type]), fields, bad=len(column) - column.null_count)


def _wide_as(column: pa.Array, type: Type, fields: dict[str, Any]) -> Reading:
    if type is not Type.INTEGER:
        return Reading(type, column.cast(ARROW[type], safe=False), fields)
    held = wide.fits(column)
    kept = pc.if_else(held, column, pa.scalar(None, column.type)).cast(pa.int64())
    return Reading(type, kept, fields, bad=kept.null_count - column.null_count)


def _texts_as(cells: Cells, type: Type, fields: dict[str, Any]) -> Reading:
    texts = cells.distinct
    missing = np.isin(np.array(texts.to_pylist(), dtype=object), fields.get("missing", [""]))
    decimal = fields.get("decimal", ".")
    if type is Type.TIMESTAMP and "format" not in fields:
        guess = guess_times(cells, missing, named=True, least=0.0)
        fields = {**fields, "format": guess.format if guess else "iso8601"}
    match type:
        case Type.BOOLEAN:
            values, right = booleans(cells)
        case Type.TIMESTAMP:
            values = read_times(texts, fields["format"])
            right = np.array(pc.is_valid(values), dtype=bool)
        case Type.INTEGER | Type.NUMBER:
            trimmed = cells.trimmed
            right = trimmed.matching(WHOLE) if type is Type.INTEGER else numeric(trimmed, decimal)
            values = numbers(trimmed, right, type, decimal)
        case _:
            values, right = texts, np.ones(len(texts), dtype=bool)
    kept = pc.if_else(pa.array(~missing), values, pa.scalar(None, values.type))
    return Reading(type, cells.spread(kept), fields, bad=cells.rows(~right & ~missing))


def _decoded(column: pa.Array) -> pa.Array:
    """The column without dictionary, its texts as `string`, and as `string` too if it holds nothing at all."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        values = _decoded(column.dictionary)
        return column if pa.types.is_binary_view(values.type) else values.take(column.indices)
    texts = pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind)
    return column.cast(pa.string()) if texts else column


def _moments(column: pa.Array) -> pa.Array:
    """Times in microseconds, null outside of the years 1 to 9999."""
    zone = getattr(column.type, "tz", None)
    counts = column.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64())
    within = pc.and_(pc.greater_equal(counts, EARLIEST), pc.less_equal(counts, LATEST))
    return pc.if_else(within, counts, None).cast(pa.timestamp("us"))


def _numpy(values: pa.Array) -> NDArray[np.float64]:
    return np.asarray(pc.drop_null(values).cast(pa.float64()))
