"""The books hold whatever is done to them: a machine that does everything in any order, and breaks made by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import func, select, text

from portal.billing import (
    closing,
    converting,
    crediting,
    exchange,
    issuing,
    recognising,
    refunds,
    revaluing,
    settling,
    voiding,
    writing_off,
)
from portal.billing import months as months_of
from portal.billing.catalogue import prices
from portal.billing.models import Invoice, InvoiceState, OrderLine
from portal.billing.money_models import (
    Allocation,
    JournalEntry,
    JournalLine,
    Receipt,
    Refund,
    RefundState,
    Way,
)
from portal.billing.note_models import CreditNote, NoteKind, NoteState
from portal.billing.pricing import split
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money, spread
from portal.core.periods import nth
from tests import books, sale
from tests.undone import examples, undone

PAYEE = refunds.Payee("Galaxy Ltd", "Bank", "6222")
PICK = st.integers(0, 1000)
R = RefundState


class Books(RuleBasedStateMachine):
    """Two of finance and one company, doing whatever the verbs allow, and being refused the rest; months go by."""

    app: Flask

    def __init__(self) -> None:
        super().__init__()
        self.n = 0
        self.day = date(2027, 1, 20)
        self.stack = ExitStack()
        self.stack.enter_context(self.app.app_context())
        self.stack.enter_context(undone(self.app))
        self.clock = self.stack.enter_context(ExitStack())
        self.clock.enter_context(clock.stopped_at(self.day))

    def teardown(self) -> None:
        try:
            self.the_books_hold()
        finally:
            self.stack.close()

    def _next(self) -> str:
        self.n += 1
        return f"{id(self)}-{self.n}"

    def _one(self, model: Any, pick: int, *conditions: Any) -> Any:
        rows = db.session.scalars(select(model).where(*conditions).order_by(model.id)).all()
        return rows[pick % len(rows)] if rows else None

    def _do(self, deed: Callable[[], object]) -> None:
        """Do something in one transaction; a refusal leaves nothing behind."""
        try:
            with transaction():
                deed()
        except Refused:
            return

    @rule(days=st.sampled_from([1, 12, 31, 45]))
    def later(self, days: int) -> None:
        self.day += timedelta(days=days)
        self.clock.close()
        self.clock.enter_context(clock.stopped_at(self.day))

    @rule(value=st.sampled_from(["7.20", "7.1034", "6.9", "7.5"]), month_end=st.booleans())
    def rate(self, value: str, month_end: bool) -> None:
        """A rate of today or of the last month's end becomes known, and receivables are carried at it."""
        day = self.day.replace(day=1) - timedelta(days=1) if month_end else self.day
        self._do(lambda: exchange.load_rate("USD", day, value, source="PBOC", by="fang"))
        revaluing.sweep()

    @rule(cents=st.sampled_from([1, 33_333, 100_000]), months=st.integers(0, 3))
    def sell_in_dollars(self, cents: int, months: int) -> None:
        start = nth(self.day, 1, -months)
        self._do(
            lambda: sale.sell(
                cents, (start, nth(start, 12, 1)), subject=self._next(), tax=sale.FREE, currency="USD"
            )
        )

    @rule(pick=PICK, share=st.sampled_from([30, 100, 120]), worth=st.sampled_from([650, 719, 733]))
    def dollars(self, pick: int, share: int, worth: int) -> None:
        """Dollars arrive, at the bank's rate of the day."""

        def deed() -> None:
            invoice = self._one(Invoice, pick, Invoice.currency == "USD")
            if invoice is not None:
                units = max(1, invoice.printed["gross"] * share // 100)
                receipt, _new = settling.record_receipt(
                    Way.BANK, "bank", self._next(), Money(max(1, units * worth // 100)), clock.today(),
                    payer="x", party=books.party(), by="t", currency="USD", units=units,
                )  # fmt: skip
                settling.put_on(receipt, invoice, by="t")

        self._do(deed)

    @rule(pick=PICK, other=PICK, share=st.sampled_from([10, 100]))
    def convert(self, pick: int, other: int, share: int) -> None:
        def deed() -> None:
            receipt, invoice = self._one(Receipt, pick), self._one(Invoice, other)
            if receipt is not None and invoice is not None:
                due = converting.left(invoice)
                converting.convert(
                    receipt, invoice, taken=settling.unused(receipt), by=books.person("fang"),
                    given=Money(max(1, due.minor * share // 100), due.currency),
                )  # fmt: skip

        self._do(deed)

    @rule(product=st.sampled_from(["dues.silver", "dues.startup", "dues.gold"]), waived=st.booleans())
    def issue(self, product: str, waived: bool) -> None:
        from portal.billing.catalogue import price_of

        self._do(lambda: books.bill(self._next(), product, price_of(product).amount if waived else Money(0)))

    @rule(pick=PICK, share=st.sampled_from([1, 33, 50, 100, 101, 250]), named=st.booleans())
    def bank(self, pick: int, share: int, named: bool) -> None:
        def deed() -> None:
            invoice = self._one(Invoice, pick, Invoice.gross > Money(0))
            if invoice is not None:
                amount = Money(invoice.gross.minor * share // 100)
                books.transfer(self._next(), amount, str(invoice.reference) if named else "")

        self._do(deed)

    @rule(pick=PICK)
    def gateway(self, pick: int) -> None:
        def deed() -> None:
            invoice = self._one(Invoice, pick, Invoice.gross > Money(0))
            if invoice is not None:
                settling.put_on(books.online(self._next(), invoice.gross), invoice, by="payment page")

        self._do(deed)

    @rule(pick=PICK, other=PICK)
    def match(self, pick: int, other: int) -> None:
        def deed() -> None:
            receipt, invoice = self._one(Receipt, pick), self._one(Invoice, other)
            if receipt is not None and invoice is not None:
                settling.put_on(receipt, invoice, by=books.person("fang"))

        self._do(deed)

    @rule(pick=PICK)
    def use_credit(self, pick: int) -> None:
        def deed() -> None:
            invoice = self._one(Invoice, pick)
            if invoice is not None:
                settling.use_credit(invoice, by=books.person("chen"))

        self._do(deed)

    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        def deed() -> None:
            row = self._one(Allocation, pick, Allocation.amount > Money(0))
            if row is not None:
                settling.release(row, by=books.person("fang"), reason="moved")

        self._do(deed)

    @rule(pick=PICK, share=st.sampled_from([1, 50, 100, 120]))
    def ask_refund(self, pick: int, share: int) -> None:
        def deed() -> None:
            row = self._one(Receipt, pick)
            if row is not None:
                free = settling.unused(row)
                amount = Money(free.minor * share // 100, free.currency)
                refunds.request_refund(row, amount, by=books.person("fang"), reason="back", payee=PAYEE)

        self._do(deed)

    @rule(pick=PICK, what=st.sampled_from(["approve", "decline", "own"]))
    def answer_refund(self, pick: int, what: str) -> None:
        def deed() -> None:
            row = self._one(Refund, pick)
            if row is None:
                return
            if what == "decline":
                refunds.decline_refund(row, by=books.person("feng"), reason="no")
            else:
                refunds.approve_refund(row, by=books.person("feng" if what == "approve" else "fang"))

        self._do(deed)

    @rule(pick=PICK, good=st.booleans())
    def send_refund(self, pick: int, good: bool) -> None:
        def deed() -> None:
            row = self._one(Refund, pick, Refund.state.in_([R.APPROVED, R.SENDING]))
            if row is None:
                return
            if row.state is R.APPROVED:
                refunds.send_refund(row, by="refunds")
            else:
                refunds.finish_refund(row, good=good, by="refunds", why="" if good else "refused")

        self._do(deed)

    @rule(pick=PICK, confirm=st.booleans())
    def void(self, pick: int, confirm: bool) -> None:
        def deed() -> None:
            invoice = self._one(Invoice, pick)
            if invoice is None:
                return
            if voiding.proposed(invoice) is None:
                voiding.propose_void(invoice, by=books.person("fang"), reason="wrong")
            elif confirm:
                voiding.confirm_void(invoice, by=books.person("feng"))
            else:
                voiding.decline_void(invoice, by=books.person("feng"))

        self._do(deed)

    @rule(pick=PICK, months=st.integers(0, 14))
    def agree(self, pick: int, months: int) -> None:
        """Agree on an offer for a year that began some months ago: days already past are caught up."""

        def deed() -> None:
            invoice = self._one(Invoice, pick, Invoice.state != InvoiceState.VOID)
            if invoice is not None and invoice.order.lines[0].agreed_on is None:
                start = nth(clock.today(), 1, -months)
                issuing.agree(invoice.order, start, nth(start, 12, 1))

        self._do(deed)

    @rule(
        pick=PICK,
        share=st.sampled_from([1, 40, 100, 101]),
        kind=st.sampled_from(list(NoteKind)),
        ago=st.integers(-40, 300),
    )
    def propose_note(self, pick: int, share: int, kind: NoteKind, ago: int) -> None:
        def deed() -> None:
            invoice = self._one(Invoice, pick)
            if invoice is not None:
                line = invoice.lines[0]
                crediting.propose_note(
                    invoice, kind, by=books.person("fang"), reason="less", last_day=clock.today() - timedelta(days=ago),
                    nets={line.id: Money(line.net.minor * share // 100)},
                )  # fmt: skip

        self._do(deed)

    @rule(pick=PICK, good=st.booleans())
    def answer_note(self, pick: int, good: bool) -> None:
        def deed() -> None:
            note = self._one(CreditNote, pick, CreditNote.state == NoteState.DRAFT)
            if note is not None:
                (crediting.issue_note if good else crediting.decline_note)(note, by=books.person("feng"))

        self._do(deed)

    @rule(pick=PICK)
    def reverse(self, pick: int) -> None:
        def deed() -> None:
            invoice = self._one(Invoice, pick)
            if invoice is not None:
                crediting.reverse_invoice(invoice, by="lapse", reason="lapsed")

        self._do(deed)

    @rule(pick=PICK, what=st.sampled_from(["propose", "do", "recover", "charges"]))
    def write_off(self, pick: int, what: str) -> None:
        def deed() -> None:
            invoice = self._one(Invoice, pick)
            if invoice is None:
                return
            if what == "propose":
                writing_off.propose_write_off(invoice, by=books.person("fang"), reason="gone")
            elif what == "do":
                writing_off.write_off(invoice, by=books.person("feng"))
            elif what == "recover":
                writing_off.recover(invoice, by=books.person("fang"))
            else:
                writing_off.book_charges(invoice, by=books.person("fang"))

        self._do(deed)

    @rule()
    def recognise(self) -> None:
        recognising.recognise()
        with reading():
            assert recognising.missing_by(months_of.last_of(nth(clock.today(), 1, -1))) == {}

    @rule(step=st.sampled_from(["propose", "close", "leave", "ask", "reopen"]))
    def month(self, step: str) -> None:
        """Walk a month's life: the last one that is over, or the one closed last."""

        def deed() -> None:
            last = closing.last_closed()
            due = closing.next_to_close() or clock.today().replace(day=1)
            fang, feng = books.person("fang"), books.person("feng")
            if step == "propose":
                closing.propose_close(due, by=fang)
            elif step == "close":
                closing.close(due, by=feng)
            elif step == "leave":
                closing.decline_close(due, by=fang)
            elif last is not None and step == "ask":
                closing.propose_reopen(last.month, by=fang, reason="forgotten")
            elif last is not None:
                closing.reopen(last.month, by=feng)

        self._do(deed)

    def the_books_hold(self) -> None:
        with reading():
            assert verify_books()[1] == []
            for row in db.session.scalars(select(Receipt)):
                assert credit_of(row) >= Money(0)
            for entry in db.session.scalars(select(JournalEntry)):
                assert sum(line.amount.minor for line in entry.lines) == 0
            for invoice in db.session.scalars(select(Invoice).where(Invoice.state == InvoiceState.OPEN)):
                assert issuing.owed(invoice) > Money(0)
            offers = [
                line.id for line in db.session.scalars(select(OrderLine).where(OrderLine.agreed_on.is_(None)))
            ]
            earned = select(func.count(JournalLine.id)).where(
                JournalLine.order_line_id.in_(offers), JournalLine.account.startswith("6001.")
            )
            assert db.session.scalar(earned) == 0


@pytest.mark.parametrize(("most", "steps"), [(500, 7), (15, 40)], ids=["many", "long"])
def test_the_books_hold_after_any_sequence(app: Flask, most: int, steps: int) -> None:
    """I1, I2, I3, I13: looked at when all steps of an example are done."""
    books.house(app)
    machine = type("OnThisDatabase", (Books,), {"app": app})
    run_state_machine_as_test(
        machine,
        settings=settings(
            deadline=None, max_examples=min(most, examples(app)), stateful_step_count=steps, suppress_health_check=list(HealthCheck)
        ),
    )  # fmt: skip


def test_every_price_splits_into_parts_that_make_the_whole(app: Flask) -> None:
    with app.app_context(), reading():
        amounts = [price.amount.minor for price in prices()]
        taxed = [(price.amount.minor, price.tax.of(price.amount.minor)) for price in prices()]
    assert len(amounts) >= 5
    for amount, figures in taxed:
        assert figures.net + figures.tax == figures.gross == amount
    for amount in amounts:
        for bp in (0, 100, 300, 600, 900, 1300):
            parts = split(amount, bp)
            assert parts.net + parts.tax == amount
        for weights in ([1] * 12, [1, 2, 3], [365, 366], [7, 0, 11]):
            assert sum(spread(amount, weights)) == amount


@given(
    st.integers(-(10**12), 10**12),
    st.integers(0, 10_000),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=20),
)
@settings(deadline=None)
def test_any_price_splits_into_parts_that_make_the_whole(amount: int, bp: int, weights: list[int]) -> None:
    parts = split(amount, bp)
    assert parts.net + parts.tax == parts.gross == amount
    if sum(weights):
        assert sum(spread(amount, weights)) == amount


BREAKS = [
    ("UPDATE journal_line SET amount = amount + 1 WHERE id = 1", "journal: entry 1 does not balance (1 fen)"),
    ("INSERT INTO journal_entry (kind, source, n, posted_on, service_month, recorded_at) "
     "VALUES ('x', 'x', 1, '2026-01-01', '2026-01-01', '2026-01-01 00:00:00+00:00')", "has no lines"),
    ("UPDATE invoice SET number = 'INV-2026-000009' WHERE id = 2", "000002 is missing"),
    ("UPDATE invoice SET number = 'X-1' WHERE id = 2", "numbers: invoice 2 has X-1"),
    ("UPDATE invoice SET issued_on = '2026-01-01' WHERE id = 2", "000002 is of 2026-01-01, the one before it of"),
    ("UPDATE number_series SET next = next + 1", "the counter of INV-2026 stands at 4 after 2 numbers"),
    ("UPDATE invoice_line SET net = net - 1 WHERE id = 2", "documents: line 2 says"),
    ("UPDATE invoice SET net = net - 1 WHERE id = 2", "documents: INV-2026-000002 says"),
    ("UPDATE invoice SET state = 'paid' WHERE id = 2", "invoices: INV-2026-000002 is paid with"),
    ("UPDATE allocation SET amount = amount - 1", "invoices: INV-2026-000001 owes 1 fen, its account says 0"),
    ("UPDATE allocation SET amount = amount + 3000000", "receipts: 1 is spent beyond its sum"),
    ("UPDATE invoice SET state = 'void' WHERE id = 1", "INV-2026-000001 is void and has money on it"),
    ("UPDATE receipt SET amount = amount + 5 WHERE id = 1", "receipts: 1 has 1000005 fen of credit, its account says 1000000"),
    ("UPDATE receipt SET way = 'card' WHERE id = 1", "receipts: 1 came by card and lies on account 1002"),
    ("UPDATE refund SET amount = amount - 1", "receipts: 2 owes 99999 fen of refunds, the account says 100000"),
    ("UPDATE refund SET state = 'succeeded'", "receipts: 2 brought"),
]  # fmt: skip


@pytest.fixture
def story(app: Flask) -> Flask:
    """A small set of books: one invoice paid too much, one open, and a refund approved."""
    books.house(app)
    with app.app_context():
        with transaction():
            first = books.bill("story:1")
            books.bill("story:2", "dues.gold")
            books.transfer("B-1", Money(3_000_000), str(first.reference))
            receipt = books.online("pi_1", Money(500_000))
            row = refunds.request_refund(
                receipt, Money(100_000), by=books.person("fang"), reason="back", payee=PAYEE
            )
            refunds.approve_refund(row, by=books.person("feng"))
        with reading():
            assert verify_books() == (6, [])
    return app


def lay_open(app: Flask) -> None:
    """Take away what keeps the rows from being changed, as somebody with the database's password could."""
    with transaction():
        if app.extensions["settings"].sqlite:
            for name in db.session.scalars(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all():
                db.session.execute(text(f"DROP TRIGGER {name}"))
            db.session.execute(text("PRAGMA ignore_check_constraints = ON"))
            return
        db.session.execute(text("SET session_replication_role = replica"))
        for table in ("invoice", "invoice_line"):
            db.session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_adds_up"))


@pytest.mark.parametrize(("statement", "said"), BREAKS, ids=[said for _statement, said in BREAKS])
def test_a_broken_row_is_named(story: Flask, statement: str, said: str) -> None:
    with story.app_context():
        lay_open(story)
        with transaction():
            db.session.execute(text(statement))
        with reading():
            found = verify_books()[1]
        assert any(said in sentence for sentence in found), found


def test_a_production_ledger_holds_no_test_money(story: Flask) -> None:
    books.set_up(story, mode="production")
    with story.app_context(), reading():
        assert verify_books()[1] == ["receipts: 2 came from the test gateway into a production ledger"]
        assert db.session.scalars(select(Receipt.way).where(Receipt.id == 2)).one() is Way.TEST
