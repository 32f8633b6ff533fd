"""Taking an invoice back whatever was paid on it: the money stays its payer's credit."""

from __future__ import annotations

from portal.accounts.people import Person
from portal.billing import settling
from portal.billing.crediting import reverse_invoice
from portal.billing.issuing import locked
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Allocation
from portal.billing.queries import allocations_of
from portal.core.money import Money
from portal.core.states import move


def held_by(invoice: Invoice) -> list[Allocation]:
    """Return the allocations of an invoice that no mirror row has undone, the newest first."""
    found: list[Allocation] = []
    for row in allocations_of(invoice):
        if row.amount > Money(0):
            found.insert(0, row)
            continue
        undone = next(one for one in found if (one.receipt_id, one.amount) == (row.receipt_id, -row.amount))
        found.remove(undone)
    return found


def take_back(invoice: Invoice, *, by: Person | str, reason: str) -> Money:
    """Release what receipts paid of an invoice and void it; return what became credit again."""
    row = locked(invoice.id)
    freed = Money(0)
    for allocation in held_by(row):
        settling.release(allocation, by=by, reason=reason)
        freed += allocation.amount
    if row.state is InvoiceState.PAID:  # over nothing: a waiver had settled it
        move(row, InvoiceState.OPEN)
    reverse_invoice(row, by=by, reason=reason)
    return freed
