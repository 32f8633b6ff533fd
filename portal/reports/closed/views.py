"""The office's pages of snapshots and of the reconciliation."""

from __future__ import annotations

from datetime import date

from flask import render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import Reader, allow, me
from portal.accounts.may import May
from portal.billing import closing
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.core.paging import asked, page_of
from portal.core.waiting import Task, task
from portal.core.web import go
from portal.reports.closed import snapshots
from portal.reports.closed.doors import closed, tabs
from portal.reports.closed.models import Snapshot

MOST = 100
EARLIEST, LATEST = 1900, 2999


def month_asked(name: str, otherwise: date) -> date:
    """Return the month that the address names; `Refused` for what is none."""
    text = asked(name, most=10)
    try:
        found = date.fromisoformat(f"{text}-01") if text else otherwise
    except ValueError:
        found = date.min
    if not EARLIEST <= found.year <= LATEST:
        raise Refused(_("“%(text)s” cannot be read as a month here.", text=text), status=422)
    return found


@closed.get("/snapshots", endpoint="snapshots")
@allow(May.READ_MONEY)
def listed() -> str:
    """List the snapshots, the newest first, with what the last nightly check found."""
    statement = select(Snapshot).order_by(Snapshot.n.desc())
    if asked("month"):
        statement = statement.where(Snapshot.month == month_asked("month", clock.today()))
    page = page_of(statement)
    current = {one.hash for row in page.items if (one := snapshots.newest(row.month)) is not None}
    return render_template(
        "office/closed/snapshots.html", tabs=tabs(), page=page, current=current, due=closing.next_to_close(),
        checked=snapshots.last_check(), may_check=me().staff_may(May.CLOSE_MONTHS),
    )  # fmt: skip


def _row(n: int) -> Snapshot:
    row = db.session.scalars(select(Snapshot).where(Snapshot.n == n)).first()
    if row is None:
        raise Missing(_("There is no such snapshot."))
    return row


@closed.get("/snapshots/<int:n>")
@allow(May.READ_MONEY)
def snapshot(n: int) -> str:
    """Show one snapshot: what it is of, its place in the chain, and what its month came to."""
    row = _row(n)
    body = snapshots.read(row)
    return render_template(
        "office/closed/snapshot.html", tabs=tabs(), row=row, body=body, money=Money, done=None, most=MOST, stream_name=stream_name,
        history=db.session.scalars(audit.of_subject(row.subject)).all(),
    )  # fmt: skip


@closed.get("/snapshots/<int:n>/again")
@allow(May.READ_MONEY)
def rerun(n: int) -> str:
    """Work one snapshot out again and say whether it comes out the same, and if not what differs and why."""
    row = _row(n)
    return render_template(
        "office/closed/snapshot.html", tabs=tabs(), row=row, body=snapshots.read(row), money=Money, most=MOST, stream_name=stream_name,
        done=snapshots.again(row), history=db.session.scalars(audit.of_subject(row.subject)).all(),
    )  # fmt: skip


def stream_name(code: str) -> str:
    """Return what a stream is called; its code where the list has no name for it."""
    known = catalogue.entries("stream").get(code)
    return catalogue.in_words(known["name"]) if known else code


@closed.post("/check")
@allow(May.CLOSE_MONTHS)
def check() -> BaseResponse:
    """Walk the chain now, as the portal does every night."""
    count = snapshots.check()
    return go("closed.snapshots", _("Checked: %(count)s snapshots.", count=count))


def tasks(reader: Reader) -> list[Task]:
    """Return that the last nightly check of the chain found something, for those who close months."""
    checked = snapshots.last_check() if reader.staff_may(May.CLOSE_MONTHS) else None
    if checked is None or not checked.detail["breaks"]:
        return []
    words = _("The last check of the snapshots found something")
    return [task(words, _("Look"), url_for("closed.snapshots"), since=checked.at, overdue=True)]
