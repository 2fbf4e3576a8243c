"""Typed cells from values as they were sent, column by column: what is of a wrong type is told, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.lake.schema import INSTANT
from watchkeeper.model import Column, Type, read_times

Wrong = list[int]
"""Places of values that are of another type."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {"epoch_s": 1_000_000, "epoch_ms": 1_000}
_LARGEST = 2**63 - 1
_YEARS = (-62_135_596_800_000_000, 253_402_300_799_999_999)
_NONE = type(None)
_ENCODE = msgspec.json.Encoder().encode


def micro(times: Sequence[datetime]) -> NDArray[np.int64]:
    """Times in microseconds since 1970."""
    return np.array([time - EPOCH for time in times], dtype="timedelta64[us]").astype(np.int64)


def json_text(value: Any) -> str:
    """A value as JSON; what JSON lacks is told as text."""
    if isinstance(value, float) and not np.isfinite(value):
        return f'"{value}"'
    try:
        return _ENCODE(value).decode()
    except (TypeError, OverflowError):
        return _ENCODE(repr(value)).decode()
    except RecursionError:  # how deep is too deep depends on the caller's own depth
        return '"nested too deeply to be kept"'


def typed(values: Sequence[Any], column: Column) -> tuple[pa.Array, Wrong]:
    """The values as an array of the column's type, and where they were of another: there the array is null.

    NaN is a missing number; infinities are numbers. A truth value is no number, a number no text, a text no number.
    """
    kinds = set(map(type, values)) - {_NONE}
    match column.type:
        case Type.NUMBER:
            if kinds <= {float}:
                return pa.array(values, pa.float64(), from_pandas=True), []
            return _each(values, pa.float64(), _number)
        case Type.INTEGER:
            if kinds <= {int} and _fits(values):
                return pa.array(values, pa.int64()), []
            return _each(values, pa.int64(), _integer)
        case Type.BOOLEAN:
            return _of_kind(values, kinds, bool, pa.bool_())
        case Type.TIMESTAMP:
            return _times(values, kinds, column.format or "iso8601")
        case _:
            return _of_kind(values, kinds, str, pa.string())


class _Bad(Exception):  # never leaves this module
    """A value of another type."""


def _each(values: Sequence[Any], kind: pa.DataType, read: Callable[[Any], Any]) -> tuple[pa.Array, Wrong]:
    cells, wrong = [], []
    for place, value in enumerate(values):
        try:
            cells.append(None if value is None else read(value))
        except _Bad:
            cells.append(None)
            wrong.append(place)
    return pa.array(cells, kind, from_pandas=True), wrong


def _of_kind(values: Sequence[Any], kinds: set[type], one: type, kind: pa.DataType) -> tuple[pa.Array, Wrong]:
    if kinds <= {one}:
        return pa.array(values, kind), []
    wrong = [place for place, value in enumerate(values) if value is not None and type(value) is not one]
    return pa.array([value if type(value) is one else None for value in values], kind), wrong


def _number(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is not int or abs(value) > 2**1023:
        raise _Bad
    return float(value)


def _integer(value: Any) -> int | None:
    if type(value) is float:
        if value != value:
            return None
        if not np.isfinite(value) or value != int(value):
            raise _Bad
        value = int(value)
    if type(value) is not int or not -_LARGEST <= value <= _LARGEST:
        raise _Bad
    return value


def _fits(values: Sequence[Any]) -> bool:
    present = [value for value in values if value is not None]
    return not present or (max(present) <= _LARGEST and min(present) >= -_LARGEST)


def _times(values: Sequence[Any], kinds: set[type], format: str) -> tuple[pa.Array, Wrong]:
    moments = pa.nulls(len(values), pa.int64())
    if str in kinds:
        texts = pa.array([value if type(value) is str else None for value in values], pa.string())
        moments = _read(texts, format)
    if kinds - {str}:
        read: list[int | None] = moments.to_pylist()
        for place, value in enumerate(values):
            if value is not None and type(value) is not str:
                read[place] = _moment(value, format)
        moments = pa.array(read, pa.int64())
    wrong = np.array([value is not None for value in values]) & np.asarray(moments.is_null())
    return moments.cast(INSTANT), np.flatnonzero(wrong).tolist()


def _read(texts: pa.Array, format: str) -> pa.Array:
    """Times written in the column's format, else as RFC 3339."""
    coded = texts.dictionary_encode()
    known = coded.dictionary.cast(pa.string())
    read = read_times(known, format).cast(pa.int64())
    if format != "iso8601" and read.null_count:
        other = read_times(known, "iso8601").cast(pa.int64())
        read = pc.coalesce(read, other)
    return read.take(coded.indices)


def _moment(value: Any, format: str) -> int | None:
    if isinstance(value, datetime):
        return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - EPOCH) // _MICROSECOND
    if type(value) not in (int, float) or format not in _UNITS or (value != value) or abs(value) == float("inf"):
        return None
    moment = round(value * _UNITS[format])
    return moment if _YEARS[0] <= moment <= _YEARS[1] else None
