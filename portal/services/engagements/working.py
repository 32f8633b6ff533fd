"""The people's days on milestones, and what stands beside them: questions, risks, findings, changes without a price."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.services.engagements import leading
from portal.services.engagements.models import Engagement, Milestone
from portal.services.engagements.opening import locked
from portal.services.engagements.work_models import EngagementNote, NoteKind, Severity, WorkEntry

MOST_A_DAY = 150


def log(milestone: Milestone, *, by: Person, day: date, hundredths: int, words: str) -> WorkEntry:
    """Write down what one worked on a milestone on a day; at most one and a half days a day, over all projects."""
    row = locked(milestone.engagement_id)
    if not leading.inside(row, by):
        raise Forbidden(_l("Only the team of this project works on its milestones."))
    if day > clock.today():
        raise Refused(_l("This day has not come yet."), field="day", status=422)
    if hundredths < 1 or hundredths + worked_on(by, day) > MOST_A_DAY:
        raise Refused(
            _l("Please write between 0.01 and 1.5 days, and no more than that in one day."), field="days", status=422
        )  # fmt: skip
    made = WorkEntry(milestone=milestone, person=by, day=day, hundredths=hundredths, words=words)
    db.session.add(made)
    db.session.flush()
    return made


def take_back(entry: WorkEntry, *, by: Person) -> WorkEntry:
    """Take one's own entry back, by a mirror row."""
    locked(entry.milestone.engagement_id)
    if entry.person_id != by.id:
        raise Forbidden(_l("Only who wrote an entry takes it back."))
    there = select(WorkEntry.id).where(WorkEntry.mirrors_id == entry.id)
    if entry.mirrors_id is not None or db.session.scalar(there) is not None:
        raise Refused(_l("This entry was taken back already."))
    made = WorkEntry(
        milestone=entry.milestone, person=by, day=entry.day, hundredths=-entry.hundredths, words=entry.words, mirrors=entry
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def worked_on(person: Person, day: date) -> int:
    """Return what somebody worked on a day, over all projects, in hundredths of a day."""
    found = select(func.sum(WorkEntry.hundredths)).where(
        WorkEntry.person_id == person.id, WorkEntry.day == day
    )
    return int(db.session.scalar(found) or 0)


def used(milestone: Milestone) -> int:
    """Return the days used for a milestone, in hundredths."""
    found = select(func.sum(WorkEntry.hundredths)).where(WorkEntry.milestone_id == milestone.id)
    return int(db.session.scalar(found) or 0)


def entries(row: Engagement) -> list[WorkEntry]:
    """Return the log of an engagement, the newest first."""
    rows = select(WorkEntry).join(Milestone).where(Milestone.engagement_id == row.id)
    return list(db.session.scalars(rows.order_by(WorkEntry.day.desc(), WorkEntry.id.desc())))


def note(
    engagement: Engagement, kind: NoteKind, words: str, *, by: Person, severity: Severity = Severity.NONE,
    owner: str = "", due_on: date | None = None,
) -> EngagementNote:  # fmt: skip
    """Write a question, risk, finding or free change on the page that both sides read."""
    row = locked(engagement.id)
    if kind is NoteKind.FINDING and (severity is Severity.NONE or not owner or due_on is None):
        raise Refused(_l("A finding has a severity, an owner and a day."), field="severity", status=422)
    made = EngagementNote(
        engagement=row, kind=kind, words=words, by=by, severity=severity, owner=owner, due_on=due_on
    )
    db.session.add(made)
    db.session.flush()
    audit.record("engagement.noted", row, by=by, org_id=row.org_id, type=kind, words=words)
    return made


def settle(made: EngagementNote, answer: str, *, by: Person) -> None:
    """Settle a note with an answer."""
    row = locked(made.engagement_id)
    db.session.refresh(made)
    if made.settled_at is not None:
        raise Refused(_l("This is settled already."))
    made.answer, made.settled_at, made.settled_by = answer, clock.now(), by
    audit.record("engagement.settled", row, by=by, org_id=row.org_id, type=made.kind, words=answer)


def notes(row: Engagement) -> list[EngagementNote]:
    """Return the notes of an engagement, open ones first, then the newest."""
    rows = select(EngagementNote).where(EngagementNote.engagement_id == row.id)
    found = list(db.session.scalars(rows.order_by(EngagementNote.id.desc())))
    return sorted(found, key=lambda one: one.settled_at is not None)
