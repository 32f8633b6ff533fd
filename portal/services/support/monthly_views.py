"""The monthly reports as customers and staff open them, and the measure of a month as a file."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, g, render_template
from flask_babel import gettext as _
from sqlalchemy import Select, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import Reader, allow, me, signed_in
from portal.accounts.may import May
from portal.core import clock, export, files, labels, periods
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.paging import asked, page_of
from portal.core.web import go
from portal.services.support import coverage, crediting, measuring
from portal.services.support.desk_office import month_of
from portal.services.support.doors import support, support_office
from portal.services.support.models import SupportTicket
from portal.services.support.monthly_models import SupportReport

DAY = timedelta(hours=24)


def _own(reader: Reader) -> Select[Any]:
    return (
        select(SupportReport)
        .where(SupportReport.org_id.in_(reader.orgs(May.FOLLOW_TICKETS)), SupportReport.file_id.is_not(None))
        .order_by(SupportReport.month.desc(), SupportReport.id)
    )


@support.get("/reports")
@signed_in
def reports() -> str:
    """Show the monthly reports of the organisations whose tickets a reader follows."""
    g.nav = "support.listed"
    return render_template("support/reports.html", page=page_of(_own(me())), level_of=coverage.name_of)


@support.get("/reports/<uid>")
@signed_in
def report_file(uid: str) -> Response:
    """Hand out one report."""
    row = db.session.scalars(_own(me()).where(SupportReport.uid == uid)).first()
    if row is None or row.file is None:
        raise Missing(_("There is no such report."))
    return files.send(row.file, inline=True)


@support_office.get("/report/<any(csv, xlsx):form>/file")
@allow(May.READ_TICKETS)
def report_rows(form: str) -> Response:
    """Hand out every ticket that the measure of a month counts, as a file."""
    month = month_of(asked("month", most=7))
    start, end = clock.start_of(month), clock.start_of(periods.nth(month, 1, 1))
    known = {one.ticket.id: one.asked for one in measuring.rows(start, end, at=clock.now())}
    heads = [_("Number"), _("Organisation"), _("Level"), _("Severity"), _("State"), _("Agent"), _("Received"), _("First answer"), _("Minutes"), _("Within 24 hours")]  # fmt: skip

    def row(one: SupportTicket) -> list[Any]:
        when = known[one.id]
        span = None if when.answered is None else when.answered - when.received
        return [
            one.number, one.org.name if one.org else "", coverage.name_of(one.level), one.severity.value.upper(),
            labels.label(one.state), one.agent.name if one.agent else "", when.received, when.answered,
            None if span is None else int(span.total_seconds()) // 60,
            "" if span is None and clock.now() - when.received <= DAY else int(span is not None and span <= DAY),
        ]  # fmt: skip

    rows = select(SupportTicket).where(SupportTicket.id.in_(known)).order_by(SupportTicket.id)
    if form == "csv":
        return export.csv_of("support-measure", heads, rows, row, by=me().person)
    return export.xlsx_of("support-measure", f"{month:%Y-%m}", heads, rows, row, by=me().person)


@support_office.get("/reports")
@allow(May.READ_TICKETS)
def all_reports() -> str:
    """Show the monthly reports of every company, with what missed promises come to where a level gives that back."""
    g.nav = "support_office.queue"
    page = page_of(select(SupportReport).order_by(SupportReport.month.desc(), SupportReport.id.desc()))
    due = {one.id: crediting.owed(one) for one in page.items if one.credit is None}
    return render_template("office/support/reports.html", page=page, due=due, level_of=coverage.name_of)


def _any(uid: str) -> SupportReport:
    row = db.session.scalars(select(SupportReport).where(SupportReport.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such report."))
    return row


@support_office.get("/reports/<uid>")
@allow(May.READ_TICKETS)
def any_report(uid: str) -> Response:
    """Hand out one report."""
    row = _any(uid)
    if row.file is None:
        raise Missing(_("There is no such report."))
    return files.send(row.file, inline=True)


@support_office.post("/reports/<uid>/credit")
@allow(May.LEAD_SUPPORT)
def propose_credit(uid: str) -> BaseResponse:
    """Propose to finance what a month's missed promises come to."""
    row = _any(uid)
    with transaction():
        crediting.propose(row, by=me().person)
    return go("support_office.all_reports", _("Proposed. Finance issues it as a credit note."))
