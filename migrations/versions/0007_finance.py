"""Refunds with payee and outcome, voiding and waivers with two eyes, alerts about payments, frozen parties."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)


def _person(table: str, *columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([name], ["person.id"], name=op.f(f"fk_{table}_{name}_person"))
        for name in columns
    ]


def _refund() -> None:
    with op.batch_alter_table("refund") as batch:
        for name, length in (("payee", 200), ("payee_bank", 120), ("payee_account", 60)):
            batch.add_column(sa.Column(name, sa.String(length), nullable=False, server_default=""))
        batch.add_column(sa.Column("sent_by_id", BIG, nullable=True))
        batch.add_column(sa.Column("sent_at", WHEN, nullable=True))
        batch.add_column(sa.Column("outcome_ref", sa.String(160), nullable=False, server_default=""))
        batch.add_column(sa.Column("failure", sa.String(300), nullable=False, server_default=""))
        batch.create_foreign_key(op.f("fk_refund_sent_by_id_person"), "person", ["sent_by_id"], ["id"])
        batch.create_check_constraint(
            op.f("ck_refund_two_hands"), "sent_by_id IS NULL OR sent_by_id <> by_id"
        )
    with op.batch_alter_table("checkout_attempt") as batch:
        batch.add_column(sa.Column("receipt_id", BIG, nullable=True))
        batch.create_foreign_key(
            op.f("fk_checkout_attempt_receipt_id_receipt"), "receipt", ["receipt_id"], ["id"]
        )


def _practice_refund() -> None:
    op.create_table(
        "test_refund",
        sa.Column("id", BIG, nullable=False),
        sa.Column("refund_id", sa.String(80), nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("refund_uid", sa.String(32), nullable=False),
        sa.Column("payment", sa.String(80), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_refund")),
        sa.UniqueConstraint("key", name=op.f("uq_test_refund_key")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_test_refund_refund_id")),
    )
    op.create_index(op.f("ix_test_refund_payment"), "test_refund", ["payment"])


def _alert() -> None:
    troubles = sa.Enum(
        "misfit", "currency", "dispute", "refunded_outside",
        name="trouble", native_enum=False, create_constraint=True, length=32,
    )  # fmt: skip
    op.create_table(
        "payment_alert",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("trouble", troubles, nullable=False),
        sa.Column("detail", sa.String(300), nullable=False),
        sa.Column("invoice_id", BIG, nullable=True),
        sa.Column("receipt_id", BIG, nullable=True),
        sa.Column("closed_by_id", BIG, nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.Column("note", sa.String(300), nullable=False),
        *_person("payment_alert", "closed_by_id"),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_payment_alert_invoice_id_invoice")
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipt.id"], name=op.f("fk_payment_alert_receipt_id_receipt")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_alert")),
        sa.UniqueConstraint("key", name=op.f("uq_payment_alert_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_payment_alert_uid")),
    )


def _voiding() -> None:
    states = sa.Enum(
        "proposed", "confirmed", "declined",
        name="voiding_state", native_enum=False, create_constraint=True, length=32,
    )  # fmt: skip
    op.create_table(
        "voiding",
        sa.Column("id", BIG, nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column("state", states, nullable=False),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.CheckConstraint("second_id IS NULL OR second_id <> by_id", name=op.f("ck_voiding_two_eyes")),
        sa.CheckConstraint(
            "state = 'proposed' OR second_id IS NOT NULL", name=op.f("ck_voiding_confirmed_by_somebody")
        ),
        *_person("voiding", "by_id", "second_id"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_voiding_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voiding")),
    )
    op.create_index(op.f("ix_voiding_invoice_id"), "voiding", ["invoice_id"])
    waiting = sa.text("state = 'proposed'")
    op.create_index(
        "uq_voiding_open",
        "voiding",
        ["invoice_id"],
        unique=True,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )


def _waiver() -> None:
    op.create_table(
        "waiver",
        sa.Column("id", BIG, nullable=False),
        sa.Column("application_id", BIG, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("second_id IS NULL OR second_id <> by_id", name=op.f("ck_waiver_two_eyes")),
        *_person("waiver", "by_id", "second_id"),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_waiver_application_id_application")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiver")),
        sa.UniqueConstraint("application_id", name=op.f("uq_waiver_application_id")),
    )


def _frozen_parties() -> None:
    """What an invoice says of seller and buyer stays, whatever their profiles say later."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER invoice_frozen_parties BEFORE UPDATE ON invoice WHEN OLD.number IS NOT NULL "
            "AND (OLD.buyer IS NOT NEW.buyer OR OLD.seller IS NOT NEW.seller) "
            "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
        )
    else:
        op.execute(
            "CREATE TRIGGER invoice_frozen_parties BEFORE UPDATE ON invoice FOR EACH ROW "
            "WHEN (OLD.number IS NOT NULL AND (OLD.buyer::text IS DISTINCT FROM NEW.buyer::text "
            "OR OLD.seller::text IS DISTINCT FROM NEW.seller::text)) EXECUTE FUNCTION refuse_change()"
        )


def upgrade() -> None:
    _refund()
    _practice_refund()
    _alert()
    _voiding()
    _waiver()
    _frozen_parties()


def downgrade() -> None:
    postgres = op.get_bind().dialect.name != "sqlite"
    op.execute("DROP TRIGGER invoice_frozen_parties" + (" ON invoice" if postgres else ""))
    for table in ("waiver", "voiding", "payment_alert", "test_refund"):
        op.drop_table(table)
    with op.batch_alter_table("checkout_attempt") as batch:
        batch.drop_constraint(op.f("fk_checkout_attempt_receipt_id_receipt"), type_="foreignkey")
        batch.drop_column("receipt_id")
    with op.batch_alter_table("refund") as batch:
        batch.drop_constraint(op.f("ck_refund_two_hands"), type_="check")
        batch.drop_constraint(op.f("fk_refund_sent_by_id_person"), type_="foreignkey")
        for name in (
            "failure",
            "outcome_ref",
            "sent_at",
            "sent_by_id",
            "payee_account",
            "payee_bank",
            "payee",
        ):
            batch.drop_column(name)
