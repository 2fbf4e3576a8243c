"""Parses rows of CSV: the broken ones are told by exact number and cut out, Arrow reads the rest as text."""

from __future__ import annotations

import codecs
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from watchkeeper.delivery.csv_scan import Fault as Scanned
from watchkeeper.delivery.csv_scan import Rows, Text, cells_of, delimiters, find_quotes, find_rows, unquoted
from watchkeeper.delivery.encoding import is_text, is_utf8, sample
from watchkeeper.delivery.piece import KEPT_VALUES, Bools, Fault, Ints, Originals, Piece
from watchkeeper.delivery.wording import column, count
from watchkeeper.model.declaration import TextFormat


def parse(
    text: Text, names: Sequence[str], format: TextFormat, cell_limit: int, wanted: list[int]
) -> tuple[Piece, Scanned | None]:
    """The rows of `text`, up to the first that swallowed others; and what is at fault there, or behind them all.

    `names`: all columns of the file, `wanted`: the places of those to read.
    """
    state = _State(text, names, format)
    state.find_empty()
    state.find_junk()
    state.find_nul()
    state.find_not_text()
    table = state.arrow(wanted)
    if table is None:
        if (torn := state.find_swallowed()) is not None:
            return parse(text.until(torn.start), names, format, cell_limit, wanted)[0], torn
        state.find_ragged()
        table = state.arrow(wanted)
        assert table is not None, "Arrow and the scan of the rows do not agree"
    state.find_large(cell_limit)
    kept = state.rows[~state.empty]
    piece = Piece(
        count=len(kept),
        places=np.flatnonzero(~state.bad[~state.empty]),
        cells=table,
        faults=state.faults(),
        empty_lines=int(state.empty.sum()),
        multibyte=state.multibyte,
        not_text=state.not_text,
        originals=Originals(text.data, kept.starts, kept.stops, kept.ends),
    )
    return piece, text.fault


