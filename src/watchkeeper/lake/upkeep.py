"""What keeps tables small: compaction, retention, erasure. Each is one commit, made on the state it was decided on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import reduce
from itertools import groupby
from operator import or_
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from watchkeeper.lake.appended import Ints
from watchkeeper.lake.digest import id_hashes
from watchkeeper.lake.error import LakeError
from watchkeeper.lake.event import DAY
from watchkeeper.lake.schema import INSTANT, WINDOWED
from watchkeeper.lake.table import EPOCH_DAY, Conflict, File, Table

if TYPE_CHECKING:
    from watchkeeper.lake.lake import Lake

BUSY = timedelta(hours=1)
"""How long a file may lie there that is not yet part of a table: another machine may be about to commit it."""
FULL_ROWS, FULL_BYTES = 500_000, 64 << 20
"""A file is full, and never rewritten, from so many rows or bytes on."""
ATTEMPTS = 20


def compact(table: Table) -> int:
    """Write the small files of each day into few, and give the number of files that went."""
    at = table.fresh()
    if at is None:
        return 0
    count = 0
    for files in _groups(table.files(at)):
        rows = pa.Table.from_batches(table.read(files), schema=table.schema)
        adds = table.write(rows)
        try:
            table.commit(at, adds, files, changes=False)
        except Conflict:  # another machine was faster: the next compaction will do it
            return count
        count += len(files)
        at = table.fresh() or at
    return count


def renew(table: Table, latest: Callable[[pa.Table], pa.Table], most: int = 32) -> int:
    """Where a table has many files, write those of each day as one, with the rows that still hold; the files that went.

    `latest`: of some rows those that no later one replaces.
    """
    at = table.fresh()
    files = [] if at is None else table.files(at)
    by_day = [list(same) for _, same in groupby(sorted(files, key=lambda f: f.day), key=lambda f: f.day)]
    crowded = [same for same in by_day if len(same) > 1]
    if at is None or len(files) - len(by_day) < most:
        return 0
    old = [file for same in crowded for file in same]
    rows = latest(pa.Table.from_batches(table.read(old), schema=table.schema))
    try:
        table.commit(at, table.write(rows), old)
    except Conflict:  # another machine was faster: a later call will do it
        return 0
    return len(old)


def retain(table: Table, before: date) -> int:
    """Take out all days before a date, and give the number of rows."""

    def attempt(at: DeltaTable) -> int:
        old = [file for file in table.files(at) if file.day < before]
        if old:
            table.commit(at, [], old, note={"retain": (before - EPOCH_DAY).days * DAY})
        return sum(file.rows for file in old)

    return _repeated(table, attempt)


def withdraw(table: Table, ids: pa.ChunkedArray, received: int) -> None:
    """Take out the rows of some ids that were received at a moment."""
    then = pa.scalar(received, pa.int64()).cast(INSTANT)
    _without(table, pc.field("id").isin(ids.combine_chunks()) & (pc.field("received") == then))


def erase(lake: Lake, ids: Sequence[str]) -> Ints:
    """Take ids out of all that is kept of their windows, labels and events, and delete the files that held them.

    Events go last, because the index of their ids tells where the others are: dying midway, it can be called again.
    """
    wanted = pc.field("id").isin(pa.array(ids, pa.string()))
    touched = np.unique(lake.event_times(id_hashes(ids)))
    at = (pa.scalar(time, pa.int64()).cast(INSTANT) for time in touched.tolist())
    windows = [(pc.field("window_start") <= time) & (pc.field("window_end") > time) for time in at]
    for name in WINDOWED if windows else ():
        _without(lake.tables[name], reduce(or_, windows))
    _without(lake.tables["labels"], wanted)
    _without(lake.tables["events"], wanted, {EPOCH_DAY + timedelta(days=day) for day in (touched // DAY).tolist()})
    for name in ("labels", "events", *WINDOWED):
        # Here nobody else writes now; in an object store another machine might, to files that are not yet committed.
        lake.tables[name].vacuum(timedelta(), timedelta() if lake.place.local else BUSY)
    return touched


def _groups(files: Sequence[File]) -> Iterator[list[File]]:
    """Files of one day that make a full one together."""
    for _, same in groupby(sorted(files, key=lambda file: (file.day, file.path)), key=lambda file: file.day):
        group: list[File] = []
        for file in same:
            if file.rows >= FULL_ROWS or file.size >= FULL_BYTES:
                continue
            group.append(file)
            if sum(f.rows for f in group) >= FULL_ROWS or sum(f.size for f in group) >= FULL_BYTES:
                yield group
                group = []
        if len(group) > 1:
            yield group


def _without(table: Table, where: pc.Expression, within: set[date] | None = None) -> int:
    """Take out the rows for which an expression is true, of some days or of all; give the number of files changed."""

    def attempt(at: DeltaTable) -> int:
        files = [file for file in table.files(at) if within is None or file.day in within]
        hit = [file for file in files if any(len(b) for b in table.read([file], ["day"], where))]
        if not hit:
            return 0
        adds = []
        for file in hit:
            kept = pa.Table.from_batches(table.read([file], None, ~where), schema=table.schema)
            adds += table.write(kept)
        table.commit(at, adds, hit)
        return len(hit)

    return _repeated(table, attempt)


def _repeated(table: Table, attempt: Callable[[DeltaTable], int]) -> int:
    for _ in range(ATTEMPTS):
        at = table.fresh()
        if at is None:
            return 0
        try:
            return attempt(at)
        except Conflict:
            continue
    raise LakeError(
        f"{table.place.uri}: others changed the table {ATTEMPTS} times while rows were to be deleted. "
        "Nothing was deleted; run it again when fewer write at once."
    )
