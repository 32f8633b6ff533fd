"""Questions about money that several pages ask."""

from __future__ import annotations

from sqlalchemy import Select, func, select

from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Allocation, EntryState, Receipt, ReceiptEntry
from portal.core.db import db
from portal.core.money import Money


def allocations_of(invoice: Invoice) -> list[Allocation]:
    """Return what was put on an invoice and taken off again, oldest first."""
    return list(
        db.session.scalars(
            select(Allocation).where(Allocation.invoice_id == invoice.id).order_by(Allocation.id)
        )
    )


def entries_waiting() -> Select[ReceiptEntry]:
    """Select the transfers that wait for a second person, oldest first."""
    return select(ReceiptEntry).where(ReceiptEntry.state == EntryState.PROPOSED).order_by(ReceiptEntry.id)


_WAITING = select(func.count(ReceiptEntry.id)).where(ReceiptEntry.state == EntryState.PROPOSED)


def count_entries_waiting(_reader: object) -> Select[int]:
    """Select how many transfers wait for a second person."""
    return _WAITING


def open_total() -> Select[int, Money]:
    """Select number and sum of open invoices."""
    return select(func.count(Invoice.id), func.coalesce(func.sum(Invoice.gross), 0)).where(
        Invoice.state == InvoiceState.OPEN
    )


def receipts() -> Select[Receipt]:
    """Select all receipts, the newest first."""
    return select(Receipt).order_by(Receipt.id.desc())
