"""Baselines: which profiles a model, or one version of it, is held against, since when, and why."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select

from watchkeeper.state import audit
from watchkeeper.state.store import Store, alone
from watchkeeper.state.table import baselines


@dataclass(frozen=True)
class Recorded:
    """A baseline that was taken into use."""

    model: str
    name: str
    reason: str
    path: str
    version: str | None
    """The only version that it is for; None: for every version without one of its own."""
    at: int
    who: str


_FIELDS = [baselines.c[field] for field in Recorded.__dataclass_fields__]


def put(store: Store, model: str, id: str, reason: str, path: str, version: str | None, now: int, who: str) -> bool:
    """Take a baseline into use; False if it was taken before, and then nothing changes."""
    with store.writing() as connection:
        alone(connection, f"baseline {model}")
        taken = select(baselines.c.id).where(baselines.c.model == model, baselines.c.name == id)
        if connection.execute(taken).first():
            return False
        row = Recorded(model, id, reason, path, version, now, who)
        connection.execute(baselines.insert().values(row.__dict__))
        detail = {"baseline": id, "reason": reason, "version": version, "path": path}
        audit.write(connection, who, "baseline taken into use", model, detail, now)
        return True


def current(store: Store, model: str, version: str | None = None) -> Recorded | None:
    """The newest baseline of a version, else the newest for all versions; None if there is neither."""
    fits = or_(baselines.c.version.is_(None), baselines.c.version == version)
    own_first = baselines.c.version.is_(None)
    query = select(*_FIELDS).where(baselines.c.model == model, fits).order_by(own_first, baselines.c.id.desc()).limit(1)
    with store.reading() as connection:
        row = connection.execute(query).mappings().first()
    return Recorded(**row) if row else None


def versions(store: Store, model: str) -> list[str]:
    """The versions that have a baseline of their own."""
    query = select(baselines.c.version).where(baselines.c.model == model, baselines.c.version.is_not(None)).distinct()
    with store.reading() as connection:
        return sorted(connection.execute(query).scalars())


def history(store: Store, model: str) -> list[Recorded]:
    """All baselines of a model, newest first."""
    query = select(*_FIELDS).where(baselines.c.model == model).order_by(baselines.c.id.desc())
    with store.reading() as connection:
        return [Recorded(**row) for row in connection.execute(query).mappings()]
