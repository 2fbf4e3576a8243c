"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchkeeper.model.error import WatchkeeperError


class CannotWrite(WatchkeeperError):
    """A file can't be written: the text says which, why and what to do."""

    exit_code = 4


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary neighbour of `path` to write to; it takes the place of `path` at the end, or goes without a trace.

    Devices and pipes are written to directly. Raises `CannotWrite` where the disk is full, the folder missing or so.
    """
    is_device = path.exists() and not path.is_file() and not path.is_dir()
    target = path if is_device else path.resolve()  # what /dev/stdout leads to has a name that can't be opened
    temporary = target if is_device else target.with_name(f".{target.name[:200]}.{os.getpid()}.tmp")
    try:
        yield temporary
        if not is_device:
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(target)
    except OSError as failed:
        raise CannotWrite(f"{path} can't be written: {_why(failed, target)}") from failed
    finally:
        if not is_device:
            temporary.unlink(missing_ok=True)


def _why(failed: OSError, target: Path) -> str:
    if failed.errno == errno.ENOSPC or "No space left" in str(failed):
        return "the disk is full. Nothing was left half-written; free some space and try again."
    if not target.parent.is_dir():
        return f"there is no folder {target.parent}. Make it first."
    if target.is_dir():
        return "there is a folder of that name. Name a file."
    return f"{failed.strerror or failed}. Nothing was left half-written."
