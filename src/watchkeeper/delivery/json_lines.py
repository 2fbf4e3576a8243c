"""Reads JSON lines: one object a line, its values taken as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.delivery import csv_scan
from watchkeeper.delivery.csv_scan import Quotes, Rows
from watchkeeper.delivery.encoding import is_text, is_utf8, sample
from watchkeeper.delivery.limit import MIB, Limits
from watchkeeper.delivery.piece import KEPT_VALUES, Bools, Fault, Originals, Piece
from watchkeeper.delivery.rejection import Rejection
from watchkeeper.delivery.wording import column, count

NULL, NULL_LINE = b"null", b"null\n"
_QUOTE, _NEWLINE, _LETTER_N = 34, 10, 110
_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class JsonReader:
    """Reads one file of JSON lines."""

    name: str
    stream: Callable[[], Iterator[bytes]]
    """Begins to read the file anew: pieces of UTF-8."""
    encoding: str
    limits: Limits
    cell_limit: int
    names: Sequence[str]
    """The keys of the first object."""
    lexical: bool = True
    empty_is_null: bool = False

    def pieces(self, columns: Sequence[str] | None) -> Iterator[Callable[[], Piece]]:
        """Tasks that each parse some lines; without `columns`, a piece has the columns that its lines have."""
        for text in csv_scan.texts(self.stream(), ",", None, self.limits):
            yield partial(_parse, self, text, columns)


def open_json(
    name: str, stream: Callable[[], Iterator[bytes]], encoding: str, limits: Limits, cell_limit: int
) -> JsonReader:
    """Look at the first lines of a file. Raises `Rejection` where there are none."""
    reader = JsonReader(name, stream, encoding, limits, cell_limit, ())
    for task in reader.pieces([]):
        piece = task()
        if piece.stop is not None and not piece.count:
            raise piece.stop(1)
        if piece.count:
            return JsonReader(name, stream, encoding, limits, cell_limit, piece.keys)
    raise Rejection(
        "empty_file", f"{name} holds no text: nothing but line ends.", "Ask the sender to deliver it again."
    )


def _parse(reader: JsonReader, text: csv_scan.Text, columns: Sequence[str] | None) -> Piece:
    rows = csv_scan.find_rows(text.data, Quotes()) if text.data else Rows(*[np.empty(0, dtype=np.int64)] * 3)
    rows = _filled(text.data, rows)
    found = _all_right(text.data, rows) or _one_by_one(reader, text.data, rows)
    large = np.flatnonzero((rows.stops - rows.starts > reader.cell_limit) & ~found.bad)
    places = np.flatnonzero(~found.bad)
    wanted = tuple(found.values) if columns is None else columns
    nothing = NULL_LINE * len(places)
    nested = {key: _nested(found.values[key]) for key in wanted if key in found.values and _may_nest(found.values[key])}
    return Piece(
        count=len(rows),
        places=places,
        cells=pa.table([cells(found.values.get(key, nothing)) for key in wanted], names=list(wanted)),
        faults=found.faults + _large(reader, found.objects, places, large),
        multibyte=found.multibyte,
        not_text=found.not_text,
        originals=Originals(text.data, rows.starts, rows.stops, rows.ends),
        nested=nested,
        keys=tuple(found.values),
        stop=None if text.fault is None else partial(_too_long, reader),
    )


@dataclass(frozen=True)
class _Found:
    """What some lines hold."""

    objects: list[dict[str, Any]]
    """Those of the lines that are right."""
    values: dict[str, bytes]
    """Per key, in the order in which they were met: each object's value as it is written, and a line end after it."""
    bad: Bools
    multibyte: bool
    faults: list[Fault] = field(default_factory=list)
    not_text: bytes = b""


def _filled(data: bytes, rows: Rows) -> Rows:
    """Without the lines that hold only white space."""
    begins = np.frombuffer(data, dtype=np.uint8)[rows.starts]
    blank = np.isin(begins, (9, 13, 32))
    blank[blank] = [not data[a:b].strip() for a, b in _spans(rows[blank])]
    return rows[~blank] if blank.any() else rows


