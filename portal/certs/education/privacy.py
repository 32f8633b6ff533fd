"""What continuing education keeps of holders: the register, what they take along, what goes with time or at their wish."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from portal.accounts import erasure_plan
from portal.accounts.erasure_plan import Fate, Line
from portal.accounts.events import PersonErased
from portal.accounts.people import Person
from portal.certs import levels
from portal.certs.education import entries, renewing, rules
from portal.certs.models.education import EducationEntry, EducationRenewal, EducationState, RenewalState
from portal.core import clock, files, labels, periods, personal, retaining
from portal.core.db import db
from portal.core.personal import Keeping, Purpose, Sheet
from portal.core.states import move

E = EducationState


def install() -> None:
    """Put the columns into the register, and say what goes with time and at an erasure."""
    personal.holds(
        Purpose.CERTIFICATES, Keeping.EDUCATION, "education_entry.person_id", "education_entry.what",
        "education_entry.link", "education_entry.file_id",
    )  # fmt: skip
    retaining.rule(retaining.Rule("education", "education_entry", _due, _forget))
    erasure_plan.ask("education", lines)
    erasure_plan.say(
        {
            "education_evidence": _l("What you wrote down of continuing education, with links and files"),
            "education_points": _l("Kinds, days and points of your continuing education, without your name"),
            "because_renewals": _l("so that it can be shown what a renewal rested on"),
        }
    )
    personal.collects("education", sheets)


def _due(before: datetime) -> Select[int]:
    """Select entries that still hold what shows them, and that were refused, taken back, used or too old so long ago."""
    holds = or_(EducationEntry.what != "", EducationEntry.link != "", _has_file())
    used = exists().where(
        EducationRenewal.id == EducationEntry.renewal_id, EducationRenewal.state == RenewalState.GRANTED,
        EducationRenewal.decided_at < before,
    )  # fmt: skip
    oldest = periods.nth(clock.day_of(before), rules.months(), -1) - timedelta(days=1)
    past = and_(EducationEntry.state == E.ACCEPTED, EducationEntry.done_on < oldest)
    closed = and_(EducationEntry.state.in_(entries.GONE), EducationEntry.closed_at < before)
    return select(EducationEntry.id).where(holds, or_(closed, used, past)).order_by(EducationEntry.id)


def _has_file() -> ColumnElement[bool]:
    kept = files.StoredFile
    return exists().where(kept.id == EducationEntry.file_id, kept.erased_at.is_(None))


def _forget(number: int) -> None:
    row = db.session.get_one(EducationEntry, number)
    row.what = row.link = ""
    if row.file is not None and row.file.erased_at is None:
        files.forget(row.file)


def _shows(row: EducationEntry) -> bool:
    return bool(row.what or row.link) or (row.file is not None and row.file.erased_at is None)


def lines(person: Person) -> list[Line]:
    """Return what becomes of a holder's entries."""
    rows = entries.of_person(person)
    return [
        Line("education_evidence", Fate.ERASED, sum(_shows(one) for one in rows)),
        Line("education_points", Fate.KEPT, len(rows), "because_renewals"),
    ]


def on_erased(event: PersonErased) -> None:
    """Take away what a holder wrote and showed; kinds, days and points stay. What waits is taken back."""
    for row in entries.of_person(event.person):
        if row.state in entries.OPEN:
            move(row, E.WITHDRAWN)
            row.closed_at = clock.now()
        row.link_key = row.file_key = row.reason = ""
        _forget(row.id)
    for asked in renewing.of_person(event.person):
        asked.reason = ""


def sheets(person: Person) -> list[Sheet]:
    """Return a holder's entries and renewals, as he takes them along."""
    return [
        Sheet(
            "education",
            _l("Your continuing education"),
            (
                ("day", _l("Done on")), ("kind", _l("Kind of entry")), ("what", _l("What it was")), ("link", _l("Link that shows it")),
                ("file", _l("File")), ("claimed", _l("Points claimed")), ("points", _l("Points accepted")),
                ("counted", _l("Points counted")), ("state", _l("State")), ("reason", _l("Reason")),
            ),
            [
                {
                    "day": row.done_on, "kind": rules.name_of(row.kind), "what": row.what, "link": row.link,
                    "file": row.file.name if row.file else None, "claimed": row.claimed, "points": row.points,
                    "counted": row.counted, "state": labels.label(row.state), "reason": row.reason,
                }
                for row in reversed(entries.of_person(person))
            ],
        ),
        Sheet(
            "education_renewals",
            _l("Renewals you asked for with points"),
            (
                ("level", _l("Level")), ("asked", _l("Asked for on")), ("points", _l("Credit points")), ("state", _l("State")),
                ("decided", _l("Decided on")), ("reason", _l("Reason")),
            ),
            [
                {
                    "level": levels.name_of(row.award.level), "asked": row.asked_at, "points": row.points,
                    "state": labels.label(row.state), "decided": row.decided_at, "reason": row.reason,
                }
                for row in reversed(renewing.of_person(person))
            ],
        ),
    ]  # fmt: skip
