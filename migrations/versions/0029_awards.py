"""Awards, certificates with their snapshots, badges, batches, and the keys of the house."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
NOW_OPEN = "state = 'proposed'"
# What was issued never changes: a certificate's number, award and digest; its file and its end once they stand.
CERTIFICATE = ("id", "uid", "award_id", "number", "issued_at", "snapshot_sha256", "variant")
ONCE = ("file_id", "superseded_at", "superseded_by_id", "erased_at")
BADGE = (
    "id", "public_id", "certificate_id", "revocation_list", "revocation_index", "suspension_list", "suspension_index",
)  # fmt: skip
AWARD = ("id", "uid", "level", "scheme_version", "person_id", "decision", "decided_on", "start", '"end"', "renews_id",
         "badge_subject", "created_at")  # fmt: skip
AWARD_ONCE = ("revoked_at", "cause")


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


def _keys() -> None:
    _table(
        "signing_key", _column("use", _choice("key_use", "pdf-root", "pdf", "badge-ed25519", "badge-rsa")), _text("kid", 40),
        _column("state", _choice("key_state", "next", "active", "retired", "compromised")), _column("start", WHEN),
        _column("end", WHEN), _column("public_pem", sa.Text()), _column("certificate_pem", sa.Text()), _text("by_name", 120),
        _text("second_name", 120), _column("created_at", WHEN), _unique("signing_key", "kid"),
        _check("signing_key", "two_people", "by_name <> second_name"), uid=False,
    )  # fmt: skip
    _index("signing_key", "use")


def _awards() -> None:
    causes = ("misconduct", "issued_in_error", "payment_reversed", "duplicate_person", "holders_wish")
    _table(
        "award", _text("level", 20), _key("scheme_version"), _key("person_id"), _text("name_zh", 80), _text("name_latin", 80),
        _text("decision", 80), _column("decided_on", sa.Date()), _column("start", sa.Date()), _column("end", sa.Date()),
        _key("renews_id", empty=True), _column("shown", _choice("shown", "full", "masked", "hidden")),
        _column("state", _choice("award_state", "granted", "suspended", "revoked")), _column("revoked_at", WHEN, empty=True),
        _column("cause", _choice("revoke_cause", *causes), empty=True), _text("badge_subject", 36), _column("created_at", WHEN),
        _key("version"), _unique("award", "decision", "level"), _unique("award", "badge_subject"),
        _check("award", "lasts", '"end" > start'),
        _check("award", "revoked_since", "(state = 'revoked') = (revoked_at IS NOT NULL)"),
        _check("award", "named", "name_zh <> '' OR name_latin <> ''"), person_id="person", renews_id="award",
    )  # fmt: skip
    _index("award", "level", "person_id", "end", "renews_id", "state")
    _table(
        "award_suspension", _key("award_id"), _column("start", WHEN), _text("reason", 300), _text("by_name", 120),
        _text("second_name", 120), _column("confirm_by", WHEN, empty=True), _column("confirmed_at", WHEN, empty=True),
        _column("lifted_at", WHEN, empty=True), uid=False, award_id="award",
    )  # fmt: skip
    _index("award_suspension", "award_id")
    _table(
        "award_notice", _key("award_id"), _key("step"), _column("at", WHEN), _unique("award_notice", "award_id", "step"),
        uid=False, award_id="award",
    )  # fmt: skip
    _table(
        "share_link", _text("token_hash", 64), _key("person_id"), _text("label", 80), _column("awards", sa.JSON()),
        _column("expires_at", WHEN), _column("ended_at", WHEN, empty=True), _column("created_at", WHEN),
        _unique("share_link", "token_hash"), person_id="person",
    )  # fmt: skip
    _index("share_link", "person_id")


def _proposals() -> None:
    verbs = ("suspend", "confirm", "lift", "revoke", "reissue", "regrant")
    states = ("proposed", "confirmed", "declined", "lapsed")
    _table(
        "award_proposal", _key("award_id"), _column("verb", _choice("award_verb", *verbs)), _column("detail", sa.JSON()),
        _text("reason", 300), _key("by_id"), _key("paper_id", empty=True), _column("not_before", WHEN, empty=True),
        _text("heard", 2000), _column("heard_at", WHEN, empty=True), _column("state", _choice("proposal_state", *states)),
        _key("second_id", empty=True), _text("answer", 300), _column("created_at", WHEN), _column("decided_at", WHEN, empty=True),
        _check("award_proposal", "two_eyes", "second_id IS NULL OR second_id <> by_id OR state = 'declined'"),
        _check("award_proposal", "decided_by", "state IN ('proposed', 'lapsed') OR second_id IS NOT NULL"),
        award_id="award", by_id="person", second_id="person", paper_id="stored_file",
    )  # fmt: skip
    _index("award_proposal", "award_id", "state")
    op.create_index(
        "uq_award_proposal_open", "award_proposal", ["award_id", "verb"], unique=True, sqlite_where=sa.text(NOW_OPEN),
        postgresql_where=sa.text(NOW_OPEN),
    )  # fmt: skip


def _documents() -> None:
    _table(
        "certificate", _key("award_id"), _text("number", 30), _column("issued_at", WHEN), _text("snapshot_sha256", 64),
        _text("variant", 20), _column("state", _choice("paper_state", "queued", "rendering", "ready", "failed")),
        _text("error", 300), _key("file_id", empty=True), _column("superseded_at", WHEN, empty=True),
        _key("superseded_by_id", empty=True), _column("erased_at", WHEN, empty=True), _unique("certificate", "number"),
        award_id="award", file_id="stored_file", superseded_by_id="certificate",
    )  # fmt: skip
    _index("certificate", "award_id", "state")
    present = sa.text("superseded_at IS NULL")
    op.create_index(
        "uq_certificate_present", "certificate", ["award_id"], unique=True, sqlite_where=present, postgresql_where=present
    )  # fmt: skip
    _table(
        "certificate_snapshot", _key("certificate_id"), _column("body", sa.Text()), _text("name_zh", 80), _text("name_latin", 80),
        _unique("certificate_snapshot", "certificate_id"), uid=False, certificate_id="certificate",
    )  # fmt: skip
    _index("certificate_snapshot", "name_zh", "name_latin")
    _table(
        "badge", _text("public_id", 32), _key("certificate_id"), _key("revocation_list"), _key("revocation_index"),
        _key("suspension_list"), _key("suspension_index"), _column("document", sa.Text(), empty=True),
        _column("jwt", sa.Text(), empty=True), _unique("badge", "public_id"), _unique("badge", "certificate_id"),
        _unique("badge", "revocation_list", "revocation_index"), _unique("badge", "suspension_list", "suspension_index"),
        uid=False, certificate_id="certificate",
    )  # fmt: skip
    _table(
        "certificate_batch", _column("kind", _choice("batch_kind", "issue", "reissue")), _text("label", 120), _text("reason", 300),
        _key("by_id"), _column("state", _choice("batch_state", "proposed", "running", "done", "declined")),
        _key("second_id", empty=True), _key("runs"), _column("created_at", WHEN), by_id="person", second_id="person",
    )  # fmt: skip
    _table(
        "certificate_batch_row", _key("batch_id"), _key("award_id"), _key("certificate_id", empty=True), _text("error", 300),
        _unique("certificate_batch_row", "batch_id", "award_id"), uid=False, batch_id="certificate_batch", award_id="award",
        certificate_id="certificate",
    )  # fmt: skip


def _rules(differs: str) -> dict[str, str]:
    """Return per table when a change is refused; `differs` compares two values that may be null."""

    def other(columns: tuple[str, ...]) -> str:
        return " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in columns)

    def again(columns: tuple[str, ...]) -> str:
        return " OR ".join(
            f"(OLD.{name} IS NOT NULL AND OLD.{name} {differs} NEW.{name})" for name in columns
        )

    forms = " OR ".join(
        f"(OLD.{name} IS NOT NULL AND NEW.{name} IS NOT NULL AND OLD.{name} <> NEW.{name})"
        for name in ("document", "jwt")
    )
    return {
        "certificate_snapshot": "",
        "award_notice": "",
        "certificate": f"{other(CERTIFICATE)} OR {again(ONCE)}",
        "badge": f"{other(BADGE)} OR {forms}",
        "award": f"{other(AWARD)} OR {again(AWARD_ONCE)}",
        "signing_key": other(("id", "use", "kid", "start", "public_pem", "created_at")),
    }


def _freeze() -> None:
    """A snapshot may be deleted whole, when its person is erased; nothing else here is ever deleted."""
    kept = ("certificate", "badge", "award", "award_notice", "signing_key")
    if op.get_bind().dialect.name == "sqlite":
        stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
        for table, when in _rules("IS NOT").items():
            said = f"WHEN {when} " if when else ""
            op.execute(f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} {said}{stop}")
        for table in kept:
            op.execute(f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table} {stop}")
        return
    run = "EXECUTE FUNCTION refuse_change()"
    for table, when in _rules("IS DISTINCT FROM").items():
        said = f"WHEN ({when}) " if when else ""
        op.execute(f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} FOR EACH ROW {said}{run}")
    for table in kept:
        op.execute(f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table} FOR EACH ROW {run}")


def upgrade() -> None:
    _keys()
    _awards()
    _proposals()
    _documents()
    _freeze()


def downgrade() -> None:
    for table in (
        "certificate_batch_row", "certificate_batch", "badge", "certificate_snapshot", "certificate", "award_proposal",
        "share_link", "award_notice", "award_suspension", "award", "signing_key",
    ):  # fmt: skip
        op.drop_table(table)