def _all_right(data: bytes, rows: Rows) -> _Found | None:
    """The usual case, all lines at once; None where any line is not an object with distinct keys.

    A repeated key is dropped with its value, and then their quotes are missing from the count. A quote in a key is
    written as an escape, which the count can't follow.
    """
    if not is_utf8(data):
        return None
    try:
        objects: list[dict[str, Any]] = _DECODER.decode_lines(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    values = _by_key(objects)
    if len(objects) != len(rows) or any('"' in key for key in values):
        return None
    if sum(lines.count(b'"') for lines in values.values()) + 2 * sum(map(len, objects)) != data.count(b'"'):
        return None
    return _Found(objects, values, np.zeros(len(rows), dtype=bool), not data.isascii())


def _one_by_one(reader: JsonReader, data: bytes, rows: Rows) -> _Found:
    """The same line by line, with the faults of those that are not right."""
    right, multibyte = is_utf8(data), False
    bad = np.zeros(len(rows), dtype=bool)
    objects: list[dict[str, Any]] = []
    broken: list[int] = []
    wrong: list[int] = []
    for at, (start, stop) in enumerate(_spans(rows)):
        line = data[start:stop]
        if not right and not is_text(line):
            wrong.append(at)
            continue
        multibyte = multibyte or not line.isascii()
        found = _object(line)
        if found is None:
            broken.append(at)
        else:
            objects.append(found)
    bad[broken + wrong] = True
    faults = _foreign(data, rows, wrong, f"bytes that are no {reader.encoding}")
    if broken:
        shown = tuple(
            data[a:b][:200].decode("utf-8", "ignore") for a, b in _spans(rows[np.array(broken[:KEPT_VALUES])])
        )
        rule = "no single complete JSON object with distinct keys"
        faults.append(Fault("broken_json", rule, np.array(broken), (), shown))
    not_text = sample(data[a:b] for a, b in _spans(rows[np.array(wrong, dtype=np.int64)]))
    return _Found(objects, _by_key(objects), bad, multibyte, faults, not_text)


def _foreign(data: bytes, rows: Rows, wrong: list[int], rule: str) -> list[Fault]:
    """Faults for lines that are no text, by the keys whose values are not."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for at in wrong:
        line = data[rows.starts[at] : rows.stops[at]].decode("utf-8", "replace")
        found = _object(line.encode()) or {}
        groups.setdefault(tuple(key for key, raw in found.items() if "\ufffd" in bytes(raw).decode()), []).append(at)
    return [
        Fault("invalid_bytes", f"{rule} in {', '.join(map(column, keys))}" if keys else rule, np.array(lines), keys)
        for keys, lines in groups.items()
    ]


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = _DECODER.decode(line)
        pairs = json.loads(line, object_pairs_hook=list)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return found if len(found) == len(pairs) else None


def _by_key(objects: list[dict[str, Any]]) -> dict[str, bytes]:
    """The values of each key as they are written, null where an object has none, and a line end after each."""
    keys = tuple(dict.fromkeys(chain.from_iterable(objects)))
    if list(chain.from_iterable(objects)) == list(keys) * len(objects):  # all alike: no look-up for each value
        flat = list(chain.from_iterable(found.values() for found in objects))
        return {key: b"\n".join([*flat[at :: len(keys)], b""]) for at, key in enumerate(keys)}
    return {key: b"\n".join([*(found.get(key, NULL) for found in objects), b""]) for key in keys}


def cells(lines: bytes) -> pa.Array:
    """JSON values, one a line, as text: strings without quotes and escapes, null as null, others as they stand."""
    if not lines:
        return pa.array([], pa.string())
    text = np.frombuffer(lines, dtype=np.uint8)
    ends = np.flatnonzero(text == _NEWLINE)
    starts = np.append(0, ends[:-1] + 1)
    is_string = text[starts] == _QUOTE
    is_null = text[starts] == _LETTER_N
    keep = np.ones(len(text), dtype=bool)
    keep[ends] = False
    keep[starts[is_string]] = keep[ends[is_string] - 1] = False
    lengths = ends - starts - 2 * is_string
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
    buffers = [pa.py_buffer(np.packbits(~is_null, bitorder="little")), pa.py_buffer(offsets), pa.py_buffer(text[keep])]
    array = pa.Array.from_buffers(pa.string(), len(ends), buffers)
    if b"\\" in lines:
        places = np.unique(np.searchsorted(ends, np.flatnonzero(text == ord("\\"))))
        places = places[is_string[places]]
        escaped = np.zeros(len(ends), dtype=bool)
        escaped[places] = True
        plain = pa.array(
            [msgspec.json.decode(lines[starts[at] : ends[at]], type=str) for at in places.tolist()], pa.string()
        )
        array = pc.replace_with_mask(array, pa.array(escaped), plain)
    return array


def _may_nest(lines: bytes) -> bool:
    return lines.startswith((b"{", b"[")) or b"\n{" in lines or b"\n[" in lines


def _nested(lines: bytes) -> Bools:
    """Which of the values, one a line, are objects or arrays."""
    text = np.frombuffer(lines, dtype=np.uint8)
    starts = np.append(0, np.flatnonzero(text == _NEWLINE)[:-1] + 1)
    return np.isin(text[starts], (ord("{"), ord("[")))


def _large(reader: JsonReader, objects: list[dict[str, Any]], places: Any, large: Any) -> list[Fault]:
    faults = []
    for at in large.tolist():
        for key, raw in objects[int(np.searchsorted(places, at))].items():
            if (size := len(bytes(raw))) > reader.cell_limit:
                rule = f"a cell of more than {count(reader.cell_limit, 'byte')} in {column(key)}"
                faults.append(Fault("cell_limit", rule, np.array([at]), (key,), (count(size, "byte"),)))
    return faults


def _too_long(reader: JsonReader, row: int) -> Rejection:
    return Rejection(
        "line_limit",
        f"{reader.name}, row {row:,}: a line of more than {reader.limits.line / MIB:,.3g} MiB begins here, "
        "so the file is rejected and nothing was loaded.",
        "Ask the sender whether its line ends were lost, or what the giant value is for.",
    )


def _spans(rows: Rows) -> Iterator[tuple[int, int]]:
    return zip(rows.starts.tolist(), rows.stops.tolist(), strict=True)
