"""Counts a day of what was not kept or not as it came: rejected, duplicates, conflicts, drops, corrupt frames."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from watchkeeper.state.store import Store, insert
from watchkeeper.state.table import counts


def add(store: Store, model: str, kind: str, amount: int, day: date) -> None:
    """Add to the count of a kind on a day (UTC)."""
    if amount == 0:
        return
    with store.writing() as connection:
        new = insert(connection, counts).values(model=model, kind=kind, day=day, amount=amount)
        more = {"amount": counts.c.amount + new.excluded.amount}
        connection.execute(new.on_conflict_do_update(index_elements=list(counts.primary_key), set_=more))


def totals(store: Store, model: str, start: date | None = None, end: date | None = None) -> dict[str, int]:
    """The sum of each kind from the day `start` up to but not including `end`, by kind."""
    query = select(counts.c.kind, func.sum(counts.c.amount)).where(counts.c.model == model)
    if start is not None:
        query = query.where(counts.c.day >= start)
    if end is not None:
        query = query.where(counts.c.day < end)
    with store.reading() as connection:
        found = connection.execute(query.group_by(counts.c.kind).order_by(counts.c.kind))
        return {kind: int(amount) for kind, amount in found}
