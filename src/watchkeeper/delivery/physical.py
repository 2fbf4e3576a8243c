"""From physical types (Parquet, Arrow, tables in memory) to canonical ones: what fits, what is exchanged, what not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from watchkeeper.delivery.convert import Converted, from_text, kept_as_codes, missing_texts, without_sentinels
from watchkeeper.delivery.encoding import is_text
from watchkeeper.delivery.piece import Bools
from watchkeeper.delivery.time_text import CANONICAL
from watchkeeper.model.declaration import Column, Type
from watchkeeper.model.time_format import EPOCHS
from watchkeeper.model.uuid_text import is_uuid, written_out
from watchkeeper.model.wide import fits as within_64_bits
from watchkeeper.model.wide import is_whole, is_wide

_LARGEST = 2.0**63


def misfit(stored: pa.DataType, column: Column) -> str | None:
    """Why values of a physical type can't be those of `column`: what they are, in words; None where they can."""
    kind = _plain(stored)
    if types.is_null(kind):
        return None
    textual, numeric = _is_text(kind), types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    match column.type:
        case Type.INTEGER | Type.NUMBER:
            fits = numeric or types.is_boolean(kind)
        case Type.BOOLEAN:
            fits = types.is_boolean(kind) or types.is_integer(kind)
        case Type.STRING:
            fits = textual or types.is_binary(kind) or types.is_large_binary(kind) or is_wide(kind) or is_uuid(kind)
        case Type.TIMESTAMP:
            by_text = column.format is not None and (textual or types.is_integer(kind))
            fits = types.is_timestamp(kind) or types.is_date(kind) or by_text
        case _:
            fits = True
    return None if fits else "text" if textual else str(kind)


def exchanged(stored: pa.DataType, column: Column) -> bool:
    """Whether truth values are stored as numbers, or the reverse: they are read all the same."""
    kind = _plain(stored)
    if column.type is Type.BOOLEAN:
        return bool(types.is_integer(kind))
    return column.type in (Type.INTEGER, Type.NUMBER) and bool(types.is_boolean(kind))


def is_nested(type: pa.DataType) -> bool:
    """Whether values are lists, structures or maps."""
    return bool(types.is_nested(_plain(type)))


def from_physical(array: pa.Array, column: Column) -> Converted:
    """Values of a column whose physical type fits (see `misfit`)."""
    array = decoded(array) if column.type is not Type.STRING else array
    match column.type:
        case Type.INTEGER:
            converted = _integers(array)
        case Type.NUMBER:
            converted = Converted(_doubles(array))
        case Type.BOOLEAN:
            converted = _booleans(array)
        case Type.TIMESTAMP:
            converted = _times(array, column)
        case Type.OTHER:
            return Converted(_comparable(array))
        case _:
            return _texts(array, column)
    return Converted(
        without_sentinels(converted.values, column), converted.invalid, converted.decimals, converted.texts
    )


def without_views(array: pa.Array) -> pa.Array:
    """String views, which few functions of Arrow take, as strings."""
    if types.is_dictionary(array.type) and types.is_string_view(array.type.value_type):
        return pa.DictionaryArray.from_arrays(array.indices, without_views(array.dictionary))
    return array.cast(pa.large_string()) if types.is_string_view(array.type) else array


def decoded(array: pa.Array) -> pa.Array:
    """Dictionaries and extension types as plain arrays."""
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    return array.dictionary_decode() if types.is_dictionary(array.type) else array


def _plain(kind: pa.DataType) -> pa.DataType:
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    return storage.value_type if types.is_dictionary(storage) else storage


def _comparable(array: pa.Array) -> pa.Array:
    """Values that nobody declared a type for, so that missing and repeated ones can be told."""
    kind = array.type
    if is_uuid(kind):
        return written_out(array)
    if types.is_timestamp(kind) or types.is_duration(kind):
        return array.view(pa.int64())
    return array.cast(pa.string()) if types.is_integer(kind) else array


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _integers(array: pa.Array) -> Converted:
    kind = array.type
    if is_wide(kind):
        held = within_64_bits(array)
        whole, wrong = pc.if_else(held, array, pa.scalar(None, kind)).cast(pa.int64()), _wrong(held)
        return Converted(whole, wrong, None, None if wrong is None else array.cast(pa.string()))
    if types.is_null(kind) or types.is_boolean(kind) or is_whole(kind):
        return Converted(array.cast(pa.int64()))
    doubles = array.cast(pa.float64(), safe=False)
    doubles = pc.if_else(pc.is_nan(doubles), None, doubles)  # pandas and Polars keep a missing whole number as NaN
    within = pc.and_(pc.less(doubles, _LARGEST), pc.greater_equal(doubles, -_LARGEST))
    fits = pc.and_(pc.equal(pc.floor(doubles), doubles), within)
    whole = pc.if_else(fits, doubles, None).cast(pa.int64(), safe=False)
    return Converted(whole, _wrong(fits), np.asarray(pc.is_valid(whole)), doubles.cast(pa.string()))


