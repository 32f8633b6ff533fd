"""What is kept of attempts: the register, what a candidate takes along, what goes when its time is over or at his wish."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, delete, func, or_, select

from portal.accounts import erasure_plan
from portal.accounts.erasure_plan import Fate, Line
from portal.accounts.events import PersonErased
from portal.accounts.people import Person
from portal.certs import levels
from portal.certs.models.booking import Booking
from portal.certs.models.delivery import (
    ENDED,
    Answer,
    AnswerSave,
    Attempt,
    AttemptPart,
    AttemptState,
    Submission,
    Upload,
)
from portal.certs.models.watching import IdentityCheck, Incident, Invalidation, InvalidationState, Notice
from portal.core import files, labels, personal, retaining
from portal.core.db import db
from portal.core.files import StoredFile
from portal.core.personal import Keeping, Purpose, Sheet
from portal.core.retaining import Rule


def install() -> None:
    """Put the columns into the register, name what goes with time, and let this part answer for its own rows."""
    personal.holds(
        Purpose.EXAMS, Keeping.ANSWERS, "exam_answer.value", "exam_answer_save.value", "exam_upload.name",
        "exam_submission.text", "exam_submission.repository", "exam_submission.files", "exam_incident.note",
        "exam_hold.reason", "exam_invalidation.heard", "exam_notice.zh", "exam_notice.en",
    )  # fmt: skip
    personal.holds(Purpose.EXAMS, Keeping.EXAMS, "exam_attempt.person_id")
    personal.holds(
        Purpose.EXAMS, Keeping.IDENTITY, "exam_identity_check.kind", "exam_identity_check.last_four"
    )
    retaining.rule(
        Rule("answers", "exam_attempt", _due, lambda one: forget(db.session.get_one(Attempt, one))),
        Rule("incidents", "exam_incident", _incidents_due, _forget_incident),
        Rule("identity", "exam_identity_check", _checks_due, _forget_check),
    )
    erasure_plan.ask("sittings", lines, obstacles)
    erasure_plan.say(
        {
            "exam_answers": _l("Your answers, files and everything noted of your exams"),
            "exam_attempts": _l("When you sat which exam, without your name"),
        }
    )
    personal.collects("sittings", sheets)


def _due(before: datetime) -> Select[Any]:
    """Select the attempts whose result was released so long ago, while anything of what was sat is still there."""
    kept = or_(
        select(Answer.id).where(Answer.attempt_id == Attempt.id).exists(),
        select(Submission.id).where(Submission.attempt_id == Attempt.id).exists(),
        select(Upload.id).join(AttemptPart).where(AttemptPart.attempt_id == Attempt.id).exists(),
        _uncited().where(Incident.attempt_id == Attempt.id).exists(),
        _cited().where(Incident.attempt_id == Attempt.id).exists(),
        select(Notice.id).where(Notice.attempt_id == Attempt.id).exists(),
        _answered().where(Invalidation.attempt_id == Attempt.id).exists(),
    )
    return (
        select(Attempt.id)
        .join(Booking, Attempt.booking_id == Booking.id)
        .where(Booking.released_at < before, kept)
        .order_by(Attempt.id)
    )


def _uncited() -> Select[Any]:
    """Select incidents on which no proposal rests: only these can go whole."""
    return select(Incident.id).where(Incident.id.not_in(select(Invalidation.incident_id)))


def _cited() -> Select[Any]:
    """Select the incidents of decided proposals whose evidence is still there: the words stay with the decision."""
    return (
        select(Incident.id)
        .join(Invalidation, Invalidation.incident_id == Incident.id)
        .join(StoredFile, StoredFile.id == Incident.file_id)
        .where(Invalidation.state != InvalidationState.PROPOSED, StoredFile.erased_at.is_(None))
    )


def _answered() -> Select[Any]:
    """Select the decided proposals that still hold what the candidate said."""
    return select(Invalidation.id).where(
        Invalidation.state != InvalidationState.PROPOSED, Invalidation.heard != ""
    )


def _incidents_due(before: datetime) -> Select[Any]:
    """Select what was noted about a whole session so long ago; what is about one candidate goes with the answers."""
    return _uncited().where(Incident.attempt_id.is_(None), Incident.at < before).order_by(Incident.id)


def _forget_incident(number: int) -> None:
    row = db.session.get_one(Incident, number)
    if row.file is not None:
        files.forget(row.file)
    db.session.delete(row)


def _checks_due(before: datetime) -> Select[Any]:
    return select(IdentityCheck.id).where(IdentityCheck.at < before).order_by(IdentityCheck.id)


def _forget_check(number: int) -> None:
    db.session.delete(db.session.get_one(IdentityCheck, number))


def forget(row: Attempt) -> None:
    """Delete answers, files, submissions, notices and incidents of an attempt; that it was sat stays, and what it was worth.

    Of an incident that a decision rests on the evidence goes and the words stay.
    """
    mine = select(Answer.id).where(Answer.attempt_id == row.id)
    parts = select(AttemptPart.id).where(AttemptPart.attempt_id == row.id)
    for upload in db.session.scalars(select(Upload).where(Upload.part_id.in_(parts))).all():
        files.forget(upload.file)
        db.session.delete(upload)
    db.session.flush()
    uncited = list(db.session.scalars(_uncited().where(Incident.attempt_id == row.id)))
    gone = [*uncited, *db.session.scalars(_cited().where(Incident.attempt_id == row.id))]
    for incident in db.session.scalars(select(Incident).where(Incident.id.in_(gone))).all():
        if incident.file is not None:
            files.forget(incident.file)
    for answered in db.session.scalars(_answered().where(Invalidation.attempt_id == row.id)).all():
        db.session.get_one(Invalidation, answered).heard = ""
    db.session.flush()
    for statement in (
        delete(AnswerSave).where(AnswerSave.answer_id.in_(mine)),
        delete(Answer).where(Answer.attempt_id == row.id),
        delete(Submission).where(Submission.attempt_id == row.id),
        delete(Notice).where(Notice.attempt_id == row.id),
        delete(Incident).where(Incident.id.in_(uncited)),
    ):
        db.session.execute(statement.execution_options(synchronize_session=False))


def _count(model: Any, *conditions: Any) -> int:
    return int(db.session.scalar(select(func.count(model.id)).where(*conditions)) or 0)


def _attempts(person: Person) -> Select[Any]:
    return select(Attempt).where(Attempt.person_id == person.id).order_by(Attempt.id)


def lines(person: Person) -> list[Line]:
    """Return what becomes of a candidate's attempts."""
    mine = select(Attempt.id).where(Attempt.person_id == person.id)
    said = _count(Answer, Answer.attempt_id.in_(mine)) + _count(Submission, Submission.attempt_id.in_(mine))
    return [
        Line("exam_answers", Fate.ERASED, said),
        Line("exam_attempts", Fate.KEPT, _count(Attempt, Attempt.person_id == person.id), "because_seats"),
    ]


