"""Table: one Delta table, to which every change is made on top of the version on which it was decided."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction
from numpy.typing import NDArray

from watchkeeper.lake.error import LakeChanged
from watchkeeper.lake.place import Place
from watchkeeper.lake.schema import INSTANT

EPOCH_DAY = date(1970, 1, 1)
SETTINGS = {"delta.checkpointInterval": "50", "delta.logRetentionDuration": "interval 7 days"}
TIMES = ("time", "received", "window_start")
"""Columns without nulls whose extremes the log keeps for each file, so that readers open few files.

No others, for the log outlives its rows.
"""
ROWS = 65_536
"""Rows of a group within a file, and of a batch that is read."""


class Conflict(Exception):
    """Somebody else has changed the table since it was looked at."""


@dataclass(frozen=True)
class File:
    """One file of a table."""

    path: str
    day: date
    rows: int
    size: int


class Table:
    """One Delta table. It is made when it is first written to."""

    def __init__(self, place: Place, schema: pa.Schema) -> None:
        self.place = place
        self.schema = schema
        self._held = threading.local()  # a state that one thread decides on must not move on by another's hand

    @cached_property
    def plain(self) -> pa.Schema:
        """The columns that stand in files: all but the day, which is in their path."""
        return pa.schema([field for field in self.schema if field.name != "day"])

    @property
    def _extremes(self) -> list[str]:
        """Columns whose extremes the log keeps. The table says so itself, for some readers take the others for null."""
        return [name for name in TIMES if name in self.schema.names]

    def fresh(self) -> DeltaTable | None:
        """The newest state; None where the table was never made."""
        with self.place.asked("read"):
            delta: DeltaTable | None = getattr(self._held, "delta", None)
            if delta is not None:
                delta.update_incremental()
                return delta
            self._mend()
            try:
                delta = DeltaTable(self.place.uri, storage_options=self.place.delta_options)
            except TableNotFoundError:
                return None
            self._held.delta = delta
            return delta

    def made(self) -> DeltaTable:
        """The newest state of the table, which is made, or given more columns, where need be."""
        delta = self.fresh()
        with self.place.asked("made"):
            if delta is None:
                self.place.make()
                DeltaTable.create(
                    self.place.uri,
                    self.schema,
                    mode="ignore",
                    partition_by=["day"],
                    configuration={**SETTINGS, "delta.dataSkippingStatsColumns": ",".join(self._extremes)},
                    storage_options=self.place.delta_options,
                )
            elif _fields(self.schema) <= _fields(_arrow(delta)):
                return delta
            else:
                write_deltalake(delta, self.schema.empty_table(), mode="append", schema_mode="merge")
            self._held.delta = None
        made = self.fresh()
        assert made is not None
        self.place.sync(f"_delta_log/{made.version():020d}.json")
        return made

    def write(self, rows: pa.Table) -> list[AddAction]:
        """Write rows to new files, one a day, which belong to the table once they are committed."""
        if not rows.num_rows:
            return []
        order = ["day", *(name for name in ("event_time", "time", "window_start") if name in rows.column_names)]
        rows = rows.sort_by([(name, "ascending") for name in order])
        number = rows["day"].combine_chunks().cast(pa.int32()).to_numpy()
        borders = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(number)]
        return [self._written(rows.slice(start, end - start), int(number[start])) for start, end in pairwise(borders)]

    def commit(
        self,
        at: DeltaTable,
        adds: Sequence[AddAction],
        removes: Iterable[File] = (),
        transactions: Mapping[str, int] | None = None,
        note: Mapping[str, Any] | None = None,
        *,
        changes: bool = True,
    ) -> int:
        """Make the next version, and give its number. Raises `Conflict` when `at` is no longer the newest.

        `changes`: whether the rows themselves differ, and not only the files that hold them.
        """
        now = int(time.time() * 1000)
        gone = [RemoveAction(f.path, changes, now, f.size, {"day": f.day.isoformat()}) for f in removes]
        properties = CommitProperties(
            max_commit_retries=0,
            app_transactions=[Transaction(app, version) for app, version in (transactions or {}).items()],
            custom_metadata={"watchkeeper": json.dumps(note)} if note else None,
        )
        for add in adds:
            add.data_change = changes
        version = at.version() + 1
        with self.place.asked("written"):
            try:
                at.create_write_transaction(
                    [*adds, *gone], "append", self.schema, ["day"], commit_properties=properties
                )
            except CommitFailedError as failed:
                raise Conflict from failed
            self.place.sync(f"_delta_log/{version:020d}.json")
        return version

    def files(self, at: DeltaTable, start: int | None = None, end: int | None = None, by: str = "time") -> list[File]:
        """Files that may hold rows from `start` to before `end`, microseconds, of the time column `by`."""
        actions = pa.table(at.get_add_actions(flatten=True))
        chosen = np.ones(actions.num_rows, dtype=bool)
        names = actions.column_names
        if f"max.{by}" in names:  # the log keeps milliseconds
            low, high = (_micro(actions[f"{side}.{by}"]) for side in ("min", "max"))
            known = np.asarray(actions[f"max.{by}"].is_valid())
            chosen &= ~known | ((high >= start) if start is not None else True)
            chosen &= ~known | ((low < end) if end is not None else True)
        return [
            File(row["path"], row["partition.day"], row["num_records"], row["size_bytes"])
            for row in actions.select(["path", "partition.day", "num_records", "size_bytes"])
            .filter(pa.array(chosen))
            .to_pylist()
        ]

    def read(
        self, files: Iterable[File], columns: Sequence[str] | None = None, where: Any = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows of some files, with the columns that the table has now.

        `where`: an expression of which columns. Raises `LakeChanged` where a file was erased meanwhile.
        """
        schema = self.schema if columns is None else pa.schema([self.schema.field(name) for name in columns])
        for file in files:
            yield from self._read(file, schema, where)

    def changes(self, since: int, until: int) -> list[list[dict[str, Any]]] | None:
        """What each version after `since` up to `until` did, as the log's own actions; None where the log is cut."""
        read = []
        for version in range(since + 1, until + 1):
            text = self.place.read(f"_delta_log/{version:020d}.json")
            if text is None:
                return None
            read.append([json.loads(line) for line in text.splitlines() if line.strip()])
        return read

    def vacuum(self, older: timedelta, unreferenced: timedelta) -> int:
        """Delete files that no version needs any more, and give their number.

        `older`: the age from which on files go that were part of the table once. `unreferenced`: the same for files
        that never were: somebody may be writing them just now.
        """
        at = self.fresh()
        if at is None:
            return 0
        held = {file.path for file in self.files(at)}
        expired = set(self._tombstones(at, older))
        once = expired | set(self._tombstones(at, timedelta()))
        latest, count = datetime.now(UTC) - unreferenced, 0
        for info in self.place.list():
            if info.path in held or not info.path.endswith(".parquet") or info.path.startswith("_"):
                continue
            if info.path in expired or (info.path not in once and info.mtime <= latest):
                self.place.delete(info.path)
                count += 1
        return count

    def _tombstones(self, at: DeltaTable, older: timedelta) -> list[str]:
        """Files that were taken out of the table longer ago than `older`."""
        hours = int(older.total_seconds() // 3600)
        with self.place.asked("cleaned"):
            return at.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False)

    def _written(self, rows: pa.Table, day: int) -> AddAction:
        name = (EPOCH_DAY + timedelta(days=day)).isoformat()
        path = f"day={name}/{uuid4().hex}.parquet"
        with self.place.asked("written"):
            if self.place.local:
                self.place.files.create_dir(f"day={name}")
            with self.place.files.open_output_stream(path) as out:
                pq.write_table(
                    rows.drop_columns(["day"]).cast(self.plain),
                    out,
                    compression="zstd",
                    row_group_size=ROWS,
                    write_statistics=[name for name in (*TIMES, "event_time") if name in self.schema.names],
                    store_schema=False,
                )
                size = out.tell()
            self.place.sync(path)
        return AddAction(path, size, {"day": name}, int(time.time() * 1000), True, _statistics(rows))

    def _read(self, file: File, schema: pa.Schema, where: Any) -> Iterator[pa.RecordBatch]:
        day = pa.scalar(file.day, pa.date32())
        with self.place.asked("read"):
            try:
                fragment = pads.ParquetFileFormat().make_fragment(file.path, self.place.files)
                held = fragment.physical_schema
                names = [name for name in schema.names if name in held.names]
                batches = fragment.to_batches(schema=held, columns=names, filter=where, batch_size=ROWS)
                for batch in batches:
                    arrays = [
                        pa.repeat(day, len(batch))
                        if field.name == "day"
                        else aligned(batch.column(field.name), field.type)
                        if field.name in names
                        else pa.nulls(len(batch), field.type)
                        for field in schema
                    ]
                    yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            except FileNotFoundError as gone:
                raise LakeChanged(
                    f"{self.place.uri}/{file.path} was taken away while it was read, because rows were erased or old "
                    "days deleted meanwhile. Nothing is wrong; run it again."
                ) from gone

    def _mend(self) -> None:
        """Take away files of the log that a power failure left empty: what they would have said was never told."""
        for name in ("*.json", "*.parquet", "_last_checkpoint") if self.place.local else ():
            for file in (Path(self.place.uri) / "_delta_log").glob(name):
                if not file.stat().st_size:
                    file.unlink(missing_ok=True)


