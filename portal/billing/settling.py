"""Money that came: recorded by one, confirmed by another, put on invoices; the rest stays the payer's credit."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, func, select, type_coerce

from portal.accounts.people import Person
from portal.billing import attempts, ledger
from portal.billing.bank_models import OutsideMove
from portal.billing.events import InvoiceReopened, InvoiceSettled, ReceiptRecorded, ReceiptUnapplied
from portal.billing.identifying import identify
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
from portal.billing.parts import Part, fitting, released, sides, units_left
from portal.billing.passing import belongs, receipts_with_credit
from portal.billing.reference import find
from portal.billing.reversal_models import Reversal
from portal.core import audit, catalogue, clock
from portal.core.db import LEDGER_CURRENCY, db
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
TAKEN = func.coalesce(Allocation.taken, Allocation.amount)


def invoice_named_in(text: str) -> Invoice | None:
    """Return the invoice whose reference stands in a transfer's text, if there is exactly one."""
    refs = find(text, str(catalogue.policy("invoice.reference_prefix")))
    rows = db.session.scalars(select(Invoice).where(Invoice.reference.in_(refs))).all()
    return rows[0] if len(rows) == 1 else None


def propose_receipt(
    *, bank_ref: str, amount: Money, received_on: date, payer: str, text: str, by: Person,
    came: Money | None = None,
) -> ReceiptEntry:  # fmt: skip
    """Write down a transfer as read from the statement; a second person confirms it.

    `amount` is what the bank made of it in CNY; `came` what arrived, where that was another currency.
    """
    ledger.refuse_future(received_on)
    if came is not None and came.minor <= 0:
        raise Refused(_l("The amount must be more than zero."), field="foreign", status=422)
    if amount <= Money(0):
        raise Refused(_l("The amount must be more than zero."), field="amount", status=422)
    same = select(ReceiptEntry.id).where(
        ReceiptEntry.bank_ref == bank_ref, ReceiptEntry.state != EntryState.DECLINED
    )
    if db.session.scalar(same) is not None:
        raise Refused(_l("This bank reference is recorded already."), field="bank_ref", status=422)
    row = ReceiptEntry(
        bank_ref=bank_ref, amount=amount, received_on=received_on, payer=payer, text=text,
        invoice=invoice_named_in(text), by=by, currency=came.currency if came else LEDGER_CURRENCY,
        units=came.minor if came else None,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("receipt.proposed", row, by=by, amount=amount, payer=payer, text=text, came=came)
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
        by=row.by.name, second=by.name, currency=row.currency, units=row.units,
    )  # fmt: skip
    row.receipt = receipt
    came = row.came if row.units is not None else None
    audit.record(
        "receipt.confirmed", row, by=by, org_id=party.org_id if party else None, amount=row.amount, came=came
    )
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
    party: Party | None, by: str, second: str = "", currency: str = LEDGER_CURRENCY, units: int | None = None,
) -> tuple[Receipt, bool]:  # fmt: skip
    """Book money once, whoever reports it and how often; return it and whether it is new.

    `amount` is what the bank made of it in CNY; `units` what arrived, where `currency` is another one.
    """
    known = db.session.scalars(
        select(Receipt).where(Receipt.provider == provider, Receipt.provider_ref == provider_ref)
    ).first()
    if known is not None:
        return known, False
    receipt = Receipt(
        way=way, provider=provider, provider_ref=provider_ref, amount=amount, received_on=received_on,
        payer=payer, party=party, recorded_by=by, confirmed_by=second, currency=currency, units=units,
    )  # fmt: skip
    db.session.add(receipt)
    db.session.flush()
    against = ledger.CREDIT if party is not None else ledger.UNIDENTIFIED
    ledger.post(
        "receipt",
        receipt.subject,
        [
            Line(CASH[way], amount, receipt=receipt, currency=currency, units=units),
            Line(against, -amount, party, receipt=receipt, currency=currency, units=units and -units),
        ],
        on=received_on,
    )
    audit.record(
        "receipt.recorded", receipt, by=by, org_id=party.org_id if party else None, amount=amount, payer=payer
    )
    publish(ReceiptRecorded(receipt))
    return receipt, True


def _sum(amount: Any, *conditions: Any) -> Any:
    total = func.coalesce(func.sum(type_coerce(amount, BigInteger)), 0)
    return select(total).where(*conditions).scalar_subquery()


def credit_of(receipt: Receipt) -> Money:
    """Return what of a receipt is neither on an invoice nor refunded, on its way back or taken back."""
    lost = [RefundState.DECLINED, RefundState.FAILED]
    parts = db.session.execute(
        select(
            _sum(TAKEN, Allocation.receipt_id == receipt.id),
            _sum(Refund.amount, Refund.receipt_id == receipt.id, Refund.state.not_in(lost)),
            _sum(Reversal.amount, Reversal.receipt_id == receipt.id),
            _sum(OutsideMove.amount, OutsideMove.receipt_id == receipt.id),
        )
    ).one()
    return receipt.amount - Money(sum(int(part) for part in parts))


