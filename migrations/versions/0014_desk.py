"""Fapiao with their parts, reminders with what holds them, and the order numbers of payers."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
# What was asked for stays as it was asked for.
ASKED = (
    "party_id", "kind", "title", "tax_number", "address", "telephone", "bank", "bank_account", "amount", "by_id",
)  # fmt: skip
STEP = ("invoice_id", "step", "place", "action", "due_on", "reached_on")
ROWS = ("fapiao_part", "purchase_order")
STOP = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
RUN = "EXECUTE FUNCTION refuse_change()"


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def _keys(table: str, *unique: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(sa.UniqueConstraint(column, name=op.f(f"uq_{table}_{column}")) for column in unique),
    ]


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _fapiao() -> None:
    texts = (("title", 200), ("tax_number", 40), ("address", 300), ("telephone", 40), ("bank", 120),
             ("bank_account", 60), ("note", 300), ("reason", 300), ("red_reason", 300))  # fmt: skip
    op.create_table(
        "fapiao",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("party_id", BIG, nullable=False),
        sa.Column("kind", _enum("fapiao_kind", "normal", "special"), nullable=False),
        *(sa.Column(name, sa.String(length), nullable=False) for name, length in texts),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column(
            "state",
            _enum(
                "fapiao_state", "requested", "issued", "red_requested", "red_issued", "rejected", "withdrawn"
            ),
            nullable=False,
        ),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("exported_at", WHEN, nullable=True),
        sa.Column("number", sa.String(40), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("file_id", BIG, nullable=True),
        sa.Column("red_since", WHEN, nullable=True),
        sa.Column("red_number", sa.String(40), nullable=True),
        sa.Column("red_on", sa.Date(), nullable=True),
        sa.Column("red_file_id", BIG, nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_fapiao_positive")),
        sa.CheckConstraint(
            "(number IS NULL) = (issued_on IS NULL)", name=op.f("ck_fapiao_numbered_when_issued")
        ),
        sa.CheckConstraint(
            "(red_number IS NULL) = (red_on IS NULL)", name=op.f("ck_fapiao_red_numbered_when_issued")
        ),
        _to("fapiao", "party_id", "party"),
        _to("fapiao", "by_id", "person"),
        _to("fapiao", "file_id", "stored_file"),
        _to("fapiao", "red_file_id", "stored_file"),
        *_keys("fapiao", "uid", "number", "red_number"),
    )
    _index("fapiao", "party_id", "state")
    op.create_table(
        "fapiao_part",
        sa.Column("id", BIG, nullable=False),
        sa.Column("fapiao_id", BIG, nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_fapiao_part_positive")),
        _to("fapiao_part", "fapiao_id", "fapiao"),
        _to("fapiao_part", "invoice_id", "invoice"),
        sa.UniqueConstraint("fapiao_id", "invoice_id", name=op.f("uq_fapiao_part_fapiao_id_invoice_id")),
        *_keys("fapiao_part"),
    )
    _index("fapiao_part", "fapiao_id", "invoice_id")


def _notices() -> None:
    op.create_table(
        "dunning_notice",
        sa.Column("id", BIG, nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("step", sa.String(40), nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("reached_on", sa.Date(), nullable=False),
        sa.Column("words_on", sa.Date(), nullable=True),
        sa.Column("balance", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", WHEN, nullable=True),
        sa.Column(
            "state", _enum("notice_state", "waiting", "sent", "dropped", "skipped", "quiet"), nullable=False
        ),
        _to("dunning_notice", "invoice_id", "invoice"),
        sa.UniqueConstraint("invoice_id", "step", name=op.f("uq_dunning_notice_invoice_id_step")),
        *_keys("dunning_notice"),
    )
    _index("dunning_notice", "invoice_id", "state")
    op.create_table(
        "dunning_decision",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("notice_id", BIG, nullable=False),
        sa.Column("state", _enum("decision_state", "proposed", "confirmed", "declined"), nullable=False),
        sa.Column("by_id", BIG, nullable=True),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("decided_at", WHEN, nullable=True),
        sa.CheckConstraint(
            "state = 'proposed' OR by_id IS NOT NULL", name=op.f("ck_dunning_decision_decided_by_somebody")
        ),
        _to("dunning_decision", "notice_id", "dunning_notice"),
        _to("dunning_decision", "by_id", "person"),
        *_keys("dunning_decision", "uid", "notice_id"),
    )
    _index("dunning_decision", "state")


def _holds() -> None:
    op.create_table(
        "dunning_hold",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("kind", _enum("hold_kind", "dispute", "promise", "other"), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("lifted_at", WHEN, nullable=True),
        sa.Column("lifted_by_id", BIG, nullable=True),
        sa.CheckConstraint(
            "kind <> 'promise' OR until IS NOT NULL", name=op.f("ck_dunning_hold_promise_has_a_day")
        ),
        _to("dunning_hold", "invoice_id", "invoice"),
        _to("dunning_hold", "by_id", "person"),
        _to("dunning_hold", "lifted_by_id", "person"),
        *_keys("dunning_hold", "uid"),
    )
    _index("dunning_hold", "invoice_id")
    live = sa.text("lifted_at IS NULL")
    op.create_index(
        "uq_dunning_hold_open",
        "dunning_hold",
        ["invoice_id"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )


def _orders() -> None:
    op.create_table(
        "purchase_order",
        sa.Column("id", BIG, nullable=False),
        sa.Column("party_id", BIG, nullable=False),
        sa.Column("number", sa.String(60), nullable=False),
        sa.Column("invoice_id", BIG, nullable=True),
        sa.Column("by_id", BIG, nullable=True),
        sa.Column("at_issue", sa.Boolean(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        _to("purchase_order", "party_id", "party"),
        _to("purchase_order", "invoice_id", "invoice"),
        _to("purchase_order", "by_id", "person"),
        *_keys("purchase_order"),
    )
    _index("purchase_order", "party_id", "invoice_id")


def _freeze() -> None:
    lite = op.get_bind().dialect.name == "sqlite"
    for table in ROWS:
        if lite:
            for verb in ("UPDATE", "DELETE"):
                op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {STOP}")
        else:
            op.execute(f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {RUN}")
    differs = "IS NOT" if lite else "IS DISTINCT FROM"
    for table, columns in (("fapiao", ASKED), ("dunning_notice", STEP)):
        changed = " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in columns)
        if lite:
            op.execute(f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table} {STOP}")
            op.execute(f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} WHEN {changed} {STOP}")
        else:
            op.execute(f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table} FOR EACH ROW {RUN}")
            op.execute(
                f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} FOR EACH ROW "
                f"WHEN ({changed}) {RUN}"
            )


def _freeze_recorded() -> None:
    """The number, day and file of a fapiao stay once they are recorded."""
    lite = op.get_bind().dialect.name == "sqlite"
    differs = "IS NOT" if lite else "IS DISTINCT FROM"
    changed = " OR ".join(
        f"(OLD.{name} IS NOT NULL AND OLD.{name} {differs} NEW.{name})"
        for name in ("number", "issued_on", "file_id", "red_number", "red_on", "red_file_id")
    )
    if lite:
        op.execute(f"CREATE TRIGGER fapiao_frozen_record BEFORE UPDATE ON fapiao WHEN {changed} {STOP}")
    else:
        op.execute(
            f"CREATE TRIGGER fapiao_frozen_record BEFORE UPDATE ON fapiao FOR EACH ROW WHEN ({changed}) {RUN}"
        )


def upgrade() -> None:
    _fapiao()
    _notices()
    _holds()
    _orders()
    _freeze()
    _freeze_recorded()


def downgrade() -> None:
    for table in (
        "purchase_order",
        "dunning_hold",
        "dunning_decision",
        "dunning_notice",
        "fapiao_part",
        "fapiao",
    ):
        op.drop_table(table)
