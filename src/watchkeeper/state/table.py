"""The tables, as the newest migration leaves them. Times are microseconds since 1970, UTC."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

REVISION = "0005"
"""The newest migration."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Words(TypeDecorator[str]):
    """Text from anywhere: what a database can't hold (NUL, halves of surrogate pairs) is written as an escape."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Called with each value on its way in."""
        return value and value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _number() -> Column[int]:
    """A key that the database counts up; on SQLite only a plain INTEGER does."""
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def _words(name: str, nullable: bool = False, **more: Any) -> Column[str]:
    return Column(name, Words, nullable=nullable, **more)


def _moment(name: str, nullable: bool = False, **more: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable, **more)


models = Table(
    "models",
    metadata,
    _words("name", primary_key=True),
    Column("revision", Integer, primary_key=True),
    _words("yaml"),
    _moment("at"),
    _words("who"),
)

baselines = Table(
    "baselines",
    metadata,
    _number(),
    _words("model"),
    _words("name"),
    _words("reason"),
    _words("path"),
    _words("version", nullable=True),
    _moment("at"),
    _words("who"),
    UniqueConstraint("model", "name"),
)

windows = Table(
    "windows",
    metadata,
    _words("model", primary_key=True),
    _moment("window_start", primary_key=True),
    _moment("window_end", primary_key=True),
    Column("touches", BigInteger, nullable=False),
    Column("handled", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    _moment("touched"),
    _moment("done", nullable=True),
    Column("filled", Boolean, nullable=False),
)
is_due = text("touches > handled")
Index(
    "ix_windows_due",
    windows.c.model,
    windows.c.window_end,
    windows.c.window_start,
    sqlite_where=is_due,
    postgresql_where=is_due,
)

leases = Table("leases", metadata, _words("name", primary_key=True), _words("holder"), _moment("until"))

tokens = Table(
    "tokens",
    metadata,
    _number(),
    _words("digest", unique=True),
    _words("role"),
    _words("name"),
    _words("model", nullable=True),
    _moment("created"),
    _moment("expires", nullable=True),
    _moment("revoked", nullable=True),
    _moment("used", nullable=True),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    _number(),
    _moment("at"),
    _words("who"),
    _words("what"),
    _words("model", nullable=True, index=True),
    _words("detail"),
    sqlite_autoincrement=True,
)

alarms = Table(
    "alarms",
    metadata,
    _number(),
    _words("model"),
    _words("digest"),
    _words("key"),
    _words("state"),
    _moment("since"),
    _moment("first_loud", nullable=True),
    _moment("last_loud", nullable=True),
    _moment("fired", nullable=True),
    _moment("window_start"),
    _moment("window_end"),
    UniqueConstraint("model", "digest"),
)

onsets = Table(
    "onsets",
    metadata,
    _number(),
    Column("alarm", ForeignKey("alarms.id"), nullable=False, index=True),
    _moment("window_start"),
    _moment("window_end"),
    _moment("last_start"),
    _moment("last_end"),
    Column("windows", BigInteger, nullable=False),
    _moment("ended", nullable=True),
    _moment("at", index=True),
    _words("finding"),
    sqlite_autoincrement=True,
)

notices = Table(
    "notices",
    metadata,
    _number(),
    Column("onset", ForeignKey("onsets.id"), nullable=False),
    _words("target"),
    _words("body"),
    _moment("at"),
    _moment("next", nullable=True),
    Column("attempts", Integer, nullable=False),
    _words("error", nullable=True),
    _moment("delivered", nullable=True),
    UniqueConstraint("onset", "target"),
)
is_waiting = text("next IS NOT NULL")
Index("ix_notices_waiting", notices.c.next, sqlite_where=is_waiting, postgresql_where=is_waiting)

counts = Table(
    "counts",
    metadata,
    _words("model", primary_key=True),
    _words("kind", primary_key=True),
    Column("day", Date, primary_key=True),
    Column("amount", BigInteger, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    _words("model", primary_key=True),
    _words("digest", primary_key=True),
    _words("name"),
    Column("rows", BigInteger, nullable=False),
    _moment("at"),
    Column("reading", Text),
)

versions = Table(
    "versions",
    metadata,
    _number(),
    _words("model"),
    _words("version"),
    _words("format"),
    _words("artifact", nullable=True, index=True),
    _words("file", nullable=True),
    Column("size", BigInteger, nullable=True),
    _words("detail"),
    _moment("at"),
    _words("who"),
    UniqueConstraint("model", "version"),
    sqlite_autoincrement=True,
)

gates = Table(
    "gates",
    metadata,
    _number(),
    _words("model"),
    _words("version"),
    _words("outcome"),
    _words("result"),
    _moment("at"),
    _words("who"),
    Index("ix_gates_model_version", "model", "version"),
    sqlite_autoincrement=True,
)

deployments = Table(
    "deployments",
    metadata,
    _number(),
    _words("model"),
    _words("version"),
    _words("action"),
    _words("why"),
    Column("gate", ForeignKey("gates.id"), nullable=True),
    _moment("at"),
    _words("who"),
    Index("ix_deployments_model", "model"),
    sqlite_autoincrement=True,
)

consumers = Table(
    "consumers",
    metadata,
    _number(),
    _words("model"),
    _words("name"),
    _words("yaml", nullable=True),
    _moment("at"),
    _words("who"),
    Index("ix_consumers_model_name", "model", "name"),
    sqlite_autoincrement=True,
)

deletions = Table(
    "deletions",
    metadata,
    _number(),
    _words("artifact", index=True),
    Column("through", BigInteger, nullable=False),
    _moment("at"),
    _words("who"),
    sqlite_autoincrement=True,
)