def unused(receipt: Receipt) -> Money:
    """Return what of a receipt nobody uses, in its own currency."""
    if receipt.units is None:
        return credit_of(receipt)
    return Money(units_left(receipt), receipt.currency)


def put_on(receipt: Receipt, invoice: Invoice, *, by: Person | str) -> Money:
    """Pay an invoice from a receipt's credit as far as both reach; return the part put on it."""
    invoice = locked(invoice.id)
    db.session.scalars(select(Receipt).where(Receipt.id == receipt.id).with_for_update(of=Receipt)).one()
    free = credit_of(receipt)
    if receipt.party_id is not None:
        free = min(free, belongs(receipt, invoice.party))
        if receipt.party_id != invoice.party_id and not free:
            raise Refused(_l("This money belongs to another payer."))
    found = fitting(receipt, invoice, free) if invoice.state is InvoiceState.OPEN else None
    if found is None:
        publish(ReceiptUnapplied(receipt))
        return Money(0)
    return allocate(receipt, invoice, found, by=by)


def allocate(receipt: Receipt, invoice: Invoice, part: Part, *, by: Person | str) -> Money:
    """Put a part of a receipt on an invoice, both under their locks; what lies between both sums is named and booked."""
    identify(receipt, invoice.party)
    row = Allocation(
        receipt=receipt, invoice=invoice, amount=part.amount, day=clock.today(),
        taken=part.taken if part.taken != part.amount else None, units=part.units,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    ledger.post("allocation", row.subject, sides(row, part), on=clock.today())
    audit.record(
        "invoice.paid_in", invoice, by=by, org_id=invoice.party.org_id, amount=part.amount, left=owed(invoice)
    )
    audit.record(
        "receipt.used", receipt, by=by, org_id=invoice.party.org_id, amount=part.taken, number=invoice.number
    )
    attempts.lapse(invoice, owed(invoice))
    settled(invoice)
    if credit_of(receipt):
        publish(ReceiptUnapplied(receipt))
    return part.amount


def settled(invoice: Invoice) -> None:
    """Let an open invoice on which nothing is owed any more be paid."""
    if not owed(invoice):
        move(invoice, InvoiceState.PAID)
        publish(InvoiceSettled(invoice))


def held(invoice: Invoice) -> list[tuple[Allocation, Money]]:
    """Return what stands on an invoice of each receipt, with its newest row, the newest first."""
    found: dict[int, tuple[Allocation, Money]] = {}
    rows = select(Allocation).where(Allocation.invoice_id == invoice.id).order_by(Allocation.id)
    for row in db.session.scalars(rows):
        last, total = found.pop(row.receipt_id, (row, Money(0)))
        newest = row if row.amount > Money(0) else last
        found[row.receipt_id] = (newest, total + row.amount)
    standing = [pair for pair in found.values() if pair[1]]
    return sorted(standing, key=lambda pair: -pair[0].id)


def release(
    allocation: Allocation,
    *,
    by: Person | str,
    reason: str,
    part: Money | None = None,
    kind: str = "allocation",
) -> None:
    """Take money (all of it, or a part) off an invoice again, by a mirror row; a paid invoice is open again."""
    amount = part or allocation.amount
    invoice = locked(allocation.invoice_id)
    pair = (Allocation.receipt_id == allocation.receipt_id) & (Allocation.invoice_id == invoice.id)
    there = list(db.session.scalars(select(Allocation).where(pair).order_by(Allocation.id)))
    if sum(row.amount.minor for row in there) < amount.minor:
        raise Refused(_l("This money was taken off the invoice already."))
    back = released(there, amount)
    row = Allocation(
        receipt=allocation.receipt, invoice=invoice, amount=-amount, day=clock.today(),
        taken=-back.taken if back.taken != amount else None, units=back.units and -back.units,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    ledger.post(kind, row.subject, sides(row, back, sign=-1), on=clock.today())
    audit.record(
        "invoice.released",
        invoice,
        by=by,
        org_id=invoice.party.org_id,
        amount=amount,
        reason=reason,
    )
    audit.record(
        "receipt.freed", allocation.receipt, by=by, org_id=invoice.party.org_id, amount=back.taken,
        number=invoice.number,
    )  # fmt: skip
    attempts.lapse(invoice, owed(invoice))
    if invoice.state is InvoiceState.PAID and owed(invoice):
        move(invoice, InvoiceState.OPEN)
        publish(InvoiceReopened(invoice))


def use_credit(invoice: Invoice, *, by: Person | str) -> Money:
    """Pay an invoice from its payer's unused money, the oldest first; return what was put on it."""
    row = locked(invoice.id)
    used = Money(0)
    mine = receipts_with_credit(row.party).with_for_update(of=Receipt)
    for receipt in db.session.scalars(mine).all():
        if owed(row) and belongs(receipt, row.party):
            used += put_on(receipt, row, by=by)
    if not used:
        raise Refused(_l("There is no unused credit, or nothing is left to pay."))
    return used
