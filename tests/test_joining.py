"""How somebody comes in: into a calendar year by day, on the next first, on credit; and comes back by application."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from portal.billing.issuing import owed
from portal.billing.models import Invoice, InvoiceState
from portal.billing.verify import verify_books
from portal.core import catalogue, clock
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from portal.core.periods import nth
from portal.core.states import move
from portal.members import agreements, credit_terms, fulfil
from portal.members.belonging import AgreementState, Term, TermKind
from portal.members.models import Application, ApplicationState
from portal.members.renewal_rules import Basis, beginning, charge
from portal.members.standing import Standing
from tests import renewals as r
from tests import road
from tests.people import browser, post

PLATINUM = 40_000_000


def rule(app: Flask, name: str, value: Any) -> None:
    """Change a policy from the first day of the catalogue on."""
    with app.app_context(), transaction():
        catalogue.put("policy", name, {"code": name, "value": value}, date(2026, 1, 1))


def ready(app: Flask) -> tuple[dict[str, Any], Any, str]:
    """Have an application approved and its agreement executed; only the money is missing."""
    house, client = road.staff(app), road.company(app)
    uid = road.approved(app, house, client)
    road.sign(app, house, client, uid)
    return house, client, uid


def test_joining_a_calendar_year_late_costs_its_rest_and_the_term_ends_with_it(app: Flask) -> None:
    rule(app, "term.basis", "calendar_year")
    today = clock.today()
    expected = beginning(today, Basis.CALENDAR_YEAR)
    house, _client, uid = ready(app)
    invoice = road.invoice_of(app, uid)
    assert invoice.gross == Money(charge(PLATINUM, expected))
    road.pay(app, house, f"{invoice.gross.minor / 100:,.2f}", invoice.reference)
    with app.app_context(), reading():
        term = db.session.scalars(select(Term)).one()
        assert (term.start, term.end, term.anchor) == (
            today,
            date(today.year + 1, 1, 1),
            date(today.year, 1, 1),
        )
        assert (term.period_price, term.charged) == (Money(PLATINUM), invoice.gross)
        assert verify_books()[1] == []


def test_when_the_year_turns_before_the_money_comes_a_new_invoice_takes_it_on(app: Flask) -> None:
    rule(app, "term.basis", "calendar_year")
    _house, _client, uid = ready(app)
    first = road.invoice_of(app, uid)
    next_year = date(clock.today().year + 1, 1, 1)
    with r.on(app, next_year + timedelta(days=9)):
        r.transfer("B-1", first.gross, first.reference)
        row = db.session.scalars(select(Application)).one()
        fresh = row.invoice
        assert fresh is not None
        assert (fresh.uid != first.uid, row.state) == (True, ApplicationState.APPROVED)
        whole = Money(charge(PLATINUM, beginning(next_year + timedelta(days=9), Basis.CALENDAR_YEAR)))
        assert (fresh.gross, owed(fresh)) == (whole, whole - first.gross)
        old = db.session.scalars(select(Invoice).where(Invoice.uid == first.uid)).one()
        assert old.state is InvoiceState.VOID
        r.transfer("B-2", owed(fresh), str(fresh.reference))
        term = db.session.scalars(select(Term)).one()
        assert (term.start, term.end) == (next_year + timedelta(days=9), nth(next_year, 12, 1))
        assert verify_books()[1] == []


def test_a_term_may_start_on_the_next_first(app: Flask) -> None:
    rule(app, "term.start_rule", "next_first")
    house, _client, uid = ready(app)
    invoice, today = road.invoice_of(app, uid), clock.today()
    road.pay(app, house, "400,000.00", invoice.reference)
    first = today if today.day == 1 else nth(today.replace(day=1), 1, 1)
    with app.app_context(), reading():
        term = db.session.scalars(select(Term)).one()
        assert (term.start, term.end) == (first, nth(first, 12, 1))
        expected = Standing.ACTIVE if first == today else Standing.PENDING
        assert r.only("星河").standing is expected


def test_credit_terms_open_the_first_term_before_the_money(app: Flask) -> None:
    _house, _client, uid = ready(app)
    with r.on(app, clock.today()):
        credit_terms.give(r.only("星河"), by=r.who("fang"), reason="A ministry.")
        assert road.application(uid).state is ApplicationState.COMPLETED
        row = r.only("星河")
        assert (row.standing, len(r.terms_of(row))) == (Standing.ACTIVE_UNPAID, 1)
        r.transfer("B-1", Money(PLATINUM), road.application(uid).invoice.reference or "")  # type: ignore[union-attr]
        assert row.standing is Standing.ACTIVE


def test_who_comes_back_by_application_is_reinstated_and_stays_a_member_since_the_first_day(
    app: Flask,
) -> None:
    with app.app_context(), clock.stopped_at(date(2026, 1, 2)), transaction():
        row = r.member("Nova", tier="platinum", start=date(2023, 1, 1), kind=TermKind.IMPORTED)
        assert row.member_since == date(2023, 1, 1)
    house = road.staff(app)
    client = browser(app, "owner@nova.example")
    started = post(client, "/apply", organisation="own", tier="platinum")
    uid = started.location.split("/")[2]
    road.fill(client, uid)
    assert post(client, f"/applications/{uid}/submission").status_code == 303
    road.review(house, uid)
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    with app.app_context(), transaction():
        case = road.application(uid)
        agreement = agreements.of_application(case)
        assert agreement is not None
        for state in (AgreementState.SENT, AgreementState.MEMBER_SIGNED, AgreementState.EXECUTED):
            move(agreement, state)
        db.session.flush()
        assert case.invoice is not None
        r.transfer("B-1", case.invoice.gross, str(case.invoice.reference))
        assert fulfil.fulfil(case) is False
        kinds = [(kind, start) for kind, _tier, start, _end in r.terms_of(r.only("星河"))]
        assert kinds[-1] == (TermKind.REINSTATEMENT, clock.today())
