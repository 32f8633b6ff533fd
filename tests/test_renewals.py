"""Renewals over days that pass: offers, invoices, the ladder and its stops, grace, lapse; each edge with its example."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.billing import issuing
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Receipt
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import catalogue, clock, outbox
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from portal.members import credit_terms, leaving, reminding, renewing, reports, terms
from portal.members.belonging import Ending, Hold, Membership, Term, TermKind
from portal.members.renewal_models import OfferState
from portal.members.renewal_queries import last_term
from portal.members.standing import EndingCause, HoldCause, Standing
from tests import renewals as r

O = OfferState  # noqa: E741
T = r.NEW_YEAR
LAST = ["ended", "grace_7", "grace_21", "lapsed"]


def found(app: Flask, **more: Any) -> None:
    """Add staff and a member whose term runs through 2026."""
    with r.on(app, date(2026, 1, 1)):
        r.staff()
        r.member(**more)


def kept(row: Membership) -> Standing:
    """Return the copy of a standing as it stands now."""
    return row.standing


def sound(day: date | None = None) -> None:
    """Assert that books and memberships hold together, on the clock's day or another one."""
    with clock.stopped_at(day or clock.today()):
        assert verify_books()[1] == []
        assert reports.verify_memberships()[1] == []


def test_the_ladder_of_an_organisation_from_the_offer_to_the_invitation_back(app: Flask) -> None:
    found(app)
    with app.app_context():
        r.pass_days(r.marked(date(2026, 10, 1), date(2027, 7, 10), around=True))
        with reading():
            row = r.only()
            (offer,) = r.offers_of(row)
            assert (offer.opened_on, offer.invoiced_on) == (date(2026, 10, 3), date(2026, 11, 2))
            assert (offer.amount, offer.start, offer.end, offer.k) == (r.GOLD, T, date(2028, 1, 1), 1)
            assert (offer.state, offer.closed_on) == (O.LAPSED, date(2027, 1, 31))
            assert r.paper(row).state is InvoiceState.VOID
            codes = ["offer", "invoice", "remind_30", "remind_14", "remind_7", *LAST, "back_60", "back_180"]
            assert r.steps(row) == [(code, "sent") for code in codes]
            told = r.mails(row.subject)
            assert [who for who, title in told if "time to renew" in title] == ["billing", "representative"]
            assert [who for who, title in told if "the invoice for" in title] == ["representative"]
            assert kept(row) is Standing.LAPSED
            changes = db.session.scalars(
                select(AuditEntry.detail)
                .where(AuditEntry.verb == "membership.standing_changed")
                .order_by(AuditEntry.id)
            ).all()
            assert [(one["old"], one["new"]) for one in changes] == [
                ("none", "active"), ("active", "grace"), ("grace", "lapsed")
            ]  # fmt: skip
            assert [str(r.standing(row, T + timedelta(days=n))) for n in (-1, 0, 29, 30)] == [
                "active", "grace", "grace", "lapsed"
            ]  # fmt: skip
            sound(date(2027, 7, 1))


def test_the_lapse_that_is_announced_closes_the_offer_at_once(app: Flask) -> None:
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2)])
        r.pass_days([date(2027, 1, 31)], names=("announce_standings",))
        with clock.stopped_at(date(2027, 1, 31)):
            outbox.drain()
        with reading():
            (offer,) = r.offers_of(r.only())
            assert (offer.state, r.paper(r.only()).state) == (O.LAPSED, InvoiceState.VOID)


def test_the_offer_says_what_the_year_gave(app: Flask) -> None:
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3)])
        with reading():
            told = db.session.scalars(
                select(MailMessage.text).where(MailMessage.title.contains("time to renew"))
            ).all()
            assert told
            for text in told:
                assert re.search(r"· .+: 0 of \d+ used", text)
                assert "/benefits/value" in text


def test_the_last_day_ends_at_midnight_in_shanghai(app: Flask) -> None:
    found(app)
    with app.app_context():
        ends = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
        for at, what in ((ends - timedelta(minutes=1), Standing.ACTIVE), (ends, Standing.GRACE)):
            with clock.stopped_at(at), reading():
                assert terms.standing(r.only()) is what


