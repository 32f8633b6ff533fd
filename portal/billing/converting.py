"""Money in one currency that pays an invoice in another: a stated act with both sums, never implied."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import parts, settling
from portal.billing.exchange import part_of
from portal.billing.issuing import locked, owed
from portal.billing.ledger import Line
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Allocation, Receipt
from portal.billing.parts import Part, units_owed
from portal.core import audit, clock
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.errors import Refused
from portal.core.money import Money, half_up


def left(invoice: Invoice) -> Money:
    """Return what is still to be paid of an invoice, in its own currency."""
    return Money(units_owed(invoice), invoice.currency)


def payable(receipt: Receipt) -> list[Invoice]:
    """Return the open invoices in another currency that a receipt may pay: its payer's, or everybody's while nobody knows it."""
    statement = select(Invoice).where(
        Invoice.state == InvoiceState.OPEN, Invoice.currency != receipt.currency
    )
    if receipt.party_id is not None:
        statement = statement.where(Invoice.party_id == receipt.party_id)
    return list(db.session.scalars(statement.order_by(Invoice.due_on, Invoice.id).limit(100)))


def part(receipt: Receipt, invoice: Invoice, taken: Money, given: Money) -> Part:
    """Return what is booked when `taken` (the receipt's currency) pays `given` (the invoice's); `Refused` where that cannot be."""
    if invoice.state is not InvoiceState.OPEN or invoice.currency == receipt.currency:
        raise Refused(_l("This invoice is open in that currency: put the money on it as it is."))
    if receipt.party_id not in (None, invoice.party_id):
        raise Refused(_l("This money belongs to another payer."))
    free, due = settling.unused(receipt), left(invoice)
    if not 0 < taken.minor <= free.minor:
        raise Refused(_l("At most %(most)s of this receipt is unused.", most=str(free)), field="taken", status=422)  # fmt: skip
    if not 0 < given.minor <= due.minor:
        raise Refused(_l("At most %(most)s of this invoice is to be paid.", most=str(due)), field="given", status=422)  # fmt: skip
    credit = settling.credit_of(receipt).minor
    off_receipt = credit if taken == free else part_of(credit, taken.minor, free.minor)
    off_invoice = owed(invoice).minor
    if given != due:
        off_invoice = half_up(off_invoice * given.minor, due.minor)
    foreign = given.minor if invoice.currency != LEDGER_CURRENCY else None
    came = taken.minor if receipt.units is not None else None
    return Part(Money(off_invoice), Money(off_receipt), foreign, came)


def preview(receipt: Receipt, invoice: Invoice, taken: Money, given: Money) -> list[Line]:
    """Return the very lines that `convert` would book now."""
    found = part(receipt, invoice, taken, given)
    row = Allocation(receipt=receipt, invoice=invoice, amount=found.amount, day=clock.today(), taken=found.taken, units=found.units)  # fmt: skip
    return [line for line in parts.sides(row, found, booked=False) if line.amount]


def convert(receipt: Receipt, invoice: Invoice, *, taken: Money, given: Money, by: Person) -> None:
    """Pay `given` of an invoice with `taken` of a receipt in another currency; what lies between them is an exchange difference."""
    row = locked(invoice.id)
    db.session.scalars(select(Receipt).where(Receipt.id == receipt.id).with_for_update(of=Receipt)).one()
    settling.allocate(receipt, row, part(receipt, row, taken, given), by=by)
    audit.record(
        "invoice.exchanged", row, by=by, org_id=row.party.org_id, taken=taken, given=given, receipt=receipt.subject
    )  # fmt: skip
