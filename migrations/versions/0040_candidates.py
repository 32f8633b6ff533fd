"""Candidates: profiles, consents about one receiver, looks, applications, requests for contact, referrals."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
DAY = sa.Date()
PURPOSES = (
    "jobs.apply", "employers", "jobs.show", "jobs.partner", "jobs.keep", "jobs.outcome", "certificate.name",
)  # fmt: skip
STATES = ("sent", "seen", "interview", "offer", "hired", "declined", "withdrawn")


def _column(name: str, kind: sa.types.TypeEngine, *, empty: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=empty)


def _text(name: str, length: int, *, empty: bool = False) -> sa.Column:
    return _column(name, sa.String(length), empty=empty)


def _key(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, BIG, empty=empty)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _table(name: str, *parts: sa.schema.SchemaItem, uid: bool = True, **targets: str) -> None:
    keys = [
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{name}_{column}_{target}"))
        for column, target in targets.items()
    ]
    own = [_text("uid", 32), sa.UniqueConstraint("uid", name=op.f(f"uq_{name}_uid"))] if uid else []
    op.create_table(
        name, _key("id"), *own, *parts, *keys, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}"))
    )


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))


def _people() -> None:
    _table(
        "job_profile", _key("person_id"), _unique("job_profile", "person_id"), _text("city", 40),
        _column("skills", sa.JSON()), _column("kinds", sa.JSON()), _column("languages", sa.JSON()), _text("reach", 200),
        _key("resume_id", empty=True), _column("used_at", WHEN), _key("edition"), person_id="person",
        resume_id="stored_file",
    )  # fmt: skip
    _index("job_profile", "city", "used_at")
    op.create_table(
        "job_profile_term", _text("term", 40), _key("profile_id"),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["job_profile.id"], name=op.f("fk_job_profile_term_profile_id_job_profile")
        ),
        sa.PrimaryKeyConstraint("term", "profile_id", name=op.f("pk_job_profile_term")),
    )  # fmt: skip
    _index("job_profile_term", "profile_id")
    _table(
        "job_shut_out", _key("person_id"), _key("org_id"), _column("at", WHEN),
        _unique("job_shut_out", "person_id", "org_id"), uid=False, person_id="person", org_id="organisation",
    )  # fmt: skip
    _index("job_shut_out", "org_id")
    _table(
        "job_look", _key("person_id"), _key("org_id"), _key("by_id"), _key("consent_id"),
        _column("purpose", _choice("purpose", *PURPOSES)), _text("about", 80), _text("fields", 200),
        _column("hour", WHEN), _column("at", WHEN),
        _unique("job_look", "person_id", "by_id", "org_id", "about", "fields", "consent_id", "hour"), uid=False,
        person_id="person", org_id="organisation", by_id="person", consent_id="consent",
    )  # fmt: skip
    _index("job_look", "person_id", "org_id", "about")
    _table(
        "job_pool_search", _key("org_id"), _key("by_id"), _column("day", DAY), _column("asked", sa.JSON()),
        _column("at", WHEN), org_id="organisation", by_id="person",
    )  # fmt: skip
    op.create_index("ix_job_pool_search_org_id", "job_pool_search", ["org_id", "day"])


def _applications() -> None:
    whose = "(person_id IS NULL) = (erased_at IS NOT NULL)"
    _table(
        "job_application", _key("post_id"), _key("person_id", empty=True), _column("letter", sa.Text()),
        _key("resume_id", empty=True), _column("state", _choice("job_application_state", *STATES)),
        _column("sent_at", WHEN), _column("moved_at", WHEN), _column("nudged_at", WHEN, empty=True),
        _column("closing", _choice("closing", "filled", "removed"), empty=True),
        _column("by_certificate", sa.Boolean(), empty=True), _column("erased_at", WHEN, empty=True),
        _key("edition"), _unique("job_application", "post_id", "person_id"), _check("job_application", "whose", whose),
        _check("job_application", "hired", "by_certificate IS NULL OR state = 'hired'"), post_id="job_post",
        person_id="person", resume_id="stored_file",
    )  # fmt: skip
    _index("job_application", "person_id", "moved_at")
    op.create_index("ix_job_application_state", "job_application", ["state", "moved_at"])
    _table(
        "job_application_step", _key("application_id"), _column("state", _choice("job_application_state", *STATES)),
        _text("words", 2000), _column("at", WHEN), uid=False, application_id="job_application",
    )  # fmt: skip
    _index("job_application_step", "application_id")
    _table(
        "job_contact", _key("org_id"), _key("person_id", empty=True), _key("post_id"), _text("reason", 1000),
        _key("by_id"), _column("answer_by", DAY), _column("asked_at", WHEN),
        _column("state", _choice("contact_state", "asked", "agreed", "declined")),
        _column("answered_at", WHEN, empty=True), _column("shown_until", DAY, empty=True),
        _column("erased_at", WHEN, empty=True), _key("edition"), _check("job_contact", "whose", whose),
        _check("job_contact", "shown", "(state = 'agreed') = (shown_until IS NOT NULL)"), org_id="organisation",
        person_id="person", post_id="job_post", by_id="person",
    )  # fmt: skip
    _index("job_contact", "org_id", "person_id", "post_id", "asked_at")
    _table(
        "job_referral", _key("post_id"), _key("by_id"), _key("org_id", empty=True), _text("token_hash", 64),
        _text("address_sealed", 800, empty=True), _text("address_mark", 64, empty=True), _column("answer_by", DAY),
        _column("asked_at", WHEN),
        _column("state", _choice("referral_state", "asked", "applied", "declined", "silent")),
        _column("answered_at", WHEN, empty=True), _key("application_id", empty=True), _key("edition"),
        _unique("job_referral", "token_hash"), _unique("job_referral", "post_id", "address_mark"),
        _check("job_referral", "sealed", "(state = 'asked') = (address_sealed IS NOT NULL)"),
        _check("job_referral", "marked", "(address_sealed IS NULL) = (address_mark IS NULL)"), post_id="job_post",
        by_id="person", org_id="organisation", application_id="job_application",
    )  # fmt: skip
    _index("job_referral", "by_id", "asked_at", "application_id")


def upgrade() -> None:
    op.add_column("consent", sa.Column("about", sa.String(80), nullable=False, server_default=""))
    op.create_index("ix_consent_about", "consent", ["about", "purpose"])
    _people()
    _applications()


def downgrade() -> None:
    for table in (
        "job_referral", "job_contact", "job_application_step", "job_application", "job_pool_search", "job_look",
        "job_shut_out", "job_profile_term", "job_profile",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_index("ix_consent_about", "consent")
    op.drop_column("consent", "about")
