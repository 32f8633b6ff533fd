"""Checks of a close: each fails once and says what is wrong; the roll-forwards close over whatever the books hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from portal.accounts.people import Person
from portal.billing import (
    closing,
    crediting,
    issuing,
    ledger,
    months,
    recognising,
    recognition,
    refunds,
    settling,
)
from portal.billing.bank_models import BankBook
from portal.billing.ledger import Line
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Receipt
from portal.billing.note_models import NoteKind
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.reports.closed import checks
from portal.services.statements.kinds import StatementState
from portal.services.statements.models import ComputeSeller, ComputeStatement
from tests import books, sale
from tests.people import browser
from tests.undone import part, undone

YEAR = (date(2027, 1, 1), date(2028, 1, 1))
JANUARY = date(2027, 1, 1)


def by_hand(*sides: tuple[str, int], day: date = date(2027, 1, 20)) -> None:
    """Book an entry that belongs to nothing, as an entry by hand can."""
    with clock.stopped_at(day), transaction():
        ledger.post("hand", f"test:{sides[0][0]}", [Line(code, Money(fen)) for code, fen in sides], on=day)


def _receivable() -> None:
    by_hand((ledger.RECEIVABLE, 100), (ledger.OUTSIDE, -100))


def _deferred() -> None:
    by_hand((ledger.DEFERRED, 100), (ledger.OUTSIDE, -100))


def _income() -> None:
    by_hand((ledger.income("support"), -100), (ledger.OUTSIDE, 100))


def _vat() -> None:
    by_hand((ledger.VAT, -100), (ledger.OUTSIDE, 100))


def _credit() -> None:
    by_hand((ledger.CREDIT, -100), (ledger.OUTSIDE, 100))


def _bank() -> None:
    """The bank's book begins, and a receipt typed in by hand is in no statement."""
    with clock.stopped_at(date(2027, 1, 10)), transaction():
        db.session.add(BankBook(account="main", opening=Money(0), opened_on=date(2027, 1, 1)))
    with clock.stopped_at(date(2027, 1, 20)), transaction():
        books.transfer("B-1", Money(500))


def _currency() -> None:
    with clock.stopped_at(date(2027, 1, 20)), transaction():
        sides = [
            Line(ledger.BANK, Money(700), currency="USD", units=100),
            Line(ledger.OUTSIDE, Money(-700), currency="USD", units=-100),
        ]
        ledger.post("hand", "test:usd", sides, on=clock.today())
        lite = db.session.get_bind().dialect.name == "sqlite"
        name = "journal_line_frozen_update" if lite else "journal_line_frozen ON journal_line"
        db.session.execute(text(f"DROP TRIGGER {name}"))
        db.session.execute(text("UPDATE journal_line SET units = 101 WHERE units = 100"))


def _work() -> None:
    """A seller of compute agreed to a commission that nobody ordered."""
    with clock.stopped_at(date(2027, 1, 20)), transaction():
        org = books.party().org
        assert org is not None
        seller = ComputeSeller(org=org, since=JANUARY, contract="C-1")
        row = ComputeStatement(seller=seller, month=JANUARY)
        db.session.add_all([seller, row])
        row.state, row.confirmed_at, row.commission = StatementState.CONFIRMED, clock.now(), Money(500)


BROKEN: list[tuple[str, str, Callable[[], None]]] = [
    ("The receivables account is the sum of the invoices", "1.00 of it belongs to no invoice", _receivable),
    ("Deferred income and contract assets are the sums of the contract lines", "1.00 apart", _deferred),
    ("The income accounts are the report by stream", "support: the account says 3,101.00", _income),
    ("The VAT account is the sum of the lines", "belongs to no invoice", _vat),
    ("Customer credit is the sum of the receipts", "belongs to no invoice", _credit),
    ("The bank account is its statement", "1 entry of the bank account stands in no statement, over 5.00", _bank),
    ("Rated usage and accepted milestones are booked", "Agreed commission is not booked", _work),
    ("Every entry balances in its own currency", "does not balance in USD", _currency),
]  # fmt: skip


@pytest.fixture
def january(app: Flask) -> Flask:
    """A year of support, sold in January."""
    books.house(app)
    with app.app_context(), clock.stopped_at(date(2027, 1, 5)), transaction():
        sale.sell(3_869_000, YEAR)
    return app


def test_each_check_fails_once_and_blocks_until_it_is_mended(january: Flask) -> None:
    """One house for all of them: what is broken stays, and each close names one check more."""
    with january.app_context(), force_locale("en"):
        seen: list[str] = []
        for words, said, breaks in BROKEN:
            breaks()
            with clock.stopped_at(date(2027, 2, 3)):
                recognising.recognise()
                with reading():
                    found = {one.words: one for one in checks.several(JANUARY)}
                    broken = [one.words for one in found.values() if one.blocks and not one.good]
                assert words in broken
                assert any(said in sentence for sentence in found[words].found), found[words].found
                assert set(seen) <= set(broken)
                seen.append(words)
                with pytest.raises(Refused, match=words), transaction():
                    closing.propose_close(JANUARY, by=books.person("fang"))
        with clock.stopped_at(date(2027, 2, 3)):
            page = browser(january, "fang@house.example").get("/office/money/months/2027-01").text
            assert all(words in page for words in seen)


