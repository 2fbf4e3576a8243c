"""A database that keeps the state, and its two kinds of transaction: reading and writing."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from watchkeeper.model.error import WatchkeeperError

PATIENCE = 30
"""Seconds for which a process waits for another one's write to SQLite; a write takes milliseconds."""
CONNECT = 10
"""Seconds for which a PostgreSQL server may take to answer."""


class StateUnavailable(WatchkeeperError):
    """The database of the state can't be reached, read or written: the text says why, and what to look at."""

    exit_code = 4


class Store:
    """A database of the state. Threads may share it; after a fork the child opens connections of its own."""

    def __init__(self, url: URL) -> None:
        self.where = url.database or "" if url.get_backend_name() == "sqlite" else url.render_as_string()
        """What a person may read: the file, or the URL without its password."""
        self._engine = _engine(url)
        self._writer = self._engine.execution_options(is_write=True)
        self._process = os.getpid()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads, and waits for nobody. Raises `StateUnavailable`."""
        with self._transaction(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable once it ends; on SQLite one at a time. Raises `StateUnavailable`."""
        with self._transaction(self._writer) as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        if self._process != os.getpid():
            self._engine.dispose(close=False)  # what a fork inherited still belongs to the parent
            self._process = os.getpid()
        try:
            with engine.begin() as connection:
                yield connection
        except (DBAPIError, PoolExhausted) as failed:
            if not _is_unavailable(failed):
                raise
            raise StateUnavailable(_said(self.where, failed)) from failed


def insert(connection: Connection, table: Table) -> postgresql.Insert:
    """An INSERT that knows ON CONFLICT, which both databases spell alike."""
    if connection.dialect.name == "sqlite":
        return cast("postgresql.Insert", sqlite.insert(table))
    return postgresql.insert(table)


def alone(connection: Connection, name: str) -> None:
    """Wait until no other writing transaction is alone under `name`; on SQLite every one is alone already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 8700))"), {"name": name})


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": PATIENCE})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    more = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT}
    # A connection that did not live through a restart of the server is replaced before it is used.
    return create_engine(url, pool_pre_ping=True, connect_args={"application_name": "watchkeeper", **more})


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says so, and nowhere else
    _keep_a_journal(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _keep_a_journal(connection: sqlite3.Connection) -> None:
    """Switch SQLite to its write-ahead log, which the file remembers: then nobody who reads waits for one who writes.

    While another process makes the switch SQLite refuses at once instead of waiting, so the waiting is done here.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as busy:
            if "locked" not in str(busy) or time.monotonic() > until:
                raise
        time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    # A read that turns into a write later may find that another process wrote meanwhile, and no waiting helps then.
    is_write = connection.get_execution_options().get("is_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def _is_unavailable(failed: DBAPIError | PoolExhausted) -> bool:
    if isinstance(failed, PoolExhausted):
        return True
    is_forbidden = getattr(failed.orig, "sqlstate", None) in ("42501", "3F000")  # no right to the table, to the schema
    return isinstance(failed, OperationalError | InterfaceError) or type(failed) is DatabaseError or is_forbidden


_HINTS = {
    "database is locked": f"Another program has held it for {PATIENCE} seconds: end it, or wait and try again.",
    "is full": "Free some space and try again; nothing was left half-written.",
    "No space left": "Free some space and try again; nothing was left half-written.",
    "not a database": "Put a backup in its place, or move the file away to begin anew.",
    "malformed": "Put a backup in its place.",
    "readonly": "Check the permissions of the file and of its folder.",
    "unable to open": "Check that the folder exists and may be written to.",
    "password": "Check the user and the password in config.yaml.",
    "permission denied": "Let the database's owner grant that right, and USAGE and CREATE on the schema.",
    "no schema": "Create the schema that the search path names, or let its owner grant USAGE and CREATE on it.",
    "does not exist": "Check the names in config.yaml, or create it with createdb or createuser.",
}
"""What to do, by what the database says."""


def _said(where: str, failed: DBAPIError | PoolExhausted) -> str:
    reason = " ".join(str(getattr(failed, "orig", None) or failed).split())
    hint = next((hint for sign, hint in _HINTS.items() if sign in reason), None)
    usual = "Check that the server runs and can be reached." if "://" in where else "Check the file and its disk."
    return f"the state in {where} can't be used ({reason}). {hint or usual}"
