"""Reports by mail: ordered by a person for himself, sent when a month is closed or every Monday, once each, ended by one click."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import structlog
from flask import current_app
from flask_babel import LazyString, force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.core import audit, clock, mail, web
from portal.core.db import db, reading, transaction
from portal.core.errors import Missing, Refused
from portal.core.mail import Letter
from portal.core.settings import settings
from portal.reports.closed import snapshots
from portal.reports.closed.models import ReportMail, ReportMailing, Rhythm, Snapshot
from portal.reports.income import asked, pages
from portal.reports.income.asked import Question
from portal.reports.income.figure import Figure, Report
from portal.reports.income.pages import Page

log = structlog.get_logger(__name__)
PERIODS: dict[str, LazyString] = {
    "month": _l("The month"),
    "year": _l("The year to date"),
    "trailing": _l("Twelve months up to it"),
}
# Pages that are about one payer or one stream of the address open no report of their own.
NOT_ALONE = ("payer", "stream")
MOST_FIGURES, MOST_ORDERS = 12, 20


@dataclass(frozen=True, slots=True)
class Slot:
    """One occasion to send: its name, which is kept with the sending, the last month to tell of, and the day known."""

    name: str
    month: date
    known: date | None = None


def offered(staff_may: Any) -> list[Page]:
    """Return the reports that somebody may order."""
    return [one for one in pages.every() if one.key not in NOT_ALONE and staff_may(one.may)]


def mine(person: Person) -> list[ReportMail]:
    """Return what a person gets by mail."""
    running = select(ReportMail).where(ReportMail.person_id == person.id, ReportMail.ended_at.is_(None))
    return list(db.session.scalars(running.order_by(ReportMail.id)))


def begin(report: str, rhythm: Rhythm, query: dict[str, str], *, by: Person) -> ReportMail:
    """Order a report for oneself; the same one twice is one."""
    running = mine(by)
    for row in running:
        if (row.report, row.rhythm, row.query) == (report, rhythm, query):
            return row
    if len(running) >= MOST_ORDERS:
        raise Refused(_l("You get as many reports by mail as one person can: end one first."), status=422)
    row = ReportMail(person=by, report=report, rhythm=rhythm, query=query)
    db.session.add(row)
    db.session.flush()
    audit.record("report_mail.begun", row, by=by, report=report, rhythm=rhythm)
    return row


def end(row: ReportMail, *, by: Person | str) -> None:
    """End a report by mail; ended already it stays so."""
    ended = (
        update(ReportMail)
        .where(ReportMail.id == row.id, ReportMail.ended_at.is_(None))
        .values(ended_at=clock.now())
        .returning(ReportMail.id)
    )
    if db.session.scalar(ended) is not None:
        db.session.refresh(row)
        audit.record("report_mail.ended", row, by=by, report=row.report)


def by_link(uid: str) -> ReportMail:
    """Return the order that the link of a mail ends: its random id is known to nobody but its owner."""
    row = db.session.scalars(select(ReportMail).where(ReportMail.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such order."))
    return row


def way_out(number: int) -> str | None:
    """Return where one click ends a report by mail."""
    row = db.session.get(ReportMail, number)
    return web.absolute("report_mail_end.stop", uid=row.uid) if row is not None else None


def name_of(row: ReportMail) -> str:
    """Return what the report of an order is called."""
    return next((str(one.name) for one in pages.every() if one.key == row.report), row.report)


def question(row: ReportMail, slot: Slot) -> Question:
    """Return the question of a report for an occasion."""
    last, period = slot.month, row.query.get("period", "month")
    first = {"year": last.replace(month=1), "trailing": _eleven_before(last)}.get(period, last)
    given = {
        "from": f"{first:%Y-%m}", "to": f"{last:%Y-%m}", "stream": row.query.get("stream", ""),
        "known": slot.known.isoformat() if slot.known else "",
    }  # fmt: skip
    return asked.read(given, clock.today())


def _eleven_before(month: date) -> date:
    at = month.year * 12 + month.month - 1 - 11
    return date(at // 12, at % 12 + 1, 1)


def _closes(row: ReportMail) -> Iterable[Slot]:
    """Return the closes since a report was ordered that still stand, the oldest first."""
    made = select(Snapshot).where(Snapshot.made_at > row.since).order_by(Snapshot.n)
    for one in db.session.scalars(made):
        if snapshots.hash_of(one.month) == one.hash:
            yield Slot(f"snapshot:{one.n}", one.month, clock.day_of(one.known_at))


def _mondays(row: ReportMail, today: date) -> Iterable[Slot]:
    """Return the last Monday since a report was ordered."""
    monday = today - timedelta(days=today.weekday())
    if monday > clock.day_of(row.since):
        yield Slot(f"week:{monday.isoformat()}", monday.replace(day=1))


def due(row: ReportMail, today: date) -> list[Slot]:
    """Return for which occasions a report has not been sent yet."""
    sent = set(db.session.scalars(select(ReportMailing.slot).where(ReportMailing.mail_id == row.id)))
    slots = _closes(row) if row.rhythm is Rhythm.MONTHLY else _mondays(row, today)
    return [slot for slot in slots if slot.name not in sent]


def head_figures(report: Report) -> list[tuple[str, Figure]]:
    """Return the figures that a mail says: those at the head of the page, else the totals of its tables; no payer's name."""
    found = [(words, figure) for words, figure, _note in report.heads]
    if not found:
        for table in report.tables:
            for line in table.feet:
                found += [
                    (f"{table.title}: {head.words}", cell)
                    for head, cell in zip(table.heads, line.cells, strict=True)
                    if isinstance(cell, Figure)
                ]
    return found[:MOST_FIGURES]


