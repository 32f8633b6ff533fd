"""Licences by node: entitlements, dated terms, keys, nodes, holds, files, events; the signing key of licences."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032a"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
USES = ("pdf-root", "pdf", "badge-ed25519", "badge-rsa")
STATES = ("next", "active", "retired", "compromised")
KEY = ("id", "use", "kid", "start", "public_pem", "created_at")
KINDS = ("base", "increase", "benefit", "trial", "grant", "overage", "courtesy")
RELEASED = ("by_node", "by_person", "reclaimed", "moved", "blocked", "revoked", "transferred")
TERM = ("id", "licence_id", "kind", "nodes", "starts_at", "ends_at", "source", "grace_days", "created_at")
NODE = ("id", "uid", "licence_id", "fingerprint", "activated_at")
NODE_ONCE = ("released_at", "released_why", "released_run")
FILE = ("id", "licence_id", "jti", "kid", "token", "by_name", "issued_at", "expires_at")
FILE_ONCE = ("returned_at", "revoked_at")
TABLES = (
    "licence_proposal", "licence_refusal", "licence_event", "licence_key_set", "licence_file", "licence_node_rule", "licence_node_run", "licence_node",
    "licence_hold", "licence_key", "licence_term", "licence_tool", "licence",
)  # fmt: skip


def _column(name: str, kind: sa.types.TypeEngine, *, empty: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=empty)


def _text(name: str, length: int, *, empty: bool = False) -> sa.Column:
    return _column(name, sa.String(length), empty=empty)


def _key(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, BIG, empty=empty)


def _when(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, WHEN, empty=empty)


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


def _part(name: str, table: str, columns: list[str], where: str, *, unique: bool = True) -> None:
    said = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=said, postgresql_where=said)


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))


def _licences() -> None:
    states = ("pending", "active", "suspended", "revoked", "superseded", "cancelled")
    _table(
        "licence", _key("org_id"), _text("plan", 60), _column("sold", sa.JSON()),
        _column("policy", _choice("policy", "node_locked", "floating", "node_named")), _key("lease_seconds"), _key("warn_days"),
        _text("name", 80), _column("state", _choice("licence_state", *states)), _key("next_nodes", empty=True), _key("rev"),
        _key("sequence"), _key("live_nodes"), _column("fuse_day", sa.Date(), empty=True), _key("fuse_count"),
        _key("replaced_by_id", empty=True), _when("created_at"), _check("licence", "counted", "live_nodes >= 0"),
        _check("licence", "lease", "lease_seconds BETWEEN 300 AND 2592000"),
        _check("licence", "replaced", "(state = 'superseded') = (replaced_by_id IS NOT NULL)"), org_id="organisation",
        replaced_by_id="licence",
    )  # fmt: skip
    _index("licence", "org_id", "state")
    _table(
        "licence_tool", _key("licence_id"), _key("org_id"), _text("tool", 60), _column("features", sa.JSON()),
        _text("most_version", 40), _when("ended_at", empty=True), _unique("licence_tool", "licence_id", "tool"), uid=False,
        licence_id="licence", org_id="organisation",
    )  # fmt: skip
    _part("uq_licence_tool_live", "licence_tool", ["org_id", "tool"], "ended_at IS NULL")
    _table(
        "licence_term", _key("licence_id"), _column("kind", _choice("term_kind", *KINDS)), _key("nodes"), _when("starts_at"),
        _when("ends_at"), _text("source", 120), _key("grace_days"), _when("closed_at", empty=True),
        _column("closed_why", _choice("closed_why", "credit_note", "tier", "unpaid", "transfer"), empty=True), _when("created_at"),
        _unique("licence_term", "source"), _check("licence_term", "nodes", "nodes > 0"),
        _check("licence_term", "lasts", "ends_at > starts_at"), _check("licence_term", "grace", "grace_days >= 0"),
        _check("licence_term", "closed_within", "closed_at IS NULL OR closed_at BETWEEN starts_at AND ends_at"),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_why IS NULL)", name=op.f("ck_licence_term_closed_why_given")),
        uid=False, licence_id="licence",
    )  # fmt: skip
    _index("licence_term", "licence_id")


def _keys_and_holds() -> None:
    _table(
        "licence_key", _key("licence_id"), _text("key_hash", 64), _text("hint", 12), _text("label", 80), _text("by_name", 120),
        _key("most_nodes", empty=True), _when("ends_at", empty=True), _when("created_at"), _unique("licence_key", "key_hash"),
        _check("licence_key", "cap", "most_nodes IS NULL OR most_nodes > 0"), licence_id="licence",
    )  # fmt: skip
    _index("licence_key", "licence_id")
    _table(
        "licence_hold", _key("licence_id"), _column("reason", _choice("hold_reason", "payment", "membership", "abuse", "request")),
        _text("words_en", 300), _text("words_zh", 300), _text("source", 120), _text("by_name", 120), _when("starts_at"),
        _when("created_at"), _when("lifted_at", empty=True), _text("lifted_by", 120), licence_id="licence",
    )  # fmt: skip
    _index("licence_hold", "licence_id")
    _part("uq_licence_hold_open", "licence_hold", ["licence_id", "source"], "lifted_at IS NULL")


def _nodes() -> None:
    _table(
        "licence_node", _key("licence_id"), _key("key_id", empty=True), _text("fingerprint", 128), _when("activated_at"),
        _when("lease_until"), _when("seen_at"), _text("name", 120), _text("machine", 128), _text("other_machine", 128),
        _when("machine_at", empty=True), _text("platform", 60), _text("accelerator", 60), _text("tool_version", 40),
        _text("run", 64), _column("kept", sa.Boolean()), _when("shared_at", empty=True), _when("offline_until", empty=True),
        _when("released_at", empty=True), _column("released_why", _choice("release_why", *RELEASED), empty=True),
        _text("released_run", 64), _check("licence_node", "leased", "lease_until >= activated_at"),
        _check("licence_node", "stays", "released_at IS NULL OR released_at >= activated_at"),
        _check("licence_node", "released_why", "(released_at IS NULL) = (released_why IS NULL)"), licence_id="licence",
        key_id="licence_key",
    )  # fmt: skip
    live = "released_at IS NULL"
    _part("uq_licence_node_live", "licence_node", ["licence_id", "fingerprint"], live)
    _part("ix_licence_node_lease", "licence_node", ["licence_id", "lease_until"], live, unique=False)
    op.create_index("ix_licence_node_stays", "licence_node", ["licence_id", "fingerprint", "id"])
    _index("licence_node", "key_id")
    _table(
        "licence_node_run", _key("node_id"), _text("run", 64), _when("seen_at"), _when("ended_at", empty=True), _unique("licence_node_run", "node_id", "run"),
        uid=False, node_id="licence_node",
    )  # fmt: skip
    _table(
        "licence_node_rule", _key("licence_id"), _text("fingerprint", 128),
        _column("kind", _choice("rule_kind", "named", "barred", "blocked")), _text("by_name", 120), _text("reason", 300),
        _when("until", empty=True), _when("created_at"), _when("ended_at", empty=True),
        _check("licence_node_rule", "barred_until", "(kind = 'barred') = (until IS NOT NULL)"), uid=False, licence_id="licence",
    )  # fmt: skip
    _part(
        "uq_licence_node_rule_open",
        "licence_node_rule",
        ["licence_id", "fingerprint", "kind"],
        "ended_at IS NULL",
    )


def _records() -> None:
    _table(
        "licence_file", _key("licence_id"), _text("jti", 32), _text("kid", 40), _column("fingerprints", sa.JSON()),
        _column("token", sa.Text()), _text("by_name", 120), _when("issued_at"), _when("expires_at"), _when("returned_at", empty=True),
        _text("returned_why", 300), _when("revoked_at", empty=True), _unique("licence_file", "jti"),
        _check("licence_file", "lasts", "expires_at > issued_at"), uid=False, licence_id="licence",
    )  # fmt: skip
    _index("licence_file", "licence_id", "kid", "expires_at")
    _table(
        "licence_key_set", _text("kid", 40), _column("token", sa.Text()), _when("made_at"), _unique("licence_key_set", "kid"),
        uid=False,
    )  # fmt: skip
    _table(
        "licence_event", _key("licence_id"), _key("sequence"), _text("kind", 40), _when("at"), _text("by_name", 120),
        _column("detail", sa.JSON()), _key("node_id", empty=True), _text("once", 80, empty=True),
        _unique("licence_event", "licence_id", "sequence"), _unique("licence_event", "licence_id", "once"), licence_id="licence",
        node_id="licence_node",
    )  # fmt: skip
    _index("licence_event", "kind", "node_id")
    _table(
        "licence_refusal", _key("licence_id"), _when("hour"), _text("code", 40), _key("count"),
        _unique("licence_refusal", "licence_id", "hour", "code"), uid=False, licence_id="licence",
    )  # fmt: skip
    _table(
        "licence_proposal", _key("licence_id"), _column("verb", _choice("verb", "grant", "trial", "revoke", "long_file")),
        _column("detail", sa.JSON()), _text("reason", 300), _key("by_id"),
        _column("state", _choice("proposed_state", "proposed", "confirmed", "declined")), _key("second_id", empty=True),
        _when("created_at"), _when("decided_at", empty=True),
        _check("licence_proposal", "two_eyes", "second_id IS NULL OR second_id <> by_id OR state = 'declined'"),
        _check("licence_proposal", "decided_by", "(state = 'proposed') = (second_id IS NULL)"), licence_id="licence", by_id="person",
        second_id="person",
    )  # fmt: skip
    _index("licence_proposal", "licence_id", "state")
    _part("uq_licence_proposal_open", "licence_proposal", ["licence_id", "verb"], "state = 'proposed'")


def _other(columns: tuple[str, ...], differs: str) -> str:
    return " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in columns)


def _again(columns: tuple[str, ...], differs: str) -> str:
    return " OR ".join(f"(OLD.{name} IS NOT NULL AND OLD.{name} {differs} NEW.{name})" for name in columns)


def _rules(differs: str) -> dict[str, str]:
    """Return per table when a change is refused: what happened stands, an end is added once, a lease never falls."""
    return {
        "licence_term": f"{_other(TERM, differs)} OR {_again(('closed_at', 'closed_why'), differs)}",
        "licence_node": f"{_other(NODE, differs)} OR OLD.released_at IS NOT NULL AND ({_other(NODE_ONCE, differs)})"
        " OR NEW.lease_until < OLD.lease_until",
        "licence_file": f"{_other(FILE, differs)} OR {_again(FILE_ONCE, differs)}",
        "licence_event": "",
    }


def _trigger(table: str, when: str, verb: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        said = f"WHEN {when} " if when else ""
        stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
        op.execute(f"CREATE TRIGGER {table}_frozen_{verb} BEFORE {verb.upper()} ON {table} {said}{stop}")
        return
    said = f"WHEN ({when}) " if when else ""
    op.execute(
        f"CREATE TRIGGER {table}_frozen_{verb} BEFORE {verb.upper()} ON {table} FOR EACH ROW {said}"
        "EXECUTE FUNCTION refuse_change()"
    )


def _differs() -> str:
    return "IS NOT" if op.get_bind().dialect.name == "sqlite" else "IS DISTINCT FROM"


def _freeze() -> None:
    for table, when in _rules(_differs()).items():
        _trigger(table, when, "update")
        _trigger(table, "", "delete")


def _uses(*uses: str) -> None:
    """Let a signing key be of one of these uses; SQLite copies the table, and only what is named here stays on it."""
    said = sa.text(f"use IN ({', '.join(repr(use) for use in uses)})")
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_signing_key_key_use"), "signing_key", type_="check")
        op.create_check_constraint("key_use", "signing_key", said)
        return
    with op.batch_alter_table("signing_key", recreate="always") as batch:
        batch.create_check_constraint("key_use", said)
        batch.create_check_constraint(
            "key_state", sa.text(f"state IN ({', '.join(repr(state) for state in STATES)})")
        )
        batch.create_check_constraint("two_people", sa.text("by_name <> second_name"))
    _trigger("signing_key", _other(KEY, "IS NOT"), "update")
    _trigger("signing_key", "", "delete")


def upgrade() -> None:
    _licences()
    _keys_and_holds()
    _nodes()
    _records()
    _freeze()
    _uses(*USES, "licence")


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    _uses(*USES)
