"""Lake: what is known of one model, as Delta tables that any reader can open."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable
from numpy.typing import NDArray

from watchkeeper.lake import upkeep
from watchkeeper.lake.appended import Appended, Ints, no_times
from watchkeeper.lake.digest import content_hashes, id_hashes
from watchkeeper.lake.error import LakeError, Overtaken
from watchkeeper.lake.event import DAY, days
from watchkeeper.lake.follow import EVENTS, ORPHANS, caught_up
from watchkeeper.lake.index import Entries, Index, Shelf
from watchkeeper.lake.outcome import Outcomes
from watchkeeper.lake.place import Place
from watchkeeper.lake.schema import FIXED, TABLES, WINDOWED, EventColumns, event_columns
from watchkeeper.lake.table import Conflict, Table, between, known_schema
from watchkeeper.lake.window import (
    Kept,
    Told,
    coverage_rows,
    finding_rows,
    latest_by,
    latest_of_windows,
    newest_on,
    profile_rows,
    standing,
)
from watchkeeper.model import Model

ATTEMPTS = 20
"""How often a change is decided anew when other machines change the table meanwhile."""


class Lake:
    """The tables of one model. Any number of processes may use them at once.

    `place`: the folder of the model in the lake. `cache`: a folder of this machine for what can be rebuilt.
    """

    def __init__(self, place: Place, model: Model, cache: Path) -> None:
        self.place, self.model, self.cache = place, model, cache
        self.columns: EventColumns = event_columns(model, known_schema(self._table("events", pa.schema([]))))
        schemas = {"events": self.columns.schema, **FIXED}
        self.tables: Mapping[str, Table] = {name: self._table(name, schemas[name]) for name in TABLES}
        self.shelves = {name: Shelf(cache / name) for name in ("events", "labels")}

    def consumed(self, table: str, apps: Iterable[str]) -> dict[str, int]:
        """The highest version of each application transaction that a table holds; -1 where it has none."""
        return _versions(self.tables[table].fresh(), apps)

    def append_events(
        self, rows: pa.Table, transactions: Mapping[str, int], after: Mapping[str, int] | None = None
    ) -> Appended:
        """Store events whose ids are not known; the first of an id wins, over all history.

        `transactions`: application id -> version, which the table then holds; if it holds them already, nothing is
        stored. `after`: the versions from which on the rows were read. Raises `Overtaken` where they have changed.
        """
        rows = rows.set_column(rows.schema.get_field_index("digest"), "digest", pa.array(content_hashes(rows)))
        ids, times = id_hashes(rows["id"]), _moments(rows["time"])
        entries = Entries(ids, np.asarray(rows["digest"].combine_chunks()), times)

        def attempt(table: Table, at: DeltaTable) -> Appended:
            index = caught_up(self.shelves["events"], table, at, EVENTS)
            known = index.look(ids)
            first = _first(ids)
            new = ~known.found & (first == np.arange(len(ids)))
            earlier = np.where(known.found, known.contents, entries.contents[first])
            same = ~new & (earlier == entries.contents)
            stored = rows.filter(pa.array(new))
            version = table.commit(at, table.write(stored), transactions=transactions)
            self._follow("events", index, entries.taken(new), version)
            return Appended(
                new=int(new.sum()),
                duplicates=int(same.sum()),
                conflicts=int((~new & ~same).sum()),
                future=_future(stored),
                ancient=_ancient(stored),
                touched=times[new],
            )

        return self._append("events", transactions, after, attempt, lambda: times)

    def append_labels(
        self, rows: pa.Table, transactions: Mapping[str, int], after: Mapping[str, int] | None = None
    ) -> Appended:
        """Store labels; `touched` are the times of the events that they belong to, as far as these are known."""
        ids = id_hashes(rows["id"])

        def attempt(table: Table, at: DeltaTable) -> Appended:
            known = self.event_index().look(ids)
            event_times = pa.array(known.times, mask=~known.found).cast(pa.timestamp("us", tz="UTC"))
            placed = rows.set_column(rows.schema.get_field_index("event_time"), "event_time", event_times)
            own = _moments(rows["time"])
            day = days(np.where(known.found, known.times, own))
            placed = placed.set_column(placed.schema.get_field_index("day"), "day", day)
            table.commit(at, table.write(placed), transactions=transactions)
            return Appended(new=len(ids), future=_future(placed), ancient=_ancient(placed))

        # Events that came while the labels were written do not know of them: their times are looked up afterwards.
        done = self._append("labels", transactions, after, attempt, no_times)
        known = self.event_times(ids)
        return Appended(done.new, future=done.future, ancient=done.ancient, touched=known, before=done.before)

    def withdraw_labels(self, ids: pa.ChunkedArray, received: int) -> None:
        """Delete those labels of some ids that were received at a moment: others say better what they said."""
        with self.locked():
            upkeep.withdraw(self.tables["labels"], ids, received)

    def append_points(
        self, rows: pa.Table, transactions: Mapping[str, int], after: Mapping[str, int] | None = None
    ) -> Appended:
        """Store metric points."""
        return self._append_plain("points", rows, transactions, after)

    def append_jobs(
        self, rows: pa.Table, transactions: Mapping[str, int], after: Mapping[str, int] | None = None
    ) -> Appended:
        """Store what was told of runs of pipelines."""
        return self._append_plain("jobs", rows, transactions, after)

    def events(
        self, start: int | None = None, end: int | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Events from `start` to before `end`, microseconds since 1970, in no order. Few other files are read."""
        return self.read("events", start, end, columns)

    def read(
        self, name: str, start: int | None = None, end: int | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Rows of any table whose time (of a window: its start) is from `start` to before `end`."""
        table = self.tables[name]
        at = table.fresh()
        if at is None:
            return
        by = "window_start" if name in WINDOWED else "time"
        # Labels lie with their events, so their own times don't tell the files apart well; the extremes still hold.
        yield from table.read(table.files(at, start, end, by), columns, between(by, start, end))

    def labels_for(self, ids: pa.Array | Iterable[str], as_of: int | None = None) -> pa.Table:
        """The latest label of each id by its time, as of a time: columns id, label, time, received."""
        wanted = ids if isinstance(ids, pa.Array | pa.ChunkedArray) else pa.array(list(ids), pa.string())
        return self.outcomes().labels_for(wanted, as_of)

    def outcomes(self) -> Outcomes:
        """The labels as they stand now, for many questions in a row."""
        table = self.tables["labels"]
        at = table.fresh()
        if at is None:
            return Outcomes(table, [], Index("", -1), Index("", -1))
        orphans = caught_up(self.shelves["labels"], table, at, ORPHANS)
        return Outcomes(table, table.files(at), self.event_index(), orphans)

    def event_times(self, ids: pa.Array | Sequence[str] | NDArray[np.uint64]) -> Ints:
        """The times of the events that these ids have, of those that are known."""
        hashes = ids if isinstance(ids, np.ndarray) else id_hashes(ids)
        known = self.event_index().look(hashes)
        return known.times[known.found]

    def put_profiles(self, windows: Sequence[Kept], edges: str, made: int, version: str | None = None) -> None:
        """Keep the profile files of windows, which were counted on these edges: all of them or none.

        `version`: whose events alone they count; None: all.
        """
        self._append_plain("profiles", profile_rows(windows, edges, made, version), {}, None)

    def revisions(
        self, start: int, end: int, edges: str, version: str | None = None
    ) -> dict[tuple[int, int], tuple[int, int]]:
        """The windows that start in this span and whose latest profile was counted on these edges, oldest first.

        By start and end: its revision, and when it was made. `version`: whose events alone they count; None: all.
        """
        columns = ["window_start", "window_end", "revision", "made", "edges", "version"]
        return newest_on(self._table_of("profiles", start, end, columns), edges, version)

    def profiles(self, start: int | None = None, end: int | None = None) -> Iterator[dict[str, Any]]:
        """The profile of the latest revision of each window that starts in this span, and of each single version."""
        window = ("window_start", "window_end", "version")
        latest = latest_by(self._table_of("profiles", start, end, [*window, "revision", "made"]), window)
        for batch in self.read("profiles", start, end):
            for row in batch.to_pylist():
                if latest.get(tuple(row[name] for name in window)) == (row["revision"], row["made"]):
                    yield row

    def put_findings(self, windows: Sequence[Told], made: int) -> None:
        """Keep the findings of windows, each as in the report's JSON; that there are none is kept too."""
        self._append_plain("findings", finding_rows(windows, made), {}, None)

    def findings(self, start: int | None = None, end: int | None = None) -> pa.Table:
        """The findings of the latest revision of each window that starts in this span."""
        return standing(self._table_of("findings", start, end, None))

    def put_coverage(self, rows: Sequence[Mapping[str, Any]], made: int) -> None:
        """Keep of windows how many of their events have a label, and how late these came."""
        if not rows:
            return
        self._append_plain("coverage", coverage_rows(rows, made), {}, None)
        with self.locked():
            upkeep.renew(self.tables["coverage"], latest_of_windows)

    def coverage(self, start: int | None = None, end: int | None = None) -> pa.Table:
        """The same of the latest revision of each window that starts in this span, in order of time."""
        return latest_of_windows(self._table_of("coverage", start, end, None))

    def compact(self) -> int:
        """Turn many small files into few, and give the number of files that went; no row changes."""
        with self.locked():
            return sum(upkeep.compact(table) for table in self.tables.values())

    def vacuum(self, older: timedelta = timedelta(days=1)) -> int:
        """Delete files that have not been part of a table for so long, and give their number."""
        with self.locked():
            return sum(table.vacuum(older, max(older, upkeep.BUSY)) for table in self.tables.values())

    def retain(self, before: date, tables: Sequence[str] = ("events", "labels", "points", "jobs")) -> int:
        """Delete all days before a date, and give the number of rows that went."""
        with self.locked():
            return sum(upkeep.retain(self.tables[name], before) for name in tables)

    def erase(self, ids: str | Sequence[str]) -> Ints:
        """Delete all that is stored of these ids, also from the disk, and give the times of the events that went.

        Profiles of their windows go too, because they hold samples of rows: the windows are to be profiled again.
        """
        with self.locked():
            return upkeep.erase(self, [ids] if isinstance(ids, str) else list(ids))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one on this machine who changes these tables. Not to be entered twice."""
        self.place.make()
        self.cache.mkdir(parents=True, exist_ok=True)
        folder = self.place.local or self.cache
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _append(
        self,
        name: str,
        transactions: Mapping[str, int],
        after: Mapping[str, int] | None,
        attempt: Callable[[Table, DeltaTable], Appended],
        again: Callable[[], Ints],
    ) -> Appended:
        table = self.tables[name]
        with self.locked():
            for _ in range(ATTEMPTS):
                at = table.made()
                held = _versions(at, transactions)
                if transactions and all(held[app] >= version for app, version in transactions.items()):
                    return Appended(touched=again(), before=True)
                if after is not None and held != {app: after[app] for app in transactions}:
                    raise Overtaken(
                        f"{table.place.uri}: another process has stored some of these rows meanwhile. "
                        "Read the inbox from where it stopped."
                    )
                try:
                    return attempt(table, at)
                except Conflict:
                    continue
        raise LakeError(
            f"{table.place.uri}: others changed the table {ATTEMPTS} times while rows were to be added. "
            "Nothing was stored; run it again when fewer write at once."
        )

    def _append_plain(
        self, name: str, rows: pa.Table, transactions: Mapping[str, int], after: Mapping[str, int] | None
    ) -> Appended:
        def attempt(table: Table, at: DeltaTable) -> Appended:
            table.commit(at, table.write(rows), transactions=transactions)
            return Appended(new=rows.num_rows)

        return self._append(name, transactions, after, attempt, no_times)

    def _follow(self, name: str, index: Index, entries: Entries, version: int) -> None:
        shelf = self.shelves[name]
        shelf.save(shelf.add(index, entries, version))

    def event_index(self) -> Index:
        """What is known of every event's id."""
        table = self.tables["events"]
        at = table.fresh()
        return Index("", -1) if at is None else caught_up(self.shelves["events"], table, at, EVENTS)

    def _table_of(self, name: str, start: int | None, end: int | None, columns: Sequence[str] | None) -> pa.Table:
        schema = self.tables[name].schema
        wanted = schema if columns is None else pa.schema([schema.field(column) for column in columns])
        return pa.Table.from_batches(self.read(name, start, end, columns), schema=wanted)

    def _table(self, name: str, schema: pa.Schema) -> Table:
        return Table(self.place.below(name), schema)


def open_lake(home: Path, model: Model, url: str | None = None, options: Mapping[str, str] | None = None) -> Lake:
    """The lake of one model: in the home folder, or below `url` (s3://bucket/prefix) with its storage options.

    Raises `LakeUnavailable`.
    """
    place = Place(url.rstrip("/"), dict(options or {})) if url else Place(str(home.absolute() / "lake"))
    if place.local and unquote(place.uri) != place.uri:
        raise LakeError(
            f"{place.uri}: the Delta library takes the percent sign and the two characters after it for another one. "
            "Choose a folder without it."
        )
    return Lake(place.below(model.name), model, home / "cache" / model.name)


def _versions(at: DeltaTable | None, apps: Iterable[str]) -> dict[str, int]:
    found = {app: None if at is None else at.transaction_version(app) for app in apps}
    return {app: -1 if version is None else version for app, version in found.items()}


def _first(ids: NDArray[np.uint64]) -> NDArray[np.intp]:
    """For each id the place at which it stands first."""
    order = np.lexsort((ids[:, 1], ids[:, 0]))  # stable: of equal ids the first stays first
    ranked = ids[order]
    begins = np.append(True, (ranked[1:] != ranked[:-1]).any(axis=1))[: len(ids)]
    first = np.empty(len(ids), dtype=np.intp)
    first[order] = order[begins][np.cumsum(begins) - 1]
    return first


def _moments(times: pa.ChunkedArray | pa.Array) -> Ints:
    return np.asarray(times.cast(pa.int64()))


def _future(rows: pa.Table) -> int:
    return int((_moments(rows["time"]) > _moments(rows["received"]) + DAY).sum())


def _ancient(rows: pa.Table) -> int:
    return int((_moments(rows["time"]) < 0).sum())
