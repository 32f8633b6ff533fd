"""Consents, erasures, deletions, and editions of the wall."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
FROZEN = ("consent", "deletion", "wall_edition", "wall_change")
SAME = ("id", "application_id", "n", "at")
CHANGES = ("added", "changed", "removed", "held", "restored")
REASONS = ("consent_withdrawn", "expelled", "lapsed", "resigned", "suspended", "taken_off", "other")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _key(table: str, column: str, of: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{of}.id"], name=op.f(f"fk_{table}_{column}_{of}"))


def _consent() -> None:
    channels = ("account", "profile", "application", "api", "erasure")
    op.create_table(
        "consent",
        sa.Column("id", BIG, nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("org_id", BIG, nullable=True),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("receiver", sa.String(200), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("text_version", BIG, nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("channel", _choice("channel", *channels), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        _key("consent", "person_id", "person"),
        _key("consent", "org_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_person_id", "consent", ["person_id"])
    op.create_index("ix_consent_org_id", "consent", ["org_id"])
    op.create_index("ix_consent_purpose", "consent", ["purpose", "person_id"])


def _erasure() -> None:
    states = ("asked", "proposed", "done", "declined", "withdrawn")
    two = (
        "state <> 'done' OR (proposed_by_id IS NOT NULL AND closed_by_id IS NOT NULL "
        "AND proposed_by_id <> closed_by_id)"
    )
    op.create_table(
        "erasure",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("state", _choice("erasure_state", *states), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("token", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_at", WHEN, nullable=True),
        sa.Column("proposed_by_id", BIG, nullable=True),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.Column("closed_by_id", BIG, nullable=True),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.CheckConstraint(two, name=op.f("ck_erasure_two_eyes")),
        _key("erasure", "person_id", "person"),
        _key("erasure", "proposed_by_id", "person"),
        _key("erasure", "closed_by_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sa.UniqueConstraint("uid", name=op.f("uq_erasure_uid")),
    )
    op.create_index("ix_erasure_person_id", "erasure", ["person_id"])
    op.create_index("ix_erasure_state", "erasure", ["state"])
    still = sa.text("state IN ('asked', 'proposed')")
    op.create_index(
        "uq_erasure_open", "erasure", ["person_id"], unique=True, sqlite_where=still, postgresql_where=still
    )


def _deletion() -> None:
    op.create_table(
        "deletion",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("deleted_subject", sa.String(80), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("by_name", sa.String(120), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion")),
    )
    op.create_index("ix_deletion_kind", "deletion", ["kind"])


def _wall() -> None:
    op.create_table(
        "wall_edition",
        sa.Column("id", BIG, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("by_id", BIG, nullable=True),
        sa.Column("published_at", WHEN, nullable=False),
        _key("wall_edition", "by_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wall_edition")),
        sa.UniqueConstraint("n", name=op.f("uq_wall_edition_n")),
    )
    op.create_table(
        "wall_change",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("org_id", BIG, nullable=False),
        sa.Column("kind", _choice("wall_change_kind", *CHANGES), nullable=False),
        sa.Column("reason", _choice("removal_reason", *REASONS), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        _key("wall_change", "edition_id", "wall_edition"),
        _key("wall_change", "org_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wall_change")),
    )
    op.create_index("ix_wall_change_edition_id", "wall_change", ["edition_id"])
    op.create_index("ix_wall_change_org_id", "wall_change", ["org_id"])
    op.create_table(
        "wall_entry",
        sa.Column("id", BIG, nullable=False),
        sa.Column("org_id", BIG, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("held_by_id", BIG, nullable=True),
        sa.Column("reason", _choice("removal_reason", *REASONS), nullable=True),
        _key("wall_entry", "org_id", "organisation"),
        _key("wall_entry", "held_by_id", "wall_edition"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wall_entry")),
        sa.UniqueConstraint("org_id", name=op.f("uq_wall_entry_org_id")),
    )
    op.create_index("ix_wall_entry_held_by_id", "wall_entry", ["held_by_id"])


def _freeze() -> None:
    """Words, deletions and editions stay; what was submitted changes only to lose personal data, and says when."""
    if op.get_bind().dialect.name == "sqlite":
        stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
        for table in FROZEN:
            for verb in ("UPDATE", "DELETE"):
                op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")
        op.execute("DROP TRIGGER submission_frozen_update")
        kept = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in SAME)
        op.execute(
            f"CREATE TRIGGER submission_frozen_update BEFORE UPDATE ON submission "
            f"WHEN NEW.erased_at IS NULL OR {kept} {stop}"
        )
        return
    run = "EXECUTE FUNCTION refuse_change()"
    for table in FROZEN:
        op.execute(f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}")
    op.execute("DROP TRIGGER submission_frozen ON submission")
    kept = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in SAME)
    op.execute(
        f"CREATE TRIGGER submission_frozen BEFORE UPDATE ON submission FOR EACH ROW "
        f"WHEN (NEW.erased_at IS NULL OR {kept}) {run}"
    )
    op.execute(f"CREATE TRIGGER submission_frozen_delete BEFORE DELETE ON submission FOR EACH ROW {run}")


def upgrade() -> None:
    op.add_column("stored_file", sa.Column("erased_at", WHEN, nullable=True))
    op.add_column("person", sa.Column("erased_at", WHEN, nullable=True))
    op.add_column("submission", sa.Column("erased_at", WHEN, nullable=True))
    _consent()
    _erasure()
    _deletion()
    _wall()
    _freeze()


def downgrade() -> None:
    stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
    postgres = op.get_bind().dialect.name != "sqlite"
    if postgres:
        op.execute("DROP TRIGGER submission_frozen ON submission")
        op.execute("DROP TRIGGER submission_frozen_delete ON submission")
        op.execute(
            "CREATE TRIGGER submission_frozen BEFORE UPDATE OR DELETE ON submission FOR EACH ROW "
            "EXECUTE FUNCTION refuse_change()"
        )
    else:
        op.execute("DROP TRIGGER submission_frozen_update")
    for table in ("wall_entry", "wall_change", "wall_edition", "deletion", "erasure", "consent"):
        op.drop_table(table)
    for table in ("submission", "person", "stored_file"):
        op.drop_column(table, "erased_at")
    if not postgres:
        op.execute(f"CREATE TRIGGER submission_frozen_update BEFORE UPDATE ON submission {stop}")
