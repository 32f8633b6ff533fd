"""The job board: posts and their versions, decisions, employers, reports, saved searches, keys of feeds."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
DAY = sa.Date()
FROZEN = ("job_decision",)
ROLE = "job_moderator"


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


def _posts() -> None:
    states = ("draft", "in_review", "live", "paused", "filled", "expired", "removed")
    pauses = ("employer", "standing", "quota", "link", "silence")
    _table(
        "job_post", _key("org_id"), _key("by_id"), _column("created_at", WHEN),
        _column("state", _choice("post_state", *states)), _column("begins_on", DAY, empty=True),
        _column("starts_on", DAY, empty=True), _column("ends_on", DAY, empty=True), _key("days"), _key("places"),
        _key("shown_id", empty=True), _column("posted_at", WHEN, empty=True), _column("changed_at", WHEN),
        _column("closed_at", WHEN, empty=True), _column("paused_by", _choice("paused_by", *pauses), empty=True),
        _column("sign_on", DAY, empty=True), _column("asked_on", DAY, empty=True),
        _column("link_dead_since", DAY, empty=True), _column("by_certificate", sa.Boolean(), empty=True),
        _column("by_board", sa.Boolean(), empty=True), _column("appeal", sa.Text()),
        _column("appealed_at", WHEN, empty=True), _key("edition"),
        _check(
            "job_post", "approved",
            "state NOT IN ('live', 'paused', 'filled', 'expired') OR "
            "(shown_id IS NOT NULL AND starts_on IS NOT NULL AND ends_on IS NOT NULL AND posted_at IS NOT NULL)",
        ),
        _check("job_post", "lasts", "ends_on IS NULL OR ends_on > starts_on"),
        _check("job_post", "paused_why", "(state = 'paused') = (paused_by IS NOT NULL)"),
        _check("job_post", "some", "places > 0"), org_id="organisation", by_id="person",
    )  # fmt: skip
    _index("job_post", "org_id", "shown_id")
    op.create_index("ix_job_post_board", "job_post", ["state", "posted_at", "id"])
    _table(
        "job_post_version", _key("post_id"), _key("n"),
        _column("state", _choice("version_state", "written", "waiting", "approved", "returned")), _key("by_id"),
        _column("created_at", WHEN), _column("submitted_at", WHEN, empty=True), _key("submitted_by_id", empty=True),
        _column("escalated_at", WHEN, empty=True), _column("decided_at", WHEN, empty=True), _column("renews", sa.Boolean()), _column("marks", sa.JSON()),
        _text("title_zh", 120), _text("title_en", 120),
        *(_column(f"{part}_{tongue}", sa.Text()) for part in ("text", "duties", "requirements") for tongue in ("zh", "en")),
        _column("remote", _choice("remote", "onsite", "hybrid", "remote")), _text("city", 40),
        _column("remote_from", sa.JSON()),
        _column("employment", _choice("employment", "full_time", "part_time", "contract", "intern")), _key("places"),
        _text("currency", 3), _key("pay_low"), _key("pay_high"), _column("pay_per", _choice("pay_per", "month", "year")),
        _key("pay_months"), _key("pay_year"), _column("skills", sa.JSON()),
        _column("need", _choice("need", "none", "preferred", "required")), _text("level", 20),
        _column("apply_by", _choice("apply_by", "portal", "link")), _text("link", 500),
        _unique("job_post_version", "post_id", "n"),
        _check("job_post_version", "pay", "pay_low >= 0 AND pay_high >= pay_low"),
        _check("job_post_version", "some", "places > 0"),
        _check("job_post_version", "level", "(need = 'none') = (level = '')"),
        _check("job_post_version", "way", "state = 'written' OR apply_by = 'portal' OR link <> ''"),
        _check("job_post_version", "sent", "(state = 'written') = (submitted_at IS NULL)"),
        post_id="job_post", by_id="person", submitted_by_id="person",
    )  # fmt: skip
    _index("job_post_version", "state", "submitted_at")
    with op.batch_alter_table("job_post") as batch:
        batch.create_foreign_key(
            op.f("fk_job_post_shown_id_job_post_version"), "job_post_version", ["shown_id"], ["id"]
        )
    verdicts = ("approved", "returned", "removed", "restored", "upheld", "dismissed")
    _table(
        "job_decision", _key("post_id"), _key("version_id", empty=True), _column("verdict", _choice("verdict", *verdicts)),
        _column("reasons", sa.JSON()), _text("words_zh", 1000), _text("words_en", 1000), _key("by_id"), _key("waited"),
        _column("at", WHEN), uid=False, post_id="job_post", version_id="job_post_version", by_id="person",
    )  # fmt: skip
    _index("job_decision", "post_id", "verdict", "at")
    _table(
        "job_notice", _key("post_id"), _text("step", 20), _column("day", DAY), _column("at", WHEN),
        _unique("job_notice", "post_id", "step", "day"), uid=False, post_id="job_post",
    )  # fmt: skip
    op.create_table(
        "job_term", _text("term", 40), _key("post_id"), sa.PrimaryKeyConstraint("term", "post_id", name=op.f("pk_job_term")),
        sa.ForeignKeyConstraint(["post_id"], ["job_post.id"], name=op.f("fk_job_term_post_id_job_post")),
    )  # fmt: skip
    _index("job_term", "post_id")


def _employers() -> None:
    _table(
        "job_employer_check", _key("org_id"), _text("code", 60), _text("domain", 253), _text("mail_domain", 253),
        _key("file_id", empty=True), _key("by_id"), _column("at", WHEN),
        _column("state", _choice("check_state", "asked", "confirmed", "declined")), _key("decided_by_id", empty=True),
        _column("decided_at", WHEN, empty=True), _column("until", DAY, empty=True), _text("words", 500),
        org_id="organisation", file_id="stored_file", by_id="person", decided_by_id="person",
    )  # fmt: skip
    _index("job_employer_check", "org_id", "state")
    _only("uq_job_employer_check_open", "job_employer_check", ["org_id"], "state = 'asked'")
    _table(
        "job_employer_domain", _key("org_id"), _text("domain", 253), _key("by_id"), _column("at", WHEN),
        _unique("job_employer_domain", "org_id", "domain"), uid=False, org_id="organisation", by_id="person",
    )  # fmt: skip
    _table(
        "job_quota_choice", _key("org_id"), _column("since", DAY), _column("choose_by", DAY),
        _column("done_at", WHEN, empty=True), uid=False,
        org_id="organisation",
    )  # fmt: skip
    _index("job_quota_choice", "org_id")
    _only("uq_job_quota_choice_open", "job_quota_choice", ["org_id"], "done_at IS NULL")


def _readers() -> None:
    _table(
        "job_report", _key("post_id"), _text("teller", 64), _key("person_id", empty=True), _text("reason", 40),
        _text("words", 1000), _column("at", WHEN), _column("closed_at", WHEN, empty=True),
        _unique("job_report", "post_id", "teller"), uid=False, post_id="job_post", person_id="person",
    )  # fmt: skip
    _index("job_report", "post_id")
    _table(
        "job_saved_search", _key("person_id"), _column("asked", sa.JSON()),
        _column("rhythm", _choice("rhythm", "daily", "weekly")), _column("created_at", WHEN), _column("mailed_on", DAY, empty=True),
        _column("ended_at", WHEN, empty=True), person_id="person",
    )  # fmt: skip
    _index("job_saved_search", "person_id")
    _table(
        "job_search_sent", _key("search_id"), _key("post_id"), _column("at", WHEN),
        _unique("job_search_sent", "search_id", "post_id"), uid=False, search_id="job_saved_search", post_id="job_post",
    )  # fmt: skip
    _index("job_search_sent", "post_id")
    _table(
        "job_feed_key", _text("partner", 80), _text("key_hash", 64), _unique("job_feed_key", "key_hash"), _key("by_id"),
        _column("at", WHEN), _column("read_on", DAY, empty=True), _column("ended_at", WHEN, empty=True), by_id="person",
    )  # fmt: skip
    _only("uq_job_feed_key_live", "job_feed_key", ["partner"], "ended_at IS NULL")


def _only(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def _sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def _freeze() -> None:
    stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
    for table in FROZEN:
        if _sqlite():
            for verb in ("UPDATE", "DELETE"):
                op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")
        else:
            op.execute(
                f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
                "EXECUTE FUNCTION refuse_change()"
            )


def _roles() -> list[str]:
    """Return the roles that a grant may hold now, whichever steps came before this one."""
    if _sqlite():
        found = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'staff_grant'"
        said = re.search(r"role IN \(([^)]*)\)", str(op.get_bind().execute(sa.text(found)).scalar_one()))
        text = said[1] if said else ""
    else:
        found = (
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_staff_grant_staff_role'"
        )
        text = str(op.get_bind().execute(sa.text(found)).scalar_one())
    return re.findall(r"'(\w+)'", text)


def _hold_to(roles: list[str]) -> None:
    """Let a grant hold one of these roles; SQLite copies the table, and only what is named here stays checked."""
    said = f"role IN ({', '.join(repr(role) for role in roles)})"
    if _sqlite():
        with op.batch_alter_table("staff_grant", recreate="always") as batch:
            batch.create_check_constraint("staff_role", sa.text(said))
    else:
        op.drop_constraint(op.f("ck_staff_grant_staff_role"), "staff_grant", type_="check")
        op.create_check_constraint("staff_role", "staff_grant", sa.text(said))


def upgrade() -> None:
    _posts()
    _employers()
    _readers()
    _freeze()
    _hold_to([*_roles(), ROLE])


def downgrade() -> None:
    op.execute(f"DELETE FROM staff_grant WHERE role = {ROLE!r}")
    _hold_to([role for role in _roles() if role != ROLE])
    with op.batch_alter_table("job_post") as batch:
        batch.drop_constraint(op.f("fk_job_post_shown_id_job_post_version"), type_="foreignkey")
    for table in (
        "job_feed_key", "job_search_sent", "job_saved_search", "job_report", "job_quota_choice", "job_employer_domain",
        "job_employer_check", "job_term", "job_notice", "job_decision", "job_post_version", "job_post",
    ):  # fmt: skip
        op.drop_table(table)
