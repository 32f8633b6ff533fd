"""Money that came: recorded by one, confirmed by another, put on invoices; the rest stays the payer's credit."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing import attempts, ledger
from portal.billing.bank_models import OutsideMove
from portal.billing.events import InvoiceReopened, InvoiceSettled, ReceiptRecorded, ReceiptUnapplied
from portal.billing.issuing import locked, owed
from portal.billing.ledger import Line
from portal.billing.models import Invoice, InvoiceState, Party
from portal.billing.money_models import (
    Allocation,
    EntryState,
    Receipt,
    ReceiptEntry,
    Refund,
    RefundState,
    Way,
)
from portal.billing.reference import find
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.states import move

CASH = {
    Way.BANK: ledger.BANK,
    Way.CARD: ledger.STRIPE,
    Way.WALLET: ledger.STRIPE,
    Way.TEST: ledger.TEST_GATEWAY,
}


def invoice_named_in(text: str) -> Invoice | None:
    """Return the invoice whose reference stands in a transfer's text, if there is exactly one."""
    refs = find(text, str(catalogue.policy("invoice.reference_prefix")))
    rows = db.session.scalars(select(Invoice).where(Invoice.reference.in_(refs))).all()
    return rows[0] if len(rows) == 1 else None


def propose_receipt(
    *, bank_ref: str, amount: Money, received_on: date, payer: str, text: str, by: Person
) -> ReceiptEntry:
    """Write down a transfer as read from the statement; a second person confirms it."""
    ledger.refuse_future(received_on)
    if amount <= Money(0):
        raise Refused(_l("The amount must be more than zero."), field="amount", status=422)
    same = select(ReceiptEntry.id).where(
        ReceiptEntry.bank_ref == bank_ref, ReceiptEntry.state != EntryState.DECLINED
    )
    if db.session.scalar(same) is not None:
        raise Refused(_l("This bank reference is recorded already."), field="bank_ref", status=422)
    row = ReceiptEntry(
        bank_ref=bank_ref, amount=amount, received_on=received_on, payer=payer, text=text,
        invoice=invoice_named_in(text), by=by,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("receipt.proposed", row, by=by, amount=amount, payer=payer, text=text)
    return row


def _second(entry_id: int, by: Person) -> ReceiptEntry:
    row = db.session.scalars(
        select(ReceiptEntry)
        .where(ReceiptEntry.id == entry_id)
        .with_for_update(of=ReceiptEntry)
        .execution_options(populate_existing=True)
    ).one()
    if row.by_id == by.id:
        raise Forbidden(_l("You wrote this down yourself: a second person of finance confirms it."))
    return row


def confirm_receipt(entry: ReceiptEntry, *, by: Person) -> Receipt:
    """Stand for another's entry: the receipt is booked and put on the invoice that its text names."""
    row = _second(entry.id, by)
    move(row, EntryState.CONFIRMED)
    row.second = by
    party = row.invoice.party if row.invoice is not None else None
    receipt, _new = record_receipt(
        Way.BANK, "bank", row.bank_ref, row.amount, row.received_on, payer=row.payer, party=party,
        by=row.by.name, second=by.name,
    )  # fmt: skip
    row.receipt = receipt
    audit.record("receipt.confirmed", row, by=by, org_id=party.org_id if party else None, amount=row.amount)
    if row.invoice is not None:
        put_on(receipt, row.invoice, by=by)
    else:
        publish(ReceiptUnapplied(receipt))
    return receipt


def decline_receipt(entry: ReceiptEntry, *, by: Person, reason: str) -> None:
    """Send another's entry back; nothing is booked."""
    row = _second(entry.id, by)
    move(row, EntryState.DECLINED)
    row.second, row.reason = by, reason
    audit.record("receipt.declined", row, by=by, reason=reason)


def record_receipt(
    way: Way, provider: str, provider_ref: str, amount: Money, received_on: date, *, payer: str,
    party: Party | None, by: str, second: str = "",
) -> tuple[Receipt, bool]:  # fmt: skip
    """Book money once, whoever reports it and how often; return it and whether it is new."""
    known = db.session.scalars(
        select(Receipt).where(Receipt.provider == provider, Receipt.provider_ref == provider_ref)
    ).first()
    if known is not None:
        return known, False
    receipt = Receipt(
        way=way, provider=provider, provider_ref=provider_ref, amount=amount, received_on=received_on,
        payer=payer, party=party, recorded_by=by, confirmed_by=second,
    )  # fmt: skip
    db.session.add(receipt)
    db.session.flush()
    against = ledger.CREDIT if party is not None else ledger.UNIDENTIFIED
    ledger.post(
        "receipt",
        receipt.subject,
        [Line(CASH[way], amount, receipt=receipt), Line(against, -amount, party, receipt=receipt)],
        on=clock.today(),
    )
    audit.record(
        "receipt.recorded", receipt, by=by, org_id=party.org_id if party else None, amount=amount, payer=payer
    )
    publish(ReceiptRecorded(receipt))
    return receipt, True


def credit_of(receipt: Receipt) -> Money:
    """Return what of a receipt is neither on an invoice nor refunded nor on its way back."""
    used = db.session.scalar(
        select(func.coalesce(func.sum(Allocation.amount), 0)).where(Allocation.receipt_id == receipt.id)
    )
    back = db.session.scalar(
        select(func.coalesce(func.sum(Refund.amount), 0)).where(
            Refund.receipt_id == receipt.id, Refund.state.not_in([RefundState.DECLINED, RefundState.FAILED])
        )
    )
    outside = db.session.scalar(
        select(func.coalesce(func.sum(OutsideMove.amount), 0)).where(OutsideMove.receipt_id == receipt.id)
    )
    total = receipt.amount
    for part in (used, back, outside):
        total -= part if isinstance(part, Money) else Money(int(part or 0))
    return total


def put_on(receipt: Receipt, invoice: Invoice, *, by: Person | str) -> Money:
    """Pay an invoice from a receipt's credit as far as both reach; return the part put on it."""
    invoice = locked(invoice.id)
    db.session.scalars(select(Receipt).where(Receipt.id == receipt.id).with_for_update(of=Receipt)).one()
    if receipt.party_id not in (None, invoice.party_id):
        raise Refused(_l("This money belongs to another payer."))
    part = min(owed(invoice), credit_of(receipt)) if invoice.state is InvoiceState.OPEN else Money(0)
    if part <= Money(0):
        publish(ReceiptUnapplied(receipt))
        return Money(0)
    _identify(receipt, invoice.party)
    row = Allocation(receipt=receipt, invoice=invoice, amount=part, day=clock.today())
    db.session.add(row)
    db.session.flush()
    ledger.post(
        "allocation",
        row.subject,
        [
            Line(ledger.CREDIT, part, invoice.party, receipt=receipt),
            Line(ledger.RECEIVABLE, -part, invoice.party, invoice),
        ],
        on=clock.today(),
    )
    audit.record(
        "invoice.paid_in", invoice, by=by, org_id=invoice.party.org_id, amount=part, left=owed(invoice)
    )
    audit.record(
        "receipt.used", receipt, by=by, org_id=invoice.party.org_id, amount=part, number=invoice.number
    )
    attempts.lapse(invoice, owed(invoice))
    if not owed(invoice):
        move(invoice, InvoiceState.PAID)
        publish(InvoiceSettled(invoice))
    if credit_of(receipt):
        publish(ReceiptUnapplied(receipt))
    return part


def _identify(receipt: Receipt, party: Party) -> None:
    """Say whose money an unidentified receipt is, once it pays an invoice of that party."""
    if receipt.party_id is None:
        ledger.post(
            "identified",
            receipt.subject,
            [
                Line(ledger.UNIDENTIFIED, receipt.amount, receipt=receipt),
                Line(ledger.CREDIT, -receipt.amount, party, receipt=receipt),
            ],
            on=clock.today(),
            n=ledger.next_n("identified", receipt.subject),
        )
        receipt.party = party


def identify(receipt: Receipt, party: Party) -> None:
    """Say whose credit an unidentified receipt is, without an invoice."""
    _identify(receipt, party)


def unidentify(receipt: Receipt) -> None:
    """Say that nobody knows whose money it is after all; all of it must be free."""
    if receipt.party is not None:
        sides = [
            Line(ledger.CREDIT, receipt.amount, receipt.party, receipt=receipt),
            Line(ledger.UNIDENTIFIED, -receipt.amount, receipt=receipt),
        ]
        n = ledger.next_n("unidentified", receipt.subject)
        ledger.post("unidentified", receipt.subject, sides, on=clock.today(), n=n)
        receipt.party = None


def release(allocation: Allocation, *, by: Person | str, reason: str) -> None:
    """Take money off an invoice again, by a mirror row; a paid invoice is open again."""
    invoice = locked(allocation.invoice_id)
    pair = (Allocation.receipt_id == allocation.receipt_id) & (Allocation.invoice_id == invoice.id)
    held = db.session.scalar(select(func.coalesce(func.sum(Allocation.amount), 0)).where(pair))
    if (held.minor if isinstance(held, Money) else int(held or 0)) < allocation.amount.minor:
        raise Refused(_l("This money was taken off the invoice already."))
    row = Allocation(
        receipt=allocation.receipt, invoice=invoice, amount=-allocation.amount, day=clock.today()
    )
    db.session.add(row)
    db.session.flush()
    ledger.post(
        "allocation",
        row.subject,
        [
            Line(ledger.CREDIT, row.amount, invoice.party, receipt=allocation.receipt),
            Line(ledger.RECEIVABLE, -row.amount, invoice.party, invoice),
        ],
        on=clock.today(),
    )
    audit.record(
        "invoice.released",
        invoice,
        by=by,
        org_id=invoice.party.org_id,
        amount=allocation.amount,
        reason=reason,
    )
    audit.record(
        "receipt.freed", allocation.receipt, by=by, org_id=invoice.party.org_id, amount=allocation.amount,
        number=invoice.number,
    )  # fmt: skip
    attempts.lapse(invoice, owed(invoice))
    if invoice.state is InvoiceState.PAID:
        move(invoice, InvoiceState.OPEN)
        publish(InvoiceReopened(invoice))


def use_credit(invoice: Invoice, *, by: Person) -> Money:
    """Pay an invoice from its payer's unused money, the oldest first; return what was put on it."""
    row = locked(invoice.id)
    mine = select(Receipt).where(Receipt.party_id == row.party_id).order_by(Receipt.id)
    used = Money(0)
    for receipt in db.session.scalars(mine.with_for_update(of=Receipt)).all():
        if owed(row) and credit_of(receipt):
            used += put_on(receipt, row, by=by)
    if not used:
        raise Refused(_l("There is no unused credit, or nothing is left to pay."))
    return used
