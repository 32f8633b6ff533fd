"""The roles of staff that certification knows."""

import sqlalchemy as sa
from alembic import op

revision = "0025a"
down_revision = "0025"
branch_labels = None
depends_on = None
BEFORE = (
    "reviewer", "legal", "finance", "committee", "director", "secretary", "counter_signer", "executive",
    "auditor", "administrator",
)  # fmt: skip
NEW = (
    "certification", "author", "item_reviewer", "chief_examiner", "proctor", "grader", "community_reviewer",
    "decider", "appeal_panel",
)  # fmt: skip


def _hold_to(*roles: str) -> None:
    """Let a grant hold one of these roles; SQLite copies the table, and only what is named here stays checked."""
    said = f"role IN ({', '.join(repr(role) for role in roles)})"
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("staff_grant", recreate="always") as batch:
            batch.create_check_constraint("staff_role", sa.text(said))
    else:
        op.drop_constraint(op.f("ck_staff_grant_staff_role"), "staff_grant", type_="check")
        op.create_check_constraint("staff_role", "staff_grant", sa.text(said))


def upgrade() -> None:
    _hold_to(*BEFORE, *NEW)


def downgrade() -> None:
    op.execute(f"DELETE FROM staff_grant WHERE role IN ({', '.join(repr(role) for role in NEW)})")
    _hold_to(*BEFORE)
