"""The deployment log: what was live when, who put it there and why. It is only ever added to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select

from watchkeeper.state import audit, deletion
from watchkeeper.state.store import Store, alone
from watchkeeper.state.table import deployments


class Action(StrEnum):
    """How a version went live."""

    RELEASE = "release"
    FORCE = "force"
    """A release that the gate had not let through."""
    ROLLBACK = "rollback"
    """Back to an earlier version."""


@dataclass(frozen=True)
class Deployment:
    """One row: from `at` on, `version` is live."""

    id: int
    model: str
    version: str
    action: Action
    why: str
    gate: int | None
    """The number of the verdict that let it through."""
    at: int
    who: str


_FIELDS = [deployments.c[field] for field in Deployment.__dataclass_fields__]


def add(
    store: Store,
    model: str,
    version: str,
    action: Action,
    why: str,
    gate: int | None,
    now: int,
    who: str,
    *,
    after: int | None,
) -> Deployment | None:
    """Put a version live, provided that `after` is still the newest row's number; else None, and nothing is done.

    Raises `FileDeleted`.
    """
    with store.writing() as connection:
        alone(connection, f"deployments of {model}")
        alone(connection, deletion.FILES)
        newest = select(func.max(deployments.c.id)).where(deployments.c.model == model)
        if connection.execute(newest).scalar() != after:
            return None
        deletion.require(connection, model, version)
        row: dict[str, str | int | None] = {"model": model, "version": version, "action": action.value, "why": why}
        row |= {"gate": gate, "at": now, "who": who}
        number = connection.execute(deployments.insert().values(row).returning(deployments.c.id)).scalar_one()
        detail = {"version": version, "why": why, "gate": gate, "deployment": number}
        audit.write(connection, who, f"version live by {action.value}", model, detail, now)
        return Deployment(int(number), model, version, action, why, gate, now, who)


def log(store: Store, model: str, until: int | None = None) -> list[Deployment]:
    """All rows of a model up to a time, oldest first."""
    query = select(*_FIELDS).where(deployments.c.model == model).order_by(deployments.c.id)
    if until is not None:
        query = query.where(deployments.c.at <= until)
    with store.reading() as connection:
        return [Deployment(**{**row, "action": Action(row["action"])}) for row in connection.execute(query).mappings()]


def newest(store: Store) -> dict[str, int]:
    """The number of each model's newest row: cheap to ask again and again, it changes when a version goes live."""
    query = select(deployments.c.model, func.max(deployments.c.id)).group_by(deployments.c.model)
    with store.reading() as connection:
        return {model: int(number) for model, number in connection.execute(query)}


def standing(rows: Iterable[Deployment]) -> list[str]:
    """Versions as they stand on one another, the live one last: a rollback takes off all above its version.

    So a second rollback goes one further back, and never to what was rolled back before.
    """
    stack: list[str] = []
    for row in rows:
        if row.action is Action.ROLLBACK and row.version in stack:
            del stack[stack.index(row.version) + 1 :]
        else:
            stack = [version for version in stack if version != row.version] + [row.version]
    return stack
