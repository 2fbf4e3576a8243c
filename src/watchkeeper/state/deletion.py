"""Files of versions that were deleted: when and by whom. The versions themselves stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Select, func, select

from watchkeeper.model.clock import instant
from watchkeeper.model.error import WatchkeeperError
from watchkeeper.state import audit
from watchkeeper.state.store import Store, alone
from watchkeeper.state.table import deletions, versions

FILES = "files of versions"
"""What is held alone by whoever needs a file from now on, or deletes one: none of the two overlooks the other."""


class FileDeleted(WatchkeeperError):
    """A version can't answer, as its file was deleted: the text says when, by whom, and how it comes back."""


@dataclass(frozen=True)
class Deletion:
    """A file that is not kept any more."""

    artifact: str
    """Its SHA-256."""
    at: int
    who: str


def deleted(store: Store) -> dict[str, Deletion]:
    """All files that were deleted and have not been registered again since, by their SHA-256."""
    with store.reading() as connection:
        rows = connection.execute(_gone().order_by(deletions.c.id)).all()
    return {row.artifact: Deletion(row.artifact, row.at, row.who) for row in rows}


def require(connection: Connection, model: str, version: str) -> None:
    """Raise `FileDeleted` for a version without its file; in a transaction that makes it needed, so hold `FILES`."""
    mine = select(versions.c.artifact).where(versions.c.model == model, versions.c.version == version)
    row = connection.execute(_gone().where(deletions.c.artifact == mine.scalar_subquery())).first()
    if row is not None:
        raise FileDeleted(
            f"{version} of {model} can't answer: its file was deleted on {instant(row.at)}, by {row.who}. "
            f"Register the file again (SHA-256 {row.artifact}), and {version} has it back: "
            f"watchkeeper register {model} FILE"
        )


def delete(
    store: Store, artifact: str, is_spare: Callable[[], bool], remove: Callable[[], None], now: int, who: str
) -> bool:
    """Remove a file, and note of each version that had it who did so; unless it `is_spare` no more.

    While this looks and removes, no version goes live and none is registered. Where it breaks off in between, the file
    is gone and the next call notes it.
    """
    with store.writing() as connection:
        alone(connection, FILES)
        if not is_spare():
            return False
        remove()
        having = select(versions.c.id, versions.c.model, versions.c.version).where(versions.c.artifact == artifact)
        rows = connection.execute(having.order_by(versions.c.id)).all()
        row = {"artifact": artifact, "through": rows[-1].id, "at": now, "who": who}
        connection.execute(deletions.insert().values(row))
        for one in rows:
            detail = {"version": one.version, "artifact": artifact}
            audit.write(connection, who, "artefact deleted", one.model, detail, now)
        return True


def _gone() -> Select[tuple[str, int, str]]:
    """Deletions after which no version was registered with the same file."""
    newest = select(func.max(versions.c.id)).where(versions.c.artifact == deletions.c.artifact).scalar_subquery()
    return select(deletions.c.artifact, deletions.c.at, deletions.c.who).where(deletions.c.through >= newest)
