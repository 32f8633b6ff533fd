"""What an employer does with an application: open it, invite, offer, hire, decline; and what the portal closes by itself."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.states import move
from portal.jobs import application_letters as letters
from portal.jobs.application_models import ApplicationStep, JobApplication
from portal.jobs.applying import lock
from portal.jobs.models import Post
from portal.jobs.stages import OPEN, Closing, JobApplicationState

A = JobApplicationState
NEXT = (A.INTERVIEW, A.OFFER, A.HIRED, A.DECLINED)
GONE = _l("This application was withdrawn meanwhile: nothing of it is shown any more.")


def open_(row: JobApplication, *, by: Any) -> JobApplication:
    """Open an application for the first time, of which the candidate hears; opened again it stays as it is."""
    row = lock(row)
    if row.state is A.SENT:
        _step(row, A.SEEN, by=by)
    return row


def step(
    row: JobApplication,
    to: JobApplicationState,
    *,
    by: Any,
    words: str = "",
    by_certificate: bool | None = None,
) -> JobApplication:
    """Take the next step with an application; the candidate gets a letter with the employer's words."""
    row = lock(row)
    if row.state is A.WITHDRAWN or row.person is None:
        raise Refused(GONE)
    if to not in NEXT:
        raise Refused(_l("Please choose what comes next."), field="to", status=422)
    if to is A.HIRED and by_certificate is None:
        raise Refused(_l("Please say whether a certificate counted."), field="by_certificate", status=422)
    _step(row, to, by=by, words=words)
    row.by_certificate = by_certificate if to is A.HIRED else None
    letters.moved(row, words)
    return row


def _step(row: JobApplication, to: JobApplicationState, *, by: Any, words: str = "") -> None:
    move(row, to)
    row.moved_at, row.nudged_at = clock.now(), None
    db.session.add(ApplicationStep(application=row, state=to, words=words))
    db.session.flush()
    audit.record("job_application.moved", row, by=by, org_id=row.post.org_id, state=to)


def open_ones(post: Post) -> list[JobApplication]:
    """Return the open applications to a post, in the order in which they came."""
    rows = select(JobApplication).where(JobApplication.post_id == post.id, JobApplication.state.in_(OPEN))
    return list(db.session.scalars(rows.order_by(JobApplication.id)))


def close_all(post: Post, why: Closing, *, by: Any) -> int:
    """Close the open applications to a post that was filled or taken down, each with a letter; return how many."""
    rows = open_ones(post)
    for one in rows:
        row = lock(one)
        if row.state not in OPEN:
            continue
        _step(row, A.DECLINED, by=by)
        row.closing = why
        letters.closed(row)
    return len(rows)
