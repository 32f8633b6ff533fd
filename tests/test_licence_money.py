"""What licences cost: bought, grown, collected, renewed, credited; to the fen, and the books balance on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.billing import crediting, issuing, ledger, queries, recognition
from portal.billing.catalogue import price_of
from portal.billing.models import Invoice
from portal.billing.note_models import NoteKind
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from portal.services.licences import (
    buying,
    changing,
    contracts,
    letters,
    life,
    locking,
    overage,
    planning,
    taking,
    worth,
)
from portal.services.licences.denial import Denied
from portal.services.licences.kinds import Stage
from portal.services.licences.models.deal import LicenceQuote
from portal.services.licences.models.licence import Licence, LicenceState, LicenceTerm
from portal.services.licences.models.record import LicenceEvent
from portal.services.licences.planning import Way
from tests import dealt, membership
from tests.dealt import PLAN, buyer, deals, invoices, limit, nightly, on, only, pay, spans_of, stands

NEW_YEAR, JULY = date(2026, 1, 1), date(2026, 7, 2)
YUAN = 100


@pytest.fixture
def house(app: Flask) -> Iterator[Flask]:
    membership.house(app)
    yield app
    dealt.in_order(app)


def bought(app: Flask, nodes: int, day: date = NEW_YEAR) -> None:
    """Let a company buy a licence and pay for it on the same day."""
    with on(app, day):
        row = buying.order(buyer(), PLAN, nodes, by="test", language="en")
        pay(taking_invoice(row))


def taking_invoice(row: Licence) -> Invoice | None:
    quote = buying.waiting(row)
    return None if quote is None else quote.invoice


def test_the_curve_of_the_specification(app: Flask) -> None:
    with app.app_context():
        price = price_of("licence.flagscale")
        found = {n: worth.due(price, n) // YUAN for n in (1, 100, 101, 250, 500, 501, 1000)}
        assert found == {
            1: 50000,
            100: 50000,
            101: 50400,
            250: 110000,
            500: 210000,
            501: 210300,
            1000: 360000,
        }
        assert worth.due(price, 300, 200) == 40_000 * YUAN  # gold
        assert worth.due(price, 5, 5, 5000) == 25_000 * YUAN  # startup
        assert worth.due(price, 120, 5, 5000) == 33_000 * YUAN
        assert worth.due(price, 150, 200) == 0
        for wrong in (0, -1):
            with pytest.raises(Refused):
                worth.due(price, wrong)


def test_an_order_waits_for_its_money_and_begins_with_it_once(house: Flask) -> None:
    with on(house, NEW_YEAR):
        shown = buying.cost(buyer(), PLAN, 100)
        assert (shown.gross, shown.net, shown.tax) == (Money(5_000_000), Money(4_716_981), Money(283_019))
        row = buying.order(dealt.org(), PLAN, 100, by="test", shown=shown.shown)
        assert row.state is LicenceState.PENDING
        (offer,) = [one for one in buying.offered(dealt.org()) if one.plan.code == PLAN]
        assert (offer.can, offer.trial) == ("pay", False)
        with pytest.raises(Denied) as caught:
            buying.order(dealt.org(), PLAN, 5, by="test")
        assert caught.value.code.value == "LICENCE_EXISTS"
    with on(house, date(2026, 2, 1)):
        pay(taking_invoice(only()))
        quote = db.session.scalars(select(LicenceQuote)).one()
        assert not taking.take_effect(quote, by="again")
        row = only()
        assert row.state is LicenceState.ACTIVE
        assert spans_of(row) == [("base", 100, "2026-02-01", "2027-02-01")]
        assert limit(row, date(2026, 2, 1)) == 100
        assert next(one for one in buying.offered(dealt.org()) if one.plan.code == PLAN).can == "change"
        line = quote.lines[0].order_line
        assert line is not None
        assert (line.period_start, line.period_end) == (date(2026, 2, 1), date(2027, 2, 1))
        assert recognition.plan_of(line)[0].amount == quote.net


def test_what_was_shown_is_what_is_ordered_or_nothing_is(house: Flask) -> None:
    with on(house, NEW_YEAR):
        shown = buying.cost(buyer(), PLAN, 100).shown
        with pytest.raises(Denied) as caught:
            buying.order(dealt.org(), PLAN, 101, by="test", shown=shown)
        assert (caught.value.code.value, caught.value.status) == ("QUOTE_STALE", 409)
        membership.member(dealt.org(), start=NEW_YEAR)
        with pytest.raises(Denied):  # standing moved: the first 200 are free now
            buying.order(dealt.org(), PLAN, 100, by="test", shown=shown)


def test_an_unpaid_order_is_cancelled_by_its_owner_or_after_sixty_days(house: Flask) -> None:
    with on(house, NEW_YEAR):
        row = buying.order(buyer(), PLAN, 10, by="test")
        quote = buying.waiting(row)
        assert quote is not None
        buying.cancel(quote, by="test")
        assert row.state is LicenceState.CANCELLED
        again = buying.order(dealt.org(), PLAN, 20, by="test")
        assert again.id != row.id
    nightly(house, date(2026, 3, 1))
    with on(house, date(2026, 3, 1)):
        assert only().state is LicenceState.PENDING
    nightly(house, date(2026, 3, 2))
    with on(house, date(2026, 3, 2)):
        assert invoices() == [("void", 5_000_000), ("void", 5_000_000)]
        assert {one.state for one in db.session.scalars(select(Licence))} == {LicenceState.CANCELLED}


def test_an_increase_is_paid_before_the_limit_rises(house: Flask) -> None:
    """The worked example: 100 to 150 nodes of a year, effective on 2 July: 183 of 365 days."""
    bought(house, 100)
    with on(house, date(2026, 6, 25)):
        seen = changing.preview(only(), 150)
        assert (seen.way, seen.effective, seen.gross, seen.net, seen.tax) == (
            Way.PAY_FIRST, JULY, Money(1_002_740), Money(945_981), Money(56_759),
        )  # fmt: skip
        assert [line.gross for line in seen.lines] == [Money(-2_506_849), Money(3_509_589)]
        assert seen.next_year == Money(7_000_000)
        quote = changing.quote(only(), 150, by="test")
        assert quote.gross == seen.gross
        changing.accept(quote, by="test")
        assert limit(only(), date(2026, 6, 26)) == 100
        assert quote.invoice is not None
        assert [line.gross for line in quote.invoice.lines] == [Money(-2_506_849), Money(3_509_589)]
        assert (quote.invoice.gross, quote.invoice.net, quote.invoice.tax) == (seen.gross, seen.net, seen.tax)
        with pytest.raises(Refused):
            changing.quote(only(), 160, by="test")
    with on(house, date(2026, 6, 28)):
        pay(quote.invoice)
        assert limit(only(), date(2026, 6, 28)) == 150
        assert spans_of(only())[-1] == ("increase", 50, "2026-06-28", "2027-01-01")
    nightly(house, date(2027, 1, 5), "recognise")
    with on(house, date(2027, 1, 5)):
        earned_in_the_year()


def earned_in_the_year() -> None:
    """At the year's end everything is earned: the first line whole, the other the difference."""
    found = [line for one in contracts.contracts(only().id, JULY) for line in one.lines]
    assert [-ledger.of_line(line, ledger.income(line.stream)) for line in found] == [4_716_981, 945_981]
    assert [-ledger.of_line(line, ledger.DEFERRED) for line in found] == [0, 0]


