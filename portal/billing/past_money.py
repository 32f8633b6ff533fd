"""The money of past books: payments with their fees, put on their invoices, and refunds of what notes released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from portal.billing import ledger, queries, refunds, settling
from portal.billing.exchange import part_of
from portal.billing.issuing import owed
from portal.billing.ledger import Line
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Allocation, Receipt, Refund, RefundState, Way
from portal.billing.note_models import CreditNote
from portal.billing.parts import Part, fitting, units_left, units_owed
from portal.billing.past_file import day_in, no, rate_in, times
from portal.core import clock
from portal.core.db import db
from portal.core.money import Money

if TYPE_CHECKING:
    from portal.billing.past_books import Past

NONE = Money(0)


def pay(past: Past, record: dict[str, Any]) -> None:
    """Book money that came, on the day it came; its invoice takes it as soon as it is issued."""
    where = f"payments {record['id']}"
    invoice = db.session.scalars(
        select(Invoice).where(Invoice.billed_subject == f"books:{record['invoice']}")
    ).first()
    if invoice is None:
        past.waiting.setdefault(str(record["invoice"]), []).append(record)
    receipt = _receipt(past, record, where)
    if invoice is not None:
        _put(receipt, invoice)


def pay_waiting(past: Past, number: str, invoice: Invoice) -> None:
    """Let an invoice take the money that came before it."""
    for record in past.waiting.pop(number, []):
        receipt = db.session.scalars(select(Receipt).where(Receipt.provider_ref == record["id"])).one()
        _put(receipt, invoice)


def _currency(past: Past, number: str) -> str:
    bill = next((one for one in past.book.of("invoices") if one["id"] == number), {})
    return str(bill.get("currency") or "CNY")


def _payer(past: Past, number: str) -> str:
    for one in past.book.of("invoices"):
        if one["id"] == number:
            return str(one["party"])
    return next(str(one["party"]) for one in past.book.of("commission") if one.get("invoice") == number)


def _receipt(past: Past, record: dict[str, Any], where: str) -> Receipt:
    units, currency = record.get("amount_fc"), "CNY"
    if units is not None:
        currency = _currency(past, str(record["invoice"]))
        amount = Money(times(units, rate_in(record, "fx", where)))
    else:
        amount = Money(record["amount"])
    day, payer = day_in(record, "on", where), _payer(past, str(record["invoice"]))
    receipt = Receipt(
        way=Way.BANK, provider="books", provider_ref=str(record["id"]), amount=amount, received_on=day, payer=payer,
        party=past.party(payer), recorded_by="import", currency=currency, units=units if currency != "CNY" else None,
    )  # fmt: skip
    db.session.add(receipt)
    db.session.flush()
    came = receipt.units
    ledger.post(
        "receipt", receipt.subject,
        [
            Line(ledger.BANK, amount, receipt=receipt, currency=currency, units=came),
            Line(ledger.CREDIT, -amount, receipt.party, receipt=receipt, currency=currency, units=came and -came),
        ],
        on=day,
    )  # fmt: skip
    fee = Money(record.get("fee") or 0)
    ledger.post("fee", receipt.subject, [Line(ledger.FEES, fee), Line(ledger.BANK, -fee)], on=day)
    return receipt


def _put(receipt: Receipt, invoice: Invoice) -> None:
    if invoice.state is not InvoiceState.OPEN:
        return
    part = fitting(receipt, invoice, settling.credit_of(receipt))
    if part is None and receipt.currency != invoice.currency:  # paid in CNY: all of it settles what is left
        part = Part(owed(invoice), settling.credit_of(receipt), units_owed(invoice))
    if part is not None:
        settling.allocate(receipt, invoice, part, by="import")


def refund(past: Past, record: dict[str, Any]) -> None:
    """Pay out what a credit note released: its sum less what was still owed on its invoice."""
    where = f"refunds {record['id']}"
    note = db.session.scalars(
        select(CreditNote).join(Invoice).where(
            CreditNote.number == str(record["credit_note"]), Invoice.billed_subject.startswith("books:")
        )
    ).first()  # fmt: skip
    if note is None:
        raise no(where, "credit_note", f"{record['credit_note']} is not issued on that day")
    left = released_by(note)
    for receipt in _receipts(note.invoice):
        part = min(left, settling.credit_of(receipt))
        if part > NONE:
            _send(receipt, part, str(record["id"]))
            left -= part
    if left:
        raise no(where, "credit_note", f"{record['credit_note']} has not released that much")


def released_by(note: CreditNote) -> Money:
    """Return what a note took off its invoice's money: the mirror rows of its day."""
    rows = select(Allocation).where(
        Allocation.invoice_id == note.invoice_id, Allocation.day == note.issued_on, Allocation.amount < NONE
    )
    return sum((-(row.amount if row.taken is None else row.taken) for row in db.session.scalars(rows)), NONE)


def _receipts(invoice: Invoice) -> list[Receipt]:
    rows = queries.allocations_of(invoice)
    return list(
        {row.receipt_id: row.receipt for row in sorted(rows, key=lambda row: -row.receipt_id)}.values()
    )


def _send(receipt: Receipt, amount: Money, ref: str) -> None:
    units = None
    if receipt.units is not None:
        units = part_of(units_left(receipt), amount.minor, settling.credit_of(receipt).minor)
    row = Refund(
        receipt=receipt, amount=amount, reason=ref, by=None, state=RefundState.SUCCEEDED, outcome_ref=ref,
        payee=receipt.payer, sent_at=clock.now(), units=units,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    refunds.book("refund_approved", row, ledger.CREDIT, ledger.REFUNDS)
    refunds.book("refund_done", row, ledger.REFUNDS, ledger.BANK)
