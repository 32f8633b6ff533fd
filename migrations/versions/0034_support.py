"""Support: tickets with their messages, files and frozen history, who may ask, duty, satisfaction; roles of its staff."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
FROZEN = ("ticket_event", "ticket_step")
NEW_ROLES = ("support_agent", "support_lead")
# A message changes when a secret in it is blacked out, once, and its hash then stands; and to lose all its words.
KEPT = ("id", "uid", "ticket_id", "side", "public", "channel", "by_id", "mail_id", "at")


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


STATES = ("new", "open", "waiting_customer", "on_hold", "solved", "closed", "merged", "rejected")
CHANNELS = ("page", "api", "mail", "staff")
EVENTS = (
    "received", "asked", "answered", "workaround", "state", "severity", "level", "earlier", "noted", "taken",
    "appealed", "blacked",
)  # fmt: skip


def _tickets() -> None:
    _table(
        "support_ticket", _key("org_id", empty=True), _key("asker_id"), _text("title", 200),
        _column("channel", _choice("channel", *CHANNELS)), _column("severity", _choice("severity", "s1", "s2", "s3")),
        _text("level", 40), _column("state", _choice("ticket_state", *STATES)), _key("agent_id", empty=True),
        _column("received_at", WHEN), _column("hold_until", WHEN, empty=True), _text("hold_reason", 300),
        _text("cause", 300), _column("spam", sa.Boolean()), _key("into_id", empty=True), _key("follows_id", empty=True),
        _column("solved_at", WHEN, empty=True), _column("closed_at", WHEN, empty=True), _key("edition"),
        _check("support_ticket", "held", "(state = 'on_hold') = (hold_until IS NOT NULL)"),
        _check("support_ticket", "merged", "(state = 'merged') = (into_id IS NOT NULL)"),
        org_id="organisation", asker_id="person", agent_id="person", into_id="support_ticket",
        follows_id="support_ticket",
    )  # fmt: skip
    _index(
        "support_ticket", "org_id", "asker_id", "severity", "level", "state", "agent_id", "received_at", "into_id",
        "closed_at",
    )  # fmt: skip
    _table(
        "ticket_message", _key("ticket_id"), _column("side", _choice("side", "customer", "staff", "machine")),
        _column("public", sa.Boolean()), _column("body", sa.Text()), _column("channel", _choice("channel", *CHANNELS)),
        _key("by_id", empty=True), _text("mail_id", 250, empty=True), _unique("ticket_message", "mail_id"),
        _text("black_hash", 64), _column("at", WHEN), ticket_id="support_ticket", by_id="person",
    )  # fmt: skip
    _index("ticket_message", "ticket_id")
    _table(
        "ticket_file", _key("message_id"), _key("file_id"), _unique("ticket_file", "file_id"), uid=False,
        message_id="ticket_message", file_id="stored_file",
    )  # fmt: skip
    _index("ticket_file", "message_id")
    _table(
        "ticket_event", _key("ticket_id"), _key("n"), _column("at", WHEN),
        _column("kind", _choice("event_kind", *EVENTS)), _text("value", 40), _column("body", sa.JSON()),
        _text("reason", 300), _key("by_id", empty=True), _unique("ticket_event", "ticket_id", "n"), uid=False,
        ticket_id="support_ticket", by_id="person",
    )  # fmt: skip
    _table(
        "ticket_step", _key("ticket_id"), _text("ladder", 20), _key("run"), _key("step"), _column("sent", sa.Boolean()),
        _column("at", WHEN), _unique("ticket_step", "ticket_id", "ladder", "run", "step"), uid=False,
        ticket_id="support_ticket",
    )  # fmt: skip
    _table(
        "ticket_satisfaction", _key("ticket_id"), _unique("ticket_satisfaction", "ticket_id"), _column("until", WHEN),
        _column("asked_at", WHEN), _key("score", empty=True), _text("words", 1000),
        _column("answered_at", WHEN, empty=True), _key("heeded_by_id", empty=True),
        _column("heeded_at", WHEN, empty=True),
        _check("ticket_satisfaction", "steps", "score IS NULL OR score BETWEEN 1 AND 5"), uid=False,
        ticket_id="support_ticket", heeded_by_id="person",
    )  # fmt: skip


def _people() -> None:
    _table(
        "support_person", _key("org_id"), _key("person_id"), _column("at", WHEN), _column("ended_at", WHEN, empty=True),
        org_id="organisation", person_id="person",
    )  # fmt: skip
    _index("support_person", "person_id")
    live = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_support_person_live", "support_person", ["org_id", "person_id"], unique=True, sqlite_where=live,
        postgresql_where=live,
    )  # fmt: skip
    _table(
        "support_duty", _column("day", sa.Date()), _unique("support_duty", "day"), _key("person_id"),
        _key("stand_in_id", empty=True),
        _check("support_duty", "two", "stand_in_id IS NULL OR stand_in_id <> person_id"), uid=False,
        person_id="person", stand_in_id="person",
    )  # fmt: skip


def _sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def _freeze() -> None:
    stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
    run = "EXECUTE FUNCTION refuse_change()"
    for table in FROZEN:
        if _sqlite():
            for verb in ("UPDATE", "DELETE"):
                op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")
        else:
            op.execute(f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}")
    same = "IS NOT" if _sqlite() else "IS DISTINCT FROM"
    moved = " OR ".join(f"NEW.{one} {same} OLD.{one}" for one in KEPT)
    changed = f"NEW.black_hash = '' OR (OLD.black_hash <> '' AND NEW.body <> '') OR {moved}"
    if _sqlite():
        op.execute(f"CREATE TRIGGER ticket_message_frozen_delete BEFORE DELETE ON ticket_message {stop}")
        op.execute(
            f"CREATE TRIGGER ticket_message_frozen_update BEFORE UPDATE ON ticket_message WHEN {changed} {stop}"
        )
        return
    op.execute(
        f"CREATE TRIGGER ticket_message_frozen_delete BEFORE DELETE ON ticket_message FOR EACH ROW {run}"
    )
    op.execute(
        "CREATE TRIGGER ticket_message_frozen_update BEFORE UPDATE ON ticket_message FOR EACH ROW "
        f"WHEN ({changed}) {run}"
    )


def _roles() -> tuple[str, ...]:
    """Return the roles that a grant may hold before this step, as the revision before it left them."""
    return (
        "reviewer", "legal", "finance", "committee", "director", "secretary", "counter_signer", "executive", "auditor",
        "administrator", "certification", "author", "item_reviewer", "chief_examiner", "proctor", "grader",
        "community_reviewer", "decider", "appeal_panel",
    )  # fmt: skip


def _hold_to(*roles: str) -> None:
    """Let a grant hold one of these roles; SQLite copies the table, and only what is named here stays checked."""
    said = f"role IN ({', '.join(repr(role) for role in roles)})"
    if _sqlite():
        with op.batch_alter_table("staff_grant", recreate="always") as batch:
            batch.create_check_constraint("staff_role", sa.text(said))
    else:
        op.drop_constraint(op.f("ck_staff_grant_staff_role"), "staff_grant", type_="check")
        op.create_check_constraint("staff_role", "staff_grant", sa.text(said))


def upgrade() -> None:
    _hold_to(*_roles(), *NEW_ROLES)
    _tickets()
    _people()
    _freeze()


def downgrade() -> None:
    for table in (
        "support_duty", "support_person", "ticket_satisfaction", "ticket_step", "ticket_event", "ticket_file",
        "ticket_message", "support_ticket",
    ):  # fmt: skip
        op.drop_table(table)
    op.execute(f"DELETE FROM staff_grant WHERE role IN ({', '.join(repr(role) for role in NEW_ROLES)})")
    _hold_to(*_roles())
