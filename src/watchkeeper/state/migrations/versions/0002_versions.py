"""Versions of models, what the gate said of them, and which was live when."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
KEPT = ("gates", "deployments")
"""Tables that are only ever added to."""


def upgrade() -> None:
    """Create the tables of the release loop, and what keeps its logs as they were written."""
    op.create_table(
        "versions",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("artifact", sa.Text),
        sa.Column("file", sa.Text),
        sa.Column("size", sa.BigInteger),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_versions"),
        sa.UniqueConstraint("model", "version", name="uq_versions_model_version"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "gates",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gates"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_gates_model_version", "gates", ["model", "version"])
    op.create_table(
        "deployments",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("gate", NUMBER),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deployments"),
        sa.ForeignKeyConstraint(["gate"], ["gates.id"], name="fk_deployments_gate"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deployments_model", "deployments", ["model"])
    guard = _guard_sqlite if op.get_bind().dialect.name == "sqlite" else _guard_postgresql
    for table in KEPT:
        guard(table)


def _guard_sqlite(table: str) -> None:
    abort = f"BEGIN SELECT RAISE(ABORT, '{table} are only ever added to'); END"
    op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {abort}")
    op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {abort}")
    # INSERT OR REPLACE deletes without asking the trigger above.
    taken = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)"  # noqa: S608 - one of two names above
    op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} {taken} {abort}")


def _guard_postgresql(table: str) -> None:
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
        f"BEGIN RAISE EXCEPTION '{table} are only ever added to'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )


def downgrade() -> None:
    """Versions and deployments are never forgotten."""
    raise NotImplementedError("the log of deployments can't be taken back; restore a backup")
