"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

NO_CHANGE = "the audit trail is only ever added to"


def upgrade() -> None:
    """Create all tables, and what keeps the audit trail as it was written."""
    _declared()
    _watched()
    _told()
    _counted()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _declared() -> None:
    op.create_table(
        "models",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("yaml", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", "revision", name="pk_models"),
    )
    op.create_table(
        "baselines",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_baselines"),
        sa.UniqueConstraint("model", "name", name="uq_baselines_model_name"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
        sa.Column("used", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
        sqlite_autoincrement=True,
    )


def _watched() -> None:
    is_due = sa.text("touches > handled")
    op.create_table(
        "windows",
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("window_start", sa.BigInteger, nullable=False),
        sa.Column("window_end", sa.BigInteger, nullable=False),
        sa.Column("touches", sa.BigInteger, nullable=False),
        sa.Column("handled", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("touched", sa.BigInteger, nullable=False),
        sa.Column("done", sa.BigInteger),
        sa.PrimaryKeyConstraint("model", "window_start", "window_end", name="pk_windows"),
    )
    op.create_index(
        "ix_windows_due",
        "windows",
        ["model", "window_end", "window_start"],
        sqlite_where=is_due,
        postgresql_where=is_due,
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def _told() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("first_loud", sa.BigInteger),
        sa.Column("last_loud", sa.BigInteger),
        sa.Column("fired", sa.BigInteger),
        sa.Column("window_start", sa.BigInteger, nullable=False),
        sa.Column("window_end", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alarms"),
        sa.UniqueConstraint("model", "digest", name="uq_alarms_model_digest"),
    )
    op.create_table(
        "onsets",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("alarm", NUMBER, nullable=False),
        sa.Column("window_start", sa.BigInteger, nullable=False),
        sa.Column("window_end", sa.BigInteger, nullable=False),
        sa.Column("last_start", sa.BigInteger, nullable=False),
        sa.Column("last_end", sa.BigInteger, nullable=False),
        sa.Column("windows", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("finding", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_onsets"),
        sa.ForeignKeyConstraint(["alarm"], ["alarms.id"], name="fk_onsets_alarm"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_onsets_alarm", "onsets", ["alarm"])
    op.create_index("ix_onsets_at", "onsets", ["at"])
    op.create_table(
        "notices",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("onset", NUMBER, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("next", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("delivered", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.ForeignKeyConstraint(["onset"], ["onsets.id"], name="fk_notices_onset"),
        sa.UniqueConstraint("onset", "target", name="uq_notices_onset_target"),
    )
    is_waiting = sa.text("next IS NOT NULL")
    op.create_index("ix_notices_waiting", "notices", ["next"], sqlite_where=is_waiting, postgresql_where=is_waiting)


def _counted() -> None:
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_model", "audit", ["model"])
    op.create_table(
        "counts",
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("model", "kind", "day", name="pk_counts"),
    )
    op.create_table(
        "deliveries",
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("model", "digest", name="pk_deliveries"),
    )


def _guard_sqlite() -> None:
    abort = f"BEGIN SELECT RAISE(ABORT, '{NO_CHANGE}'); END"
    op.execute(f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {abort}")
    op.execute(f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit {abort}")
    # INSERT OR REPLACE deletes without asking the trigger above.
    taken = "WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)"
    op.execute(f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit {taken} {abort}")


def _guard_postgresql() -> None:
    op.execute(
        f"CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
        f"BEGIN RAISE EXCEPTION '{NO_CHANGE}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )


def downgrade() -> None:
    """There is nothing before the first schema."""
    raise NotImplementedError("the first schema can't be taken back; restore a backup")
