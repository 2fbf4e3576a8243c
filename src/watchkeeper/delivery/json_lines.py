"""Reads JSON lines: one object a line, its values taken as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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

NULL = b"null"
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
    objects, bad, faults, multibyte, not_text = _objects(reader, text.data, rows)
    keys = _keys(objects)
    large = np.flatnonzero((rows.stops - rows.starts > reader.cell_limit) & ~bad)
    places = np.flatnonzero(~bad)
    faults += _large(reader, objects, places, large)
    wanted = keys if columns is None else columns
    return Piece(
        count=len(rows),
        places=places,
        cells=pa.table([cells([found.get(key, NULL) for found in objects]) for key in wanted], names=list(wanted)),
        faults=faults,
        multibyte=multibyte,
        not_text=not_text,
        originals=Originals(text.data, rows.starts, rows.stops, rows.ends),
        keys=keys,
        stop=None if text.fault is None else partial(_too_long, reader),
    )


def _filled(data: bytes, rows: Rows) -> Rows:
    """Without the lines that hold only white space."""
    begins = np.frombuffer(data, dtype=np.uint8)[rows.starts]
    blank = np.isin(begins, (9, 13, 32))
    blank[blank] = [not data[a:b].strip() for a, b in _spans(rows[blank])]
    return rows[~blank] if blank.any() else rows


def _objects(
    reader: JsonReader, data: bytes, rows: Rows
) -> tuple[list[dict[str, Any]], Bools, list[Fault], bool, bytes]:
    """The objects of the lines that are right; which lines are not, and why; what is known of the encoding."""
    bad = np.zeros(len(rows), dtype=bool)
    right = is_utf8(data)
    multibyte = right and not data.isascii()
    if right:
        try:
            objects: list[dict[str, Any]] = _DECODER.decode_lines(data)
        except (msgspec.DecodeError, RecursionError):
            objects = []
        if len(objects) == len(rows) and _distinct(objects, data):
            return objects, bad, [], multibyte, b""
    objects, broken, wrong = [], [], []
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
    faults: list[Fault] = []
    not_text = sample(data[rows.starts[at] : rows.stops[at]] for at in wrong)
    for check, rule, at_fault in (
        ("broken_json", "no single complete JSON object with distinct keys", broken),
        ("invalid_bytes", f"bytes that are no {reader.encoding}", wrong),
    ):
        if at_fault:
            bad[at_fault] = True
            values = tuple(
                data[rows.starts[at] : rows.stops[at]][:200].decode("utf-8", "backslashreplace")
                for at in at_fault[:KEPT_VALUES]
            )
            if check == "invalid_bytes":
                faults += _by_column(data, rows, at_fault, rule)
            else:
                faults.append(Fault(check, rule, np.array(at_fault), (), values))
    return objects, bad, faults, multibyte, not_text


def _by_column(data: bytes, rows: Rows, at_fault: list[int], rule: str) -> list[Fault]:
    """Faults for lines that are no text, by the keys whose values are not."""
    groups: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    for at in at_fault:
        line = data[rows.starts[at] : rows.stops[at]].decode("utf-8", "replace")
        found = _object(line.encode()) or {}
        columns = tuple(key for key, raw in found.items() if "\ufffd" in bytes(raw).decode())
        groups.setdefault(columns, []).append((at, line))
    return [
        Fault(
            "invalid_bytes",
            rule + (f" in {', '.join(map(column, columns))}" if columns else ""),
            np.array([at for at, _ in lines]),
            columns,
        )
        for columns, lines in groups.items()
    ]


def _distinct(objects: list[dict[str, Any]], data: bytes) -> bool:
    """Whether no key of any object is repeated.

    A repeated key is dropped with its value, and its quotes are then missing from the count. A quote in a key is
    written as an escape, which this count can't follow.
    """
    names = set().union(*objects)
    if any('"' in name or "\\" in name for name in names):
        return False
    kept = b"".join(chain.from_iterable(found.values() for found in objects)).count(b'"')
    return kept + 2 * sum(map(len, objects)) == data.count(b'"')


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = _DECODER.decode(line)
        pairs = json.loads(line, object_pairs_hook=list)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return found if len(found) == len(pairs) else None


def _keys(objects: list[dict[str, Any]]) -> tuple[str, ...]:
    if not objects:
        return ()
    first = tuple(objects[0])
    return first if set().union(*objects) == set(first) else tuple(dict.fromkeys(chain.from_iterable(objects)))


def cells(raws: Sequence[Any]) -> pa.Array:
    """JSON values as text: strings without quotes and escapes, null as null, all others as they are written."""
    if not raws:
        return pa.array([], pa.string())
    joined = b"\n".join([*raws, b""])
    text = np.frombuffer(joined, dtype=np.uint8)
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
    array = pa.Array.from_buffers(pa.string(), len(raws), buffers)
    if b"\\" in joined:
        places = np.unique(np.searchsorted(ends, np.flatnonzero(text == ord("\\"))))
        places = places[is_string[places]]
        escaped = np.zeros(len(raws), dtype=bool)
        escaped[places] = True
        plain = pa.array([msgspec.json.decode(raws[at], type=str) for at in places.tolist()], pa.string())
        array = pc.replace_with_mask(array, pa.array(escaped), plain)
    return array


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
