"""Reads files and tables whose columns have types: Parquet, Arrow IPC (Feather), and what offers an Arrow stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from watchkeeper.delivery.container import Format, too_large
from watchkeeper.delivery.limit import MIB, Limits
from watchkeeper.delivery.piece import Piece
from watchkeeper.delivery.rejection import Rejection
from watchkeeper.delivery.schema import doubled
from watchkeeper.delivery.source import NotData, Place, Unreadable, one_column
from watchkeeper.delivery.wording import column, plain
from watchkeeper.model.error import WatchkeeperError

_ROWS, _BATCH = 131_072, 256 * MIB
"""The most rows, and about the most bytes, that are read at once."""
_END = b"\xff\xff\xff\xff\0\0\0\0"
"""What ends an Arrow stream (columnar format, "IPC Streaming Format")."""
_ORIGIN = b"watchkeeper.cells"
"""The schema's key under which a file says that its text is that of a CSV file (`csv`) or of JSON lines (`json`)."""
_MICRO = pa.timestamp("us")
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
_AT_FAULT = re.compile(r"column (.+?) with type (\w+)")


@dataclass(frozen=True)
class ColumnarReader:
    """Reads one delivery whose columns have types."""

    name: str
    schema: pa.Schema
    batches: Callable[..., Iterator[pa.RecordBatch]]
    """(columns, rows at a time) -> batches. Raises `Rejection` where the file is damaged."""
    limits: Limits
    rows: int | None = None
    """How many rows there are, where that is known without reading them."""
    lexical: bool = False
    empty_is_null: bool = False
    grouped: bool = False
    """Whether `batches` takes a `span` too, and leaves out groups of rows that lie outside it (Parquet)."""

    @property
    def names(self) -> Sequence[str]:
        """The columns, in the file's order."""
        return list(self.schema.names)

    def pieces(self, columns: Sequence[str] | None) -> Iterator[Callable[[], Piece]]:
        """The rows, in order; decoding is parallel inside Arrow."""
        chosen = set(self.names if columns is None else columns)
        wanted = [name for name in self.names if name in chosen]
        size = max(min(_ROWS, self.limits.cells // max(len(wanted), 1)), 1)
        try:
            for batch in self.batches(wanted or list(self.names[:1]), size):
                for start in range(0, batch.num_rows, size):
                    part = batch.slice(start, size)
                    table = pa.Table.from_batches([part])
                    yield partial(Piece, part.num_rows, np.arange(part.num_rows), table)
        except Rejection as damaged:
            fault = damaged
            nothing = self.schema.empty_table().select(wanted)
            yield lambda: Piece(0, np.empty(0, dtype=np.int64), nothing, stop=lambda _: fault)

    def within(self, time: str, span: tuple[int, int]) -> ColumnarReader:
        """The same without groups of rows whose times are known to lie outside `span`, microseconds since 1970."""
        return replace(self, batches=partial(self.batches, span=(time, *span))) if self.grouped else self


def of_text(*, csv: bool) -> dict[bytes, bytes]:
    """What a file of good rows says of itself if they came as text: every cell is kept as it was written."""
    return {_ORIGIN: b"csv" if csv else b"json"}


def _as_text(reader: ColumnarReader) -> ColumnarReader:
    """The reader of a file whose cells came as text (see `of_text`): they are read as in the file they came from."""
    origin = (reader.schema.metadata or {}).get(_ORIGIN)
    if origin is None or not all(map(pa.types.is_string, reader.schema.types)):
        return reader  # somebody has given its columns types since
    return replace(reader, lexical=True, empty_is_null=origin == b"csv")


def open_columnar(place: Place, format: Format, limits: Limits, dictionaries: Sequence[str]) -> ColumnarReader:
    """Look at a Parquet or Arrow file. `dictionaries`: text columns to be read as codes. Raises `Rejection`."""
    if format is Format.PARQUET:
        return _open_parquet(place, limits, dictionaries)
    with _explained(place.name, format), place.open() as file, _ipc(file) as reader:
        schema = reader.schema
    return _as_text(ColumnarReader(place.name, schema, partial(_ipc_batches, place, limits), limits))


def open_table(source: Any, name: str, limits: Limits) -> ColumnarReader:
    """Take a table in memory: anything with `__arrow_c_stream__`. A stream that can be read once is held in memory.

    Raises `Rejection` where its columns can't be Arrow's; `NotData`, `Unreadable` where it is no table.
    """
    try:
        source = _dense(source)
        table = source.read_all() if isinstance(source, pa.RecordBatchReader) else pa.table(_Stream(source))
    except (
        pa.ArrowInvalid,
        pa.ArrowTypeError,
        pa.ArrowNotImplementedError,
        ValueError,
        TypeError,
        OverflowError,
    ) as wrong:
        words = plain(" ".join(str(part) for part in wrong.args), 200)
        raise _refused(source, name, words) from wrong
    table = table.select([i for i, label in enumerate(table.column_names) if not _PANDAS_INDEX.fullmatch(label)])

    place = {label: i for i, label in enumerate(table.column_names)}

    def batches(columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        chosen = table.select([place[label] for label in columns])
        yield from chosen.to_batches(max_chunksize=rows)

    return _as_text(ColumnarReader(name, table.schema, batches, limits, table.num_rows))


@dataclass(frozen=True)
class _Stream:
    """An Arrow stream, asked for in the one way that all libraries understand."""

    source: Any

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.source.__arrow_c_stream__()


def _dense(source: Any) -> Any:
    """A data frame without sparse columns, which Arrow does not take; anything else as it is."""
    kinds: Any = getattr(source, "dtypes", None)
    if kinds is None or not hasattr(source, "astype") or not hasattr(kinds, "items"):
        return source
    sparse = {label: kind.subtype for label, kind in kinds.items() if type(kind).__name__ == "SparseDtype"}
    return source.astype(sparse) if sparse and source.columns.is_unique else source


def _refused(source: Any, name: str, words: str) -> WatchkeeperError:
    """What Arrow's `words` mean of a table that it can't take: a fault of the data, if a column is at fault."""
    if "describes non-struct" in words:
        return NotData(one_column(source))
    labels = [str(label) for label in getattr(source, "columns", ())]
    if twice := doubled(name, labels):
        return Rejection("duplicate_column", twice[0].message, twice[0].remedy, *twice[0].columns)
    advice = "Convert it first, for example with .astype(str)."
    if found := _AT_FAULT.search(words):
        label, kind = found[1], found[2]
        mixed = kind in ("object", "category")
        what = "mixes types, so it has no Arrow type" if mixed else f"is of type {kind}, which Arrow does not have"
        return Rejection("type", f"{name}: the column {column(label)} {what}.", advice, label)
    if "too large to convert" in words or "too big to convert" in words:
        label = next((label for label in labels if _is_too_wide(source, label)), "")
        what = f"the column {column(label)}" if label else "a column"
        where = [label] if label else []
        return Rejection("type", f"{name}: {what} holds whole numbers beyond 64 bits.", advice, *where)
    if "format string" in words:
        what = f"a column has a type that Arrow does not know ({words})"
        return Rejection("type", f"{name}: {what}.", "Convert it to text or a smaller number first.")
    what = f"{name}: this can't be read as a table ({words})."
    return Unreadable(f"{what} Give a pandas, Polars or Arrow table, or a DuckDB relation.")


def _is_too_wide(source: Any, label: str) -> bool:
    try:
        pa.array(source[label])
    except OverflowError:
        return True
    except (pa.ArrowException, KeyError, TypeError):
        pass  # something else is wrong with it, or its name is no text
    return False


def _open_parquet(place: Place, limits: Limits, dictionaries: Sequence[str]) -> ColumnarReader:
    with _explained(place.name, Format.PARQUET), place.open() as file, pq.ParquetFile(file) as opened:
        schema, metadata = opened.schema_arrow, opened.metadata
        coded = () if _ORIGIN in (schema.metadata or {}) else dictionaries
        textual = [field.name for field in schema if field.name in coded and _is_text(field.type)]
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    total = sum(group.total_byte_size for group in groups)
    if total > limits.most_bytes(place.stamp()[0]):
        raise too_large(place, limits)
    most = max(_BATCH * metadata.num_rows // max(total, 1), 1)
    batches = partial(_parquet_batches, place, textual, most)
    return _as_text(ColumnarReader(place.name, schema, batches, limits, metadata.num_rows, grouped=True))


def _parquet_batches(
    place: Place,
    textual: list[str],
    most: int,
    columns: Sequence[str],
    rows: int,
    span: tuple[str, int, int] | None = None,
) -> Iterator[pa.RecordBatch]:
    coded = [name for name in textual if name in columns]
    size = min(rows, most)
    with (
        _explained(place.name, Format.PARQUET),
        place.open() as file,
        pq.ParquetFile(
            file, read_dictionary=coded, page_checksum_verification=True, pre_buffer=not place.is_local
        ) as opened,
    ):
        for group in range(opened.num_row_groups):  # asked for all at once, Arrow keeps the bytes of each to the end
            if span is not None and _outside(opened.metadata.row_group(group), opened.schema_arrow, *span):
                continue
            yield from opened.iter_batches(batch_size=size, row_groups=[group], columns=list(columns), use_threads=True)


def _outside(group: Any, schema: pa.Schema, time: str, start: int, end: int) -> bool:
    """Whether a row group says of itself that all of its times lie before `start`, or at `end` and later."""
    chunks = (group.column(i) for i in range(group.num_columns))
    told = next((chunk.statistics for chunk in chunks if chunk.path_in_schema == time), None)
    if told is None or not told.has_min_max or not pa.types.is_timestamp(schema.field(time).type):
        return False
    least, most = (pa.scalar(v, schema.field(time).type).cast(_MICRO, safe=False).value for v in (told.min, told.max))
    return bool(most < start or least >= end)


def _ipc_batches(place: Place, limits: Limits, columns: Sequence[str], _: int) -> Iterator[pa.RecordBatch]:
    most, total = limits.most_bytes(place.stamp()[0]), 0
    with _explained(place.name, Format.ARROW), place.open() as file, _ipc(file) as reader:
        for batch in _batches_of(reader, file, place.name):
            total += batch.get_total_buffer_size()
            if total > most:
                raise too_large(place, limits)
            yield batch.select(list(columns))


def _batches_of(reader: Any, file: Any, name: str) -> Iterator[pa.RecordBatch]:
    """All batches. Raises `Rejection` where a stream stops without its end marker: there may have been more."""
    if hasattr(reader, "get_batch"):
        for i in range(reader.num_record_batches):
            yield reader.get_batch(i)
        return
    behind = file.tell()
    for batch in reader:
        yield batch
        behind = file.tell()
    file.seek(behind)
    rest = file.read(len(_END) + 1)
    if rest == _END:
        return
    goes_on = rest.startswith(_END)
    raise Rejection(
        "container",
        f"{name}: the Arrow stream goes on behind its end marker, where no reader finds it."
        if goes_on
        else f"{name}: the Arrow stream is cut off: it stops without the end marker that a whole one has.",
        "Ask the sender to write it as one stream, or in Arrow's file format; nothing was loaded."
        if goes_on
        else "Ask the sender to close the writer and deliver it again; nothing was loaded.",
    )


def _ipc(file: Any) -> Any:
    """A reader of the file or the streaming form."""
    is_file = file.read(6) == b"ARROW1"
    file.seek(0)
    return pa.ipc.open_file(file) if is_file else pa.ipc.open_stream(file)


@contextmanager
def _explained(name: str, format: Format) -> Iterator[None]:
    """Turn what Arrow says of a damaged file into a `Rejection`."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as wrong:
        raise Rejection(
            "container",
            f"{name} is no whole {format} file: it is damaged or cut off ({plain(str(wrong), 160)}).",
            "Ask the sender to deliver it again; nothing was loaded.",
        ) from wrong


def _is_text(type: pa.DataType) -> bool:
    return bool(pa.types.is_string(type) or pa.types.is_large_string(type))
