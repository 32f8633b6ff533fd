"""What a company's paid support did in a month, as a paper in both languages: the same history gives the same bytes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.billing import issuing
from portal.billing.papers import CSS
from portal.core import audit, catalogue, clock, files, labels, mail, outbox, pdf, periods, web
from portal.core.db import db, let_go
from portal.core.mail import Letter
from portal.core.rows import each
from portal.services.support import clocks, coverage, history
from portal.services.support.clocks import ClockKind
from portal.services.support.models import EventKind, Satisfaction, SupportTicket, TicketState
from portal.services.support.monthly_models import SupportReport
from portal.services.support.people_models import SupportPerson
from portal.services.support.satisfying import GOOD

TONGUES = {"zh": "zh_Hans_CN", "en": "en"}
MONTHS_BACK = 2
OVER = (TicketState.SOLVED, TicketState.CLOSED, TicketState.MERGED, TicketState.REJECTED)
READERS = (ContactRole.OWNER, ContactRole.TECHNICAL)


def _both(words: Any) -> dict[str, str]:
    """Return words in both languages."""
    found = {}
    for code, tongue in TONGUES.items():
        with force_locale(tongue):
            found[code] = str(words())
    return found


def _state(ticket: SupportTicket, at: datetime) -> TicketState:
    """Return how a ticket stood at an instant."""
    said = [one for one in history.lines(ticket) if one.kind is EventKind.STATE and one.at < at]
    return TicketState(said[-1].value) if said else TicketState.NEW


def _of(ticket: SupportTicket, at: datetime) -> dict[str, Any]:
    first = clocks.clock(history.facts(ticket), ClockKind.FIRST, at)
    verdict = ""
    if first is not None and first.runners and (first.met is not None or first.late(at)):
        verdict = "late" if first.late(at) else "kept"
    minutes = (
        "" if first is None or first.met is None else int((first.met - first.start).total_seconds()) // 60
    )
    state = _state(ticket, at)
    return {
        "number": ticket.number, "title": ticket.title, "severity": ticket.severity.value.upper(),
        "received": str(clock.day_of(ticket.received_at)), "minutes": minutes, "verdict": verdict,
        "state": _both(lambda: labels.label(state)), "over": state in OVER, "fresh": False,
    }  # fmt: skip


def body(report: SupportReport) -> dict[str, Any]:
    """Return what the paper says, as plain values: tickets received in the month or still open at its beginning, as of its end."""
    start, end = clock.start_of(report.month), clock.start_of(periods.nth(report.month, 1, 1))
    rows = select(SupportTicket).where(
        SupportTicket.org_id == report.org_id, ~SupportTicket.spam, SupportTicket.received_at < end
    )
    told = []
    for ticket in db.session.scalars(rows.order_by(SupportTicket.id)):
        if ticket.received_at >= start or _state(ticket, start) not in OVER:
            told.append(_of(ticket, end) | {"fresh": ticket.received_at >= start})
    fresh = [one for one in told if one["fresh"]]
    judged = [one for one in fresh if one["verdict"]]
    scores = db.session.scalars(
        select(Satisfaction.score)
        .join(SupportTicket)
        .where(SupportTicket.org_id == report.org_id, Satisfaction.answered_at >= start, Satisfaction.answered_at < end)
    ).all()  # fmt: skip
    level = catalogue.entries("support_level", on=report.month).get(report.level)
    return {
        "seller": issuing.seller(), "org": report.org.legal_name, "month": f"{report.month:%Y-%m}",
        "level": level["name"] if level else {"zh": report.level, "en": report.level}, "rows": told,
        "received": len(fresh), "solved": sum(one["over"] for one in told), "open": sum(not one["over"] for one in told),
        "kept": sum(one["verdict"] == "kept" for one in judged), "judged": len(judged),
        "content": sum(one is not None and one >= GOOD for one in scores), "answers": len(scores),
    }  # fmt: skip


@outbox.handles("support_report", _l("Monthly report of support"))
def _paper(item: outbox.Claim) -> outbox.Finish:
    def asked() -> SupportReport:
        return db.session.scalars(select(SupportReport).where(SupportReport.uid == item.payload["uid"])).one()

    row = asked()
    said, name, org_id = body(row), f"support-{row.month:%Y-%m}.pdf", row.org_id
    let_go()
    html = current_app.jinja_env.get_template("papers/support_report.html").render(said)
    content = files.put(pdf.render(html, css=CSS), files.PDF)

    def finish() -> None:
        report = asked()
        if report.file is None:
            report.file = files.StoredFile(
                sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
                purpose="support_report", org_id=org_id,
            )  # fmt: skip
            _tell(report)

    return finish


def _tell(report: SupportReport) -> None:
    """Write to the owner and the technical contacts that the report is there."""
    month = f"{report.month:%Y-%m}"

    def letter() -> Letter:
        return Letter(
            _("Your support in %(month)s", month=month),
            (_("The report of your tickets, of what was promised and of how you found our help is ready."),),
            button=(_("Open the reports"), web.absolute("support.reports")),
        )

    for person in contacts.holders(report.org, *READERS):
        mail.send(
            f"support-report:{report.uid}:{person.uid}", person.email, person.name, person.language, letter,
            topic=report.subject,
        )  # fmt: skip


def report_support() -> int:
    """File the reports of the last months for every company that had a level with reports at the month's end."""
    today, done = clock.today(), 0
    listed = select(SupportPerson.org_id).union(
        select(SupportTicket.org_id).where(SupportTicket.org_id.is_not(None))
    )
    orgs = [int(one) for one in db.session.scalars(listed)]
    for back in range(MONTHS_BACK, 0, -1):
        month = periods.nth(today.replace(day=1), 1, -back)
        done += each("report_support", sorted(orgs), partial(_file, month))
    return done


def _file(month: date, number: int) -> int:
    org = db.session.get_one(Organisation, number)
    last = periods.nth(month, 1, 1)
    cover = coverage.cover(org, on=last - timedelta(days=1))
    if cover is None or not catalogue.entry("support_level", cover.level).get("monthly"):
        return 0
    there = select(SupportReport.id).where(SupportReport.org_id == org.id, SupportReport.month == month)
    if db.session.scalar(there) is not None:
        return 0
    row = SupportReport(org=org, month=month, level=cover.level)
    db.session.add(row)
    db.session.flush()
    audit.record("support.reported", row, by="report_support", org_id=org.id, month=f"{month:%Y-%m}")
    outbox.queue("support_report", f"support-report:{row.uid}", {"uid": row.uid})
    return 1
