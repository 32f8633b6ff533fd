"""Places of services: compute statements, sponsors' places, adaptation slots, copies of reports."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
DAY = sa.Date()
FROZEN = ("compute_rate", "compute_line", "compute_share", "compute_notice")


def _column(name: str, kind: sa.types.TypeEngine, *, empty: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=empty)


def _text(name: str, length: int, *, empty: bool = False) -> sa.Column:
    return _column(name, sa.String(length), empty=empty)


def _key(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, BIG, empty=empty)


def _fen(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, sa.BigInteger(), empty=empty)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _table(name: str, *parts: sa.schema.SchemaItem, uid: bool = True, **targets: str) -> None:
    keys = [
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{name}_{column}_{target}"))
        for column, target in targets.items()
    ]
    own = [_text("uid", 32), sa.UniqueConstraint("uid", name=op.f(f"uq_{name}_uid"))] if uid else []
    op.create_table(
        name, _key("id"), *own, *parts, *keys, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}"))
    )


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))


def _statements() -> None:
    _table(
        "compute_seller", _key("org_id"), _unique("compute_seller", "org_id"), _column("since", DAY),
        _column("until", DAY, empty=True), _text("contract", 200), _key("turn"),
        _check("compute_seller", "lasts", "until IS NULL OR until > since"), org_id="organisation",
    )  # fmt: skip
    _table(
        "compute_rate", _key("seller_id"), _column("start", DAY), _key("bp"), _text("reason", 300),
        _key("by_id", empty=True), _column("at", WHEN), _unique("compute_rate", "seller_id", "start"),
        _check("compute_rate", "rate", "bp > 0 AND bp <= 10000"), uid=False, seller_id="compute_seller",
        by_id="person",
    )  # fmt: skip
    states = ("expected", "draft", "sent", "disputed", "confirmed", "invoiced")
    _table(
        "compute_statement", _key("seller_id"), _column("month", DAY),
        _column("state", _choice("statement_state", *states)), _key("report"),
        _column("reported_at", WHEN, empty=True), _text("note", 300), _key("sending"),
        _column("sent_at", WHEN, empty=True), _column("deemed_after", DAY, empty=True), _fen("base"),
        _fen("commission"), _fen("carried"), _fen("tax"), _column("confirmed_at", WHEN, empty=True),
        _column("deemed", sa.Boolean()), _key("into_id", empty=True), _key("order_id", empty=True),
        _key("invoice_id", empty=True), _key("pdf_id", empty=True), _key("edition"),
        _unique("compute_statement", "seller_id", "month"),
        _check(
            "compute_statement", "agreed", "state NOT IN ('confirmed', 'invoiced') OR confirmed_at IS NOT NULL"
        ),
        seller_id="compute_seller", into_id="compute_statement", order_id="billing_order", invoice_id="invoice",
        pdf_id="stored_file",
    )  # fmt: skip
    _index("compute_statement", "seller_id", "state", "into_id", "invoice_id")
    _table(
        "compute_line", _key("statement_id"), _key("report"), _key("n"), _column("month", DAY),
        _text("package", 120), _key("milli_hours"), _fen("unit_price"), _fen("amount"), _text("evidence", 300),
        _unique("compute_line", "statement_id", "report", "n"), uid=False, statement_id="compute_statement",
    )  # fmt: skip
    _table(
        "compute_share", _key("statement_id"), _key("sending"), _column("month", DAY), _fen("base"), _fen("before"),
        _key("bp"), _fen("commission"), _unique("compute_share", "statement_id", "sending", "month"), uid=False,
        statement_id="compute_statement",
    )  # fmt: skip
    _index("compute_share", "month")
    _table(
        "compute_file", _key("statement_id"), _key("report"), _key("file_id"), _unique("compute_file", "file_id"),
        uid=False, statement_id="compute_statement", file_id="stored_file",
    )  # fmt: skip
    _index("compute_file", "statement_id")
    _table(
        "compute_dispute", _key("statement_id"), _key("sending"), _column("words", sa.Text()), _key("by_id"),
        _column("at", WHEN), _column("answer", sa.Text()), _column("answered_at", WHEN, empty=True),
        _unique("compute_dispute", "statement_id", "sending"), uid=False, statement_id="compute_statement",
        by_id="person",
    )  # fmt: skip
    _table(
        "compute_notice", _key("statement_id"), _key("step"), _column("sent", sa.Boolean()), _column("at", WHEN),
        _unique("compute_notice", "statement_id", "step"), uid=False, statement_id="compute_statement",
    )  # fmt: skip


def _sponsors() -> None:
    _table(
        "sponsor_edition", _text("event", 40), _key("year"), _column("names", sa.JSON()), _text("city", 80),
        _column("first_day", DAY), _column("last_day", DAY), _column("refusal_until", DAY, empty=True),
        _column("scale", sa.JSON()), _key("turn"), _unique("sponsor_edition", "event", "year"),
        _check("sponsor_edition", "lasts", "last_day >= first_day"),
    )  # fmt: skip
    scopes = ("none", "package", "category", "edition")
    _table(
        "sponsor_package", _key("edition_id"), _column("names", sa.JSON()), _text("product", 60), _fen("price"),
        _column("scope", _choice("scope", *scopes)), _column("title", sa.Boolean()), edition_id="sponsor_edition",
    )  # fmt: skip
    _index("sponsor_package", "edition_id")
    _table(
        "sponsor_package_item", _key("package_id"), _column("kind", _choice("promise_kind", "benefit", "asset")),
        _column("words", sa.JSON()), _key("days"), uid=False, package_id="sponsor_package",
    )  # fmt: skip
    _index("sponsor_package_item", "package_id")
    states = ("open", "held", "signed", "running", "fulfilled", "cancelled")
    _table(
        "sponsor_place", _key("package_id"), _key("n"), _column("state", _choice("place_state", *states)),
        _key("org_id", empty=True), _column("held_until", WHEN, empty=True), _key("held_by_id", empty=True),
        _text("contract", 200), _column("signed_on", DAY, empty=True), _key("order_id", empty=True),
        _key("invoice_id", empty=True), _key("leaving_by_id", empty=True), _text("leaving_reason", 300),
        _key("leaving_percent", empty=True), _key("edition"), _unique("sponsor_place", "package_id", "n"),
        _check("sponsor_place", "taken", "(state = 'open') = (org_id IS NULL)"),
        _check("sponsor_place", "held", "(state = 'held') = (held_until IS NOT NULL)"),
        package_id="sponsor_package", org_id="organisation", held_by_id="person", order_id="billing_order",
        invoice_id="invoice", leaving_by_id="person",
    )  # fmt: skip
    _index("sponsor_place", "package_id", "state", "org_id")
    _table(
        "sponsor_exclusivity", _key("place_id"), _key("org_id"), _column("scope", _choice("scope", *scopes)),
        _text("category", 40), _column("starts", WHEN), _column("ends", WHEN, empty=True), uid=False,
        place_id="sponsor_place", org_id="organisation",
    )  # fmt: skip
    _index("sponsor_exclusivity", "place_id")
    _table(
        "sponsor_place_item", _key("place_id"), _column("kind", _choice("promise_kind", "benefit", "asset")),
        _column("words", sa.JSON()), _column("due_on", DAY),
        _column("state", _choice("promise_state", "due", "given", "done")), _text("given", 500), _text("proof", 500),
        _text("back", 300), _key("file_id", empty=True), _column("done_at", WHEN, empty=True), _column("at", WHEN),
        _key("edition"), place_id="sponsor_place", file_id="stored_file",
    )  # fmt: skip
    _index("sponsor_place_item", "place_id")


def _slots() -> None:
    _table(
        "slot_quarter", _column("start", DAY), _unique("slot_quarter", "start"), _key("slots"), _key("person_days"),
        _key("turn"), _check("slot_quarter", "some", "slots >= 0 AND person_days >= 0"), uid=False,
    )  # fmt: skip
    states = ("waiting", "offered", "booked", "used", "passed", "withdrawn", "released")
    _table(
        "slot_request", _key("org_id"), _column("kind", _choice("work_kind", "chip", "migration", "scenario")),
        _text("wish", 500), _key("by_id"), _column("asked_on", DAY), _column("at", WHEN),
        _column("state", _choice("slot_state", *states)), _key("quarter_id", empty=True), _key("passed_id", empty=True),
        _key("passes"), _column("offered_on", DAY, empty=True), _column("answer_by", DAY, empty=True),
        _column("starts_on", DAY, empty=True), _text("why", 20), _text("reason", 300), _key("edition"),
        _check(
            "slot_request", "given",
            "state NOT IN ('offered', 'booked', 'used') OR (quarter_id IS NOT NULL AND offered_on IS NOT NULL)",
        ),
        org_id="organisation", by_id="person", quarter_id="slot_quarter", passed_id="slot_quarter",
    )  # fmt: skip
    _index("slot_request", "org_id", "state", "quarter_id")


def _sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def _freeze() -> None:
    stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
    for table in FROZEN:
        if _sqlite():
            for verb in ("UPDATE", "DELETE"):
                op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")
        else:
            op.execute(
                f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
                "EXECUTE FUNCTION refuse_change()"
            )


def upgrade() -> None:
    _statements()
    _sponsors()
    _slots()
    _freeze()


def downgrade() -> None:
    for table in (
        "slot_request", "slot_quarter", "sponsor_place_item", "sponsor_exclusivity", "sponsor_place", "sponsor_package_item", "sponsor_package",
        "sponsor_edition", "compute_notice", "compute_dispute", "compute_file", "compute_share", "compute_line", "compute_statement",
        "compute_rate", "compute_seller",
    ):  # fmt: skip
        op.drop_table(table)
