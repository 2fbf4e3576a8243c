"""Reads CSV: rows that are broken are cut out, by exact number, and Arrow parses the rest."""

from __future__ import annotations

import codecs
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from watchkeeper.delivery import csv_scan
from watchkeeper.delivery.csv_scan import Quotes, Rows, Text
from watchkeeper.delivery.encoding import guess, is_text, is_utf8, sample
from watchkeeper.delivery.limit import MIB, Limits
from watchkeeper.delivery.piece import KEPT_VALUES, Bools, Fault, Ints, Originals, Piece
from watchkeeper.delivery.rejection import Rejection
from watchkeeper.delivery.wording import column, count, plain
from watchkeeper.model.declaration import TextFormat
from watchkeeper.model.error import WatchkeeperError


class UnknownDelimiter(WatchkeeperError):
    """The model declares a delimiter or quote that CSV can't be read with."""


@dataclass(frozen=True)
class CsvReader:
    """Reads one CSV file."""

    name: str
    stream: Callable[[], Iterator[bytes]]
    """Begins to read the file anew: pieces of UTF-8."""
    format: TextFormat
    limits: Limits
    cell_limit: int
    header: bytes
    """The first row as it stands; empty where the file has no header."""
    names: Sequence[str]
    lexical: bool = True
    empty_is_null: bool = True

    def pieces(self, columns: Sequence[str] | None) -> Iterator[Callable[[], Piece]]:
        """Tasks that each parse some rows."""
        wanted = list(range(len(self.names))) if columns is None else sorted(self.names.index(name) for name in columns)
        headed = bool(self.header)
        for text in csv_scan.texts(self.stream(), self.format.delimiter, self.format.quote, self.limits):
            rest = text
            if headed and text.data:
                rows = csv_scan.find_rows(text.data, text.quotes)
                headed = not len(rows)
                rest = _behind(text, int(rows.ends[0])) if len(rows) else Text(b"", Quotes())
            yield partial(_parse, self, rest, wanted or [0])


def open_csv(
    name: str,
    stream: Callable[[], Iterator[bytes]],
    format: TextFormat,
    limits: Limits,
    cell_limit: int,
    names: Sequence[str] | None,
) -> CsvReader:
    """Look at a CSV file's header. `names`: the columns' names, for files without a header. Raises `Rejection`."""
    for what, sign in (("delimiter", format.delimiter), ("quote", format.quote)):
        if sign is not None and (not sign.isascii() or sign in "\r\n\0"):
            raise UnknownDelimiter(f"text.{what} {plain(sign)!r} is not read: it must be one ASCII character. Correct the model.")
    for text in csv_scan.texts(stream(), format.delimiter, format.quote, limits):
        rows = csv_scan.find_rows(text.data, text.quotes) if text.data else None
        if rows is not None and len(rows):
            first = text.data[rows.starts[0] : rows.stops[0]]
            cells = split(first, format, name)
            if format.header:
                return CsvReader(name, stream, format, limits, cell_limit, first, cells)
            positions = tuple(f"column_{i + 1}" for i in range(len(cells)))
            return CsvReader(name, stream, format, limits, cell_limit, b"", tuple(names) if names is not None else positions)
        if text.fault is not None:
            raise _cut_off(name, text.fault, (), format, limits, 0)
    raise Rejection("empty_file", f"{name} holds no text: nothing but line ends.", "Ask the sender to deliver it again.")


def split(row: bytes, format: TextFormat, name: str) -> tuple[str, ...]:
    """The cells of a header. Raises `Rejection` where it is no text."""
    try:
        text = row.decode()
    except UnicodeDecodeError as wrong:
        raise Rejection(
            "encoding",
            f"{name} is not {format.encoding} as a whole: its first line already is not. It seems to be {guess(row)}.",
            "Ask the sender for UTF-8, or write the right encoding under `text` in the model.",
        ) from wrong
    if format.quote is None:
        return tuple(text.split(format.delimiter))
    divides = csv_scan.delimiters(row, format.delimiter, csv_scan.find_quotes(row, format.delimiter, format.quote, final=True))
    cells = csv_scan.cells_of(row, 0, len(row), divides)
    return tuple(csv_scan.unquoted(cell, format.quote).decode() for cell in cells)


def _behind(text: Text, at: int) -> Text:
    quotes = Quotes(text.quotes.marks[text.quotes.marks >= at] - at, text.quotes.junk[text.quotes.junk >= at] - at)
    return replace(text, data=text.data[at:], quotes=quotes)


