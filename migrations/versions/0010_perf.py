"""Lists in order without sorting, names found without reading all of them: indexes, and pieces of names."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SORTED = (("organisation", "sort_zh"), ("membership", "member_since"), ("invoice", "gross"))
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def upgrade() -> None:
    for table, column in SORTED:
        op.create_index(f"ix_{table}_{column}", table, [column])
    grams = op.create_table(
        "name_gram",
        sa.Column(
            "gram", sa.String(3).with_variant(sa.String(3, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("org_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organisation.id"], name="fk_name_gram_org_id_organisation"),
        sa.PrimaryKeyConstraint("gram", "org_id", name="pk_name_gram"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_name_gram_org_id", "name_gram", ["org_id"])
    conn = op.get_bind()
    org = sa.table("organisation", sa.column("id"), sa.column("search_text"))
    for number, old in conn.execute(sa.select(org.c.id, org.c.search_text)).all():
        text = "\n".join(sorted({folded(line) for line in old.split("\n")}))
        if text != old:
            conn.execute(sa.update(org).where(org.c.id == number).values(search_text=text))
        pieces = sorted({text[at : at + 3] for at in range(len(text) - 2)})
        if pieces:
            conn.execute(sa.insert(grams), [{"gram": piece, "org_id": number} for piece in pieces])


def downgrade() -> None:
    op.drop_table("name_gram")
    for table, column in SORTED:
        op.drop_index(f"ix_{table}_{column}", table_name=table)
