"""Quotes of services in versions, customers' orders, contracts, terms, engagements with milestones; roles of their staff."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)
NEW_ROLES = ("service_lead", "service_manager")
FROZEN = ("deliverable", "work_entry", "submission_step", "service_term_step")
TABLES = (
    "engagement_note", "work_entry", "deliverable", "submission_step", "milestone_submission", "milestone",
    "engagement_member", "engagement", "service_ending", "service_term_step", "service_term", "service_contract",
    "service_quote_line", "service_quote", "buyer_setting", "customer_order",
)  # fmt: skip
# What of a version moves once it went out; a line of it only learns its order line.
QUOTE_KEPT = (
    "number", "version", "kind", "party_id", "title", "language", "by_name", "by_id", "about", "clauses", "note",
    "on_credit", "deemed", "valid_days", "gross", "net", "tax", "needs_contract", "needs_order", "fingerprint", "digest",
    "share_bp", "expires_on", "second_id", "sent_at",
)  # fmt: skip
JSON_KEPT = ("title",)
LINE_KEPT = (
    "quote_id", "n", "offer", "bundle", "words", "quantity", "list_amount", "discount", "gross", "net", "tax",
    "tax_category", "tax_bp", "price_id", "inputs", "plan", "starts", "ends",
)  # fmt: skip
LINE_JSON = ("words", "inputs", "plan")


def _column(name: str, kind: sa.types.TypeEngine, *, empty: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=empty)


def _text(name: str, length: int, *, empty: bool = False) -> sa.Column:
    return _column(name, sa.String(length), empty=empty)


def _key(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, BIG, empty=empty)


def _sum(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, sa.BigInteger(), empty=empty)


def _flag(name: str) -> sa.Column:
    return _column(name, sa.Boolean())


def _json(name: str) -> sa.Column:
    return _column(name, sa.JSON())


def _day(name: str, *, empty: bool = False) -> sa.Column:
    return _column(name, sa.Date(), empty=empty)


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


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    # The convention names a key by its first column alone.
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))


def _live(name: str, table: str, columns: list[str], said: str) -> None:
    where = sa.text(said)
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)


QUOTE_STATES = (
    "draft",
    "in_approval",
    "sent",
    "accepted",
    "declined",
    "expired",
    "withdrawn",
    "superseded",
)
AGREEMENT_STATES = (
    "drafted",
    "sent",
    "member_signed",
    "executed",
    "voided",
    "superseded",
    "terminated",
)


def _orders() -> None:
    _table(
        "customer_order", _key("party_id"), _text("number", 60), _day("ordered_on"), _text("reference", 120),
        _sum("most", empty=True), _key("file_id", empty=True), _key("by_id"), _when("created_at"), _key("edition"),
        _unique("customer_order", "party_id", "number"), party_id="party", file_id="stored_file", by_id="person",
    )  # fmt: skip
    _index("customer_order", "party_id")
    _table(
        "buyer_setting", _key("party_id"), _unique("buyer_setting", "party_id"), _flag("needs_order"), uid=False,
        party_id="party",
    )  # fmt: skip


def _quotes() -> None:
    _table(
        "service_quote", _text("number", 20), _key("version"), _column("kind", _choice("quote_for", "sale", "change", "renewal")),
        _key("party_id"), _json("title"), _text("language", 16), _text("by_name", 120), _key("by_id", empty=True),
        _text("about", 80), _column("clauses", sa.Text()), _text("note", 300), _flag("on_credit"), _flag("deemed"),
        _key("valid_days"), _sum("gross"), _sum("net"), _sum("tax"), _flag("needs_contract"), _flag("needs_order"),
        _json("second_reasons"), _text("fingerprint", 64), _text("digest", 64), _key("share_bp"),
        _day("expires_on", empty=True), _column("state", _choice("quote_state", *QUOTE_STATES)), _text("returned", 300),
        _key("second_id", empty=True), _when("sent_at", empty=True), _when("ended_at", empty=True),
        _text("end_reason", 40), _text("end_words", 300), _key("accepted_by_id", empty=True),
        _key("customer_order_id", empty=True), _key("order_id", empty=True), _unique("service_quote", "order_id"),
        _key("invoice_id", empty=True), _key("pdf_id", empty=True), _when("created_at"), _key("edition"),
        _unique("service_quote", "number", "version"), _check("service_quote", "adds_up", "gross = net + tax"),
        _check("service_quote", "two_eyes", "second_id IS NULL OR second_id <> by_id"),
        _check("service_quote", "ordered", "(state = 'accepted') = (order_id IS NOT NULL)"),
        party_id="party", by_id="person", second_id="person", accepted_by_id="person",
        customer_order_id="customer_order", order_id="billing_order", invoice_id="invoice", pdf_id="stored_file",
    )  # fmt: skip
    _index(
        "service_quote",
        "number",
        "party_id",
        "about",
        "expires_on",
        "state",
        "ended_at",
        "customer_order_id",
    )
    _live("uq_service_quote_accepted", "service_quote", ["number"], "state = 'accepted'")
    _live("uq_service_quote_sent", "service_quote", ["number"], "state = 'sent'")
    _table(
        "service_quote_line", _key("quote_id"), _key("n"), _text("offer", 60), _text("bundle", 60), _json("words"),
        _key("quantity"), _sum("list_amount"), _sum("discount"), _sum("gross"), _sum("net"), _sum("tax"),
        _text("tax_category", 40), _key("tax_bp", empty=True), _key("price_id"), _json("inputs"), _json("plan"),
        _day("starts", empty=True), _day("ends", empty=True), _key("order_line_id", empty=True),
        _unique("service_quote_line", "order_line_id"), _unique("service_quote_line", "quote_id", "n"),
        _check("service_quote_line", "adds_up", "gross = net + tax"),
        _check("service_quote_line", "discounted", "list_amount = gross + discount"),
        _check("service_quote_line", "something", "quantity > 0"), uid=False,
        quote_id="service_quote", price_id="price", order_line_id="order_line",
    )  # fmt: skip
    _index("service_quote_line", "quote_id", "offer")


def _contracts() -> None:
    _table(
        "service_contract", _text("number", 24), _unique("service_contract", "number"), _key("quote_id"),
        _text("template", 40), _key("template_version"), _text("party_name", 200), _sum("gross"), _sum("net"),
        _sum("tax"), _column("state", _choice("agreement_state", *AGREEMENT_STATES)), _key("document_id", empty=True),
        _when("sent_at", empty=True), _key("sent_by_id", empty=True), _key("asked_id", empty=True),
        _when("signed_at", empty=True), _key("signed_by_id", empty=True), _text("signed_name", 120),
        _text("signed_from", 64), _text("way", 8), _key("scan_id", empty=True), _key("checked_by_id", empty=True),
        _when("countersigned_at", empty=True), _key("countersigned_by_id", empty=True), _key("final_id", empty=True),
        _when("created_at"), _key("edition"), _check("service_contract", "adds_up", "gross = net + tax"),
        _check(
            "service_contract", "two_eyes",
            "countersigned_by_id IS NULL OR sent_by_id IS NULL OR countersigned_by_id <> sent_by_id",
        ),
        quote_id="service_quote", document_id="stored_file", sent_by_id="person", asked_id="person",
        signed_by_id="person", scan_id="stored_file", checked_by_id="person", countersigned_by_id="person",
        final_id="stored_file",
    )  # fmt: skip
    _index("service_contract", "quote_id", "state")
    alive = "state IN ('drafted', 'sent', 'member_signed', 'executed')"
    _live("uq_service_contract_live", "service_contract", ["quote_id"], alive)


def _terms() -> None:
    _table(
        "service_term", _key("subscription_id"), _unique("service_term", "subscription_id"), _text("offer", 60),
        _key("quote_id"), _flag("by_itself"), _when("notice_at", empty=True), _key("notice_by_id", empty=True),
        _text("reason", 300), _when("created_at"), _key("edition"), subscription_id="subscription",
        quote_id="service_quote", notice_by_id="person",
    )  # fmt: skip
    _index("service_term", "quote_id")
    _table(
        "service_term_step", _key("term_id"), _day("ends_on"), _key("step"), _flag("sent"), _when("at"),
        _unique("service_term_step", "term_id", "ends_on", "step"), uid=False, term_id="service_term",
    )  # fmt: skip
    _table(
        "service_ending", _key("term_id"), _day("last_day"), _text("reason", 300), _key("by_id"),
        _key("second_id", empty=True), _text("note_number", 20), _when("at"), _when("done_at", empty=True),
        _check("service_ending", "two_eyes", "second_id IS NULL OR second_id <> by_id"), term_id="service_term",
        by_id="person", second_id="person",
    )  # fmt: skip
    _index("service_ending", "term_id")


def _engagements() -> None:
    _table(
        "engagement", _text("number", 24), _unique("engagement", "number"), _key("org_id"), _key("quote_id"),
        _unique("engagement", "quote_id"), _text("offer", 60), _json("title"), _flag("deemed"), _key("warranty_days"),
        _column("state", _choice("engagement_state", "planned", "running", "paused", "delivered", "closed", "terminated")),
        _key("lead_id", empty=True), _key("acceptor_id", empty=True), _key("deputy_id", empty=True),
        _column("health", _choice("health", "green", "amber", "red")), _text("health_words", 300),
        _day("health_on", empty=True), _day("paused_on", empty=True), _text("pause_reason", 300),
        _column("pause_side", _choice("side", "ours", "customer"), empty=True), _day("started_on", empty=True),
        _day("delivered_on", empty=True), _day("ended_on", empty=True), _text("end_reason", 300),
        _key("ending_by_id", empty=True), _when("created_at"), _key("edition"),
        _check("engagement", "paused", "(state = 'paused') = (paused_on IS NOT NULL)"),
        _check("engagement", "two_acceptors", "deputy_id IS NULL OR deputy_id <> acceptor_id"),
        org_id="organisation", quote_id="service_quote", lead_id="person", acceptor_id="person", deputy_id="person",
        ending_by_id="person",
    )  # fmt: skip
    _index("engagement", "org_id", "offer", "state", "lead_id")
    _table(
        "engagement_member", _key("engagement_id"), _key("person_id"), _text("wall", 200), _key("by_id", empty=True),
        _key("ours_by_id", empty=True), _key("theirs_by_id", empty=True), _when("at"), _when("ended_at", empty=True),
        engagement_id="engagement", person_id="person", by_id="person", ours_by_id="person", theirs_by_id="person",
    )  # fmt: skip
    _index("engagement_member", "person_id")
    _live(
        "uq_engagement_member_live",
        "engagement_member",
        ["engagement_id", "person_id"],
        "ended_at IS NULL",
    )
    _table(
        "milestone", _key("engagement_id"), _key("order_line_id"), _key("n"), _text("code", 40), _json("title"),
        _key("percent"), _json("criteria"), _key("days"), _day("promised_on", empty=True),
        _day("planned_on", empty=True),
        _column("state", _choice("milestone_state", "planned", "in_work", "submitted", "accepted", "deemed", "returned")),
        _day("accepted_on", empty=True), _unique("milestone", "engagement_id", "n"),
        _unique("milestone", "order_line_id", "code"), _check("milestone", "share", "percent BETWEEN 1 AND 100"),
        _check("milestone", "accepted", "(state IN ('accepted', 'deemed')) = (accepted_on IS NOT NULL)"),
        engagement_id="engagement", order_line_id="order_line",
    )  # fmt: skip
    _index("milestone", "order_line_id", "planned_on", "state")


def _work() -> None:
    _table(
        "milestone_submission", _key("milestone_id"), _key("n"), _key("by_id"), _json("evidence"),
        _when("submitted_at"), _column("outcome", _choice("outcome", "waiting", "accepted", "deemed", "rejected")),
        _json("findings"), _when("decided_at", empty=True), _key("decided_by_id", empty=True), _text("way", 8),
        _when("bounced_at", empty=True), _key("scan_id", empty=True), _key("protocol_id", empty=True),
        _unique("milestone_submission", "milestone_id", "n"),
        _check("milestone_submission", "decided", "(outcome = 'waiting') = (decided_at IS NULL)"),
        milestone_id="milestone", by_id="person", decided_by_id="person", scan_id="stored_file",
        protocol_id="stored_file",
    )  # fmt: skip
    _index("milestone_submission", "submitted_at")
    _table(
        "submission_step", _key("submission_id"), _key("step"), _key("people"), _when("at"),
        _unique("submission_step", "submission_id", "step"), uid=False, submission_id="milestone_submission",
    )  # fmt: skip
    _table(
        "deliverable", _key("milestone_id"), _key("file_id"), _unique("deliverable", "file_id"), _text("name", 120),
        _key("version"), _key("by_id"), _when("at"), _unique("deliverable", "milestone_id", "name", "version"),
        uid=False, milestone_id="milestone", file_id="stored_file", by_id="person",
    )  # fmt: skip
    _table(
        "work_entry", _key("milestone_id"), _key("person_id"), _day("day"), _key("hundredths"), _text("words", 300),
        _key("mirrors_id", empty=True), _unique("work_entry", "mirrors_id"), _when("at"),
        _check("work_entry", "a_day", "hundredths BETWEEN -150 AND 150"), milestone_id="milestone", person_id="person",
        mirrors_id="work_entry",
    )  # fmt: skip
    _index("work_entry", "milestone_id", "person_id", "day")
    _table(
        "engagement_note", _key("engagement_id"),
        _column("kind", _choice("note_kind", "question", "risk", "finding", "change")), _text("words", 1000),
        _key("by_id"), _column("severity", _choice("severity", "none", "low", "medium", "high")), _text("owner", 120),
        _day("due_on", empty=True), _when("at"), _text("answer", 1000), _when("settled_at", empty=True),
        _key("settled_by_id", empty=True), engagement_id="engagement", by_id="person", settled_by_id="person",
    )  # fmt: skip
    _index("engagement_note", "engagement_id")


def _sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def _moved(kept: tuple[str, ...], json: tuple[str, ...]) -> str:
    """Return what says that one of these columns changes; PostgreSQL compares JSON as text."""
    if _sqlite():
        return " OR ".join(f"NEW.{one} IS NOT OLD.{one}" for one in kept)
    cast = dict.fromkeys(json, "::text")
    return " OR ".join(
        f"NEW.{one}{cast.get(one, '')} IS DISTINCT FROM OLD.{one}{cast.get(one, '')}" for one in kept
    )


def _freeze() -> None:
    stop = "BEGIN SELECT RAISE(ABORT, 'this row is on record and cannot change'); END"
    run = "EXECUTE FUNCTION refuse_change()"
    for table in FROZEN:
        if _sqlite():
            for verb in ("UPDATE", "DELETE"):
                op.execute(f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} {stop}")
        else:
            op.execute(f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}")
    out = "OLD.state NOT IN ('draft', 'in_approval')"
    moved = _moved(QUOTE_KEPT, JSON_KEPT)
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER service_quote_frozen BEFORE UPDATE ON service_quote WHEN {out} AND ({moved}) {stop}"
        )
        op.execute(f"CREATE TRIGGER service_quote_kept BEFORE DELETE ON service_quote {stop}")
        sent = "(SELECT state FROM service_quote WHERE id = OLD.quote_id) NOT IN ('draft', 'in_approval')"
        lines = _moved(LINE_KEPT, LINE_JSON)
        op.execute(
            f"CREATE TRIGGER service_quote_line_frozen BEFORE UPDATE ON service_quote_line WHEN {sent} AND ({lines}) {stop}"
        )
        op.execute(
            f"CREATE TRIGGER service_quote_line_kept BEFORE DELETE ON service_quote_line WHEN {sent} {stop}"
        )
        return
    op.execute(
        f"CREATE TRIGGER service_quote_frozen BEFORE UPDATE ON service_quote FOR EACH ROW WHEN ({out} AND ({moved})) {run}"
    )
    op.execute(f"CREATE TRIGGER service_quote_kept BEFORE DELETE ON service_quote FOR EACH ROW {run}")
    op.execute(
        "CREATE FUNCTION refuse_quote_line() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF (SELECT state FROM service_quote WHERE id = OLD.quote_id) NOT IN ('draft', 'in_approval') THEN "
        "RAISE EXCEPTION 'this row is on record and cannot change'; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    fire = "EXECUTE FUNCTION refuse_quote_line()"
    op.execute(
        f"CREATE TRIGGER service_quote_line_frozen BEFORE UPDATE ON service_quote_line FOR EACH ROW WHEN ({_moved(LINE_KEPT, LINE_JSON)}) {fire}"
    )
    op.execute(
        f"CREATE TRIGGER service_quote_line_kept BEFORE DELETE ON service_quote_line FOR EACH ROW {fire}"
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
    _hold_to([*_roles(), *NEW_ROLES])
    _orders()
    _quotes()
    _contracts()
    _terms()
    _engagements()
    _work()
    _freeze()


def downgrade() -> None:
    before = [role for role in _roles() if role not in NEW_ROLES]
    for table in TABLES:
        op.drop_table(table)
    if not _sqlite():
        op.execute("DROP FUNCTION refuse_quote_line()")
    op.execute(f"DELETE FROM staff_grant WHERE role IN ({', '.join(repr(role) for role in NEW_ROLES)})")
    _hold_to(before)
