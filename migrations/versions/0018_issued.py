"""What is issued stays whole: also who it was sent to, in which language, and who stood for it."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

STOP = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
RUN = "EXECUTE FUNCTION refuse_change()"
ISSUED = "OLD.number IS NOT NULL"
WHOLE = {
    "invoice": (
        ISSUED, "uid", "billed_subject", "language", "ladder", "seller", "buyer", "printed", "created_at",
    ),
    "receipt": ("1 = 1", "uid", "recorded_at", "recorded_by", "confirmed_by", "currency", "units"),
    "credit_note": (ISSUED, "uid", "state", "proposed_by", "by_id", "second_id", "created_at"),
}  # fmt: skip
JSON = {"seller", "buyer", "printed"}


def _differs(columns: tuple[str, ...], *, sqlite: bool) -> str:
    if sqlite:
        return " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in columns)
    cast = {name: "::text" if name in JSON else "" for name in columns}
    return " OR ".join(f"OLD.{name}{cast[name]} IS DISTINCT FROM NEW.{name}{cast[name]}" for name in columns)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, (when, *columns) in WHOLE.items():
        changed = f"{when} AND ({_differs(tuple(columns), sqlite=sqlite)})"
        head = f"CREATE TRIGGER {table}_frozen_whole BEFORE UPDATE ON {table}"
        op.execute(
            f"{head} WHEN {changed} {STOP}" if sqlite else f"{head} FOR EACH ROW WHEN ({changed}) {RUN}"
        )


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in WHOLE:
        op.execute(f"DROP TRIGGER {table}_frozen_whole" + ("" if sqlite else f" ON {table}"))
