"""A few rows of each slice, as they came: those with the smallest hashes, so that samples of shards add up to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.delivery.fingerprint import Hashes, row_hashes
from watchkeeper.model import Role, Type
from watchkeeper.profiles.addition import Addition
from watchkeeper.profiles.cells import whole
from watchkeeper.profiles.edges import Edges

Ints = NDArray[np.int64]
Places = NDArray[np.intp]

ROWS = 32
"""Rows kept of a slice: a column's sample has an eighth of the size of its 256 bins, however many slices there are."""
LONGEST = 256
"""Characters kept of a text."""

_ARROW = {
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.BOOLEAN: pa.bool_(),
    Type.STRING: pa.string(),
    Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}
_MOST = np.uint64(2**64 - 1)
_LISTED = {
    Type.INTEGER: "sample_whole",
    Type.NUMBER: "sample_number",
    Type.BOOLEAN: "sample_whole",
    Type.STRING: "sample_text",
    Type.TIMESTAMP: "sample_whole",
}
STORED = {
    "sample_hash": pa.list_(pa.uint64()),
    "sample_whole": pa.list_(pa.int64()),
    "sample_number": pa.list_(pa.float64()),
    "sample_text": pa.list_(pa.string()),
}
"""What holds a sample in a profile file: in the row of a slice and a column a list of the column's cells; in the row
of a slice alone the hashes. Times are microseconds since 1970, truth values 0 and 1."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The rows with the smallest hashes of each slice: a uniform sample of its distinct ids, up to `ROWS` of them.

    A row's hash is that of its id, or, where it has none, of all of its cells. Rows with one id count once: the one
    whose cells have the smallest hash is kept. So the sample of all rows is that of the samples of any parts.
    """

    at: Ints
    """The slice that each row belongs to, ascending, shape (rows,)."""
    hashes: Hashes
    """Ascending within a slice, shape (rows,)."""
    rows: pa.Table
    """All columns that are read, save personal ones (`pii: true`); longer texts are cut."""

    @property
    def types(self) -> dict[str, Type]:
        """The type of each column."""
        kinds = dict(zip(_ARROW.values(), _ARROW, strict=True))
        return {field.name: kinds[field.type] for field in self.rows.schema}

    @staticmethod
    def summed(parts: Sequence[Sample], adding: Addition) -> Sample | None:
        """The sample of all rows together.

        A column that one part lacks is left out, so that what was once declared personal stays so; None where no column
        is left.
        """
        tables = [part.rows for part in parts]
        if any(table.schema != tables[0].schema for table in tables):
            shared = set.intersection(*({(field.name, field.type) for field in table.schema} for table in tables))
            names = [field.name for field in tables[0].schema if (field.name, field.type) in shared]
            if not names:
                return None
            tables = [table.select(names) for table in tables]
        at = np.concatenate([slot[part.at] for part, slot in zip(parts, adding.slots, strict=True)])
        hashes = np.concatenate([part.hashes for part in parts])
        return _settled(np.flatnonzero(at >= 0), at, hashes, pa.concat_tables(tables))

    def of(self, place: int) -> pa.Table:
        """The rows of one slice."""
        begin, end = np.searchsorted(self.at, (place, place + 1)).tolist()
        return self.rows.slice(begin, end - begin)


def listed(sample: Sample, name: str | None, slices: int) -> dict[str, pa.Array]:
    """One column's cells, or without a name the hashes, as a list a slice: what `STORED` describes."""
    offsets = pa.array(np.searchsorted(sample.at, np.arange(slices + 1)), pa.int32())
    if name is None:
        return {"sample_hash": pa.ListArray.from_arrays(offsets, pa.array(sample.hashes))}
    if name not in sample.rows.column_names:
        return {}
    cells, stored = whole(sample.rows[name]), _LISTED[sample.types[name]]
    return {stored: pa.ListArray.from_arrays(offsets, cells.cast(STORED[stored].value_type))}


def unlisted(parts: Mapping[str | None, pa.Table], types: Mapping[str, Type]) -> Sample:
    """The inverse of `listed`: `parts` has the rows of a profile file by column, `types` those columns to look for."""
    hashes = whole(parts[None]["sample_hash"])
    cells = {name: whole(parts[name][_LISTED[kind]]).flatten().cast(_ARROW[kind]) for name, kind in types.items()}
    at = np.repeat(np.arange(len(hashes)), np.asarray(pc.list_value_length(hashes)))
    return Sample(at, np.asarray(hashes.flatten()), pa.table(cells))


def draw(edges: Edges, table: pa.Table, order: Ints | None, at: Ints, slices: int) -> Sample | None:
    """The sample of one block; see `drawn`."""
    return drawn(edges, table, order, at, slices, hashed(edges, table, order))


def hashed(edges: Edges, table: pa.Table, order: Ints | None) -> Hashes | None:
    """The hashes of the rows that count, in `order`; None where there is no column that a sample may keep."""
    block = _block(edges, table)
    if not block:
        return None
    hashes = _hashes(block, len(table), next((name for name in block if edges.roles.get(name) is Role.ID), None))
    return hashes if order is None else hashes[order]


