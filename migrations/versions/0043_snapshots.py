"""What a close leaves behind: a chain of snapshots, the public half-yearly account, reports by mail."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0041"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
FROZEN = ("report_snapshot", "report_mailing")
STOP = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
GENESIS = "0" * 64


def _column(name: str, kind: sa.types.TypeEngine, *, empty: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=empty)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _table(name: str, *parts: sa.schema.SchemaItem, **targets: str) -> None:
    keys = [
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{name}_{column}_{target}"))
        for column, target in targets.items()
    ]
    op.create_table(
        name, _column("id", BIG), *parts, *keys, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}"))
    )


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _snapshots() -> None:
    _table(
        "report_snapshot", _column("n", BIG), _column("kind", _choice("snapshot_kind", "month")),
        _column("month", sa.Date()), _column("known_at", WHEN), _column("streams", sa.String(40)),
        _column("catalogue", BIG), _column("formulas", sa.String(40)), _column("release", sa.String(40)),
        _column("body", sa.Text()), _column("prev", sa.String(64)), _column("hash", sa.String(64)),
        _column("made_by_id", BIG, empty=True), _column("made_at", WHEN), _unique("report_snapshot", "n"),
        _unique("report_snapshot", "prev"), _unique("report_snapshot", "hash"), made_by_id="person",
    )  # fmt: skip
    _index("report_snapshot", "month")
    op.create_table(
        "report_snapshot_head", _column("id", BIG), _column("count", BIG), _column("hash", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_snapshot_head")),
    )  # fmt: skip
    op.execute(f"INSERT INTO report_snapshot_head (id, count, hash) VALUES (1, 0, '{GENESIS}')")


def _accounts() -> None:
    name = "half_year_account"
    _table(
        name, _column("uid", sa.String(32)), _column("year", BIG), _column("half", BIG), _column("edition", BIG),
        _column("figures", sa.JSON()), _column("by_id", BIG), _column("uses", sa.JSON()),
        _column("words_zh", sa.Text()), _column("words_en", sa.Text()), _column("reason_zh", sa.String(500)),
        _column("reason_en", sa.String(500)),
        _column("state", _choice("account_state", "draft", "proposed", "released", "dropped")),
        _column("proposed_by_id", BIG, empty=True), _column("released_by_id", BIG, empty=True),
        _column("released_at", WHEN, empty=True), _column("created_at", WHEN), _column("turn", BIG),
        _unique(name, "uid"), _unique(name, "year", "half", "edition"), _check(name, "half", "half IN (1, 2)"),
        _check(name, "two_eyes", "released_by_id IS NULL OR released_by_id <> proposed_by_id"),
        _check(name, "released_by_somebody", "state <> 'released' OR released_by_id IS NOT NULL"),
        by_id="person", proposed_by_id="person", released_by_id="person",
    )  # fmt: skip
    _index(name, "state")


def _mails() -> None:
    _table(
        "report_mail", _column("uid", sa.String(32)), _column("person_id", BIG), _column("report", sa.String(40)),
        _column("rhythm", _choice("rhythm", "monthly", "weekly")), _column("query", sa.JSON()), _column("since", WHEN),
        _column("ended_at", WHEN, empty=True), _unique("report_mail", "uid"), person_id="person",
    )  # fmt: skip
    _index("report_mail", "person_id")
    _table(
        "report_mailing", _column("mail_id", BIG), _column("slot", sa.String(40)), _column("at", WHEN),
        _unique("report_mailing", "mail_id", "slot"), mail_id="report_mail",
    )  # fmt: skip
    _index("report_mailing", "mail_id")


def _freeze() -> None:
    released = "OLD.state = 'released'"
    if op.get_bind().dialect.name == "sqlite":
        for table, when in (*((one, "1") for one in FROZEN), ("half_year_account", released)):
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} WHEN {when} {STOP}"
                )
        return
    for table, when in (*((one, "true") for one in FROZEN), ("half_year_account", released)):
        op.execute(
            f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW WHEN ({when}) "
            "EXECUTE FUNCTION refuse_change()"
        )


def upgrade() -> None:
    _snapshots()
    _accounts()
    _mails()
    _freeze()


def downgrade() -> None:
    for table in (
        "report_mailing",
        "report_mail",
        "half_year_account",
        "report_snapshot_head",
        "report_snapshot",
    ):
        op.drop_table(table)
