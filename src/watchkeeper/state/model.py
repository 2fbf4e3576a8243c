"""Models that were added: the text of their YAML, every revision of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from watchkeeper.state import audit
from watchkeeper.state.store import Store, alone
from watchkeeper.state.table import models


@dataclass(frozen=True)
class Declared:
    """A model as it was declared."""

    name: str
    revision: int
    yaml: str
    at: int
    who: str


def put(store: Store, name: str, yaml_text: str, now: int, who: str) -> int:
    """Declare a model, or declare it anew; returns its revision, which rises only if the text differs."""
    with store.writing() as connection:
        alone(connection, f"model {name}")
        last = _last(connection, name)
        if last is not None and last.yaml == yaml_text:
            return last.revision
        revision = last.revision + 1 if last else 1
        connection.execute(models.insert().values(name=name, revision=revision, yaml=yaml_text, at=now, who=who))
        audit.write(connection, who, "model declared", name, {"revision": revision}, now)
        return revision


def get(store: Store, name: str, until: int | None = None) -> Declared | None:
    """The newest revision of a model, or the newest up to a time; None if it was not added by then."""
    with store.reading() as connection:
        return _last(connection, name, until)


def standing(store: Store, name: str, at: int) -> Declared | None:
    """The revision that stood at a time in µs, else the first there was; None if it was never added."""
    rows = select(models).where(models.c.name == name)
    before = rows.where(models.c.at <= at).order_by(models.c.revision.desc()).limit(1)
    with store.reading() as connection:
        row = connection.execute(before).mappings().first()
        row = row or connection.execute(rows.order_by(models.c.revision).limit(1)).mappings().first()
    return Declared(**row) if row else None


def revisions(store: Store) -> dict[str, int]:
    """The newest revision of each model: cheap to ask again and again, it changes when one is declared anew."""
    query = select(models.c.name, func.max(models.c.revision)).group_by(models.c.name)
    with store.reading() as connection:
        return {name: int(revision) for name, revision in connection.execute(query)}


def names(store: Store) -> list[str]:
    """The names of all models, in order."""
    with store.reading() as connection:
        return list(connection.execute(select(models.c.name).distinct().order_by(models.c.name)).scalars())


def _last(connection: Connection, name: str, until: int | None = None) -> Declared | None:
    found = select(models).where(models.c.name == name).order_by(models.c.revision.desc()).limit(1)
    if until is not None:
        found = found.where(models.c.at <= until)
    row = connection.execute(found).mappings().first()
    return Declared(**row) if row else None
