"""Verbs of a membership: proposals of two, merges with their ledger, who stood second; holds and reversals frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
STOP = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
RUN = "EXECUTE FUNCTION refuse_change()"
# Facts stay as they are; only whose they are moves, when two entries of one organisation are merged.
FACTS = {
    "term": (
        "id", "uid", "kind", "tier", "category", "start", '"end"', "anchor", "k", "period_price", "charged", "cover",
        "by_name", "second_name", "reason", "invoice_id", "source_key", "recorded_at",
    ),
    "membership_hold": (
        "id", "start", '"end"', "cause", "reason", "by_name", "second_name", "recorded_at",
    ),
    "membership_reversal": (
        "id", "undoes_kind", "undoes_id", "from_day", "reason", "by_name", "second_name", "recorded_at",
    ),
}  # fmt: skip
DEED = (
    "id",
    "uid",
    "org_id",
    "verb",
    "detail",
    "reason",
    "by_id",
    "seen",
    "preview",
    "other_id",
    "paper_id",
    "created_at",
)
JSONS = ("detail", "preview")


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _trigger(name: str, table: str, verb: str, when: str = "") -> None:
    if _sqlite():
        op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {f'WHEN {when} ' if when else ''}{STOP}")
    else:
        each = f"FOR EACH ROW {f'WHEN ({when}) ' if when else ''}{RUN}"
        op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {each}")


def _drop(name: str, table: str) -> None:
    op.execute(f"DROP TRIGGER {name}" + ("" if _sqlite() else f" ON {table}"))


def _differs(columns: tuple[str, ...]) -> str:
    told = "IS NOT" if _sqlite() else "IS DISTINCT FROM"
    named = [f"{name}::text" if name in JSONS and not _sqlite() else name for name in columns]
    return " OR ".join(f"OLD.{name} {told} NEW.{name}" for name in named)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _foreign(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([name], [f"{to}.id"], name=op.f(f"fk_{table}_{name}_{to}"))
        for name, to in columns.items()
    ]


def _columns() -> None:
    empty = {"nullable": False, "server_default": ""}
    op.add_column("term", sa.Column("second_name", sa.String(120), **empty))
    op.add_column("term", sa.Column("reason", sa.String(300), **empty))
    op.add_column("membership_reversal", sa.Column("second_name", sa.String(120), **empty))
    with op.batch_alter_table("organisation") as batch:
        batch.add_column(sa.Column("merged_into_id", BIG, nullable=True))
        batch.create_foreign_key(
            op.f("fk_organisation_merged_into_id_organisation"), "organisation", ["merged_into_id"], ["id"]
        )
    op.create_index(op.f("ix_organisation_merged_into_id"), "organisation", ["merged_into_id"])


def _merge() -> None:
    op.create_table(
        "organisation_merge",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("duplicate_id", BIG, nullable=False),
        sa.Column("kept_id", BIG, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by_name", sa.String(120), nullable=False),
        sa.Column("second_name", sa.String(120), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("undone_at", WHEN, nullable=True),
        sa.Column("undone_by", sa.String(120), nullable=False),
        sa.Column("undone_second", sa.String(120), nullable=False),
        *_foreign("organisation_merge", duplicate_id="organisation", kept_id="organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation_merge")),
        sa.UniqueConstraint("uid", name=op.f("uq_organisation_merge_uid")),
    )
    for name in ("duplicate_id", "kept_id"):
        op.create_index(op.f(f"ix_organisation_merge_{name}"), "organisation_merge", [name])
    live = sa.text("undone_at IS NULL")
    op.create_index(
        "uq_organisation_merge_live", "organisation_merge", ["duplicate_id"], unique=True,
        sqlite_where=live, postgresql_where=live,
    )  # fmt: skip
    op.create_table(
        "merge_move",
        sa.Column("id", BIG, nullable=False),
        sa.Column("merge_id", BIG, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("table", sa.String(60), nullable=False),
        sa.Column("row_id", BIG, nullable=False),
        sa.Column("column", sa.String(60), nullable=False),
        sa.Column("old", sa.String(200), nullable=True),
        sa.Column("new", sa.String(200), nullable=True),
        sa.Column("version", BIG, nullable=True),
        *_foreign("merge_move", merge_id="organisation_merge"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_move")),
        sa.UniqueConstraint("merge_id", "n", name=op.f("uq_merge_move_merge_id_n")),
    )


def _deed() -> None:
    verbs = _choice(
        "deed_verb",
        "open_term",
        "suspend",
        "lift",
        "cancel_term",
        "expel",
        "set_founding",
        "absorb",
        "merge",
        "unmerge",
    )
    op.create_table(
        "membership_deed",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("org_id", BIG, nullable=False),
        sa.Column("verb", verbs, nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column("seen", BIG, nullable=False),
        sa.Column("preview", sa.JSON(), nullable=False),
        sa.Column("other_id", BIG, nullable=True),
        sa.Column("paper_id", BIG, nullable=True),
        sa.Column("state", _choice("deed_state", "proposed", "confirmed", "declined"), nullable=False),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("answer", sa.String(300), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("decided_at", WHEN, nullable=True),
        sa.CheckConstraint(
            "second_id IS NULL OR second_id <> by_id OR state = 'declined'", name=op.f("ck_membership_deed_two_eyes")
        ),
        sa.CheckConstraint(
            "state = 'proposed' OR second_id IS NOT NULL", name=op.f("ck_membership_deed_decided_by_somebody")
        ),
        *_foreign(
            "membership_deed", org_id="organisation", by_id="person", other_id="organisation",
            paper_id="stored_file", second_id="person",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership_deed")),
        sa.UniqueConstraint("uid", name=op.f("uq_membership_deed_uid")),
    )  # fmt: skip
    for name in ("org_id", "other_id", "state"):
        op.create_index(op.f(f"ix_membership_deed_{name}"), "membership_deed", [name])
    waiting = sa.text("state = 'proposed'")
    op.create_index(
        "uq_membership_deed_open", "membership_deed", ["org_id"], unique=True,
        sqlite_where=waiting, postgresql_where=waiting,
    )  # fmt: skip


def _freeze() -> None:
    _drop("term_frozen_update" if _sqlite() else "term_frozen", "term")
    if not _sqlite():
        _trigger("term_frozen_delete", "term", "DELETE")
    _trigger("term_frozen_update", "term", "UPDATE", _differs(FACTS["term"]))
    for table in ("membership_hold", "membership_reversal"):
        _trigger(f"{table}_frozen_delete", table, "DELETE")
        _trigger(f"{table}_frozen_update", table, "UPDATE", _differs(FACTS[table]))
    for verb in ("UPDATE", "DELETE"):
        _trigger(f"merge_move_frozen_{verb.lower()}", "merge_move", verb)
    _trigger("membership_deed_frozen_delete", "membership_deed", "DELETE")
    decided = f"OLD.state <> 'proposed' OR ({_differs(DEED)})"
    _trigger("membership_deed_frozen_update", "membership_deed", "UPDATE", decided)


def upgrade() -> None:
    _columns()
    _merge()
    _deed()
    _freeze()


def downgrade() -> None:
    for table in ("membership_hold", "membership_reversal"):
        _drop(f"{table}_frozen_delete", table)
        _drop(f"{table}_frozen_update", table)
    _drop("term_frozen_update", "term")
    if _sqlite():
        _trigger("term_frozen_update", "term", "UPDATE")
    else:
        _drop("term_frozen_delete", "term")
        op.execute(f"CREATE TRIGGER term_frozen BEFORE UPDATE OR DELETE ON term FOR EACH ROW {RUN}")
    op.drop_table("membership_deed")
    op.drop_table("merge_move")
    op.drop_table("organisation_merge")
    op.drop_index(op.f("ix_organisation_merged_into_id"), "organisation")
    with op.batch_alter_table("organisation") as batch:
        batch.drop_constraint(op.f("fk_organisation_merged_into_id_organisation"), type_="foreignkey")
        batch.drop_column("merged_into_id")
    op.drop_column("membership_reversal", "second_name")
    op.drop_column("term", "reason")
    op.drop_column("term", "second_name")
