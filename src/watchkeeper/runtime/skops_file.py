"""What a skops file says of itself, read without making any of its objects, and what in it is refused.

A skops file is a ZIP archive with `schema.json`, a tree of nodes that each name a type, and arrays as `.npy` files.
"""

from __future__ import annotations

import json
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import IO, Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from watchkeeper.runtime import skops_schema, skops_trust
from watchkeeper.runtime.failure import Refused

SCHEMA = "schema.json"
MOST_FILES = 10_000
MOST_DIRECTORY_BYTES = 4 << 20
MOST_SCHEMA_BYTES = 32 << 20
MOST_NODES = 400_000
"""Objects and lists in the schema; a forest of 1,000 trees has some 30,000."""
_END = struct.Struct("<4s4H2LH")
"""The end of a ZIP archive's directory, without a comment: signature, disks, counts, size, place, comment's length."""


@dataclass(frozen=True)
class Described:
    """What a skops file says of itself."""

    estimator: str
    """The type of what it holds."""
    inputs: tuple[str, ...] | None
    """Names of the columns it was trained on."""
    width: int | None
    """How many columns it was trained on, where it says so."""
    types: tuple[str, ...]
    """All types that it names, but for those of Python itself."""


def describe(file: BinaryIO, size: int, most_bytes: int, allowed: Iterable[str]) -> Described:
    """Read what a skops file holds. Raises `Refused` for what may not be in it."""
    _small_directory(file, size)
    try:
        with ZipFile(file) as archive:
            names = _checked(archive.infolist(), most_bytes)
            for entry in archive.infolist():
                if entry.filename.endswith(".npy"):
                    with archive.open(entry) as array:
                        _array(array, entry)
                elif entry.filename.endswith(".npz"):
                    _sparse(archive, entry, most_bytes)
            schema = _schema(archive)
    except (BadZipFile, EOFError, OSError, NotImplementedError, UnicodeDecodeError) as error:
        raise Refused(f"It is a damaged archive: {error}. Copy it again, whole.") from error
    types = tuple(sorted(skops_schema.types(schema, names)))
    skops_trust.refuse(skops_trust.doubtful(types), allowed)
    inputs = skops_schema.inputs(schema)
    width = skops_schema.width(schema) if inputs is None else len(inputs)
    return Described(skops_schema.name(schema), inputs, width, types)


def _small_directory(file: BinaryIO, size: int) -> None:
    """Refuse a directory that is too large to be read, before anything reads it."""
    file.seek(max(0, size - _END.size))
    tail = file.read(_END.size)
    if len(tail) < _END.size or tail[:4] != b"PK\x05\x06":
        raise Refused("It is an archive that is cut off, or has something behind its end. Copy it again, whole.")
    _, _, _, _, count, directory, _, comment = _END.unpack(tail)
    if comment or count > MOST_FILES or directory > MOST_DIRECTORY_BYTES:
        raise Refused(f"It is an archive of more than {MOST_FILES:,} files, which no estimator has.")


def _checked(entries: list[ZipInfo], most_bytes: int) -> set[str]:
    """The names of the files of an archive, each of which is a plain file of a plain name."""
    names: set[str] = set()
    total = 0
    for entry in entries:
        name = entry.filename
        if name in names:
            raise Refused(f"Its archive holds {name!r} twice.")
        if name.endswith(".pkl"):
            raise Refused(
                f"Its archive holds the pickle {name!r}, as PyTorch's do, which runs code. Export it as ONNX."
            )
        if not name or any(mark in name for mark in "/\\:\0") or name.startswith(".") or not name.isprintable():
            raise Refused(f"Its archive holds {name!r}, a path out of it or a folder; skops writes plain names alone.")
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise Refused(f"Its archive holds {name!r}, which is a link or a device and no file.")
        if entry.flag_bits & 0x1 or entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise Refused(f"Its archive holds {name!r} encrypted or packed in a way that skops does not use.")
        if name != SCHEMA and not name.endswith((".npy", ".npz", ".bin")):
            raise Refused(f"Its archive holds {name!r}, which is no part of an estimator.")
        names.add(name)
        total += entry.file_size
    if total > most_bytes:
        raise Refused(
            f"It unpacks to {total:,} bytes, more than {most_bytes:,}. "
            "If that is right, raise `file_bytes` under `serving:` in config.yaml."
        )
    if SCHEMA not in names:
        raise Refused("It is an archive, but no skops file: it has no schema.json. Save the model by skops.io.dump.")
    return names


def _sparse(archive: ZipFile, entry: ZipInfo, most_bytes: int) -> None:
    """Check a sparse matrix, an archive of arrays within the archive."""
    with archive.open(entry) as packed:
        _small_directory(packed, entry.file_size)  # type: ignore[arg-type]
        packed.seek(0)
        with ZipFile(packed) as inner:
            if sum(one.file_size for one in inner.infolist()) > most_bytes:
                raise Refused(f"{entry.filename} in it unpacks to more than {most_bytes:,} bytes.")
            for one in inner.infolist():
                with inner.open(one) as array:
                    _array(array, one)


def _array(array: IO[bytes], entry: ZipInfo) -> None:
    """Refuse an array of pickled objects, and one that says it is larger than what it holds."""
    from numpy.lib import format as npy

    try:
        version = npy.read_magic(array)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(array)
    except (ValueError, TypeError) as error:
        raise Refused(f"{entry.filename} in it is no array: {error}.") from error
    if dtype.hasobject:
        raise Refused(f"{entry.filename} in it is an array of pickled objects, which would run code. Use plain arrays.")
    held = entry.file_size - array.tell()
    if any(one < 0 for one in shape) or prod(shape) * dtype.itemsize != held:
        raise Refused(f"{entry.filename} in it says its shape is {list(shape)}, but it holds {held:,} bytes.")


def _schema(archive: ZipFile) -> Any:
    """The tree of nodes, of which the size is bounded before it is read."""
    if archive.getinfo(SCHEMA).file_size > MOST_SCHEMA_BYTES:
        raise Refused(f"Its schema.json has more than {MOST_SCHEMA_BYTES:,} bytes.")
    text = archive.read(SCHEMA)
    if text.count(b"{") + text.count(b"[") > MOST_NODES:
        raise Refused(f"Its schema.json has more than {MOST_NODES:,} parts.")
    try:
        schema = json.loads(text)
    except RecursionError as error:
        raise Refused(f"Its schema.json is nested deeper than {skops_schema.MOST_DEEP} levels.") from error
    except ValueError as error:
        raise Refused(f"Its schema.json is no JSON: {error}.") from error
    if not isinstance(schema, dict) or "__class__" not in schema:
        raise Refused("Its schema.json does not describe an estimator. Save the model by skops.io.dump.")
    return schema
