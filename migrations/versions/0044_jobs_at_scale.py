"""The job board at scale: indexes by which a page of the board or of the pool is read without reading all of it."""

from alembic import op

revision = "0044"
down_revision = "0043a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_consent_about", "consent")
    op.create_index("ix_consent_about", "consent", ["about", "purpose", "person_id"])
    op.drop_index("ix_job_profile_city", "job_profile")
    op.create_index("ix_job_profile_city", "job_profile", ["city", "uid"])
    op.create_index("ix_job_post_list", "job_post", ["state", "id"])
    op.create_index("ix_job_post_version_city", "job_post_version", ["city"])
    op.create_index("ix_job_post_version_level", "job_post_version", ["level", "pay_year"])
    op.create_index("ix_job_post_version_pay_year", "job_post_version", ["pay_year"])


def downgrade() -> None:
    op.drop_index("ix_job_post_version_pay_year", "job_post_version")
    op.drop_index("ix_job_post_version_level", "job_post_version")
    op.drop_index("ix_job_post_version_city", "job_post_version")
    op.drop_index("ix_job_post_list", "job_post")
    op.drop_index("ix_job_profile_city", "job_profile")
    op.create_index("ix_job_profile_city", "job_profile", ["city"])
    op.drop_index("ix_consent_about", "consent")
    op.create_index("ix_consent_about", "consent", ["about", "purpose"])
