"""Where data lie: paths, globs, folders, URLs of file systems, tables in memory."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from watchkeeper.delivery.remote import NoSuchFile, file_system, files_of, is_url, local, reached, shown
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


class Unreadable(WatchkeeperError):
    """A file is there and can't be opened."""


class NotData(WatchkeeperError):
    """A value is neither a path nor a table: the text says what is taken."""


@dataclass(frozen=True)
class Place:
    """A file on some file system."""

    name: str
    """What the user called it, without keys and passwords, and without anything that a terminal obeys."""
    path: str
    filesystem: Any
    """A `pyarrow.fs.FileSystem`."""
    url: str | None = None
    """None where it lies on this machine."""

    @property
    def is_local(self) -> bool:
        """Whether reading a few bytes here and there costs little."""
        return bool(self.filesystem.type_name == "local")

    @contextmanager
    def open(self) -> Iterator[Any]:
        """The file's bytes, random access. Raises `NoSuchFile`, `Unreadable`, `Unreachable`."""
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
        if self.url is not None:
            with reached(self.url):
                yield
            return
        try:
            yield
        except FileNotFoundError as missing:
            raise NoSuchFile(f"{self.name}: there is no such file. Check the path.") from missing
        except PermissionError as denied:
            raise Unreadable(f"{self.name}: you may not read it. Ask its owner for the right to read it.") from denied
        except OSError as failed:
            why = failed.strerror or type(failed).__name__
            raise Unreadable(f"{self.name}: it can't be opened ({why}). Check the disk it lies on.") from failed


def is_table(source: object) -> bool:
    """Whether `source` is a table in memory: anything that offers an Arrow stream."""
    return hasattr(source, "__arrow_c_stream__") and not isinstance(source, type)


def locate(source: str | Path) -> Place:
    """The one file that a path or URL leads to. Raises `NoSuchFile`, `Unreadable`, `Unreachable`."""
    from pyarrow import fs

    name, given = called(str(source)), local(str(source))
    if is_url(given):
        filesystem, inside = file_system(given)
        return Place(called(shown(given)), inside, filesystem, given)
    path = Path(given)
    if not path.exists():
        raise NoSuchFile(f"{name}: there is no such file. {_near(path)}")
    if path.is_dir():
        raise Unreadable(f"{name}: this is a folder. Name a file in it, or '{name}/*.csv'.")
    if not path.is_file():
        raise Unreadable(f"{name}: this is a pipe or a device, and a delivery is read twice. Save it as a file first.")
    if not os.access(path, os.R_OK):
        raise Unreadable(f"{name}: you may not read it. Ask its owner for the right to read it.")
    return Place(name, str(path), fs.LocalFileSystem())


def called(path: str) -> str:
    """A path as it is named in a sentence: whole, but nothing in it is obeyed by a terminal or breaks a line."""
    return plain(path, max(len(path), 1))


def expand(sources: Any) -> list[Any]:
    """Sources one by one: globs and folders become their files, sorted by name; tables in memory stay as they are.

    `sources`: a path, glob, folder, URL or table, or a sequence of these; a file that is named twice, or by a
    link too, is kept once.
    Raises `NoSuchFile`, which names the pattern and what is near; `NotData`, `Unreachable`.
    """
    several = isinstance(sources, Sequence) and not isinstance(sources, str | bytes) and not is_table(sources)
    many = list(sources) if several else [sources]
    if not many:
        raise NoSuchFile("no file was named. Give a path, a quoted glob such as 'train/*.csv', or a URL.")
    found: dict[Any, Any] = {}
    for source in many:
        if is_table(source):
            found[id(source)] = source
        elif isinstance(source, str | os.PathLike) and isinstance(os.fspath(source), str):
            for file in _files(os.fspath(source)):
                found.setdefault(file if is_url(file) else Path(file).resolve(), file)
        else:
            raise NotData(_unfit(source))
    return list(found.values())


