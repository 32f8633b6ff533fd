"""Builders for tests of income: sell something at a sum, by a method, on a day."""

from __future__ import annotations

from datetime import date
from typing import Any

from portal.billing import issuing, ledger, recognition
from portal.billing.catalogue import Price, Tax
from portal.billing.issuing import Item
from portal.billing.models import Invoice, Order, OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.billing.pricing import PriceModel, Terms
from portal.core.db import db
from tests import books

SIX = Tax("services", 600, {"en": "6 %", "zh": "6%"})
FREE = Tax("dues", None, {"en": "exempt", "zh": "免税"})


def price(
    gross: int, *, stream: str = "support", method: str = "daily", tax: Tax = SIX, currency: str = "CNY"
) -> Price:
    """Return a price of a sum in minor units."""
    words = {"en": "A thing", "zh": "一项服务"}
    return Price(
        product="test.thing", words=words, stream=stream, recognition=method, months=12,
        model=PriceModel.PER_UNIT, terms=Terms(unit=gross), currency=currency, tax=tax, document="fapiao", version=1,
    )  # fmt: skip


def order(gross: int, *, subject: str = "test:sale", quantity: int = 1, **words: Any) -> Order:
    """Place an order; call inside a transaction."""
    return issuing.place_order(books.party(), subject, [Item(price(gross, **words), quantity=quantity)])


def sell(gross: int, period: tuple[date, date] | None = None, **words: Any) -> Invoice:
    """Sell on the clock's day, agreed for a period if one is given; call inside a transaction."""
    placed = order(gross, **words)
    if period is not None:
        recognition.agree(placed.lines[0], period)
    return issuing.issue_invoice(placed, language="en", by="test")


def line(invoice: Invoice) -> OrderLine:
    """Return the contract line of an invoice."""
    return invoice.lines[0].order_line


def standing(of: OrderLine) -> tuple[int, int, int]:
    """Return what of a line is earned, deferred and contract asset, in fen."""
    return (
        -ledger.of_line(of, ledger.income(of.stream)),
        -ledger.of_line(of, ledger.DEFERRED),
        ledger.of_line(of, ledger.CONTRACT_ASSET),
    )


def income(of: OrderLine) -> list[tuple[str, str, int]]:
    """Return the income of a line as (day posted, month of service, fen), in the order of the journal."""
    rows = (
        db.session.query(JournalEntry.posted_on, JournalEntry.service_month, JournalLine.amount)
        .join(JournalLine, JournalLine.entry_id == JournalEntry.id)
        .filter(JournalLine.order_line_id == of.id, JournalLine.account == ledger.income(of.stream))
        .order_by(JournalEntry.id)
    )
    return [(str(day), f"{month:%Y-%m}", -amount.minor) for day, month, amount in rows]