def test_an_increase_costs_all_on_the_first_day_and_is_no_more_on_the_last(house: Flask) -> None:
    bought(house, 100)
    with on(house, NEW_YEAR):
        assert changing.preview(only(), 150, on=NEW_YEAR).gross == Money(2_000_000)
    with on(house, date(2026, 12, 20)):
        of = contracts.current(only().id)
        assert of is not None
        assert sum(one.figures.gross for one in planning.lines_of(of, 150, date(2027, 1, 1))) == 0
    with on(house, date(2026, 12, 28)):
        assert changing.preview(only(), 200).way is Way.COLLECTED
    with on(house, date(2026, 12, 28)), pytest.raises(Refused):
        changing.quote(only(), 200, by="test", on=date(2027, 1, 2))


def test_an_increase_not_paid_in_time_leaves_nothing(house: Flask) -> None:
    bought(house, 100)
    with on(house, date(2026, 6, 25)):
        changing.accept(changing.quote(only(), 150, by="test"), by="test")
    nightly(house, date(2026, 7, 5))
    with on(house, date(2026, 7, 5)):
        assert deals(only())[-1][:2] == ("increase", "ordered")
    nightly(house, date(2026, 7, 6))
    with on(house, date(2026, 7, 6)):
        assert deals(only())[-1][:2] == ("increase", "dropped")
        assert limit(only(), date(2026, 7, 6)) == 100
        assert invoices()[-1] == ("paid*", 1_002_740)
        assert changing.preview(only(), 150, on=date(2026, 7, 6)).lines[0].gross == Money(-2_452_055)


