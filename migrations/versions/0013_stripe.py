"""What was taken back, disputes, payouts with fees, cards kept on file, and events with their errors."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
FROZEN = ("reversal", "payout_line")
TROUBLES = ("misfit", "currency", "dispute", "refunded_outside")
MORE = ("mode", "account", "payout", "short")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _key(table: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("uid", name=op.f(f"uq_{table}_uid")),
    ]


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def _reversal() -> None:
    op.create_table(
        "reversal",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("kind", _choice("reversal_kind", "bank_return", "chargeback"), nullable=False),
        sa.Column("receipt_id", BIG, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.String(120), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_reversal_positive")),
        _to("reversal", "receipt_id", "receipt"),
        *_key("reversal"),
        sa.UniqueConstraint("key", name=op.f("uq_reversal_key")),
    )
    op.create_index(op.f("ix_reversal_receipt_id"), "reversal", ["receipt_id"])


def _dispute() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("dispute_id", sa.String(120), nullable=False),
        sa.Column("receipt_id", BIG, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(60), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column(
            "state", _choice("dispute_state", "inquiry", "open", "won", "lost", "closed"), nullable=False
        ),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("answer_by", WHEN, nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        _to("dispute", "receipt_id", "receipt"),
        *_key("dispute"),
        sa.UniqueConstraint("dispute_id", name=op.f("uq_dispute_dispute_id")),
    )
    op.create_index(op.f("ix_dispute_receipt_id"), "dispute", ["receipt_id"])


def _payout() -> None:
    op.create_table(
        "payout",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("payout_id", sa.String(120), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("arrives_on", sa.Date(), nullable=False),
        sa.Column("state", _choice("payout_state", "paid", "failed"), nullable=False),
        sa.Column("booked_at", WHEN, nullable=False),
        *_key("payout"),
        sa.UniqueConstraint("provider", "payout_id", name=op.f("uq_payout_provider_payout_id")),
    )
    op.create_table(
        "payout_line",
        sa.Column("id", BIG, nullable=False),
        sa.Column("payout_id", BIG, nullable=False),
        sa.Column("txn_id", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("receipt_id", BIG, nullable=True),
        _to("payout_line", "payout_id", "payout"),
        _to("payout_line", "receipt_id", "receipt"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_line")),
        sa.UniqueConstraint("payout_id", "txn_id", name=op.f("uq_payout_line_payout_id_txn_id")),
    )
    op.create_index(op.f("ix_payout_line_payout_id"), "payout_line", ["payout_id"])


def _card() -> None:
    op.create_table(
        "saved_card",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("party_id", BIG, nullable=False),
        sa.Column("customer", sa.String(120), nullable=False),
        sa.Column("method", sa.String(120), nullable=False),
        sa.Column("words", sa.String(80), nullable=False),
        sa.Column("saved_at", WHEN, nullable=False),
        sa.Column("removed_at", WHEN, nullable=True),
        sa.Column("removed_by_id", BIG, nullable=True),
        _to("saved_card", "party_id", "party"),
        _to("saved_card", "removed_by_id", "person"),
        *_key("saved_card"),
    )
    op.create_index(op.f("ix_saved_card_party_id"), "saved_card", ["party_id"])
    kept = sa.text("removed_at IS NULL")
    op.create_index(
        "uq_saved_card_kept",
        "saved_card",
        ["party_id"],
        unique=True,
        sqlite_where=kept,
        postgresql_where=kept,
    )


def _more_columns() -> None:
    with op.batch_alter_table("gateway_event") as batch:
        batch.add_column(sa.Column("error", sa.String(500), nullable=False, server_default=""))
        batch.add_column(sa.Column("tries", BIG, nullable=False, server_default="0"))
        batch.add_column(sa.Column("replays", BIG, nullable=False, server_default="0"))
    with op.batch_alter_table("checkout_attempt") as batch:
        batch.add_column(sa.Column("keep_card", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("card_id", BIG, nullable=True))
        batch.add_column(sa.Column("auto_key", sa.String(80), nullable=True))
        batch.create_unique_constraint(op.f("uq_checkout_attempt_auto_key"), ["auto_key"])
        batch.add_column(sa.Column("why", sa.String(200), nullable=False, server_default=""))
        batch.create_foreign_key(
            op.f("fk_checkout_attempt_card_id_saved_card"), "saved_card", ["card_id"], ["id"]
        )


def _troubles(*values: str) -> None:
    """Let alerts be of these kinds: the list stands in a check of the column."""
    listed = ", ".join(f"'{value}'" for value in values)
    with op.batch_alter_table("payment_alert") as batch:
        batch.drop_constraint(op.f("ck_payment_alert_trouble"), type_="check")
        batch.create_check_constraint(op.f("ck_payment_alert_trouble"), f"trouble IN ({listed})")


def _freeze() -> None:
    stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
    for table in FROZEN:
        if op.get_bind().dialect.name == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")
        else:
            op.execute(
                f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
                "EXECUTE FUNCTION refuse_change()"
            )


def upgrade() -> None:
    _reversal()
    _dispute()
    _payout()
    _card()
    _more_columns()
    _troubles(*TROUBLES, *MORE)
    _freeze()


def downgrade() -> None:
    op.execute("DELETE FROM payment_alert WHERE trouble IN ('mode', 'account', 'payout', 'short')")
    _troubles(*TROUBLES)
    with op.batch_alter_table("checkout_attempt") as batch:
        batch.drop_constraint(op.f("fk_checkout_attempt_card_id_saved_card"), type_="foreignkey")
        batch.drop_constraint(op.f("uq_checkout_attempt_auto_key"), type_="unique")
        for name in ("why", "auto_key", "card_id", "keep_card"):
            batch.drop_column(name)
    with op.batch_alter_table("gateway_event") as batch:
        for name in ("replays", "tries", "error"):
            batch.drop_column(name)
    for table in ("saved_card", "payout_line", "payout", "dispute", "reversal"):
        op.drop_table(table)
