"""Rows to infer a model from: text as it stands, or values as they are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.delivery import schema, wording
from watchkeeper.delivery.columnar import ColumnarReader, open_columnar, open_table
from watchkeeper.delivery.container import Format, container, unpacked
from watchkeeper.delivery.json_lines import JsonReader
from watchkeeper.delivery.layout import doubts
from watchkeeper.delivery.limit import Limits
from watchkeeper.delivery.opening import open_text
from watchkeeper.delivery.partition import partitioned, shared
from watchkeeper.delivery.piece import Reader
from watchkeeper.delivery.pipeline import ahead
from watchkeeper.delivery.rejection import Rejection
from watchkeeper.delivery.rows_out import unique_names
from watchkeeper.delivery.sniff import sniff, sniff_encoding
from watchkeeper.delivery.source import Place, Unreadable, expand, is_table, locate
from watchkeeper.model.declaration import TextFormat
from watchkeeper.model.infer_type import BAD_SHARE
from watchkeeper.model.wide import is_wide

CELLS = 50_000_000
"""The most cells of a sample, however many columns there are."""
_CELL_LIMIT = 65_536


@dataclass(frozen=True)
class RawSample:
    """Some rows, spread evenly over the files."""

    table: pa.Table
    """Text columns, null for empty cells, if `lexical`; else the physical types."""
    lexical: bool
    text: TextFormat
    """How text files are written, as far as can be told; the default for typed formats."""
    rows: int = 0
    """How many rows there are in all."""
    doubts: tuple[str, ...] = ()
    """What makes one doubt that the files were read as they were meant, as sentences."""
    foldered: tuple[str, ...] = ()
    """Columns that stand in the names of folders, so that each file holds one value of them."""


def raw_sample(sources: Any, rows: int = 200_000) -> RawSample:
    """Up to `rows` rows of `sources` (see `expand`). Raises `WatchkeeperError` where one can't be read."""
    listed, limits = expand(sources), Limits()
    foldered = shared(listed)
    parts: list[pa.Table] = []
    text: TextFormat | None = None
    doubted: tuple[str, ...] = ()
    first: frozenset[str] = frozenset()
    unlike: list[str] = []
    lexical, total = False, 0
    nested: Counter[str] = Counter()
    for number, source in enumerate(listed):
        reader, size, text = _open(source, limits, text, foldered)
        if number and reader.lexical is not lexical:
            raise Unreadable("text files and files with types are mixed. Give files of one kind.")
        lexical = reader.lexical
        share = rows * (number + 1) // len(listed) - rows * number // len(listed)
        many = min(share, CELLS // max(len(reader.names), 1) // len(listed) + 1)
        tables, rows_here = _spread(reader, size, many, limits, nested)
        parts, total = parts + tables, total + rows_here
        if not number and tables:
            cells = pa.concat_tables(tables, promote_options="default")
            names = cells.column_names if isinstance(reader, JsonReader) else list(reader.names)
            doubted = (*doubts(reader.name, names, cells, text), *_not_read(foldered, names))
        if number and first.isdisjoint(reader.names):
            unlike.append(reader.name)
        first = first or frozenset(reader.names)
    try:
        table = pa.concat_tables(parts, promote_options="permissive") if parts else pa.table({})
    except (pa.ArrowTypeError, pa.ArrowInvalid) as wrong:
        raise Unreadable(
            f"the files do not have the same columns and types ({wrong}). Give files of one kind."
        ) from wrong
    for name, held in nested.items():
        if held > BAD_SHARE * (len(table[name]) - table[name].null_count):
            table = table.set_column(table.column_names.index(name), name, pa.nulls(len(table), pa.struct([])))
    if unlike:
        doubted = (*doubted, _unlike(unlike))
    return RawSample(table, lexical, text or TextFormat(), total, doubted, tuple(foldered))


def _unlike(names: Sequence[str]) -> str:
    """What is said of files that share no column with the first."""
    return (
        f"{wording.listed(names, 3)}: no column has the name of one in the first file, so no file can have all columns "
        "of this model. Infer a model of each kind of file by itself."
    )


def _not_read(foldered: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """What is said of columns that stand in the names of folders and are not read from there."""
    if lost := [name for name in foldered if name not in names]:
        yield (
            f"{wording.columns(lost)} {'stands' if len(lost) == 1 else 'stand'} in the names of the folders alone, "
            "which is read of Parquet and Arrow files and not of text. Write such columns into the files."
        )


def _open(
    source: Any, limits: Limits, known: TextFormat | None, foldered: Sequence[str]
) -> tuple[Reader, int, TextFormat | None]:
    """A reader, its size (bytes of text, or rows), and how text is written.

    `known`: how the files before it are written. `foldered`: columns that stand in the names of folders.
    """
    if is_table(source):
        table = open_table(source, "table", limits)
        return _sound(table), table.rows or 0, None
    place: Place = locate(source)
    found = container(place, limits)
    if found.format in (Format.PARQUET, Format.ARROW):
        typed = partitioned(open_columnar(place, found.format, limits, ()), place.path, dict.fromkeys(foldered))
        return _sound(typed), typed.rows if typed.rows is not None else _rows(typed), None
    if known is not None:
        text = known
    else:
        start = b""
        for piece in unpacked(place, found.packing, limits):
            start += piece
            if len(start) >= limits.block:
                break
        text = (
            TextFormat(encoding=sniff_encoding(start))
            if found.format is Format.JSON
            else sniff(start, "\t" if found.tabs else None)
        )
    reader = open_text(place, found.format, found.packing, text, limits, _CELL_LIMIT, None).reader
    size = place.stamp()[0] if found.packing is None else sum(map(len, unpacked(place, found.packing, limits)))
    return _sound(reader), size, text


def _sound(reader: Reader) -> Reader:
    """Raise `Rejection` where two columns have one name."""
    for violation in schema.doubled(reader.name, reader.names):
        raise Rejection(violation.check, violation.message, violation.remedy, *violation.columns)
    return reader


def _rows(reader: ColumnarReader) -> int:
    return sum(task().count for task in reader.pieces(reader.names[:1]))


def _copied(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same cells in memory of their own: a slice would hold that of its whole piece."""
    try:
        return column.take(pa.array(np.arange(len(column))))
    except pa.ArrowNotImplementedError:  # a type that Arrow can't copy from yet, such as a view
        return column


def _spread(reader: Reader, total: int, share: int, limits: Limits, nested: Counter[str]) -> tuple[list[pa.Table], int]:
    """About `share` rows: of each piece the first few, as many as its part of `total` asks for; and how many there are.

    With them come the rows that hold the extremes of whole numbers which may be too wide: these decide the type.
    `nested` counts the cells of each column that hold an object or array (JSON lines).
    """
    kept: list[pa.Table] = []
    taken = 0
    for piece in ahead(reader.pieces(None), limits.workers):
        if piece.stop is not None:
            raise piece.stop(taken + piece.count + 1)
        size = len(piece.originals.data) if piece.originals is not None else piece.count
        keep = -(-share * size // max(total, 1))
        cells = pa.concat_tables([piece.cells.slice(0, max(keep, 1)), *_widest(piece.cells, max(keep, 1))])
        cells = pa.table([_copied(column) for column in cells.columns], names=cells.column_names)
        taken += piece.count
        nested.update({name: int(held[: max(keep, 1)].sum()) for name, held in piece.nested.items()})
        if reader.lexical and not reader.empty_is_null:
            cells = pa.table(
                [pc.if_else(pc.equal(column, ""), None, column) for column in cells.columns], names=cells.column_names
            )
        kept.append(cells.rename_columns(unique_names(cells.column_names)))
    return kept, taken


def _widest(cells: pa.Table, first: int) -> Iterator[pa.Table]:
    """The rows behind the `first` ones that hold the least and greatest of each number which may be too wide."""
    rest = cells.slice(first)
    for column in (column for column in rest.columns if is_wide(column.type) and column.null_count < len(column)):
        for end in pc.min_max(column).values():
            yield rest.slice(pc.index(column, end).as_py(), 1)
