"""Licences sold: quotes with their lines, and transfers between organisations."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034d"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
KINDS = ("purchase", "renewal", "increase", "collected", "transferred")
STATES = ("offered", "ordered", "done", "dropped", "expired", "replaced")
ROLES = ("item", "credit", "charge", "undo", "restore")
TRANSFERS = ("asked", "agreed", "checked", "done", "declined")
QUOTE = (
    "id", "uid", "licence_id", "kind", "nodes", "included", "share_bp", "paid", "adds", "price_id", "gross", "net", "tax",
    "fingerprint", "language", "by_name", "created_at",
)  # fmt: skip
LINE = (
    "id", "quote_id", "n", "role", "list_amount", "discount", "gross", "net", "tax", "adds", "old_line_id",
)  # fmt: skip


def _column(name: str, kind: sa.types.TypeEngine, *, empty: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=empty)


def _text(name: str, length: int, *, empty: bool = False) -> sa.Column:
    return _column(name, sa.String(length), empty=empty)


def _key(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, BIG, empty=empty)


def _when(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, WHEN, empty=empty)


def _day(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, sa.Date(), empty=empty)


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


def _part(name: str, table: str, columns: list[str], where: str) -> None:
    said = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=said, postgresql_where=said)


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))


def _sums(*names: str) -> list[sa.Column]:
    return [_column(name, sa.BigInteger()) for name in names]


def _quotes() -> None:
    name = "licence_quote"
    _table(
        name, _key("licence_id"), _column("kind", _choice("deal_kind", *KINDS)), _key("nodes"), _key("included"), _key("share_bp"),
        _key("paid"), _key("adds"), _key("price_id"), *_sums("gross", "net", "tax"), _text("fingerprint", 64),
        _column("inputs", sa.JSON()), _text("language", 16), _text("by_name", 120), _day("expires_on"), _day("pay_by", empty=True),
        _day("starts_on", empty=True), _day("ends_on", empty=True), _day("anchor", empty=True), _key("k"),
        _column("state", _choice("deal_state", *STATES)), _key("invoice_id", empty=True), _when("accepted_at", empty=True),
        _text("accepted_by", 120), _when("done_at", empty=True), _text("replaced_by", 32), _when("created_at"),
        _check(name, "adds_up", "gross = net + tax"),
        _check(name, "counted", "nodes > 0 AND paid >= 0 AND adds >= 0 AND included >= 0"),
        _check(name, "share", "share_bp BETWEEN 0 AND 10000"),
        _check(name, "days", "(starts_on IS NULL) = (ends_on IS NULL)"),
        _check(name, "done_has_days", "state <> 'done' OR starts_on IS NOT NULL"),
        licence_id="licence", price_id="price", invoice_id="invoice",
    )  # fmt: skip
    _index(name, "licence_id", "price_id", "state", "invoice_id")
    going = "state IN ('offered', 'ordered')"
    _part("uq_licence_quote_open", name, ["licence_id"], f"{going} AND kind <> 'renewal'")
    _part("uq_licence_quote_renewal", name, ["licence_id"], f"{going} AND kind = 'renewal'")


def _lines() -> None:
    name = "licence_quote_line"
    _table(
        name, _key("quote_id"), _key("n"), _column("role", _choice("line_role", *ROLES)), _column("words", sa.JSON()),
        _column("discount_words", sa.JSON()), *_sums("list_amount", "discount", "gross", "net", "tax"), _key("adds"),
        _day("starts", empty=True), _day("ends", empty=True), _key("old_line_id", empty=True), _key("order_line_id", empty=True),
        _unique(name, "quote_id", "n"), _check(name, "adds_up", "gross = net + tax"),
        _check(name, "discounted", "list_amount = gross + discount"), uid=False, quote_id="licence_quote",
        old_line_id="order_line", order_line_id="order_line",
    )  # fmt: skip
    _index(name, "quote_id", "order_line_id")


def _transfers() -> None:
    name = "licence_transfer"
    people = ("given_by_id", "taken_by_id", "first_id", "second_id")
    _table(
        name, _key("licence_id"), _key("to_org_id"), _text("reason", 300), _key("given_by_id"),
        _column("state", _choice("transfer_state", *TRANSFERS)), *(_key(one, empty=True) for one in people[1:]),
        _when("created_at"), _when("done_at", empty=True),
        _check(name, "two_eyes", "second_id IS NULL OR second_id <> first_id"),
        _check(name, "four", "state <> 'done' OR (taken_by_id IS NOT NULL AND first_id IS NOT NULL AND second_id IS NOT NULL)"),
        licence_id="licence", to_org_id="organisation", **dict.fromkeys(people, "person"),
    )  # fmt: skip
    _index(name, "licence_id", "to_org_id", "state")
    _part("uq_licence_transfer_open", name, ["licence_id"], "state NOT IN ('done', 'declined')")


def _other(columns: tuple[str, ...], differs: str) -> str:
    return " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in columns)


def _trigger(table: str, when: str, verb: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        said = f"WHEN {when} " if when else ""
        stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
        op.execute(f"CREATE TRIGGER {table}_frozen_{verb} BEFORE {verb.upper()} ON {table} {said}{stop}")
        return
    said = f"WHEN ({when}) " if when else ""
    op.execute(
        f"CREATE TRIGGER {table}_frozen_{verb} BEFORE {verb.upper()} ON {table} FOR EACH ROW {said}"
        "EXECUTE FUNCTION refuse_change()"
    )


def upgrade() -> None:
    _quotes()
    _lines()
    _transfers()
    differs = "IS NOT" if op.get_bind().dialect.name == "sqlite" else "IS DISTINCT FROM"
    for table, columns in (("licence_quote", QUOTE), ("licence_quote_line", LINE)):
        _trigger(table, _other(columns, differs), "update")
        _trigger(table, "", "delete")


def downgrade() -> None:
    for table in ("licence_transfer", "licence_quote_line", "licence_quote"):
        op.drop_table(table)
