"""Hashes of rows, vectorised: the same cells give the same 64 bits, whatever block they came in."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from watchkeeper.delivery.physical import decoded, is_nested
from watchkeeper.model.uuid_text import is_uuid, written_out

Hashes = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SHIFTS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def mixed(numbers: Hashes) -> Hashes:
    """Numbers scattered over 64 bits, one to one.

    Source: Steele, Lea, Flood (2014), SplitMix64.
    """
    with np.errstate(over="ignore"):
        hashes = numbers + _GOLDEN
        for shift, factor in _SHIFTS:
            hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(factor)
        return hashes ^ (hashes >> np.uint64(31))


def row_hashes(columns: Iterable[pa.Array], rows: int, seed: int = 0) -> Hashes:
    """One hash for each row over all `columns`; a missing value differs from every other. Shape (rows,)."""
    hashes = np.full(rows, seed, dtype=np.uint64)
    for column in columns:
        with np.errstate(over="ignore"):
            hashes = mixed(hashes * np.uint64(31) + cell_hashes(column, seed))
    return hashes


def cell_hashes(column: pa.Array, seed: int = 0) -> Hashes:
    """One hash for each cell, shape (rows,)."""
    if types.is_dictionary(column.type):
        indices = np.asarray(column.indices.fill_null(0)).astype(np.int64)
        known = cell_hashes(column.dictionary, seed) if len(column.dictionary) else np.zeros(1, dtype=np.uint64)
        hashes = known[indices]
    elif types.is_string(column.type) or types.is_binary(column.type):
        hashes = _text_hashes(column, seed)
    elif (types.is_primitive(column.type) or types.is_timestamp(column.type)) and not types.is_decimal(column.type):
        hashes = mixed(_bits(column) ^ np.uint64(seed))
    else:
        return cell_hashes(as_text(column), seed)
    if column.null_count:
        hashes = np.where(np.asarray(column.is_valid()), hashes, mixed(np.array([seed + 1], dtype=np.uint64))[0])
    return hashes


def as_text(column: pa.Array) -> pa.Array:
    """Values of any type as text: JSON where they are nested."""
    column = decoded(column)
    if is_uuid(column.type):
        return written_out(column)
    if is_nested(column.type) or types.is_binary(column.type) or types.is_large_binary(column.type):
        return pa.array(
            [None if v is None else json.dumps(v, default=str, ensure_ascii=False) for v in column.to_pylist()],
            pa.string(),
        )
    try:
        return pc.cast(column, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())


def _bits(column: pa.Array) -> Hashes:
    """Values of fixed width as 64 bits, 0 for null."""
    if types.is_boolean(column.type):
        column = column.cast(pa.int8())
    elif types.is_temporal(column.type):
        column = column.view(pa.int32() if column.type.bit_width == 32 else pa.int64())
    values = np.asarray(column.fill_null(0) if column.null_count else column)
    if values.dtype.kind == "f":
        return values.astype(np.float64).view(np.uint64)
    return values.astype(np.uint64 if values.dtype.kind == "u" else np.int64).view(np.uint64)


def _text_hashes(column: pa.Array, seed: int) -> Hashes:
    """Texts of one length together: their bytes as 64-bit words, mixed in turn."""
    _, offset_buffer, data = column.buffers()
    if not len(column):
        return np.empty(0, dtype=np.uint64)
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[column.offset : column.offset + len(column) + 1].astype(
        np.int64
    )
    lengths = np.diff(offsets)
    text = np.frombuffer(data if data is not None else b"", dtype=np.uint8)
    hashes = np.empty(len(column), dtype=np.uint64)
    for length in np.unique(lengths).tolist():
        chosen = np.flatnonzero(lengths == length)
        words = -(-length // 8)
        group = mixed(np.full(len(chosen), length, dtype=np.uint64) ^ np.uint64(seed))
        at = offsets[chosen]
        with np.errstate(over="ignore"):
            for word in range(words):
                width = min(8, length - 8 * word)
                eight = np.zeros((len(chosen), 8), dtype=np.uint8)
                eight[:, :width] = text[(at + 8 * word)[:, None] + np.arange(width)]
                group = mixed(group * np.uint64(31) ^ eight.view(np.uint64)[:, 0])
        hashes[chosen] = group
    return hashes