def _doubles(array: pa.Array) -> pa.Array:
    if types.is_boolean(array.type):
        array = array.cast(pa.int8())
    return array.cast(pa.float64(), safe=False)


def _booleans(array: pa.Array) -> Converted:
    if not types.is_integer(array.type):
        return Converted(array.cast(pa.bool_()))
    fits = pc.or_(pc.equal(array, 0), pc.equal(array, 1))
    return Converted(pc.equal(pc.if_else(fits, array, None), 1), _wrong(fits), None, array.cast(pa.string()))


def _texts(array: pa.Array, column: Column) -> Converted:
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    coded = types.is_dictionary(array.type)
    values, wrong = _sound(array.dictionary if coded else array)
    if coded:
        wrong = None if wrong is None else np.asarray(pc.fill_null(pa.array(wrong).take(array.indices), False))
        array = pa.DictionaryArray.from_arrays(array.indices.cast(pa.int32()), values)
    else:
        array = values
    words = missing_texts(column)
    if coded and (words or values.null_count or not kept_as_codes(column)):
        array = array.dictionary_decode()
    if words:
        array = pc.if_else(pc.is_in(array, value_set=pa.array(words)), None, array)
    if kept_as_codes(column) and not types.is_dictionary(array.type):
        array = array.dictionary_encode()
    return Converted(array, wrong)


def _sound(array: pa.Array) -> tuple[pa.Array, Bools | None]:
    """Text that is UTF-8, null where it is not; and where it is not. Whole numbers that text holds are written out."""
    if is_wide(array.type):
        return array.cast(pa.string()), None
    if is_uuid(array.type):
        return written_out(array), None
    raw = array.cast(pa.binary()) if not types.is_null(array.type) else array
    try:
        return raw.cast(pa.string()), None
    except pa.ArrowInvalid:
        right = np.array([cell is None or is_text(cell) for cell in raw.to_pylist()], dtype=bool)
        return pc.if_else(pa.array(right), raw, None).cast(pa.string()), ~right


def _times(array: pa.Array, column: Column) -> Converted:
    kind = array.type
    if _is_text(kind):
        return from_text(array.cast(pa.string()), column, empty_is_null=False)
    if types.is_integer(kind):
        if column.format not in EPOCHS:
            return from_text(array.cast(pa.string()), column, empty_is_null=False)
        unit = "s" if column.format == "epoch_s" else "ms"
        return _stamps(array.cast(pa.int64(), safe=False).view(pa.timestamp(unit)))
    if types.is_date(kind):
        return _stamps(array.cast(pa.timestamp("s"), safe=False))
    return Converted(pa.nulls(len(array), CANONICAL)) if types.is_null(kind) else _stamps(array)


def _stamps(array: pa.Array) -> Converted:
    """Times of any unit in microseconds, UTC; those beyond the years 1 to 9999 are none. Without a zone it is UTC."""
    unit = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[array.type.unit]
    counts = array.view(pa.int64())
    least, most = max(-62_135_596_800 * unit, -(2**63)), min(253_402_300_800 * unit, 2**63) - 1
    ends = pc.min_max(counts).as_py()
    if unit == 1_000_000 and ends["min"] is not None and least <= ends["min"] and ends["max"] <= most:
        return Converted(counts.view(CANONICAL))  # the usual case: nothing to be done
    fits = pc.and_(pc.greater_equal(counts, least), pc.less_equal(counts, most))
    within = pc.if_else(fits, counts, None)
    micro = _thousandths(within) if unit > 1_000_000 else pc.multiply(within, 1_000_000 // unit)
    return Converted(micro.view(CANONICAL), _wrong(fits), None, counts.cast(pa.string()))


def _thousandths(nanoseconds: pa.Array) -> pa.Array:
    """Nanoseconds in whole microseconds, towards the past."""
    whole = pc.divide(nanoseconds, 1000)
    return pc.if_else(pc.less(nanoseconds, pc.multiply(whole, 1000)), pc.subtract(whole, 1), whole)


def _wrong(fits: pa.Array) -> Bools | None:
    """Cells that hold a value that does not fit."""
    wrong = np.asarray(pc.invert(pc.fill_null(fits, True)))
    return wrong if wrong.any() else None
