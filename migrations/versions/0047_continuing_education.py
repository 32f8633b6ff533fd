"""Continuing education: entries with points, and the renewals asked for with them."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RENEWAL, ENTRY = "education_renewal", "education_entry"
STANDS = "state IN ('asked', 'granted')"
ALIVE = "state NOT IN ('refused', 'withdrawn')"


def _states(name: str, *states: str) -> sa.Enum:
    return sa.Enum(*states, name=name, native_enum=False, create_constraint=True, length=32)


def _check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    op.create_table(
        RENEWAL,
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("award_id", BIG, nullable=False),
        sa.Column("needed", BIG, nullable=False),
        sa.Column("points", BIG, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column(
            "state",
            _states("renewal_state", "asked", "granted", "refused", "withdrawn", "lapsed"),
            nullable=False,
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.Column("decided_by_id", BIG, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("edition", BIG, nullable=False),
        _check(RENEWAL, "enough", "points >= needed AND needed > 0"),
        _check(RENEWAL, "lasts", "first_day <= last_day"),
        _check(RENEWAL, "decided", "(state = 'asked') = (decided_at IS NULL)"),
        _check(RENEWAL, "by_somebody", "state NOT IN ('granted', 'refused') OR decided_by_id IS NOT NULL"),
        _to(RENEWAL, "award_id", "award"),
        _to(RENEWAL, "decided_by_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{RENEWAL}")),
        sa.UniqueConstraint("uid", name=op.f(f"uq_{RENEWAL}_uid")),
    )
    op.create_index(op.f(f"ix_{RENEWAL}_state"), RENEWAL, ["state"])
    op.create_index(
        f"uq_{RENEWAL}_stands", RENEWAL, ["award_id"], unique=True,
        sqlite_where=sa.text(STANDS), postgresql_where=sa.text(STANDS),
    )  # fmt: skip
    op.create_table(
        ENTRY,
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("what", sa.String(500), nullable=False),
        sa.Column("link", sa.String(300), nullable=False),
        sa.Column("link_key", sa.String(64), nullable=False),
        sa.Column("file_id", BIG, nullable=True),
        sa.Column("file_key", sa.String(64), nullable=False),
        sa.Column("claimed", BIG, nullable=False),
        sa.Column(
            "state",
            _states(
                "education_state", "submitted", "second_look", "accepted", "counted", "refused", "withdrawn"
            ),
            nullable=False,
        ),
        sa.Column("points", BIG, nullable=True),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("first_id", BIG, nullable=True),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("draw", sa.String(16), nullable=False),
        sa.Column("share", BIG, nullable=True),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("renewal_id", BIG, nullable=True),
        sa.Column("counted", BIG, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("edition", BIG, nullable=False),
        _check(ENTRY, "claimed", "claimed BETWEEN 1 AND 100"),
        _check(ENTRY, "points", "points IS NULL OR points BETWEEN 1 AND claimed"),
        _check(ENTRY, "part", "counted IS NULL OR counted BETWEEN 1 AND points"),
        _check(ENTRY, "counted_once", "(state = 'counted') = (renewal_id IS NOT NULL)"),
        _check(ENTRY, "counted_for", "(renewal_id IS NULL) = (counted IS NULL)"),
        _check(ENTRY, "worth", "state NOT IN ('accepted', 'counted') OR points IS NOT NULL"),
        _check(ENTRY, "not_by_oneself", "first_id IS NULL OR first_id <> person_id"),
        _check(ENTRY, "two_eyes", "second_id IS NULL OR (second_id <> first_id AND second_id <> person_id)"),
        _to(ENTRY, "person_id", "person"),
        _to(ENTRY, "file_id", "stored_file"),
        _to(ENTRY, "first_id", "person"),
        _to(ENTRY, "second_id", "person"),
        _to(ENTRY, "renewal_id", RENEWAL),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{ENTRY}")),
        sa.UniqueConstraint("uid", name=op.f(f"uq_{ENTRY}_uid")),
    )
    for column in ("person_id", "state", "renewal_id"):
        op.create_index(op.f(f"ix_{ENTRY}_{column}"), ENTRY, [column])
    for what in ("link", "file"):
        where = sa.text(f"{what}_key <> '' AND {ALIVE}")
        op.create_index(
            f"uq_{ENTRY}_{what}", ENTRY, ["person_id", f"{what}_key"], unique=True,
            sqlite_where=where, postgresql_where=where,
        )  # fmt: skip


def downgrade() -> None:
    op.drop_table(ENTRY)
    op.drop_table(RENEWAL)