def test_an_upgrade_paid_twice_is_one_upgrade_and_a_credit(house: Flask) -> None:
    bought(house, 100)
    with on(house, date(2026, 6, 25)):
        quote = changing.accept(changing.quote(only(), 150, by="test"), by="test")
        pay(quote.invoice, "one")
        assert quote.invoice is not None
        membership.pay(dealt.org(), Money(1_002_740), ref="two", invoice=quote.invoice)
    with on(house, date(2026, 6, 26)):
        assert limit(only(), date(2026, 6, 26)) == 150
        assert queries.credits_of(issuing.party_of(dealt.org())) == Money(1_002_740)


def test_small_increases_are_used_at_once_and_collected_on_one_invoice(house: Flask) -> None:
    bought(house, 200)
    with on(house, date(2026, 7, 6)):
        first = changing.quote(only(), 210, by="test")
        assert (first.kind.value, first.pay_by) == ("collected", date(2026, 8, 1))
        changing.accept(first, by="test")
        assert limit(only(), clock.now()) == 210
    with on(house, date(2026, 7, 20)):
        second = changing.accept(changing.quote(only(), 220, by="test"), by="test")
        assert limit(only(), clock.now()) == 220
        assert invoices() == [("paid", 9_000_000)]
    nightly(house, date(2026, 8, 1))
    with on(house, date(2026, 8, 1)):
        sums = [db.session.get_one(LicenceQuote, one.id).gross for one in (first, second)]
        assert invoices()[1:] == [("open", (sums[0] + sums[1]).minor)]
        bill = db.session.scalars(select(Invoice).order_by(Invoice.id.desc())).first()
        assert bill is not None
        assert [(line.net, line.tax) for line in bill.lines] == [
            (one.net, one.tax)
            for one in db.session.scalars(select(LicenceQuote).order_by(LicenceQuote.id)).all()[1:]
        ]
        pay(bill)
    nightly(house, date(2026, 9, 30))
    with on(house, date(2026, 9, 30)):
        assert limit(only(), date(2026, 9, 30)) == 220


def test_small_increases_nobody_pays_end_after_a_courtesy_and_come_back_with_the_money(house: Flask) -> None:
    bought(house, 200)
    with on(house, date(2026, 7, 6)):
        changing.accept(changing.quote(only(), 210, by="test"), by="test")
    nightly(house, date(2026, 8, 1))
    nightly(house, date(2026, 8, 30))
    with on(house, date(2026, 8, 30)):
        assert spans_of(only())[-1] == ("increase", 10, "2026-07-06", "2027-01-01")
        assert changing.preview(only(), 211).way is Way.COLLECTED  # due at the end of the month
    nightly(house, date(2026, 8, 31))
    with on(house, date(2026, 8, 31)):
        row = only()
        assert spans_of(row)[-2:] == [
            ("increase", 10, "2026-07-06", "2026-08-31"), ("courtesy", 10, "2026-08-31", "2026-09-14"),
        ]  # fmt: skip
        assert [limit(row, date(2026, 9, day)) for day in (1, 13, 14)] == [210, 210, 200] or limit(
            row, date(2026, 9, 14)
        ) == 210
    with on(house, date(2026, 10, 1)):
        assert limit(only(), clock.now()) == 200
        assert changing.preview(only(), 205, on=None).way is Way.PAY_FIRST  # something is overdue
        bill = db.session.scalars(select(Invoice).order_by(Invoice.id.desc())).first()
        pay(bill)
        assert limit(only(), clock.now()) == 210