def _parse(reader: CsvReader, text: Text, wanted: list[int]) -> Piece:
    """The rows of `text`: the broken ones told, the others parsed."""
    stop = None if text.fault is None else partial(_cut_off, reader.name, text.fault, reader.names, reader.format, reader.limits)
    rows = csv_scan.find_rows(text.data, text.quotes) if text.data else Rows(*[np.empty(0, dtype=np.int64)] * 3)
    state = _State(reader, text, rows)
    state.find_empty()
    state.find_junk()
    state.find_nul()
    state.find_not_text()
    table = state.arrow(wanted)
    if table is None:
        state.find_ragged()
        table = state.arrow(wanted)
        if table is None:
            raise RuntimeError(f"{reader.name}: Arrow and the scan of the rows do not agree")
    state.find_large()
    kept = rows[~state.empty]
    return Piece(
        count=len(kept),
        places=np.flatnonzero(~state.bad[~state.empty]),
        cells=table,
        faults=state.faults(),
        empty_lines=int(state.empty.sum()),
        multibyte=state.multibyte,
        not_text=state.not_text,
        originals=Originals(text.data, kept.starts, kept.stops, kept.ends),
        stop=stop,
    )


class _State:
    """What is known of the rows of one `Text` so far. Shapes (rows,)."""

    def __init__(self, reader: CsvReader, text: Text, rows: Rows) -> None:
        self.reader, self.text, self.rows = reader, text, rows
        self.delimiter, self.quote = reader.format.delimiter, reader.format.quote
        self.width = len(reader.names)
        self.empty: Bools = np.zeros(len(rows), dtype=bool)
        self.bad: Bools = np.zeros(len(rows), dtype=bool)
        self.multibyte = False
        self.not_text = b""
        self._found: list[Fault] = []
        self._divides: Ints | None = None

    @property
    def divides(self) -> Ints:
        if self._divides is None:
            self._divides = csv_scan.delimiters(self.text.data, self.delimiter, self.text.quotes)
        return self._divides

    def row(self, at: int) -> bytes:
        return self.text.data[self.rows.starts[at] : self.rows.stops[at]]

    def holding(self, places: Ints) -> Ints:
        """The rows that hold any of `places`."""
        return np.unique(np.searchsorted(self.rows.starts, places, side="right") - 1)

    def find_empty(self) -> None:
        lengths = self.rows.stops - self.rows.starts
        nothing = self.delimiter.encode() * (self.width - 1)
        if nothing:
            self.empty[[at for at in np.flatnonzero(lengths == len(nothing)) if self.row(at) == nothing]] = True

    def find_junk(self) -> None:
        if len(self.text.quotes.junk):
            rows = self.holding(self.text.quotes.junk)
            self.tell("broken_quote", "text after a closing quote", rows)

    def find_nul(self) -> None:
        if b"\0" in self.text.data:
            places = np.flatnonzero(np.frombuffer(self.text.data, dtype=np.uint8) == 0)
            self.tell_by_column("nul_byte", "a NUL byte", self.holding(places), lambda cell: b"\0" in cell)

    def find_not_text(self) -> None:
        data = self.text.data
        if data.isascii():
            return
        if is_utf8(data):
            self.multibyte = True
            return
        beyond = self.holding(np.flatnonzero(np.frombuffer(data, dtype=np.uint8) >= 128))
        wrong = np.array([not is_text(self.row(at)) for at in beyond], dtype=bool)
        self.multibyte = not wrong.all()
        self.not_text = sample(map(self.row, beyond[wrong].tolist()))
        rule = f"bytes that are no {self.reader.format.encoding}"
        self.tell_by_column("invalid_bytes", rule, beyond[wrong], lambda cell: not is_text(cell))

    def find_ragged(self) -> None:
        before, behind = np.searchsorted(self.divides, self.rows.starts), np.searchsorted(self.divides, self.rows.stops)
        cells = behind - before + 1
        ragged = np.flatnonzero((cells != self.width) & ~self.empty)
        nothing = [at for at in ragged if not self.row(at).replace(self.delimiter.encode(), b"").strip()]
        self.empty[nothing] = True
        ragged = ragged[~self.empty[ragged]]
        rule = f"the number of cells is not {self.width}"
        self.tell("ragged_row", rule, ragged, tuple(count(int(n), "cell") for n in cells[ragged[:KEPT_VALUES]]))

    def find_large(self) -> None:
        """Large cells; their rows are parsed all the same."""
        limit = self.reader.cell_limit
        large = np.flatnonzero((self.rows.stops - self.rows.starts > limit) & ~self.bad & ~self.empty)
        for at in large.tolist():
            cells = csv_scan.cells_of(self.text.data, int(self.rows.starts[at]), int(self.rows.stops[at]), self.divides)
            for name, cell in zip(self.reader.names, cells, strict=True):
                if len(cell) > limit and (size := len(csv_scan.unquoted(cell, self.quote))) > limit:
                    rule = f"a cell of more than {count(limit, 'byte')} in {column(name)}"
                    self._found.append(Fault("cell_limit", rule, np.array([at]), (name,), (count(size, "byte"),)))

    def tell(self, check: str, rule: str, rows: Ints, values: tuple[str, ...] = (), columns: tuple[str, ...] = ()) -> None:
        rows = rows[~self.empty[rows]]
        if len(rows):
            self.bad[rows] = True
            self._found.append(Fault(check, rule, rows, columns, values))

    def tell_by_column(self, check: str, rule: str, rows: Ints, wrong: Callable[[bytes], bool]) -> None:
        """Tell rows by the columns whose cells are wrong; rows of another width can't be told by column."""
        by_columns: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for at in rows.tolist():
            cells = csv_scan.cells_of(self.text.data, int(self.rows.starts[at]), int(self.rows.stops[at]), self.divides)
            fits = len(cells) == self.width
            by_columns[tuple(name for name, cell in zip(self.reader.names, cells, strict=False) if wrong(cell)) if fits else ()].append(at)
        for columns, at_fault in by_columns.items():
            where = f" in {', '.join(map(column, columns))}" if columns else ""
            values = tuple(self._first_wrong(at, wrong) for at in at_fault[:KEPT_VALUES])
            self.tell(check, rule + where, np.array(at_fault), values, columns)

    def _first_wrong(self, at: int, wrong: Callable[[bytes], bool]) -> str:
        cells = csv_scan.cells_of(self.text.data, int(self.rows.starts[at]), int(self.rows.stops[at]), self.divides)
        return next((cell for cell in cells if wrong(cell)), b"")[:200].decode("utf-8", "backslashreplace")

    def arrow(self, wanted: list[int]) -> pa.Table | None:
        """The rows that are not broken, as text; None where they are not all of the right width."""
        good = ~self.bad & ~self.empty
        data = self.text.data if good.all() else Originals(self.text.data, *_of(self.rows)).copied(good)
        total = int(good.sum())
        names = [self.reader.names[i] for i in wanted]
        if not total:
            return pa.table([pa.array([], pa.string())] * len(names), names=names)
        table = _read(data, self.width, wanted, self.delimiter, self.quote)
        return None if table is None or table.num_rows != total else pa.table(table.columns, names=names)

    def faults(self) -> list[Fault]:
        """All that was found, by place among the rows that count."""
        number = np.cumsum(~self.empty) - 1
        return [replace(fault, rows=number[fault.rows]) for fault in self._found]


