"""Taking an invoice back whatever was paid on it: the money stays its payer's credit."""

from __future__ import annotations

from portal.accounts.people import Person
from portal.billing import settling
from portal.billing.crediting import reverse_invoice
from portal.billing.issuing import locked
from portal.billing.models import Invoice, InvoiceState
from portal.core.money import Money
from portal.core.states import move


def take_back(invoice: Invoice, *, by: Person | str, reason: str) -> Money:
    """Release what receipts paid of an invoice and void it; return what became credit again."""
    row = locked(invoice.id)
    freed = Money(0)
    for allocation, there in settling.held(row):
        settling.release(allocation, by=by, reason=reason, part=there)
        freed += there
    if row.state is InvoiceState.PAID:  # over nothing: a waiver had settled it
        move(row, InvoiceState.OPEN)
    reverse_invoice(row, by=by, reason=reason)
    return freed
