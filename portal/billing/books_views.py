"""The books on pages: chart of accounts with balances, the journal with its filters, the months and their close."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, g, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import Select, exists, func, or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import closing, ledger, months
from portal.billing import forms as f
from portal.billing.book_models import HandEntry
from portal.billing.models import Invoice, InvoiceLine, Party
from portal.billing.money_models import Allocation, JournalEntry, JournalLine, Receipt, Refund
from portal.billing.note_models import CreditNote, WriteOff
from portal.billing.office import money
from portal.billing.verify_books import fen
from portal.core import audit, export
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.core.paging import asked, page_of
from portal.core.web import go


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
        statement = statement.where(exists().where(JournalLine.entry_id == JournalEntry.id, line))
    if kind:
        statement = statement.where(JournalEntry.kind == kind)
    if q := asked("q"):
        payer = select(Party.id).where(Party.title.icontains(q, autoescape=True))
        bill = select(Invoice.id).where(Invoice.number == q)
        touched = or_(JournalLine.party_id.in_(payer), JournalLine.invoice_id.in_(bill))
        statement = statement.where(exists().where(JournalLine.entry_id == JournalEntry.id, touched))
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


@money.get("/journal/file")
@allow(May.READ_MONEY)
def journal_file() -> Response:
    """Hand out the lines of the journal as CSV."""
    heads = (
        _("Entry"), _("Booked"), _("Month of service"), _("Type of entry"), _("Ledger account"), _("Debit side"), _("Credit side"),
        _("Currency"), _("In that currency"),
    )  # fmt: skip
    chosen = asked_entries().subquery()
    statement: Any = (
        select(JournalEntry, JournalLine)
        .join(JournalLine, JournalLine.entry_id == JournalEntry.id)
        .where(JournalEntry.id.in_(select(chosen.c.id)))
        .order_by(JournalEntry.posted_on, JournalEntry.id, JournalLine.id)
    )

    def row(one: Any) -> tuple[Any, ...]:
        entry, line = one
        units = "" if line.units is None else Money(line.units, line.currency)
        debit = line.amount.minor > 0
        return (
            entry.id, entry.posted_on, f"{entry.service_month:%Y-%m}", entry.kind, line.account,
            line.amount if debit else "", "" if debit else -line.amount, line.currency, units,
        )  # fmt: skip

    return export.csv_of("journal", heads, statement, row, by=me().person, rows=True)


def document_of(entry: JournalEntry) -> tuple[str, str] | None:
    """Return address and words of the document an entry books."""
    table, _colon, number = entry.source.partition(":")
    key = int(number) if number.isdigit() else 0
    places: dict[str, tuple[Any, str]] = {
        "invoice": (Invoice, "money.invoice"), "receipt": (Receipt, "money.receipt"),
        "credit_note": (CreditNote, "money.note"), "refund": (Refund, "money.refund"),
        "hand_entry": (HandEntry, "money.hand_entry"),
    }  # fmt: skip
    row: Any = None
    if table in places and key:
        row = db.session.get(places[table][0], key)
    elif table in {"allocation", "write_off"} and key:
        found: Any = db.session.get(Allocation if table == "allocation" else WriteOff, key)
        table, row = "invoice", found.invoice if found is not None else None
    else:
        bill = next((line.invoice_id for line in entry.lines if line.invoice_id), None) or _bill_of(entry)
        table, row = "invoice", db.session.get(Invoice, bill) if bill else None
    if row is None:
        return None
    words = getattr(row, "number", None) or getattr(row, "provider_ref", None) or entry.source
    return url_for(places[table][1], uid=row.uid), str(words)


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
    state = closing.state_of(day)
    return render_template(
        "office/month.html", month=day, text=text, state=state, row=row, mine=reader.person.id, why=f.Why(),
        checks=closing.checks(day) if state.value != "closed" else [], last=last is not None and last.month == day,
        may=reader.staff_may(May.CLOSE_MONTHS),
        history=db.session.scalars(audit.of_subject(row.subject)).all() if row else [],
    )  # fmt: skip


def _deed(text: str, what: Any, words: str) -> BaseResponse:
    day = _month(text)
    with transaction():
        what(day, by=me().person)
    return go("money.month", words, text=text)


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
