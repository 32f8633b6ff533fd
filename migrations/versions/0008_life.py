"""The whole life: reopening, closing, second checks, papers of staff, reminders, individuals as holders."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Added with their reference in one statement: SQLite takes no constraint afterwards.
REFERENCES = (
    ("organisation", "person_id", "person"),
    ("application", "papers_checked_by_id", "person"),
    ("application", "close_proposed_by_id", "person"),
    ("agreement", "scan_by_id", "person"),
    ("invitation", "replaces_id", "contact"),
)


def _reference(table: str, column: str, to: str) -> None:
    kind = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
    op.execute(
        f"ALTER TABLE {table} ADD COLUMN {column} {kind} "
        f"CONSTRAINT fk_{table}_{column}_{to} REFERENCES {to} (id)"
    )


def _paper() -> None:
    op.create_table(
        "case_paper",
        sa.Column("id", BIG, nullable=False),
        sa.Column("application_id", BIG, nullable=False),
        sa.Column("file_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("by_name", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_case_paper_application_id_application")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_case_paper_file_id_stored_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_paper")),
    )
    op.create_index(op.f("ix_case_paper_application_id"), "case_paper", ["application_id"])


def _reminder() -> None:
    op.create_table(
        "application_reminder",
        sa.Column("id", BIG, nullable=False),
        sa.Column("application_id", BIG, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", BIG, nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name=op.f("fk_application_reminder_application_id_application"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_reminder")),
        sa.UniqueConstraint(
            "application_id", "since", "step", name=op.f("uq_application_reminder_application_id_since_step")
        ),
    )
    op.create_index(
        op.f("ix_application_reminder_application_id"), "application_reminder", ["application_id"]
    )


def _ownership() -> None:
    op.create_table(
        "ownership",
        sa.Column("id", BIG, nullable=False),
        sa.Column("owner_id", BIG, nullable=False),
        sa.Column("owned_id", BIG, nullable=False),
        sa.Column("share_bp", BIG, nullable=False),
        sa.Column("evidence", sa.String(length=300), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisation.id"], name=op.f("fk_ownership_owner_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["owned_id"], ["organisation.id"], name=op.f("fk_ownership_owned_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ownership")),
    )
    op.create_index(op.f("ix_ownership_owner_id"), "ownership", ["owner_id"])
    op.create_index(op.f("ix_ownership_owned_id"), "ownership", ["owned_id"])


def upgrade() -> None:
    for table, column, to in REFERENCES:
        _reference(table, column, to)
    op.create_index("uq_organisation_person", "organisation", ["person_id"], unique=True)
    op.add_column("application", sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("application", sa.Column("papers_checked_at", sa.DateTime(timezone=True), nullable=True))
    for column, length in (("decided_rule", 80), ("close_reason", 300)):
        op.add_column(
            "application", sa.Column(column, sa.String(length=length), nullable=False, server_default="")
        )
    op.add_column(
        "agreement",
        sa.Column("template", sa.String(length=40), nullable=False, server_default="membership"),
    )
    _paper()
    _reminder()
    _ownership()


def downgrade() -> None:
    for table in ("ownership", "application_reminder", "case_paper"):
        op.drop_table(table)
    op.drop_index("uq_organisation_person", table_name="organisation")
    for table, column, _to in REFERENCES:
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
    with op.batch_alter_table("application") as batch:
        for column in ("reopened_at", "papers_checked_at", "decided_rule", "close_reason"):
            batch.drop_column(column)
    with op.batch_alter_table("agreement") as batch:
        batch.drop_column("template")
