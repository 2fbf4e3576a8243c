"""64 bits for each row at about a nanosecond a cell: they decide which rows a sample keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types

from watchkeeper.profiles.cells import text_bytes

Hashes = NDArray[np.uint64]

_SEED, _FIRST, _SECOND = (np.uint64(x) for x in (0x94D049BB133111EB, 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9))
_MISSING = np.uint64(0xD6E8FEB86659FD93)
_ROWS = 16_384
"""Rows hashed at a time: few enough for the processor's cache."""
_ENDS = np.array([2 ** (8 * size) - 1 for size in range(9)], dtype=np.uint64)
"""What is left of a word of eight bytes of which the first `size` count."""


def row_hashes(columns: Sequence[pa.Array], rows: int) -> Hashes:
    """A hash of all cells of each row, shape (rows,): equal rows have equal hashes, whatever block they came in.

    `columns`: canonical ones (see `delivery`). Each cell is folded in by two multiplications, whose high bits depend on
    all bits below, and between them a reversal of the bytes, so that high bits count too.
    """
    hashes = np.full(rows, _SEED)
    listed = [_bits(column) for column in columns]
    for begin in range(0, rows, _ROWS):
        part = hashes[begin : begin + _ROWS]
        for bits in listed:
            _fold(part, bits[begin : begin + _ROWS])
        part ^= part >> np.uint64(32)
        part *= _FIRST
    return hashes


def _fold(hashes: Hashes, bits: Hashes) -> None:
    np.bitwise_xor(hashes, bits, out=hashes)
    np.multiply(hashes, _FIRST, out=hashes)
    hashes.byteswap(inplace=True)
    np.multiply(hashes, _SECOND, out=hashes)


def _bits(column: pa.Array) -> Hashes:
    """Each cell as 64 bits, shape (rows,)."""
    kind = column.type
    if types.is_null(kind):
        return np.full(len(column), _MISSING)
    if types.is_dictionary(kind):
        known = np.append(_bits(column.dictionary), _MISSING)
        return np.asarray(known[np.asarray(column.indices.fill_null(len(known) - 1))])
    if types.is_string(kind):
        bits = _of_texts(column)
    else:
        whole = column.cast(pa.int8()) if types.is_boolean(kind) else column
        whole = whole.view(pa.int64()) if types.is_timestamp(kind) else whole
        values = np.asarray(whole.fill_null(0) if whole.null_count else whole)
        bits = (values if values.itemsize == 8 else values.astype(np.int64)).view(np.uint64)
    return np.where(np.asarray(column.is_valid()), bits, _MISSING) if column.null_count else bits


def _of_texts(texts: pa.StringArray) -> Hashes:
    """The bytes of each text, eight at a time."""
    starts, sizes, data = text_bytes(texts)
    hashes = sizes.astype(np.uint64)
    padded = np.append(data, np.zeros(8, dtype=np.uint8))
    words = np.ndarray(shape=(len(data) + 1,), dtype="<u8", buffer=padded.data, strides=(1,))
    at, word = np.flatnonzero(sizes), 0
    while len(at):
        rest = sizes[at] - word
        part = hashes[at]
        _fold(part, words[starts[at] + word] & _ENDS[np.minimum(rest, 8)])
        hashes[at] = part
        at, word = at[rest > 8], word + 8
    return hashes
