"""What of a receipt pays what of an invoice, in the currencies of both, and how that is booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from portal.billing import ledger
from portal.billing.exchange import part_of
from portal.billing.issuing import owed
from portal.billing.ledger import Line
from portal.billing.models import Invoice
from portal.billing.money_models import (
    Allocation,
    JournalEntry,
    JournalLine,
    Receipt,
    Refund,
    RefundState,
)
from portal.billing.note_models import CreditNote, NoteState
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.money import Money


@dataclass(frozen=True, slots=True)
class Part:
    """`amount` off the invoice at its own rate, `taken` off the receipt, both in CNY; `units` in the invoice's currency.

    `came` are units of the receipt's currency where they are not those of the invoice.
    """

    amount: Money
    taken: Money
    units: int | None = None
    came: int | None = None


def _minor(value: object) -> int:
    return value.minor if isinstance(value, Money) else int(str(value or 0))


def units_owed(invoice: Invoice) -> int:
    """Return what is still to be paid of an invoice in its own currency, in minor units."""
    if invoice.printed is None:
        return owed(invoice).minor
    paid = select(func.sum(Allocation.units)).where(Allocation.invoice_id == invoice.id)
    noted = select(func.sum(CreditNote.units)).where(
        CreditNote.invoice_id == invoice.id, CreditNote.state == NoteState.ISSUED
    )
    return int(invoice.printed["gross"]) - _minor(db.session.scalar(paid)) - _minor(db.session.scalar(noted))


def units_left(receipt: Receipt) -> int:
    """Return what of a receipt in another currency nobody uses, in its minor units, as the journal has it."""
    free = select(func.sum(JournalLine.units)).where(
        JournalLine.receipt_id == receipt.id, JournalLine.account.in_((ledger.CREDIT, ledger.UNIDENTIFIED))
    )
    asked = select(func.sum(Refund.units)).where(
        Refund.receipt_id == receipt.id, Refund.state == RefundState.REQUESTED
    )
    return -_minor(db.session.scalar(free)) - _minor(db.session.scalar(asked))


def fitting(receipt: Receipt, invoice: Invoice, unused: Money) -> Part | None:
    """Return the greatest part of a receipt that an invoice takes; None across currencies: converting is a stated act."""
    credit, open_sum = unused.minor, owed(invoice)
    if receipt.currency != invoice.currency or credit <= 0 or open_sum <= Money(0):
        return None
    if invoice.currency == LEDGER_CURRENCY:
        part = min(open_sum, Money(credit))
        return Part(part, part)
    free = units_left(receipt)
    units, left = min(units_owed(invoice), free), units_owed(invoice)
    if units <= 0:
        return None
    taken = credit if units == free else part_of(credit, units, free)
    return Part(Money(part_of(open_sum.minor, units, left)), Money(taken), units)


def _came(rows: Sequence[Allocation]) -> int | None:
    """Return how many units of a receipt's own currency its rows on an invoice hold, as they were booked."""
    if rows[0].receipt.units is None:
        return None
    booked = select(func.sum(JournalLine.units)).join(JournalEntry, JournalEntry.id == JournalLine.entry_id).where(
        JournalLine.receipt_id == rows[0].receipt_id, JournalLine.account == ledger.CREDIT,
        JournalEntry.source.in_([row.subject for row in rows]),
    )  # fmt: skip
    return _minor(db.session.scalar(booked))


def released(rows: Sequence[Allocation], amount: Money) -> Part:
    """Return what goes back when `amount` comes off an invoice again, of all that one receipt has on it."""
    held = sum(row.amount.minor for row in rows)
    taken = sum((row.amount if row.taken is None else row.taken).minor for row in rows)
    units, came = sum(row.units or 0 for row in rows), _came(rows)
    return Part(
        amount,
        Money(part_of(taken, amount.minor, held)),
        part_of(units, amount.minor, held) if any(row.units is not None for row in rows) else None,
        None if came is None else part_of(came, amount.minor, held),
    )


def sides(row: Allocation, part: Part, sign: int = 1, *, booked: bool = True) -> list[Line]:
    """Return what an allocation books (`sign` −1: its release; not `booked`: its row is none of the database's yet).

    Realised difference = cash − (1122 + 1129 of the invoice); between two sums in CNY it is the bank's charges.
    """
    invoice, receipt = row.invoice, row.receipt
    party, plain = invoice.party, invoice.currency == receipt.currency == LEDGER_CURRENCY
    swing = 0
    if invoice.currency != LEDGER_CURRENCY and sign > 0:
        left = units_owed(invoice) + (part.units or 0 if booked else 0)
        swing = part_of(ledger.of_invoice(invoice, ledger.REVALUATION), part.units or 0, left)
    gap = part.taken.minor - part.amount.minor - swing
    came = part.came
    if came is None and receipt.currency != LEDGER_CURRENCY:
        came = part.units
    return [
        Line(ledger.CREDIT, part.taken * sign, party, receipt=receipt, currency=receipt.currency, units=came and came * sign),
        Line(
            ledger.RECEIVABLE, part.amount * -sign, party, invoice, currency=invoice.currency,
            units=part.units and part.units * -sign,
        ),
        Line(ledger.REVALUATION, Money(-swing * sign), party, invoice),
        Line(ledger.FEES if plain else ledger.EXCHANGE, Money(-gap * sign), party, invoice),
    ]  # fmt: skip