def _letter(row: ReportMail, page: Page, said: Question, hashed: str | None) -> Letter:
    # A context of its own: what one report reads is not kept for the next.
    with (
        current_app.app_context(), current_app.test_request_context("/", base_url=settings().public_url), reading(),
        force_locale(row.person.language),
    ):  # fmt: skip
        report = page.build(said)
        told = [f"{words}: {figure.money.decimal:,.2f} CNY" for words, figure in head_figures(report)]
        title = f"{report.title}, {said.start:%Y-%m} – {said.last:%Y-%m}"
        basis = _("Basis: %(basis)s; as known on %(day)s.", basis=report.basis, day=said.known)
        lines = (basis, *told)
        if hashed:
            lines = (*lines, _("Snapshot %(hash)s", hash=hashed))
        query = said.query()
        lines = (
            *lines,
            _("As a file: %(link)s", link=_address(f"{page.key}/xlsx/file?{query}")),
            _("To end these mails: %(link)s", link=web.absolute("report_mail_end.stop", uid=row.uid)),
        )
    path = "" if page.key == "overview" else page.key
    return Letter(title, lines, button=(_("Open the report"), _address(f"{path}?{query}")))


def _address(path: str) -> str:
    return f"{web.absolute('reports.overview')}{path}"


def _write(row: ReportMail, slot: Slot, letter: Letter) -> bool:
    """Note the sending and file its mail in one transaction; False if another has done so."""
    dialect = db.session.get_bind().dialect.name
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    made = db.session.execute(
        build(ReportMailing)
        .values(mail_id=row.id, slot=slot.name, at=clock.now())
        .on_conflict_do_nothing()
        .returning(ReportMailing.id)
    ).first()
    if made is None:
        return False
    person = row.person
    mail.send(
        f"report:{row.uid}:{slot.name}", person.email, person.name, person.language, lambda: letter,
        topic=row.subject,
    )  # fmt: skip
    return True


def _running() -> list[int]:
    return list(
        db.session.scalars(select(ReportMail.id).where(ReportMail.ended_at.is_(None)).order_by(ReportMail.id))
    )


def _may(person: Person, may: May) -> bool:
    return person.id in {one.id for one in grants.holders(may)}


def send() -> int:
    """Send every report whose occasion has come, each in a transaction of its own; return how many went out.

    Whoever may not read a report any more gets it no more: the order ends.
    """
    done = 0
    with reading():
        numbers = _running()
    for number in numbers:
        try:
            done += _send_one(number)
        except Exception:  # one that cannot be made holds up no other, and is tried again with the next run
            log.exception("report_mail.failed", mail=number)
    return done


def _send_one(number: int) -> int:
    done = 0
    with reading():
        row = db.session.get_one(ReportMail, number)
        page = next((one for one in pages.every() if one.key == row.report), None)
        allowed = page is not None and _may(row.person, page.may)
        slots = due(row, clock.today())
    if page is None or not allowed:
        with transaction():
            end(db.session.get_one(ReportMail, number), by="mail_reports")
        return 0
    for slot in slots:
        with reading():
            row = db.session.get_one(ReportMail, number)
            said, hashed = question(row, slot), snapshots.hash_of(slot.month)
            letter = _letter(row, page, said, hashed if row.rhythm is Rhythm.MONTHLY else None)
        with transaction():
            done += _write(db.session.get_one(ReportMail, number), slot, letter)
    return done
