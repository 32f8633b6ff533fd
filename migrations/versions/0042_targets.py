"""Targets that one person proposes and another sets."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0038"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "target_proposal"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("measure", sa.String(20), nullable=False),
        sa.Column("scope", sa.String(50), nullable=False),
        sa.Column("year", BIG, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.String(20), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "set",
                "declined",
                name="targetstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("words", sa.String(300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edition", BIG, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_target_proposal_aims")),
        sa.CheckConstraint("year BETWEEN 2000 AND 2199", name=op.f("ck_target_proposal_in_reach")),
        sa.CheckConstraint(
            "second_id IS NULL OR second_id <> by_id", name=op.f("ck_target_proposal_two_eyes")
        ),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_target_proposal_decided")
        ),
        sa.CheckConstraint(
            "state = 'proposed' OR second_id IS NOT NULL", name=op.f("ck_target_proposal_by_somebody")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_target_proposal_by_id_person")),
        sa.ForeignKeyConstraint(
            ["second_id"], ["person.id"], name=op.f("fk_target_proposal_second_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target_proposal")),
        sa.UniqueConstraint("uid", name=op.f("uq_target_proposal_uid")),
    )
    op.create_index(op.f("ix_target_proposal_state"), TABLE, ["state"])


def downgrade() -> None:
    op.drop_table(TABLE)
