"""Prices and tax rows in dated tables that freeze, discounts, subscriptions, instalments, quotes."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
TABLES = (
    "quote_line", "quote", "instalment_term", "subscription_period", "subscription", "redemption", "discount",
    "tax_row", "price", "product",
)  # fmt: skip
KIN = {
    "price": ("product_id", "audience_kind", "audience", "currency"),
    "tax_row": ("code",),
}
FIXED = {
    "price": (
        "uid", "product_id", "version", "audience_kind", "audience", "currency", "interval", "model", "terms", "tax",
        "inclusive", "document", "valid_from", "note", "by_id", "second_id", "published_at", "created_at",
    ),
    "tax_row": (
        "uid", "code", "version", "bp", "words", "valid_from", "by_id", "second_id", "published_at", "created_at",
    ),
    "quote_line": (
        "quote_id", "n", "role", "words", "quantity", "list_amount", "discount", "gross", "net", "tax", "tax_category",
        "tax_bp", "price_id", "starts", "ends", "old_line_id",
    ),
}  # fmt: skip
JSONS = {"terms", "words"}
FROZEN = ("redemption",)
STOP = "this row is on record and cannot change"
OVERLAP = "two published rows would hold on one day"
PUBLISHED = "('published', 'retired')"


def _tables() -> None:
    op.create_table(
        "product",
        sa.Column("id", BIG, nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("unit", sa.JSON(), nullable=False),
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("recognition", sa.String(length=20), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("code", name=op.f("uq_product_code")),
    )
    op.create_table(
        "discount",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "percent",
                "fixed",
                "waiver",
                name="discount_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("value", BIG, nullable=False),
        sa.Column("products", sa.JSON(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("most_uses", BIG, nullable=True),
        sa.Column(
            "audience_kind",
            sa.Enum(
                "public",
                "person",
                "category",
                "tier",
                name="audience_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("audience", sa.String(length=40), nullable=False),
        sa.Column("first_period_only", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "proposed",
                "active",
                "declined",
                "ended",
                name="discount_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.CheckConstraint("most_uses IS NULL OR most_uses > 0", name=op.f("ck_discount_uses")),
        sa.CheckConstraint("second_id IS NULL OR second_id <> by_id", name=op.f("ck_discount_two_eyes")),
        sa.CheckConstraint("value >= 0", name=op.f("ck_discount_value")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_discount_by_id_person")),
        sa.ForeignKeyConstraint(["second_id"], ["person.id"], name=op.f("fk_discount_second_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discount")),
        sa.UniqueConstraint("code", name=op.f("uq_discount_code")),
        sa.UniqueConstraint("uid", name=op.f("uq_discount_uid")),
    )
    op.create_index(op.f("ix_discount_state"), "discount", ["state"], unique=False)
    op.create_table(
        "price",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("product_id", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column(
            "audience_kind",
            sa.Enum(
                "public",
                "person",
                "category",
                "tier",
                name="audience_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("audience", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "interval",
            sa.Enum(
                "once",
                "month",
                "quarter",
                "year",
                name="interval",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "model",
            sa.Enum(
                "flat",
                "per_unit",
                "volume",
                "graduated",
                "band",
                "quoted",
                "share",
                name="price_model",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("tax", sa.String(length=40), nullable=False),
        sa.Column("inclusive", sa.Boolean(), nullable=False),
        sa.Column(
            "document",
            sa.Enum(
                "fapiao",
                "dues_receipt",
                "donation_receipt",
                name="document",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "proposed",
                "published",
                "retired",
                "dropped",
                name="price_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("by_id", BIG, nullable=True),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("published_at", WHEN, nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("edition", BIG, nullable=False),
        sa.CheckConstraint(
            "by_id IS NULL OR second_id IS NOT NULL OR state NOT IN ('published', 'retired')",
            name=op.f("ck_price_published_by_somebody"),
        ),
        sa.CheckConstraint("second_id IS NULL OR second_id <> by_id", name=op.f("ck_price_two_eyes")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_price_in_order")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_price_by_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_price_product_id_product")),
        sa.ForeignKeyConstraint(["second_id"], ["person.id"], name=op.f("fk_price_second_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price")),
        sa.UniqueConstraint("product_id", "version", name=op.f("uq_price_product_id_version")),
        sa.UniqueConstraint("uid", name=op.f("uq_price_uid")),
    )
    op.create_index(op.f("ix_price_product_id"), "price", ["product_id"], unique=False)
    op.create_index(op.f("ix_price_state"), "price", ["state"], unique=False)
    op.create_table(
        "tax_row",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("bp", BIG, nullable=True),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "proposed",
                "published",
                "retired",
                "dropped",
                name="price_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("by_id", BIG, nullable=True),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("published_at", WHEN, nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("edition", BIG, nullable=False),
        sa.CheckConstraint(
            "by_id IS NULL OR second_id IS NOT NULL OR state NOT IN ('published', 'retired')",
            name=op.f("ck_tax_row_published_by_somebody"),
        ),
        sa.CheckConstraint("bp IS NULL OR (bp >= 0 AND bp <= 10000)", name=op.f("ck_tax_row_rate")),
        sa.CheckConstraint("second_id IS NULL OR second_id <> by_id", name=op.f("ck_tax_row_two_eyes")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_tax_row_in_order")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_tax_row_by_id_person")),
        sa.ForeignKeyConstraint(["second_id"], ["person.id"], name=op.f("fk_tax_row_second_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_row")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_tax_row_code_version")),
        sa.UniqueConstraint("uid", name=op.f("uq_tax_row_uid")),
    )
    op.create_index(op.f("ix_tax_row_code"), "tax_row", ["code"], unique=False)
    op.create_index(op.f("ix_tax_row_state"), "tax_row", ["state"], unique=False)
    op.create_table(
        "subscription",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("party_id", BIG, nullable=False),
        sa.Column("price_id", BIG, nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.Column("anchor", sa.Date(), nullable=False),
        sa.Column("months", BIG, nullable=False),
        sa.Column(
            "renewal",
            sa.Enum("keep", "latest", name="renewal", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("lead_days", BIG, nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "active",
                "ending",
                "ended",
                name="subscription_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("next_price_id", BIG, nullable=True),
        sa.Column("next_quantity", BIG, nullable=True),
        sa.Column("discount_id", BIG, nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.CheckConstraint("months > 0", name=op.f("ck_subscription_lasts")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_subscription_something")),
        sa.ForeignKeyConstraint(
            ["discount_id"], ["discount.id"], name=op.f("fk_subscription_discount_id_discount")
        ),
        sa.ForeignKeyConstraint(
            ["next_price_id"], ["price.id"], name=op.f("fk_subscription_next_price_id_price")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_subscription_party_id_party")),
        sa.ForeignKeyConstraint(["price_id"], ["price.id"], name=op.f("fk_subscription_price_id_price")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("uid", name=op.f("uq_subscription_uid")),
    )
    op.create_index(op.f("ix_subscription_party_id"), "subscription", ["party_id"], unique=False)
    op.create_index(op.f("ix_subscription_price_id"), "subscription", ["price_id"], unique=False)
    op.create_index(op.f("ix_subscription_state"), "subscription", ["state"], unique=False)
    op.create_table(
        "instalment_term",
        sa.Column("id", BIG, nullable=False),
        sa.Column("instalment_id", BIG, nullable=False),
        sa.Column(
            "rule",
            sa.Enum(
                "issue",
                "date",
                "milestone",
                name="due_rule",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("milestone", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["instalment_id"], ["instalment.id"], name=op.f("fk_instalment_term_instalment_id_instalment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instalment_term")),
        sa.UniqueConstraint("instalment_id", name=op.f("uq_instalment_term_instalment_id")),
    )
    op.create_table(
        "redemption",
        sa.Column("id", BIG, nullable=False),
        sa.Column("discount_id", BIG, nullable=False),
        sa.Column("order_line_id", BIG, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_redemption_taken")),
        sa.ForeignKeyConstraint(
            ["discount_id"], ["discount.id"], name=op.f("fk_redemption_discount_id_discount")
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_redemption_order_line_id_order_line")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption")),
        sa.UniqueConstraint(
            "discount_id", "order_line_id", name=op.f("uq_redemption_discount_id_order_line_id")
        ),
    )
    op.create_index(op.f("ix_redemption_discount_id"), "redemption", ["discount_id"], unique=False)
    op.create_index(op.f("ix_redemption_order_line_id"), "redemption", ["order_line_id"], unique=False)
    op.create_table(
        "subscription_period",
        sa.Column("id", BIG, nullable=False),
        sa.Column("subscription_id", BIG, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("order_id", BIG, nullable=False),
        sa.Column("line_id", BIG, nullable=False),
        sa.Column("price_id", BIG, nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.Column("invoice_id", BIG, nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.CheckConstraint('start < "end"', name=op.f("ck_subscription_period_lasts")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_subscription_period_invoice_id_invoice")
        ),
        sa.ForeignKeyConstraint(
            ["line_id"], ["order_line.id"], name=op.f("fk_subscription_period_line_id_order_line")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["billing_order.id"], name=op.f("fk_subscription_period_order_id_billing_order")
        ),
        sa.ForeignKeyConstraint(
            ["price_id"], ["price.id"], name=op.f("fk_subscription_period_price_id_price")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
            name=op.f("fk_subscription_period_subscription_id_subscription"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_period")),
        sa.UniqueConstraint("line_id", name=op.f("uq_subscription_period_line_id")),
        sa.UniqueConstraint("order_id", name=op.f("uq_subscription_period_order_id")),
        sa.UniqueConstraint("subscription_id", "n", name=op.f("uq_subscription_period_subscription_id_n")),
    )
    op.create_index(
        op.f("ix_subscription_period_subscription_id"),
        "subscription_period",
        ["subscription_id"],
        unique=False,
    )
    op.create_table(
        "quote",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "sale", "change", name="quote_kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("party_id", BIG, nullable=False),
        sa.Column("price_id", BIG, nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("by_name", sa.String(length=120), nullable=False),
        sa.Column("by_id", BIG, nullable=True),
        sa.Column("subscription_id", BIG, nullable=True),
        sa.Column("period_id", BIG, nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "in_approval",
                "sent",
                "accepted",
                "declined",
                "expired",
                "withdrawn",
                "superseded",
                name="quote_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("invoice_id", BIG, nullable=True),
        sa.Column("credit_note_number", sa.String(length=20), nullable=False),
        sa.Column("accepted_at", WHEN, nullable=True),
        sa.Column("accepted_by", sa.String(length=120), nullable=False),
        sa.Column("replaced_by", sa.String(length=32), nullable=False),
        sa.Column("pdf_id", BIG, nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.CheckConstraint("gross = net + tax", name=op.f("ck_quote_adds_up")),
        sa.CheckConstraint("second_id IS NULL OR second_id <> by_id", name=op.f("ck_quote_two_eyes")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_quote_by_id_person")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_quote_invoice_id_invoice")),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_quote_party_id_party")),
        sa.ForeignKeyConstraint(["pdf_id"], ["stored_file.id"], name=op.f("fk_quote_pdf_id_stored_file")),
        sa.ForeignKeyConstraint(
            ["period_id"], ["subscription_period.id"], name=op.f("fk_quote_period_id_subscription_period")
        ),
        sa.ForeignKeyConstraint(["price_id"], ["price.id"], name=op.f("fk_quote_price_id_price")),
        sa.ForeignKeyConstraint(["second_id"], ["person.id"], name=op.f("fk_quote_second_id_person")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_quote_subscription_id_subscription")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote")),
        sa.UniqueConstraint("number", name=op.f("uq_quote_number")),
        sa.UniqueConstraint("uid", name=op.f("uq_quote_uid")),
    )
    op.create_index(op.f("ix_quote_party_id"), "quote", ["party_id"], unique=False)
    op.create_index(op.f("ix_quote_price_id"), "quote", ["price_id"], unique=False)
    op.create_index(op.f("ix_quote_state"), "quote", ["state"], unique=False)
    op.create_index(op.f("ix_quote_subscription_id"), "quote", ["subscription_id"], unique=False)
    op.create_table(
        "quote_line",
        sa.Column("id", BIG, nullable=False),
        sa.Column("quote_id", BIG, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "item",
                "credit",
                "charge",
                "undo",
                "restore",
                name="line_role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.Column("list_amount", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("tax_category", sa.String(length=40), nullable=False),
        sa.Column("tax_bp", BIG, nullable=True),
        sa.Column("price_id", BIG, nullable=False),
        sa.Column("discount_words", sa.JSON(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=True),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("old_line_id", BIG, nullable=True),
        sa.Column("new_line_id", BIG, nullable=True),
        sa.CheckConstraint("gross = net + tax", name=op.f("ck_quote_line_adds_up")),
        sa.CheckConstraint("list_amount = gross + discount", name=op.f("ck_quote_line_discounted")),
        sa.ForeignKeyConstraint(
            ["new_line_id"], ["order_line.id"], name=op.f("fk_quote_line_new_line_id_order_line")
        ),
        sa.ForeignKeyConstraint(
            ["old_line_id"], ["order_line.id"], name=op.f("fk_quote_line_old_line_id_order_line")
        ),
        sa.ForeignKeyConstraint(["price_id"], ["price.id"], name=op.f("fk_quote_line_price_id_price")),
        sa.ForeignKeyConstraint(["quote_id"], ["quote.id"], name=op.f("fk_quote_line_quote_id_quote")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote_line")),
        sa.UniqueConstraint("quote_id", "n", name=op.f("uq_quote_line_quote_id_n")),
    )
    op.create_index(op.f("ix_quote_line_quote_id"), "quote_line", ["quote_id"], unique=False)


def _differs(table: str, postgres: bool) -> str:
    told = "IS DISTINCT FROM" if postgres else "IS NOT"
    names = ((f"{name}::text" if postgres and name in JSONS else name) for name in FIXED[table])
    return " OR ".join(f"OLD.{name} {told} NEW.{name}" for name in names)


def _clash(table: str) -> str:
    """Say that another published row of the same kin holds on a day of the new one."""
    same = " AND ".join(f"o.{name} = NEW.{name}" for name in KIN[table])
    return (
        f"EXISTS (SELECT 1 FROM {table} o WHERE o.id <> NEW.id AND {same} AND o.state IN {PUBLISHED} "
        "AND (o.valid_to IS NULL OR o.valid_to > NEW.valid_from) "
        "AND (NEW.valid_to IS NULL OR NEW.valid_to > o.valid_from))"
    )


def _sqlite() -> None:
    stop = f"BEGIN SELECT RAISE(ABORT, '{STOP}'); END"
    for table in FIXED:
        when = f"OLD.state IN {PUBLISHED} AND " if table in KIN else ""
        op.execute(
            f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} "
            f"WHEN {when}({_differs(table, postgres=False)}) {stop}"
        )
        gone = f"WHEN OLD.state IN {PUBLISHED} " if table in KIN else ""
        op.execute(f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table} {gone}{stop}")
    for table in KIN:
        back = f"OLD.state IN {PUBLISHED} AND NEW.state NOT IN {PUBLISHED}"
        op.execute(f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} WHEN {back} {stop}")
        clash = f"BEGIN SELECT RAISE(ABORT, '{OVERLAP}') WHERE {_clash(table)}; END"
        for verb in ("INSERT", "UPDATE"):
            op.execute(
                f"CREATE TRIGGER {table}_overlap_{verb.lower()} BEFORE {verb} ON {table} "
                f"WHEN NEW.state IN {PUBLISHED} {clash}"
            )
    for table in FROZEN:
        for verb in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")


def _postgresql() -> None:
    run = "EXECUTE FUNCTION refuse_change()"
    for table in FIXED:
        when = f"OLD.state IN {PUBLISHED} AND " if table in KIN else ""
        op.execute(
            f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN ({when}({_differs(table, postgres=True)})) {run}"
        )
        gone = f"WHEN (OLD.state IN {PUBLISHED}) " if table in KIN else ""
        op.execute(f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table} FOR EACH ROW {gone}{run}")
    for table in KIN:
        back = f"OLD.state IN {PUBLISHED} AND NEW.state NOT IN {PUBLISHED}"
        op.execute(f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({back}) {run}")
        op.execute(
            f"CREATE FUNCTION {table}_overlaps() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF {_clash(table)} THEN RAISE EXCEPTION '{OVERLAP}'; END IF; RETURN NEW; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_overlap BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW "
            f"WHEN (NEW.state IN {PUBLISHED}) EXECUTE FUNCTION {table}_overlaps()"
        )
    for table in FROZEN:
        op.execute(f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}")


def _rows(kind: str) -> list:
    entry = sa.table(
        "catalogue_entry", *(sa.column(name) for name in ("id", "kind", "code", "version")),
        sa.column("valid_from", sa.Date), sa.column("body", sa.JSON),
    )  # fmt: skip
    found = op.get_bind().execute(
        sa.select(entry.c.code, entry.c.valid_from, entry.c.body)
        .where(entry.c.kind == kind)
        .order_by(entry.c.code, entry.c.valid_from, entry.c.version, entry.c.id)
    )
    return [(code, day, json.loads(body) if isinstance(body, str) else body) for code, day, body in found]


def _with_ends(kind: str) -> list:
    """Return the rows of a kind with their version and the day on which the next one takes over."""
    rows, found, number = _rows(kind), [], {}
    for at, (code, day, body) in enumerate(rows):
        number[code] = number.get(code, 0) + 1
        after = rows[at + 1][1] if at + 1 < len(rows) and rows[at + 1][0] == code else None
        if day != after:  # a row that was replaced on its own first day was never in force
            found.append((code, day, after, number[code], body))
    return found


def _published(columns: dict) -> dict:
    now = datetime.now(UTC)
    return {
        "uid": uuid4().hex,
        "state": "published",
        "published_at": now,
        "created_at": now,
        "edition": 1,
        **columns,
    }


def _carry_over() -> None:
    """Bring the prices and taxes of the catalogue's list into their tables."""
    meta, conn = sa.MetaData(), op.get_bind()
    product, price, tax_row = (
        sa.Table(name, meta, autoload_with=conn) for name in ("product", "price", "tax_row")
    )
    for table in (product, price, tax_row):
        for column in table.columns:
            if column.name in {"words", "unit", "terms"}:
                column.type = sa.JSON()
            elif column.name in {"published_at", "created_at"}:
                column.type = sa.DateTime(timezone=True)
    for code, day, after, number, body in _with_ends("tax"):
        row = {"code": code, "version": number, "bp": body.get("bp"), "words": body["words"]}
        conn.execute(tax_row.insert().values(_published({**row, "valid_from": day, "valid_to": after})))
    known: dict[str, int] = {}
    spans = {None: "once", 1: "month", 3: "quarter", 12: "year"}
    for code, day, after, number, body in _with_ends("price"):
        facts = {"words": body["words"], "stream": body["stream"], "recognition": body["recognition"]}
        place = body.get("order", 0)
        if code not in known:
            made = product.insert().values(code=code, unit={}, restricted=False, place=place, **facts)
            known[code] = conn.execute(made).inserted_primary_key[0]
        else:
            conn.execute(product.update().where(product.c.id == known[code]).values(place=place, **facts))
        if body.get("amount") is None:
            continue
        row = {
            "product_id": known[code], "version": number, "audience_kind": "public", "audience": "",
            "currency": "CNY", "interval": spans[body.get("months")], "model": "flat",
            "terms": {"flat": body["amount"]}, "tax": body["tax"], "inclusive": True,
            "document": body["document"], "note": "", "valid_from": day, "valid_to": after,
        }  # fmt: skip
        conn.execute(price.insert().values(_published(row)))


def upgrade() -> None:
    _tables()
    _carry_over()
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgresql()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        for table in KIN:
            op.execute(f"DROP FUNCTION {table}_overlaps()")
