"""The staff's pages of compute statements: every month of every seller, sending and invoicing, sellers and rates."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import audit, export, labels
from portal.core import files as core_files
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.paging import asked, folded, page_of
from portal.core.web import chip, go
from portal.services import finding
from portal.services.statements import access, reporting, sellers, settling, showing, views
from portal.services.statements import forms as f
from portal.services.statements.doors import statements_office
from portal.services.statements.kinds import StatementState
from portal.services.statements.models import ComputeSeller, ComputeStatement
from portal.services.support.forms import apart

PAGE, SELLER = "compute_office.statement", "compute_office.seller"
S = StatementState


def _found() -> Any:
    q, group = folded(asked("q")), asked("state", most=20)
    rows = (
        select(ComputeStatement)
        .join(ComputeSeller, ComputeStatement.seller_id == ComputeSeller.id)
        .join(Organisation, ComputeSeller.org_id == Organisation.id)
    )
    if q:
        rows = rows.where(
            Organisation.legal_name.icontains(q, autoescape=True)
            | Organisation.legal_name_en.icontains(q, autoescape=True)
            | Organisation.display_name_zh.icontains(q, autoescape=True)
            | Organisation.display_name_en.icontains(q, autoescape=True)
        )
    if group in {one.value for one in S}:
        rows = rows.where(ComputeStatement.state == S(group))
    return rows.order_by(ComputeStatement.month.desc(), ComputeStatement.seller_id)


@statements_office.get("/")
@allow(May.READ_MONEY)
def listed() -> str:
    """List the statements, the newest month first."""
    group = asked("state", most=20)
    return render_template(
        "office/statements/list.html", page=page_of(_found()), next_step=showing.next_step,
        filters=[chip("state", one.value, labels.label(one), group) for one in S],
    )  # fmt: skip


@statements_office.get("/file")
@allow(May.READ_MONEY)
def listed_file() -> Response:
    """Hand out the list that is shown."""
    return export.csv_of(
        "compute-statements",
        (_("Number"), _("Seller"), _("Month"), _("State"), _("Turnover"), _("Commission"), _("Carried in"), _("Tax")),
        _found(),
        lambda one: (
            one.number, one.seller.org.legal_name, f"{one.month:%Y-%m}", labels.label(one.state), one.base,
            one.commission, one.carried, one.tax,
        ),
        by=me().person,
    )  # fmt: skip


def _page(row: ComputeStatement, status: int = 200, **given: Any) -> Any:
    g.nav = "compute_office.listed"
    return render_template(
        "office/statements/statement.html", row=row, seen=showing.seen(row), disputes=settling.disputes(row),
        next=showing.next_step(row, staff=True), files=reporting.files(row), may_sell=me().staff_may(May.SELL),
        why=settling.why_no_invoice(row), history=list(db.session.scalars(audit.of_subject(row.subject))),
        **apart(send=given.get("send") or f.Send(formdata=None)),
    ), status  # fmt: skip


@statements_office.get("/<uid>")
@allow(May.READ_MONEY)
def statement(uid: str) -> Any:
    """Show a statement on one page: lines, figures, what was said, and what comes next."""
    return _page(access.any_statement(uid))


@statements_office.post("/<uid>/sending")
@allow(May.SELL)
def send(uid: str) -> Any:
    """Send a statement with the figures that were shown."""
    row, form = access.any_statement(uid), f.Send()
    status = form.carry_out(lambda: settling.send(row, by=me().person, answer=form.answer.data or ""))
    if not status:
        return go(PAGE, _("The seller has the statement and mail about it."), uid=uid)
    return _page(access.any_statement(uid), status, send=form)


@statements_office.post("/<uid>/invoice")
@allow(May.SELL)
def invoice(uid: str) -> BaseResponse:
    """Issue the invoice of a statement."""
    row = access.any_statement(uid)
    with transaction():
        settling.invoice(row, by=me().person)
    number = row.invoice.number if row.invoice is not None else None
    said = (
        _("Invoice %(number)s is issued.", number=number) if number else _("Closed: nothing is to be paid.")
    )
    return go(PAGE, said, uid=uid)


def _report(row: ComputeStatement, form: f.Report, status: int = 200) -> Any:
    g.nav = "compute_office.listed"
    return render_template(
        "office/statements/report.html", row=row, form=form, months=reporting.correctable(row)
    ), status


@statements_office.get("/<uid>/report")
@allow(May.SELL)
def report(uid: str) -> Any:
    """Show the form for a report that came by another way."""
    return _report(access.any_statement(uid), f.Report(formdata=None))


@statements_office.post("/<uid>/report")
@allow(May.SELL)
def take_report(uid: str) -> Any:
    """Write down a month's sales for its seller."""
    row, form = access.any_statement(uid), f.Report()
    if form.validate_on_submit():
        try:
            views.take(row, form)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("Written down. Please check it and send the statement."), uid=uid)
    return _report(access.any_statement(uid), form, 422)


