"""Targets that one person proposes and another sets; the role of the board's members."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "target_proposal"
NEW_ROLE = "board"


def _sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def _roles() -> list[str]:
    """Return the roles that a grant may hold now, whichever steps came before this one."""
    if _sqlite():
        found = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'staff_grant'"
        said = re.search(r"role IN \(([^)]*)\)", str(op.get_bind().execute(sa.text(found)).scalar_one()))
        text = said[1] if said else ""
    else:
        found = (
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_staff_grant_staff_role'"
        )
        text = str(op.get_bind().execute(sa.text(found)).scalar_one())
    return re.findall(r"'(\w+)'", text)


def _hold_to(roles: list[str]) -> None:
    """Let a grant hold one of these roles; SQLite copies the table, and only what is named here stays checked."""
    said = f"role IN ({', '.join(repr(role) for role in roles)})"
    if _sqlite():
        with op.batch_alter_table("staff_grant", recreate="always") as batch:
            batch.create_check_constraint("staff_role", sa.text(said))
    else:
        op.drop_constraint(op.f("ck_staff_grant_staff_role"), "staff_grant", type_="check")
        op.create_check_constraint("staff_role", "staff_grant", sa.text(said))


def upgrade() -> None:
    _hold_to([*_roles(), NEW_ROLE])
    op.create_table(
        TABLE,
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("measure", sa.String(20), nullable=False),
        sa.Column("scope", sa.String(50), nullable=False),
        sa.Column("year", BIG, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.String(20), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("by_id", BIG, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "set",
                "declined",
                name="targetstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("second_id", BIG, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("words", sa.String(300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edition", BIG, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_target_proposal_aims")),
        sa.CheckConstraint("year BETWEEN 2000 AND 2199", name=op.f("ck_target_proposal_in_reach")),
        sa.CheckConstraint(
            "second_id IS NULL OR second_id <> by_id", name=op.f("ck_target_proposal_two_eyes")
        ),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_target_proposal_decided")
        ),
        sa.CheckConstraint(
            "state = 'proposed' OR second_id IS NOT NULL", name=op.f("ck_target_proposal_by_somebody")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_target_proposal_by_id_person")),
        sa.ForeignKeyConstraint(
            ["second_id"], ["person.id"], name=op.f("fk_target_proposal_second_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target_proposal")),
        sa.UniqueConstraint("uid", name=op.f("uq_target_proposal_uid")),
    )
    op.create_index(op.f("ix_target_proposal_state"), TABLE, ["state"])


def downgrade() -> None:
    before = [role for role in _roles() if role != NEW_ROLE]
    op.drop_table(TABLE)
    op.execute(f"DELETE FROM staff_grant WHERE role = '{NEW_ROLE}'")
    _hold_to(before)
