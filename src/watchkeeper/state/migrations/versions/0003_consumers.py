"""Contracts of those who call a model."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of consumers."""
    op.create_table(
        "consumers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("yaml", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consumers"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_consumers_model_name", "consumers", ["model", "name"])


def downgrade() -> None:
    """Take the table away again."""
    op.drop_table("consumers")
