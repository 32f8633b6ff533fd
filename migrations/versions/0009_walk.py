"""Second factors reported lost."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "factor_loss",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("shown", sa.String(length=500), nullable=False),
        sa.Column("asked_by_id", BIG, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", BIG, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_factor_loss_person_id_person"),
        sa.ForeignKeyConstraint(["asked_by_id"], ["person.id"], name="fk_factor_loss_asked_by_id_person"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name="fk_factor_loss_decided_by_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_factor_loss"),
        sa.UniqueConstraint("uid", name="uq_factor_loss_uid"),
    )
    op.create_index("ix_factor_loss_person_id", "factor_loss", ["person_id"])
    open_ones = sa.text("decided_at IS NULL")
    op.create_index(
        "uq_factor_loss_open", "factor_loss", ["person_id"], unique=True,
        sqlite_where=open_ones, postgresql_where=open_ones,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("factor_loss")
