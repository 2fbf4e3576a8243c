"""Files of versions that were deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of deletions."""
    op.create_table(
        "deletions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("artifact", sa.Text, nullable=False),
        sa.Column("through", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deletions"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deletions_artifact", "deletions", ["artifact"])
    op.create_index("ix_versions_artifact", "versions", ["artifact"])


def downgrade() -> None:
    """Take the table away again."""
    op.drop_index("ix_versions_artifact", "versions")
    op.drop_table("deletions")
