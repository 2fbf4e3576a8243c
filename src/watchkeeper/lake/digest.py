"""Hashes by which events are told apart: of their ids, and of what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.delivery.fingerprint import row_hashes, scattered
from watchkeeper.lake.naming import column_of

Hashes = NDArray[np.uint64]

_UNSAID = frozenset({"received", "day", "digest"})
"""Columns that say how an event came, not what it is."""


def id_hashes(ids: pa.Array | pa.ChunkedArray | Iterable[str]) -> Hashes:
    """128 bits of each id, shape (n, 2): nobody can make two ids that share them (BLAKE2b)."""
    texts = ids.to_pylist() if isinstance(ids, pa.Array | pa.ChunkedArray) else list(ids)
    digests = b"".join([blake2b(text.encode(), digest_size=16).digest() for text in texts])
    return np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)


def content_hashes(events: pa.Table) -> NDArray[np.int64]:
    """64 bits of what each event says, shape (rows,): the same whatever columns a table has that an event lacks.

    Each value is hashed with its column's name; the hashes are added up, so that no order matters.
    """
    total = np.zeros(events.num_rows, dtype=np.uint64)
    for name in events.column_names:
        if name not in _UNSAID:
            for path, cells in _leaves(name, _whole(events[name])):
                total += _hashed(path, cells)
    return total.view(np.int64)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _leaves(path: str, cells: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    if not pa.types.is_struct(cells.type):
        yield path, cells
        return
    for place, child in enumerate(cells.flatten()):
        yield f"{path}/{column_of(cells.type.field(place).name)}", child


def _hashed(path: str, cells: pa.Array) -> Hashes:
    if cells.null_count == len(cells):
        return np.zeros(len(cells), dtype=np.uint64)
    seed = int.from_bytes(blake2b(path.encode(), digest_size=8).digest(), "little")
    if pa.types.is_map(cells.type):
        return _of_maps(cells, seed)
    hashes = scattered(row_hashes([cells], len(cells), seed))
    return np.where(np.asarray(cells.is_valid()), hashes, np.uint64(0)) if cells.null_count else hashes


def _of_maps(maps: pa.MapArray, seed: int) -> Hashes:
    offsets = np.asarray(maps.offsets)
    first, last = int(offsets[0]), int(offsets[-1])
    keys, items = maps.keys[first:last], maps.items[first:last]
    sums = np.append(np.uint64(0), np.cumsum(scattered(row_hashes([keys, items], last - first, seed))))
    return np.asarray(sums[offsets[1:] - first] - sums[offsets[:-1] - first], dtype=np.uint64)
