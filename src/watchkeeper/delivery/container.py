"""What a file is, by its ending and its first bytes; and the bytes inside gzip, zip and zstd, within limits."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from stat import S_ISLNK
from typing import Any, NoReturn

import pyarrow as pa

from watchkeeper.delivery.encoding import is_binary
from watchkeeper.delivery.limit import MIB, Limits
from watchkeeper.delivery.rejection import Rejection
from watchkeeper.delivery.source import Place
from watchkeeper.delivery.wording import listed, plain
from watchkeeper.model.error import WatchkeeperError

_PIECE = MIB


class UnknownFormat(WatchkeeperError):
    """A file of a kind that is not read; the text names the kinds that are."""

    exit_code = 4

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message, self.remedy = message, remedy


class Format(StrEnum):
    """What a file holds."""

    CSV = "CSV"
    JSON = "JSON lines"
    PARQUET = "Parquet"
    ARROW = "Arrow IPC"


@dataclass(frozen=True)
class Container:
    """What a file is, and what it is packed in."""

    format: Format
    packing: str | None = None
    """`gzip`, `zip`, `zstd` or None."""
    tabs: bool = False
    """Whether the ending says that cells are divided by tabs."""


_PACKINGS = {"gz": "gzip", "gzip": "gzip", "zip": "zip", "zst": "zstd", "zstd": "zstd"}
_FORMATS = {
    **dict.fromkeys(("csv", "tsv", "tab", "txt", "psv", "dat"), Format.CSV),
    **dict.fromkeys(("jsonl", "ndjson", "json"), Format.JSON),
    **dict.fromkeys(("parquet", "pq"), Format.PARQUET),
    **dict.fromkeys(("arrow", "arrows", "feather", "ipc"), Format.ARROW),
}
_OTHERS = frozenset(
    ("xlsx", "xls", "ods", "avro", "orc", "h5", "hdf5", "pkl", "pickle", "npy", "npz", "sqlite", "db", "xml", "html")
) | frozenset(("tar", "7z", "rar", "bz2", "xz", "lz4", "gpg", "pgp", "sav", "dta", "rds"))
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PAR1": "Parquet",
    b"PARE": "encrypted Parquet",
    b"ARROW1": "Arrow IPC",
    b"\xff\xff\xff\xff": "Arrow IPC",
    b"FEA1": "the old Feather format",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x04\x22\x4d\x18": "lz4",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"%PDF": "PDF",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"SQLite format 3": "SQLite",
    b"\x89HDF": "HDF5",
    b"\x93NUMPY": "NumPy",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"7z\xbc\xaf": "7-Zip",
}
_UNKNOWN = "no kind that is known"


def kind(start: bytes) -> str:
    """What a file is by its first bytes, in words; `text` unless they can't be any."""
    readable = all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start[:64])  # a column may be called PAR1
    for magic, name in () if readable else _MAGIC.items():
        if start.startswith(magic):
            return name
    begin = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if begin.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if begin.startswith(b"<?xml"):
        return "XML"
    return _UNKNOWN if is_binary(start) else "text"


