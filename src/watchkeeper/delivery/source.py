"""Where data lie: paths, globs, folders, URLs of file systems, tables in memory."""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa

from watchkeeper.delivery.wording import listed, plain
from watchkeeper.model.error import WatchkeeperError

ENDINGS = (
    ".csv",
    ".tsv",
    ".tab",
    ".txt",
    ".jsonl",
    ".ndjson",
    ".json",
    ".parquet",
    ".pq",
    ".arrow",
    ".arrows",
    ".feather",
    ".ipc",
)
"""Endings of files that are taken from a folder, each perhaps followed by one of `PACKED`."""
PACKED = (".gz", ".zip", ".zst", ".zstd")


class NoSuchFile(WatchkeeperError):
    """A path, glob or URL leads to no file: the text names it, and what is near."""


class Unreadable(WatchkeeperError):
    """A file is there and can't be opened."""


@dataclass(frozen=True)
class Place:
    """A file on some file system."""

    name: str
    """What the user called it."""
    path: str
    filesystem: Any
    """A `pyarrow.fs.FileSystem`."""

    @property
    def is_local(self) -> bool:
        """Whether reading a few bytes here and there costs little."""
        return bool(self.filesystem.type_name == "local")

    @contextmanager
    def open(self) -> Iterator[Any]:
        """The file's bytes, random access. Raises `NoSuchFile`, `Unreadable`."""
        with self._explained():
            file = self.filesystem.open_input_file(self.path)
        with file:
            yield file

    def stamp(self) -> tuple[int, int]:
        """Size in bytes and time of the last change: differs once somebody has written to the file."""
        with self._explained():
            info = self.filesystem.get_file_info(self.path)
        if not info.is_file:
            raise NoSuchFile(f"{self.name}: there is no such file (any more). Check the path.")
        return info.size, info.mtime_ns or 0

    def head(self, size: int = 4096) -> bytes:
        """The first bytes of the file."""
        with self.open() as file:
            return bytes(file.read(size))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as missing:
            raise NoSuchFile(f"{self.name}: there is no such file. Check the path.") from missing
        except PermissionError as denied:
            raise Unreadable(f"{self.name}: you may not read it. Ask its owner for the right to read it.") from denied
        except OSError as failed:
            raise Unreadable(f"{self.name}: it can't be opened ({plain(str(failed), 200)}).") from failed


def is_table(source: object) -> bool:
    """Whether `source` is a table in memory: anything that offers an Arrow stream."""
    return hasattr(source, "__arrow_c_stream__")


def locate(source: str | Path) -> Place:
    """The one file that a path or URL leads to. Raises `NoSuchFile`, `Unreadable`."""
    from pyarrow import fs

    name = str(source)
    if _is_url(name):
        filesystem, inside = _from_url(name)
        return Place(name, inside, filesystem)
    path = Path(source)
    if not path.exists():
        raise NoSuchFile(f"{name}: there is no such file. {_near(path)}")
    if path.is_dir():
        raise Unreadable(f"{name}: this is a folder. Name a file in it, or '{name}/*.csv'.")
    if not path.is_file():
        raise Unreadable(f"{name}: this is a pipe or a device, and a delivery is read twice. Save it as a file first.")
    if not os.access(path, os.R_OK):
        raise Unreadable(f"{name}: you may not read it. Ask its owner for the right to read it.")
    return Place(name, str(path), fs.LocalFileSystem())


def expand(sources: Any) -> list[Any]:
    """Sources one by one: globs and folders become their files, sorted by name; tables in memory stay as they are.

    `sources`: a path, glob, folder, URL or table, or a sequence of these; a file that is named twice is kept once.
    Raises `NoSuchFile`, which names the pattern and what is near.
    """
    many = (
        list(sources)
        if isinstance(sources, Sequence) and not isinstance(sources, str) and not is_table(sources)
        else [sources]
    )
    if not many:
        raise NoSuchFile("no file was named. Give a path, a quoted glob such as 'train/*.csv', or a URL.")
    found: dict[Any, Any] = {}
    for source in many:
        if is_table(source):
            found[id(source)] = source
        elif isinstance(source, str | Path):
            found.update((file, file) for file in _files(str(source)))
        else:
            raise Unreadable(
                f"data of type {type(source).__name__} can't be read: it offers no Arrow stream. "
                "Give a path, or a pandas, Polars or Arrow table, or a DuckDB relation."
            )
    return list(found.values())


