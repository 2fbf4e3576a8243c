"""Keeps an index in step with its table: by what each version changed, or, where that is unknown, from the start."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from watchkeeper.lake.digest import id_hashes
from watchkeeper.lake.index import Entries, Index, Shelf, joined
from watchkeeper.lake.table import File, Table

AT_ONCE = 1_000_000
"""Entries held in memory while an index is rebuilt."""


@dataclass(frozen=True)
class Followed:
    """Which rows of a table an index holds, and how."""

    columns: tuple[str, ...]
    where: Any
    """An expression of the rows; None for all."""
    entries: Callable[[pa.RecordBatch], Entries]
    once: bool
    """Whether an id is kept once."""


def _events(batch: pa.RecordBatch) -> Entries:
    times = np.asarray(batch.column("time").cast(pa.int64()))
    return Entries(id_hashes(batch.column("id")), np.asarray(batch.column("digest")), times)


def _orphans(batch: pa.RecordBatch) -> Entries:
    times = np.asarray(batch.column("time").cast(pa.int64()))
    return Entries(id_hashes(batch.column("id")), np.zeros(len(batch), dtype=np.int64), times)


EVENTS = Followed(("id", "digest", "time"), None, _events, once=True)
"""All events: what each said, and when it was."""
ORPHANS = Followed(("id", "time"), pc.field("event_time").is_null(), _orphans, once=False)
"""Labels whose event was not known when they were stored, and their own times."""


def caught_up(shelf: Shelf, table: Table, at: DeltaTable, followed: Followed) -> Index:
    """The index at this version of the table. Call it with the lake locked."""
    with shelf.locked():
        index = shelf.load()
        name, version = str(at.metadata().id), at.version()
        if index is not None and index.table != name:
            index = None
        if index is not None and index.version >= version:
            return index
        changes = None if index is None else table.changes(index.version, version)
        new = _empty(name, index, changes)
        if new is None or index is None or changes is None:
            new = _grown(shelf, Index(name, -1), table, table.files(at), followed, version)
        else:
            for made in _retained(changes):
                new = shelf.without(new, None, made, version)
            new = _grown(shelf, new, table, list(_added(changes)), followed, version)
        shelf.save(new)
        return new


def _empty(name: str, index: Index | None, changes: list[list[dict[str, Any]]] | None) -> Index | None:
    """The index to go on from; None where rows went of which it is not told which."""
    if index is None or changes is None:
        return None
    for actions in changes:
        lost = any("remove" in action and action["remove"].get("dataChange", True) for action in actions)
        if lost and "retain" not in _note(actions):
            return None
    return index


def _note(actions: Iterable[dict[str, Any]]) -> dict[str, Any]:
    info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    note: dict[str, Any] = json.loads(info.get("watchkeeper", "{}"))
    return note


def _retained(changes: list[list[dict[str, Any]]]) -> Iterator[int]:
    return (note["retain"] for actions in changes if "retain" in (note := _note(actions)))


def _added(changes: list[list[dict[str, Any]]]) -> Iterator[File]:
    """Files whose rows are new; where some of these went into larger ones meanwhile, all of the larger ones."""
    gone = {action["remove"]["path"] for actions in changes for action in actions if "remove" in action}
    adds = [action["add"] for actions in changes for action in actions if "add" in action]
    merged = any(add.get("dataChange", True) and add["path"] in gone for add in adds)
    for add in adds:
        if add["path"] not in gone and (merged or add.get("dataChange", True)):
            yield File(add["path"], date.fromisoformat(add["partitionValues"]["day"]), 0, add["size"])


def _grown(shelf: Shelf, index: Index, table: Table, files: Iterable[File], followed: Followed, version: int) -> Index:
    held: list[Entries] = []
    for batch in table.read(files, followed.columns, followed.where):
        held.append(followed.entries(batch))
        if sum(len(part.ids) for part in held) >= AT_ONCE:
            index = _with(shelf, index, held, followed, version)
            held = []
    return _with(shelf, index, held, followed, version)


def _with(shelf: Shelf, index: Index, held: list[Entries], followed: Followed, version: int) -> Index:
    if not held:
        return Index(index.table, version, index.runs)
    entries = joined(held)
    if followed.once:
        entries = entries.taken(~index.look(entries.ids).found)
    return shelf.add(index, entries, version)