def test_an_individual_is_offered_a_month_before_and_invoiced_with_it(app: Flask) -> None:
    found(app, name="Lin", tier="individual", person=True)
    with app.app_context():
        r.pass_days(r.marked(date(2026, 11, 20), date(2027, 7, 10), around=True), names=r.ALL)
        with reading():
            row = r.only("Lin")
            (offer,) = r.offers_of(row)
            assert (offer.opened_on, offer.invoiced_on) == (date(2026, 12, 2), date(2026, 12, 2))
            codes = ["offer", "remind_14", "remind_7", "ended", "grace_14", "lapsed", "back_60"]
            assert r.steps(row) == [(code, "sent") for code in codes]


def test_chore_missed_sends_the_latest_step_and_skips_the_ones_before(app: Flask) -> None:
    """Row `chore missed or doubled`: down 30 November to 19 December, back on the 20th, then the 25th."""
    found(app)
    with app.app_context():
        r.pass_days(r.marked(date(2026, 10, 1), date(2026, 11, 30), around=True), names=("send_reminders",))
        r.pass_days([date(2026, 12, 20)], times=3)
        with reading():
            assert r.steps(r.only())[2:] == [("remind_30", "skipped"), ("remind_14", "sent")]
        r.pass_days([date(2026, 12, 21), date(2026, 12, 25)], times=2)
        with reading():
            assert r.steps(r.only())[2:] == [
                ("remind_30", "skipped"), ("remind_14", "sent"), ("remind_7", "sent")
            ]  # fmt: skip


def test_paid_early_the_new_term_begins_where_the_old_one_ends(app: Flask) -> None:
    """Row `early, drift, 29 February`: paid 2026-10-05, end 2027-01-01."""
    found(app)
    with r.on(app, date(2026, 10, 5)):
        row = r.only()
        term = last_term(row)
        assert term is not None
        offer = renewing.offer(term, by=r.who("owner"))
        assert renewing.offer(term, by=r.who("billing")).id == offer.id
        paid = renewing.invoice(offer, by=r.who("owner"))
        assert renewing.invoice(offer, by=r.who("owner")).id == paid.id
        r.transfer("B-1", r.GOLD, str(paid.reference))
        assert r.terms_of(row)[1] == (TermKind.RENEWAL, "gold", T, date(2028, 1, 1))
        assert r.standing(row, clock.today()) is Standing.ACTIVE
        assert [line.period_start for line in paid.order.lines] == [T]
    with app.app_context():
        r.pass_days(r.marked(date(2026, 12, 1), date(2027, 3, 5)))
        with reading():
            row = r.only()
            assert r.steps(row) == []
            assert [offer.state for offer in r.offers_of(row)] == [O.RENEWED]
            assert kept(row) is Standing.ACTIVE
            sound(date(2027, 3, 2))


def test_offers_open_no_earlier_than_the_ladder_says(app: Flask) -> None:
    found(app)
    with r.on(app, date(2026, 10, 2)):
        term = last_term(r.only())
        assert term is not None
        with pytest.raises(Refused):
            renewing.offer(term, by=r.who("owner"))
    with r.on(app, date(2026, 10, 3)):
        term = last_term(r.only())
        assert term is not None
        assert renewing.offer(term, by=r.who("owner")).start == T


def test_paid_within_grace_by_its_value_date_goes_on_without_a_gap(app: Flask) -> None:
    """Row `paid after the end`: 30 January is continuous, also when it is booked after the lapse."""
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2), date(2027, 1, 1), date(2027, 1, 31)])
    with r.on(app, date(2027, 2, 3)):
        row = r.only()
        assert r.standing(row, clock.today()) is Standing.LAPSED
        r.transfer("B-1", r.GOLD, str(r.paper(row).reference), value=date(2027, 1, 30))
        assert r.terms_of(row)[1][2:] == (T, date(2028, 1, 1))
        assert [str(r.standing(row, date(2027, 1, n))) for n in (1, 30, 31)] == ["active"] * 3
        assert kept(row) is Standing.ACTIVE
        sound()


