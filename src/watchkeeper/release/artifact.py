"""Artefact: the file of a version, kept under its SHA-256 on the local disk or in an object store."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from watchkeeper.lake.place import Place
from watchkeeper.model import WatchkeeperError
from watchkeeper.model.error import NotInstalled
from watchkeeper.watch.home import Home

PIECE = 1 << 20
"""Bytes that are held in memory at a time."""
UNFINISHED = ".new-"
"""How names of files begin that are still being written; nothing ever reads them."""
ABANDONED = 24 * 3600
"""Seconds after which such a file belongs to a process that died."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class NoArtifact(WatchkeeperError):
    """A version's file is not where files are kept, or is no file at all: the text says where it was looked for."""

    exit_code = 4


class WrongBytes(WatchkeeperError):
    """A kept file is not what was registered: it is refused, because nobody has checked what it would answer."""

    exit_code = 4


class TooLarge(WatchkeeperError):
    """A version's file has more bytes than the home's configuration allows."""


class StoreUnavailable(WatchkeeperError):
    """The place of the files can't be reached, read or written: the text says why."""

    exit_code = 4


def put(home: Home, path: str | Path) -> str:
    """Keep a file under its SHA-256, which is returned; nobody sees it there before it is whole and on the disk.

    Raises `NoArtifact` (there is no such file), `TooLarge`, `StoreUnavailable`.
    """
    path = Path(path)
    if not path.is_file():
        raise NoArtifact(f"{path} is no file. Name the file that the training wrote, such as model.onnx.")
    most = home.config.serving.file_bytes
    if path.stat().st_size > most:
        raise TooLarge(
            f"{path} has {path.stat().st_size:,} bytes, and {most:,} are allowed. "
            "If it is right, raise `file_bytes` under `serving:` in config.yaml."
        )
    place = _place(home)
    with path.open("rb") as source:
        if place.local is not None:
            return _kept(source, place.local, most)
        sha256 = _kept(source, cache(home), most)
    with (cache(home) / _under(sha256)).open("rb") as whole:
        _upload(whole, place, _under(sha256))
    return sha256


def fetch(home: Home, sha256: str) -> Path:
    """The file on this machine, its bytes verified. Raises `NoArtifact`, `WrongBytes`, `StoreUnavailable`."""
    place = _place(home)
    path = (place.local or cache(home)) / _under(sha256)
    if place.local is not None:
        verify(path, sha256)
    elif not path.is_file() or digest(path) != sha256:
        _download(home, place, sha256)
    return path


def is_kept(home: Home, sha256: str) -> bool:
    """Whether the file is where files are kept. Raises `StoreUnavailable`."""
    place = _place(home)
    if place.local is not None:
        return (place.local / _under(sha256)).is_file()
    with _asked(place, "read"):
        files, root = _files(place)
        return bool(files.exists(f"{root}{_under(sha256)}"))


def delete(home: Home, sha256: str) -> None:
    """Delete the file, and its copy on this machine; one that is gone stays gone. Raises `StoreUnavailable`."""
    place = _place(home)
    for folder in (place.local, cache(home)):
        if folder is not None:
            (folder / _under(sha256)).unlink(missing_ok=True)
    if place.local is None and is_kept(home, sha256):
        with _asked(place, "written"):
            files, root = _files(place)
            files.rm_file(f"{root}{_under(sha256)}")


def verify(path: Path, sha256: str) -> None:
    """Look whether a file on this machine is what was registered. Raises `NoArtifact`, `WrongBytes`."""
    if not path.is_file():
        raise NoArtifact(f"{path} is gone. Put a backup in its place, or register the file again: the same bytes fit.")
    if digest(path) != sha256:
        raise _wrong(path, sha256)


def cache(home: Home) -> Path:
    """Where files of an object store are kept on this machine, once they were fetched."""
    return home.folder / "cache" / "artifacts"


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _place(home: Home) -> Place:
    at = home.config.artifacts
    if at is not None and "://" in at:
        return Place(at, home.config.storage)
    return Place(str(home.folder / (at or "artifacts")))  # a relative folder is one in the home


