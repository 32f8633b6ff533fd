"""Changes of tier: the preview as it was shown, its lines by term, frozen; what becomes of them moves."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
QUOTE, LINE = "tier_quote", "tier_line"
FIXED = {
    QUOTE: (
        "uid", "number", "application_id", "term_id", "price_id", "old_tier", "new_tier", "kind",
        "takes_effect", "effective_on", "expires_on", "fingerprint", "inputs", "seats", "benefits", "yearly", "gross",
        "net", "tax", "by_name", "created_at",
    ),
    LINE: (
        "quote_id", "n", "role", "words", "discount_words", "list_amount", "discount", "gross", "net", "tax",
        "tax_category", "tax_bp", "starts", "ends", "old_term_id", "old_line_id",
    ),
}  # fmt: skip
JSONS = {"inputs", "seats", "benefits", "words", "discount_words"}
STOP = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
RUN = "EXECUTE FUNCTION refuse_change()"
KINDS = (
    "new", "renewal", "upgrade", "downgrade", "reclass", "reinstatement", "complimentary", "lifetime", "imported",
)  # fmt: skip
STATES = ("shown", "offered", "confirmed", "done", "superseded", "late", "dropped")
ROLES = ("item", "credit", "charge", "undo", "restore")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _keys(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([name], [f"{other}.id"], name=op.f(f"fk_{table}_{name}_{other}"))
        for name, other in columns.items()
    ]


def _money(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _quotes() -> None:
    op.create_table(
        QUOTE,
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("application_id", BIG, nullable=False),
        sa.Column("membership_id", BIG, nullable=False),
        sa.Column("term_id", BIG, nullable=False),
        sa.Column("price_id", BIG, nullable=False),
        sa.Column("old_tier", sa.String(length=40), nullable=False),
        sa.Column("new_tier", sa.String(length=40), nullable=False),
        sa.Column("kind", _choice("term_kind", *KINDS), nullable=False),
        sa.Column("takes_effect", _choice("when", "now", "next"), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("seats", sa.JSON(), nullable=False),
        sa.Column("benefits", sa.JSON(), nullable=False),
        *_money("yearly", "gross", "net", "tax"),
        sa.Column("by_name", sa.String(length=120), nullable=False),
        sa.Column("state", _choice("tier_quote_state", *STATES), nullable=False),
        sa.Column("invoice_id", BIG, nullable=True),
        sa.Column("credit_note_number", sa.String(length=20), nullable=False),
        sa.Column("confirmed_at", WHEN, nullable=True),
        sa.Column("confirmed_by", sa.String(length=120), nullable=False),
        sa.Column("done_at", WHEN, nullable=True),
        sa.Column("replaced_by", sa.String(length=32), nullable=False),
        sa.Column("pdf_id", BIG, nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.CheckConstraint("gross = net + tax", name=op.f("ck_tier_quote_adds_up")),
        *_keys(
            QUOTE, application_id="application", membership_id="membership", term_id="term", price_id="price",
            invoice_id="invoice", pdf_id="stored_file",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tier_quote")),
        sa.UniqueConstraint("number", name=op.f("uq_tier_quote_number")),
        sa.UniqueConstraint("uid", name=op.f("uq_tier_quote_uid")),
    )  # fmt: skip
    for name in ("application_id", "membership_id", "term_id", "price_id", "state", "invoice_id"):
        op.create_index(op.f(f"ix_tier_quote_{name}"), QUOTE, [name], unique=False)
    live = sa.text("state IN ('shown', 'offered')")
    op.create_index(
        "uq_tier_quote_live", QUOTE, ["application_id"], unique=True, sqlite_where=live, postgresql_where=live
    )


def _lines() -> None:
    op.create_table(
        LINE,
        sa.Column("id", BIG, nullable=False),
        sa.Column("quote_id", BIG, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("role", _choice("line_role", *ROLES), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("discount_words", sa.JSON(), nullable=False),
        *_money("list_amount", "discount", "gross", "net", "tax"),
        sa.Column("tax_category", sa.String(length=40), nullable=False),
        sa.Column("tax_bp", BIG, nullable=True),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.Column("old_term_id", BIG, nullable=False),
        *(sa.Column(f"{name}_id", BIG, nullable=True) for name in ("old_line", "new_line", "new_term", "restored")),
        sa.CheckConstraint("gross = net + tax", name=op.f("ck_tier_line_adds_up")),
        sa.CheckConstraint("list_amount = gross + discount", name=op.f("ck_tier_line_discounted")),
        *_keys(
            LINE, quote_id=QUOTE, old_term_id="term", old_line_id="order_line", new_line_id="order_line",
            new_term_id="term", restored_id="order_line",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tier_line")),
        sa.UniqueConstraint("quote_id", "n", name=op.f("uq_tier_line_quote_id_n")),
        sa.UniqueConstraint("new_term_id", name=op.f("uq_tier_line_new_term_id")),
    )  # fmt: skip
    for name in ("quote_id", "old_term_id"):
        op.create_index(op.f(f"ix_tier_line_{name}"), LINE, [name], unique=False)


def _freeze() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    differ, end = ("IS NOT", STOP) if sqlite else ("IS DISTINCT FROM", RUN)
    for table, columns in FIXED.items():
        names = [name if sqlite or name not in JSONS else f"{name}::text" for name in columns]
        changed = " OR ".join(f"OLD.{name} {differ} NEW.{name}" for name in names)
        row = "" if sqlite else " FOR EACH ROW"
        op.execute(f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table}{row} {end}")
        op.execute(
            f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table}{row} WHEN ({changed}) {end}"
        )


def upgrade() -> None:
    _quotes()
    _lines()
    _freeze()


def downgrade() -> None:
    op.drop_table(LINE)
    op.drop_table(QUOTE)
