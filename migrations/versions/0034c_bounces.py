"""Mail remembers that it came back."""

import sqlalchemy as sa
from alembic import op

revision = "0034c"
down_revision = "0034b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("mail_message", sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take it away."""
    with op.batch_alter_table("mail_message") as batch:
        batch.drop_column("bounced_at")
