"""Invoices and payments as the payer sees them."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, cast

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, or_
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.billing import (
    converting,
    dunning,
    fapiao,
    online,
    purchase_orders,
    receipt_papers,
    saved_cards,
    settling,
)
from portal.billing.access import may_pay, payable_invoice, visible_invoice, visible_invoices
from portal.billing.attempts import latest_of
from portal.billing.fapiao_forms import OrderNumber
from portal.billing.issuing import allocated, owed
from portal.billing.models import Invoice, InvoiceState
from portal.billing.queries import NONE, allocations_of, credits_of, notes_of
from portal.core import catalogue, clock, files, labels, pdf, web
from portal.core.db import transaction
from portal.core.errors import Missing
from portal.core.paging import asked, page_of
from portal.core.web import go
from portal.core.words import money

billing = Blueprint("billing", __name__)
SORTS = {
    "number": Invoice.number, "issued": Invoice.issued_on, "due": Invoice.due_on, "sum": Invoice.gross,
}  # fmt: skip
COLUMNS = (
    Invoice.uid, Invoice.number, Invoice.buyer_name, Invoice.issued_on, Invoice.due_on, Invoice.gross, Invoice.state,
    Invoice.currency, Invoice.printed["gross"].as_integer().label("units"),
)  # fmt: skip


def _narrowed(path_states: tuple[InvoiceState, ...]) -> Select[Any]:
    """Select the invoices the address asks for: searched and filtered."""
    statement = visible_invoices(me())
    state = request.args.get("state", "")
    if state in {one.value for one in path_states}:
        statement = statement.where(Invoice.state == InvoiceState(state))
    if q := asked("q"):
        statement = statement.where(
            or_(
                Invoice.number.ilike(f"%{q}%"),
                Invoice.reference.ilike(f"%{q}%"),
                Invoice.buyer_name.ilike(f"%{q}%"),
            )
        )
    return statement


def _order() -> tuple[tuple[Any, ...], bool]:
    """Return what the address sorts by, ending with what is unique, and whether from the top down."""
    sort = request.args.get("sort", "-number")
    return (SORTS.get(sort.removeprefix("-"), Invoice.number), Invoice.id), sort.startswith("-")


def asked_for(path_states: tuple[InvoiceState, ...]) -> Select[Any]:
    """Select the invoices the address asks for: searched, filtered, sorted."""
    order, down = _order()
    return _narrowed(path_states).order_by(*(one.desc() if down else one for one in order))


def listed(path_states: tuple[InvoiceState, ...]) -> Any:
    """Return a page of the invoices the reader asked for, and what gives the filters as chips."""
    order, down = _order()
    page = page_of(_shown(_narrowed(path_states)), order=order, down=down, plain=True)
    return page, partial(_filters, path_states)


@lru_cache(maxsize=16)
def _shown(statement: Select[Any]) -> Select[Any]:
    """Return what a list shows of invoices."""
    shown: Any = statement.with_only_columns(*COLUMNS)
    return cast(Select[Any], shown)


def _filters(path_states: tuple[InvoiceState, ...]) -> list[dict[str, Any]]:
    state = request.args.get("state", "")
    return [
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
    open_sum = owed(row)
    pays = may_pay(me(), row)
    return render_template(
        "billing/invoice.html",
        invoice=row,
        owed=open_sum,
        due=converting.left(row) if row.printed else open_sum,
        paid=allocated(row),
        allocations=allocations_of(row),
        notes=[note for note in notes_of(row) if note.number],
        qr=pdf.qr_svg(web.absolute("billing.invoice", uid=row.uid)) if open_sum else None,
        bank={key: catalogue.in_words(value) for key, value in row.seller["bank"].items()},
        may_pay=pays and bool(open_sum),
        online=online.offer(row) if pays and open_sum else None,
        most=online.most(),
        keeps_cards=saved_cards.offered(),
        late=row.due_on is not None and row.due_on < clock.today(),
        attempt=latest_of(row) if pays else None,
        credit=credits_of(row.party) if pays else NONE,
        fapiaos=fapiao.of_invoice(row),
        fapiao_left=fapiao.limit_of(row) if pays else NONE,
        dunning=dunning.next_step(row) if open_sum and not dunning.held_by(row) else None,
        order_form=OrderNumber(formdata=None, data={"number": purchase_orders.of_invoice(row)}),
        pays=pays,
        receipt=receipt_papers.receipt_of(row) if row.state is not InvoiceState.VOID and row.gross else None,
    )


@billing.post("/invoices/<uid>/credit")
@signed_in
def use_credit(uid: str) -> BaseResponse:
    """Pay the invoice from the payer's unused credit, as far as it reaches."""
    row = payable_invoice(uid)
    with transaction():
        used = settling.use_credit(row, by=me().person)
    return go("billing.invoice", _("%(sum)s of your credit is used.", sum=money(used)), uid=uid)


@billing.get("/invoices/<uid>/pdf")
@signed_in
def invoice_pdf(uid: str) -> Response:
    """Hand out the invoice as PDF."""
    row = visible_invoice(uid)
    if row.pdf is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(row.pdf, inline=True)


@billing.get("/invoices/<uid>/receipt")
@signed_in
def receipt_pdf(uid: str) -> Response:
    """Hand out the receipt for the dues or the donation that an invoice is for, once money has arrived."""
    row = visible_invoice(uid)
    kind = receipt_papers.receipt_of(row)
    if kind is None or not allocated(row):
        raise Missing(_("There is no receipt for this invoice, or no money has arrived for it yet."))
    response = Response(receipt_papers.paper(row, kind), mimetype="application/pdf")
    response.headers["Content-Disposition"] = f"inline; filename=receipt-{row.number}.pdf"
    return response


@billing.get("/invoices/<uid>/credit-notes/<note>/pdf")
@signed_in
def note_pdf(uid: str, note: str) -> Response:
    """Hand out a credit note of an invoice as PDF."""
    found = next((one for one in notes_of(visible_invoice(uid)) if one.uid == note and one.number), None)
    if found is None or found.pdf is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(found.pdf, inline=True)
