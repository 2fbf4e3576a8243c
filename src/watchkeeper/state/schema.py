"""Brings a database to the newest schema, one process at a time."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from watchkeeper.model.error import WatchkeeperError
from watchkeeper.state.store import Store, alone
from watchkeeper.state.table import REVISION

MIGRATIONS = Path(__file__).with_name("migrations")


class StateIsNewer(WatchkeeperError):
    """The database was written by a newer Watchkeeper: the text says how far this one knows it."""


def upgrade(store: Store) -> None:
    """Run the migrations that are missing, all or none of them. Raises `StateIsNewer`, `StateUnavailable`."""
    with store.reading() as connection:
        if found(connection) == REVISION:
            return
    with store.writing() as connection:
        alone(connection, "schema")
        _migrate(connection, store.where)


def found(connection: Connection) -> str | None:
    """The newest migration that a database has seen; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: Connection, where: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    revision = found(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StateIsNewer(
            f"the state in {where} was written by a newer Watchkeeper (schema {revision}; this one knows {REVISION}). "
            "Install that version or a later one, or name another home."
        )
    command.upgrade(config, "head")
