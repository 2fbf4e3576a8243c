"""What was seen: how the labels of a file were declared, and whether a window ever had an event."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. Nothing is known of earlier files; nearly all earlier windows had events."""
    op.add_column("deliveries", sa.Column("reading", sa.Text))
    op.add_column("windows", sa.Column("filled", sa.Boolean, nullable=False, server_default=sa.true()))


def downgrade() -> None:
    """Take the columns away again."""
    op.drop_column("windows", "filled")
    op.drop_column("deliveries", "reading")
