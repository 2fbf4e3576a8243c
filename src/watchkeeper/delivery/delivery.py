"""A delivery: checked before, while and after it is read; a stream of typed blocks in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from watchkeeper.delivery.catalogue import CATALOGUE
from watchkeeper.delivery.columnar import ColumnarReader
from watchkeeper.delivery.container import UnknownFormat
from watchkeeper.delivery.convert import is_held_to, is_read
from watchkeeper.delivery.encoding import is_latin_1
from watchkeeper.delivery.examine import Plan, examine
from watchkeeper.delivery.key import KeyStore
from watchkeeper.delivery.limit import Limits
from watchkeeper.delivery.manifest import Entry, digests, entry_for, read_key, read_manifest, verify
from watchkeeper.delivery.opening import Opened, open_delivery
from watchkeeper.delivery.outcome import conclude
from watchkeeper.delivery.output import TABLES, writable
from watchkeeper.delivery.piece import Bools, Ints
from watchkeeper.delivery.pipeline import ahead
from watchkeeper.delivery.rejection import Rejection
from watchkeeper.delivery.remedy import loudest_first
from watchkeeper.delivery.source import Place, is_table, locate
from watchkeeper.delivery.state import State
from watchkeeper.delivery.violation import BadRow, Level, Violation
from watchkeeper.delivery.write import write
from watchkeeper.model.clock import clock
from watchkeeper.model.declaration import Model, Role, Type
from watchkeeper.model.replacing import CannotWrite


@dataclass(frozen=True)
class Block:
    """Some rows of a delivery that could be told apart, as values. Shapes (rows,)."""

    rows: Ints
    """The number of each row among all data rows, from 1. Broken rows have a number too, and are not here."""
    table: pa.Table
    """The model's columns: int64, double, bool, string or dictionary<int32, string>, timestamp[us, UTC]; null where a
    value is missing or bad. Columns with role `ignored` or type `other` are left out."""
    invalid: dict[str, Bools] = field(default_factory=dict)
    """Per column that has any: cells that held something that is no value of the column's type."""

    def within(self, time: str | None, start: int, end: int) -> Block:
        """The rows whose `time` is from `start` to before `end`, microseconds since 1970."""
        if time is None or time not in self.table.column_names:
            held = np.zeros(len(self.rows), dtype=bool)
        else:
            at = self.table[time].combine_chunks()
            micro = at.cast(pa.int64()).fill_null(0).to_numpy()
            held = np.asarray(at.is_valid()) & (micro >= start) & (micro < end)
        if held.all():
            return self
        invalid = {name: bad[held] for name, bad in self.invalid.items()}
        return Block(self.rows[held], self.table.filter(pa.array(held)), invalid)


