"""Money that comes after a membership has lapsed, and coming back by application: members.md 4.4, each case."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.billing import issuing, settling
from portal.billing.models import InvoiceState
from portal.billing.money_models import Receipt
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import catalogue, clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.members import drafting, joining, late_money, reports, terms
from portal.members.belonging import TermKind
from portal.members.facts import facts_of
from portal.members.models import Kind
from portal.members.renewal_models import LateMoney, LateState, OfferState
from portal.members.standing import EndingCause, Standing, continuous_since, member_since
from tests import membership as m
from tests import renewals as r
from tests.test_renewals import end, found

L = LateState
T = r.NEW_YEAR


def lapsed(app: Flask) -> None:
    """Have a member whose renewal was offered, invoiced and lapsed."""
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2), T, date(2027, 1, 31)])


def pay(app: Flask, value: date, booked: date | None = None, amount: Money = r.GOLD) -> None:
    """Let the money for the reversed invoice arrive."""
    with r.on(app, booked or value):
        r.transfer(f"B-{value}", amount, str(r.paper(r.only()).reference), value=value)


def the_money() -> LateMoney:
    """Return the one late money on record."""
    return db.session.scalars(select(LateMoney)).one()


def test_on_the_first_day_after_grace_the_money_is_held_and_the_member_asked(app: Flask) -> None:
    """Row `paid after the end`: 31 January lapsed, money held."""
    lapsed(app)
    pay(app, date(2027, 1, 31))
    with app.app_context(), reading():
        row = r.only()
        assert (row.standing, len(r.terms_of(row)), the_money().state) == (Standing.LAPSED, 1, L.ASKED)
        assert credit_of(db.session.scalars(select(Receipt)).one()) == r.GOLD
        asked = [who for who, title in r.mails(row.subject) if "please choose" in title]
        assert asked == ["billing", "owner", "representative"]


def test_continuous_pays_the_back_dues_and_closes_the_gap(app: Flask) -> None:
    lapsed(app)
    pay(app, date(2027, 3, 1))
    with r.on(app, date(2027, 3, 5)):
        late_money.choose(the_money(), L.CONTINUOUS, by=r.who("owner"))
        row = r.only()
        assert r.terms_of(row)[1] == (TermKind.REINSTATEMENT, "gold", T, date(2028, 1, 1))
        facts = facts_of([row])[row.id]
        assert continuous_since(facts, clock.today()) == date(2026, 1, 1)
        assert (row.standing, r.standing(row, date(2027, 2, 15))) == (Standing.ACTIVE, Standing.ACTIVE)
        with pytest.raises(Refused):
            late_money.choose(the_money(), L.FRESH, by=r.who("owner"))
        assert verify_books()[1] == []
        assert reports.verify_memberships()[1] == []


def test_fresh_begins_on_the_day_of_the_money(app: Flask) -> None:
    lapsed(app)
    pay(app, date(2027, 3, 1), booked=date(2027, 3, 3))
    with r.on(app, date(2027, 3, 5)):
        late_money.choose(the_money(), L.FRESH, by=r.who("owner"))
        row = r.only()
        assert r.terms_of(row)[1] == (TermKind.REINSTATEMENT, "gold", date(2027, 3, 1), date(2028, 3, 1))
        facts = facts_of([row])[row.id]
        assert continuous_since(facts, clock.today()) == date(2027, 3, 1)
        assert (member_since(facts), row.member_since) == (date(2026, 1, 1), date(2026, 1, 1))
        then = clock.start_of(date(2027, 2, 16))
        assert terms.standing(row, on=date(2027, 2, 15), known=then) is Standing.LAPSED


def test_money_that_went_away_is_not_waited_for_and_other_money_is_asked_about(app: Flask) -> None:
    lapsed(app)
    pay(app, date(2027, 2, 10))
    with r.on(app, date(2027, 2, 20)):
        other = m.bill(r.only().org, "something else")
        settling.put_on(db.session.scalars(select(Receipt)).one(), other, by="fang")
    with app.app_context():
        r.pass_days([date(2027, 3, 12)], times=2)
        with reading():
            assert the_money().state is L.APPLY
            assert len(r.terms_of(r.only())) == 1
    pay(app, date(2027, 3, 20))
    with app.app_context(), reading():
        states = db.session.scalars(select(LateMoney.state).order_by(LateMoney.id)).all()
        assert states == [L.APPLY, L.ASKED]


def test_other_money_comes_before_anybody_noticed_that_the_first_went_away(app: Flask) -> None:
    lapsed(app)
    pay(app, date(2027, 2, 10))
    with r.on(app, date(2027, 2, 20)):
        other = m.bill(r.only().org, "something else")
        settling.put_on(db.session.scalars(select(Receipt)).one(), other, by="fang")
    pay(app, date(2027, 2, 25))
    with app.app_context(), reading():
        rows = db.session.scalars(select(LateMoney).order_by(LateMoney.id)).all()
        assert [(one.value_on, one.state) for one in rows] == [
            (date(2027, 2, 10), L.APPLY), (date(2027, 2, 25), L.ASKED)
        ]  # fmt: skip


def test_silence_for_thirty_days_begins_anew(app: Flask) -> None:
    lapsed(app)
    pay(app, date(2027, 2, 10))
    with app.app_context():
        r.pass_days([date(2027, 2, 11), date(2027, 3, 11)])
        with reading():
            assert the_money().state is L.ASKED
        r.pass_days([date(2027, 3, 12)], times=3)
        with reading():
            assert the_money().state is L.FRESH
            assert r.terms_of(r.only())[1][2:] == (date(2027, 2, 10), date(2028, 2, 10))


def test_back_in_a_calendar_year_costs_its_rest_by_day(app: Flask) -> None:
    """Row `calendar year, joined or back late`: fresh 2027-06-10, 205 days 89 863.01; the rest stays credit."""
    with app.app_context(), clock.stopped_at(date(2026, 1, 1)), transaction():
        catalogue.put(
            "policy", "term.basis", {"code": "term.basis", "value": "calendar_year"}, date(2026, 1, 1)
        )
        catalogue.put(
            "policy", "late.choose_days", {"code": "late.choose_days", "value": 200}, date(2026, 1, 1)
        )
    lapsed(app)
    pay(app, date(2027, 6, 10))
    with r.on(app, date(2027, 6, 12)):
        late_money.choose(the_money(), L.FRESH, by=r.who("owner"))
        row = r.only()
        assert r.terms_of(row)[1][2:] == (date(2027, 6, 10), date(2028, 1, 1))
        assert r.paper(row).gross == Money(8_986_301)
        assert credit_of(db.session.scalars(select(Receipt)).one()) == r.GOLD - Money(8_986_301)
        assert verify_books()[1] == []


def test_after_ninety_days_a_reviewer_decides_and_after_a_year_nobody(app: Flask) -> None:
    lapsed(app)
    pay(app, T + timedelta(days=91))
    with r.on(app, date(2027, 4, 5)):
        assert the_money().state is L.REVIEW
        with pytest.raises(Refused):
            late_money.choose(the_money(), L.FRESH, by=r.who("owner"))
        late_money.allow(the_money(), by=r.who("rui"), reason="Their bank failed.")
        assert the_money().state is L.ASKED
        with pytest.raises(Refused):
            late_money.refuse(the_money(), by=r.who("rui"), reason="No.")


def test_a_reviewer_may_ask_for_a_new_application(app: Flask) -> None:
    lapsed(app)
    pay(app, T + timedelta(days=365))
    with r.on(app, date(2028, 1, 3)):
        late_money.refuse(the_money(), by=r.who("rui"), reason="Too much has changed.")
        assert (the_money().state, r.only().standing) == (L.APPLY, Standing.LAPSED)
        assert any("a new application is needed" in title for _who, title in r.mails(r.only().subject))


def test_later_only_a_new_application_leads_back_and_member_since_stays(app: Flask) -> None:
    lapsed(app)
    pay(app, T + timedelta(days=366))
    with r.on(app, date(2028, 1, 10)):
        row = r.only()
        assert (the_money().state, row.member_since) == (L.APPLY, date(2026, 1, 1))
        asked = drafting.start(row.org, by=r.who("owner"), language="en")
        assert asked.kind is Kind.REINSTATEMENT
        assert drafting.start(row.org, by=r.who("owner"), language="en").id == asked.id
        assert joining.kind_of_term(asked) is TermKind.REINSTATEMENT


def test_money_of_the_expelled_is_held_and_nothing_revives(app: Flask) -> None:
    """Row `expelled, then pays`: standing stays expelled, finance sees the credit."""
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2)])
    with r.on(app, date(2026, 11, 10)):
        end(EndingCause.EXPELLED, date(2026, 11, 10))
    with app.app_context():
        r.pass_days([date(2026, 11, 11)])
    pay(app, date(2026, 12, 1))
    with r.on(app, date(2026, 12, 2)):
        row = r.only()
        assert (row.standing, len(r.terms_of(row)), the_money().state) == (Standing.EXPELLED, 1, L.HELD)
        told = sorted(who for who, title in r.mails(row.subject) if "Late money" in title)
        assert told == ["fang", "feng", "sun"]
        with pytest.raises(Refused):
            late_money.choose(the_money(), L.FRESH, by=r.who("owner"))
        with pytest.raises(Refused):
            drafting.start(row.org, by=r.who("owner"), language="en")
        late_money.release(the_money(), by=r.who("sun"), reason="Sent back.")
        assert the_money().state is L.SETTLED
        assert r.only().standing is Standing.EXPELLED


def test_expelled_but_the_invoice_was_still_open_when_the_money_came(app: Flask) -> None:
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2)])
    with r.on(app, date(2026, 11, 10)):
        end(EndingCause.EXPELLED, date(2026, 11, 10))
        paid = r.paper(r.only())
        r.transfer("B-1", r.GOLD, str(paid.reference))
        assert issuing.cover(paid) == "reversed"
        assert [one.state for one in r.offers_of(r.only())] == [OfferState.WITHDRAWN]
        assert (r.only().standing, the_money().state) == (Standing.EXPELLED, L.HELD)
        assert verify_books()[1] == []


def test_a_chore_that_did_not_run_changes_nothing_about_late_money(app: Flask) -> None:
    """Paid on 31 January by its value date while the invoice still stood open: it lapses first, then is held."""
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2)])
    pay(app, date(2027, 1, 31), booked=date(2027, 2, 4))
    with app.app_context(), reading():
        row = r.only()
        assert (r.paper(row).state, the_money().state) == (InvoiceState.VOID, L.ASKED)
        assert [one.state for one in r.offers_of(row)] == [OfferState.LAPSED]
        assert len(r.terms_of(row)) == 1
        assert verify_books()[1] == []


def test_the_rest_of_a_part_payment_counts_by_the_day_it_is_all_there(app: Flask) -> None:
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2)])
    pay(app, date(2027, 1, 10), amount=Money(10_000_000))
    with app.app_context():
        r.pass_days([date(2027, 1, 31)])
        with reading():
            assert db.session.scalars(select(LateMoney)).all() == []
    pay(app, date(2027, 2, 5), amount=Money(6_000_000))
    with app.app_context(), reading():
        assert (the_money().value_on, the_money().state) == (date(2027, 2, 5), L.ASKED)
