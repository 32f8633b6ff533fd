"""The books: months that close, plans of income, credit notes, write-offs, other currencies, entries by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
KEPT = ("number", "issued_on", "kind", "gross", "net", "tax", "invoice_id", "last_day", "units", "reason")
PLAN = ("order_line_id", "key", "starts", "ends", "amount", "known_at", "invoice_line_id")
MONEY = ("currency", "rate")
WHOLE = ("exchange_rate", "credit_note_line", "past_record")
STOP = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
RUN = "FOR EACH ROW {}EXECUTE FUNCTION refuse_change()"
SHUT = "state = 'closed' OR (state = 'soft_closed' AND {} = '')"
FULL = "a month that is closed takes no entry"


def _exchange_rate() -> None:
    op.create_table(
        "exchange_rate",
        sa.Column("id", BIG, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("loaded_by", sa.String(length=120), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_rate")),
    )
    op.create_index("ix_exchange_rate_day", "exchange_rate", ["currency", "day"], unique=False)


def _accounting_period() -> None:
    op.create_table(
        "accounting_period",
        sa.Column("id", BIG, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "soft_closed",
                "closed",
                name="period_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("proposed_by_id", BIG, nullable=True),
        sa.Column("closed_by_id", BIG, nullable=True),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.Column("reopen_by_id", BIG, nullable=True),
        sa.Column("reopen_reason", sa.String(length=300), nullable=False),
        sa.CheckConstraint(
            "closed_by_id IS NULL OR closed_by_id <> proposed_by_id",
            name=op.f("ck_accounting_period_two_eyes"),
        ),
        sa.ForeignKeyConstraint(
            ["closed_by_id"], ["person.id"], name=op.f("fk_accounting_period_closed_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["person.id"], name=op.f("fk_accounting_period_proposed_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["reopen_by_id"], ["person.id"], name=op.f("fk_accounting_period_reopen_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounting_period")),
        sa.UniqueConstraint("month", name=op.f("uq_accounting_period_month")),
    )


def _hand_entry() -> None:
    op.create_table(
        "hand_entry",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "posted",
                "declined",
                name="hand_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("entry_id", BIG, nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.CheckConstraint(
            "state = 'proposed' OR second_id IS NOT NULL", name=op.f("ck_hand_entry_confirmed_by_somebody")
        ),
        sa.CheckConstraint("second_id IS NULL OR second_id <> by_id", name=op.f("ck_hand_entry_two_eyes")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_hand_entry_by_id_person")),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_hand_entry_entry_id_journal_entry")
        ),
        sa.ForeignKeyConstraint(["second_id"], ["person.id"], name=op.f("fk_hand_entry_second_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_entry")),
        sa.UniqueConstraint("uid", name=op.f("uq_hand_entry_uid")),
    )
    op.create_index(op.f("ix_hand_entry_state"), "hand_entry", ["state"], unique=False)


def _credit_note() -> None:
    op.create_table(
        "credit_note",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "termination",
                "price_adjustment",
                "cancellation",
                name="note_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("proposed_by", sa.String(length=120), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "issued",
                "declined",
                name="note_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("units", BIG, nullable=True),
        sa.Column("by_id", BIG, nullable=True),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("pdf_id", BIG, nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.CheckConstraint(
            "(number IS NULL) = (issued_on IS NULL)", name=op.f("ck_credit_note_numbered_when_issued")
        ),
        sa.CheckConstraint("gross = net + tax", name=op.f("ck_credit_note_adds_up")),
        sa.CheckConstraint(
            "second_id IS NULL OR by_id IS NULL OR second_id <> by_id", name=op.f("ck_credit_note_two_eyes")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_credit_note_by_id_person")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_credit_note_invoice_id_invoice")
        ),
        sa.ForeignKeyConstraint(
            ["pdf_id"], ["stored_file.id"], name=op.f("fk_credit_note_pdf_id_stored_file")
        ),
        sa.ForeignKeyConstraint(["second_id"], ["person.id"], name=op.f("fk_credit_note_second_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note")),
        sa.UniqueConstraint("number", name=op.f("uq_credit_note_number")),
        sa.UniqueConstraint("uid", name=op.f("uq_credit_note_uid")),
    )
    op.create_index(op.f("ix_credit_note_invoice_id"), "credit_note", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_credit_note_issued_on"), "credit_note", ["issued_on"], unique=False)
    op.create_index(op.f("ix_credit_note_state"), "credit_note", ["state"], unique=False)
    op.create_index(
        "uq_credit_note_draft",
        "credit_note",
        ["invoice_id"],
        unique=True,
        sqlite_where=sa.text("state = 'draft'"),
        postgresql_where=sa.text("state = 'draft'"),
    )


def _write_off() -> None:
    op.create_table(
        "write_off",
        sa.Column("id", BIG, nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "done",
                "declined",
                "recovered",
                name="write_off_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.CheckConstraint(
            "state = 'proposed' OR second_id IS NOT NULL", name=op.f("ck_write_off_confirmed_by_somebody")
        ),
        sa.CheckConstraint("second_id IS NULL OR second_id <> by_id", name=op.f("ck_write_off_two_eyes")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_write_off_by_id_person")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_write_off_invoice_id_invoice")),
        sa.ForeignKeyConstraint(["second_id"], ["person.id"], name=op.f("fk_write_off_second_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_off")),
    )
    op.create_index(op.f("ix_write_off_invoice_id"), "write_off", ["invoice_id"], unique=False)
    op.create_index(
        "uq_write_off_live",
        "write_off",
        ["invoice_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('proposed', 'done')"),
        postgresql_where=sa.text("state IN ('proposed', 'done')"),
    )


def _credit_note_line() -> None:
    op.create_table(
        "credit_note_line",
        sa.Column("id", BIG, nullable=False),
        sa.Column("note_id", BIG, nullable=False),
        sa.Column("invoice_line_id", BIG, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("printed", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint("gross = net + tax", name=op.f("ck_credit_note_line_adds_up")),
        sa.ForeignKeyConstraint(
            ["invoice_line_id"],
            ["invoice_line.id"],
            name=op.f("fk_credit_note_line_invoice_line_id_invoice_line"),
        ),
        sa.ForeignKeyConstraint(
            ["note_id"], ["credit_note.id"], name=op.f("fk_credit_note_line_note_id_credit_note")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note_line")),
    )
    op.create_index(
        op.f("ix_credit_note_line_invoice_line_id"), "credit_note_line", ["invoice_line_id"], unique=False
    )
    op.create_index(op.f("ix_credit_note_line_note_id"), "credit_note_line", ["note_id"], unique=False)


def _plan_segment() -> None:
    op.create_table(
        "plan_segment",
        sa.Column("id", BIG, nullable=False),
        sa.Column("order_line_id", BIG, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("known_at", WHEN, nullable=False),
        sa.Column("invoice_line_id", BIG, nullable=True),
        sa.Column("cut_on", sa.Date(), nullable=True),
        sa.Column("cut_known_at", WHEN, nullable=True),
        sa.CheckConstraint("ends > starts", name=op.f("ck_plan_segment_holds_a_day")),
        sa.ForeignKeyConstraint(
            ["invoice_line_id"],
            ["invoice_line.id"],
            name=op.f("fk_plan_segment_invoice_line_id_invoice_line"),
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_plan_segment_order_line_id_order_line")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_segment")),
        sa.UniqueConstraint("key", name=op.f("uq_plan_segment_key")),
    )
    op.create_index(op.f("ix_plan_segment_ends"), "plan_segment", ["ends"], unique=False)
    op.create_index(
        op.f("ix_plan_segment_invoice_line_id"), "plan_segment", ["invoice_line_id"], unique=False
    )
    op.create_index(op.f("ix_plan_segment_order_line_id"), "plan_segment", ["order_line_id"], unique=False)


def _past_record() -> None:
    op.create_table(
        "past_record",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_record")),
        sa.UniqueConstraint("kind", "ref", name=op.f("uq_past_record_kind_ref")),
    )


def _instalment() -> None:
    op.create_table(
        "instalment",
        sa.Column("id", BIG, nullable=False),
        sa.Column("order_line_id", BIG, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("invoice_line_id", BIG, nullable=True),
        sa.CheckConstraint("gross = net + tax", name=op.f("ck_instalment_adds_up")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_instalment_order_line_id_order_line")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_line_id"], ["invoice_line.id"], name=op.f("fk_instalment_invoice_line_id_invoice_line")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instalment")),
        sa.UniqueConstraint("order_line_id", "n", name=op.f("uq_instalment_order_line_id_n")),
    )
    op.create_index(op.f("ix_instalment_order_line_id"), "instalment", ["order_line_id"])
    op.create_index(op.f("ix_instalment_due_on"), "instalment", ["due_on"])


def _columns() -> None:
    with op.batch_alter_table("refund") as batch:
        batch.alter_column("by_id", existing_type=BIG, nullable=True)
    op.add_column("allocation", sa.Column("taken", sa.BigInteger(), nullable=True))
    op.add_column("allocation", sa.Column("units", BIG, nullable=True))
    op.add_column("invoice", sa.Column("currency", sa.String(length=3), nullable=False, server_default="CNY"))
    op.add_column("invoice", sa.Column("rate", sa.String(length=20), nullable=False, server_default="1"))
    op.add_column("invoice", sa.Column("printed", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("invoice", sa.Column("reversed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("invoice_line", sa.Column("printed", sa.JSON(none_as_null=True), nullable=True))
    op.add_column(
        "journal_entry",
        sa.Column("known_at", WHEN, nullable=False, server_default=sa.text("'1970-01-01 00:00:00+00:00'")),
    )
    op.add_column(
        "journal_entry", sa.Column("reason", sa.String(length=300), nullable=False, server_default="")
    )
    op.create_index(op.f("ix_journal_entry_known_at"), "journal_entry", ["known_at"], unique=False)
    op.add_column(
        "journal_line", sa.Column("currency", sa.String(length=3), nullable=False, server_default="CNY")
    )
    op.add_column("journal_line", sa.Column("units", BIG, nullable=True))
    with op.batch_alter_table("order_line") as batch:
        batch.add_column(sa.Column("printed", sa.JSON(none_as_null=True), nullable=True))
        batch.add_column(sa.Column("credits_id", BIG, nullable=True))
        batch.create_foreign_key(
            op.f("fk_order_line_credits_id_order_line"), "order_line", ["credits_id"], ["id"]
        )
    op.add_column("receipt", sa.Column("currency", sa.String(length=3), nullable=False, server_default="CNY"))
    op.add_column("receipt", sa.Column("units", BIG, nullable=True))


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _known() -> None:
    """Entries of the time before were known when they were recorded."""
    if _sqlite():
        op.execute("DROP TRIGGER journal_entry_frozen_update")
        op.execute("UPDATE journal_entry SET known_at = recorded_at")
        op.execute(f"CREATE TRIGGER journal_entry_frozen_update BEFORE UPDATE ON journal_entry {STOP}")
    else:
        op.execute("ALTER TABLE journal_entry DISABLE TRIGGER journal_entry_frozen")
        op.execute("UPDATE journal_entry SET known_at = recorded_at")
        op.execute("ALTER TABLE journal_entry ENABLE TRIGGER journal_entry_frozen")


def _differs(columns: tuple[str, ...]) -> str:
    word = "IS NOT" if _sqlite() else "IS DISTINCT FROM"
    return " OR ".join(f"OLD.{name} {word} NEW.{name}" for name in columns)


def _trigger(name: str, table: str, verb: str, when: str = "") -> None:
    """Refuse a verb on a table, perhaps under a condition only."""
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} " + (f"WHEN {when} " if when else "") + STOP
        )
    else:
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} " + RUN.format(f"WHEN ({when}) " if when else "")
        )


def _frozen() -> None:
    for table in WHOLE:
        for verb in ("UPDATE", "DELETE"):
            _trigger(f"{table}_frozen_{verb.lower()}", table, verb)
    _trigger(
        "credit_note_frozen_update", "credit_note", "UPDATE", f"OLD.number IS NOT NULL AND ({_differs(KEPT)})"
    )
    _trigger("credit_note_frozen_delete", "credit_note", "DELETE", "OLD.number IS NOT NULL")
    _trigger("plan_segment_frozen_update", "plan_segment", "UPDATE", _differs(PLAN))
    _trigger("plan_segment_frozen_delete", "plan_segment", "DELETE")
    _trigger(
        "invoice_frozen_currency", "invoice", "UPDATE", f"OLD.number IS NOT NULL AND ({_differs(MONEY)})"
    )


def _shut() -> None:
    """A closed month takes no entry; one proposed for closing only such as give a reason."""
    if _sqlite():
        month = "month = date({}, 'start of month')"
        op.execute(
            "CREATE TRIGGER journal_entry_month BEFORE INSERT ON journal_entry WHEN EXISTS (SELECT 1 FROM "
            f"accounting_period WHERE {month.format('NEW.posted_on')} AND ({SHUT.format('NEW.reason')})) "
            f"BEGIN SELECT RAISE(ABORT, '{FULL}'); END"
        )
        op.execute(
            "CREATE TRIGGER journal_line_month BEFORE INSERT ON journal_line WHEN EXISTS (SELECT 1 FROM "
            "accounting_period p JOIN journal_entry e ON p.month = date(e.posted_on, 'start of month') "
            f"WHERE e.id = NEW.entry_id AND ({SHUT.format('e.reason')})) BEGIN SELECT RAISE(ABORT, '{FULL}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION refuse_shut_month() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE day date; why text; "
        "BEGIN IF TG_TABLE_NAME = 'journal_entry' THEN day := NEW.posted_on; why := NEW.reason; "
        "ELSE SELECT posted_on, reason INTO day, why FROM journal_entry WHERE id = NEW.entry_id; END IF; "
        "IF EXISTS (SELECT 1 FROM accounting_period WHERE month = date_trunc('month', day)::date "
        f"AND ({SHUT.format('why')})) THEN RAISE EXCEPTION '{FULL}'; END IF; RETURN NEW; END $$"
    )
    for table in ("journal_entry", "journal_line"):
        op.execute(
            f"CREATE TRIGGER {table}_month BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_shut_month()"
        )


def _live(where: str) -> None:
    condition = sa.text(where)
    op.drop_index("uq_invoice_live", table_name="invoice")
    op.create_index(
        "uq_invoice_live", "invoice", ["billed_subject"], unique=True,
        sqlite_where=condition, postgresql_where=condition,
    )  # fmt: skip


def upgrade() -> None:
    _exchange_rate()
    _accounting_period()
    _hand_entry()
    _credit_note()
    _write_off()
    _credit_note_line()
    _plan_segment()
    _past_record()
    _instalment()
    _columns()
    _known()
    _live("state <> 'void' AND NOT reversed")
    _frozen()
    _shut()


def downgrade() -> None:
    on = "" if _sqlite() else " ON {}"
    for name, table in (
        ("journal_entry_month", "journal_entry"), ("journal_line_month", "journal_line"),
        ("invoice_frozen_currency", "invoice"),
    ):  # fmt: skip
        op.execute(f"DROP TRIGGER {name}" + on.format(table))
    if not _sqlite():
        op.execute("DROP FUNCTION refuse_shut_month()")
    _live("state <> 'void'")
    op.drop_index("ix_journal_entry_known_at", table_name="journal_entry")
    with op.batch_alter_table("order_line") as batch:
        batch.drop_constraint(op.f("fk_order_line_credits_id_order_line"), type_="foreignkey")
        batch.drop_column("credits_id")
    for table, column in (
        ("allocation", "taken"),
        ("allocation", "units"),
        ("invoice", "currency"),
        ("invoice", "rate"),
        ("invoice", "printed"),
        ("invoice", "reversed"),
        ("invoice_line", "printed"),
        ("journal_entry", "known_at"),
        ("journal_entry", "reason"),
        ("journal_line", "currency"),
        ("journal_line", "units"),
        ("order_line", "printed"),
        ("receipt", "currency"),
        ("receipt", "units"),
    ):
        op.drop_column(table, column)
    for table in (
        "instalment",
        "past_record",
        "plan_segment",
        "credit_note_line",
        "write_off",
        "credit_note",
        "hand_entry",
        "accounting_period",
        "exchange_rate",
    ):
        op.drop_table(table)
