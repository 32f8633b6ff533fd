"""Attempts with their parts, answers and submissions; identities, incidents, notices, holds and invalid attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
# What was sat never changes; its rows are deleted only when their time is over.
FROZEN = (
    "exam_time_grant", "exam_answer_save", "exam_submission", "exam_identity_check", "exam_opening", "exam_incident",
    "exam_notice", "exam_session_report", "exam_task_file",
)  # fmt: skip


def _text(name: str, length: int) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, BIG, nullable=nullable)


def _when(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, WHEN, nullable=nullable)


def _flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _json(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.JSON(none_as_null=nullable), nullable=nullable)


def _enum(name: str, *values: str, column: str = "state", nullable: bool = False) -> sa.Column:
    kind = sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
    return sa.Column(column, kind, nullable=nullable)


def _check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _table(name: str, *parts: sa.schema.SchemaItem, to: dict[str, str], uid: bool = False) -> None:
    keys = [
        sa.ForeignKeyConstraint([key], [f"{target}.id"], name=op.f(f"fk_{name}_{key}_{target}"))
        for key, target in to.items()
    ]
    named = [_text("uid", 32), _unique(name, "uid")] if uid else []
    op.create_table(
        name, _number("id"), *named, *parts, *keys, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}"))
    )


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _one(table: str, name: str, where: str, *columns: str) -> None:
    said = sa.text(where)
    op.create_index(
        f"uq_{table}_{name}", table, columns, unique=True, sqlite_where=said, postgresql_where=said
    )


STATES = (
    "ready", "running", "submitted", "marking", "adjudicating", "scored", "released", "abandoned", "invalidated",
)  # fmt: skip


def _attempts() -> None:
    _table(
        "exam_attempt", _number("booking_id"), _number("person_id"), _text("level", 40), _number("scheme"),
        _text("language", 16), _number("factor"), _json("frozen", nullable=True), _enum("attempt_state", *STATES), _text("rules", 40),
        _text("rules_language", 16), _when("rules_at", nullable=True), _text("device_hash", 64), _flag("device_free"),
        _when("heard_at", nullable=True), _when("created_at"), _when("started_at", nullable=True),
        _when("ended_at", nullable=True), _unique("exam_attempt", "booking_id"),
        uid=True, to={"booking_id": "exam_booking", "person_id": "person"},
    )  # fmt: skip
    _index("exam_attempt", "person_id", "state")
    _table(
        "exam_attempt_part", _number("attempt_id"), _number("place"), _text("code", 40), _flag("written"),
        _number("minutes"), _enum("part_state", "to_come", "running", "ended"), _number("form_id", nullable=True),
        _when("open_until", nullable=True), _when("started_at", nullable=True), _when("due_at", nullable=True),
        _when("ended_at", nullable=True),
        _enum("ending", "handed_in", "time_up", "by_proctor", "not_opened", column="ending", nullable=True),
        _unique("exam_attempt_part", "attempt_id", "place"), _check("exam_attempt_part", "lasts", "minutes > 0"),
        _check("exam_attempt_part", "clock", "(started_at IS NULL) = (due_at IS NULL)"),
        _check("exam_attempt_part", "ended_how", "(state = 'ended') = (ending IS NOT NULL)"),
        to={"attempt_id": "exam_attempt", "form_id": "exam_form"},
    )  # fmt: skip
    _index("exam_attempt_part", "form_id")
    op.create_index("ix_exam_attempt_part_due", "exam_attempt_part", ["state", "due_at"])
    _table(
        "exam_time_grant", _number("part_id"), _number("minutes"), _text("reason", 300), _number("by_id"), _when("at"),
        _check("exam_time_grant", "some", "minutes > 0"), to={"part_id": "exam_attempt_part", "by_id": "person"},
    )  # fmt: skip
    _index("exam_time_grant", "part_id")


def _answers() -> None:
    _table(
        "exam_answer", _number("attempt_id"), _number("part_id"), _number("position"), _number("item_version_id"),
        _json("value", nullable=True), _flag("flagged"), _number("seq"), _when("saved_at", nullable=True),
        _unique("exam_answer", "part_id", "position"),
        to={"attempt_id": "exam_attempt", "part_id": "exam_attempt_part", "item_version_id": "item_version"},
    )  # fmt: skip
    _index("exam_answer", "attempt_id", "item_version_id")
    _table(
        "exam_answer_save", _number("answer_id"), _number("seq"), _json("value", nullable=True), _when("at"),
        _unique("exam_answer_save", "answer_id", "seq"), to={"answer_id": "exam_answer"},
    )  # fmt: skip
    _table(
        "exam_upload", _number("part_id"), _number("file_id"), _text("name", 200), _text("sha256", 64), _number("size"),
        _when("at"), _when("removed_at", nullable=True), uid=True,
        to={"part_id": "exam_attempt_part", "file_id": "stored_file"},
    )  # fmt: skip
    _index("exam_upload", "part_id")
    _table(
        "exam_submission", _number("attempt_id"), _number("part_id"), _number("n"), _number("task_id"),
        sa.Column("text", sa.Text(), nullable=False), _text("repository", 300), _text("commit", 40), _json("files"),
        _when("handed_in_at"), _unique("exam_submission", "part_id", "n"),
        _check("exam_submission", "repository_at_commit", "(repository = '') = (\"commit\" = '')"),
        uid=True, to={"attempt_id": "exam_attempt", "part_id": "exam_attempt_part", "task_id": "item_version"},
    )  # fmt: skip
    _index("exam_submission", "attempt_id", "task_id")
    _table(
        "exam_task_file", _number("version_id"), _number("file_id"), _number("by_id"), _when("at"), uid=True,
        to={"version_id": "item_version", "file_id": "stored_file", "by_id": "person"},
    )  # fmt: skip
    _index("exam_task_file", "version_id")


KINDS = (
    "connection", "outage", "takeover", "focus_lost", "paste", "health", "conduct", "identity", "material", "other",
)  # fmt: skip


def _watching() -> None:
    papers = ("identity_card", "passport", "driving_licence", "residence_permit")
    _table(
        "exam_identity_check", _number("booking_id"), _enum("paper", *papers, column="kind"), _text("last_four", 4),
        _number("by_id"), _when("at"), _unique("exam_identity_check", "booking_id"),
        to={"booking_id": "exam_booking", "by_id": "person"},
    )  # fmt: skip
    _table(
        "exam_opening", _number("session_id"), _number("by_id"), _when("at"), _unique("exam_opening", "session_id"),
        to={"session_id": "exam_session", "by_id": "person"},
    )  # fmt: skip
    _table(
        "exam_incident", _number("session_id"), _enum("incident_kind", *KINDS, column="kind"),
        _enum("severity", "hint", "minor", "major", column="severity"), _text("note", 1000),
        _number("attempt_id", nullable=True), _number("by_id", nullable=True), _number("file_id", nullable=True),
        _when("at"), uid=True,
        to={"session_id": "exam_session", "attempt_id": "exam_attempt", "by_id": "person", "file_id": "stored_file"},
    )  # fmt: skip
    _index("exam_incident", "session_id", "attempt_id")
    _table(
        "exam_notice", _number("session_id"), _text("zh", 500), _text("en", 500), _number("by_id"),
        _number("attempt_id", nullable=True), _when("at"),
        to={"session_id": "exam_session", "by_id": "person", "attempt_id": "exam_attempt"},
    )  # fmt: skip
    _index("exam_notice", "session_id", "attempt_id")
    _table(
        "exam_session_report", _number("session_id"), _text("note", 2000), _number("by_id"), _when("at"),
        _unique("exam_session_report", "session_id"), to={"session_id": "exam_session", "by_id": "person"},
    )  # fmt: skip


def _doubts() -> None:
    _table(
        "exam_hold", _number("attempt_id"), _text("reason", 300), _number("by_id"), _when("at"),
        _number("lifted_by_id", nullable=True), _when("lifted_at", nullable=True),
        to={"attempt_id": "exam_attempt", "by_id": "person", "lifted_by_id": "person"},
    )  # fmt: skip
    _one("exam_hold", "standing", "lifted_at IS NULL", "attempt_id")
    _table(
        "exam_invalidation", _number("attempt_id"), _number("incident_id"), _text("reason", 300), _number("by_id"),
        _when("not_before"), _text("heard", 2000), _when("heard_at", nullable=True),
        _enum("invalidation_state", "proposed", "confirmed", "declined"), _when("at"),
        _number("second_id", nullable=True), _text("answer", 300), _when("decided_at", nullable=True),
        _check("exam_invalidation", "two_eyes", "second_id IS NULL OR second_id <> by_id"), uid=True,
        to={
            "attempt_id": "exam_attempt", "incident_id": "exam_incident", "by_id": "person", "second_id": "person",
        },
    )  # fmt: skip
    _one("exam_invalidation", "open", "state = 'proposed'", "attempt_id")


def _freeze() -> None:
    for table in FROZEN:
        named = f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table}"
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"{named} BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END")
        else:
            op.execute(f"{named} FOR EACH ROW EXECUTE FUNCTION refuse_change()")


def upgrade() -> None:
    _attempts()
    _answers()
    _watching()
    _doubts()
    _freeze()


def downgrade() -> None:
    for table in (
        "exam_invalidation", "exam_hold", "exam_session_report", "exam_notice", "exam_incident", "exam_opening",
        "exam_identity_check", "exam_task_file", "exam_submission", "exam_upload", "exam_answer_save", "exam_answer",
        "exam_time_grant", "exam_attempt_part", "exam_attempt",
    ):  # fmt: skip
        op.drop_table(table)