def aligned(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cells of an older state of a column: fields that came later are null."""
    if cells.type == kind:
        return cells
    if not pa.types.is_struct(kind):
        return cells.cast(kind)
    held = {cells.type.field(i).name: i for i in range(cells.type.num_fields)}
    fields = [kind.field(i) for i in range(kind.num_fields)]
    children = [
        aligned(cells.field(held[f.name]), f.type) if f.name in held else pa.nulls(len(cells), f.type) for f in fields
    ]
    mask = cells.is_null() if cells.null_count else None
    return pa.StructArray.from_arrays(children, fields=fields, mask=mask)


def between(by: str, start: int | None, end: int | None) -> Any:
    """The expression for rows whose time is from `start` to before `end`; None for all."""
    parts = []
    if start is not None:
        parts.append(pc.field(by) >= pa.scalar(start, pa.int64()).cast(INSTANT))
    if end is not None:
        parts.append(pc.field(by) < pa.scalar(end, pa.int64()).cast(INSTANT))
    return None if not parts else parts[0] if len(parts) == 1 else parts[0] & parts[1]


def known_schema(table: Table) -> pa.Schema | None:
    """The columns that a table has already; None where it was never made."""
    delta = table.fresh()
    return None if delta is None else _arrow(delta)


def _arrow(delta: DeltaTable) -> pa.Schema:
    return pa.schema(delta.schema().to_arrow())


def _fields(schema: pa.Schema) -> set[str]:
    names = set()
    for field in schema:
        names.add(field.name)
        if pa.types.is_struct(field.type):
            names |= {f"{field.name}/{field.type.field(i).name}" for i in range(field.type.num_fields)}
    return names


def _micro(column: pa.ChunkedArray) -> NDArray[np.int64]:
    moments = column.combine_chunks().cast(INSTANT).cast(pa.int64())
    return np.asarray(moments.fill_null(0))


def _statistics(rows: pa.Table) -> str:
    low, high, nulls = {}, {}, {}
    for name in TIMES:
        if name not in rows.column_names:
            continue
        nulls[name] = rows[name].null_count
        ends = pc.min_max(rows[name].cast(pa.int64())).as_py()
        if ends["min"] is not None:
            low[name], high[name] = _millisecond(ends["min"] // 1000), _millisecond(-(-ends["max"] // 1000))
    kept = {"numRecords": rows.num_rows, "minValues": low, "maxValues": high, "nullCount": nulls}
    return json.dumps(kept)


def _millisecond(moment: int) -> str:
    return f"{np.datetime64(moment, 'ms')}Z"
