"""The monthly reports of paid support, one a company and month."""

import sqlalchemy as sa
from alembic import op

revision = "0034b"
down_revision = "0034a"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = "support_report"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        NAME,
        sa.Column("id", BIG, nullable=False), sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("org_id", BIG, nullable=False), sa.Column("month", sa.Date(), nullable=False),
        sa.Column("level", sa.String(40), nullable=False), sa.Column("file_id", BIG, nullable=True),
        sa.Column("credit_id", BIG, nullable=True), sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{NAME}")),
        sa.UniqueConstraint("uid", name=op.f(f"uq_{NAME}_uid")),
        sa.UniqueConstraint("org_id", "month", name=op.f(f"uq_{NAME}_org_id_month")),
        sa.ForeignKeyConstraint(["org_id"], ["organisation.id"], name=op.f(f"fk_{NAME}_org_id_organisation")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f(f"fk_{NAME}_file_id_stored_file")),
        sa.ForeignKeyConstraint(["credit_id"], ["credit_note.id"], name=op.f(f"fk_{NAME}_credit_id_credit_note")),
    )  # fmt: skip


def downgrade() -> None:
    """Take it away."""
    op.drop_table(NAME)
