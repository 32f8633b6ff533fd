"""Webhooks of organisations: addresses, messages on their way, attempts; steps with the keys that sign licences."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
TABLES = ("webhook_attempt", "webhook_delivery", "webhook_endpoint", "licence_key_step")


def _column(name: str, kind: sa.types.TypeEngine, *, empty: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=empty)


def _text(name: str, length: int) -> sa.Column:
    return _column(name, sa.String(length))


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _table(name: str, *parts: sa.schema.SchemaItem, uid: bool = True, **targets: str) -> None:
    keys = [
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{name}_{column}_{target}"))
        for column, target in targets.items()
    ]
    own = [_text("uid", 32), sa.UniqueConstraint("uid", name=op.f(f"uq_{name}_uid"))] if uid else []
    op.create_table(
        name, _column("id", BIG), *own, *parts, *keys, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}"))
    )


def _check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool) -> None:
    said = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=said, postgresql_where=said)


def upgrade() -> None:
    _table(
        "webhook_endpoint", _column("org_id", BIG), _text("url", 500), _column("topics", sa.JSON()), _text("by_name", 120),
        _column("state", _choice("endpoint_state", "active", "stopped", "ended")), _text("sealed", 300), _text("former", 300),
        *(_column(name, WHEN, empty=True) for name in ("former_until", "failing_since", "stopped_at", "ended_at")),
        _column("edition", BIG), _column("created_at", WHEN), org_id="organisation",
    )  # fmt: skip
    op.create_index(op.f("ix_webhook_endpoint_org_id"), "webhook_endpoint", ["org_id"])
    _table(
        "webhook_delivery", _column("endpoint_id", BIG), _text("message", 40), _text("kind", 60), _text("stream", 80),
        _column("sequence", BIG), _column("body", sa.Text()), _column("replay", sa.Boolean()),
        _column("state", _choice("delivery_state", "waiting", "delivered", "skipped")), _column("behind", sa.Boolean()), _column("tries", BIG),
        _column("next_at", WHEN, empty=True), _column("created_at", WHEN), _column("done_at", WHEN, empty=True),
        _check("webhook_delivery", "done", "(state = 'waiting') = (done_at IS NULL)"), endpoint_id="webhook_endpoint",
    )  # fmt: skip
    op.create_index(op.f("ix_webhook_delivery_message"), "webhook_delivery", ["message"])
    op.create_index(op.f("ix_webhook_delivery_done_at"), "webhook_delivery", ["done_at"])
    order = ["endpoint_id", "stream", "sequence"]
    _partial("uq_webhook_delivery_once", "webhook_delivery", order, "NOT replay", unique=True)
    _partial("ix_webhook_delivery_waiting", "webhook_delivery", order, "state = 'waiting'", unique=False)
    _table(
        "webhook_attempt", _column("delivery_id", BIG), _column("at", WHEN), _column("millis", BIG),
        _column("status", BIG, empty=True), _text("error", 200), uid=False, delivery_id="webhook_delivery",
    )  # fmt: skip
    op.create_index(op.f("ix_webhook_attempt_delivery_id"), "webhook_attempt", ["delivery_id"])
    _key_steps()


def _key_steps() -> None:
    name = "licence_key_step"
    _table(
        name, _column("deed", _choice("key_deed", "add", "activate", "retire", "compromise")), _text("kid", 40),
        _text("reason", 300), _column("by_id", BIG),
        _column("state", _choice("proposed_state", "proposed", "confirmed", "declined")), _column("second_id", BIG, empty=True),
        _column("created_at", WHEN), _column("decided_at", WHEN, empty=True),
        _check(name, "two_eyes", "second_id IS NULL OR second_id <> by_id OR state = 'declined'"),
        _check(name, "decided_by", "(state = 'proposed') = (second_id IS NULL)"), by_id="person", second_id="person",
    )  # fmt: skip
    op.create_index(op.f("ix_licence_key_step_state"), name, ["state"])
    _partial("uq_licence_key_step_open", name, ["deed", "kid"], "state = 'proposed'", unique=True)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
