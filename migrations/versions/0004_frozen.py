"""What is on record stays as it is: triggers on the books, the submissions and the terms."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FROZEN = ("journal_entry", "journal_line", "invoice_line", "allocation", "submission", "term", "term_ending")
INVOICE = (
    "number",
    "reference",
    "issued_on",
    "due_on",
    "gross",
    "net",
    "tax",
    "party_id",
    "order_id",
    "buyer_name",
)
RECEIPT = ("amount", "received_on", "way", "provider", "provider_ref", "payer")


def _differs(columns: tuple[str, ...], is_distinct: str) -> str:
    return " OR ".join(f"OLD.{name} {is_distinct} NEW.{name}" for name in columns)


def _sqlite() -> None:
    stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
    for table in FROZEN:
        for verb in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")
    for table, columns, when in (("invoice", INVOICE, "OLD.number IS NOT NULL"), ("receipt", RECEIPT, "1")):
        op.execute(f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table} WHEN {when} {stop}")
        changed = _differs(columns, "IS NOT")
        op.execute(
            f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} WHEN {when} AND ({changed}) {stop}"
        )


def _postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'this row is on record and cannot change'; END $$"
    )
    run = "EXECUTE FUNCTION refuse_change()"
    for table in FROZEN:
        op.execute(f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}")
    for table, columns, when in (
        ("invoice", INVOICE, "OLD.number IS NOT NULL"),
        ("receipt", RECEIPT, "true"),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table} FOR EACH ROW WHEN ({when}) {run}"
        )
        changed = _differs(columns, "IS DISTINCT FROM")
        op.execute(
            f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN ({when} AND ({changed})) {run}"
        )


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgresql()


def downgrade() -> None:
    postgres = op.get_bind().dialect.name != "sqlite"
    on = " ON {}" if postgres else ""
    for table in FROZEN:
        for suffix in ("",) if postgres else ("_update", "_delete"):
            op.execute(f"DROP TRIGGER {table}_frozen{suffix}" + on.format(table))
    for table in ("invoice", "receipt"):
        for suffix in ("_update", "_delete"):
            op.execute(f"DROP TRIGGER {table}_frozen{suffix}" + on.format(table))
    if postgres:
        op.execute("DROP FUNCTION refuse_change()")