@statements_office.get("/<uid>/lines/file")
@allow(May.READ_MONEY)
def lines_file(uid: str) -> Response:
    """Hand out the lines of a statement."""
    return views.lines_csv(access.any_statement(uid))


@statements_office.get("/<uid>/files/<file>")
@allow(May.READ_MONEY)
def file(uid: str, file: str) -> Response:
    """Hand out a file of a statement."""
    return core_files.send(views.file_of(access.any_statement(uid), file))


@statements_office.get("/<uid>/statement.pdf")
@allow(May.READ_MONEY)
def pdf(uid: str) -> Response:
    """Hand out a statement as it was sent."""
    return core_files.send(views.pdf_of(access.any_statement(uid)), inline=True)


# ---- Sellers


def _sellers(form: f.NewSeller, status: int = 200) -> Any:
    g.nav = "compute_office.listed"
    rows = list(db.session.scalars(sellers.every()))
    return render_template(
        "office/statements/sellers.html", rows=rows, form=form, may_sell=me().staff_may(May.SELL)
    ), status


@statements_office.get("/sellers")
@allow(May.READ_MONEY)
def seller_list() -> Any:
    """List the sellers."""
    return _sellers(f.NewSeller(formdata=None))


@statements_office.post("/sellers")
@allow(May.SELL)
def begin() -> Any:
    """Let a member sell from a month on."""
    form = f.NewSeller()

    def deed() -> None:
        org = finding.org_named(str(form.org.data))
        sellers.begin(org, since=form.read("since"), contract=str(form.contract.data), by=me().person)

    status = form.carry_out(deed)
    if not status:
        return go("compute_office.seller_list", _("The seller is asked for each month once it is over."))
    return _sellers(form, status)


def _seller(row: ComputeSeller, status: int = 200, **given: Any) -> Any:
    g.nav = "compute_office.listed"
    forms = {
        "rate": given.get("rate") or f.NewRate(formdata=None),
        "end": given.get("end") or f.EndSeller(formdata=None),
    }
    return render_template(
        "office/statements/seller.html", row=row, rates=sellers.rates(row), bounds=sellers.bounds(),
        published=sellers.price(row).terms.bp, may_sell=me().staff_may(May.SELL),
        statements=list(
            db.session.scalars(
                select(ComputeStatement)
                .where(ComputeStatement.seller_id == row.id)
                .order_by(ComputeStatement.month.desc())
            )
        ),
        **apart(**forms),
    ), status  # fmt: skip


@statements_office.get("/sellers/<uid>")
@allow(May.READ_MONEY)
def seller(uid: str) -> Any:
    """Show a seller: contract, rates, months."""
    return _seller(access.any_seller(uid))


@statements_office.post("/sellers/<uid>/rates")
@allow(May.SET_PRICES)
def set_rate(uid: str) -> Any:
    """Write down a rate from a month on."""
    row, form = access.any_seller(uid), f.NewRate()
    status = form.carry_out(
        lambda: sellers.set_rate(
            row, start=form.read("start"), bp=form.bp(), reason=str(form.reason.data), by=me().person
        )
    )
    if not status:
        return go(SELLER, _("The rate is written down."), uid=uid)
    return _seller(access.any_seller(uid), status, rate=form)


@statements_office.post("/sellers/<uid>/end")
@allow(May.SELL)
def end(uid: str) -> Any:
    """Let a seller report its last month."""
    row, form = access.any_seller(uid), f.EndSeller()
    status = form.carry_out(lambda: sellers.end(row, until=form.read("until"), by=me().person))
    if not status:
        return go(SELLER, _("The seller is not asked for that month any more."), uid=uid)
    return _seller(access.any_seller(uid), status, end=form)
