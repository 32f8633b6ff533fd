"""Chains of changes in one term: one document each with both lines, to the fen, and nothing lost (I3, I8, example 5)."""

from __future__ import annotations

import os
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.billing import (
    changing,
    crediting,
    issuing,
    ledger,
    quoting,
    recognising,
    recognition,
    settling,
    subscribing,
)
from portal.billing.catalogue import price_of
from portal.billing.models import Invoice, InvoiceState, OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.billing.note_models import CreditNote, CreditNoteLine, NoteKind
from portal.billing.note_shares import divided
from portal.billing.plans import Part, earned_by
from portal.billing.pricing import Taxed
from portal.billing.proration import charge, credit
from portal.billing.quote_models import Quote, QuoteState
from portal.billing.subscription_models import Subscription
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from tests import books
from tests.test_subscriptions import change, on_account, row, subscribe

NEW_YEAR, END = date(2027, 1, 1), date(2028, 1, 1)
PURE = settings(max_examples=500, deadline=None)
ROWS = settings(
    max_examples=30 if os.environ.get("PROOFS") else 12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NONE = Money(0)


# --- Pure rules


def _chain(first: int, steps: list[tuple[int, int]], bp: int | None) -> tuple[list[Taxed], list[Part]]:
    """Return what each step bills, and the plans of all lines, of changes to a price on the n-th day of the year."""
    price, line = first, charge(first, NEW_YEAR, END, NEW_YEAR, bp)
    start, before = NEW_YEAR, (Taxed(0, 0, 0), first)
    billed, plan = [line], [Part(NEW_YEAR, END, Money(line.net))]
    for offset, new in sorted(steps, key=lambda step: step[0]):
        day = NEW_YEAR + timedelta(days=offset)
        if day > start or len(billed) == 1:
            back = credit(line.net, line.tax, start, END, day)
            before = (back, price)
        else:
            back = -line
        again = day == start and len(billed) > 1 and new == before[1]
        fresh = -before[0] if again else charge(new, NEW_YEAR, END, day, bp)
        plan[-1] = Part(plan[-1].starts, END, plan[-1].amount, cut_on=day)
        plan.append(Part(day, END, Money(fresh.net)))
        billed.append(back + fresh)
        price, line, start = new, fresh, day
    return billed, plan


STEPS = st.lists(st.tuples(st.integers(0, 364), st.integers(1, 10**9)), min_size=1, max_size=4)


@given(st.integers(1, 10**9), STEPS, st.sampled_from([None, 600, 1300]))
@PURE
def test_i3_i8_a_chain_earns_what_it_bills_and_costs_its_days(
    first: int, steps: list[tuple[int, int]], bp: int | None
) -> None:
    billed, plan = _chain(first, steps, bp)
    assert earned_by(plan, END) == sum(one.net for one in billed)
    assert all(one.net + one.tax == one.gross for one in billed)
    days = [NEW_YEAR + timedelta(days=offset) for offset, _new in sorted(steps, key=lambda step: step[0])]
    prices = [first, *(new for _offset, new in sorted(steps, key=lambda step: step[0]))]
    borders = [NEW_YEAR, *days, END]
    exact = sum(price * (borders[n + 1] - borders[n]).days for n, price in enumerate(prices))
    # Each document is within a fen of its price-days per line of it.
    assert abs(sum(one.gross for one in billed) * 365 - exact) <= 365 * 2 * len(billed)


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(0, 364), st.sampled_from([None, 600]))
@PURE
def test_i8_up_and_down_on_one_day_nets_to_nothing(first: int, other: int, day: int, bp: int | None) -> None:
    billed, _plan = _chain(first, [(day, other), (day, first)], bp)
    assert billed[1] + billed[2] == Taxed(0, 0, 0)


@given(st.dictionaries(st.integers(1, 6), st.integers(0, 10**6), min_size=1), st.data())
@PURE
def test_what_a_note_takes_off_stays_within_each_invoice(rooms: dict[int, int], data: Any) -> None:
    total = data.draw(st.integers(0, sum(rooms.values())))
    wanted = data.draw(st.dictionaries(st.sampled_from(sorted(rooms)), st.integers(-(10**6), 10**6)))
    found = divided(total, wanted, rooms)
    assert sum(found.values()) == total
    assert all(0 < part <= rooms[number] for number, part in found.items())
    with pytest.raises(ValueError, match="more is credited"):
        divided(sum(rooms.values()) + 1, wanted, rooms)


# --- Documents and ledger