def test_part_payment_covers_nothing(app: Flask) -> None:
    """Row `part payment, failed charge`: 159 980.00 of 160 000.00 in grace is still grace, and lapses to credit."""
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2), date(2027, 1, 1)])
    with r.on(app, date(2027, 1, 10)):
        row = r.only()
        r.transfer("B-1", Money(15_998_000), str(r.paper(row).reference))
        assert (row.standing, len(r.terms_of(row))) == (Standing.GRACE, 1)
    with app.app_context():
        r.pass_days([date(2027, 1, 31)], times=2)
        with reading():
            row = r.only()
            assert (row.standing, r.paper(row).state) == (Standing.LAPSED, InvoiceState.VOID)
            assert credit_of(db.session.scalars(select(Receipt)).one()) == Money(15_998_000)
            sound(date(2027, 1, 31))


def test_part_payment_whose_rest_finance_takes_over_renews(app: Flask) -> None:
    from portal.billing import writing_off

    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2), date(2027, 1, 1)])
    with r.on(app, date(2027, 1, 10)):
        row = r.only()
        paid = r.paper(row)
        r.transfer("B-1", Money(15_998_000), str(paid.reference))
        assert kept(row) is Standing.GRACE
        writing_off.book_charges(paid, by=r.who("fang"))
        assert (row.standing, r.terms_of(row)[1][2]) == (Standing.ACTIVE, T)
        sound()


@pytest.mark.parametrize("kind", [TermKind.LIFETIME, TermKind.COMPLIMENTARY])
def test_lifetime_and_complimentary_are_never_on_the_ladder(app: Flask, kind: TermKind) -> None:
    """Row `lifetime, complimentary`."""
    found(app, kind=kind)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 12, 1), date(2027, 1, 31)])
        with reading():
            assert (r.offers_of(r.only()), r.steps(r.only())) == ([], [])


def test_a_second_renewal_of_one_term_is_refused(app: Flask) -> None:
    """Row `overlap`."""
    found(app)
    with r.on(app, date(2026, 12, 1)):
        term = last_term(r.only())
        assert term is not None
        paid = renewing.invoice(renewing.offer(term, by="test"), by="test")
        r.transfer("B-1", r.GOLD, str(paid.reference))
        with pytest.raises(Refused):
            renewing.offer(term, by="test")


def test_many_are_renewed_as_one(app: Flask) -> None:
    """Row `many or one`: the chore over all of them leaves the facts of the verb taken for each."""
    names = ("Galaxy", "Orion", "Vega")
    with r.on(app, date(2026, 1, 1)):
        r.staff()
        for name in names:
            r.member(name)
    with app.app_context():
        r.pass_days([date(2026, 11, 2)], names=("issue_renewal_invoices",))
        with reading():
            bulk = [_facts(r.only(name)) for name in names[:2]]
    with r.on(app, date(2026, 11, 2)):
        term = last_term(r.only("Vega"))
        assert term is not None
        renewing.invoice(renewing.offer(term, by="offer_renewals"), by="issue_renewal_invoices")
        assert bulk == [_facts(r.only("Vega"))] * 2


def _facts(row: Any) -> list[Any]:
    return [
        (one.state, one.tier, one.start, one.end, one.amount, one.opened_on, one.invoiced_on, one.by_name, one.invoice and one.invoice.gross)
        for one in r.offers_of(row)
    ]  # fmt: skip


def end(cause: EndingCause, day: date) -> None:
    """Write down that the member's term ends, as its verb would."""
    row = r.only()
    term = db.session.scalars(select(Term).where(Term.membership_id == row.id)).one()
    db.session.add(
        Ending(term=term, on=day, cause=cause, reason="because", by_name="test", bar_for_good=True)
    )
    db.session.flush()
    terms.refresh([row])


