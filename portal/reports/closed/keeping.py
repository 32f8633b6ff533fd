"""What is kept of people here: who gets which report by mail; figures name payers by number and nobody by name."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts import erasure_plan
from portal.accounts.erasure_plan import Fate, Line
from portal.accounts.events import PersonErased
from portal.accounts.people import Person
from portal.core import labels, personal
from portal.core.db import db
from portal.core.personal import Keeping, Purpose, Sheet
from portal.reports.closed import mailing
from portal.reports.closed.models import ReportMail


def install() -> None:
    """Put the columns into the register, and let this part answer for its own rows."""
    personal.holds(Purpose.MAIL, Keeping.ACCOUNT, "report_mail.person_id")
    erasure_plan.ask("reports by mail", lines)
    erasure_plan.say({"report_mails": _l("Reports you get by mail: they end")})
    personal.collects("reports by mail", sheets)


def lines(person: Person) -> list[Line]:
    """Return what becomes of a person's reports by mail."""
    count = select(func.count(ReportMail.id)).where(
        ReportMail.person_id == person.id, ReportMail.ended_at.is_(None)
    )
    return [Line("report_mails", Fate.ERASED, int(db.session.scalar(count) or 0))]


def on_erased(event: PersonErased) -> None:
    """Write to nobody who was erased."""
    for row in mailing.mine(event.person):
        mailing.end(row, by="erasure")


def sheets(person: Person) -> list[Sheet]:
    """Return which reports a person gets by mail."""
    heads = (("report", _l("Report")), ("when", _l("When")), ("since", _l("Since")))
    rows = [
        {"report": row.report, "when": labels.label(row.rhythm), "since": row.since}
        for row in mailing.mine(person)
    ]
    return [Sheet("report_mails", _l("Reports you get by mail"), heads, rows)]
