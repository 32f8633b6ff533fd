"""Money taken back: credit goes first, then the newest allocations; the books agree whatever happens."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from portal.billing import events as told
from portal.billing import ledger, refunds, settling
from portal.billing.issuing import owed
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Allocation, Receipt, Refund, RefundState
from portal.billing.reversal_models import Reversal
from portal.billing.reversing import held_from, reverse_receipt
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import events
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from tests import books
from tests.undone import examples


def back(receipt: Receipt, amount: Money, key: str = "bank:1") -> Reversal:
    return reverse_receipt(receipt, amount=amount, reason="returned", by=books.person("fang"), key=key)


def test_credit_goes_first_and_then_the_newest_money_of_an_invoice(app: Flask) -> None:
    books.house(app)
    heard: list[Reversal] = []
    events.on(told.PaymentReversed, lambda event: heard.append(event.reversal))
    with app.app_context():
        with transaction():
            first, second = books.bill("a"), books.bill("b")
            receipt = books.transfer("B-1", Money(4_500_000), str(first.reference))
            settling.put_on(receipt, second, by="test")
            assert credit_of(receipt) == Money(500_000)
        with transaction():
            made = back(receipt, Money(1_500_000))
            assert back(receipt, Money(1_500_000)).id == made.id
        with reading():
            assert [one.key for one in heard if one.key == "bank:1"]
            assert (owed(first), owed(second)) == (Money(0), Money(1_000_000))
            assert db.session.get_one(Invoice, second.id).state is InvoiceState.OPEN
            assert db.session.get_one(Invoice, first.id).state is InvoiceState.PAID
            assert credit_of(receipt) == Money(0)
            assert [held for _row, held in held_from(receipt)] == [Money(1_000_000), Money(2_000_000)]
            assert ledger.balance(ledger.BANK) == Money(3_000_000)
            assert verify_books()[1] == []
            assert db.session.query(MailMessage).filter(MailMessage.key.startswith("reversal:")).count() == 1


def test_the_worked_example_of_a_returned_second_receipt(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with transaction():
            invoice = books.bill()
            books.transfer("B-1", Money(1_200_000), str(invoice.reference))
            second = books.transfer("B-2", Money(900_000), str(invoice.reference))
            assert (owed(invoice), credit_of(second)) == (Money(0), Money(100_000))
        with transaction():
            back(second, Money(900_000))
        with reading():
            assert (credit_of(second), owed(invoice)) == (Money(0), Money(800_000))
            assert db.session.get_one(Invoice, invoice.id).state is InvoiceState.OPEN
            assert verify_books()[1] == []


def test_a_refund_that_waits_gives_way_and_one_under_way_does_not(app: Flask) -> None:
    books.house(app)
    to = refunds.Payee("Galaxy", "Bank", "123")
    with app.app_context():
        with transaction():
            receipt = books.transfer("B-1", Money(100_000))
            one = refunds.request_refund(
                receipt, Money(60_000), by=books.person("fang"), reason="x", payee=to
            )
            refunds.approve_refund(one, by=books.person("feng"))
            two = refunds.request_refund(
                receipt, Money(40_000), by=books.person("fang"), reason="y", payee=to
            )
        with transaction(), pytest.raises(Refused):
            back(receipt, Money(40_001))
        with transaction():
            back(receipt, Money(40_000))
        with reading():
            states = {row.id: row.state for row in db.session.query(Refund)}
            assert states == {one.id: RefundState.APPROVED, two.id: RefundState.DECLINED}
            assert verify_books()[1] == []


@pytest.mark.parametrize("sql", ["UPDATE reversal SET amount = 1", "DELETE FROM reversal"])
def test_a_reversal_on_record_cannot_change(app: Flask, sql: str) -> None:
    books.house(app)
    with app.app_context():
        with transaction():
            back(books.transfer("B-1", Money(100)), Money(1))
        with pytest.raises(DatabaseError), transaction():
            db.session.execute(text(sql))


STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "free", "back", "ask"]), st.integers(1, 2_600_000)),
    min_size=1, max_size=5,
)  # fmt: skip


def step(what: str, fen: int, receipt: Receipt, invoice: Invoice, key: str) -> None:
    """Do one thing to a receipt; what cannot be is refused and changes nothing."""
    held = held_from(receipt)
    if what == "put":
        settling.put_on(receipt, invoice, by="test")
    elif what == "free" and held:
        settling.release(held[0][0], by="test", reason="x", part=min(held[0][1], Money(fen)))
    elif what == "back":
        back(receipt, Money(fen), key)
    elif what == "ask":
        to = refunds.Payee("Galaxy", "Bank", "123")
        refunds.request_refund(receipt, Money(fen), by=books.person("fang"), reason="x", payee=to)


def test_a_receipt_is_always_the_sum_of_what_became_of_it(app: Flask) -> None:
    books.house(app)
    count = itertools.count()

    @settings(max_examples=examples(app), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(1, 2_600_000), STEPS)
    def run(fen: int, steps: list[tuple[str, int]]) -> None:
        n = next(count)
        with transaction():
            invoice, receipt = books.bill(f"case:{n}"), books.online(f"O-{n}", Money(fen))
        for turn, (what, sum_) in enumerate(steps):
            try:
                with transaction():
                    step(what, sum_, receipt, invoice, f"k:{n}:{turn}")
            except Refused:
                continue
        with reading():
            assert_whole(receipt)

    with app.app_context():
        run()
        with reading():
            assert verify_books()[1] == []


def assert_whole(receipt: Receipt) -> None:
    """I2: allocations, refunds, reversals and credit make the receipt; none is negative."""

    def total(model: Any) -> int:
        return sum(row.amount.minor for row in db.session.query(model).filter_by(receipt_id=receipt.id))

    asked = sum(
        row.amount.minor
        for row in db.session.query(Refund).filter_by(receipt_id=receipt.id)
        if row.state is not RefundState.DECLINED
    )
    parts = [total(Allocation), asked, total(Reversal), credit_of(receipt).minor]
    assert min(parts) >= 0
    assert sum(parts) == receipt.amount.minor
