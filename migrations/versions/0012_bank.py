"""Bank statements: books of accounts, files, lines with fingerprints, payers' accounts, money outside the portal."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
FROZEN = ("bank_book", "statement_file", "outside_move")
FACTS = (
    "uid", "file_id", "account", "fingerprint", "booked_on", "value_on", "amount", "payer", "payer_account", "text",
    "bank_ref", "receipt_id",
)  # fmt: skip
REASONS = ("own_transfer", "interest", "charges", "rent", "salary", "payout", "other")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _fk(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def _files() -> None:
    op.create_table(
        "bank_book",
        sa.Column("id", BIG, nullable=False),
        sa.Column("account", sa.String(40), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_book")),
        sa.UniqueConstraint("account", name=op.f("uq_bank_book_account")),
    )
    op.create_table(
        "statement_file",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("account", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("form", sa.String(10), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("closing", sa.BigInteger(), nullable=False),
        sa.Column("told", BIG, nullable=False),
        sa.Column("fresh", BIG, nullable=False),
        sa.Column("by_name", sa.String(120), nullable=False),
        sa.Column("stored_id", BIG, nullable=False),
        sa.Column("at", WHEN, nullable=False),
        _fk("statement_file", "stored_id", "stored_file"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement_file")),
        sa.UniqueConstraint("uid", name=op.f("uq_statement_file_uid")),
        sa.UniqueConstraint("sha256", name=op.f("uq_statement_file_sha256")),
    )
    op.create_index(op.f("ix_statement_file_account"), "statement_file", ["account"])


def _lines() -> None:
    op.create_table(
        "bank_line",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("file_id", BIG, nullable=False),
        sa.Column("account", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.String(200), nullable=False),
        sa.Column("payer_account", sa.String(64), nullable=False),
        sa.Column("text", sa.String(1000), nullable=False),
        sa.Column("bank_ref", sa.String(100), nullable=False),
        sa.Column("state", _choice("line_state", "new", "suggested", "matched", "outside"), nullable=False),
        sa.Column("step", BIG, nullable=False),
        sa.Column("receipt_id", BIG, nullable=True),
        sa.Column("refund_id", BIG, nullable=True),
        sa.Column("ended_refund", sa.Boolean(), nullable=False),
        sa.Column("cleared_by", sa.String(120), nullable=False),
        sa.Column("cleared_at", WHEN, nullable=True),
        _fk("bank_line", "file_id", "statement_file"),
        _fk("bank_line", "receipt_id", "receipt"),
        _fk("bank_line", "refund_id", "refund"),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_bank_line_moves")),
        sa.CheckConstraint(
            "(amount > 0) = (receipt_id IS NOT NULL)", name=op.f("ck_bank_line_receipt_at_once")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_line")),
        sa.UniqueConstraint("uid", name=op.f("uq_bank_line_uid")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_bank_line_fingerprint")),
        sa.UniqueConstraint("receipt_id", name=op.f("uq_bank_line_receipt_id")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_bank_line_refund_id")),
    )
    op.create_index(op.f("ix_bank_line_file_id"), "bank_line", ["file_id"])
    op.create_index(op.f("ix_bank_line_state"), "bank_line", ["state"])
    op.create_index("ix_bank_line_account_booked_on", "bank_line", ["account", "booked_on", "id"])


def _clearing() -> None:
    op.create_table(
        "payer_account",
        sa.Column("id", BIG, nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("party_id", BIG, nullable=False),
        sa.Column("line_id", BIG, nullable=False),
        _fk("payer_account", "party_id", "party"),
        _fk("payer_account", "line_id", "bank_line"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payer_account")),
        sa.UniqueConstraint("account", "party_id", name=op.f("uq_payer_account_account_party_id")),
        sa.UniqueConstraint("line_id", name=op.f("uq_payer_account_line_id")),
    )
    op.create_table(
        "outside_move",
        sa.Column("id", BIG, nullable=False),
        sa.Column("line_id", BIG, nullable=False),
        sa.Column("receipt_id", BIG, nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", _choice("outside_reason", *REASONS), nullable=False),
        sa.Column("note", sa.String(300), nullable=False),
        sa.Column("by_name", sa.String(120), nullable=False),
        sa.Column("payout", sa.String(80), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        _fk("outside_move", "line_id", "bank_line"),
        _fk("outside_move", "receipt_id", "receipt"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_move")),
    )
    for column in ("line_id", "receipt_id", "payout"):
        op.create_index(op.f(f"ix_outside_move_{column}"), "outside_move", [column])


def _freeze(postgres: bool) -> None:
    stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
    run = "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    changed = " OR ".join(
        f"OLD.{one} {'IS DISTINCT FROM' if postgres else 'IS NOT'} NEW.{one}" for one in FACTS
    )
    for table in FROZEN:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {run if postgres else stop}"
            )
    op.execute(
        f"CREATE TRIGGER bank_line_frozen_delete BEFORE DELETE ON bank_line {run if postgres else stop}"
    )
    if postgres:
        op.execute(
            f"CREATE TRIGGER bank_line_frozen_update BEFORE UPDATE ON bank_line FOR EACH ROW WHEN ({changed}) "
            "EXECUTE FUNCTION refuse_change()"
        )
    else:
        op.execute(
            f"CREATE TRIGGER bank_line_frozen_update BEFORE UPDATE ON bank_line WHEN ({changed}) {stop}"
        )


def upgrade() -> None:
    _files()
    _lines()
    _clearing()
    _freeze(op.get_bind().dialect.name != "sqlite")


def downgrade() -> None:
    for table in ("outside_move", "payer_account", "bank_line", "statement_file", "bank_book"):
        op.drop_table(table)
