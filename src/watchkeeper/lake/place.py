"""Place: a folder of the lake, on the local disk or in an object store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs

from watchkeeper.lake.error import LakeUnavailable

PATIENCE = {"max_retries": "3", "retry_timeout": "20s", "timeout": "30s", "connect_timeout": "5s"}
"""How long an object store is waited for before the error is told: the inbox keeps what could not be stored."""


@dataclass(frozen=True)
class Place:
    """Where something of the lake lies. `options` are the storage options of Delta, such as `endpoint` and `region`."""

    uri: str
    """An absolute path, or a URL such as s3://bucket/prefix."""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def local(self) -> Path | None:
        """The folder on this machine; None in an object store."""
        return None if "://" in self.uri else Path(self.uri)

    @property
    def delta_options(self) -> dict[str, str] | None:
        """The options as the Delta library takes them."""
        return None if self.local else {**PATIENCE, **self.options}

    @cached_property
    def files(self) -> Any:
        """The file system whose root is this place."""
        if self.local:
            return pafs.SubTreeFileSystem(self.uri, pafs.LocalFileSystem())
        scheme, _, path = self.uri.partition("://")
        if scheme in ("s3", "s3a"):
            return pafs.SubTreeFileSystem(path, _s3({key.lower(): value for key, value in self.options.items()}))
        from deltalake.fs import DeltaStorageHandler

        return pafs.PyFileSystem(DeltaStorageHandler(self.uri, self.delta_options))

    def below(self, *names: str) -> Place:
        """A folder in this one."""
        return Place("/".join((self.uri.rstrip("/"), *names)), self.options)

    def make(self) -> None:
        """Make the folder, where folders exist at all."""
        if self.local:
            self.local.mkdir(parents=True, exist_ok=True)

    def list(self, folder: str = "") -> list[Any]:
        """All files below, as `pyarrow.fs.FileInfo`; none if there is no such folder."""
        with self.asked("listed"):
            found = self.files.get_file_info(pafs.FileSelector(folder, allow_not_found=True, recursive=True))
            return [info for info in found if info.type == pafs.FileType.File]

    def read(self, path: str) -> bytes | None:
        """The bytes of a file; None if there is none."""
        with self.asked("read"):
            if self.files.get_file_info(path).type != pafs.FileType.File:
                return None
            with self.files.open_input_stream(path) as stream:
                return bytes(stream.read())

    def write(self, path: str, data: bytes) -> None:
        """Write a file that nobody reads yet, and bring it to the disk."""
        with self.asked("written"):
            if self.local is not None:
                (self.local / path).parent.mkdir(parents=True, exist_ok=True)
            with self.files.open_output_stream(path) as stream:
                stream.write(data)
            self.sync(path)

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""
        with self.asked("cleaned"):
            if self.files.get_file_info(path).type == pafs.FileType.File:
                self.files.delete_file(path)

    def sync(self, path: str) -> None:
        """Bring a file to the disk, and its name; an object store has done so when it answered."""
        if self.local is None:
            return
        file = self.local / path
        _sync(file)
        folder = file.parent
        while True:  # a new folder is a name in the folder above
            _sync(folder)
            if folder == self.local:
                return
            folder = folder.parent

    @contextmanager
    def asked(self, what: str) -> Iterator[None]:
        """Turn what the storage answers into a sentence of ours. `what` was to be done with the lake."""
        from deltalake.exceptions import DeltaError

        try:
            yield
        except (OSError, DeltaError, pa.ArrowInvalid) as failed:
            reason = " ".join(str(failed).split())[:300]
            raise LakeUnavailable(
                f"{self.uri} could not be {what}: {reason}. Nothing is lost: what is not stored stays in the inbox. "
                "Look whether the storage is there, has room and lets you in; then run it again."
            ) from failed


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _s3(options: Mapping[str, str]) -> Any:
    """Arrow's own client, which lets other threads run while it waits; it takes the options that Delta takes."""

    def of(*names: str) -> str | None:
        keys = (prefix + name for name in names for prefix in ("", "aws_"))
        return next((options[key] for key in keys if key in options), None)

    endpoint = of("endpoint", "endpoint_url")
    scheme, _, host = (endpoint or "").rpartition("://")
    return pafs.S3FileSystem(
        access_key=of("access_key_id"),
        secret_key=of("secret_access_key"),
        session_token=of("session_token", "token"),
        region=of("region", "default_region"),
        endpoint_override=host.rstrip("/") or None,
        scheme=scheme or "https",
        connect_timeout=5,
        request_timeout=30,
    )
