"""Practical work: files come in with a receipt, and what is handed in last before the deadline counts."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.certs import levels, sitting, tasks
from portal.certs.models.delivery import Attempt, AttemptPart, AttemptState, PartState, Submission, Upload
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.files import Content, StoredFile

COMMIT = re.compile(r"[0-9a-f]{40}")
MEGA = 1024 * 1024
LONGEST_TEXT = 10_000


def practical(row: Attempt) -> AttemptPart | None:
    """Return the practical part of an attempt that runs or ran last."""
    rows = [one for one in row.parts if not one.written and one.state is not PartState.TO_COME]
    return rows[-1] if rows else None


def _open(row: Attempt, by: Person) -> AttemptPart:
    """Return the running practical part under its lock; `Refused` when its time is over."""
    row, now = sitting.locked(row.id), clock.now()
    if row.person_id != by.id:
        raise Missing(_l("There is no such entry, or it is not yours."))
    part = sitting.running(row)
    if row.state is not AttemptState.RUNNING or part is None or part.written:
        raise Refused(_l("This part is over, or has not begun."), status=409)
    if not sitting.in_time(part, now):
        raise Refused(_l("The deadline has passed: this came too late and was not taken."), status=409)
    return part


def uploads(part: AttemptPart) -> list[Upload]:
    """Return the files that would be handed in now."""
    mine = select(Upload).where(Upload.part_id == part.id, Upload.removed_at.is_(None)).order_by(Upload.id)
    return list(db.session.scalars(mine))


def submissions(part: AttemptPart) -> list[Submission]:
    """Return what was handed in, the last first; the first of them counts."""
    mine = select(Submission).where(Submission.part_id == part.id).order_by(Submission.n.desc())
    return list(db.session.scalars(mine))


def add(row: Attempt, content: Content, *, name: str, by: Person) -> Upload:
    """Take a checked file in; the same content again is the upload that is there already."""
    part = _open(row, by)
    rows = uploads(part)
    known = next((one for one in rows if one.sha256 == content.sha256 and one.name == name), None)
    if known is not None:
        return known
    most, room = levels.number("practical.files"), levels.number("practical.megabytes")
    if len(rows) >= most:
        raise Refused(_l("At most %(most)s files can be handed in.", most=most), field="file", status=422)
    if sum(one.size for one in rows) + content.size > room * MEGA:
        raise Refused(_l("All files together may have %(most)s MB.", most=room), field="file", status=422)
    file = StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="exam_work",
        person_id=by.id,
    )  # fmt: skip
    db.session.add(file)
    made = Upload(part=part, file=file, name=name, sha256=content.sha256, size=content.size)
    db.session.add(made)
    db.session.flush()
    audit.record("attempt.file_received", part.attempt, by=by, sha256=content.sha256)
    return made


def remove(upload: Upload, *, by: Person) -> None:
    """Leave a file out of what is handed in next; what was handed in before stays as it was."""
    part = _open(upload.part.attempt, by)
    if upload.part_id != part.id or upload.removed_at is not None:
        raise Refused(_l("This file is not there any more."))
    upload.removed_at = clock.now()
    db.session.flush()


def _repository(repository: str, commit: str) -> tuple[str, str]:
    """Return address and commit as they are stored; nothing is ever fetched from there."""
    link, sha = repository.strip(), commit.strip().lower()
    if not link and not sha:
        return "", ""
    parts = urlsplit(link) if link.isprintable() and " " not in link else None
    if parts is None or parts.scheme != "https" or not parts.hostname or parts.username or len(link) > 300:
        raise Refused(
            _l("Please give a whole address that begins with https://"), field="repository", status=422
        )
    if not COMMIT.fullmatch(sha):
        raise Refused(_l("Please give the commit with its 40 digits."), field="commit", status=422)
    return link, sha


def hand_in(row: Attempt, *, text: str, repository: str, commit: str, by: Person) -> Submission:
    """Hand in the files that are there, with a word about them; again and again until the deadline, the last one counts."""
    part = _open(row, by)
    link, sha = _repository(repository, commit)
    rows, task = uploads(part), tasks.of(part.form)
    if not rows:
        raise Refused(
            _l("Please upload your work first; a link alone is not enough."), field="file", status=422
        )
    if len(text) > LONGEST_TEXT:
        raise Refused(
            _l("Please use at most %(max)s characters.", max=LONGEST_TEXT), field="text", status=422
        )
    assert task is not None
    last = db.session.scalar(select(func.max(Submission.n)).where(Submission.part_id == part.id)) or 0
    made = Submission(
        attempt=part.attempt, part=part, n=last + 1, task=task, text=text.strip(), repository=link, commit=sha,
        files=[{"uid": one.uid, "name": one.name, "sha256": one.sha256, "size": one.size} for one in rows],
        handed_in_at=clock.now(),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record("attempt.work_handed_in", part.attempt, by=by, files=len(rows), submission=made.n)
    return made


def counting(part: AttemptPart) -> Submission | None:
    """Return the submission that counts: the last one; None if nothing was handed in."""
    return next(iter(submissions(part)), None)