def test_a_small_increase_is_taken_back_on_its_day_to_the_fen(house: Flask) -> None:
    bought(house, 200)
    with on(house, date(2026, 7, 6)):
        quote = changing.accept(changing.quote(only(), 210, by="test"), by="test")
    with on(house, date(2026, 7, 6)):
        changing.withdraw(db.session.get_one(LicenceQuote, quote.id), by="test")
        again = changing.preview(only(), 210)
        assert again.gross == quote.gross
        assert contracts.current(only().id) is not None
        assert changing.now(only()) == 200
    nightly(house, date(2026, 8, 1))
    with on(house, date(2026, 8, 1)):
        assert len(invoices()) == 1


def test_large_or_many_small_increases_are_paid_first(house: Flask) -> None:
    bought(house, 100)
    with on(house, date(2026, 1, 10)):
        ways = []
        for nodes in (110, 120, 130, 140, 150, 160):
            quote = changing.accept(changing.quote(only(), nodes, by="test"), by="test")
            ways.append(quote.kind.value)
            if quote.kind.value == "increase":
                changing.withdraw(quote, by="test")
                break
        assert ways == ["collected"] * 5 + ["increase"]  # 3 901 each: 20 000 open are reached
        assert changing.preview(only(), 300).way is Way.PAY_FIRST


def test_a_quote_is_stale_once_what_it_rests_on_moved(house: Flask) -> None:
    bought(house, 100)
    with on(house, date(2026, 6, 25)):
        quote = changing.quote(only(), 150, by="test")
        small = changing.quote(only(), 101, by="test")
        assert db.session.get_one(LicenceQuote, quote.id).replaced_by == small.uid
        with pytest.raises(Refused):
            changing.accept(quote, by="test")
        quote = changing.quote(only(), 150, by="test")
        membership.member(dealt.org(), start=date(2026, 6, 25))
        with pytest.raises(Denied) as caught:
            changing.accept(quote, by="test")
        assert caught.value.code.value == "QUOTE_STALE"
        assert invoices()[0][1] == 5_000_000
    nightly(house, date(2026, 7, 3))
    with on(house, date(2026, 7, 3)):
        assert deals(only())[-1][1] == "expired"


def test_a_renewal_is_invoiced_sixty_days_ahead_and_goes_on_from_the_old_end(house: Flask) -> None:
    bought(house, 140)
    with on(house, date(2026, 6, 1)):
        changing.ask_for_next(only(), 90, by="test")
        assert changing.next_nodes(only()) == 90
        assert changing.preview(only(), 90).way is Way.AT_RENEWAL
    nightly(house, date(2026, 11, 1))
    with on(house, date(2026, 11, 1)):
        assert len(invoices()) == 1
    nightly(house, date(2026, 11, 2))
    with on(house, date(2026, 11, 2)):
        assert invoices()[1:] == [("open", 5_000_000)]
        changing.forget_next(only(), by="test")
        assert invoices()[1:] == [("void", 5_000_000), ("open", 6_600_000)]
        changing.ask_for_next(only(), 90, by="test")
        assert invoices()[2:] == [("void", 6_600_000), ("open", 5_000_000)]
    with on(house, date(2027, 1, 15)):  # in grace: the last day in time
        assert stands(only(), date(2027, 1, 15)) is Stage.GRACE
        pay(changing.history(only())[0].invoice)
        assert spans_of(only()) == [
            ("base", 140, "2026-01-01", "2027-01-01"), ("base", 90, "2027-01-01", "2028-01-01"),
            ("courtesy", 50, "2027-01-01", "2027-01-15"),
        ]  # fmt: skip
        assert only().next_nodes is None


