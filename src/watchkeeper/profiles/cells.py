"""Arrow columns as numpy arrays: numbers with a mask, texts as codes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLOSE = 100
"""Integers whose span is less are told apart by subtraction, not by hashing."""


def whole(values: pa.ChunkedArray) -> pa.Array:
    """A column as one array; not copied where it is one already."""
    if isinstance(values, pa.Array):
        return values
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def numbers(values: pa.ChunkedArray) -> tuple[Floats, Bools]:
    """Values as doubles (0 where missing; times in microseconds since 1970) and where there is one; shapes (rows,)."""
    array = whole(values)
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us", tz=array.type.tz), safe=False).cast(pa.int64())
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    present = np.asarray(array.is_valid()) if array.null_count else np.ones(len(array), dtype=bool)
    if array.null_count:
        array = array.fill_null(0)
    return array.to_numpy(zero_copy_only=False).astype(np.float64, copy=False), present


def texts(values: pa.ChunkedArray) -> tuple[Ints, list[str], Bools]:
    """A code per row (0 where missing), the names of the codes, and where there is a value."""
    array = whole(values)
    present = np.asarray(array.is_valid()) if array.null_count else np.ones(len(array), dtype=bool)
    if pa.types.is_boolean(array.type):
        return _whole_numbers(array.cast(pa.int8())), ["false", "true"], present
    span = _span(array)
    if span is not None:
        codes = _whole_numbers(pc.subtract(array, pa.scalar(span[0], array.type)))
        return codes, [str(number) for number in range(span[0], span[1] + 1)], present
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    names = [str(name) for name in array.dictionary.to_pylist()]
    codes = _whole_numbers(array.indices)
    if len(set(names)) < len(names):
        order = {name: i for i, name in reversed(list(enumerate(names)))}
        codes = np.array([order[name] for name in names], dtype=np.int64)[codes]
    return codes, names, present


def _span(array: pa.Array) -> tuple[int, int] | None:
    """The least and the greatest of integers that lie close together; None of others."""
    if not pa.types.is_integer(array.type) or array.null_count == len(array):
        return None
    ends = pc.min_max(array).as_py()
    low, high = ends["min"], ends["max"]
    return (low, high) if high - low < CLOSE else None


def _whole_numbers(array: pa.Array) -> Ints:
    """Integers, 0 where missing."""
    if array.null_count:
        array = array.fill_null(0)
    return np.asarray(array.to_numpy(zero_copy_only=False).astype(np.int64))
