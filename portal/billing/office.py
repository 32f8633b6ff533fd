"""The finance desk: invoices, transfers recorded by one and confirmed by another, receipts."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import forms as f
from portal.billing import queries, settling
from portal.billing.access import visible_invoice
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
    count, total = db.session.execute(queries.open_total()).one()
    return render_template(
        "office/money.html",
        waiting=db.session.scalars(queries.entries_waiting()).all(),
        open_count=count,
        open_sum=total,
        receipts=db.session.scalars(queries.receipts().limit(8)).all(),
        mine=me().person.id,
        may_record=me().staff_may(May.RECORD_RECEIPTS),
    )


@money.get("/invoices")
@allow(May.READ_MONEY)
def invoices() -> str:
    """List every invoice."""
    page, filters = listed(STATES)
    return render_template("office/invoices.html", page=page, filters=filters)


@money.get("/invoices/<uid>")
@allow(May.READ_MONEY)
def invoice(uid: str) -> str:
    """Show one invoice with its money and its history."""
    row = visible_invoice(uid)
    return render_template(
        "office/invoice.html",
        invoice=row,
        owed=owed(row),
        paid=allocated(row),
        allocations=queries.allocations_of(row),
        history=db.session.scalars(audit.of_subject(row.subject)).all(),
    )


@money.get("/invoices/<uid>/pdf")
@allow(May.READ_MONEY)
def invoice_pdf(uid: str) -> Response:
    """Hand out the invoice as PDF."""
    row = visible_invoice(uid)
    if row.pdf is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(row.pdf, inline=True)


@money.get("/receipts")
@allow(May.READ_MONEY)
def receipts() -> str:
    """List the money that came."""
    page = page_of(queries.receipts())
    credit = queries.credits_of(page.items)
    return render_template("office/receipts.html", page=page, credit=credit)


@money.route("/receipts/new", methods=["GET", "POST"])
@allow(May.RECORD_RECEIPTS)
def record() -> Any:
    """Write down a transfer from the bank statement."""
    form = f.Transfer()
    if not form.received_on.data:
        form.received_on.data = clock.today()
    if form.validate_on_submit():
        try:
            with transaction():
                entry = settling.propose_receipt(
                    bank_ref=form.bank_ref.data, amount=form.money(), received_on=form.received_on.data,
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
    return render_template("office/record.html", form=form), 422 if form.errors else 200


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
        settling.confirm_receipt(entry, by=me().person)
    return go("money.desk", _("The receipt is booked."))


@money.post("/receipts/entries/<uid>/refusal")
@allow(May.RECORD_RECEIPTS)
def decline(uid: str) -> BaseResponse:
    """Send another's entry back."""
    entry = _entry(uid)
    with transaction():
        settling.decline_receipt(entry, by=me().person, reason=_("declined at the desk"))
    return go("money.desk", _("The entry is declined; nothing was booked."))
