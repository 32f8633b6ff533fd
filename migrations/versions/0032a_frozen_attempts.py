"""What an attempt pins never changes: at check-in its scheme and parts, at its start form, cut, rubrics and rules."""

from alembic import op

revision = "0032a"
down_revision = "0032"
branch_labels = None
depends_on = None

ALWAYS = {
    "exam_attempt": ("booking_id", "person_id", "level", "scheme", "language", "factor"),
    "exam_attempt_part": ("attempt_id", "place", "code", "written", "minutes"),
    "exam_case": ("attempt_id", "rules"),
    "exam_work": ("level", "section", "task", "rubric"),
}
# From the moment that one column has a value these stand, too.
ONCE = {
    "exam_attempt": {
        "frozen": ("frozen",),
        "started_at": ("started_at", "rules", "rules_language", "rules_at"),
    },
    "exam_attempt_part": {"form_id": ("form_id",), "started_at": ("started_at",)},
    "exam_case": {},
    "exam_work": {},
}


def _differs(columns: tuple[str, ...], *, sqlite: bool) -> str:
    # JSON has no equality of its own on PostgreSQL: its text is compared.
    form = "OLD.{0} IS NOT NEW.{0}" if sqlite else "OLD.{0}::text IS DISTINCT FROM NEW.{0}::text"
    return " OR ".join(form.format(name) for name in columns)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, columns in ALWAYS.items():
        cases = [_differs(columns, sqlite=sqlite)]
        for mark, held in ONCE[table].items():
            cases.append(f"(OLD.{mark} IS NOT NULL AND ({_differs(held, sqlite=sqlite)}))")
        begin, when = f"CREATE TRIGGER {table}_pinned BEFORE UPDATE ON {table}", " OR ".join(cases)
        if sqlite:
            op.execute(
                f"{begin} WHEN {when} BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
            )
        else:
            op.execute(f"{begin} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse_change()")


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in ALWAYS:
        op.execute(f"DROP TRIGGER {table}_pinned" + ("" if sqlite else f" ON {table}"))