def obstacles(person: Person) -> list[LazyString]:
    """Return what must be settled first: an attempt without a result, or one that somebody wants declared invalid."""
    open_ = (AttemptState.READY, AttemptState.RUNNING, *ENDED)
    waits = _count(Attempt, Attempt.person_id == person.id, Attempt.state.in_(open_))
    mine = select(Attempt.id).where(Attempt.person_id == person.id)
    doubts = _count(
        Invalidation, Invalidation.attempt_id.in_(mine), Invalidation.state == InvalidationState.PROPOSED
    )
    return [
        *([_l("An exam of the person has no result yet; it is released first.")] if waits else []),
        *(
            [_l("It was proposed to declare an exam of the person invalid: that is decided first.")]
            if doubts
            else []
        ),
    ]


def on_erased(event: PersonErased) -> None:
    """Delete what a candidate answered and handed in, and that he showed a document."""
    for row in db.session.scalars(_attempts(event.person)).all():
        forget(row)
        db.session.execute(
            delete(IdentityCheck)
            .where(IdentityCheck.booking_id == row.booking_id)
            .execution_options(synchronize_session=False)
        )


def sheets(person: Person) -> list[Sheet]:
    """Return what is kept of a person's attempts; keys and answers of items stay with the exam."""
    rows = db.session.scalars(_attempts(person)).all()
    handed = select(Submission).join(Attempt).where(Attempt.person_id == person.id).order_by(Submission.id)
    return [
        Sheet(
            "exam_attempts",
            _l("Exams you sat"),
            (("exam", _l("Exam")), ("start", _l("Start")), ("end", _l("Ended at")), ("state", _l("State"))),
            [
                {
                    "exam": levels.name_of(row.level), "start": row.started_at, "end": row.ended_at,
                    "state": labels.label(row.state),
                }
                for row in rows
            ],
        ),
        Sheet(
            "exam_submissions",
            _l("Practical work you handed in"),
            (("at", _l("Handed in")), ("repository", _l("Repository")), ("commit", _l("Commit")), ("files", _l("Files"))),
            [
                {
                    "at": row.handed_in_at, "repository": row.repository, "commit": row.commit,
                    "files": ", ".join(f"{one['name']} ({one['sha256']})" for one in row.files),
                }
                for row in db.session.scalars(handed)
            ],
        ),
    ]  # fmt: skip
