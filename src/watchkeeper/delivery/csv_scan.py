"""The structure of CSV text: where rows begin and end, which quotes open and close, how many cells a row has.

A quoted cell begins with a quote right after a delimiter or a line end; `""` inside it is a quote; after the closing
quote comes a delimiter, a line end or the end of the file. A quote anywhere else is plain text. Lines end in LF, CRLF
or CR.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from watchkeeper.delivery.limit import Limits

Ints = NDArray[np.int64]

LF, CR = 10, 13


def _none() -> Ints:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Quotes:
    """The quotes of a piece of text that begins with a row."""

    marks: Ints = field(default_factory=_none)
    """Opening and closing quotes in turn: a place is inside a quoted cell if an odd number of them lies before it."""
    junk: Ints = field(default_factory=_none)
    """Closing quotes with text after them, on the line where they opened."""
    torn: int | None = None
    """The first opening quote whose cell spans lines and is closed in the middle of text: it swallowed rows."""
    open: int | None = None
    """The opening quote that is still open at the end."""

    def outside(self, places: Ints) -> Ints:
        """Those of `places` that are not inside a quoted cell."""
        return places[np.searchsorted(self.marks, places) % 2 == 0] if len(self.marks) else places


@dataclass(frozen=True)
class Fault:
    """Why a file can't be followed any further."""

    kind: Literal["torn", "open", "long"]
    """A quoted cell that ends in the middle of text some lines later, or never; or a row that is too long to be one."""
    start: int
    """Where the row begins that is at fault …"""
    at: int
    """… and the quote in it (or the row, again)."""
    data: bytes


@dataclass(frozen=True)
class Text:
    """Whole rows of CSV text."""

    data: bytes
    quotes: Quotes
    fault: Fault | None = None
    """What follows the rows; the last `Text` of a file may have one."""

    def until(self, end: int) -> Text:
        """The rows before `end`."""
        return Text(self.data[:end], _before(self.quotes, end))


@dataclass(frozen=True)
class Rows:
    """Where the rows of a `Text` lie. Shapes (rows,)."""

    starts: Ints
    stops: Ints
    """The end of a row's text."""
    ends: Ints
    """The end of its line: after LF, CRLF or CR."""

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, chosen: NDArray[np.bool_] | Ints | slice) -> Rows:
        return Rows(self.starts[chosen], self.stops[chosen], self.ends[chosen])


def texts(pieces: Iterator[bytes], delimiter: str, quote: str | None, limits: Limits) -> Iterator[Text]:
    """Cut a stream of bytes where rows end; a fault ends the stream, behind the rows before it."""
    tail = b""
    for piece in pieces:
        data = tail + piece if tail else piece
        quotes = find_quotes(data, delimiter, quote, final=False)
        end = _last_line_end(data, quotes) if quotes.torn is None else len(data)
        text = _checked(data, quotes, end, limits)
        tail = data[end:]
        if text.fault is None and len(tail) > limits.line + 1:
            kind: Literal["open", "long"] = "long" if quotes.open is None else "open"
            text = Text(text.data, text.quotes, Fault(kind, end, quotes.open or end, data))
        if text.data or text.fault:
            yield text
        if text.fault:
            return
    yield _checked(tail, find_quotes(tail, delimiter, quote, final=True), len(tail), limits, final=True)


def _checked(data: bytes, quotes: Quotes, end: int, limits: Limits, *, final: bool = False) -> Text:
    """The whole rows of `data`, which end at `end`, up to the first that is at fault."""
    fault = None
    torn = quotes.torn if quotes.torn is not None else quotes.open if final else None
    if torn is not None:
        _, ends = line_ends(data, Quotes(quotes.marks[quotes.marks < torn]))
        begin = int(ends[np.searchsorted(ends, torn, side="right") - 1]) if len(ends) and ends[0] <= torn else 0
        fault = Fault("open" if quotes.torn is None else "torn", begin, torn, data)
        end = begin
    if end > limits.line:
        rows = find_rows(data[:end], _before(quotes, end))
        if len(large := np.flatnonzero(rows.stops - rows.starts > limits.line)):
            end = int(rows.starts[large[0]])
            fault = Fault("long", end, end, data)
    return Text(data[:end], _before(quotes, end), fault)


def _before(quotes: Quotes, end: int) -> Quotes:
    return Quotes(quotes.marks[quotes.marks < end], quotes.junk[quotes.junk < end])


def find_quotes(data: bytes, delimiter: str, quote: str | None, *, final: bool) -> Quotes:
    """The quotes of `data`, which begins with a row; `final`: whether the file ends with it."""
    if quote is None or quote.encode() not in data:
        return Quotes()
    text: NDArray[np.uint8] = np.frombuffer(data, dtype=np.uint8)
    marks = np.flatnonzero(text == ord(quote))
    breaks = np.zeros(256, dtype=bool)
    breaks[[ord(delimiter), LF, CR]] = True
    before = np.where(marks > 0, text[marks - 1], LF)
    after = np.where(marks + 1 < len(text), text[np.minimum(marks + 1, len(text) - 1)], LF)
    pairs = np.append(np.diff(marks) == 1, False)
    right = np.empty(len(marks), dtype=bool)
    right[0::2] = breaks[before[0::2]] | np.append(False, pairs[:-1])[0::2]
    right[1::2] = breaks[after[1::2]] | pairs[1::2]
    if not right.all():
        return _follow_quotes(data, delimiter, quote, final=final)
    is_open = len(marks) % 2 == 1
    return Quotes(marks, open=_opening(marks) if is_open else None)


