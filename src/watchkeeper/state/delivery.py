"""Files that were ingested, by the SHA-256 of their bytes, so that none is taken twice."""

from __future__ import annotations

from dataclasses import asdict, dataclass

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
    reading: str | None
    """How its labels were declared then, for declared otherwise they are taken anew; None where that is not known."""


def known(store: Store, model: str, digest: str) -> Ingested | None:
    """When a file with these bytes was taken last, and under what name; None if it never was."""
    query = select(deliveries).where(deliveries.c.model == model, deliveries.c.digest == digest)
    with store.reading() as connection:
        row = connection.execute(query).mappings().first()
    return Ingested(**row) if row else None


def put(store: Store, taken: Ingested) -> None:
    """Note that a file was taken, perhaps once more."""
    with store.writing() as connection:
        new = insert(connection, deliveries).values(**asdict(taken))
        more = {name: new.excluded[name] for name in ("name", "rows", "at", "reading")}
        connection.execute(new.on_conflict_do_update(index_elements=list(deliveries.primary_key), set_=more))
