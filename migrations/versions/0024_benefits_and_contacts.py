"""Claims of benefits with their capacity; open domains, requests, vacancies, quarterly checks, letters for owners."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
GRANT_KEYS = (
    ("membership_id", "membership"),
    ("invoice_id", "invoice"),
    ("application_id", "application"),
    ("follows_id", "benefit_grant"),
)
GRANT_FACTS = (
    "id", "uid", "benefit", "quantity", "start", "end", "source", "term_id", "invoice_id", "application_id", "claim_by",
    "follows_id",
)  # fmt: skip
FROZEN = ("benefit_grant", "benefit_notice", "contact_reminder")
ROLES = (
    "owner",
    "signatory",
    "representative",
    "alternate",
    "billing",
    "technical",
    "marketing",
    "legal",
    "pr",
    "hr",
)


def _id() -> sa.Column:
    return sa.Column("id", BIG, nullable=False)


def _uid() -> sa.Column:
    return sa.Column("uid", sa.String(32), nullable=False)


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=nullable)


def _key(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, BIG, nullable=nullable)


def _to(table: str, **targets: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([name], [f"{target}.id"], name=op.f(f"fk_{table}_{name}_{target}"))
        for name, target in targets.items()
    ]


def _table(name: str, *parts: sa.schema.SchemaItem, uid: bool = True) -> None:
    unique = [sa.UniqueConstraint("uid", name=op.f(f"uq_{name}_uid"))] if uid else []
    op.create_table(name, *parts, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")), *unique)


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _live(name: str, table: str, where: str, *columns: str) -> None:
    op.create_index(
        name, table, columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def _index(table: str, *columns: str) -> None:
    for name in columns:
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name])


def _grants() -> None:
    """Let a grant say whose it is and where it comes from; those on record come from their terms."""
    with op.batch_alter_table("benefit_grant") as batch:
        batch.add_column(sa.Column("uid", sa.String(32), nullable=True))
        batch.add_column(sa.Column("source", sa.String(60), nullable=True))
        batch.add_column(sa.Column("claim_by", sa.Date(), nullable=True))
        for name, _target in GRANT_KEYS:
            batch.add_column(_key(name, nullable=True))
    random = "lower(hex(randomblob(16)))" if _sqlite() else "replace(gen_random_uuid()::text, '-', '')"
    whose = "(SELECT membership_id FROM term WHERE term.id = benefit_grant.term_id)"
    op.execute(
        f"UPDATE benefit_grant SET uid = {random}, source = 'term:' || term_id, membership_id = {whose}"
    )
    with op.batch_alter_table("benefit_grant") as batch:
        batch.alter_column("uid", existing_type=sa.String(32), nullable=False)
        batch.alter_column("source", existing_type=sa.String(60), nullable=False)
        batch.alter_column("membership_id", existing_type=BIG, nullable=False)
        batch.alter_column("term_id", existing_type=BIG, nullable=True)
        batch.drop_constraint(op.f("uq_benefit_grant_term_id_benefit"), type_="unique")
        batch.create_unique_constraint(op.f("uq_benefit_grant_source_benefit"), ["source", "benefit"])
        batch.create_unique_constraint(op.f("uq_benefit_grant_uid"), ["uid"])
        for name, target in GRANT_KEYS:
            batch.create_foreign_key(op.f(f"fk_benefit_grant_{name}_{target}"), target, [name], ["id"])
    _index("benefit_grant", "membership_id", "benefit")


def _claims() -> None:
    _table(
        "benefit_round", _id(), _text("benefit", 40), sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False), _key("most"),
        sa.CheckConstraint('"end" > start', name=op.f("ck_benefit_round_lasts")),
        sa.UniqueConstraint("benefit", "start", "end", name=op.f("uq_benefit_round_benefit_start_end")), uid=False,
    )  # fmt: skip
    states = _enum(
        "claim_state", "waiting", "claimed", "confirmed", "used", "declined", "withdrawn", "released"
    )
    _table(
        "benefit_claim", _id(), _uid(), _key("grant_id"), _key("quantity"), _text("tier", 40), _text("category", 40),
        _key("by_id"), _text("note", 500), sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("state", states, nullable=False), _key("round_id", nullable=True),
        sa.Column("claimed_at", WHEN, nullable=False), sa.Column("decided_at", WHEN, nullable=True),
        _text("decided_by", 120), _text("reason", 300), sa.Column("used_on", sa.Date(), nullable=True), _key("version"),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_benefit_claim_some")),
        *_to("benefit_claim", grant_id="benefit_grant", by_id="person", round_id="benefit_round"),
    )  # fmt: skip
    _index("benefit_claim", "grant_id", "round_id", "state")
    _table(
        "early_leave", _id(), _key("application_id"), _text("reason", 300), _key("by_id"),
        sa.Column("at", WHEN, nullable=False), *_to("early_leave", application_id="application", by_id="person"),
        sa.UniqueConstraint("application_id", name=op.f("uq_early_leave_application_id")), uid=False,
    )  # fmt: skip
    _table(
        "benefit_notice", _id(), _key("grant_id"), _key("step"), sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("at", WHEN, nullable=False), *_to("benefit_notice", grant_id="benefit_grant"),
        sa.UniqueConstraint("grant_id", "step", name=op.f("uq_benefit_notice_grant_id_step")), uid=False,
    )  # fmt: skip


def _doors() -> None:
    _table(
        "mail_domain", _id(), _uid(), _key("org_id"), _text("domain", 250), _key("by_id"),
        sa.Column("opened_at", WHEN, nullable=False), sa.Column("closed_at", WHEN, nullable=True),
        *_to("mail_domain", org_id="organisation", by_id="person"),
    )  # fmt: skip
    _index("mail_domain", "org_id", "domain")
    _live("uq_mail_domain_open", "mail_domain", "closed_at IS NULL", "org_id", "domain")
    states = _enum("join_state", "asked", "accepted", "declined", "withdrawn")
    _table(
        "join_request", _id(), _uid(), _key("person_id"), _key("org_id"),
        sa.Column("role", _enum("contact_role", *ROLES), nullable=False), _text("note", 300),
        sa.Column("state", states, nullable=False), sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("decided_at", WHEN, nullable=True), _text("decided_by", 120),
        *_to("join_request", person_id="person", org_id="organisation"),
    )  # fmt: skip
    _index("join_request", "person_id", "org_id")
    _live("uq_join_request_open", "join_request", "state = 'asked'", "org_id", "person_id")


def _vacancies() -> None:
    _table(
        "vacancy", _id(), _uid(), _key("org_id"), sa.Column("role", _enum("contact_role", *ROLES), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False), _text("declared_by", 120), _text("left_by", 120),
        _text("reason", 300), sa.Column("declared_at", WHEN, nullable=False),
        sa.Column("reminded_at", WHEN, nullable=True), sa.Column("closed_at", WHEN, nullable=True),
        _text("filled_by", 120), *_to("vacancy", org_id="organisation"),
    )  # fmt: skip
    _index("vacancy", "org_id")
    _live("uq_vacancy_open", "vacancy", "closed_at IS NULL", "org_id", "role")


def _checks() -> None:
    _table(
        "contact_check", _id(), _key("org_id"), sa.Column("quarter", sa.Date(), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False), sa.Column("confirmed_at", WHEN, nullable=True),
        _key("confirmed_by_id", nullable=True), *_to("contact_check", org_id="organisation", confirmed_by_id="person"),
        sa.UniqueConstraint("org_id", "quarter", name=op.f("uq_contact_check_org_id_quarter")), uid=False,
    )  # fmt: skip
    _index("contact_check", "org_id", "quarter")
    _table(
        "contact_reminder", _id(), _key("check_id"), _key("step"), sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("at", WHEN, nullable=False), *_to("contact_reminder", check_id="contact_check"),
        sa.UniqueConstraint("check_id", "step", name=op.f("uq_contact_reminder_check_id_step")), uid=False,
    )  # fmt: skip
    states = _enum("owner_letter_state", "proposed", "confirmed", "declined")
    _table(
        "owner_letter", _id(), _uid(), _key("org_id"), _text("email", 254), _text("language", 16),
        _text("reason", 300), _key("file_id"), _key("by_id"), sa.Column("state", states, nullable=False),
        _key("second_id", nullable=True), sa.Column("at", WHEN, nullable=False),
        sa.Column("decided_at", WHEN, nullable=True),
        sa.CheckConstraint("second_id IS NULL OR second_id <> by_id", name=op.f("ck_owner_letter_two_eyes")),
        *_to("owner_letter", org_id="organisation", file_id="stored_file", by_id="person", second_id="person"),
    )  # fmt: skip
    _index("owner_letter", "org_id")
    _live("uq_owner_letter_open", "owner_letter", "state = 'proposed'", "org_id")


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def upgrade() -> None:
    _grants()
    _claims()
    _doors()
    _vacancies()
    _checks()
    for table in FROZEN:
        _freeze(table)


def _freeze(table: str) -> None:
    """Let nothing of a row change; only whose grants are moves, when two entries of one organisation are merged."""
    told, stop = "IS DISTINCT FROM", "FOR EACH ROW {when}EXECUTE FUNCTION refuse_change()"
    if _sqlite():
        told, stop = (
            "IS NOT",
            "{when}BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END",
        )
    when = ""
    if table == "benefit_grant":
        when = "WHEN (" + " OR ".join(f'OLD."{name}" {told} NEW."{name}"' for name in GRANT_FACTS) + ") "
    for verb, condition in (("UPDATE", when), ("DELETE", "")):
        name = f"{table}_frozen_{verb.lower()}"
        op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {stop.format(when=condition)}")


def downgrade() -> None:
    for table in FROZEN:
        for suffix in ("_update", "_delete"):
            op.execute(f"DROP TRIGGER {table}_frozen{suffix}" + ("" if _sqlite() else f" ON {table}"))
    for table in (
        "owner_letter", "contact_reminder", "contact_check", "vacancy", "join_request", "mail_domain",
        "benefit_notice", "early_leave", "benefit_claim", "benefit_round",
    ):  # fmt: skip
        op.drop_table(table)
    op.execute("DELETE FROM benefit_grant WHERE term_id IS NULL")
    for name in ("membership_id", "benefit"):
        op.drop_index(op.f(f"ix_benefit_grant_{name}"), "benefit_grant")
    with op.batch_alter_table("benefit_grant") as batch:
        for name, target in GRANT_KEYS:
            batch.drop_constraint(op.f(f"fk_benefit_grant_{name}_{target}"), type_="foreignkey")
        batch.drop_constraint(op.f("uq_benefit_grant_uid"), type_="unique")
        batch.drop_constraint(op.f("uq_benefit_grant_source_benefit"), type_="unique")
        batch.create_unique_constraint(op.f("uq_benefit_grant_term_id_benefit"), ["term_id", "benefit"])
        batch.alter_column("term_id", existing_type=BIG, nullable=False)
        for name in ("uid", "source", "claim_by", *(name for name, _target in GRANT_KEYS)):
            batch.drop_column(name)
