"""Exam items with their versions, reviews, enemies and forms; the steps of candidates."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
FROZEN = ("item_review", "exam_form", "form_item")
VERSION = (
    "id", "uid", "item_id", "n", "kind", "format", "text", "options", "numbers", "feedback", "digest", "author_id",
    "points", "reference", "machine_aid", "created_at",
)  # fmt: skip
KINDS = ("single", "multiple", "numeric", "short", "practical")
STATES = ("draft", "in_review", "approved", "live", "resting", "retired", "compromised")


def _id() -> sa.Column:
    return sa.Column("id", BIG, nullable=False)


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=nullable)


def _whole(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, BIG, nullable=nullable)


def _json(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.JSON(), nullable=False) for name in names]


def _at(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, WHEN, nullable=nullable)


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _to(table: str, **targets: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([name], [f"{target}.id"], name=op.f(f"fk_{table}_{name}_{target}"))
        for name, target in targets.items()
    ]


def _table(name: str, *parts: sa.schema.SchemaItem, uid: bool = True) -> None:
    own = [_text("uid", 32), sa.UniqueConstraint("uid", name=op.f(f"uq_{name}_uid"))] if uid else []
    op.create_table(name, _id(), *own, *parts, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")))


def _index(table: str, *columns: str) -> None:
    for name in columns:
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name])


def _once(name: str, table: str, where: str, *columns: str) -> None:
    op.create_index(
        name, table, list(columns), unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def _items() -> None:
    _table(
        "exam_item", _text("exam", 40), _text("key", 120), _text("topic", 120),
        sa.Column("difficulty", _enum("difficulty", "unknown", "easy", "medium", "hard"), nullable=False),
        _text("chip", 60), _text("tool", 60), _at("created_at"), _whole("edition"),
        sa.UniqueConstraint("exam", "key", name=op.f("uq_exam_item_exam_key")),
    )  # fmt: skip
    _table(
        "item_version", _whole("item_id"), _whole("n"), sa.Column("kind", _enum("kind", *KINDS), nullable=False),
        _text("format", 10), *_json("text", "options", "numbers", "feedback"), _text("digest", 64),
        _whole("author_id", nullable=True), _whole("points"), _text("reference", 500),
        sa.Column("machine_aid", sa.Boolean(), nullable=False), _at("created_at"),
        sa.Column("state", _enum("item_state", *STATES), nullable=False), _whole("submitted_by_id", nullable=True),
        sa.Column("ground", _enum("ground", "pilot", "angoff"), nullable=True), _text("rating", 10), _whole("edition"),
        *_to("item_version", item_id="exam_item", author_id="person", submitted_by_id="person"),
        sa.UniqueConstraint("item_id", "n", name=op.f("uq_item_version_item_id_n")),
        sa.CheckConstraint("points BETWEEN 1 AND 1000", name=op.f("ck_item_version_some_points")),
    )  # fmt: skip
    _index("item_version", "author_id")
    op.create_index("ix_item_version_state", "item_version", ["state", "item_id"])
    _once("uq_item_version_in_use", "item_version", "state IN ('live', 'resting')", "item_id")


def _around() -> None:
    _table(
        "item_review", _whole("version_id"), _whole("by_id"), sa.Column("approved", sa.Boolean(), nullable=False),
        *_json("ticked", "comments"), _at("at"), *_to("item_review", version_id="item_version", by_id="person"), uid=False,
    )  # fmt: skip
    _index("item_review", "version_id")
    _table(
        "item_enemy", _whole("low_id"), _whole("high_id"), _text("reason", 200), _whole("by_id"), _at("at"),
        _at("ended_at", nullable=True), *_to("item_enemy", low_id="exam_item", high_id="exam_item", by_id="person"),
        sa.CheckConstraint("low_id < high_id", name=op.f("ck_item_enemy_two")), uid=False,
    )  # fmt: skip
    _index("item_enemy", "high_id")
    _once("uq_item_enemy_standing", "item_enemy", "ended_at IS NULL", "low_id", "high_id")


def _forms() -> None:
    _table(
        "exam_form", _text("exam", 40), _text("part", 40), _whole("scheme"), _text("called", 120),
        _whole("candidate_id", nullable=True), _at("at"), *_to("exam_form", candidate_id="person"),
    )  # fmt: skip
    _index("exam_form", "candidate_id")
    op.create_index("ix_exam_form_exam", "exam_form", ["exam", "id"])
    _table(
        "form_item", _whole("form_id"), _whole("version_id"), _whole("position"), *_json("shuffled"),
        sa.Column("scored", sa.Boolean(), nullable=False), *_to("form_item", form_id="exam_form", version_id="item_version"),
        sa.UniqueConstraint("form_id", "position", name=op.f("uq_form_item_form_id_position")),
        sa.UniqueConstraint("form_id", "version_id", name=op.f("uq_form_item_form_id_version_id")), uid=False,
    )  # fmt: skip
    _index("form_item", "version_id")


def _steps() -> None:
    _table(
        "step_record", _whole("person_id"), _text("level", 40), _text("step", 60),
        sa.Column("state", _enum("step_state", "open", "declared", "confirmed"), nullable=False), _text("evidence", 1000),
        _text("link", 300), sa.Column("done_on", sa.Date(), nullable=True), _text("reason", 500),
        _at("declared_at", nullable=True), _at("confirmed_at", nullable=True),
        sa.Column("source", _enum("step_source", "staff", "file"), nullable=True), _whole("confirmed_by_id", nullable=True),
        _whole("edition"), *_to("step_record", person_id="person", confirmed_by_id="person"),
        sa.UniqueConstraint("person_id", "step", name=op.f("uq_step_record_person_id_step")),
    )  # fmt: skip
    _index("step_record", "state")


def _freeze() -> None:
    """Forms and reviews stay as they are; of a version only what its life moves may change."""
    if op.get_bind().dialect.name == "sqlite":
        stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
        for table in FROZEN:
            for verb in ("UPDATE", "DELETE"):
                op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")
        differs = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in VERSION)
        op.execute(f"CREATE TRIGGER item_version_frozen_delete BEFORE DELETE ON item_version {stop}")
        op.execute(
            f"CREATE TRIGGER item_version_frozen_update BEFORE UPDATE ON item_version WHEN {differs} {stop}"
        )
        return
    run = "EXECUTE FUNCTION refuse_change()"
    for table in FROZEN:
        op.execute(f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}")
    # JSON has no equality of its own: its text is compared.
    differs = " OR ".join(f"OLD.{name}::text IS DISTINCT FROM NEW.{name}::text" for name in VERSION)
    op.execute(f"CREATE TRIGGER item_version_frozen_delete BEFORE DELETE ON item_version FOR EACH ROW {run}")
    op.execute(
        f"CREATE TRIGGER item_version_frozen_update BEFORE UPDATE ON item_version FOR EACH ROW WHEN ({differs}) {run}"
    )


def upgrade() -> None:
    _items()
    _around()
    _forms()
    _steps()
    _freeze()


def downgrade() -> None:
    for table in (
        "step_record", "form_item", "exam_form", "item_enemy", "item_review", "item_version", "exam_item",
    ):  # fmt: skip
        op.drop_table(table)
