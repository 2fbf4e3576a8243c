"""How much room the state takes."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from watchkeeper.state.store import Store


def size(store: Store) -> int:
    """Bytes of the database: of its files, or as PostgreSQL counts them."""
    with store.reading() as connection:
        if connection.dialect.name == "postgresql":
            return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    files = (Path(store.where + ending) for ending in ("", "-wal", "-shm"))
    return sum(file.stat().st_size for file in files if file.exists())
