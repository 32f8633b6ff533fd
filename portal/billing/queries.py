"""Questions about money that several pages ask."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select, union_all

from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import (
    Allocation,
    EntryState,
    Receipt,
    ReceiptEntry,
    Refund,
    RefundState,
)
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


def count_entries_waiting(_reader: object) -> Select[int]:
    """Select how many transfers wait for a second person."""
    return select(func.count(ReceiptEntry.id)).where(ReceiptEntry.state == EntryState.PROPOSED)


def open_total() -> Select[int, Money]:
    """Select number and sum of open invoices."""
    return select(func.count(Invoice.id), func.coalesce(func.sum(Invoice.gross), 0)).where(
        Invoice.state == InvoiceState.OPEN
    )


def credits_of(rows: Sequence[Receipt]) -> dict[int, Money]:
    """Return what of each receipt is neither on an invoice nor refunded nor on its way back, in one statement."""
    ids = [row.id for row in rows]
    found = {row.id: row.amount for row in rows}
    used = (
        select(Allocation.receipt_id, func.sum(Allocation.amount))
        .where(Allocation.receipt_id.in_(ids))
        .group_by(Allocation.receipt_id)
    )
    back = (
        select(Refund.receipt_id, func.sum(Refund.amount))
        .where(Refund.receipt_id.in_(ids), Refund.state.not_in([RefundState.DECLINED, RefundState.FAILED]))
        .group_by(Refund.receipt_id)
    )
    for receipt_id, part in db.session.execute(union_all(used, back)):
        found[receipt_id] -= part if isinstance(part, Money) else Money(int(part))
    return found


def receipts() -> Select[Receipt]:
    """Select all receipts, the newest first."""
    return select(Receipt).order_by(Receipt.id.desc())
