"""Files that were ingested, by the SHA-256 of their bytes, so that none is taken twice."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from watchkeeper.state.store import Store, insert
from watchkeeper.state.table import deliveries


@dataclass(frozen=True)
class Ingested:
    """A file that was taken."""

    model: str
    digest: str
    name: str
    rows: int
    at: int


def known(store: Store, model: str, digest: str) -> Ingested | None:
    """When a file with these bytes was taken, and under what name; None if it never was."""
    query = select(deliveries).where(deliveries.c.model == model, deliveries.c.digest == digest)
    with store.reading() as connection:
        row = connection.execute(query).mappings().first()
    return Ingested(**row) if row else None


def put(store: Store, model: str, digest: str, name: str, rows: int, now: int) -> bool:
    """Note that a file was taken; False if it was noted before, and then the first note stays."""
    with store.writing() as connection:
        new = insert(connection, deliveries).values(model=model, digest=digest, name=name, rows=rows, at=now)
        noted = new.on_conflict_do_nothing().returning(deliveries.c.digest)
        return connection.execute(noted).first() is not None