def container(place: Place, limits: Limits) -> Container:
    """What a file is. Raises `Rejection` where its bytes belie its ending, `UnknownFormat` for other kinds."""
    endings = [ending[1:].lower() for ending in PurePosixPath(place.path).suffixes]
    start = place.head()
    found = kind(start)
    if not start:
        raise Rejection("empty_file", f"{place.name} is empty: not one byte.", "Ask the sender to deliver it again.")
    last = endings[-1] if endings else ""
    if last in _OTHERS:
        raise UnknownFormat(
            f"{place.name}: .{plain(last)} files are not read.", "Convert it to CSV, JSON lines, Parquet or Arrow IPC."
        )
    packing = _PACKINGS.get(last)
    if packing is None and last not in _FORMATS and found in ("gzip", "zip", "zstd"):
        packing = found
    if packing is not None:
        if found != packing:
            _mismatch(place, packing, found, start)
        inside = _member(place) if packing == "zip" else ""
        endings = [ending[1:].lower() for ending in PurePosixPath(inside).suffixes] or endings[:-1]
        last = endings[-1] if endings else ""
        start = b"" if last in _FORMATS else next(unpacked(place, packing, limits), b"")
        found = kind(start)
    holds = _FORMATS.get(last)
    if packing is not None and holds in (Format.PARQUET, Format.ARROW):
        raise Rejection(
            "container",
            f"{place.name}: {holds} packed in {packing} can't be read in place.",
            f"Unpack it, or ask the sender to deliver it as it is: {holds} is compressed inside anyhow.",
        )
    if holds is None:
        begin = start.removeprefix(b"\xef\xbb\xbf").lstrip()
        by_content = Format.JSON if begin.startswith(b"{") else Format.CSV
        holds = {"Parquet": Format.PARQUET, "Arrow IPC": Format.ARROW}.get(found, by_content)
        if found not in ("text", "Parquet", "Arrow IPC") or (packing and found != "text"):
            this = f"its {_bytes(start)}" if found == _UNKNOWN else f"this is {found}, which is not read"
            raise UnknownFormat(f"{place.name}: {this}.", "Convert it to CSV, JSON lines or Parquet.")
    elif packing is None and found != {Format.PARQUET: "Parquet", Format.ARROW: "Arrow IPC"}.get(holds, "text"):
        _mismatch(place, holds, found, start)
    return Container(holds, packing, tabs=last in ("tsv", "tab"))


def text_inside(place: Place, packing: str | None, start: bytes, format: Format) -> None:
    """Look at the first bytes of unpacked text. Raises `Rejection` where they are no text, or a JSON array."""
    found = kind(start)
    if found != "text":
        _mismatch(place, format, found, start, packing)
    begin = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if format is Format.JSON and begin[:1] == b"[" and begin[1:].lstrip()[:1] in (b"{", b"", b"]"):
        raise Rejection(
            "container",
            f"{place.name} is one JSON array, not JSON lines.",
            "Ask the sender to write one object a line, without the brackets around all of them.",
        )


def unpacked(place: Place, packing: str | None, limits: Limits) -> Iterator[bytes]:
    """The bytes of a file, unpacked, in pieces. Raises `Rejection` when it is damaged or expands too far."""
    with place.open() as file:
        if packing is None:
            yield from _pieces(file, limits.block)
            return
        most, total = limits.most_bytes(place.stamp()[0]), 0
        reader = {"gzip": _gunzip, "zip": _unzip, "zstd": _unzstd}[packing]
        for piece in reader(place, file):
            total += len(piece)
            if total > most:
                raise too_large(place, limits)
            yield piece


def too_large(place: Place, limits: Limits) -> Rejection:
    """What is said of a file that expands out of all proportion."""
    most = limits.most_bytes(place.stamp()[0]) / MIB
    return Rejection(
        "expansion_limit",
        f"{place.name} expands to more than {most:,.0f} MiB, {limits.expansion} times its size; reading stopped there.",
        "Such files are made to fill memory and disks. If this one is honest, deliver it less compressed.",
    )