def _under(sha256: str) -> str:
    """Where a file lies. A digest is looked at first, so that no text from outside ever leads elsewhere."""
    if not _DIGEST.fullmatch(sha256):
        raise NoArtifact(f"{ascii(sha256)[:80]} is no SHA-256 of a file.")
    return f"{sha256[:2]}/{sha256}"


def _kept(source: Any, folder: Path, most: int, expected: str | None = None, where: str = "") -> str:
    """Copy into a folder under the SHA-256; given what is expected, refuse anything else that lies `where`."""
    folder.mkdir(parents=True, exist_ok=True)
    _swept(folder)
    descriptor, name = tempfile.mkstemp(prefix=UNFINISHED, dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as target:
            sha256 = _copied(source, target, most)
            target.flush()
            os.fchmod(target.fileno(), 0o444)
            os.fsync(target.fileno())
        if expected is not None and expected != sha256:
            raise _wrong(where, expected)
        final = folder / _under(sha256)
        final.parent.mkdir(exist_ok=True)
        Path(name).replace(final)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    for changed in (final.parent, folder):  # a name is only on the disk once its folder is
        _sync(changed)
    return sha256


def _copied(source: Any, target: BinaryIO, most: int) -> str:
    summed, size = hashlib.sha256(), 0
    while piece := source.read(PIECE):
        size += len(piece)
        if size > most:
            raise TooLarge(f"the file goes on after the {most:,} bytes that `file_bytes` under `serving:` allows.")
        summed.update(piece)
        target.write(piece)
    return summed.hexdigest()


def _swept(folder: Path) -> None:
    """Delete what processes left behind that were killed long ago."""
    for left in folder.glob(f"{UNFINISHED}*"):
        if left.stat().st_mtime < time.time() - ABANDONED:
            left.unlink(missing_ok=True)


def _download(home: Home, place: Place, sha256: str) -> None:
    with _asked(place, "read"):
        files, root = _files(place)
        at = f"{root}{_under(sha256)}"
        if not files.exists(at):
            raise NoArtifact(
                f"{place.uri}/{_under(sha256)} is not there. Put a backup in its place, or register the file again."
            )
        with files.open(at, "rb") as source:
            _kept(source, cache(home), home.config.serving.file_bytes, sha256, f"{place.uri}/{_under(sha256)}")


def _upload(source: BinaryIO, place: Place, name: str) -> None:
    """An object store shows an object once it is whole; what is cut short is told by its size and taken away."""
    with _asked(place, "written"):
        files, root = _files(place)
        with files.open(f"{root}{name}", "wb") as target:
            while piece := source.read(PIECE):
                target.write(piece)
        if files.size(f"{root}{name}") != source.tell():
            files.rm_file(f"{root}{name}")
            raise OSError("fewer bytes arrived than were sent")


def _files(place: Place) -> tuple[Any, str]:
    """The file system as `fsspec` knows it, and what each path in it begins with."""
    if place.uri.startswith(("s3://", "s3a://")):
        from fsspec.implementations.arrow import ArrowFSWrapper

        return ArrowFSWrapper(place.files), ""
    from fsspec.core import url_to_fs

    try:
        files, root = url_to_fs(place.uri, **place.options)
    except ImportError as missing:
        raise NotInstalled(f"artifacts: {place.uri}: {missing}") from missing
    return files, f"{str(root).rstrip('/')}/"


@contextmanager
def _asked(place: Place, what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as failed:
        reason = " ".join(str(failed).split())[:300]
        raise StoreUnavailable(
            f"{place.uri} could not be {what}: {reason}. Look whether the storage is there, has room and lets you in "
            "(`artifacts` and `storage` in config.yaml); then do it again."
        ) from failed


def _wrong(where: object, sha256: str) -> WrongBytes:
    return WrongBytes(
        f"{where}: these are not the bytes that were registered (SHA-256 {sha256}), so they are not served. "
        "Put a backup in its place, or register the original file again: the same bytes fit."
    )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
