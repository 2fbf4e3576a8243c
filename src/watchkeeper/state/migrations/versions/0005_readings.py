"""How the labels of a file were declared when it was taken."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of files that were taken before it is not known."""
    op.add_column("deliveries", sa.Column("reading", sa.Text))


def downgrade() -> None:
    """Take the column away again."""
    op.drop_column("deliveries", "reading")
