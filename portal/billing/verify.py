"""The invariants of the books, as sentences about what breaks them."""

from __future__ import annotations

import re
from collections import defaultdict

from sqlalchemy import func, select

from portal.billing import ledger
from portal.billing.models import Invoice, InvoiceState, NumberSeries
from portal.billing.money_models import (
    Allocation,
    JournalEntry,
    JournalLine,
    Receipt,
    Refund,
    RefundState,
    Way,
)
from portal.core.db import db
from portal.core.money import Money
from portal.core.settings import settings


def _fen(value: object) -> int:
    """Return a sum as whole fen, whichever way the driver gives it."""
    return value.minor if isinstance(value, Money) else int(str(value or 0))


def _sums(column: object, key: object) -> dict[int, int]:
    rows = db.session.execute(select(key, func.sum(column)).group_by(key))  # type: ignore[call-overload]
    return {row[0]: _fen(row[1]) for row in rows}


def _entries() -> list[str]:
    sums = _sums(JournalLine.amount, JournalLine.entry_id)
    return [f"journal: entry {entry} does not balance ({off})" for entry, off in sums.items() if off]


def _numbers() -> list[str]:
    found: list[str] = []
    series: dict[str, list[tuple[int, object]]] = defaultdict(list)
    rows = db.session.execute(select(Invoice.number, Invoice.issued_on).where(Invoice.number.is_not(None)))
    for number, day in rows:
        matched = re.fullmatch(r"(INV-(\d{4}))-(\d{6})", number or "")
        if matched is None or day is None or int(matched[2]) != day.year:
            found.append(f"numbers: {number} does not belong to {day}")
            continue
        series[matched[1]].append((int(matched[3]), day))
    for key, taken in series.items():
        taken.sort(key=lambda item: item[0])
        if [n for n, _day in taken] != list(range(1, len(taken) + 1)):
            found.append(f"numbers: {key} has a gap or a duplicate")
        if [day for _n, day in taken] != sorted(day for _n, day in taken):  # type: ignore[type-var]
            found.append(f"numbers: the days of {key} fall while its numbers rise")
        if db.session.scalar(select(NumberSeries.next).where(NumberSeries.key == key)) != len(taken) + 1:
            found.append(f"numbers: the counter of {key} does not stand after its last number")
    return found


def _invoices() -> list[str]:
    found: list[str] = []
    paid = _sums(Allocation.amount, Allocation.invoice_id)
    receivable = {
        row[0]: _fen(row[1])
        for row in db.session.execute(
            select(JournalLine.invoice_id, func.sum(JournalLine.amount))
            .where(JournalLine.account == ledger.RECEIVABLE)
            .group_by(JournalLine.invoice_id)
        )
    }
    for row in db.session.execute(select(Invoice.id, Invoice.number, Invoice.state, Invoice.gross)):
        void = row.state in {InvoiceState.VOID, InvoiceState.DRAFT}
        left = 0 if void else row.gross.minor - paid.get(row.id, 0)
        if left < 0:
            found.append(f"invoices: {row.number} is paid beyond its sum")
        if left != receivable.get(row.id, 0):
            found.append(
                f"invoices: {row.number} owes {left} fen, its account says {receivable.get(row.id, 0)}"
            )
        if (row.state is InvoiceState.PAID) != (not void and left == 0):
            found.append(f"invoices: {row.number} is {row.state} with {left} fen owed")
    return found


def _receipts() -> list[str]:
    found: list[str] = []
    used = _sums(Allocation.amount, Allocation.receipt_id)
    back: dict[int, int] = defaultdict(int)
    for refund in db.session.execute(select(Refund.receipt_id, Refund.amount, Refund.state)):
        if refund.state not in {RefundState.DECLINED, RefundState.FAILED}:
            back[refund.receipt_id] += refund.amount.minor
    for row in db.session.execute(select(Receipt.id, Receipt.amount, Receipt.way)):
        if row.amount.minor - used.get(row.id, 0) - back[row.id] < 0:
            found.append(f"receipts: {row.id} is spent beyond its sum")
        if row.way is Way.TEST and settings().production:
            found.append(f"receipts: {row.id} came from the test gateway into a production ledger")
    booked = db.session.scalar(select(func.count()).where(JournalEntry.kind == "receipt"))
    if booked != db.session.scalar(select(func.count()).select_from(Receipt)):
        found.append("receipts: not every receipt is booked exactly once")
    return found


def verify_books() -> tuple[int, list[str]]:
    """Check the books; return how many entries were read and a sentence for each break."""
    count = db.session.scalar(select(func.count()).select_from(JournalEntry)) or 0
    return count, [*_entries(), *_numbers(), *_invoices(), *_receipts()]