def test_a_decrease_lends_the_difference_for_two_weeks(house: Flask) -> None:
    bought(house, 140)
    with on(house, date(2026, 6, 1)):
        changing.ask_for_next(only(), 90, by="test")
    nightly(house, date(2026, 11, 2))
    with on(house, date(2026, 12, 1)):
        pay(changing.history(only())[0].invoice)
        row = only()
        days = [date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 14), date(2027, 1, 15)]
        assert [limit(row, day) for day in days] == [140, 140, 140, 90]


def test_money_after_the_grace_begins_on_its_own_day(house: Flask) -> None:
    bought(house, 10)
    nightly(house, date(2026, 11, 2))
    with on(house, date(2027, 1, 16)):
        row = only()
        assert stands(row, date(2027, 1, 16)) is Stage.EXPIRED
        pay(changing.history(row)[0].invoice)
        assert spans_of(row)[-1] == ("base", 10, "2027-01-16", "2028-01-16")
    nightly(house, date(2027, 11, 17))
    with on(house, date(2027, 11, 17)):
        found = changing.history(only())[0]
        assert (found.starts_on, found.ends_on) == (date(2028, 1, 16), date(2029, 1, 16))
    nightly(house, date(2028, 3, 16))
    with on(house, date(2028, 3, 16)):
        assert changing.history(only())[0].state == "dropped"
        assert buying.offered(dealt.org())[1].can == "buy"
        row = buying.order(dealt.org(), PLAN, 7, by="test")
        pay(taking_invoice(row))
        assert row.id == only().id  # the same licence wakes
        assert spans_of(row)[-1] == ("base", 7, "2028-03-16", "2029-03-16")


def test_an_increase_with_the_next_year_paid_covers_both(house: Flask) -> None:
    bought(house, 100)
    nightly(house, date(2026, 11, 2))
    with on(house, date(2026, 11, 10)):
        pay(changing.history(only())[0].invoice)
    with on(house, date(2026, 12, 20)):
        seen = changing.preview(only(), 150)
        assert seen.gross == Money(2_000_000 + 27_397)  # 20 000 for the next year, five days of this one
        quote = changing.accept(changing.quote(only(), 150, by="test"), by="test")
        pay(quote.invoice)
        assert spans_of(only())[2:] == [
            ("increase", 50, "2026-12-20", "2027-01-01"), ("increase", 50, "2027-01-01", "2028-01-01"),
        ]  # fmt: skip
        assert [limit(only(), day) for day in (date(2026, 12, 31), date(2027, 1, 1))] == [150, 150]


def test_an_open_renewal_follows_an_increase(house: Flask) -> None:
    bought(house, 100)
    nightly(house, date(2026, 11, 2))
    with on(house, date(2026, 11, 10)):
        changing.accept(changing.quote(only(), 101, by="test"), by="test")
        assert [row for row in deals(only()) if row[0] == "renewal"] == [
            ("renewal", "dropped", 100, 5_000_000), ("renewal", "ordered", 101, 5_040_000),
        ]  # fmt: skip


def test_a_termination_ends_the_term_on_its_last_day_without_grace(house: Flask) -> None:
    bought(house, 100)
    with on(house, date(2026, 6, 1)):
        invoice = db.session.scalars(select(Invoice)).one()
        note = crediting.propose_note(
            invoice,
            NoteKind.TERMINATION,
            by=membership.person("fang"),
            reason="leaves",
            last_day=date(2026, 6, 30),
        )
        crediting.issue_note(note, by=membership.person("feng"))
        assert note.gross == Money(2_520_548)
        row = only()
        assert spans_of(row) == [("base", 100, "2026-01-01", "2026-07-01")]
        assert [stands(row, date(2026, m, d)) for m, d in ((6, 30), (7, 1))] == [
            Stage.EXPIRING,
            Stage.EXPIRED,
        ]
        assert contracts.current(row.id, date(2026, 7, 1)) is None
    nightly(house, date(2026, 11, 2))
    with on(house, date(2026, 11, 2)):
        assert len(invoices()) == 1


