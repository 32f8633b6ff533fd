"""Eligibilities, vouchers and bundles; exam sessions, bookings and reminders; accommodations and deeds of two people."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, BIG, nullable=nullable)


def _day(name: str) -> sa.Column:
    return sa.Column(name, sa.Date(), nullable=False)


def _when(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, WHEN, nullable=nullable)


def _enum(name: str, *values: str, column: str = "state", nullable: bool = False) -> sa.Column:
    kind = sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
    return sa.Column(column, kind, nullable=nullable)


def _check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))


def _table(name: str, *parts: sa.schema.SchemaItem, to: dict[str, str], uid: bool = True) -> None:
    keys = [
        sa.ForeignKeyConstraint([key], [f"{target}.id"], name=op.f(f"fk_{name}_{key}_{target}"))
        for key, target in to.items()
    ]
    named = [_text("uid", 32), sa.UniqueConstraint("uid", name=op.f(f"uq_{name}_uid"))] if uid else []
    op.create_table(
        name, _number("id"), *parts, *named, *keys, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}"))
    )


def _index(table: str, *columns: str) -> None:
    for name in columns:
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name])


def _live(table: str, name: str, where: str, *columns: str) -> None:
    condition = sa.text(where)
    op.create_index(
        f"uq_{table}_{name}", table, columns, unique=True, sqlite_where=condition, postgresql_where=condition
    )


def _vouchers() -> None:
    _table(
        "exam_voucher", _text("code_hash", 64), _text("hint", 8),
        _enum("voucher_kind", "percent", "amount", "full", "seat", column="kind"), _text("words", 120),
        _number("by_id"), _day("starts"), _day("ends"), _number("value"),
        sa.Column("levels", sa.JSON(), nullable=False), _number("most"), _number("per_person"), _number("used"),
        _text("reason", 300), _enum("voucher_state", "proposed", "active", "declined", "ended"),
        _number("second_id", nullable=True), _when("created_at"),
        sa.UniqueConstraint("code_hash", name=op.f("uq_exam_voucher_code_hash")),
        _check("exam_voucher", "used", "used >= 0 AND used <= most"), _check("exam_voucher", "value", "value >= 0"),
        _check("exam_voucher", "per_person", "per_person > 0"), _check("exam_voucher", "lasts", "ends > starts"),
        _check("exam_voucher", "two_eyes", "second_id IS NULL OR second_id <> by_id"),
        to={"by_id": "person", "second_id": "person"},
    )  # fmt: skip
    _index("exam_voucher", "state")


def _bundles() -> None:
    _table(
        "exam_bundle", _number("org_id"), _text("level", 40), _number("scheme"), _number("seats"),
        _number("free_retakes"), _day("bought_on"), _day("ends_on"), _number("by_id"),
        _number("order_id", nullable=True), _number("given"),
        _enum("bundle_state", "pending", "active", "ended", "dropped"), _when("created_at"),
        _check("exam_bundle", "some", "seats > 0"), _check("exam_bundle", "given", "given >= 0 AND given <= seats"),
        _check("exam_bundle", "lasts", "ends_on > bought_on"),
        to={"org_id": "organisation", "by_id": "person", "order_id": "billing_order"},
    )  # fmt: skip
    _index("exam_bundle", "org_id", "ends_on", "order_id", "state")
    _table(
        "exam_bundle_seat", _number("bundle_id"), _text("email", 254), _number("voucher_id", nullable=True),
        _enum("seat_state", "assigned", "taken", "returned"), _when("assigned_at"),
        sa.UniqueConstraint("voucher_id", name=op.f("uq_exam_bundle_seat_voucher_id")),
        to={"bundle_id": "exam_bundle", "voucher_id": "exam_voucher"},
    )  # fmt: skip
    _index("exam_bundle_seat", "bundle_id", "email", "state")
    _live("exam_bundle_seat", "open", "state IN ('assigned', 'taken') AND email <> ''", "bundle_id", "email")


def _eligibilities() -> None:
    _table(
        "exam_eligibility", _number("person_id"), _text("level", 40),
        _enum("exam_kind", "exam", "retake", "renewal", column="kind"), _number("scheme"), _day("bought_on"),
        _day("ends_on"), _number("free_retakes"), _number("attempts"), _number("order_id", nullable=True),
        _number("seat_id", nullable=True), _text("guardian", 120),
        _enum("eligibility_state", "pending", "active", "used", "ended", "refunded", "dropped"),
        _when("opened_at", nullable=True), _when("created_at"),
        sa.UniqueConstraint("seat_id", name=op.f("uq_exam_eligibility_seat_id")),
        _check("exam_eligibility", "attempts", "attempts >= 1 AND attempts <= 1 + free_retakes"),
        _check("exam_eligibility", "lasts", "ends_on > bought_on"),
        _check("exam_eligibility", "one_source", "(order_id IS NULL) OR (seat_id IS NULL)"),
        to={"person_id": "person", "order_id": "billing_order", "seat_id": "exam_bundle_seat"},
    )  # fmt: skip
    _index("exam_eligibility", "person_id", "level", "ends_on", "order_id", "state")
    _table(
        "exam_voucher_use", _number("voucher_id"), _number("person_id"), _number("eligibility_id"), _when("at"),
        _when("returned_at", nullable=True), uid=False,
        to={"voucher_id": "exam_voucher", "person_id": "person", "eligibility_id": "exam_eligibility"},
    )  # fmt: skip
    _index("exam_voucher_use", "voucher_id", "person_id", "eligibility_id")


def _sessions() -> None:
    _table(
        "exam_session", _text("level", 40), _when("starts_at"), _when("ends_at"), _text("tz", 60),
        _enum("mode", "online", "site", column="mode"), _text("place", 300), _number("capacity"),
        sa.Column("languages", sa.JSON(), nullable=False), _number("by_id"), _number("booked"),
        _enum("session_state", "draft", "open", "closed", "reported", "called_off"), _when("created_at"),
        _check("exam_session", "seats", "booked >= 0 AND booked <= capacity"),
        _check("exam_session", "some", "capacity > 0"), _check("exam_session", "lasts", "ends_at > starts_at"),
        to={"by_id": "person"},
    )  # fmt: skip
    _index("exam_session", "level", "starts_at", "state")
    _table(
        "exam_proctor", _number("session_id"), _number("person_id"),
        sa.UniqueConstraint("session_id", "person_id", name=op.f("uq_exam_proctor_session_id_person_id")),
        uid=False, to={"session_id": "exam_session", "person_id": "person"},
    )  # fmt: skip
    op.create_index(op.f("ix_exam_proctor_person_id"), "exam_proctor", ["person_id"])


STATES = (
    "held", "waiting", "offered", "confirmed", "lapsed", "rescheduled", "cancelled", "called_off", "present", "sat",
    "no_show", "excused",
)  # fmt: skip


def _bookings() -> None:
    _table(
        "exam_booking", _number("session_id"), _number("person_id"), _text("level", 40), _number("eligibility_id"),
        _enum("booking_state", *STATES), _when("until_at"), _number("rank"), _text("language", 16),
        _number("factor"), _when("expires_at", nullable=True), _text("name", 120), _text("name_latin", 120),
        _text("rules", 40), _when("confirmed_at", nullable=True), _number("rescheduled_from_id", nullable=True),
        _text("chain", 32), _number("sequence"), _number("moves"), _number("fee_id", nullable=True),
        sa.Column("retried", sa.Boolean(), nullable=False), _when("joined_at"), _when("ended_at", nullable=True),
        _text("reason", 300),
        _enum("outcome", "passed", "failed", "invalidated", "abandoned", column="outcome", nullable=True),
        _when("released_at", nullable=True), _check("exam_booking", "factor", "factor >= 100"),
        _check("exam_booking", "deadline", "(state IN ('held', 'offered')) = (expires_at IS NOT NULL)"),
        to={
            "session_id": "exam_session", "person_id": "person", "eligibility_id": "exam_eligibility",
            "rescheduled_from_id": "exam_booking", "fee_id": "invoice",
        },
    )  # fmt: skip
    _index("exam_booking", "person_id", "eligibility_id", "rescheduled_from_id")
    op.create_index("ix_exam_booking_session", "exam_booking", ["session_id", "state", "rank", "joined_at"])
    op.create_index("ix_exam_booking_due", "exam_booking", ["state", "expires_at"])
    _live("exam_booking", "live", "state IN ('held', 'confirmed', 'present')", "person_id", "level")
    _live("exam_booking", "offer", "state = 'offered'", "person_id", "level")
    _live("exam_booking", "waiting", "state = 'waiting'", "person_id", "session_id")
    _table(
        "exam_reminder", _number("booking_id"), _number("hours"), sa.Column("sent", sa.Boolean(), nullable=False),
        _when("at"), sa.UniqueConstraint("booking_id", "hours", name=op.f("uq_exam_reminder_booking_id_hours")),
        uid=False, to={"booking_id": "exam_booking"},
    )  # fmt: skip


def _care() -> None:
    _table(
        "exam_accommodation", _number("person_id"), sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False), sa.Column("granted", sa.JSON(), nullable=False),
        _number("factor"), _enum("accommodation_state", "asked", "granted", "refused", "withdrawn"),
        _text("reason", 300), _when("asked_at"), _when("decided_at", nullable=True),
        _number("officer_id", nullable=True), _check("exam_accommodation", "factor", "factor IN (100, 125, 150)"),
        _check("exam_accommodation", "other_officer", "officer_id IS NULL OR officer_id <> person_id"),
        to={"person_id": "person", "officer_id": "person"},
    )  # fmt: skip
    _index("exam_accommodation", "person_id", "state")
    _live("exam_accommodation", "open", "state IN ('asked', 'granted')", "person_id")
    _table(
        "exam_deed", _enum("exam_deed_kind", "call_off", "cancel", "reschedule", "excuse", "refund", column="kind"),
        _text("about", 60), _text("reason", 300), _number("by_id"), _number("session_id", nullable=True),
        _number("booking_id", nullable=True), _number("eligibility_id", nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False), _enum("exam_deed_state", "proposed", "done", "declined"),
        _when("at"), _number("second_id", nullable=True), _when("decided_at", nullable=True),
        _check("exam_deed", "two_eyes", "second_id IS NULL OR second_id <> by_id"),
        to={
            "by_id": "person", "session_id": "exam_session", "booking_id": "exam_booking",
            "eligibility_id": "exam_eligibility", "second_id": "person",
        },
    )  # fmt: skip
    _index("exam_deed", "about", "state")
    _live("exam_deed", "open", "state = 'proposed'", "about")


def upgrade() -> None:
    _vouchers()
    _bundles()
    _eligibilities()
    _sessions()
    _bookings()
    _care()
    with op.batch_alter_table("mail_message") as batch:
        batch.add_column(sa.Column("calendar", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("mail_message") as batch:
        batch.drop_column("calendar")
    for table in (
        "exam_deed", "exam_accommodation", "exam_reminder", "exam_booking", "exam_proctor", "exam_session",
        "exam_voucher_use", "exam_eligibility", "exam_bundle_seat", "exam_bundle", "exam_voucher",
    ):  # fmt: skip
        op.drop_table(table)
