"""Leases: work that only one process may do at a time, given for a while, so that nobody has to clean up after a crash.

Those who share a database must share the time too: a clock that is ahead by more than a lease's length takes it away.
"""

from __future__ import annotations

from sqlalchemy import select

from watchkeeper.state.store import Store, insert
from watchkeeper.state.table import leases


def acquire(store: Store, name: str, holder: str, until: int, now: int) -> bool:
    """Take a lease that nobody holds, or that ran out. `holder` names one holding: a process, or a part of it."""
    with store.writing() as connection:
        new = insert(connection, leases).values(name=name, holder=holder, until=until)
        taken = new.on_conflict_do_update(
            index_elements=[leases.c.name],
            set_={"holder": new.excluded.holder, "until": new.excluded.until},
            where=leases.c.until <= now,
        )
        return connection.execute(taken.returning(leases.c.name)).first() is not None


def renew(store: Store, name: str, holder: str, until: int, now: int) -> bool:
    """Hold on to a lease; False if it ran out, and then the work must stop: someone else may have begun it."""
    held = (leases.c.name == name, leases.c.holder == holder, leases.c.until > now)
    with store.writing() as connection:
        change = leases.update().where(*held).values(until=until).returning(leases.c.name)
        return connection.execute(change).first() is not None


def release(store: Store, name: str, holder: str) -> None:
    """Give a lease back; one that someone else holds by now is left alone."""
    with store.writing() as connection:
        connection.execute(leases.delete().where(leases.c.name == name, leases.c.holder == holder))


def holder(store: Store, name: str, now: int) -> str | None:
    """Who holds a lease; None if nobody does."""
    held = select(leases.c.holder).where(leases.c.name == name, leases.c.until > now)
    with store.reading() as connection:
        return connection.execute(held).scalar()
