"""A refund says what goes back in the currency in which its receipt came."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("refund") as batch:
        batch.add_column(sa.Column("units", sa.BigInteger(), nullable=True))
        batch.create_check_constraint(op.f("ck_refund_goes"), "units IS NULL OR units > 0")


def downgrade() -> None:
    with op.batch_alter_table("refund") as batch:
        batch.drop_constraint(op.f("ck_refund_goes"), type_="check")
        batch.drop_column("units")