def entry_of(number: str) -> dict[tuple[str, int | None], int]:
    """Return what the entry of a credit note books, by account and order line, in fen."""
    note = db.session.scalars(select(CreditNote).where(CreditNote.number == number)).one()
    entry = db.session.scalars(select(JournalEntry).where(JournalEntry.source == note.subject)).one()
    found: dict[tuple[str, int | None], int] = {}
    for line in entry.lines:
        key = (line.account, line.order_line_id)
        found[key] = found.get(key, 0) + line.amount.minor
    return {key: amount for key, amount in found.items() if amount}


def lines_of(number: str) -> list[CreditNoteLine]:
    """Return the lines of a credit note in order."""
    return db.session.scalars(select(CreditNote).where(CreditNote.number == number)).one().lines


def test_money_back_is_one_note_with_both_lines_and_the_ledger_of_example_5(app: Flask) -> None:
    books.house(app)
    day = date(2027, 10, 20)
    with app.app_context():
        number = subscribe("support.platinum")
        quote = change(number, "support.gold", day, when="now")
        assert (quote.invoice, quote.gross) == (None, Money(-8_000_000))
        gone, new = lines_of(quote.credit_note_number)
        assert (gone.net, gone.tax, gone.gross) == (Money(9_433_962), Money(566_038), Money(10_000_000))
        assert (new.net, new.tax, new.gross) == (Money(-1_886_792), Money(-113_208), Money(-2_000_000))
        assert (gone.invoice_line is not None, new.invoice_line) == (True, None)
        assert entry_of(quote.credit_note_number) == {
            (ledger.DEFERRED, gone.order_line_id): 9_433_962,
            (ledger.DEFERRED, new.order_line_id): -1_886_792,
            (ledger.VAT, gone.order_line_id): 566_038,
            (ledger.VAT, new.order_line_id): -113_208,
            (ledger.RECEIVABLE, None): -8_000_000,
        }
        assert (new.order_line.period_start, new.order_line.period_end) == (day, END)
        with clock.stopped_at(date(2028, 1, 1)):
            recognising.recognise()
            assert on_account(ledger.income("support"), gone.order_line) == -Money(47_169_811 - 9_433_962)
            assert on_account(ledger.income("support"), new.order_line) == -Money(1_886_792)
            assert on_account(ledger.DEFERRED, gone.order_line) == NONE
            assert on_account(ledger.DEFERRED, new.order_line) == NONE
            assert verify_books()[1] == []


