"""Statements of account, for the payer and for finance, and the payer's own order numbers."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, current_app, g, render_template, request
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me, signed_in
from portal.accounts.may import May
from portal.accounts.people_views import acting_for, required_org
from portal.billing import fapiao_access, issuing, papers, purchase_orders, statements
from portal.billing import fapiao_forms as f
from portal.billing.access import payable_invoice
from portal.billing.models import Party
from portal.billing.statements import Account
from portal.core import audit, catalogue, clock, pdf, sheets
from portal.core.db import db, let_go, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go

account = Blueprint("account", __name__)
FORMS = {"pdf": pdf.MEDIA_TYPE, "xlsx": sheets.MEDIA_TYPE}


def day_asked(name: str, otherwise: date) -> date:
    """Return a day of the query, or the other one when it is missing or no day."""
    try:
        return date.fromisoformat(request.args.get(name, "")[:10])
    except ValueError:
        return otherwise


def _account(party: Party) -> Account:
    today = clock.today()
    return statements.account(
        party, day_asked("start", today.replace(month=1, day=1)), day_asked("end", today)
    )


def _own() -> Party:
    reader = me()
    holder = required_org(reader, May.SEE_MONEY) if acting_for(reader) is not None else reader.person
    party = fapiao_access.party_for(holder)
    if party is None:
        raise Missing(_("There is no account yet: it begins with the first invoice."))
    return party


def _party(uid: str) -> Party:
    row = db.session.scalars(select(Party).where(Party.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such payer."))
    return row


@account.get("/account-statement")
@signed_in
def statement() -> str:
    """Show the payer's own statement of account."""
    g.nav = "billing.invoices"
    return render_template("billing/statement.html", account=_account(_own()))


@account.get("/account-statement/<form>/file")
@signed_in
def statement_file(form: str) -> Response:
    """Hand out the payer's own statement as PDF or XLSX."""
    return _file(_account(_own()), form)


@account.get("/office/money/payers/<uid>/statement")
@allow(May.READ_MONEY)
def of_payer(uid: str) -> str:
    """Show a payer's statement of account."""
    g.nav = "ageing.page"
    return render_template("office/statement.html", account=_account(_party(uid)))


@account.get("/office/money/payers/<uid>/statement/<form>/file")
@allow(May.READ_MONEY)
def file_of_payer(uid: str, form: str) -> Response:
    """Hand out a payer's statement as PDF or XLSX."""
    return _file(_account(_party(uid)), form)


def _file(found: Account, form: str) -> Response:
    if form not in FORMS:
        raise Missing(_("There is no such file."))
    audit.trace(
        "statement.exported", found.party.subject, by=me().person, org_id=found.party.org_id, form=form,
        start=found.start, end=found.end,
    )  # fmt: skip
    data = _paper(found) if form == "pdf" else _sheet(found)
    response = Response(data, mimetype=FORMS[form])
    name = f"statement-{found.start.isoformat()}-{found.end.isoformat()}.{form}"
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


def _sheet(found: Account) -> bytes:
    heads = (
        _("Day"),
        _("What"),
        _("Number of the document"),
        _("Added to the debt"),
        _("Paid or credited"),
        _("Balance"),
    )
    rows = [
        (found.start, _("Balance brought forward"), "", None, None, found.opening),
        *((one.day, one.words, one.document, one.charge or None, one.credit or None, one.balance) for one in found.lines),
        (found.end, _("Balance"), "", found.charged, found.credited, found.closing),
    ]  # fmt: skip
    return sheets.xlsx(_("Statement of account"), heads, rows)


def _both(line: statements.Line) -> dict[str, str]:
    said = {}
    for tongue, locale in (("zh", "zh_Hans_CN"), ("en", "en")):
        with force_locale(locale):
            said[tongue] = line.words
    return said


def _paper(found: Account) -> bytes:
    brand = catalogue.entry("brand", "foundation")
    words = {
        "seller": {key: brand[key] for key in ("name", "address", "mail")},
        "buyer": {"title": found.party.title or found.party.name, "tax_number": found.party.tax_number},
        "start": found.start.isoformat(),
        "end": found.end.isoformat(),
        "opening": papers.figure(found.opening),
        "closing": papers.figure(found.closing),
        "charged": papers.figure(found.charged),
        "credited": papers.figure(found.credited),
        "owes": found.closing.minor > 0,
        "lines": [
            {
                "day": line.day.isoformat(), "words": _both(line), "document": line.document,
                "charge": papers.figure(line.charge) if line.charge else "",
                "credit": papers.figure(line.credit) if line.credit else "", "balance": papers.figure(line.balance),
            }
            for line in found.lines
        ],
    }  # fmt: skip
    let_go()
    html = current_app.jinja_env.get_template("papers/statement.html").render(words)
    return pdf.render(html, css=papers.CSS)


@account.post("/invoices/<uid>/order-number")
@signed_in
def give_order(uid: str) -> BaseResponse:
    """Note the payer's order number of one invoice."""
    row, form = payable_invoice(uid), f.OrderNumber()
    if not form.validate_on_submit():
        raise Refused(_("Please use at most %(max)s characters.", max=60), status=422)
    with transaction():
        purchase_orders.give(row, form.number.data or "", by=me().person)
    return go("billing.invoice", _("Saved. The order number stands beside the invoice."), uid=uid)


@account.post("/billing-details/order-number")
@signed_in
def give_standing() -> BaseResponse:
    """Note the order number for all invoices to come."""
    reader, form = me(), f.OrderNumber()
    holder = required_org(reader, May.PAY) if acting_for(reader) is not None else reader.person
    if not form.validate_on_submit():
        raise Refused(_("Please use at most %(max)s characters.", max=60), status=422)
    with transaction():
        purchase_orders.give_standing(issuing.party_of(holder), form.number.data or "", by=reader.person)
    return go("billing.profile", _("Saved. Invoices issued from now on carry this order number."))