def drawn(
    edges: Edges, table: pa.Table, order: Ints | None, at: Ints, slices: int, hashes: Hashes | None
) -> Sample | None:
    """The sample of one block; None where there is no column to keep.

    `order`: the rows that count, sorted by slice, None for all as they are; `at`: the slice of each of them; `hashes`:
    as `hashed` gives them.
    """
    kinds = _kinds(edges)
    if hashes is None:
        return None
    if not len(at):
        return Sample(at, np.empty(0, dtype=np.uint64), pa.schema(kinds).empty_table())
    block = _block(edges, table)

    def rows(places: Places) -> pa.Table:
        taken = pa.table(block).take(pa.array(places if order is None else order[places]))
        columns = zip(taken.columns, kinds.values(), strict=True)
        return pa.table([_kept(column, kind) for column, kind in columns], names=list(kinds))

    chosen = _near(at, hashes, slices, lambda places: _content(rows(places)))
    return Sample(at[chosen], hashes[chosen], rows(chosen))


def _kinds(edges: Edges) -> dict[str, pa.DataType]:
    return {name: _ARROW[kind] for name, kind in edges.types.items() if name not in edges.personal}


def _block(edges: Edges, table: pa.Table) -> dict[str, pa.Array]:
    given = dict(zip(table.column_names, table.columns, strict=True))
    return {name: _canonical(given.get(name), kind, len(table)) for name, kind in _kinds(edges).items()}


def _canonical(column: pa.ChunkedArray | None, kind: pa.DataType, rows: int) -> pa.Array:
    """A column as an array of its type; dictionaries stay."""
    if column is None:
        return pa.nulls(rows, kind)
    array = whole(column)
    return array if array.type == kind or pa.types.is_dictionary(array.type) else array.cast(kind, safe=False)


def _kept(cells: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Cells as a sample has them: without dictionary, and texts not too long."""
    plain = cells if cells.type == kind else cells.cast(kind)
    return pc.utf8_slice_codeunits(plain, 0, LONGEST) if pa.types.is_string(kind) else plain


def _hashes(block: Mapping[str, pa.Array], rows: int, id: str | None) -> Hashes:
    if id is None:
        return row_hashes(list(block.values()), rows)
    known = row_hashes([block[id]], rows)
    if not block[id].null_count:
        return known
    return np.where(np.asarray(block[id].is_valid()), known, row_hashes(list(block.values()), rows))


def _content(rows: pa.Table) -> Hashes:
    return row_hashes([whole(column) for column in rows.columns], len(rows))


def _near(at: Ints, hashes: Hashes, slices: int, content: Callable[[Places], Hashes]) -> Places:
    """What `_smallest` gives, without sorting all: only hashes below a limit that twice as many rows should meet."""
    rows = np.bincount(at, minlength=slices).astype(np.uint64)
    limit = np.full(slices, _MOST)
    crowded = rows > 4 * ROWS
    limit[crowded] = _MOST // rows[crowded] * np.uint64(2 * ROWS)
    while True:
        near = np.flatnonzero(hashes <= limit[at])
        chosen = near[_smallest(at[near], hashes[near], partial(_among, content, near))]
        short = (np.bincount(at[chosen], minlength=slices) < ROWS) & (limit < _MOST)
        if not short.any():
            return chosen
        limit[short] = np.where(limit[short] > _MOST // 8, _MOST, limit[short] * np.uint64(8))


def _among(content: Callable[[Places], Hashes], near: Places, places: Places) -> Hashes:
    return content(near[places])


def _settled(places: Places, at: Ints, hashes: Hashes, rows: pa.Table) -> Sample:
    """The sample of those `rows` that `places` name."""
    chosen = places[_smallest(at[places], hashes[places], lambda tied: _content(rows.take(pa.array(places[tied]))))]
    same = len(chosen) == len(rows) and bool((np.diff(chosen) == 1).all())
    return Sample(at[chosen], hashes[chosen], rows if same else rows.take(pa.array(chosen)).combine_chunks())


def _smallest(at: Ints, hashes: Hashes, content: Callable[[Places], Hashes]) -> Places:
    """Where the `ROWS` smallest distinct hashes of each slice are, by slice and hash.

    `content` gives the hash of all cells of those rows that share slice and hash; the row with the smallest is kept.
    """
    order = np.lexsort((hashes, at))
    again = (np.diff(at[order]) == 0) & (np.diff(hashes[order]) == 0)
    if again.any():
        tied = np.zeros(len(order), dtype=bool)
        tied[1:] |= again
        tied[:-1] |= again
        inner = np.zeros(len(order), dtype=np.uint64)
        inner[order[tied]] = content(order[tied])
        order = np.lexsort((inner, hashes, at))
    order = order[np.append(np.ones(min(1, len(order)), dtype=bool), ~again)]
    rank = np.arange(len(order)) - np.searchsorted(at[order], at[order])
    return np.asarray(order[rank < ROWS])
