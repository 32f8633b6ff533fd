"""Invoices and payments as the payer sees them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _
from sqlalchemy import or_

from portal.accounts.access import me, signed_in
from portal.accounts.may import May
from portal.billing import online
from portal.billing.access import visible_invoice, visible_invoices
from portal.billing.issuing import allocated, owed
from portal.billing.models import Invoice, InvoiceState
from portal.billing.queries import allocations_of
from portal.core import catalogue, files, labels, pdf, web
from portal.core.errors import Missing
from portal.core.paging import page_of

billing = Blueprint("billing", __name__)
SORTS = {
    "number": Invoice.number, "issued": Invoice.issued_on, "due": Invoice.due_on, "sum": Invoice.gross,
}  # fmt: skip


def listed(path_states: tuple[InvoiceState, ...]) -> Any:
    """Return the list of invoices the reader asked for: searched, filtered, sorted, paged."""
    statement = visible_invoices(me())
    state = request.args.get("state", "")
    if state in {one.value for one in path_states}:
        statement = statement.where(Invoice.state == InvoiceState(state))
    if q := request.args.get("q", "").strip():
        statement = statement.where(
            or_(
                Invoice.number.ilike(f"%{q}%"),
                Invoice.reference.ilike(f"%{q}%"),
                Invoice.buyer_name.ilike(f"%{q}%"),
            )
        )
    sort = request.args.get("sort", "-number")
    column = SORTS.get(sort.removeprefix("-"), Invoice.number)
    filters = [
        {"label": _("All"), "href": web.url_with(state=None, page=None), "active": not state},
        *(
            {
                "label": labels.label(one),
                "href": web.url_with(state=one.value, page=None),
                "active": state == one.value,
            }
            for one in path_states
        ),
    ]
    columns = (
        Invoice.uid, Invoice.number, Invoice.buyer_name, Invoice.issued_on, Invoice.due_on, Invoice.gross, Invoice.state
    )  # fmt: skip
    shown: Any = statement.with_only_columns(*columns)
    return page_of(shown, order=(column, Invoice.id), down=sort.startswith("-"), rows=True), filters


STATES = (InvoiceState.OPEN, InvoiceState.PAID, InvoiceState.VOID)


@billing.get("/invoices")
@signed_in
def invoices() -> str:
    """List the reader's invoices."""
    page, filters = listed(STATES)
    return render_template("billing/invoices.html", page=page, filters=filters)


@billing.get("/invoices/<uid>")
@signed_in
def invoice(uid: str) -> str:
    """Show one invoice: lines, how to pay, what was paid."""
    row = visible_invoice(uid)
    reader = me()
    may_pay = row.party.person_id == reader.person.id or (row.party.org_id in reader.orgs(May.PAY))
    open_sum = owed(row)
    return render_template(
        "billing/invoice.html",
        invoice=row,
        owed=open_sum,
        paid=allocated(row),
        allocations=allocations_of(row),
        qr=pdf.qr_svg(web.absolute("billing.invoice", uid=row.uid)) if open_sum else None,
        bank={key: catalogue.in_words(value) for key, value in row.seller["bank"].items()},
        may_pay=may_pay and bool(open_sum),
        online=online.offer(row) if may_pay and open_sum else None,
    )


@billing.get("/invoices/<uid>/pdf")
@signed_in
def invoice_pdf(uid: str) -> Response:
    """Hand out the invoice as PDF."""
    row = visible_invoice(uid)
    if row.pdf is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(row.pdf, inline=True)
