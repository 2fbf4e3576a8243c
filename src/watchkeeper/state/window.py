"""Windows: which have to be profiled, and which are done, in what revision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, or_, select

from watchkeeper.model.error import WatchkeeperError
from watchkeeper.state.store import Store, insert
from watchkeeper.state.table import is_due, windows

Span = tuple[int, int]
"""A window, half-open: its start and its end in microseconds."""


class UnknownWindow(WatchkeeperError):
    """A window was said to be done that nothing ever touched: the text names it."""

    exit_code = 4


@dataclass(frozen=True)
class Due:
    """A window that has to be profiled, first or anew."""

    span: Span
    seen: int
    """How often it was touched so far: the revision that is made of it now. Hand it to `done`, and a touch that comes
    meanwhile keeps it due."""
    touched: int
    """When it was touched last."""
    revision: int
    """The revision it has; 0 before it was ever done."""


@dataclass(frozen=True)
class Finished:
    """A window that was profiled."""

    span: Span
    revision: int
    """How often it had been touched when it was finished last: it rises whenever late data changed it."""
    done: int
    """When it was finished last."""
    is_due: bool
    """Whether it was touched since."""


def touch(store: Store, model: str, spans: Iterable[Span], now: int, *, filled: bool = False) -> None:
    """Say that these windows have to be profiled, first or anew. All are noted, or none.

    `filled`: whether that is because data came; where none ever came, the window is an empty one.
    """
    first = {"model": model, "touches": 1, "handled": 0, "revision": 0, "filled": filled}
    rows = [
        {**first, "window_start": start, "window_end": end}
        for start, end in sorted(set(spans))  # in one order, so that two who touch the same never wait for each other
    ]
    if not rows:
        return
    with store.writing() as connection:
        new = insert(connection, windows).values(touched=now)
        more = {
            "touches": windows.c.touches + 1,
            "touched": new.excluded.touched,
            "filled": or_(windows.c.filled, new.excluded.filled),
        }
        connection.execute(new.on_conflict_do_update(index_elements=list(windows.primary_key), set_=more), rows)


def due(store: Store, model: str, now: int, most: int | None = None) -> list[Due]:
    """Windows that ended by `now` and were touched since they were done, oldest first, at most `most`."""
    order = (windows.c.window_end, windows.c.window_start)
    query = select(windows).where(windows.c.model == model, is_due, windows.c.window_end <= now).order_by(*order)
    with store.reading() as connection:
        found = connection.execute(query.limit(most)).mappings()
        return [
            Due((row["window_start"], row["window_end"]), row["touches"], row["touched"], row["revision"])
            for row in found
        ]


def done(store: Store, model: str, span: Span, seen: int, now: int) -> int:
    """Say that a window is profiled with all that came up to `seen` touches; returns its new revision.

    Raises `UnknownWindow`.
    """
    of_span = (windows.c.model == model, windows.c.window_start == span[0], windows.c.window_end == span[1])
    handled = case((windows.c.handled > seen, windows.c.handled), else_=seen)
    change = windows.update().where(*of_span).values(handled=handled, revision=handled, done=now)
    with store.writing() as connection:
        revision = connection.execute(change.returning(windows.c.revision)).scalar()
    if revision is None:
        raise UnknownWindow(f"the window {span[0]} to {span[1]} of {model} was never touched, so it can't be done.")
    return int(revision)


def newest(store: Store, model: str, now: int) -> Span | None:
    """The latest window that was ever touched, of those that have begun by `now`; None before any was.

    Data that are dated ahead touch windows to come. One wrong clock would else hide for years that nothing comes.
    """
    return _latest(store, model, windows.c.window_start <= now)


def filled(store: Store, model: str, now: int, most: int) -> list[Span]:
    """The newest windows that ever had data, of those that have begun by `now`, oldest first, at most `most`."""
    which = windows.c.model == model, windows.c.filled, windows.c.window_start <= now
    query = select(windows.c.window_start, windows.c.window_end).where(*which).order_by(windows.c.window_end.desc())
    with store.reading() as connection:
        return [(row.window_start, row.window_end) for row in connection.execute(query.limit(most))][::-1]


def newest_done(store: Store, model: str) -> Span | None:
    """The latest window that was ever done; None before any was."""
    return _latest(store, model, windows.c.revision > 0)


def finished(store: Store, model: str, start: int | None = None, end: int | None = None) -> list[Finished]:
    """Windows that were ever done and overlap `start` to `end`, oldest first."""
    query = select(windows).where(windows.c.model == model, windows.c.revision > 0)
    if start is not None:
        query = query.where(windows.c.window_end > start)
    if end is not None:
        query = query.where(windows.c.window_start < end)
    with store.reading() as connection:
        return [
            Finished(
                (row["window_start"], row["window_end"]), row["revision"], row["done"], row["touches"] > row["handled"]
            )
            for row in connection.execute(query.order_by(windows.c.window_start, windows.c.window_end)).mappings()
        ]


def _latest(store: Store, model: str, which: ColumnElement[bool]) -> Span | None:
    query = select(windows.c.window_start, windows.c.window_end).where(windows.c.model == model, which)
    with store.reading() as connection:
        row = connection.execute(query.order_by(windows.c.window_end.desc()).limit(1)).first()
    return None if row is None else (row.window_start, row.window_end)
