"""The books on pages: chart of accounts with balances, the journal with its filters, the months and their close."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import g, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, func, or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import close_checks, closing, ledger, months, queries
from portal.billing import forms as f
from portal.billing.bank_models import BankLine, OutsideMove
from portal.billing.book_models import HandEntry
from portal.billing.models import Invoice, InvoiceLine, Party
from portal.billing.money_models import Allocation, JournalEntry, JournalLine, Receipt, Refund
from portal.billing.note_models import CreditNote, WriteOff
from portal.billing.office import money
from portal.billing.provider_models import Dispute, Payout
from portal.billing.reversal_models import Reversal
from portal.billing.verify_books import fen
from portal.core import audit, clock, labels
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.core.paging import asked, page_of
from portal.core.web import go

OF_INVOICES: dict[str, Any] = {"allocation": Allocation, "write_off": WriteOff}
OF_RECEIPTS: dict[str, Any] = {"dispute": Dispute, "reversal": Reversal}


@money.get("/books")
@allow(May.READ_MONEY)
def chart() -> str:
    """Show the chart of accounts with what stands on each."""
    g.nav = "money.chart"
    rows = db.session.execute(
        select(JournalLine.account, func.sum(JournalLine.amount)).group_by(JournalLine.account)
    )
    balances = {row[0]: Money(fen(row[1])) for row in rows}
    known = ledger.chart()
    codes = sorted(
        {*known, *balances} - ({ledger.INCOME} if any("." in code for code in balances) else set())
    )
    return render_template(
        "office/chart.html",
        accounts=[(code, known.get(code.split(".")[0], {}), balances.get(code, Money(0))) for code in codes],
        total=sum(balances.values(), Money(0)),
    )


def month_asked(text: str) -> date | None:
    """Read a month like 2026-01; None for anything else."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def _entries_with(condition: ColumnElement[bool]) -> Select[int]:
    """Select entries by their lines, whatever the statement around joins: the file of the journal joins the lines too."""
    return select(JournalLine.entry_id).where(condition).correlate(None)


def asked_entries() -> Select[JournalEntry]:
    """Select the entries the address asks for: by month, account, kind, payer."""
    statement = select(JournalEntry)
    month, account, kind = month_asked(asked("month")), asked("account"), asked("kind")
    if month is not None:
        last = months.last_of(month)
        statement = statement.where(JournalEntry.posted_on >= month, JournalEntry.posted_on <= last)
    if account:
        line = or_(
            JournalLine.account == account, JournalLine.account.startswith(f"{account}.", autoescape=True)
        )
        statement = statement.where(JournalEntry.id.in_(_entries_with(line)))
    if kind:
        statement = statement.where(JournalEntry.kind == kind)
    if q := asked("q"):
        payer = select(Party.id).where(Party.title.icontains(q, autoescape=True)).correlate(None)
        bill = select(Invoice.id).where(Invoice.number == q).correlate(None)
        touched = or_(JournalLine.party_id.in_(payer), JournalLine.invoice_id.in_(bill))
        statement = statement.where(JournalEntry.id.in_(_entries_with(touched)))
    return statement


@money.get("/journal")
@allow(May.READ_MONEY)
def journal() -> str:
    """List the entries of the journal, the newest first."""
    g.nav = "money.chart"
    order = (JournalEntry.posted_on, JournalEntry.id)
    page = page_of(asked_entries(), order=order, down=True)
    kinds = db.session.scalars(select(JournalEntry.kind).distinct().order_by(JournalEntry.kind)).all()
    return render_template(
        "office/journal.html", page=page, kinds=kinds, months=[f"{one:%Y-%m}" for one in closing.shown_months()],
        accounts=sorted({*ledger.chart(), *db.session.scalars(select(JournalLine.account).distinct())}),
        documents={entry.id: document_of(entry) for entry in page.items},
    )  # fmt: skip


def document_of(entry: JournalEntry) -> tuple[str, str] | None:
    """Return address and words of the document an entry books."""
    table, _colon, number = entry.source.partition(":")
    key = int(number) if number.isdigit() else 0
    places: dict[str, tuple[Any, str]] = {
        "invoice": (Invoice, "money.invoice"), "receipt": (Receipt, "money.receipt"),
        "credit_note": (CreditNote, "money.note"), "refund": (Refund, "money.refund"),
        "hand_entry": (HandEntry, "money.hand_entry"), "payout": (Payout, "money.payout"),
    }  # fmt: skip
    row: Any = None
    if table in places and key:
        row = db.session.get(places[table][0], key)
    elif table in OF_INVOICES and key:
        found: Any = db.session.get(OF_INVOICES[table], key)
        table, row = "invoice", found.invoice if found is not None else None
    elif table in OF_RECEIPTS and key:
        found = db.session.get(OF_RECEIPTS[table], key)
        table, row = "receipt", found.receipt if found is not None else None
    elif table in {"bank_line", "outside_move"} and key:
        return _line_of(table, key)
    else:
        bill = next((line.invoice_id for line in entry.lines if line.invoice_id), None) or _bill_of(entry)
        table, row = "invoice", db.session.get(Invoice, bill) if bill else None
    if row is None:
        return None
    return url_for(places[table][1], uid=row.uid), _called(row)