def _opening(marks: Ints) -> int:
    """Where the cell that the last of an odd number of quotes is in was opened: behind it come only doubled quotes."""
    at = len(marks) - 1
    while at >= 2 and marks[at] == marks[at - 1] + 1:
        at -= 2
    return int(marks[at])


def _follow_quotes(data: bytes, delimiter: str, quote: str, *, final: bool) -> Quotes:
    """The same from quote to quote, for text in which some stand where none is expected."""
    sign, breaks = quote.encode(), (ord(delimiter), LF, CR)
    size, at = len(data), data.find(sign)
    marks: list[int] = []
    junk: list[int] = []
    while at >= 0:
        if at and data[at - 1] not in breaks:
            at = data.find(sign, at + 1)
            continue
        close = data.find(sign, at + 1)
        while close >= 0 and close + 1 < size and data[close + 1] == sign[0]:
            close = data.find(sign, close + 2)
        if close < 0 or (close + 1 == size and not final):
            return Quotes(np.array([*marks, at], dtype=np.int64), np.array(junk, dtype=np.int64), open=at)
        if close + 1 < size and data[close + 1] not in breaks:
            if data.find(b"\n", at, close) >= 0 or data.find(b"\r", at, close) >= 0:
                return Quotes(np.array(marks, dtype=np.int64), np.array(junk, dtype=np.int64), torn=at)
            junk.append(close)
        marks += [at, close]
        at = data.find(sign, close + 1)
    return Quotes(np.array(marks, dtype=np.int64), np.array(junk, dtype=np.int64))


def _last_line_end(data: bytes, quotes: Quotes) -> int:
    """Where the last whole row ends; 0 if there is none. A CR at the very end may be half of a CRLF."""
    if not len(quotes.marks):
        return max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
    _, ends = line_ends(data, quotes)
    if len(ends) and ends[-1] == len(data) and data.endswith(b"\r"):
        ends = ends[:-1]
    return int(ends[-1]) if len(ends) else 0


def line_ends(data: bytes, quotes: Quotes) -> tuple[Ints, Ints]:
    """Where the text of each whole line stops, and where the line ends (after LF, CRLF or CR)."""
    text: NDArray[np.uint8] = np.frombuffer(data, dtype=np.uint8)
    if b"\r" not in data:
        stops = quotes.outside(np.flatnonzero(text == LF))
        return stops, stops + 1
    places = quotes.outside(np.flatnonzero((text == LF) | (text == CR)))
    if not len(places):
        return places, places
    is_cr = text[places] == CR
    paired = np.append(is_cr[:-1] & ~is_cr[1:] & (np.diff(places) == 1), False)  # a CR with its LF
    second = np.append(False, paired[:-1])
    return places[~second], (places + 1 + paired)[~second]


def find_rows(data: bytes, quotes: Quotes) -> Rows:
    """The rows of `data`, without empty lines; what follows the last line end counts as a row."""
    stops, ends = line_ends(data, quotes)
    if not len(ends) or ends[-1] < len(data):
        stops, ends = np.append(stops, len(data)), np.append(ends, len(data))
    starts = np.append(0, ends[:-1])
    filled = stops > starts
    rows = Rows(starts, stops, ends)
    return rows if filled.all() else rows[filled]


def delimiters(data: bytes, delimiter: str, quotes: Quotes) -> Ints:
    """The places of the delimiters that divide cells."""
    return quotes.outside(np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord(delimiter)))


def cells_of(data: bytes, start: int, stop: int, divides: Ints) -> list[bytes]:
    """The cells of one row as they stand, quotes included; `divides` comes from `delimiters`."""
    inside = divides[np.searchsorted(divides, start) : np.searchsorted(divides, stop)].tolist()
    return [data[a:b] for a, b in zip([start, *(at + 1 for at in inside)], [*inside, stop], strict=True)]


def unquoted(cell: bytes, quote: str | None) -> bytes:
    """The value of a cell."""
    sign = (quote or "").encode()
    if quote is None or len(cell) < 2 or not (cell.startswith(sign) and cell.endswith(sign)):
        return cell
    return cell[1:-1].replace(sign * 2, sign)


def first_rows(text: bytes, delimiter: str, quote: str | None, most: int) -> list[list[str]]:
    """The cells of the first rows of `text`, which begins with a row."""
    quotes = find_quotes(text, delimiter, quote, final=True)
    rows = find_rows(text, quotes)[:most]
    divides = delimiters(text, delimiter, quotes)
    spans = zip(rows.starts.tolist(), rows.stops.tolist(), strict=True)
    return [
        [unquoted(cell, quote).decode("utf-8", "replace") for cell in cells_of(text, a, b, divides)] for a, b in spans
    ]