def gathered(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of about `size`: archives may come in very small ones."""
    held: list[bytes] = []
    total = 0
    for piece in pieces:
        held.append(piece)
        total += len(piece)
        if total >= size:
            yield b"".join(held) if len(held) > 1 else piece
            held, total = [], 0
    if total:
        yield b"".join(held)


def _mismatch(place: Place, claimed: str, found: str, start: bytes, packing: str | None = None) -> NoReturn:
    within = f"the {packing} archive {place.name}" if packing else place.name
    what = {"text": "first bytes are those of plain text", _UNKNOWN: _bytes(start)}.get(
        found, f"first bytes are those of {found}"
    )
    raise Rejection(
        "container",
        f"{within} is not what its name says: {claimed} is expected, and its {what}.",
        "Ask the sender how it was packed or renamed on its way; nothing was read.",
    )


def _bytes(start: bytes) -> str:
    return f"first bytes ({start[:4].hex(' ')}) are those of {_UNKNOWN}: damaged, encrypted or something else"


def _damaged(place: Place, packing: str, why: str, wrong: Exception | None = None) -> NoReturn:
    raise Rejection(
        "container",
        f"{place.name}: the {packing} archive is damaged or cut off ({plain(why, 120)}).",
        "Ask the sender to deliver it again; what could be read before the damage was not loaded.",
    ) from wrong


def _pieces(file: Any, size: int) -> Iterator[bytes]:
    while piece := file.read(size):
        yield bytes(piece)


def _gunzip(place: Place, file: Any) -> Iterator[bytes]:
    inflate, whole = zlib.decompressobj(wbits=31), False
    for packed in _pieces(file, 256 * 1024):
        rest = packed
        while rest:
            if whole:
                rest = rest.lstrip(b"\0")  # padding after the last member
                if not rest:
                    break
                inflate, whole = zlib.decompressobj(wbits=31), False
            try:
                piece = inflate.decompress(rest, _PIECE)
            except zlib.error as wrong:
                _damaged(place, "gzip", str(wrong), wrong)
            if piece:
                yield piece
            whole = inflate.eof
            rest = inflate.unused_data if whole else inflate.unconsumed_tail
    while not whole and (piece := _flushed(place, inflate)):
        yield piece
    if not inflate.eof:
        _damaged(place, "gzip", "it ends before its end mark")


def _flushed(place: Place, inflate: Any) -> bytes:
    try:
        return bytes(inflate.decompress(b"", _PIECE))
    except zlib.error as wrong:
        _damaged(place, "gzip", str(wrong), wrong)


def _unzstd(place: Place, file: Any) -> Iterator[bytes]:
    try:
        with pa.CompressedInputStream(file, "zstd") as stream:
            yield from _pieces(stream, _PIECE)
    except OSError as wrong:
        _damaged(place, "zstd", str(wrong), wrong)


def _archive(place: Place, file: Any) -> tuple[zipfile.ZipFile, zipfile.ZipInfo]:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError) as wrong:
        _damaged(place, "zip", str(wrong), wrong)
    members = [member for member in archive.infolist() if not member.is_dir()]
    if "[Content_Types].xml" in {member.filename for member in members}:
        raise UnknownFormat(
            f"{place.name}: this is an Office file, which is not read.", "Save the sheet as CSV (UTF-8)."
        )
    fault = None
    if len(members) != 1:
        fault = (
            f"it holds {len(members)} files ({listed([plain(member.filename) for member in members])}), not one"
            if members
            else "it holds no file"
        )
    elif members[0].flag_bits & 1:
        fault = "its file is encrypted"
    elif S_ISLNK(members[0].external_attr >> 16):
        fault = "it holds a symbolic link, not a file"
    elif (
        members[0].filename.startswith(("/", "\\"))
        or ".." in members[0].filename.replace("\\", "/").split("/")
        or ":" in members[0].filename
    ):
        fault = f"the path of its file, {plain(members[0].filename)}, leads out of the archive"
    elif members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        fault = "it is packed by a method that is not read"
    if fault:
        raise Rejection(
            "container",
            f"{place.name}: {fault}.",
            "Ask the sender for a zip with the one data file in it, packed the usual way.",
        )
    return archive, members[0]


def _member(place: Place) -> str:
    with place.open() as file:
        return _archive(place, file)[1].filename


def _unzip(place: Place, file: Any) -> Iterator[bytes]:
    archive, member = _archive(place, file)
    try:
        with archive.open(member) as stream:
            yield from _pieces(stream, _PIECE)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as wrong:
        _damaged(place, "zip", str(wrong) or "it ends too soon", wrong)