@pytest.mark.parametrize("cause", [EndingCause.RESIGNED, EndingCause.EXPELLED, EndingCause.ABSORBED])
def test_who_has_left_is_not_reminded_and_the_invoice_is_taken_back(app: Flask, cause: EndingCause) -> None:
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2)])
    with r.on(app, date(2026, 11, 10)):
        end(cause, T if cause is EndingCause.RESIGNED else date(2026, 11, 10))
        assert reminding.stopped(r.offers_of(r.only())[0]) == str(cause)
    with app.app_context():
        r.pass_days([date(2026, 11, 11), *r.marked(date(2026, 11, 12), date(2027, 2, 10))])
        with reading():
            (offer,) = r.offers_of(r.only())
            assert (offer.state, r.paper(r.only()).state) == (O.WITHDRAWN, InvoiceState.VOID)
            assert [step for step, _state in r.steps(r.only())] == ["offer", "invoice"]


def test_a_resignation_takes_the_offer_back_in_the_same_minute(app: Flask) -> None:
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2)])
    with r.on(app, date(2026, 11, 10)):
        leaving.resign(r.only(), by=r.who("owner"))
    with app.app_context(), clock.stopped_at(date(2026, 11, 10)):
        outbox.drain()
        with reading():
            (offer,) = r.offers_of(r.only())
            assert (offer.state, offer.close_reason) == (O.WITHDRAWN, "resigned")
            assert r.paper(r.only()).state is InvoiceState.VOID
            assert r.standing(r.only(), T - timedelta(days=1)) is Standing.ACTIVE
            sound()


def test_conduct_and_a_pause_hold_the_words_but_not_the_acts(app: Flask) -> None:
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3)])
    with r.on(app, date(2026, 10, 4)):
        row = r.only()
        reminding.pause(row, until=date(2026, 12, 25), by=r.who("rui"), reason="They asked.")
        with pytest.raises(Refused):
            reminding.pause(row, until=date(2026, 10, 4), by=r.who("rui"), reason="Today.")
    with app.app_context():
        r.pass_days([*r.marked(date(2026, 10, 5), date(2026, 12, 20)), date(2026, 12, 24)])
        with reading():
            assert r.steps(r.only()) == [("offer", "sent")]
            assert r.paper(r.only()).state is InvoiceState.OPEN
        r.pass_days([date(2026, 12, 25)])
        with reading():
            assert r.steps(r.only())[-1] == ("remind_7", "sent")
            assert [state for _step, state in r.steps(r.only())] == [
                "sent",
                "skipped",
                "skipped",
                "skipped",
                "sent",
            ]
    with r.on(app, date(2026, 12, 26)):
        row = r.only()
        db.session.add(
            Hold(membership=row, start=clock.today(), cause=HoldCause.CONDUCT, reason="x", by_name="test")
        )
        db.session.flush()
        assert reminding.stopped(r.offers_of(row)[0]) == "conduct"
        with pytest.raises(Refused):
            reminding.resume(row, by=r.who("rui"))


def test_mail_that_comes_back_goes_on_to_the_next_contact_and_then_to_staff(app: Flask) -> None:
    from portal.core.outbox import OutboxItem

    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 12, 18)])
        for expected in ("representative", "owner", "staff"):
            with clock.stopped_at(date(2026, 12, 19)), transaction():
                for item in db.session.scalars(select(OutboxItem).where(OutboxItem.key.like("%remind_14%"))):
                    item.dead_at = clock.now()
            r.pass_days([date(2026, 12, 19)], times=2, names=("send_reminders",))
            with reading():
                assert r.steps(r.only(), expected) == [("remind_14", "sent")], expected
        with reading():
            assert ("rui", "No mail reaches Galaxy Ltd") in r.mails(r.only().subject)


def test_a_calendar_year_is_renewed_whole_and_the_price_is_that_of_the_offer(app: Flask) -> None:
    with app.app_context(), clock.stopped_at(date(2026, 1, 1)), transaction():
        catalogue.put(
            "policy", "term.basis", {"code": "term.basis", "value": "calendar_year"}, date(2026, 1, 1)
        )
    with r.on(app, date(2026, 6, 15)):
        r.staff()
        r.member(anchor=date(2026, 1, 1), start=date(2026, 6, 15))
    with app.app_context():
        r.pass_days([date(2026, 11, 2)])
        with reading():
            (offer,) = r.offers_of(r.only())
            assert (offer.start, offer.end, offer.amount) == (T, date(2028, 1, 1), r.GOLD)


