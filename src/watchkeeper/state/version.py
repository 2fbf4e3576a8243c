"""Versions of models: where each came from, and the artefact that serves it, by its SHA-256."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from watchkeeper.state import audit, deletion
from watchkeeper.state.store import Store, alone
from watchkeeper.state.table import versions

NUMBERED = re.compile(r"v([1-9][0-9]{0,8})")
"""What versions are called that nobody named."""


@dataclass(frozen=True)
class Version:
    """A version of a model. It never changes once it is registered."""

    id: int
    model: str
    version: str
    format: str
    artifact: str | None
    """The SHA-256 of its file; None where a server or a function of the user's answers."""
    file: str | None
    """What the file was called."""
    size: int | None
    """Bytes of the file."""
    detail: dict[str, Any] = field(repr=False)
    """Its lineage, and what it takes and gives, as JSON holds them."""
    at: int
    who: str


def add(
    store: Store,
    model: str,
    version: str | None,
    format: str,
    artifact: str | None,
    file: str | None,
    size: int | None,
    detail: Mapping[str, Any],
    now: int,
    who: str,
) -> Version | None:
    """Register a version, called `v1`, `v2`, … where it has no name; None if there is one of that name already."""
    with store.writing() as connection:
        alone(connection, f"versions of {model}")
        alone(connection, deletion.FILES)
        taken = set(connection.execute(select(versions.c.version).where(versions.c.model == model)).scalars())
        name = version or _next(taken)
        if name in taken:
            return None
        row = {"model": model, "version": name, "format": format, "artifact": artifact, "file": file, "size": size}
        row |= {"detail": json.dumps(detail), "at": now, "who": who}
        new = connection.execute(versions.insert().values(row).returning(versions)).mappings().one()
        audit.write(connection, who, "version registered", model, {"version": name, "artifact": artifact}, now)
        return _version(new)


def get(store: Store, model: str, version: str) -> Version | None:
    """One version, or None."""
    with store.reading() as connection:
        return _one(connection, model, version)


def listing(store: Store, model: str) -> list[Version]:
    """All versions of a model, oldest first."""
    query = select(versions).where(versions.c.model == model).order_by(versions.c.id)
    with store.reading() as connection:
        return [_version(row) for row in connection.execute(query).mappings()]


def _one(connection: Connection, model: str, version: str) -> Version | None:
    query = select(versions).where(versions.c.model == model, versions.c.version == version)
    row = connection.execute(query).mappings().first()
    return _version(row) if row else None


def _next(taken: set[str]) -> str:
    numbers = (int(found[1]) for name in taken if (found := NUMBERED.fullmatch(name)))
    return f"v{max(numbers, default=0) + 1}"


def _version(row: RowMapping) -> Version:
    return Version(**{**row, "detail": json.loads(row["detail"])})
