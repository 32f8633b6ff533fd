"""Credit notes of changes: charges beside credits, and what each takes off which invoice; the discount of an instalment."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STOP = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
LINES, SHARES = "credit_note_line", "credit_note_share"


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _freeze(table: str) -> None:
    for verb in ("UPDATE", "DELETE"):
        name = f"{table}_frozen_{verb.lower()}"
        end = STOP if _sqlite() else "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {end}")


def _thaw(table: str) -> None:
    on = "" if _sqlite() else f" ON {table}"
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER {table}_frozen_{verb}{on}")


def _lines() -> None:
    _thaw(LINES)
    with op.batch_alter_table(LINES) as batch:
        batch.add_column(sa.Column("order_line_id", BIG, nullable=True))
        batch.add_column(sa.Column("tax_words", sa.JSON(), nullable=True))
        batch.alter_column("invoice_line_id", existing_type=BIG, nullable=True)
    for name in ("order_line_id", "tax_words"):
        op.execute(
            f"UPDATE {LINES} SET {name} = (SELECT l.{name} FROM invoice_line l WHERE l.id = {LINES}.invoice_line_id)"
        )
    with op.batch_alter_table(LINES) as batch:
        batch.alter_column("order_line_id", existing_type=BIG, nullable=False)
        batch.alter_column("tax_words", existing_type=sa.JSON(), nullable=False)
        batch.create_foreign_key(
            op.f("fk_credit_note_line_order_line_id_order_line"), "order_line", ["order_line_id"], ["id"]
        )
    op.create_index(op.f("ix_credit_note_line_order_line_id"), LINES, ["order_line_id"], unique=False)
    _freeze(LINES)


def upgrade() -> None:
    op.add_column("instalment", sa.Column("discount", sa.BigInteger(), nullable=False, server_default="0"))
    _lines()
    op.create_table(
        SHARES,
        sa.Column("id", BIG, nullable=False),
        sa.Column("note_id", BIG, nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_credit_note_share_invoice_id_invoice")
        ),
        sa.ForeignKeyConstraint(
            ["note_id"], ["credit_note.id"], name=op.f("fk_credit_note_share_note_id_credit_note")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note_share")),
        sa.UniqueConstraint("note_id", "invoice_id", name=op.f("uq_credit_note_share_note_id_invoice_id")),
    )
    op.create_index(op.f("ix_credit_note_share_invoice_id"), SHARES, ["invoice_id"], unique=False)
    op.execute(
        f"INSERT INTO {SHARES} (note_id, invoice_id, gross) "
        "SELECT id, invoice_id, gross FROM credit_note WHERE state = 'issued' ORDER BY id"
    )
    _freeze(SHARES)
    _endings()


def _endings() -> None:
    live = sa.text("state = 'proposed'")
    op.create_table(
        "price_ending",
        sa.Column("id", BIG, nullable=False),
        sa.Column("price_id", BIG, nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed", "done", "declined", name="ending_state", native_enum=False, create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state = 'proposed' OR second_id IS NOT NULL", name=op.f("ck_price_ending_confirmed_by_somebody")
        ),
        sa.CheckConstraint("second_id IS NULL OR second_id <> by_id", name=op.f("ck_price_ending_two_eyes")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_price_ending_by_id_person")),
        sa.ForeignKeyConstraint(["price_id"], ["price.id"], name=op.f("fk_price_ending_price_id_price")),
        sa.ForeignKeyConstraint(["second_id"], ["person.id"], name=op.f("fk_price_ending_second_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_ending")),
    )  # fmt: skip
    op.create_index(op.f("ix_price_ending_price_id"), "price_ending", ["price_id"], unique=False)
    op.create_index(
        "uq_price_ending_live",
        "price_ending",
        ["price_id"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )


def downgrade() -> None:
    op.drop_table("price_ending")
    op.drop_table(SHARES)
    _thaw(LINES)
    op.drop_index(op.f("ix_credit_note_line_order_line_id"), LINES)
    with op.batch_alter_table(LINES) as batch:
        batch.drop_constraint(op.f("fk_credit_note_line_order_line_id_order_line"), type_="foreignkey")
        batch.drop_column("order_line_id")
        batch.drop_column("tax_words")
        batch.alter_column("invoice_line_id", existing_type=BIG, nullable=False)
    _freeze(LINES)
    with op.batch_alter_table("instalment") as batch:
        batch.drop_column("discount")
