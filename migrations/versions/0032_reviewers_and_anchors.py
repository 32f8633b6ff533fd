"""Reviewers whom the chief examiner appoints where votes are short; anchor items, which tie forms together."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TARGETS = {"review_id": "exam_review", "person_id": "person", "by_id": "person"}


def upgrade() -> None:
    keys = [
        sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_exam_reviewer_{column}_{table}"))
        for column, table in TARGETS.items()
    ]
    op.create_table(
        "exam_reviewer",
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(column, BIG, nullable=False) for column in TARGETS),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *keys,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_reviewer")),
        sa.UniqueConstraint("review_id", "person_id", name=op.f("uq_exam_reviewer_review_id_person_id")),
    )
    op.create_index(op.f("ix_exam_reviewer_person_id"), "exam_reviewer", ["person_id"])
    op.add_column("exam_item", sa.Column("anchor", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("exam_item", "anchor")
    op.drop_table("exam_reviewer")
