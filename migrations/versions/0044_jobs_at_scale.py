"""The job board at scale: indexes by which a page is read without reading all; decisions may go once their post is over."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043a"
branch_labels = None
depends_on = None


OVER = "('filled', 'expired', 'removed')"
STOP = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
OPEN = f"EXISTS (SELECT 1 FROM job_post p WHERE p.id = OLD.post_id AND p.state NOT IN {OVER})"


def _let_decisions_go() -> None:
    """Let a decision be deleted once its post is over: how long it is kept is the catalogue's word."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER job_decision_frozen_delete")
        op.execute(
            f"CREATE TRIGGER job_decision_frozen_delete BEFORE DELETE ON job_decision WHEN {OPEN} {STOP}"
        )
        return
    op.execute("DROP TRIGGER job_decision_frozen ON job_decision")
    op.execute(
        "CREATE TRIGGER job_decision_frozen BEFORE UPDATE ON job_decision FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE FUNCTION refuse_open_decision() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {OPEN} THEN RAISE EXCEPTION 'this row is on record and cannot change'; END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER job_decision_frozen_delete BEFORE DELETE ON job_decision FOR EACH ROW "
        "EXECUTE FUNCTION refuse_open_decision()"
    )


def _freeze_decisions() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER job_decision_frozen_delete")
        op.execute(f"CREATE TRIGGER job_decision_frozen_delete BEFORE DELETE ON job_decision {STOP}")
        return
    op.execute("DROP TRIGGER job_decision_frozen_delete ON job_decision")
    op.execute("DROP FUNCTION refuse_open_decision()")
    op.execute("DROP TRIGGER job_decision_frozen ON job_decision")
    op.execute(
        "CREATE TRIGGER job_decision_frozen BEFORE UPDATE OR DELETE ON job_decision FOR EACH ROW "
        "EXECUTE FUNCTION refuse_change()"
    )


def upgrade() -> None:
    _let_decisions_go()
    op.add_column("job_employer_check", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index("ix_consent_about", "consent")
    op.create_index("ix_consent_about", "consent", ["about", "purpose", "person_id"])
    op.drop_index("ix_job_profile_city", "job_profile")
    op.create_index("ix_job_profile_city", "job_profile", ["city", "uid"])
    op.create_index("ix_job_post_list", "job_post", ["state", "id"])
    op.create_index("ix_job_post_version_city", "job_post_version", ["city"])
    op.create_index("ix_job_post_version_level", "job_post_version", ["level", "pay_year"])
    op.create_index("ix_job_post_version_pay_year", "job_post_version", ["pay_year"])


def downgrade() -> None:
    _freeze_decisions()
    op.drop_index("ix_job_post_version_pay_year", "job_post_version")
    op.drop_index("ix_job_post_version_level", "job_post_version")
    op.drop_index("ix_job_post_version_city", "job_post_version")
    op.drop_index("ix_job_post_list", "job_post")
    op.drop_index("ix_job_profile_city", "job_profile")
    op.create_index("ix_job_profile_city", "job_profile", ["city"])
    op.drop_index("ix_consent_about", "consent")
    op.create_index("ix_consent_about", "consent", ["about", "purpose"])
    op.drop_column("job_employer_check", "reminded_at")
