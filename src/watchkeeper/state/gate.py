"""What the gate said of versions. The database itself refuses to change or delete an entry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from watchkeeper.state import audit
from watchkeeper.state.store import Store
from watchkeeper.state.table import gates


@dataclass(frozen=True)
class Gated:
    """One verdict."""

    id: int
    model: str
    version: str
    outcome: str
    result: dict[str, Any]
    """All of it, as the gate's JSON."""
    at: int
    who: str


def add(store: Store, model: str, version: str, outcome: str, result: Mapping[str, Any], now: int, who: str) -> int:
    """Keep a verdict; returns its number."""
    row = {"model": model, "version": version, "outcome": outcome, "result": json.dumps(result), "at": now, "who": who}
    with store.writing() as connection:
        number = int(connection.execute(gates.insert().values(row).returning(gates.c.id)).scalar_one())
        audit.write(connection, who, "version gated", model, {"version": version, "outcome": outcome}, now)
        return number


def latest(store: Store, model: str, version: str, until: int | None = None) -> Gated | None:
    """The newest verdict on a version, or the newest up to a time; None without any."""
    query = select(gates).where(gates.c.model == model, gates.c.version == version).order_by(gates.c.id.desc()).limit(1)
    if until is not None:
        query = query.where(gates.c.at <= until)
    with store.reading() as connection:
        row = connection.execute(query).mappings().first()
    return Gated(**{**row, "result": json.loads(row["result"])}) if row else None
