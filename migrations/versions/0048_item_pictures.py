"""Pictures of exam items; the database itself refuses to change them, and to add or remove any once a version left its draft."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
STOP = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
LATE = "(SELECT state FROM item_version WHERE id = {0}.version_id) <> 'draft'"


def upgrade() -> None:
    op.create_table(
        "item_picture", sa.Column("id", BIG, nullable=False), sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("version_id", BIG, nullable=False), sa.Column("place", BIG, nullable=False),
        sa.Column("file_id", BIG, nullable=False), sa.Column("width", BIG, nullable=False),
        sa.Column("height", BIG, nullable=False), sa.Column("alt_zh", sa.String(500), nullable=False),
        sa.Column("alt_en", sa.String(500), nullable=False), sa.Column("by_id", BIG, nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("place BETWEEN 1 AND 99", name=op.f("ck_item_picture_some_place")),
        sa.CheckConstraint("alt_zh <> '' AND alt_en <> ''", name=op.f("ck_item_picture_both_told")),
        sa.ForeignKeyConstraint(["version_id"], ["item_version.id"], name=op.f("fk_item_picture_version_id_item_version")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_item_picture_file_id_stored_file")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_item_picture_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_picture")),
        sa.UniqueConstraint("uid", name=op.f("uq_item_picture_uid")),
        sa.UniqueConstraint("version_id", "place", name=op.f("uq_item_picture_version_id_place")),
    )  # fmt: skip
    op.create_index(op.f("ix_item_picture_file_id"), "item_picture", ["file_id"])
    _freeze()


def _freeze() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER item_picture_frozen_update BEFORE UPDATE ON item_picture {STOP}")
        for verb, row in (("insert", "NEW"), ("delete", "OLD")):
            op.execute(
                f"CREATE TRIGGER item_picture_frozen_{verb} BEFORE {verb.upper()} ON item_picture WHEN {LATE.format(row)} {STOP}"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_late_picture() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE one item_picture; BEGIN "
        "IF TG_OP = 'DELETE' THEN one := OLD; ELSE one := NEW; END IF; "
        f"IF {LATE.format('one')} THEN RAISE EXCEPTION 'this row is on record and cannot change'; END IF; "
        "RETURN one; END $$"
    )
    op.execute(
        "CREATE TRIGGER item_picture_frozen BEFORE UPDATE ON item_picture FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER item_picture_draft BEFORE INSERT OR DELETE ON item_picture FOR EACH ROW EXECUTE FUNCTION refuse_late_picture()"
    )


def downgrade() -> None:
    op.drop_table("item_picture")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_late_picture()")
