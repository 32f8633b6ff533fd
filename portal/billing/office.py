"""The finance desk: what waits, invoices, transfers recorded by one and confirmed by another."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import (
    converting,
    crediting,
    fapiao,
    purchase_orders,
    queries,
    settling,
    voiding,
    writing_off,
)
from portal.billing import desk as desk_of
from portal.billing import forms as f
from portal.billing.access import visible_invoice
from portal.billing.dunning_office import told
from portal.billing.issuing import allocated, owed
from portal.billing.models import InvoiceState
from portal.billing.money_models import ReceiptEntry
from portal.billing.views import listed
from portal.core import audit, clock, files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import page_of
from portal.core.web import go

money = Blueprint("money", __name__, url_prefix="/office/money")
STATES = (InvoiceState.OPEN, InvoiceState.PAID, InvoiceState.VOID, InvoiceState.UNCOLLECTIBLE)


@money.get("/")
@allow(May.READ_MONEY)
def desk() -> str:
    """Show what waits at the finance desk."""
    reader = me()
    return render_template(
        "office/money.html",
        tasks=[task for task in desk_of.tasks(reader) if "#waiting" not in task["href"]],
        figures=desk_of.figures(),
        waiting=db.session.scalars(queries.entries_waiting()).all(),
        processing=db.session.scalars(queries.processing()).all(),
        receipts=db.session.scalars(queries.receipts().limit(8)).all(),
        mine=reader.person.id,
        may_record=reader.staff_may(May.RECORD_RECEIPTS),
        why=f.Why(),
    )


@money.get("/invoices")
@allow(May.READ_MONEY)
def invoices() -> str:
    """List every invoice."""
    page, filters = listed(STATES)
    return render_template("office/invoices.html", page=page, filters=filters)


def invoice_page(uid: str, why: f.Why, status: int = 200) -> Any:
    """Return the page of an invoice: its money, its journal, its history, and what may be done."""
    row, reader = visible_invoice(uid), me()
    g.nav, open_sum = "money.invoices", owed(row)
    return render_template(
        "office/invoice.html",
        invoice=row,
        owed=open_sum,
        due=converting.left(row) if row.printed else open_sum,
        paid=allocated(row),
        allocations=queries.allocations_of(row),
        credit=queries.credits_of(row.party),
        journal=queries.journal_of(invoice=row),
        history=db.session.scalars(audit.of_subject(row.subject)).all(),
        notes=queries.notes_of(row),
        credit_why_not=crediting.why_not(row),
        write_off=writing_off.proposed(row),
        write_off_why_not=writing_off.why_not(row),
        charges=open_sum <= writing_off.most_charges(),
        may_credit=reader.staff_may(May.CREDIT),
        voiding=voiding.proposed(row),
        why_not=voiding.why_not(row),
        fapiaos=fapiao.of_invoice(row),
        dunning=told(row),
        order_number=purchase_orders.of_invoice(row),
        why=why,
        mine=reader.person.id,
        may_void=reader.staff_may(May.VOID_INVOICES),
        may_match=reader.staff_may(May.RECORD_RECEIPTS),
    ), status


@money.get("/invoices/<uid>")
@allow(May.READ_MONEY)
def invoice(uid: str) -> Any:
    """Show one invoice with its money and its history."""
    return invoice_page(uid, f.Why())


@money.get("/invoices/<uid>/pdf")
@allow(May.READ_MONEY)
def invoice_pdf(uid: str) -> Response:
    """Hand out the invoice as PDF."""
    row = visible_invoice(uid)
    if row.pdf is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(row.pdf, inline=True)


@money.post("/invoices/<uid>/credit")
@allow(May.RECORD_RECEIPTS)
def use_credit(uid: str) -> BaseResponse:
    """Put the payer's unused credit on the invoice."""
    row = visible_invoice(uid)
    with transaction():
        settling.use_credit(row, by=me().person)
    return go("money.invoice", _("The credit is on the invoice."), uid=uid)


@money.post("/invoices/<uid>/voiding")
@allow(May.VOID_INVOICES)
def propose_void(uid: str) -> Any:
    """Propose to void the invoice."""
    row, given = visible_invoice(uid), f.Why()
    if not given.validate_on_submit():
        return invoice_page(uid, given, 422)
    with transaction():
        voiding.propose_void(row, by=me().person, reason=given.reason.data)
    return go("money.invoice", _("Proposed. A second person of finance confirms it."), uid=uid)


@money.post("/invoices/<uid>/voiding/confirmation")
@allow(May.VOID_INVOICES)
def confirm_void(uid: str) -> BaseResponse:
    """Confirm another's proposal: the invoice is void."""
    row = visible_invoice(uid)
    with transaction():
        voiding.confirm_void(row, by=me().person)
    return go("money.invoice", _("The invoice is void; it keeps its number."), uid=uid)


@money.post("/invoices/<uid>/voiding/refusal")
@allow(May.VOID_INVOICES)
def decline_void(uid: str) -> BaseResponse:
    """Leave the invoice as it is."""
    row = visible_invoice(uid)
    with transaction():
        voiding.decline_void(row, by=me().person)
    return go("money.invoice", _("The invoice stays as it is."), uid=uid)


@money.route("/receipts/new", methods=["GET", "POST"])
@allow(May.RECORD_RECEIPTS)
def record() -> Any:
    """Write down a transfer from the bank statement."""
    form, g.nav = f.Transfer(), "money.desk"
    if not form.received_on.data:
        form.received_on.data = clock.today()
    if form.validate_on_submit():
        try:
            with transaction():
                amount, came = form.sums()
                entry = settling.propose_receipt(
                    bank_ref=form.bank_ref.data, amount=amount, came=came, received_on=form.received_on.data,
                    payer=form.payer.data, text=form.text.data or "", by=me().person,
                )  # fmt: skip
        except Refused as refusal:
            form.refused(refusal)
        else:
            found = (
                _("It names invoice %(number)s.", number=entry.invoice.number)
                if entry.invoice
                else _("It names no invoice.")
            )
            return go(
                "money.desk",
                _("Written down. %(found)s A second person of finance confirms it.", found=found),
            )
    return render_template("office/record.html", form=form), 422 if form.errors or form.form_errors else 200


def _entry(uid: str) -> ReceiptEntry:
    row = db.session.scalars(select(ReceiptEntry).where(ReceiptEntry.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such entry."))
    return row


@money.post("/receipts/entries/<uid>/confirmation")
@allow(May.RECORD_RECEIPTS)
def confirm(uid: str) -> BaseResponse:
    """Stand for another's entry: the money is booked."""
    entry = _entry(uid)
    with transaction():
        receipt = settling.confirm_receipt(entry, by=me().person)
    return go("money.receipt", _("The receipt is booked."), uid=receipt.uid)


@money.post("/receipts/entries/<uid>/refusal")
@allow(May.RECORD_RECEIPTS)
def decline(uid: str) -> BaseResponse:
    """Send another's entry back, with the reason."""
    entry, given = _entry(uid), f.Why()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        settling.decline_receipt(entry, by=me().person, reason=given.reason.data)
    return go("money.desk", _("The entry is declined; nothing was booked."))


@money.get("/entries")
@allow(May.READ_MONEY)
def entries() -> str:
    """List what was typed in from bank statements, declined ones with their reason."""
    g.nav = "money.desk"
    page = page_of(select(ReceiptEntry).order_by(ReceiptEntry.id.desc()))
    return render_template("office/entries.html", page=page)