def _called(row: Any) -> str:
    """Return by what a person knows a document: its number, its reference, its payer or payee, its reason, its day."""
    if isinstance(row, Receipt):
        return queries.references([row.id])[row.id] or row.payer or labels.label(row.way)
    if isinstance(row, Refund):
        return row.payee or row.receipt.payer or row.reason
    return str(getattr(row, "number", "") or getattr(row, "payout_id", "") or row.reason)


def _line_of(table: str, key: int) -> tuple[str, str] | None:
    """Return the page of the bank's line that an entry books, and what the bank says of it."""
    row = db.session.get(BankLine, key) if table == "bank_line" else None
    if table == "outside_move":
        move = db.session.get(OutsideMove, key)
        row = move.line if move is not None else None
    if row is None:
        return None
    return url_for(
        "money.bank", account=row.account, show="all", line=row.uid
    ), row.payer or row.bank_ref or "–"


def _bill_of(entry: JournalEntry) -> int | None:
    """Return the invoice of the contract line whose income an entry books."""
    lines = [line.order_line_id for line in entry.lines if line.order_line_id]
    return db.session.scalar(
        select(InvoiceLine.invoice_id)
        .where(InvoiceLine.order_line_id.in_(lines))
        .order_by(InvoiceLine.id)
        .limit(1)
    )


@money.get("/months", endpoint="months")
@allow(May.READ_MONEY)
def month_list() -> str:
    """Show the months of the books and which are closed."""
    g.nav = "money.months"
    rows = [(month, closing.state_of(month), closing.row_of(month)) for month in closing.shown_months()]
    return render_template("office/months.html", rows=rows, due=closing.next_to_close())


def _month(text: str) -> date:
    month = month_asked(text)
    if month is None or month not in closing.shown_months():
        raise Missing(_("The books have no such month."))
    return month


@money.get("/months/<text>")
@allow(May.READ_MONEY)
def month(text: str) -> str:
    """Show a month: the checks before its close, who proposed and closed it, what comes next."""
    day, reader, g.nav = _month(text), me(), "money.months"
    row, last = closing.row_of(day), closing.last_closed()
    state, end = closing.state_of(day), months.last_of(day)
    return render_template(
        "office/month.html", month=day, text=text, state=state, row=row, mine=reader.person.id, why=f.Why(),
        checks=closing.checks(day) if state.value != "closed" else [], last=last is not None and last.month == day,
        end=end, over=end < clock.today(),
        may=reader.staff_may(May.CLOSE_MONTHS),
        history=db.session.scalars(audit.of_subject(row.subject)).all() if row else [],
    )  # fmt: skip


def _deed(text: str, what: Any, words: str) -> BaseResponse:
    day = _month(text)
    with transaction():
        what(day, by=me().person)
    return go("money.month", words, text=text)


@money.post("/months/<text>/bookings")
@allow(May.CLOSE_MONTHS)
def book_missing(text: str) -> BaseResponse:
    """Book income and revaluation that a month lacks now, and not tonight."""
    earned, revalued = close_checks.book_missing(_month(text), by=me().person)
    said = _("Booked: %(earned)s of income, %(revalued)s revalued.", earned=earned, revalued=revalued)
    return go("money.month", said, text=text)


@money.post("/months/<text>/proposal")
@allow(May.CLOSE_MONTHS)
def propose_close(text: str) -> BaseResponse:
    """Propose to close a month."""
    return _deed(text, closing.propose_close, _("Proposed. A second person of finance closes the month."))


@money.post("/months/<text>/close")
@allow(May.CLOSE_MONTHS)
def close(text: str) -> BaseResponse:
    """Close a month another proposed."""
    return _deed(text, closing.close, _("The month is closed: nothing is posted into it any more."))


@money.post("/months/<text>/proposal/refusal")
@allow(May.CLOSE_MONTHS)
def decline_close(text: str) -> BaseResponse:
    """Leave a month open."""
    return _deed(text, closing.decline_close, _("The month stays open."))


@money.post("/months/<text>/reopening")
@allow(May.CLOSE_MONTHS)
def propose_reopen(text: str) -> BaseResponse:
    """Propose to open the last closed month again."""
    day, given = _month(text), f.Why()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        closing.propose_reopen(day, by=me().person, reason=given.reason.data)
    return go("money.month", _("Proposed. A second person of finance confirms it."), text=text)


@money.post("/months/<text>/reopening/confirmation")
@allow(May.CLOSE_MONTHS)
def reopen(text: str) -> BaseResponse:
    """Open the last closed month again."""
    return _deed(text, closing.reopen, _("The month is open again."))


@money.post("/months/<text>/reopening/refusal")
@allow(May.CLOSE_MONTHS)
def decline_reopen(text: str) -> BaseResponse:
    """Leave a month closed."""
    return _deed(text, closing.decline_reopen, _("The month stays closed."))
