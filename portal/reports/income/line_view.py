"""One contract line from end to end: what was agreed, invoiced, credited, paid, booked, planned, and its trail."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.access import allow
from portal.accounts.may import May
from portal.billing import kinds, ledger
from portal.billing.book_models import Segment
from portal.billing.models import Invoice, InvoiceLine, OrderLine
from portal.billing.money_models import Allocation, JournalEntry, JournalLine
from portal.billing.note_models import CreditNote, CreditNoteLine
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.money import Money
from portal.reports.income import marks
from portal.reports.income.blueprint import reports
from portal.reports.income.doors import framed, question, refusing

MOST = 400


@reports.get("/lines/<int:number>", endpoint="line")
@allow(May.READ_MONEY)
@refusing
def line_page(number: int) -> str:
    """Show a contract line with every document, receipt and entry about it."""
    row = db.session.get(OrderLine, number, options=[joinedload(OrderLine.order)]) if number < 2**31 else None
    if row is None:
        raise Missing(_("There is no such contract line."))
    invoices = _invoices(row)
    bills = [one.invoice for one in invoices]
    return framed(
        "office/reports/line.html", question(), row=row, order=row.order, invoices=invoices, notes=_notes(row),
        receipts=_receipts(bills), entries=_entries(row), plan=_plan(row), trail=_trail(row, bills),
        mark=marks.said(row.id in marks.lines()), kind=kinds.to_finance, sums=_sums(row), plain_chooser=True,
    )  # fmt: skip


def _invoices(row: OrderLine) -> list[InvoiceLine]:
    statement = select(InvoiceLine).join(Invoice).where(InvoiceLine.order_line_id == row.id)
    ordered = statement.order_by(Invoice.issued_on, InvoiceLine.id).options(joinedload(InvoiceLine.invoice))
    return list(db.session.scalars(ordered))


def _notes(row: OrderLine) -> list[CreditNoteLine]:
    statement = select(CreditNoteLine).join(CreditNote).where(CreditNoteLine.order_line_id == row.id)
    ordered = statement.order_by(CreditNote.issued_on, CreditNoteLine.id).options(
        joinedload(CreditNoteLine.note)
    )
    return list(db.session.scalars(ordered))


def _receipts(bills: list[Invoice]) -> list[Allocation]:
    ids = sorted({bill.id for bill in bills})
    statement = (
        select(Allocation).where(Allocation.invoice_id.in_(ids)).order_by(Allocation.day, Allocation.id)
    )
    return list(db.session.scalars(statement.options(joinedload(Allocation.invoice))))


def _entries(row: OrderLine) -> list[tuple[JournalEntry, Money, Money]]:
    """Return the entries that touch a line, with what each moved on its contract accounts and on its income."""
    statement = (
        select(JournalEntry)
        .where(JournalEntry.id.in_(select(JournalLine.entry_id).where(JournalLine.order_line_id == row.id)))
        .order_by(JournalEntry.posted_on, JournalEntry.id)
        .options(selectinload(JournalEntry.lines))
        .limit(MOST)
    )
    return [
        (entry, _moved(row, entry, contract=True), _moved(row, entry, contract=False))
        for entry in db.session.scalars(statement)
    ]


def _moved(row: OrderLine, entry: JournalEntry, *, contract: bool) -> Money:
    wanted = (ledger.DEFERRED, ledger.CONTRACT_ASSET) if contract else (ledger.income(row.stream),)
    mine = [line for line in entry.lines if line.order_line_id == row.id and line.account in wanted]
    return Money(-sum(line.amount.minor for line in mine))


def _sums(row: OrderLine) -> dict[str, Money]:
    return {
        "contract": Money(-ledger.of_line(row, ledger.DEFERRED, ledger.CONTRACT_ASSET)),
        "income": Money(-ledger.of_line(row, ledger.income(row.stream))),
    }


def _plan(row: OrderLine) -> list[Segment]:
    statement = select(Segment).where(Segment.order_line_id == row.id).order_by(Segment.starts, Segment.id)
    return list(db.session.scalars(statement.limit(MOST)))


def _trail(row: OrderLine, bills: list[Invoice]) -> list[Any]:
    subjects = [row.subject, row.order.subject, *(bill.subject for bill in bills)]
    statement = select(AuditEntry).where(AuditEntry.subject.in_(subjects))
    return list(db.session.scalars(statement.order_by(AuditEntry.id.desc()).limit(50)))
