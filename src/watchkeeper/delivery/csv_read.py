"""Reads CSV files: the header, then rows in pieces that may be parsed side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from watchkeeper.delivery import csv_scan
from watchkeeper.delivery.csv_parse import parse
from watchkeeper.delivery.csv_scan import Quotes, Text
from watchkeeper.delivery.encoding import guess
from watchkeeper.delivery.limit import MIB, Limits
from watchkeeper.delivery.piece import Piece
from watchkeeper.delivery.rejection import Rejection
from watchkeeper.delivery.wording import column, plain
from watchkeeper.model.declaration import TextFormat
from watchkeeper.model.error import WatchkeeperError


class UnknownDelimiter(WatchkeeperError):
    """The model declares a delimiter or quote that CSV can't be read with."""


_LINES = 50
"""Lines among which the names of the columns are looked for."""


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
        places = {name: at for at, name in enumerate(self.names)}
        wanted = list(range(len(self.names))) if columns is None else sorted(places[name] for name in columns)
        headed = bool(self.header)
        for text in csv_scan.texts(self.stream(), self.format.delimiter, self.format.quote, self.limits):
            rest = text
            if headed and text.data:
                rows = csv_scan.find_rows(text.data, text.quotes)
                headed = not len(rows)
                rest = _behind(text, int(rows.ends[0]) if len(rows) else len(text.data))
            yield partial(self._parse, rest, wanted or [0])

    def first_lines(self) -> Iterator[list[str]]:
        """The cells of the first lines; of an empty one, none."""
        for line in next(self.stream(), b"").splitlines()[:_LINES]:
            yield next(iter(csv_scan.first_rows(line, self.format.delimiter, self.format.quote, 1)), [])

    def _parse(self, text: Text, wanted: list[int]) -> Piece:
        piece, fault = parse(text, self.names, self.format, self.cell_limit, wanted)
        if fault is None:
            return piece
        return replace(piece, stop=partial(_cut_off, self.name, fault, self.names, self.format, self.limits))


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
            raise UnknownDelimiter(
                f"text.{what} {plain(sign)!r} is not read: it must be one ASCII character. Correct the model."
            )
    for text in csv_scan.texts(stream(), format.delimiter, format.quote, limits):
        rows = csv_scan.find_rows(text.data, text.quotes) if text.data else None
        if rows is not None and len(rows):
            first = text.data[rows.starts[0] : rows.stops[0]]
            cells = split(first, format, name)
            if format.header:
                return CsvReader(name, stream, format, limits, cell_limit, first, cells)
            positions = tuple(f"column_{i + 1}" for i in range(len(cells)))
            return CsvReader(
                name, stream, format, limits, cell_limit, b"", tuple(names) if names is not None else positions
            )
        if text.fault is not None:
            raise _cut_off(name, text.fault, (), format, limits, 0)
    raise Rejection(
        "empty_file", f"{name} holds no text: nothing but line ends.", "Ask the sender to deliver it again."
    )


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
    divides = csv_scan.delimiters(
        row, format.delimiter, csv_scan.find_quotes(row, format.delimiter, format.quote, final=True)
    )
    cells = csv_scan.cells_of(row, 0, len(row), divides)
    return tuple(csv_scan.unquoted(cell, format.quote).decode() for cell in cells)


def _behind(text: Text, at: int) -> Text:
    quotes = Quotes(text.quotes.marks[text.quotes.marks >= at] - at, text.quotes.junk[text.quotes.junk >= at] - at)
    return replace(text, data=text.data[at:], quotes=quotes)


def _cut_off(
    name: str, fault: csv_scan.Fault, names: Sequence[str], format: TextFormat, limits: Limits, row: int
) -> Rejection:
    """The file can't be followed from `row` on (0: the header)."""
    place = f"{name}, row {row:,}" if row else f"{name}, first line"
    if fault.kind == "long":
        most = f"{limits.line / MIB:,.3g} MiB"
        return Rejection(
            "line_limit",
            f"{place}: a line of more than {most} begins here, so the file is rejected and nothing was loaded.",
            "Ask the sender whether its line ends were lost, or what the giant cell is for.",
        )
    before = fault.data[fault.start : fault.at]
    quotes = csv_scan.find_quotes(before, format.delimiter, format.quote, final=True)
    at = len(csv_scan.delimiters(before, format.delimiter, quotes))
    where = names[at : at + 1]
    cell = f" in {column(where[0])}" if where else ""
    ends = "never closes" if fault.kind == "open" else "ends in the middle of another row's text"
    return Rejection(
        "quotes",
        f"{place}: a quoted cell opens{cell} here and {ends}. "
        "The rows after it can't be told apart, so the file is rejected and nothing was loaded.",
        'Ask the sender to escape quotes as "", or write `quote: null` under `text` in the model if they are plain.',
        *where,
    )