def test_the_old_line_ends_that_day_even_while_unpaid(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe()
        change(number, "support.platinum", date(2027, 4, 11))
        first, second = db.session.scalars(select(Invoice).order_by(Invoice.id)).all()
        assert (issuing.owed(first), issuing.owed(second)) == (Money(10_000_000), Money(29_041_096))
        with clock.stopped_at(date(2027, 5, 1)):
            recognising.recognise()
            old = first.lines[0].order_line
            assert on_account(ledger.income("support"), old) == -Money(
                2_584_647
            )  # 100 days, 1 to 10 April in it
            assert on_account(ledger.DEFERRED, old) == NONE
            assert verify_books()[1] == []


def test_a_change_back_reaches_the_invoices_before_when_its_own_holds_too_little(app: Flask) -> None:
    """Up twice, then down: what comes back is more than the last invoice was over; what was paid beyond is credit."""
    books.house(app)
    with app.app_context():
        number = subscribe("licence.triton", quantity=100)
        for quantity, day in ((900, date(2027, 1, 2)), (901, date(2027, 1, 3))):
            change(number, "licence.triton", day, quantity=quantity)
        with transaction():
            for bill in db.session.scalars(select(Invoice).order_by(Invoice.id)):
                settling.put_on(books.online(f"pi_{bill.id}", bill.gross), bill, by="test")
        quote = change(number, "licence.triton", date(2027, 1, 4), quantity=100, when="now")
        note = db.session.scalars(select(CreditNote)).one()
        assert len(note.lines) == 2
        assert note.gross == -quote.gross == sum((one.gross for one in note.shares), NONE)
        assert len(note.shares) == 2
        last = db.session.scalars(select(Invoice).order_by(Invoice.id.desc())).first()
        assert last is not None
        assert (note.invoice_id, note.on(last)) == (last.id, last.gross)
        bills = db.session.scalars(select(Invoice)).all()
        assert all(one.state is InvoiceState.PAID and issuing.owed(one) == NONE for one in bills)
        assert ledger.balance(ledger.CREDIT) == -note.gross
        again = change(number, "licence.triton", date(2027, 6, 1), quantity=300)
        assert again.invoice is not None
        with clock.stopped_at(date(2028, 1, 2)):
            recognising.recognise()
            assert verify_books()[1] == []


def test_both_periods_are_changed_by_one_note(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe("support.platinum")
        with clock.stopped_at(date(2027, 12, 10)):
            subscribing.sweep()
        quote = change(number, "support.gold", date(2027, 12, 12), when="now")
        note = db.session.scalars(select(CreditNote)).one()
        assert len(note.lines) == len(quote.lines) == 4
        running, ahead = db.session.scalars(select(Invoice).order_by(Invoice.id)).all()
        assert note.on(ahead) == Money(40_000_000)
        assert note.on(running) == note.gross - Money(40_000_000)
        again = change(number, "support.platinum", date(2027, 12, 20))
        assert [line.role.value for line in again.lines] == ["credit", "charge", "undo", "restore"]
        with clock.stopped_at(date(2028, 12, 31)):
            recognising.recognise()
            assert verify_books()[1] == []


def test_down_then_up_on_one_day_nets_to_nothing(app: Flask) -> None:
    books.house(app)
    day = date(2027, 4, 11)
    with app.app_context():
        number = subscribe("support.platinum")
        down = change(number, "support.gold", day, when="now")
        up = change(number, "support.platinum", day)
        assert (down.net + up.net, down.tax + up.tax, down.gross + up.gross) == (NONE,) * 3
        assert [line.role.value for line in up.lines] == ["undo", "restore"]
        assert up.invoice is not None
        assert up.invoice.gross == -down.gross
        with clock.stopped_at(date(2028, 1, 2)):
            recognising.recognise()
            assert ledger.balance(ledger.income("support")) == -Money(47_169_811)
            assert verify_books()[1] == []


def test_what_a_note_charged_can_be_ended_and_cancelled_as_well(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe("support.platinum")
        change(number, "support.gold", date(2027, 4, 11), when="now")
        with clock.stopped_at(date(2027, 7, 1)), transaction():
            bill = db.session.scalars(select(Invoice)).one()
            asked = crediting.propose_note(
                bill, NoteKind.TERMINATION, by=books.person("fang"), reason="left", last_day=date(2027, 6, 30)
            )
            crediting.issue_note(asked, by=books.person("feng"))
        assert [line.invoice_line_id for line in asked.lines] == [None]
        with clock.stopped_at(date(2027, 8, 1)), transaction():
            assert crediting.reverse_invoice(bill, by="test", reason="a mistake") is not None
            assert (bill.reversed, issuing.owed(bill)) == (True, NONE)
        with clock.stopped_at(date(2028, 1, 2)):
            recognising.recognise()
            assert ledger.balance(ledger.income("support")) == NONE
            assert verify_books()[1] == []


def test_an_invoice_that_changed_another_is_never_voided(app: Flask) -> None:
    books.house(app)
    day = date(2027, 4, 11)
    with app.app_context():
        change(subscribe(day=day), "support.platinum", day)
        with clock.stopped_at(day), transaction():
            first, second = db.session.scalars(select(Invoice).order_by(Invoice.id)).all()
            note = crediting.reverse_invoice(second, by="test", reason="a mistake")
            assert note is not None
            assert [one.invoice.number for one in note.shares] == [second.number, first.number]
            assert all(bill.state is InvoiceState.PAID and bill.reversed for bill in (first, second))
        with clock.stopped_at(date(2028, 5, 1)):
            recognising.recognise()
            assert ledger.balance(ledger.income("support")) == ledger.balance(ledger.RECEIVABLE) == NONE
            assert verify_books()[1] == []


def test_a_price_cut_by_finance_is_not_given_back_twice(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe()
        with clock.stopped_at(date(2027, 5, 1)), transaction():
            bill = db.session.scalars(select(Invoice)).one()
            cut = {bill.lines[0].id: Money(1_000_000)}
            asked = crediting.propose_note(
                bill, NoteKind.PRICE_ADJUSTMENT, by=books.person("fang"), reason="slow", nets=cut
            )
            crediting.issue_note(asked, by=books.person("feng"))
        quote = change(number, "support.platinum", date(2027, 7, 1))
        left = -quote.lines[0].net.minor
        full = credit(9_433_962, 566_038, NEW_YEAR, END, date(2027, 7, 1))
        assert 0 < left < -full.net
        with clock.stopped_at(date(2028, 1, 2)):
            recognising.recognise()
            assert verify_books()[1] == []


def test_a_draft_that_finance_proposed_before_a_change_cannot_take_too_much(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe()
        with clock.stopped_at(date(2027, 3, 1)), transaction():
            bill = db.session.scalars(select(Invoice)).one()
            asked = crediting.propose_note(
                bill, NoteKind.CANCELLATION, by=books.person("fang"), reason="a mistake"
            ).id
        change(number, "support.platinum", date(2027, 4, 11))
        with clock.stopped_at(date(2027, 4, 12)), pytest.raises(Refused), transaction():
            crediting.issue_note(db.session.get_one(CreditNote, asked), by=books.person("feng"))


# --- Chains on rows


@pytest.fixture
def year_of_100(app: Flask) -> Flask:
    """A house with one subscription to 100 nodes for 2027."""
    books.house(app)
    with app.app_context():
        subscribe("licence.triton", quantity=100)
    return app


def _step(sub: Subscription, quantity: int, number: int, *, paid: bool) -> Quote | None:
    """Change at once, and check the one document against the quote; None if nothing would change."""
    try:
        quote = changing.quote_change(
            sub, price_of("licence.triton"), by="test", quantity=quantity, when="now"
        )
    except Refused:
        return None
    shown = [(line.net, line.tax, line.gross) for line in quote.lines]
    documents = (
        db.session.scalar(select(func.count(Invoice.id))),
        len(db.session.scalars(select(CreditNote)).all()),
    )
    done = quoting.accept(quote, by=books.person("chen"))
    after = (
        db.session.scalar(select(func.count(Invoice.id))),
        len(db.session.scalars(select(CreditNote)).all()),
    )
    if done.gross < NONE:
        assert (after[0], after[1]) == (documents[0], documents[1] + 1)
        said = [(-line.net, -line.tax, -line.gross) for line in lines_of(done.credit_note_number)]
    else:
        assert done.invoice is not None
        assert (after[0], after[1]) == ((documents[0] or 0) + 1, documents[1])
        said = [(line.net, line.tax, line.gross) for line in done.invoice.lines]
        if paid and done.invoice.gross:
            settling.put_on(books.online(f"pi_{number}", done.invoice.gross), done.invoice, by="test")
    assert said == shown
    assert done.state is QuoteState.ACCEPTED
    return done


CHANGES = st.lists(
    st.tuples(st.dates(NEW_YEAR, date(2027, 12, 31)), st.integers(1, 900), st.booleans()),
    min_size=1,
    max_size=4,
)


@given(CHANGES, st.booleans())
@ROWS
def test_i3_i8_chains_on_rows(year_of_100: Flask, steps: list[tuple[date, int, bool]], doubled: bool) -> None:
    """Each example is rolled back; `doubled` changes there and back once more on the last day."""
    with year_of_100.app_context():
        db.session.rollback()
        sub, sums = db.session.scalars(select(Subscription)).one(), []
        runs, exact, at = 100, 0, NEW_YEAR
        ordered = sorted(steps, key=lambda step: step[0])
        if doubled:
            day = ordered[-1][0]
            ordered += [(day, 950, False), (day, ordered[-1][1], True)]
        for number, (day, quantity, chore) in enumerate(ordered):
            with clock.stopped_at(day):
                if chore:
                    _catch_up()
                done = _step(sub, quantity, number, paid=chore)
                sums.append(done.gross.minor if done else 0)
                exact += price_of("licence.triton").listed(runs).minor * (day - at).days
                runs, at = quantity, day
        if doubled:
            assert sums[-2] + sums[-1] == 0
        with clock.stopped_at(date(2028, 1, 1)):
            exact += price_of("licence.triton").listed(runs).minor * (END - at).days
            _catch_up()
            _all_is_earned()
            assert verify_books()[1] == []
            billed = price_of("licence.triton").listed(100).minor + sum(sums)
            assert abs(billed * 365 - exact) <= 365 * 2 * len(sums)
        db.session.rollback()


def _catch_up() -> None:
    for line in db.session.scalars(select(OrderLine)):
        recognition.catch_up(line)


def _all_is_earned() -> None:
    """Per line income is what stands, and nothing is deferred after the end."""
    for line in db.session.scalars(select(OrderLine)):
        net, tax = recognition.standing(line)
        assert on_account(ledger.income(line.stream), line) == -Money(net)
        assert on_account(ledger.VAT, line) == -Money(tax)
        assert on_account(ledger.DEFERRED, line) == on_account(ledger.CONTRACT_ASSET, line) == NONE
    total = select(func.sum(JournalLine.amount)).where(JournalLine.account == ledger.RECEIVABLE)
    owed = sum((issuing.owed(one) for one in db.session.scalars(select(Invoice))), NONE)
    assert db.session.scalar(total) == owed


def test_the_paper_of_a_change_shows_both_lines(app: Flask) -> None:
    from portal.billing.note_papers import words_of

    books.house(app)
    with app.app_context():
        quote = change(subscribe("support.platinum"), "support.gold", date(2027, 10, 20), when="now")
        with reading():
            note = db.session.scalars(select(CreditNote)).one()
            said = words_of(note)
        assert said["note"]["kind"]["zh"] == "订阅变更"
        assert [line["gross"] for line in said["lines"]] == ["100,000.00", "-20,000.00"]
        assert said["total"]["gross"] == "80,000.00"
        assert said["note"]["number"] == quote.credit_note_number
        assert row(1).price.product.code == "support.gold"
