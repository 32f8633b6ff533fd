"""Past memberships and lists of members by file: events that never change, imports with what they did."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)


def _fk(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


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
        "history_event",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("org_id", BIG, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("term_id", BIG, nullable=True),
        sa.Column("ending_id", BIG, nullable=True),
        sa.Column("recorded_at", WHEN, nullable=False),
        _fk("history_event", "org_id", "organisation"),
        _fk("history_event", "term_id", "term"),
        _fk("history_event", "ending_id", "term_ending"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history_event")),
        sa.UniqueConstraint("key", name=op.f("uq_history_event_key")),
    )
    op.create_index(op.f("ix_history_event_org_id"), "history_event", ["org_id"])
    states = sa.Enum(
        "planned", "applied", "undone", "dropped", name="import_state", native_enum=False, create_constraint=True,
        length=32,
    )  # fmt: skip
    op.create_table(
        "member_import",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("file_id", BIG, nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column("rows", BIG, nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("done", sa.JSON(), nullable=False),
        sa.Column("state", states, nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("applied_at", WHEN, nullable=True),
        sa.Column("undone_at", WHEN, nullable=True),
        sa.Column("version", BIG, nullable=False),
        _fk("member_import", "file_id", "stored_file"),
        _fk("member_import", "by_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_import")),
        sa.UniqueConstraint("uid", name=op.f("uq_member_import_uid")),
    )
    op.create_index("ix_member_import_at", "member_import", ["at"])
    _freeze("history_event")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER history_event_frozen_{verb}")
    else:
        op.execute("DROP TRIGGER history_event_frozen ON history_event")
    op.drop_table("member_import")
    op.drop_table("history_event")