def _files(pattern: str) -> list[str]:
    if _is_url(pattern):
        return _remote(pattern)
    path = Path(pattern)
    if path.is_dir():
        inside = sorted(
            str(file) for file in path.rglob("*") if _is_data(file.relative_to(path).as_posix()) and file.is_file()
        )
        if not inside:
            raise NoSuchFile(f"{pattern}: this folder holds no data file ({', '.join(ENDINGS[:5])}, …).")
        return inside
    if path.exists():
        return [pattern]
    if glob.has_magic(pattern):
        matches = sorted(match for match in glob.glob(pattern, recursive=True) if Path(match).is_file())  # noqa: PTH207 (keeps the path as typed)
        if matches:
            return matches
        raise NoSuchFile(f"no file matches {pattern!r}. {_near(path)}")
    raise NoSuchFile(f"{pattern}: there is no such file. {_near(path)}")


def _near(path: Path) -> str:
    """What lies where `path` was looked for, likely names first."""
    folder = path.parent
    while glob.has_magic(str(folder)) or not folder.is_dir():
        if folder == folder.parent:
            return "Check the path."
        folder, path = folder.parent, folder
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    likely = get_close_matches(path.name, names, n=3, cutoff=0.6)
    if likely:
        return f"Did you mean {' or '.join(str(folder / name) for name in likely)}?"
    if path.name.lower() in (lower := {name.lower(): name for name in names}):
        return f"Did you mean {folder / lower[path.name.lower()]}?"
    return f"{folder.resolve()} holds {listed(names)}." if names else f"{folder.resolve()} is empty."


def _is_data(relative: str) -> bool:
    """Whether a file of a folder is data: its ending is known, and nothing on its path is hidden (`.x`, `_x`)."""
    if any(part.startswith((".", "_")) for part in relative.split("/")):
        return False
    name = relative.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name.endswith(ENDINGS)


def _is_url(source: str) -> bool:
    return "://" in source


def _from_url(url: str) -> tuple[Any, str]:
    from pyarrow import fs

    try:
        filesystem, path = fs.FileSystem.from_uri(url)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError, ValueError) as unknown:
        raise NoSuchFile(
            f"{url}: this URL can't be opened ({plain(str(unknown), 120)}). Known are file://, s3://, gs://, abfs:// "
            "and hdfs://; download what lies behind http:// first."
        ) from unknown
    return filesystem, path


def _remote(url: str) -> list[str]:
    from pyarrow import fs

    filesystem, path = _from_url(url)
    prefix = url[: len(url) - len(path)] if url.endswith(path) else f"{url.partition('://')[0]}://"
    folder = path
    while glob.has_magic(folder):
        folder = folder.rpartition("/")[0]
    try:
        info = filesystem.get_file_info(folder)
        if info.type == fs.FileType.File:
            return [url]
        listing = filesystem.get_file_info(fs.FileSelector(folder, recursive=True, allow_not_found=True))
    except OSError as failed:
        code = os.strerror(failed.errno) if failed.errno and failed.errno in errno.errorcode else str(failed)
        raise Unreadable(
            f"{url}: it can't be listed ({plain(code, 200)}). Check the address and your rights."
        ) from failed
    files = [entry.path for entry in listing if entry.is_file]
    if glob.has_magic(path):
        matches = sorted(file for file in files if fnmatch(file, path) and file.count("/") == path.count("/"))
    else:
        matches = sorted(file for file in files if _is_data(file[len(folder) :].lstrip("/")))
    if not matches:
        near = (
            f"{prefix}{folder} holds {listed([Path(file).name for file in files])}."
            if files
            else f"{prefix}{folder} holds nothing."
        )
        raise NoSuchFile(f"no file matches {url!r}. {near}")
    return [prefix + match for match in matches]
