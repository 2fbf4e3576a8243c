"""Contracts of those who call a model: the text of each one's YAML, every revision of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from watchkeeper.state import audit
from watchkeeper.state.store import Store, alone
from watchkeeper.state.table import consumers


@dataclass(frozen=True)
class Kept:
    """A consumer's contract as it stands."""

    name: str
    yaml: str
    at: int
    who: str


def put(store: Store, model: str, name: str, yaml_text: str | None, now: int, who: str) -> None:
    """Keep a consumer's contract in place of its last one; None: it calls no more."""
    what = "consumer withdrawn" if yaml_text is None else "consumer kept"
    row = {"model": model, "name": name, "yaml": yaml_text, "at": now, "who": who}
    with store.writing() as connection:
        alone(connection, f"consumers of {model}")
        connection.execute(consumers.insert().values(row))
        audit.write(connection, who, what, model, {"consumer": name}, now)


def listing(store: Store, model: str) -> list[Kept]:
    """All that stand, by name."""
    newest = select(func.max(consumers.c.id)).where(consumers.c.model == model).group_by(consumers.c.name)
    fields = [consumers.c[field] for field in Kept.__dataclass_fields__]
    query = select(*fields).where(consumers.c.id.in_(newest), consumers.c.yaml.is_not(None)).order_by(consumers.c.name)
    with store.reading() as connection:
        return [Kept(**row) for row in connection.execute(query).mappings()]
