"""What the members' domain keeps of people and for how long: its columns, and papers of applications that came to nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, cast, exists, func, select

from portal.core import audit, files, personal, retaining
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.files import StoredFile
from portal.core.personal import Keeping, Purpose
from portal.core.retaining import Rule
from portal.members.models import Application, ApplicationState, Upload

P, K, S = Purpose, Keeping, ApplicationState
NEGATIVE = (S.REJECTED, S.WITHDRAWN, S.EXPIRED, S.CLOSED)


def install() -> None:
    """Put the columns into the register, and the rule on the table."""
    personal.holds(
        P.MEMBERSHIP, K.AGREEMENTS, "application.answers", "submission.answers", "application.applicant_id"
    )
    personal.holds(
        P.MEMBERSHIP, K.AGREEMENTS, "agreement.signed_name", "agreement.signed_from", "agreement.party_name"
    )
    personal.holds(P.MEMBERSHIP, K.APPLICATION_FILES, "stored_file.name", "stored_file.person_id")
    personal.no_person("member_import.name")
    retaining.rule(Rule("application_files", "application", _ended_badly, _delete_papers))


def _ended_badly(before: datetime) -> Select[Any]:
    """Select the applications with papers that ended without a membership before a moment."""
    papers = exists().where(
        Upload.application_id == Application.id,
        Upload.file_id == StoredFile.id,
        StoredFile.erased_at.is_(None),
    )
    ended = func.coalesce(_last_said(), Application.decided_at, Application.created_at)
    return (
        select(Application.id)
        .where(Application.state.in_(NEGATIVE), papers, ended < before)
        .order_by(Application.id)
    )


def _last_said() -> Any:
    """Return when an application was last moved, as the audit says: no column keeps the day of each ending."""
    verbs = ("application.rejected", "application.withdrawn", "application.expired", "application.closed")
    return (
        select(func.max(AuditEntry.at))
        .where(
            AuditEntry.verb.in_(verbs), AuditEntry.subject == "application:" + cast(Application.id, String)
        )
        .correlate(Application)
        .scalar_subquery()
    )


def _delete_papers(number: int) -> None:
    """Delete the papers of an application: the content goes, that there was one stays."""
    row = db.session.get_one(Application, number)
    papers = db.session.scalars(select(Upload).where(Upload.application_id == row.id)).all()
    gone = [one.file for one in papers if one.file.erased_at is None]
    for one in gone:
        files.forget(one)
    audit.record("application.files_deleted", row, by="retain", org_id=row.org_id, files=len(gone))
