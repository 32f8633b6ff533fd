"""The seller's pages: the months and how each stands, reporting one, its statement to confirm or dispute."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people_views import required_org
from portal.core import export
from portal.core import files as core_files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import asked, page_of
from portal.core.web import chip, go
from portal.core.words import month
from portal.services.statements import access, reporting, sellers, settling, showing, taking
from portal.services.statements import forms as f
from portal.services.statements.doors import statements
from portal.services.statements.kinds import StatementState
from portal.services.statements.models import (
    NO_STATEMENT,
    ComputeLine,
    ComputeSeller,
    ComputeStatement,
)
from portal.services.support.forms import apart

PAGE = "compute.statement"
S = StatementState
GROUPS = {"todo": (S.EXPECTED, S.SENT), "open": (S.DRAFT, S.DISPUTED), "over": (S.CONFIRMED, S.INVOICED)}


@statements.get("/")
@allow(May.REPORT_SALES)
def listed() -> str:
    """List the months of the organisation, and what comes next with each."""
    org, group = required_org(me(), May.REPORT_SALES), asked("state", most=20)
    seller = db.session.scalars(select(ComputeSeller).where(ComputeSeller.org_id == org.id)).first()
    rows = access.own(me()).where(ComputeSeller.org_id == org.id)
    if group in GROUPS:
        rows = rows.where(ComputeStatement.state.in_(GROUPS[group]))
    return render_template(
        "statements/list.html", org=org, seller=seller, next_step=showing.next_step,
        page=page_of(rows.order_by(ComputeStatement.month.desc(), ComputeStatement.id)),
        rates=sellers.rates(seller) if seller else [],
        filters=[
            chip("state", code, words, group)
            for code, words in (("todo", _("Waits for you")), ("open", _("With finance")), ("over", _("Agreed")))
        ],
    )  # fmt: skip


def page(row: ComputeStatement, status: int = 200, **given: Any) -> Any:
    """Show a statement to its seller."""
    g.nav = "compute.listed"
    forms = {
        "confirm": given.get("confirm") or f.Confirm(formdata=None, sending=str(row.sending)),
        "dispute": given.get("dispute") or f.Dispute(formdata=None),
    }
    return render_template(
        "statements/statement.html", row=row, seen=showing.seen(row), next=showing.next_step(row),
        disputes=settling.disputes(row), files=reporting.files(row), **apart(**forms),
    ), status  # fmt: skip


@statements.get("/<uid>")
@allow(May.REPORT_SALES)
def statement(uid: str) -> Any:
    """Show a statement: its lines, what they make, and what the seller can do."""
    return page(access.own_statement(uid))


def _report(row: ComputeStatement, form: f.Report, status: int = 200) -> Any:
    g.nav = "compute.listed"
    return render_template(
        "statements/report.html", row=row, form=form, months=reporting.correctable(row)
    ), status


@statements.get("/<uid>/report")
@allow(May.REPORT_SALES)
def report(uid: str) -> Any:
    """Show the form for a month's sales."""
    row = access.own_statement(uid)
    return _report(row, f.Report(formdata=None))


@statements.post("/<uid>/report")
@allow(May.REPORT_SALES)
def take_report(uid: str) -> Any:
    """Take a month's sales."""
    row, form = access.own_statement(uid), f.Report()
    if form.validate_on_submit():
        try:
            take(row, form)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(
                PAGE, _("Thank you. Finance checks %(month)s and sends the statement.", month=month(row.month)),
                uid=uid,
            )  # fmt: skip
    return _report(access.own_statement(uid), form, 422)


def take(row: ComputeStatement, form: f.Report) -> None:
    """Take what a form says of a month, its files first."""
    typed = taking.lines(form, row.month)
    told, kept = taking.attached(request.files.getlist("file"), row.month)
    with transaction():
        reporting.report(
            row, [*told, *typed], by=me().person, nothing=bool(form.nothing.data), note=form.note.data or "",
            files=kept,
        )  # fmt: skip


@statements.post("/<uid>/confirmation")
@allow(May.REPORT_SALES)
def confirm(uid: str) -> Any:
    """Confirm the figures that were shown."""
    row, form = access.own_statement(uid), f.Confirm()
    status = form.carry_out(lambda: settling.confirm(row, by=me().person, sending=form.number()))
    if not status:
        return go(PAGE, _("Confirmed. Thank you."), uid=uid)
    return page(access.own_statement(uid), status, confirm=form)


@statements.post("/<uid>/dispute")
@allow(May.REPORT_SALES)
def dispute(uid: str) -> Any:
    """Say what is wrong with a statement."""
    row, form = access.own_statement(uid), f.Dispute()
    status = form.carry_out(lambda: settling.dispute(row, by=me().person, words=str(form.words.data)))
    if not status:
        return go(PAGE, _("Finance has your words and answers. Nothing is confirmed until then."), uid=uid)
    return page(access.own_statement(uid), status, dispute=form)


@statements.get("/<uid>/lines/file")
@allow(May.REPORT_SALES)
def lines_file(uid: str) -> Response:
    """Hand out the lines of a statement; the file can be read in again."""
    return lines_csv(access.own_statement(uid))


def lines_csv(row: ComputeStatement) -> Response:
    """Answer with the lines of a statement as CSV."""
    rows = select(ComputeLine).where(ComputeLine.statement_id == row.id, ComputeLine.report == row.report)
    return export.csv_of(
        f"statement-{row.number}",
        ("month", "package", "hours", "unit_price", "amount", "evidence"),
        rows.order_by(ComputeLine.n),
        lambda one: (
            f"{one.month:%Y-%m}", one.package, hours(one.milli_hours), one.unit_price, one.amount, one.evidence
        ),
        by=me().person,
    )  # fmt: skip


def hours(milli: int) -> str:
    """Return thousandths of an hour as people write hours: `12.5`."""
    whole, rest = divmod(abs(milli), 1000)
    text = f"{whole}.{rest:03d}".rstrip("0").rstrip(".")
    return f"-{text}" if milli < 0 else text


@statements.get("/<uid>/files/<file>")
@allow(May.REPORT_SALES)
def file(uid: str, file: str) -> Response:
    """Hand out a file of a statement."""
    return core_files.send(file_of(access.own_statement(uid), file))


@statements.get("/<uid>/statement.pdf")
@allow(May.REPORT_SALES)
def pdf(uid: str) -> Response:
    """Hand out a statement as it was sent."""
    return core_files.send(pdf_of(access.own_statement(uid)), inline=True)


def pdf_of(row: ComputeStatement) -> core_files.StoredFile:
    """Return the document of a statement's last sending."""
    if row.pdf is None:
        raise Missing(_("This document is still being made. Please try again in a moment."))
    return row.pdf


def file_of(row: ComputeStatement, uid: str) -> core_files.StoredFile:
    """Return one file of a statement."""
    found = next((one.file for one in reporting.files(row) if one.file.uid == uid), None)
    if found is None:
        raise Missing(NO_STATEMENT)
    return found
