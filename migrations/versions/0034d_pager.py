"""Numbers under which people of support are called."""

import sqlalchemy as sa
from alembic import op

revision = "0034d"
down_revision = "0034c"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = "support_phone"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        NAME,
        sa.Column("id", BIG, nullable=False), sa.Column("person_id", BIG, nullable=False),
        sa.Column("telephone", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{NAME}")),
        sa.UniqueConstraint("person_id", name=op.f(f"uq_{NAME}_person_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f(f"fk_{NAME}_person_id_person")),
    )  # fmt: skip


def downgrade() -> None:
    """Take it away."""
    op.drop_table(NAME)
