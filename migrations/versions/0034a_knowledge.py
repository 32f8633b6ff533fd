"""The knowledge base: articles with versions in both languages; a published version never changes."""

import sqlalchemy as sa
from alembic import op

revision = "0034a"
down_revision = "0034"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
TEXTS = ("title_en", "title_zh", "body_en", "body_zh")


def _sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def _tables() -> None:
    state = sa.Enum(
        "draft",
        "published",
        "withdrawn",
        name="article_state",
        native_enum=False,
        create_constraint=True,
        length=32,
    )
    article, version = "knowledge_article", "knowledge_version"
    op.create_table(
        article,
        sa.Column("id", BIG, nullable=False), sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("ticket_id", BIG, nullable=True), sa.Column("state", state, nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False), sa.Column("created_at", WHEN, nullable=False),
        sa.Column("edition", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{article}")),
        sa.UniqueConstraint("uid", name=op.f(f"uq_{article}_uid")),
        sa.ForeignKeyConstraint(["ticket_id"], ["support_ticket.id"], name=op.f(f"fk_{article}_ticket_id_support_ticket")),
    )  # fmt: skip
    for column in ("ticket_id", "state"):
        op.create_index(op.f(f"ix_{article}_{column}"), article, [column])
    op.create_table(
        version,
        sa.Column("id", BIG, nullable=False), sa.Column("article_id", BIG, nullable=False),
        sa.Column("n", BIG, nullable=False), sa.Column("title_en", sa.String(200), nullable=False),
        sa.Column("title_zh", sa.String(200), nullable=False), sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("body_zh", sa.Text(), nullable=False), sa.Column("by_id", BIG, nullable=False),
        sa.Column("written_at", WHEN, nullable=False), sa.Column("second_id", BIG, nullable=True),
        sa.Column("published_at", WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{version}")),
        sa.UniqueConstraint("article_id", "n", name=op.f(f"uq_{version}_article_id_n")),
        sa.ForeignKeyConstraint(["article_id"], ["knowledge_article.id"], name=op.f(f"fk_{version}_article_id_knowledge_article")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f(f"fk_{version}_by_id_person")),
        sa.ForeignKeyConstraint(["second_id"], ["person.id"], name=op.f(f"fk_{version}_second_id_person")),
    )  # fmt: skip


def _freeze() -> None:
    table, stop = (
        "knowledge_version",
        "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END",
    )
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} WHEN OLD.published_at IS NOT NULL {stop}"
        )
        op.execute(
            f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table} WHEN OLD.published_at IS NOT NULL {stop}"
        )
    else:
        op.execute(
            f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
            "WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION refuse_change()"
        )


def upgrade() -> None:
    """Add the tables and freeze what is public."""
    _tables()
    _freeze()


def downgrade() -> None:
    """Take them away."""
    for table in ("knowledge_version", "knowledge_article"):
        op.drop_table(table)
