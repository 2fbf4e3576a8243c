"""Arrow columns as numpy arrays: numbers with a mask, texts as codes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


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
    if pa.types.is_boolean(array.type):
        array = pc.if_else(array, "true", "false")
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    indices = array.indices
    present = np.asarray(array.is_valid()) if array.null_count else np.ones(len(array), dtype=bool)
    if indices.null_count:
        indices = indices.fill_null(0)
    names = [str(name) for name in array.dictionary.to_pylist()]
    codes = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    if len(set(names)) < len(names):
        order = {name: i for i, name in reversed(list(enumerate(names)))}
        codes = np.array([order[name] for name in names], dtype=np.int64)[codes]
    return codes, names, present
