"""Index: which ids a table holds, when their events were, and what they said, without reading the table.

It is a few sorted files, mapped into memory, that follow the table's versions. Nothing is only here: it is rebuilt from
the table wherever it is missing, damaged or of another table.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import replacing

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]

LARGEST = 16_000_000
"""Entries above which two files are not merged any more, so that merging needs little memory."""
_FORMAT = 1
_BYTES = 32


class Entries(NamedTuple):
    """Some ids. Shapes (n, 2), (n,), (n,)."""

    ids: Hashes
    contents: Ints
    times: Ints

    def taken(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Entries:
        """Some of them."""
        return Entries(self.ids[chosen], self.contents[chosen], self.times[chosen])


class Known(NamedTuple):
    """What an index knows of some ids, shape (n,) each; 0 where an id is not known."""

    found: NDArray[np.bool_]
    contents: Ints
    times: Ints


def joined(parts: Sequence[Entries]) -> Entries:
    """All entries of some lists."""
    ids, contents, times = zip(*parts, strict=True)
    return Entries(np.concatenate(ids), np.concatenate(contents), np.concatenate(times))


@dataclass(frozen=True)
class Run:
    """One sorted file of an index."""

    name: str
    count: int
    high: Hashes
    low: Hashes
    contents: Ints
    times: Ints

    def matches(self, ids: Hashes) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Places in `ids` and places here that hold the same id; an id may stand here more than once."""
        asked = np.arange(len(ids))
        at = np.searchsorted(self.high, ids[:, 0])
        while len(asked):
            inside = at < self.count
            asked, at = asked[inside], at[inside]
            alike = self.high[at] == ids[asked, 0]
            asked, at = asked[alike], at[alike]
            same = self.low[at] == ids[asked, 1]
            yield asked[same], at[same]
            at = at + 1

    def entries(self) -> Entries:
        """All of it, in memory."""
        return Entries(np.column_stack([self.high, self.low]), np.array(self.contents), np.array(self.times))


@dataclass(frozen=True)
class Index:
    """One state of an index. Made by `Shelf`."""

    table: str
    """The id of the table that it follows."""
    version: int
    """The version of the table that it covers."""
    runs: tuple[Run, ...] = ()

    def __len__(self) -> int:
        """How many entries there are."""
        return sum(run.count for run in self.runs)

    def look(self, ids: Hashes) -> Known:
        """What is known of each id: of several entries the earliest made."""
        found = np.zeros(len(ids), dtype=bool)
        contents, times = np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=np.int64)
        for run in self.runs:
            for places, at in run.matches(ids):
                fresh = ~found[places]
                asked = places[fresh]
                contents[asked], times[asked] = run.contents[at[fresh]], run.times[at[fresh]]
                found[asked] = True
        return Known(found, contents, times)

    def times(self, ids: Hashes) -> Ints:
        """The times of all entries of these ids."""
        return np.concatenate([np.empty(0, np.int64), *(r.times[at] for r in self.runs for _, at in r.matches(ids))])


class Shelf:
    """The folder in which an index lies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one on this machine who changes it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def load(self) -> Index | None:
        """The index as it lies here; None if it is missing or unreadable."""
        try:
            kept = json.loads((self.folder / "index.json").read_bytes())
            if kept["format"] != _FORMAT:
                return None
            runs = tuple(self._mapped(name, count) for name, count in kept["runs"])
            return Index(kept["table"], kept["version"], runs)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, index: Index) -> None:
        """Make this the index, at once or not at all, and delete what belongs to no index any more."""
        named = [[run.name, run.count] for run in index.runs]
        kept = {"format": _FORMAT, "table": index.table, "version": index.version, "runs": named}
        written(self.folder / "index.json", json.dumps(kept).encode())
        for file in self.folder.glob("*.run"):
            if file.name not in {run.name for run in index.runs}:
                file.unlink(missing_ok=True)

    def add(self, index: Index, entries: Entries, version: int) -> Index:
        """The index with more entries; files of like size are merged, so that there are few."""
        runs = list(index.runs)
        if len(entries.ids):
            runs.append(self._run(entries))
        while len(runs) > 1 and runs[-2].count < 2 * runs[-1].count and runs[-2].count + runs[-1].count <= LARGEST:
            later, earlier = runs.pop().entries(), runs.pop().entries()
            runs.append(self._run(joined([earlier, later])))
        return Index(index.table, version, tuple(runs))

    def without(self, index: Index, ids: Hashes | None, before: int | None, version: int) -> Index:
        """The index without these ids, or without what was before a time."""
        runs = []
        for run in index.runs:
            gone = np.zeros(run.count, dtype=bool) if before is None else np.asarray(run.times) < before
            for _, at in run.matches(ids) if ids is not None else ():
                gone[at] = True
            kept = run.entries().taken(~gone) if gone.any() else None
            if kept is None or len(kept.ids):
                runs.append(run if kept is None else self._run(kept))
        return Index(index.table, version, tuple(runs))

    def _run(self, entries: Entries) -> Run:
        order = np.argsort(entries.ids[:, 0], kind="stable")
        ids, contents, times = entries.taken(order)
        name = f"{secrets.token_hex(8)}.run"
        parts = (ids[:, 0], ids[:, 1], contents, times)
        written(self.folder / name, b"".join(np.ascontiguousarray(part).tobytes() for part in parts))
        return self._mapped(name, len(order))

    def _mapped(self, name: str, count: int) -> Run:
        path = self.folder / name
        if path.stat().st_size != _BYTES * count:
            raise ValueError(f"{path} is not whole")
        words = np.memmap(path, dtype=np.uint64, mode="r", shape=(4, count))
        return Run(name, count, words[0], words[1], words[2].view(np.int64), words[3].view(np.int64))


def written(path: Path, data: bytes) -> None:
    """Write a file that lasts, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)