def _of(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    return rows.starts, rows.stops, rows.ends


def _read(data: bytes, width: int, wanted: list[int], delimiter: str, quote: str | None) -> pa.Table | None:
    """Parse rows as text, empty cells as null; None where a row has another number of cells than `width`."""
    if data.startswith(codecs.BOM_UTF8):
        data = b"\n" + data  # a cell may begin so; only the file's first bytes are a mark
    names = [str(i) for i in range(width)]
    try:
        return pyarrow.csv.read_csv(
            pa.BufferReader(data),
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=len(data) + 1, use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter, quote_char=quote or False, double_quote=True, newlines_in_values=quote is not None and quote.encode() in data
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                include_columns=[names[i] for i in wanted],
                check_utf8=False,
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid as invalid:
        if "Expected" in str(invalid):
            return None
        raise


def _cut_off(name: str, fault: csv_scan.Fault, names: Sequence[str], format: TextFormat, limits: Limits, row: int) -> Rejection:
    """The file can't be followed from `row` on (0: the header)."""
    place = f"{name}, row {row:,}" if row else f"{name}, first line"
    if fault.kind == "long":
        return Rejection(
            "line_limit",
            f"{place}: a line of more than {limits.line / MIB:,.3g} MiB begins here, so the file is rejected and nothing was loaded.",
            "Ask the sender whether its line ends were lost, or what the giant cell is for.",
        )
    before = fault.data[fault.start : fault.at]
    divides = csv_scan.delimiters(before, format.delimiter, csv_scan.find_quotes(before, format.delimiter, format.quote, final=True))
    where = names[len(divides)] if len(divides) < len(names) else None
    cell = f" in {column(where)}" if where is not None else ""
    ends = "never closes" if fault.kind == "open" else "ends in the middle of another row's text"
    return Rejection(
        "quotes",
        f"{place}: a quoted cell opens{cell} here and {ends}. "
        "The rows after it can't be told apart, so the file is rejected and nothing was loaded.",
        'Ask the sender to escape quotes as "", or write `quote: null` under `text` in the model if quotes are plain text.',
        *([where] if where is not None else []),
    )