def test_an_invoice_taken_back_ends_what_it_paid_for(house: Flask) -> None:
    bought(house, 100)
    with on(house, date(2026, 6, 1)):
        invoice = db.session.scalars(select(Invoice)).one()
        crediting.reverse_invoice(invoice, by="test", reason="a mistake")
        row = only()
        assert spans_of(row) == [("base", 100, "2026-01-01", "2026-06-01")]
        assert stands(row, date(2026, 6, 2)) is Stage.EXPIRED
        assert deals(row) == [("purchase", "dropped", 100, 5_000_000)]


def test_who_would_be_over_is_asked_in_the_order_of_rank(house: Flask) -> None:
    from portal.services.licences.models.node import Node
    from tests.licences import claim, licence

    with house.app_context():
        with clock.stopped_at(NEW_YEAR), transaction():
            row, key = licence(4)
        with clock.stopped_at(NEW_YEAR):
            for n in range(4):
                claim(key, f"node-{n}")
        with transaction():
            db.session.query(Node).filter_by(fingerprint="node-3").one().kept = True
        with reading():
            found = [one.fingerprint for one in changing.who_would_be_over(row, 2)]
            assert found == ["node-2", "node-1"]
            assert changing.who_would_be_over(row, 4) == []
            assert len(changing.who_would_be_over(row, 0)) == 4


def test_an_offered_plan_says_what_the_membership_includes(house: Flask) -> None:
    with on(house, NEW_YEAR):
        membership.member(buyer(), start=NEW_YEAR)
        found = {one.plan.code: one for one in buying.offered(dealt.org())}
        assert {code: one.included for code, one in found.items()} == {
            "triton-node": 200, "flagscale-node": 200, "kernels-node": 0,
        }  # fmt: skip
        assert all((one.licence is not None) == bool(one.included) for one in found.values())
        with pytest.raises(Refused):
            buying.order(dealt.org(), PLAN, 150, by="test")
        row = buying.order(dealt.org(), PLAN, 300, by="test")
        quote = buying.waiting(row)
        assert quote is not None
        assert (quote.gross, quote.paid, quote.included) == (Money(4_000_000), 100, 200)
        assert quote.invoice is not None
        assert (quote.invoice.lines[0].list_amount, quote.invoice.lines[0].discount) == (
            Money(13_000_000),
            Money(9_000_000),
        )
        pay(quote.invoice)
        assert limit(row, NEW_YEAR) == 300
        assert life.live_for(dealt.org(), dealt.TOOL) is row
        assert dealt.count(LicenceTerm) == 3


def test_the_mail_of_an_overage_carries_a_ready_quote(house: Flask) -> None:
    bought(house, 100)
    with on(house, date(2026, 6, 25)):
        lent: dict[str, Any] = {"nodes": 10, "until": clock.now() + timedelta(days=30)}
        locking.note(locking.lock(only().id), overage.STARTED, by="licences", **lent)
        event = db.session.scalars(select(LicenceEvent).where(LicenceEvent.kind == overage.STARTED)).one()
        quote = changing.open_quote(only())
        assert quote is not None
        assert (quote.nodes, quote.starts_on, quote.gross) == (
            110, JULY, changing.preview(only(), 110, on=JULY).gross,
        )  # fmt: skip
        assert overage.ready(event) is quote  # heard twice: the same one
        letters.tell(event, quote)
        sent = db.session.scalars(
            select(MailMessage).where(MailMessage.title.contains("runs above")).order_by(MailMessage.id)
        ).all()
        assert len({one.address for one in sent}) == len(sent) >= 1
        said = ["110 nodes in all for", "2,005.48 with tax", f"/{only().uid}/number"]
        assert quote.gross == Money(200_548)
        assert all(one in sent[0].text for one in said), sent[0].text
        changing.accept(quote, by="test")  # exactly what the mail said
        assert overage.ready(event) is None  # it waits for its money: nothing is written beside it
    assert len([one for one in deals_of(house) if one[0] == "increase"]) == 1


def deals_of(app: Flask) -> list[tuple[str, str]]:
    with app.app_context(), reading():
        return [(one[0], one[1]) for one in deals(only())]
