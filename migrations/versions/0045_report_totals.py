"""Totals of closed months, so that a report over years reads months and not every entry."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "report_month", sa.Column("id", BIG, nullable=False), sa.Column("month", sa.Date(), nullable=False),
        sa.Column("closed_at", WHEN, nullable=True), sa.Column("known_through", WHEN, nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False), sa.Column("past", BIG, nullable=False),
        sa.Column("built_at", WHEN, nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_report_month")),
        sa.UniqueConstraint("month", name=op.f("uq_report_month_month")),
    )  # fmt: skip
    op.create_table(
        "report_total", sa.Column("id", BIG, nullable=False), sa.Column("month_id", BIG, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False), sa.Column("account", sa.String(40), nullable=False),
        sa.Column("stream", sa.String(40), nullable=True), sa.Column("service_month", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["month_id"], ["report_month.id"], name=op.f("fk_report_total_month_id_report_month")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_total")),
    )  # fmt: skip
    op.create_index(op.f("ix_report_total_month_id"), "report_total", ["month_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_report_total_month_id"), table_name="report_total")
    op.drop_table("report_total")
    op.drop_table("report_month")
