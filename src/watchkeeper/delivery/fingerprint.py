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
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_GOLDEN, _FIRST, _SECOND = (np.uint64(x) for x in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_MISSING = np.uint64(0xD6E8FEB86659FD93)
_ROWS = 16_384
"""Rows hashed at a time: few enough for the processor's cache."""
_ENDS = np.array([2 ** (8 * size) - 1 for size in range(9)], dtype=np.uint64)
"""What is left of a word of eight bytes of which the first `size` count."""


def mixed(numbers: Hashes) -> Hashes:
    """Numbers in a row, or others, scattered over 64 bits, one to one.

    Source: Steele, Lea, Flood (2014), SplitMix64.
    """
    return scattered(numbers + _GOLDEN)


def scattered(hashes: Hashes) -> Hashes:
    """The last step of `mixed`: each bit depends on all others, one to one. 0 stays 0."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * _FIRST
    hashes = (hashes ^ (hashes >> np.uint64(27))) * _SECOND
    return hashes ^ (hashes >> np.uint64(31))


def row_hashes(columns: Iterable[pa.Array], rows: int, seed: int = 0) -> Hashes:
    """A hash of all cells of each row, shape (rows,): equal rows have equal hashes, whatever block they came in.

    A missing value differs from every other. Each cell is folded in by two multiplications, whose high bits depend on
    all bits below, and between them a reversal of the bytes, so that high bits count too. `seed`: hashes that collide
    by one do not by another.
    """
    salt = scattered(np.array([seed], dtype=np.uint64))
    hashes = np.full(rows, _SECOND ^ salt[0])
    listed = [_words(column, salt) for column in columns]
    for begin in range(0, rows, _ROWS):
        part = hashes[begin : begin + _ROWS]
        for words in listed:
            _fold(part, words[begin : begin + _ROWS])
        part ^= part >> np.uint64(32)
        part *= _GOLDEN
    return hashes


def text_bytes(texts: pa.StringArray) -> tuple[Ints, Ints, Bytes]:
    """Where each text begins in the UTF-8 bytes of all, how many bytes it has, both of shape (n,), and the bytes."""
    if not len(texts):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint8)
    _, offset_buffer, data = texts.buffers()
    narrow = np.frombuffer(offset_buffer, dtype=np.int32, count=len(texts) + 1, offset=4 * texts.offset)
    offsets = narrow.astype(np.int64)
    begin, end = int(offsets[0]), int(offsets[-1])
    text = np.frombuffer(data, dtype=np.uint8)[begin:end] if end > begin else np.empty(0, dtype=np.uint8)
    return offsets[:-1] - begin, offsets[1:] - offsets[:-1], text


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


def _fold(hashes: Hashes, words: Hashes) -> None:
    np.bitwise_xor(hashes, words, out=hashes)
    np.multiply(hashes, _GOLDEN, out=hashes)
    hashes.byteswap(inplace=True)
    np.multiply(hashes, _FIRST, out=hashes)


def _words(column: pa.Array, salt: Hashes) -> Hashes:
    """Each cell as 64 bits, shape (rows,)."""
    kind = column.type
    if types.is_null(kind):
        return np.full(len(column), _MISSING)
    if types.is_dictionary(kind):
        known = np.append(_words(column.dictionary, salt), _MISSING)
        return np.asarray(known[np.asarray(column.indices.fill_null(len(known) - 1))])
    if types.is_string(kind) or types.is_binary(kind):
        words = _of_texts(column, salt)
    elif (types.is_primitive(kind) or types.is_timestamp(kind)) and not types.is_decimal(kind):
        words = _of_fixed_width(column)
    else:
        return _words(as_text(column), salt)
    return np.where(np.asarray(column.is_valid()), words, _MISSING) if column.null_count else words


def _of_fixed_width(column: pa.Array) -> Hashes:
    if types.is_boolean(column.type):
        column = column.cast(pa.int8())
    elif types.is_temporal(column.type):
        column = column.view(pa.int32() if column.type.bit_width == 32 else pa.int64())
    values = np.asarray(column.fill_null(0) if column.null_count else column)
    if values.dtype.kind == "f":
        return values.astype(np.float64, copy=False).view(np.uint64)
    return values.astype(np.uint64 if values.dtype.kind == "u" else np.int64, copy=False).view(np.uint64)


def _of_texts(texts: pa.StringArray, salt: Hashes) -> Hashes:
    """The bytes of each text, eight at a time."""
    starts, sizes, data = text_bytes(texts)
    hashes = sizes.astype(np.uint64) ^ salt
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
