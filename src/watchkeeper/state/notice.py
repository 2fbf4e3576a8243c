"""Notices on their way out: each onset is told to each target once, and again until the target says that it heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from watchkeeper.state.alarm import Onset, all_onsets, onset_of
from watchkeeper.state.store import Store, insert
from watchkeeper.state.table import alarms, notices, onsets

SECOND = 1_000_000
FIRST_PAUSE = 10 * SECOND
"""Until the second attempt; each further pause is twice as long, …"""
LONGEST_PAUSE = 3600 * SECOND
"""… up to this one."""
GIVEN_UP_AFTER = 3 * 24 * 3600 * SECOND
"""From the moment a notice was added."""
HELD = 120 * SECOND
"""For so long a notice is left to whoever took it; then someone else may take it."""


@dataclass(frozen=True)
class Notice:
    """One message to one target."""

    id: int
    onset: int
    target: str
    body: dict[str, Any]
    at: int
    attempts: int


def owed(store: Store, model: str, target: str, since: int) -> list[Onset]:
    """Onsets noticed from `since` on for which the target has no notice yet, oldest first; a crash loses none."""
    told = select(notices.c.id).where(notices.c.onset == onsets.c.id, notices.c.target == target).exists()
    query = all_onsets.where(alarms.c.model == model, onsets.c.at >= since, ~told).order_by(onsets.c.id)
    with store.reading() as connection:
        return [onset_of(row) for row in connection.execute(query).mappings()]


def add(store: Store, onset: int, target: str, body: Mapping[str, Any], now: int) -> bool:
    """Have a target told about an onset; False if it was added before: nobody is told twice."""
    with store.writing() as connection:
        row = {"onset": onset, "target": target, "body": json.dumps(body), "at": now, "next": now, "attempts": 0}
        new = insert(connection, notices).values(row).on_conflict_do_nothing().returning(notices.c.id)
        return connection.execute(new).first() is not None


def due(store: Store, now: int, most: int = 100, target: str | None = None) -> list[Notice]:
    """Take the notices to be sent, oldest first; nobody else gets them before they failed, or `HELD` is over.

    `target`: those of this target alone.
    """
    waiting = select(notices.c.id).where(notices.c.next.is_not(None), notices.c.next <= now).order_by(notices.c.id)
    if target is not None:
        waiting = waiting.where(notices.c.target == target)
    ours = waiting.limit(most).with_for_update(skip_locked=True).cte("ours")
    taken = notices.update().where(notices.c.id.in_(select(ours.c.id))).values(next=now + HELD)
    with store.writing() as connection:
        fields = [notices.c[name] for name in Notice.__dataclass_fields__]
        found = connection.execute(taken.returning(*fields)).mappings().all()
    return sorted((Notice(**{**row, "body": json.loads(row["body"])}) for row in found), key=lambda notice: notice.id)


def delivered(store: Store, id: int, now: int) -> None:
    """The target heard it."""
    with store.writing() as connection:
        heard = {"delivered": now, "next": None, "error": None, "attempts": notices.c.attempts + 1}
        connection.execute(notices.update().where(notices.c.id == id).values(heard))


def failed(store: Store, id: int, error: str, now: int) -> int | None:
    """An attempt failed; returns when the next is due, or None if it was given up after three days."""
    with store.writing() as connection:
        query = select(notices.c.attempts, notices.c.at).where(notices.c.id == id)
        row = connection.execute(query.with_for_update()).one()
        pause = min(FIRST_PAUSE << min(row.attempts, 20), LONGEST_PAUSE)
        again = None if now - row.at >= GIVEN_UP_AFTER else now + pause
        values = {"attempts": row.attempts + 1, "error": error, "next": again}
        connection.execute(notices.update().where(notices.c.id == id).values(values))
    return again
