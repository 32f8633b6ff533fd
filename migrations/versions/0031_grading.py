"""Cases with scores and blind works, who marks them; panels and cuts; mended keys, reviews, decisions, appeals."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
FROZEN = ("exam_score", "exam_mark", "exam_verdict", "exam_vote", "exam_decision", "cut_rating")


def _column(name: str, kind: sa.types.TypeEngine, *, empty: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=empty)


def _text(name: str, length: int, *, empty: bool = False) -> sa.Column:
    return _column(name, sa.String(length), empty=empty)


def _key(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, BIG, empty=empty)


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


def _one(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))


def _work() -> None:
    _table(
        "exam_work", _text("level", 40), _text("section", 40), _text("task", 120), _column("rubric", sa.JSON()),
        _column("text", sa.Text()), _column("files", sa.JSON()),
    )  # fmt: skip
    _table(
        "exam_assignment", _key("work_id"), _key("grader_id"), _text("code", 12), _unique("exam_assignment", "code"),
        _column("due_at", WHEN), _column("third", sa.Boolean()),
        _column("state", _choice("assignment_state", "offered", "accepted", "submitted", "declined", "redrawn")),
        _text("reason", 300), _column("reminded_at", WHEN, empty=True), _column("ended_at", WHEN, empty=True),
        _key("edition"), work_id="exam_work", grader_id="person",
    )  # fmt: skip
    _index("exam_assignment", "work_id", "grader_id")
    op.create_index("ix_exam_assignment_due", "exam_assignment", ["state", "due_at"])
    _one(
        "uq_exam_assignment_stands", "exam_assignment", ["work_id", "grader_id"],
        "state IN ('offered', 'accepted', 'submitted')",
    )  # fmt: skip
    _table(
        "exam_conflict", _key("examiner_id"), _key("person_id"),
        _column("tie", _choice("tie", "knows", "family", "taught", "work")), _text("words", 300),
        _column("at", WHEN), _unique("exam_conflict", "examiner_id", "person_id", "tie"), uid=False,
        examiner_id="person", person_id="person",
    )  # fmt: skip
    _index("exam_conflict", "person_id")
    _table(
        "exam_mark", _key("assignment_id"), _unique("exam_mark", "assignment_id"), _column("levels", sa.JSON()),
        _column("comments", sa.JSON()), _column("at", WHEN), uid=False, assignment_id="exam_assignment",
    )  # fmt: skip
    _table(
        "exam_verdict", _key("version_id"), _text("digest", 64), _text("text", 500), _text("fraction", 12),
        _key("by_id"), _column("at", WHEN), _unique("exam_verdict", "version_id", "digest"), uid=False,
        version_id="item_version", by_id="person",
    )  # fmt: skip


def _cuts() -> None:
    _table(
        "cut_panel", _text("exam", 40), _text("part", 40), _column("items", sa.JSON()), _key("lead_id"),
        _column("state", _choice("panel_state", "alone", "together", "rated", "adopted")), _column("at", WHEN),
        _key("edition"), lead_id="person",
    )  # fmt: skip
    _index("cut_panel", "exam")
    _table(
        "cut_judge", _key("panel_id"), _key("person_id"), _text("competence", 300),
        _unique("cut_judge", "panel_id", "person_id"), uid=False, panel_id="cut_panel", person_id="person",
    )  # fmt: skip
    _index("cut_judge", "person_id")
    _table(
        "cut_rating", _key("judge_id"), _key("round"), _column("chances", sa.JSON()), _column("at", WHEN),
        _unique("cut_rating", "judge_id", "round"), uid=False, judge_id="cut_judge",
    )  # fmt: skip
    _table(
        "exam_cut", _key("panel_id"), _text("exam", 40), _text("part", 40), _text("share", 60), _text("found", 60),
        _text("error", 40), _column("valid_from", sa.Date()), _text("reason", 300), _key("by_id"),
        _column("state", _choice("cut_state", "proposed", "adopted", "declined")), _key("second_id", empty=True),
        _column("at", WHEN), _column("decided_at", WHEN, empty=True),
        _check("exam_cut", "two_eyes", "second_id IS NULL OR second_id <> by_id OR state = 'declined'"),
        panel_id="cut_panel", by_id="person", second_id="person",
    )  # fmt: skip
    _index("exam_cut", "panel_id", "exam")
    _one("uq_exam_cut_waits", "exam_cut", ["panel_id"], "state = 'proposed'")


def _cases() -> None:
    _table(
        "exam_case", _key("attempt_id"), _unique("exam_case", "attempt_id"), _column("rules", sa.JSON()),
        _column("opened_at", WHEN), _column("released_at", WHEN, empty=True), _key("edition"),
        attempt_id="exam_attempt",
    )  # fmt: skip
    _table(
        "exam_case_work", _key("case_id"), _key("work_id"), _unique("exam_case_work", "work_id"), _key("round"),
        uid=False, case_id="exam_case", work_id="exam_work",
    )  # fmt: skip
    _index("exam_case_work", "case_id")
    _table(
        "exam_score", _key("case_id"), _key("n"), _column("body", sa.JSON()),
        _column("passed", sa.Boolean(), empty=True), _text("reason", 200), _column("at", WHEN),
        _unique("exam_score", "case_id", "n"), uid=False, case_id="exam_case",
    )  # fmt: skip


def _keys() -> None:
    _table(
        "exam_rekey", _key("version_id"), _column("key", sa.JSON(), empty=True), _text("reason", 300), _key("by_id"),
        _column("state", _choice("rekey_state", "proposed", "done", "declined")), _key("second_id", empty=True),
        _column("at", WHEN), _column("decided_at", WHEN, empty=True), _key("remarked"),
        _check("exam_rekey", "two_eyes", "second_id IS NULL OR second_id <> by_id OR state = 'declined'"),
        version_id="item_version", by_id="person", second_id="person",
    )  # fmt: skip
    _index("exam_rekey", "version_id", "state")
    _one("uq_exam_rekey_waits", "exam_rekey", ["version_id"], "state = 'proposed'")
    _table(
        "exam_side", _key("rekey_id"), _key("case_id"), _column("body", sa.JSON()),
        _column("state", _choice("side_state", "open", "taken", "left")), _text("reason", 300),
        _key("by_id", empty=True), _column("decided_at", WHEN, empty=True),
        _unique("exam_side", "rekey_id", "case_id"), rekey_id="exam_rekey", case_id="exam_case", by_id="person",
    )  # fmt: skip
    _index("exam_side", "rekey_id", "case_id")


def _ends() -> None:
    _table(
        "exam_review", _key("case_id"), _unique("exam_review", "case_id"), _key("quorum"),
        _column("closes_at", WHEN), _key("turn"), _column("extended", sa.Boolean()),
        _column("state", _choice("review_state", "open", "approved", "returned", "rejected")),
        _text("revision", 4000), _column("opened_at", WHEN), _column("closed_at", WHEN, empty=True), _key("edition"),
        case_id="exam_case",
    )  # fmt: skip
    _index("exam_review", "state")
    _table(
        "exam_vote", _key("review_id"), _key("by_id"), _key("turn"),
        _column("ballot", _choice("ballot", "approve", "return", "reject", "abstain", "recuse")),
        _column("ticked", sa.JSON()), _text("reason", 1000), _column("at", WHEN), uid=False, review_id="exam_review",
        by_id="person",
    )  # fmt: skip
    _index("exam_vote", "review_id", "by_id")
    _table(
        "exam_decision", _key("case_id"), _key("n"), _column("verdict", _choice("verdict", "granted", "refused")),
        _text("reason", 1000), _key("by_id"), _column("at", WHEN), _unique("exam_decision", "case_id", "n"),
        uid=False, case_id="exam_case", by_id="person",
    )  # fmt: skip
    _table(
        "exam_appeal", _key("case_id"), _column("complaint", sa.Boolean()), _text("words", 4000),
        _column("due_at", WHEN),
        _column("state", _choice("appeal_state", "lodged", "admitted", "too_late", "upheld", "dismissed")),
        _column("remedy", _choice("remedy", "remark", "free_attempt", "decide_anew", "answer", "dismiss"), empty=True),
        _text("answer", 2000), _key("first_id", empty=True), _key("second_id", empty=True),
        _column("lodged_at", WHEN), _column("decided_at", WHEN, empty=True),
        _column("reminded_at", WHEN, empty=True), _key("edition"),
        _check("exam_appeal", "two", "second_id IS NULL OR second_id <> first_id"), case_id="exam_case",
        first_id="person", second_id="person",
    )  # fmt: skip
    _index("exam_appeal", "case_id", "state")


def _freeze() -> None:
    if op.get_bind().dialect.name == "sqlite":
        stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
        for table in FROZEN:
            for verb in ("UPDATE", "DELETE"):
                op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")
        return
    for table in FROZEN:
        op.execute(
            f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION refuse_change()"
        )


def upgrade() -> None:
    _work()
    _cuts()
    _cases()
    _keys()
    _ends()
    _freeze()


def downgrade() -> None:
    for table in (
        "exam_appeal", "exam_decision", "exam_vote", "exam_review", "exam_side", "exam_rekey", "exam_score",
        "exam_case_work", "exam_case", "exam_cut", "cut_rating", "cut_judge", "cut_panel", "exam_verdict", "exam_mark",
        "exam_conflict", "exam_assignment", "exam_work",
    ):  # fmt: skip
        op.drop_table(table)