class Delivery:
    """One file or table, held against a model. Made by `deliver`."""

    def __init__(
        self,
        source: Any,
        model: Model,
        name: str | None,
        period: tuple[int, int] | None,
        limits: Limits,
        *,
        strict: bool,
        within: tuple[int, int] | None = None,
    ) -> None:
        place = None if is_table(source) else locate(source)
        self.name = name or (place.name if place else "table")
        self.size = place.stamp()[0] if place else None
        self._place: Place | None = replace(place, name=self.name) if place else None
        self._stamp = place.stamp() if place else None
        self._source, self._model, self._period, self._limits, self._strict = source, model, period, limits, strict
        self._within = within
        self._entry: Entry | None = None
        self._opened: Opened | None = None
        self._state = State()
        self._begun = False

    @property
    def violations(self) -> list[Violation]:
        """All that is certainly wrong, what rejects the file first; complete once `blocks()` is exhausted."""
        return loudest_first(self._state.violations)

    @property
    def rejected(self) -> bool:
        """Whether the file as a whole is no good."""
        return any(CATALOGUE[violation.check].level is Level.FILE for violation in self._state.violations)

    @property
    def rows_read(self) -> int:
        """Data rows delivered, broken ones included."""
        return self._state.rows

    @property
    def cells(self) -> int:
        """How many cells there are to read; 0 where that can't be known before."""
        reader = self._opened.reader if self._opened else None
        return (reader.rows or 0) * len(self._model.columns) if isinstance(reader, ColumnarReader) else 0

    @property
    def rows_bad(self) -> int:
        """Rows set aside; known once `blocks()` is exhausted."""
        return self._state.bad

    @cached_property
    def digest(self) -> str | None:
        """The SHA-256 of the file's bytes, in hexadecimal; None for a table in memory."""
        return None if self._place is None else digests(self._place, None)[0]

    def blocks(self) -> Iterator[Block]:
        """The rows as values, in order; to be called once. A fault of the whole file ends the stream, and is told."""
        if self._begun:
            raise RuntimeError(f"{self.name}: the blocks of a delivery are read once; call deliver() again")
        self._begun = True
        if self._opened is None or self.rejected:
            return
        reader, plan, state = self._opened.reader, self._plan(self._opened), self._state
        state.stores = [KeyStore(key, plan.primary and i == 0) for i, key in enumerate(plan.keys)]
        tasks = (partial(examine, plan, task) for task in reader.pieces(list(plan.columns)))
        try:
            with closing(ahead(tasks, self._limits.workers)) as stream:
                for examined in stream:
                    first = state.rows + 1
                    state.take(examined)
                    if len(examined.piece.places):
                        block = Block(first + examined.piece.places, examined.table, examined.invalid)
                        if self._within is not None:
                            block = block.within(plan.time, *self._within)
                        if len(block.rows):
                            yield block
                    if examined.piece.stop is not None:
                        raise examined.piece.stop(state.rows + 1)
            self._refuse_changed()
        except Rejection as rejection:
            state.violations.append(rejection.violation)
        conclude(state, self.name, self._model, plan, reader, self._limits, self._entry.rows if self._entry else None)

    def bad_rows(self, limit: int | None = 10_000) -> Iterator[BadRow]:
        """The first `limit` rows set aside, in order; all of them with None. Call it once `blocks()` is exhausted."""
        for number, row in enumerate(self._state.ledger.bad_rows(self._state.rows)):
            if number == limit:
                return
            yield row

    def write(self, accepted: Path | None, quarantine: Path | None) -> None:
        """Write the good rows to `accepted` and the others to `quarantine`, reading the source a second time.

        The endings `.csv`, `.jsonl` and `.parquet` decide the formats. Nothing is written to `accepted` when the file
        is rejected. Each file appears whole or not at all. Raises `BadOutput`; `CannotWrite`, also where the source has
        changed.
        """
        if not self._begun:
            raise RuntimeError(f"{self.name}: nothing is known of its rows yet; exhaust blocks() first")
        writable([(accepted, TABLES), (quarantine, TABLES)], [self._place and self._place.path])
        if self._place is not None and self._state.rows and self._place.stamp() != self._stamp:
            raise CannotWrite(f"{self.name} has changed since it was checked, so nothing was written. Check it again.")
        reader = self._opened.reader if self._opened and self._state.rows else None
        write(reader, self._state, self._limits, None if self.rejected else accepted, quarantine)

    def _plan(self, opened: Opened) -> Plan:
        model = self._model
        primary = tuple(model.primary_key)
        columns = {
            name: column
            for name, column in model.columns.items()
            if is_read(column) or (self._strict and is_held_to(column, key=name in primary))
        }
        unique: list[tuple[str, ...]] = [
            (name,) for name, column in columns.items() if column.unique and (name,) != primary
        ]
        return Plan(
            columns=columns,
            lexical=opened.reader.lexical,
            empty_is_null=opened.reader.empty_is_null,
            strict=self._strict,
            keys=tuple(([primary] if primary else []) + unique) if self._strict else (),
            primary=bool(primary) and self._strict,
            time=next(
                (name for name, c in columns.items() if (c.role, c.type) == (Role.TIMESTAMP, Type.TIMESTAMP)), None
            ),
            period=self._period,
            now=clock(),
            cell_limit=model.cell_limit,
            latin_1=opened.text is not None and is_latin_1(opened.text.encoding),
        )

    def _refuse_changed(self) -> None:
        if self._place is not None and self._place.stamp() != self._stamp:
            raise Rejection(
                "changed_while_reading",
                f"{self.name} was changed while it was read, so what was found is worth nothing.",
                "Check it again once the sender has finished writing; write to another name and rename it at the end.",
            )

    def open(self, earlier: Mapping[str, str], manifest: Path | None, key: bytes | None) -> Delivery:
        """Look at what comes before the first row: digest, manifest, container, encoding, header, columns."""
        try:
            if self._place is not None and (earlier or manifest is not None):
                self._identify(self._place, earlier, manifest, key)
            self._opened = open_delivery(self._place or self._source, self.name, self._model, self._limits)
            self._state.violations += self._opened.violations
            if self._within is not None and isinstance(self._opened.reader, ColumnarReader):
                time = self._model.only(Role.TIMESTAMP)
                if time is not None and time in self._opened.reader.names:
                    self._opened.reader = self._opened.reader.within(time, self._within)
        except Rejection as rejection:
            self._state.violations.append(rejection.violation)
        except UnknownFormat as unread:
            if not self._strict:
                raise
            self._state.violations.append(Violation("container", unread.message, unread.remedy))
        return self

    def _identify(self, place: Place, earlier: Mapping[str, str], manifest: Path | None, key: bytes | None) -> None:
        sha256, keyed = digests(place, key)
        self.__dict__["digest"] = sha256  # the cached property, already known
        if sha256 in earlier:
            raise Rejection(
                "repeated_delivery",
                f"{self.name} has the same bytes as {earlier[sha256]}: it was delivered before.",
                "Ask the sender for the new delivery; an old file was sent again under a new name.",
            )
        if manifest is not None:
            self._entry = entry_for(place, read_manifest(manifest), manifest)
            verify(place, self._entry, sha256, keyed)


def deliver(
    source: Any,
    model: Model,
    *,
    name: str | None = None,
    period: tuple[int, int] | None = None,
    manifest: Path | None = None,
    hmac_key: bytes | Path | None = None,
    earlier: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    strict: bool = True,
    within: tuple[int, int] | None = None,
) -> Delivery:
    """Open a delivery: a path, a URL of a file system, or any table with `__arrow_c_stream__`.

    `period`: event times it may hold, microseconds since 1970 UTC, half-open. `manifest`: a delivery manifest;
    `hmac_key`: the key's bytes or file. `earlier`: SHA-256 -> name of earlier deliveries. `strict=False` is for
    baselines: declared constraints, keys, period and active content are not looked at. `within`: event times of which
    rows are wanted, like `period`; blocks hold no others. Groups of rows that hold none of them, by the file's own
    statistics, are not read, and row numbers count the others alone.

    What is wrong with the delivery is in its `violations`, also where it is of a kind that is not read; a baseline of
    such a kind, and errors that are not about it (no such file, no right to read) are raised as `WatchkeeperError`.
    """
    delivery = Delivery(source, model, name, period, limits or Limits(), strict=strict, within=within)
    return delivery.open(earlier or {}, manifest, read_key(hmac_key))
