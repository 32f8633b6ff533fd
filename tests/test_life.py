"""The life of an application beyond the straight road: silence, closing, second thoughts; chores over time."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing.models import InvoiceState
from portal.billing.money_models import Receipt
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import audit
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from portal.members.belonging import AgreementState, Term
from portal.members.case_models import Reminder
from portal.members.models import ApplicationState
from portal.members.standing import Standing
from tests import road
from tests.people import browser, last_mail, link_in, post

S, G = ApplicationState, AgreementState


def silent(app: Flask) -> list[tuple[int, bool]]:
    with app.app_context(), reading():
        return [(row.step, row.sent) for row in db.session.scalars(select(Reminder).order_by(Reminder.id))]


def test_silence_is_reminded_of_then_expires_and_is_reopened_once(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    post(house["rui"], road.case(uid, "ownership"))
    post(house["rui"], road.case(uid, "questions"), **{"ask-why": "Which models?"})
    assert road.chore(app, "expire_applications", 6) == 0
    assert [road.chore(app, "expire_applications", 7) for _ in range(3)] == [1, 0, 0]
    assert [road.chore(app, "expire_applications", 26) for _ in range(2)] == [1, 0]
    assert silent(app) == [(7, True), (14, False), (25, True)]
    reminders = [title for who, title in road.mails(app) if title.startswith("Reminder")]
    assert reminders == ["Reminder: Galaxy Chips has questions to answer"] * 2
    assert road.chore(app, "expire_applications", 29) == 0
    assert [road.chore(app, "expire_applications", 30) for _ in range(2)] == [1, 0]
    assert road.state_of(app, uid) is S.EXPIRED
    assert "Write to us to have it reopened" in client.get(f"/applications/{uid}").text
    assert post(house["dai"], road.case(uid, "reopening")).status_code == 403
    assert post(house["rui"], road.case(uid, "reopening")).status_code == 303
    assert post(client, f"/applications/{uid}/form/membership", why="All.").status_code == 303
    assert road.chore(app, "expire_applications", 30) == 1
    assert post(house["rui"], road.case(uid, "reopening")).status_code == 409
    assert road.state_of(app, uid) is S.EXPIRED


def test_reopening_waits_while_another_application_lives(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    post(house["rui"], road.case(uid, "ownership"))
    post(house["rui"], road.case(uid, "questions"), **{"ask-why": "Which models?"})
    road.chore(app, "expire_applications", 31)
    assert post(client, "/apply", organisation="own").status_code == 303
    assert post(house["rui"], road.case(uid, "reopening")).status_code == 409


def test_unfulfilled_applications_close_and_the_money_stays_a_credit(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.approved(app, house, client)
    invoice = road.invoice_of(app, uid)
    road.pay(app, house, "1,000.00", f"part {invoice.reference}")
    assert road.chore(app, "close_unfulfilled", 119) == 0
    assert [road.chore(app, "close_unfulfilled", 120) for _ in range(3)] == [1, 0, 0]
    assert road.state_of(app, uid) is S.CLOSED
    assert road.invoice_of(app, uid).state is InvoiceState.VOID
    assert road.agreement_of(app, uid)[1] is G.VOIDED
    with app.app_context(), reading():
        assert credit_of(db.session.scalars(select(Receipt)).one()) == Money(100_000)
        assert verify_books()[1] == []
        assert road.membership().standing is Standing.NONE
    assert "stays yours as a credit" in last_mail(app, "chen@galaxy-chips.example").text
    assert post(client, "/apply", organisation="own").status_code == 303


def test_a_reviewer_proposes_to_close_and_a_director_confirms(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.approved(app, house, client)
    assert post(house["dai"], road.case(uid, "closing/confirmation")).status_code == 409
    assert post(house["rui"], road.case(uid, "closing")).status_code == 422
    assert post(house["rui"], road.case(uid, "closing"), reason="They left.").status_code == 303
    assert post(house["rong"], road.case(uid, "closing"), reason="Again.").status_code == 409
    assert post(house["dong"], road.case(uid, "closing/refusal")).status_code == 303
    assert post(house["rui"], road.case(uid, "closing"), reason="They left.").status_code == 303
    assert post(house["rui"], road.case(uid, "closing/confirmation")).status_code == 403
    assert post(house["dai"], road.case(uid, "closing/confirmation")).status_code == 303
    assert post(house["dong"], road.case(uid, "closing/confirmation")).status_code == 409
    assert road.state_of(app, uid) is S.CLOSED


def test_a_founding_application_closed_by_its_signatory_after_signing(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.approved(app, house, client)
    road.sign(app, house, client, uid)
    assert road.agreement_of(app, uid)[1] is G.EXECUTED
    assert post(client, f"/applications/{uid}/closing").status_code == 303
    assert post(client, f"/applications/{uid}/closing").status_code == 409
    assert (road.state_of(app, uid), road.agreement_of(app, uid)[1]) == (S.CLOSED, G.TERMINATED)


def test_a_waived_invoice_is_void_after_closing(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    road.review(house, uid)
    assert post(house["rui"], road.case(uid, "waiver"), reason="Among the first invited.").status_code == 303
    assert post(house["dai"], road.case(uid, "approval"), founding="y").status_code == 303
    assert post(client, f"/applications/{uid}/closing").status_code == 303
    assert road.invoice_of(app, uid).state is InvoiceState.VOID
    with app.app_context(), reading():
        assert verify_books()[1] == []


def test_standings_are_announced_once_as_days_pass(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.approved(app, house, client)
    road.sign(app, house, client, uid)
    road.pay(app, house, "400,000.00", road.invoice_of(app, uid).reference)
    with app.app_context(), reading():
        term = db.session.scalars(select(Term)).one()
        assert term.end is not None
        days = (term.end - term.start).days
    assert [road.chore(app, "announce_standings", days - 1) for _ in range(2)] == [0, 0]
    assert [road.chore(app, "announce_standings", days) for _ in range(3)] == [1, 0, 0]
    assert [road.chore(app, "announce_standings", days + 45) for _ in range(2)] == [1, 0]
    with app.app_context(), reading():
        assert road.membership().standing is Standing.LAPSED
        told = db.session.scalars(
            select(AuditEntry.detail)
            .where(AuditEntry.verb == "membership.standing_changed")
            .order_by(AuditEntry.id)
        ).all()
        assert [(one["old"], one["new"]) for one in told] == [
            ("none", "pending"), ("pending", "active"), ("active", "grace"), ("grace", "lapsed")
        ]  # fmt: skip


def test_a_reviewer_begins_for_a_company_that_takes_over(app: Flask) -> None:
    house = road.staff(app)
    fields = {"organisation": "远行科技有限公司", "tier": "silver", "name": "Wu Yi", "email": "Wu@Far.example", "language": "en"}  # fmt: skip
    assert (
        post(house["rui"], "/office/applications/new", **{**fields, "tier": "individual"}).status_code == 422
    )
    assert post(house["dai"], "/office/applications/new", **fields).status_code == 403
    assert post(house["rui"], "/office/applications/new", **fields).status_code == 303
    with app.app_context(), transaction():
        wu = db.session.scalars(select(Person).where(Person.email == "wu@far.example")).one()
        assert (wu.verified_at, wu.password_hash) == (None, None)
        wu.verified_at = wu.created_at
    client = browser(app, "wu@far.example")
    client.get(link_in(last_mail(app, "wu@far.example")))
    assert post(client, "/invitation").status_code == 303
    page = client.get("/home").text
    assert "Finish your application" in page
    with app.app_context(), reading():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "application.started")).one()
        assert entry.actor == "Rui"


def test_who_is_barred_for_good_reads_other_words(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    road.review(house, uid)
    words = {"reason_zh": "否。", "reason_en": "No."}
    post(house["dai"], road.case(uid, "rejection"), code="conduct", **words)
    again = post(client, "/apply", organisation="own")
    assert (again.status_code, "a new application is not possible." in again.text) == (409, True)
    assert "an owner or the signatory can appeal once within 30 days" in last_mail(
        app, "chen@galaxy-chips.example"
    ).text.replace("\n", " ")


def test_the_chain_of_all_this_holds(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    assert post(client, f"/applications/{uid}/withdrawal").status_code == 303
    assert post(client, f"/applications/{uid}/withdrawal").status_code == 409
    assert post(house["rui"], road.case(uid, "ownership")).status_code == 409
    with app.app_context(), reading():
        assert audit.verify()[1] == []
        assert db.session.scalar(select(func.count(AuditEntry.id))) == audit.verify()[0]
