"""Waiting: what lies in the inbox and was not moved yet, from sizes and the heads of frames alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from watchkeeper.lake.lake import Lake
from watchkeeper.lake.move import NOTED, progress_of
from watchkeeper.sdk import inbox_of, segments
from watchkeeper.sdk.frame import BODY, HEAD, MAGIC, OVERHEAD


@dataclass(frozen=True)
class Waiting:
    """What the next move will take."""

    bytes: int
    since: int | None
    """When the oldest of it was received, microseconds since 1970; None where nothing waits."""


def waiting(home: Path, lake: Lake) -> Waiting:
    """What of a model's inbox was not moved yet."""
    read = progress_of(lake.cache / NOTED)
    size, since = 0, []
    for path in segments(inbox_of(home, lake.model.name)):
        offset = read.get(path.name, 0)
        try:
            with path.open("rb") as file:
                length = file.seek(0, 2)
                file.seek(offset)
                head = file.read(OVERHEAD)
        except FileNotFoundError:  # moved and deleted just now
            continue
        size += max(length - offset, 0)
        if len(head) == OVERHEAD and head.startswith(MAGIC):
            since.append(BODY.unpack_from(head, HEAD.size)[1])
    return Waiting(size, min(since, default=None))
