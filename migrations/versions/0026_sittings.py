"""Item responses of sittings, for the analysis of items; neither table is ever changed."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025a"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FROZEN = ("sitting", "response")


def _freeze(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
        for verb in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")
    else:
        op.execute(
            f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION refuse_change()"
        )


def upgrade() -> None:
    op.create_table(
        "sitting",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("exam", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("candidates", BIG, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sitting")),
        sa.UniqueConstraint("uid", name=op.f("uq_sitting_uid")),
        sa.UniqueConstraint("exam", "name", name=op.f("uq_sitting_exam_name")),
    )
    op.create_index("ix_sitting_exam_sha256", "sitting", ["exam", "sha256"])
    op.create_table(
        "response",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sitting_id", BIG, nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=True),
        sa.Column("language", sa.String(16), nullable=True),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name=op.f("fk_response_sitting_id_sitting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_response")),
        sa.UniqueConstraint("key", name=op.f("uq_response_key")),
    )
    op.create_index(op.f("ix_response_sitting_id"), "response", ["sitting_id"])
    for table in FROZEN:
        _freeze(table)


def downgrade() -> None:
    for table in reversed(FROZEN):
        if op.get_bind().dialect.name == "sqlite":
            for verb in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_frozen_{verb}")
        else:
            op.execute(f"DROP TRIGGER {table}_frozen ON {table}")
        op.drop_table(table)
