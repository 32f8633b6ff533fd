"""The desk's page on which money in one currency pays an invoice in another: both sums, the lines they book, then the deed."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import bank_clearing, converting, exchange, settling
from portal.billing import forms as f
from portal.billing.access import visible_invoice
from portal.billing.models import Invoice
from portal.billing.money_models import Receipt
from portal.billing.office import money
from portal.billing.receipts import receipt_of
from portal.core import clock
from portal.core.db import LEDGER_CURRENCY, transaction
from portal.core.errors import Refused
from portal.core.forms import options
from portal.core.money import Money
from portal.core.web import go
from portal.core.words import money as said


def _form(row: Receipt, invoices: list[Invoice], given: Any) -> f.Convert:
    # What a GET only shows needs no token; every POST is held to it before the view is asked.
    form = f.Convert(given, meta={"csrf": False})
    form.invoice.choices = options(
        (one.uid, f"{one.number} · {one.buyer_name} · {said(converting.left(one))}") for one in invoices
    )
    form.taken.label.text = _("Off the receipt (%(currency)s)", currency=row.currency)
    form.given.label.text = _("Off the invoice (its own currency)")
    return form


def _asked(row: Receipt, form: f.Convert) -> tuple[Invoice, Money, Money]:
    """Return the invoice and both sums as typed, each in its own currency."""
    bill = visible_invoice(str(form.invoice.data))
    taken = f.parsed(form.taken.data or "", "taken", row.currency)
    return bill, taken, f.parsed(form.given.data or "", "given", bill.currency)


def _rate(taken: Money, given: Money) -> str:
    """Return what one unit of the other currency is worth in ours, as both sums say; empty between two others."""
    ours, other = (taken, given) if taken.currency == LEDGER_CURRENCY else (given, taken)
    if ours.currency != LEDGER_CURRENCY or not other:
        return ""
    return f"1 {other.currency} = {ours.decimal / other.decimal:.4f} {ours.currency}"


def _loaded(code: str) -> str:
    """Return the loaded rate of a currency in words; empty if there is none."""
    try:
        return f"1 {code} = {exchange.rate_on(code, clock.today())} {LEDGER_CURRENCY}"
    except Refused:
        return ""


@money.get("/receipts/<uid>/conversion")
@allow(May.RECORD_RECEIPTS)
def conversion(uid: str) -> Any:
    """Ask for the invoice and both sums; once they are given, show the lines that would be booked."""
    row, g.nav = receipt_of(uid), "money.receipts"
    invoices, asked = converting.payable(row), bool(request.args.get("taken") or request.args.get("given"))
    form, lines, rate = _form(row, invoices, request.args), [], ""
    if asked and form.validate():
        try:
            bill, taken, given = _asked(row, form)
            lines, rate = converting.preview(row, bill, taken, given), _rate(taken, given)
        except Refused as refusal:
            form.refused(refusal)
    bad = bool(form.errors or form.form_errors)
    codes = sorted({row.currency, *(one.currency for one in invoices)} - {LEDGER_CURRENCY})
    return render_template(
        "office/conversion.html", receipt=row, form=form, invoices=invoices, lines=lines, rate=rate,
        unused=settling.unused(row), loaded=[words for words in map(_loaded, codes) if words],
    ), 422 if bad else 200  # fmt: skip


@money.post("/receipts/<uid>/conversion")
@allow(May.RECORD_RECEIPTS)
def convert(uid: str) -> BaseResponse:
    """Book the conversion as it was shown."""
    row = receipt_of(uid)
    form = _form(row, converting.payable(row), request.form)
    if not form.validate():
        raise Refused(_("This conversion is no longer possible. Please look again."), status=422)
    bill, taken, given = _asked(row, form)
    with transaction():
        converting.convert(row, bill, taken=taken, given=given, by=me().person)
        bank_clearing.clear_after(row, by=me().person)
    return go("money.receipt", _("Converted and put on invoice %(number)s.", number=bill.number), uid=uid)