_TAKEN = "Give a path or URL, a pandas, Polars or Arrow table, a DuckDB relation, or a list of these."
_MAKERS = ("collect", "compute", "to_table", "to_arrow", "toArrow", "read_all", "to_pandas", "toPandas")
"""Methods by which libraries make a table of what is not one yet, likelier first."""


def _unfit(source: object) -> str:
    """Why a value is no data, and how to make a table of it."""
    kind = type(source).__name__
    if isinstance(source, type):
        return f"this is the class {source.__name__}, not a table of that class. {_TAKEN}"
    if hasattr(source, "__arrow_c_array__") or callable(getattr(source, "to_frame", None)):
        return one_column(source)
    maker = next((name for name in _MAKERS if callable(getattr(source, name, None))), None)
    if maker is not None:
        return f"a value of type {kind} is no table yet. Call .{maker}() on it, and give what that returns."
    if isinstance(source, dict):
        hint = (
            "Make a table of it: pyarrow.table(columns) of one dict, pyarrow.Table.from_pylist(rows) of a list of them."
        )
    elif hasattr(source, "__array__"):
        hint = "It has no column names. Make a table of it, such as pandas.DataFrame(array, columns=[…])."
    elif isinstance(source, list | tuple):
        hint = "A list holds paths or tables, not lists. Give one list."
    elif isinstance(source, Iterator):
        hint = "It can be read but once. Give a list of what it yields."
    elif isinstance(source, bytes):
        hint = "A path is written as text, such as 'new.csv'."
    else:
        hint = _TAKEN
    return f"data can't be read from a value of type {kind}. {hint}"


def one_column(source: object) -> str:
    """What is said of a value that is a column and not a table."""
    how = "Call .to_frame() on it" if hasattr(source, "to_frame") else "Name it with pyarrow.table({'x': it})"
    return f"a value of type {type(source).__name__} is one column, not a table. {how}, and give what that returns."


def _files(named: str) -> list[str]:
    pattern = local(named)
    if is_url(pattern):
        return files_of(pattern, _is_data)
    if not pattern:
        raise NoSuchFile("an empty path names no file. Give a path, a quoted glob such as 'train/*.csv', or a URL.")
    path = Path(pattern)
    if path.is_dir():
        inside = sorted(
            str(file) for file in path.rglob("*") if _is_data(file.relative_to(path).as_posix()) and file.is_file()
        )
        if not inside:
            raise NoSuchFile(f"{called(named)}: this folder holds no data file ({', '.join(ENDINGS[:5])}, …).")
        return inside
    if path.exists():
        return [pattern]
    if glob.has_magic(pattern):
        matches = sorted(match for match in glob.glob(pattern, recursive=True) if Path(match).is_file())  # noqa: PTH207 (keeps the path as typed)
        if matches:
            return matches
        raise NoSuchFile(f"no file matches '{called(named)}'. {_near(path)}")
    if path.is_symlink():
        target = called(str(path.readlink()))
        raise NoSuchFile(f"{called(named)}: this is a link to {target}, which is not there. Mend the link.")
    raise NoSuchFile(f"{called(named)}: there is no such file. {_near(path)}")


def _near(path: Path) -> str:
    """What lies where `path` was looked for, likely names first."""
    folder = path.parent
    while glob.has_magic(str(folder)) or not folder.is_dir():
        if folder == folder.parent:
            return "Check the path."
        folder, path = folder.parent, folder
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith(".") and entry.exists())
    likely = get_close_matches(path.name, names, n=3, cutoff=0.6)
    if likely:
        return f"Did you mean {' or '.join(called(str(folder / name)) for name in likely)}?"
    if path.name.lower() in (lower := {name.lower(): name for name in names}):
        return f"Did you mean {called(str(folder / lower[path.name.lower()]))}?"
    where = called(str(folder.resolve()))
    return f"{where} holds {listed([called(name) for name in names])}." if names else f"{where} is empty."


def _is_data(relative: str) -> bool:
    """Whether a file of a folder is data: its ending is known, and nothing on its path is hidden (`.x`, `_x`)."""
    if any(part.startswith((".", "_")) for part in relative.split("/")):
        return False
    name = relative.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name.endswith(ENDINGS)
