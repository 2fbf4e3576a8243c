"""The audit trail: who did what, when. The database itself refuses to change or delete an entry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from watchkeeper.state.store import Store
from watchkeeper.state.table import audit


@dataclass(frozen=True)
class Entry:
    """One deed."""

    id: int
    at: int
    who: str
    what: str
    model: str | None
    detail: dict[str, Any]


def append(store: Store, who: str, what: str, model: str | None, detail: Mapping[str, Any], now: int) -> int:
    """Add an entry; returns its number. `detail` is what JSON can hold."""
    with store.writing() as connection:
        return write(connection, who, what, model, detail, now)


def write(connection: Connection, who: str, what: str, model: str | None, detail: Mapping[str, Any], now: int) -> int:
    """Add an entry in the transaction of the deed itself, so that neither is kept without the other."""
    row = {"at": now, "who": who, "what": what, "model": model, "detail": json.dumps(detail)}
    return int(connection.execute(audit.insert().values(row).returning(audit.c.id)).scalar_one())


def entries(store: Store, model: str | None = None, before: int | None = None, most: int = 100) -> list[Entry]:
    """The newest entries first, of one model or of all; `before` is the number of the last one on the page above."""
    query = select(audit).order_by(audit.c.id.desc()).limit(most)
    if model is not None:
        query = query.where(audit.c.model == model)
    if before is not None:
        query = query.where(audit.c.id < before)
    with store.reading() as connection:
        return [Entry(**{**row, "detail": json.loads(row["detail"])}) for row in connection.execute(query).mappings()]
