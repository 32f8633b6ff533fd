"""A transfer written down by hand may have come in another currency."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("receipt_entry") as batch:
        batch.add_column(sa.Column("currency", sa.String(length=3), nullable=False, server_default="CNY"))
        batch.add_column(sa.Column("units", BIG, nullable=True))
        batch.create_check_constraint(
            op.f("ck_receipt_entry_in_one_currency"), "(currency = 'CNY') = (units IS NULL)"
        )
        batch.create_check_constraint(op.f("ck_receipt_entry_came"), "units IS NULL OR units > 0")
    with op.batch_alter_table("receipt_entry") as batch:
        batch.alter_column("currency", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("receipt_entry") as batch:
        batch.drop_constraint(op.f("ck_receipt_entry_in_one_currency"), type_="check")
        batch.drop_constraint(op.f("ck_receipt_entry_came"), type_="check")
        batch.drop_column("units")
        batch.drop_column("currency")
