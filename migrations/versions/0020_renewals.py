"""Renewals: offers, the ledger of the ladder, pauses, late money, credit terms and extensions."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
FROZEN = ("renewal_reminder", "payment_extension")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _kept(table: str, **references: str) -> list[sa.Constraint]:
    """Return the primary key and the references of a table: column to table."""
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(
            sa.ForeignKeyConstraint([name], [f"{to}.id"], name=op.f(f"fk_{table}_{name}_{to}"))
            for name, to in references.items()
        ),
    ]


def _indexes(table: str, *columns: str) -> None:
    for name in columns:
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name])


KINDS = (
    "new", "renewal", "upgrade", "downgrade", "reclass", "reinstatement", "complimentary", "lifetime", "imported",
)  # fmt: skip


def _offer() -> None:
    op.create_table(
        "renewal_offer",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("membership_id", BIG, nullable=False),
        sa.Column("term_id", BIG, nullable=False),
        sa.Column("kind", _choice("term_kind", *KINDS), nullable=False),
        sa.Column("tier", sa.String(40), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("anchor", sa.Date(), nullable=False),
        sa.Column("k", BIG, nullable=False),
        sa.Column("price_id", BIG, nullable=False),
        sa.Column("period_price", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("by_name", sa.String(120), nullable=False),
        sa.Column("state", _choice("offer_state", "open", "renewed", "lapsed", "withdrawn"), nullable=False),
        sa.Column("invoice_id", BIG, nullable=True),
        sa.Column("invoiced_on", sa.Date(), nullable=True),
        sa.Column("confirmed_at", WHEN, nullable=True),
        sa.Column("confirmed_by_id", BIG, nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("close_reason", sa.String(300), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.CheckConstraint('"end" > start', name=op.f("ck_renewal_offer_lasts")),
        sa.UniqueConstraint("uid", name=op.f("uq_renewal_offer_uid")),
        *_kept(
            "renewal_offer",
            membership_id="membership",
            term_id="term",
            invoice_id="invoice",
            confirmed_by_id="person",
        ),
    )
    _indexes("renewal_offer", "membership_id", "term_id", "state", "invoice_id")
    op.create_index(
        "uq_renewal_offer_open", "renewal_offer", ["term_id"], unique=True,
        sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"),
    )  # fmt: skip


def _reminder() -> None:
    op.create_table(
        "renewal_reminder",
        sa.Column("id", BIG, nullable=False),
        sa.Column("term_id", BIG, nullable=False),
        sa.Column("step", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("state", _choice("step_state", "sent", "skipped"), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("receivers", BIG, nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.UniqueConstraint(
            "term_id", "step", "channel", name=op.f("uq_renewal_reminder_term_id_step_channel")
        ),
        *_kept("renewal_reminder", term_id="term"),
    )
    _indexes("renewal_reminder", "term_id")


def _pause() -> None:
    op.create_table(
        "renewal_pause",
        sa.Column("id", BIG, nullable=False),
        sa.Column("membership_id", BIG, nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("lifted_at", WHEN, nullable=True),
        sa.Column("lifted_by_id", BIG, nullable=True),
        *_kept("renewal_pause", membership_id="membership", by_id="person", lifted_by_id="person"),
    )
    _indexes("renewal_pause", "membership_id")


def _late() -> None:
    states = ("review", "asked", "continuous", "fresh", "apply", "held", "settled")
    waits = "state IN ('review', 'asked', 'held')"
    op.create_table(
        "late_money",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("membership_id", BIG, nullable=False),
        sa.Column("offer_id", BIG, nullable=True),
        sa.Column("value_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", _choice("late_state", *states), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("decided_by", sa.String(120), nullable=False),
        sa.Column("reviewed_by_id", BIG, nullable=True),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.UniqueConstraint("uid", name=op.f("uq_late_money_uid")),
        *_kept("late_money", membership_id="membership", offer_id="renewal_offer", reviewed_by_id="person"),
    )
    _indexes("late_money", "membership_id", "offer_id", "state")
    op.create_index(
        "uq_late_money_waits", "late_money", ["membership_id"], unique=True,
        sqlite_where=sa.text(waits), postgresql_where=sa.text(waits),
    )  # fmt: skip


def _credit() -> None:
    op.create_table(
        "credit_terms",
        sa.Column("id", BIG, nullable=False),
        sa.Column("membership_id", BIG, nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column("end", sa.Date(), nullable=True),
        sa.Column("ended_by_id", BIG, nullable=True),
        sa.Column("at", WHEN, nullable=False),
        *_kept("credit_terms", membership_id="membership", by_id="person", ended_by_id="person"),
    )
    _indexes("credit_terms", "membership_id")
    op.create_table(
        "payment_extension",
        sa.Column("id", BIG, nullable=False),
        sa.Column("term_id", BIG, nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by_name", sa.String(120), nullable=False),
        sa.Column("recorded_at", WHEN, nullable=False),
        *_kept("payment_extension", term_id="term"),
    )
    _indexes("payment_extension", "term_id")


def _freeze() -> None:
    if op.get_bind().dialect.name != "sqlite":
        for table in FROZEN:
            op.execute(
                f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
                "EXECUTE FUNCTION refuse_change()"
            )
        return
    stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
    for table in FROZEN:
        for verb in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")


def upgrade() -> None:
    _offer()
    _reminder()
    _pause()
    _late()
    _credit()
    _freeze()
    op.create_index(op.f("ix_term_end"), "term", ["end"])


def downgrade() -> None:
    op.drop_index(op.f("ix_term_end"), "term")
    for table in (
        "payment_extension", "credit_terms", "late_money", "renewal_pause", "renewal_reminder", "renewal_offer",
    ):  # fmt: skip
        op.drop_table(table)