def test_credit_terms_open_the_term_at_once_and_the_days_of_arrears_count(app: Flask) -> None:
    """Row `credit terms`: a day after it is due at risk, after sixty suspended, unless finance gives time."""
    found(app)
    with r.on(app, date(2026, 10, 1)):
        credit_terms.give(r.only(), by=r.who("fang"), reason="A ministry.")
        with pytest.raises(Refused):
            credit_terms.give(r.only(), by=r.who("fang"), reason="Again.")
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 12, 2)])
    with r.on(app, date(2026, 12, 2)):
        row = r.only()
        paid = r.paper(row)
        assert paid.due_on == T
        assert (paid.ladder, r.terms_of(row)[1][2]) == ("standard", T)
        days = [date(2027, 1, 1), date(2027, 1, 2), date(2027, 3, 1), date(2027, 3, 2)]
        assert [str(r.standing(row, day)) for day in days] == [
            "active_unpaid", "at_risk", "at_risk", "suspended"
        ]  # fmt: skip
    with r.on(app, date(2027, 3, 2)):
        row = r.only()
        terms.refresh([row])
        assert kept(row) is Standing.SUSPENDED
        late = db.session.scalars(select(Term).where(Term.start == T)).one()
        credit_terms.extend(late, until=date(2027, 4, 1), by=r.who("fang"), reason="Budget in March.")
        assert kept(row) is Standing.AT_RISK
        r.transfer("B-1", r.GOLD, str(r.paper(row).reference))
        assert kept(row) is Standing.ACTIVE
        credit_terms.end(row, by=r.who("fang"))
        sound()


def test_money_that_goes_away_again_shows_in_the_standing(app: Flask) -> None:
    from portal.billing.reversing import reverse_receipt

    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2)])
    with r.on(app, date(2026, 11, 5)):
        got = r.transfer("B-1", r.GOLD, str(r.paper(r.only()).reference))
    with r.on(app, date(2027, 1, 20)):
        row = r.only()
        terms.refresh([row])
        assert kept(row) is Standing.ACTIVE
        reverse_receipt(got, amount=r.GOLD, reason="recalled", by="bank", key="R-1")
        assert kept(row) is Standing.ACTIVE_UNPAID
        assert r.standing(row, date(2027, 1, 21)) is Standing.AT_RISK


def test_an_invoice_that_finance_voids_is_issued_again_only_by_somebody(app: Flask) -> None:
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2)])
    with r.on(app, date(2026, 11, 3)):
        from portal.billing.crediting import reverse_invoice

        reverse_invoice(r.paper(r.only()), by="finance", reason="other name")
        assert r.offers_of(r.only())[0].invoice is None
    with app.app_context():
        r.pass_days([date(2026, 11, 4)])
    with r.on(app, date(2026, 11, 5)):
        (offer,) = r.offers_of(r.only())
        assert offer.invoice is None
        assert issuing.cover(renewing.invoice(offer, by=r.who("rui"))) == "due"
        assert db.session.scalar(select(func.count(Invoice.id))) == 2


def test_a_change_of_tier_takes_the_offer_back_and_offers_again(app: Flask) -> None:
    """Row `upgrade, renewal open`: one open invoice."""
    found(app)
    with app.app_context():
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2)])
    with r.on(app, date(2026, 12, 1)):
        end(EndingCause.TIER_CHANGE, date(2026, 12, 1))
        row = r.only()
        price = Money(40_000_000)
        made = terms.open_term(
            row, kind=TermKind.UPGRADE, tier="platinum", start=date(2026, 12, 1), months=12, price=price,
            charged=price, cover="elsewhere", invoice=None, by="test", anchor=date(2026, 1, 1),
        )  # fmt: skip
        again = renewing.offer_instead(row, made, by="test")
        assert again is not None
        assert renewing.offer_instead(row, made, by="test") is not None
        assert (again.tier, again.amount, again.start) == ("platinum", price, T)
        live = select(func.count(Invoice.id)).where(Invoice.state == InvoiceState.OPEN)
        assert db.session.scalar(live) == 1
        sound()