class _State:
    """What is known of the rows of one `Text` so far. Shapes (rows,)."""

    def __init__(self, text: Text, names: Sequence[str], format: TextFormat) -> None:
        self.text, self.names, self.format = text, names, format
        self.delimiter, self.quote, self.width = format.delimiter, format.quote, len(names)
        rows = find_rows(text.data, text.quotes) if text.data else Rows(*[np.empty(0, dtype=np.int64)] * 3)
        self.rows = rows
        self.empty: Bools = np.zeros(len(rows), dtype=bool)
        self.bad: Bools = np.zeros(len(rows), dtype=bool)
        self.multibyte = False
        self.not_text = b""
        self._found: list[Fault] = []
        self._divides: Ints | None = None

    @property
    def divides(self) -> Ints:
        if self._divides is None:
            self._divides = delimiters(self.text.data, self.delimiter, self.text.quotes)
        return self._divides

    def row(self, at: int | np.integer[Any]) -> bytes:
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
        rule = f"bytes that are no {self.format.encoding}"
        self.tell_by_column("invalid_bytes", rule, beyond[wrong], lambda cell: not is_text(cell))

    @property
    def cells(self) -> Ints:
        """How many cells each row has."""
        before, behind = np.searchsorted(self.divides, self.rows.starts), np.searchsorted(self.divides, self.rows.stops)
        return behind - before + 1

    def find_swallowed(self) -> Scanned | None:
        """The first row of the wrong width in which a later line by itself is a row: a quote swallowed it."""
        if not len(self.text.quotes.marks) or self.width == 1:
            return None
        for at in np.flatnonzero((self.cells != self.width) & ~self.bad).tolist():
            if any(self._is_row(line) for line in self.row(at).splitlines()[1:]):
                start, stop = int(self.rows.starts[at]), int(self.rows.stops[at])
                marks = self.text.quotes.marks
                inside = marks[np.searchsorted(marks, start) : np.searchsorted(marks, stop)].reshape(-1, 2).tolist()
                opened = next(a for a, b in inside if len(self.text.data[a:b].splitlines()) > 1)
                return Scanned("torn", start, opened, self.text.data)
        return None

    def _is_row(self, line: bytes) -> bool:
        quotes = find_quotes(line, self.delimiter, self.quote, final=True)
        return quotes.open is None and len(delimiters(line, self.delimiter, quotes)) == self.width - 1

    def find_ragged(self) -> None:
        cells = self.cells
        ragged = np.flatnonzero((cells != self.width) & ~self.empty & ~self.bad)
        nothing = [at for at in ragged if not self.row(at).replace(self.delimiter.encode(), b"").strip()]
        self.empty[nothing] = True
        ragged = ragged[~self.empty[ragged]]
        rule = f"the number of cells is not {self.width}"
        self.tell("ragged_row", rule, ragged, tuple(count(int(n), "cell") for n in cells[ragged[:KEPT_VALUES]]))

    def find_large(self, limit: int) -> None:
        """Large cells; their rows are parsed all the same."""
        large = np.flatnonzero((self.rows.stops - self.rows.starts > limit) & ~self.bad & ~self.empty)
        for at in large.tolist():
            cells = cells_of(self.text.data, int(self.rows.starts[at]), int(self.rows.stops[at]), self.divides)
            for name, cell in zip(self.names, cells, strict=True):
                if len(cell) > limit and (size := len(unquoted(cell, self.quote))) > limit:
                    rule = f"a cell of more than {count(limit, 'byte')} in {column(name)}"
                    self._found.append(Fault("cell_limit", rule, np.array([at]), (name,), (count(size, "byte"),)))

    def tell(
        self, check: str, rule: str, rows: Ints, values: tuple[str, ...] = (), columns: tuple[str, ...] = ()
    ) -> None:
        rows = rows[~self.empty[rows]]
        if len(rows):
            self.bad[rows] = True
            self._found.append(Fault(check, rule, rows, columns, values))

    def tell_by_column(self, check: str, rule: str, rows: Ints, wrong: Callable[[bytes], bool]) -> None:
        """Tell rows by the columns whose cells are wrong; rows of another width can't be told by column."""
        by_columns: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for at in rows.tolist():
            cells = cells_of(self.text.data, int(self.rows.starts[at]), int(self.rows.stops[at]), self.divides)
            fits = len(cells) == self.width
            by_columns[
                tuple(name for name, cell in zip(self.names, cells, strict=False) if wrong(cell)) if fits else ()
            ].append(at)
        for columns, at_fault in by_columns.items():
            where = f" in {', '.join(map(column, columns))}" if columns else ""
            values = tuple(self._first_wrong(at, wrong) for at in at_fault[:KEPT_VALUES])
            self.tell(check, rule + where, np.array(at_fault), values, columns)

    def _first_wrong(self, at: int, wrong: Callable[[bytes], bool]) -> str:
        cells = cells_of(self.text.data, int(self.rows.starts[at]), int(self.rows.stops[at]), self.divides)
        return next((cell for cell in cells if wrong(cell)), b"")[:200].decode("utf-8", "backslashreplace")

    def arrow(self, wanted: list[int]) -> pa.Table | None:
        """The rows that are not broken, as text; None where they are not all of the right width."""
        good = ~self.bad & ~self.empty
        rows, data = self.rows, self.text.data
        if not good.all():
            data = Originals(data, rows.starts, rows.stops, rows.ends).copied(good)
        total = int(good.sum())
        names = [self.names[i] for i in wanted]
        if not total:
            return pa.table([pa.array([], pa.string())] * len(names), names=names)
        table = _read(data, self.width, wanted, self.delimiter, self.quote)
        return None if table is None or table.num_rows != total else pa.table(table.columns, names=names)

    def faults(self) -> list[Fault]:
        """All that was found, by place among the rows that count."""
        number = np.cumsum(~self.empty) - 1
        return [replace(fault, rows=number[fault.rows]) for fault in self._found]


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
                delimiter=delimiter,
                quote_char=quote or False,
                newlines_in_values=quote is not None and quote.encode() in data,
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
