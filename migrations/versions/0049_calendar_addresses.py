"""Private addresses at which calendars read milestones and adaptation slots."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LIVE = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "calendar_address", sa.Column("id", BIG, nullable=False), sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("person_id", BIG, nullable=False), sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False), sa.Column("read_on", sa.Date(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_calendar_address_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_address")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_address_token_hash")),
        sa.UniqueConstraint("uid", name=op.f("uq_calendar_address_uid")),
    )  # fmt: skip
    op.create_index(op.f("ix_calendar_address_person_id"), "calendar_address", ["person_id"])
    op.create_index(
        "uq_calendar_address_live", "calendar_address", ["person_id"], unique=True, sqlite_where=LIVE, postgresql_where=LIVE
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("calendar_address")
