"""Which engagements a reader may see, and whose files open to him; those of others look missing."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts.access import Reader, me
from portal.accounts.may import May
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.files import StoredFile
from portal.services.engagements import delivering, leading
from portal.services.engagements.models import Engagement, Milestone, TeamMember
from portal.services.engagements.work_models import Deliverable, EngagementNote, WorkEntry, WorkSubmission


def own_engagements(reader: Reader) -> Select[Any]:
    """Select the engagements of the organisations for which a reader acts, the newest first."""
    mine = Engagement.org_id.in_(reader.orgs(May.SEE_SERVICES))
    return select(Engagement).where(mine).order_by(Engagement.id.desc())


def own_engagement(uid: str) -> Engagement:
    """Return one engagement of the reader's organisations."""
    found: Engagement = _one(own_engagements(me()).where(Engagement.uid == uid))
    return found


def any_engagement(uid: str) -> Engagement:
    """Return one engagement for staff, whose door was checked before."""
    found: Engagement = _one(select(Engagement).where(Engagement.uid == uid))
    return found


def _one(statement: Select[Any]) -> Any:
    row = db.session.scalars(statement).first()
    if row is None:
        raise Missing(_l("There is no such project."))
    return row


def milestone_of(row: Engagement, uid: str) -> Milestone:
    """Return one milestone of an engagement."""
    found: Milestone = _one(select(Milestone).where(Milestone.engagement_id == row.id, Milestone.uid == uid))
    return found


def submission_of(row: Engagement, uid: str) -> WorkSubmission:
    """Return one submission of an engagement."""
    found: WorkSubmission = _one(
        select(WorkSubmission).join(Milestone).where(Milestone.engagement_id == row.id, WorkSubmission.uid == uid)
    )  # fmt: skip
    return found


def member_of(row: Engagement, uid: str) -> TeamMember:
    """Return one member of an engagement's team."""
    found: TeamMember = _one(
        select(TeamMember).where(TeamMember.engagement_id == row.id, TeamMember.uid == uid)
    )
    return found


def note_of(row: Engagement, uid: str) -> EngagementNote:
    """Return one note of an engagement."""
    found: EngagementNote = _one(
        select(EngagementNote).where(EngagementNote.engagement_id == row.id, EngagementNote.uid == uid)
    )
    return found


def entry_of(row: Engagement, uid: str) -> WorkEntry:
    """Return one entry of an engagement's work log."""
    found: WorkEntry = _one(
        select(WorkEntry).join(Milestone).where(Milestone.engagement_id == row.id, WorkEntry.uid == uid)
    )
    return found


def file_of(row: Engagement, uid: str, *, customer: bool) -> Deliverable:
    """Return one file of an engagement; the customer's once its milestone was handed in."""
    found: Deliverable = _one(
        select(Deliverable)
        .join(Milestone, Deliverable.milestone_id == Milestone.id)
        .join(StoredFile, Deliverable.file_id == StoredFile.id)
        .where(Milestone.engagement_id == row.id, StoredFile.uid == uid)
    )
    if customer and found not in shown_files(found.milestone):
        raise Missing(_l("There is no such file."))
    return found


def shown_files(milestone: Milestone) -> list[Deliverable]:
    """Return the files that the customer sees: those that were there when the milestone was handed in."""
    handed = delivering.submissions(milestone)
    last = max((one.submitted_at for one in handed), default=None)
    return [one for one in delivering.files_of(milestone) if last is not None and one.at <= last]


def may_open_files(reader: Reader, row: Engagement) -> bool:
    """Whether files open to a reader of ours: to the team alone, nobody whom a wall keeps out."""
    return leading.inside(row, reader.person)
