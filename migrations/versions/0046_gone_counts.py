"""Counts by month of what hung on posts that were erased, so that figures of hires do not shrink."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "job_gone_count", sa.Column("id", BIG, nullable=False), sa.Column("month", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False), sa.Column("state", sa.String(20), nullable=False),
        sa.Column("count", BIG, nullable=False), sa.CheckConstraint("count > 0", name=op.f("ck_job_gone_count_some")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_gone_count")),
        sa.UniqueConstraint("month", "kind", "state", name=op.f("uq_job_gone_count_month_kind_state")),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("job_gone_count")
