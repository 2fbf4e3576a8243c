"""Alarms: the state of each, and its onsets. As long as one fires, further windows add evidence, not alarms."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, case, func, select

from watchkeeper.state.store import Store, alone
from watchkeeper.state.table import alarms, onsets
from watchkeeper.state.transition import Standing, State, is_onset, step
from watchkeeper.state.window import Span


@dataclass(frozen=True)
class Key:
    """What an alarm is about; a model has at most one of each."""

    check: str
    metric: str
    columns: tuple[str, ...]
    segment: str | None = None
    version: str | None = None

    @property
    def written(self) -> str:
        """As JSON in ASCII, which any database can hold whatever the data are called."""
        return json.dumps([self.check, self.metric, self.columns, self.segment, self.version])

    @property
    def digest(self) -> str:
        """Of fixed length, as names of columns may be longer than an index allows."""
        return hashlib.sha256(self.written.encode()).hexdigest()


@dataclass(frozen=True)
class Judged:
    """What a window said about one alarm."""

    key: Key
    loud: bool | None
    """Whether a finding of severity `alarm` stands; None: there was nothing to judge."""
    finding: Mapping[str, Any] = field(default_factory=dict)
    """The finding as JSON holds it; kept with the onset."""


@dataclass(frozen=True)
class Alarm:
    """An alarm and where it stands."""

    id: int
    model: str
    key: Key
    standing: Standing
    window: Span
    """The newest window that was judged for it."""


@dataclass(frozen=True)
class Onset:
    """One time that an alarm began to fire."""

    id: int
    model: str
    key: Key
    window: Span
    """The window in which it began."""
    last: Span
    """The last loud window."""
    windows: int
    """How many windows were loud since it began, that one included."""
    ended: int | None
    """The end of the window in which it was quiet again; None as long as it fires."""
    at: int
    """When it was noticed."""
    finding: dict[str, Any]


@dataclass(frozen=True)
class Change:
    """An alarm that came into another state."""

    key: Key
    before: State
    after: State
    onset: int | None
    """The number of the onset, where one began."""


def put(
    store: Store,
    model: str,
    window: Span,
    judged: Iterable[Judged],
    now: int,
    for_: int = 0,
    keep_firing_for: int = 0,
) -> list[Change]:
    """Note what a window said about alarms, all of it or nothing; returns what changed.

    Saying it twice changes nothing. Alarms go forward only: of one that knows a newer window, nothing changes.
    """
    steps = []
    with store.writing() as connection:
        alone(connection, f"alarms {model}")
        known = {row["digest"]: row for row in connection.execute(_of(model)).mappings()}
        for one in {one.key.digest: one for one in judged}.values():
            row = known.get(one.key.digest)
            if row is not None and row["window_end"] > window[1]:
                continue
            before = _standing(row) if row else Standing()
            after = step(before, one.loud, window[1], for_, keep_firing_for)
            if row is not None or after.state is not State.OK:
                steps.append(_Step(one, before, after, row["id"] if row else None))
        numbers = _save(connection, model, window, steps)
        begun = _begin(connection, window, now, [one for one in steps if is_onset(one.before, one.after)], numbers)
        _go_on(connection, window, [one for one in steps if one.goes_on], numbers)
        _end(connection, window, [one for one in steps if one.ends], numbers)
    return [
        Change(one.judged.key, one.before.state, one.after.state, begun.get(one.judged.key))
        for one in steps
        if one.after.state is not one.before.state
    ]


def current(store: Store, model: str) -> list[Alarm]:
    """All alarms of a model that are not ok, those in their state longest first."""
    query = _of(model).where(alarms.c.state != State.OK.value).order_by(alarms.c.since, alarms.c.id)
    with store.reading() as connection:
        return [
            Alarm(row["id"], model, _key(row), _standing(row), (row["window_start"], row["window_end"]))
            for row in connection.execute(query).mappings()
        ]


def history(store: Store, model: str, key: Key | None = None, most: int = 1000) -> list[Onset]:
    """The onsets of a model, or of one of its alarms, newest first."""
    query = all_onsets.where(alarms.c.model == model).order_by(onsets.c.window_end.desc(), onsets.c.id.desc())
    if key is not None:
        query = query.where(alarms.c.digest == key.digest)
    with store.reading() as connection:
        return [onset_of(row) for row in connection.execute(query.limit(most)).mappings()]


all_onsets = select(onsets, alarms.c.model, alarms.c.key).join(alarms, onsets.c.alarm == alarms.c.id)
"""Onsets with the model and the key of their alarm."""


def onset_of(row: RowMapping) -> Onset:
    """An onset from a row of `all_onsets`."""
    return Onset(
        id=row["id"],
        model=row["model"],
        key=_key(row),
        window=(row["window_start"], row["window_end"]),
        last=(row["last_start"], row["last_end"]),
        windows=row["windows"],
        ended=row["ended"],
        at=row["at"],
        finding=json.loads(row["finding"]),
    )


def _of(model: str) -> Any:
    return select(alarms).where(alarms.c.model == model)


def _key(row: RowMapping) -> Key:
    check, metric, columns, segment, version = json.loads(row["key"])
    return Key(check, metric, tuple(columns), segment, version)


def _standing(row: RowMapping) -> Standing:
    return Standing(State(row["state"]), row["since"], row["first_loud"], row["last_loud"], row["fired"])


@dataclass(frozen=True)
class _Step:
    """One alarm in one window."""

    judged: Judged
    before: Standing
    after: Standing
    number: int | None
    """Its number, where it was kept before."""

    @property
    def goes_on(self) -> bool:
        return bool(self.judged.loud) and self.after.state is State.FIRING and not is_onset(self.before, self.after)

    @property
    def ends(self) -> bool:
        return self.after.state is State.RESOLVED and self.before.state is not State.RESOLVED


def _save(connection: Connection, model: str, window: Span, steps: list[_Step]) -> dict[Key, int]:
    """Keep where all alarms stand now; returns their numbers."""
    known = {one.judged.key: one.number for one in steps if one.number is not None}
    if known:
        change = alarms.update().where(alarms.c.id == bindparam("number"))
        connection.execute(
            change, [{"number": one.number, **_values(one, window)} for one in steps if one.number is not None]
        )
    new = [one for one in steps if one.number is None]
    if not new:
        return known
    rows = [
        {"model": model, "digest": one.judged.key.digest, "key": one.judged.key.written, **_values(one, window)}
        for one in new
    ]
    added = connection.execute(alarms.insert().returning(alarms.c.digest, alarms.c.id), rows)
    keys = {one.judged.key.digest: one.judged.key for one in new}
    return known | {keys[digest]: number for digest, number in added}


def _values(one: _Step, window: Span) -> dict[str, Any]:
    return {
        "state": one.after.state.value,
        "since": one.after.since,
        "first_loud": one.after.first,
        "last_loud": one.after.last,
        "fired": one.after.fired,
        "window_start": window[0],
        "window_end": window[1],
    }


def _begin(
    connection: Connection, window: Span, now: int, steps: list[_Step], numbers: Mapping[Key, int]
) -> dict[Key, int]:
    """Keep the onsets that this window begins; returns their numbers."""
    if not steps:
        return {}
    start, end = window
    place = {"window_start": start, "window_end": end, "last_start": start, "last_end": end}
    rows = [
        {"alarm": numbers[one.judged.key], **place, "windows": 1, "at": now, "finding": json.dumps(one.judged.finding)}
        for one in steps
    ]
    added = connection.execute(onsets.insert().returning(onsets.c.alarm, onsets.c.id), rows)
    keys = {numbers[one.judged.key]: one.judged.key for one in steps}
    return {keys[alarm]: number for alarm, number in added}


def _go_on(connection: Connection, window: Span, steps: list[_Step], numbers: Mapping[Key, int]) -> None:
    """Add a loud window to the onsets that it belongs to; the same window counts once."""
    start, end = window
    windows = case((onsets.c.last_end < end, onsets.c.windows + 1), else_=onsets.c.windows)
    change = onsets.update().where(_NEWEST).values(last_start=start, last_end=end, windows=windows, ended=None)
    if steps:
        connection.execute(change, [{"number": numbers[one.judged.key]} for one in steps])


def _end(connection: Connection, window: Span, steps: list[_Step], numbers: Mapping[Key, int]) -> None:
    """Note of onsets that this window was quiet again."""
    change = onsets.update().where(_NEWEST).values(ended=window[1])
    if steps:
        connection.execute(change, [{"number": numbers[one.judged.key]} for one in steps])


_earlier = onsets.alias("earlier")
_NEWEST = (
    onsets.c.id == select(func.max(_earlier.c.id)).where(_earlier.c.alarm == bindparam("number")).scalar_subquery()
)
"""The newest onset of the alarm `number`."""
