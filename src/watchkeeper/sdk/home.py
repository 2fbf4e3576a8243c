"""Home: the folder in which inbox, lake and state live, and where in it the SDK writes."""

from __future__ import annotations

import os
import re
from pathlib import Path

from watchkeeper.sdk.error import BadName

SEGMENTS = "*.wks"
"""What the names of segments match, in an inbox as in a spool."""

_NAME = re.compile(r"[a-z0-9-]{1,63}")


def home_folder(given: str | Path | None = None) -> Path:
    """The folder that was given, else that of $WATCHKEEPER_HOME, else `.watchkeeper` in the working folder."""
    return Path(given or os.environ.get("WATCHKEEPER_HOME") or ".watchkeeper").absolute()


def inbox_of(home: Path, model: str) -> Path:
    """Where a model's segments are written; the folder exists if and only if the model was added.

    The name is looked at first, so that no name from outside ever leads to another folder.
    """
    return home / "inbox" / _checked(model)


def spool_of(home: Path, model: str, url: str) -> Path:
    """Where records wait for one server, apart from those that wait for another."""
    import hashlib

    return home / "spool" / f"{_checked(model)}-{hashlib.sha256(url.rstrip('/').encode()).hexdigest()[:12]}"


def _checked(model: str) -> str:
    if not _NAME.fullmatch(model):
        raise BadName(f"{model!r} can't be a model's name: use 1 to 63 lower-case letters, digits and hyphens.")
    return model