def test_a_month_without_faults_closes_and_what_began_is_a_warning(january: Flask) -> None:
    with january.app_context(), force_locale("en"):
        with clock.stopped_at(date(2027, 1, 7)), transaction():
            placed = sale.order(106_000, subject="test:begun")
            recognition.agree(placed.lines[0], (date(2027, 1, 10), date(2028, 1, 10)))
        with clock.stopped_at(date(2027, 2, 3)):
            recognising.recognise()
            with reading():
                found = checks.several(JANUARY)
            assert [one.words for one in found if not one.good] == ["What has begun is invoiced"]
            assert "over 1,000.00 began on 2027-01-10" in found[-1].found[0]
            with transaction():
                closing.propose_close(JANUARY, by=books.person("fang"))


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["sell", "point", "pay", "over", "cut", "cancel", "refund", "recognise"]),
        st.integers(0, 40), st.integers(1, 5_000_000),
    ),
    max_size=12,
)  # fmt: skip


WHOLE = [
    ("sell", 0, 1_000_001), ("point", 3, 700_000), ("recognise", 40, 1), ("pay", 1, 400_000), ("cut", 2, 1),
    ("over", 5, 2_000_000), ("refund", 1, 1), ("recognise", 40, 1), ("cancel", 2, 1), ("refund", 3, 1),
    ("sell", 2, 50_000), ("cancel", 20, 1), ("recognise", 33, 1),
]  # fmt: skip


def _open() -> Invoice | None:
    return db.session.query(Invoice).filter_by(state=InvoiceState.OPEN).order_by(Invoice.id).first()


def _do(deed: str, n: int, amount: int, fang: Person, feng: Person) -> None:
    """Do one of the things that move the books, if there is anything to do it to."""
    row = _open()
    if deed in ("sell", "point"):
        start = clock.today()
        period = (start, start + timedelta(days=1 + amount % 400))
        sale.sell(amount + 100, period, subject=f"test:{n}", method="daily" if deed == "sell" else "point",
                  stream="support" if amount % 2 else "compliance")  # fmt: skip
    elif deed in ("pay", "over"):
        more = 1000 if deed == "over" else 0
        books.transfer(f"B-{n}", Money(amount + more), str(row.reference) if row else "")
    elif deed in ("cut", "cancel") and row is not None:
        bill = issuing.locked(row.id)
        line = bill.lines[0]
        kind = NoteKind.CANCELLATION if deed == "cancel" else NoteKind.PRICE_ADJUSTMENT
        nets = None if deed == "cancel" else {line.id: Money(1 + line.net.minor // 3)}
        note = crediting.propose_note(bill, kind, by=fang, reason="test", nets=nets)
        crediting.issue_note(note, by=feng)
    elif deed == "refund":
        receipts = db.session.query(Receipt).order_by(Receipt.id).all()
        free = [one for one in receipts if settling.credit_of(one) > Money(0)]
        if free:
            payee = refunds.Payee("Galaxy Ltd", "Bank", "62220001")
            asked = refunds.request_refund(
                free[0], settling.credit_of(free[0]), by=fang, reason="test", payee=payee
            )
            refunds.approve_refund(asked, by=feng)
            if n % 2:
                refunds.hand_over(asked, by=feng, bank_ref=f"R-{n}")
                refunds.finish_transfer(asked, by=feng, good=n % 3 > 0)


def test_the_roll_forwards_close_over_any_books(app: Flask) -> None:
    books.house(app)
    with app.app_context():

        @settings(max_examples=part(app, one_in=5), deadline=None)
        @given(deeds=DEEDS)
        @example(deeds=WHOLE)
        def any_books(deeds: list[tuple[str, int, int]]) -> None:
            with undone(app):
                _live(deeds)

        any_books()


def _live(deeds: list[tuple[str, int, int]]) -> None:
    day = JANUARY
    for at, (deed, step, amount) in enumerate(deeds):
        day += timedelta(days=step)
        with clock.stopped_at(day):
            if deed == "recognise":
                recognising.recognise()
                continue
            try:
                with transaction():
                    _do(deed, at, amount, books.person("fang"), books.person("feng"))
            except Refused:
                continue
    with clock.stopped_at(day + timedelta(days=40)):
        month = JANUARY
        while month <= day:
            for one in checks.look(month):
                assert one.holds, (one.code, f"{month:%Y-%m}", one.faults())
            month = months.following(month)
