"""Who is not independent of a candidate, and who had a part in a case: graders, reviewers, deciders and panels differ."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select

from portal.accounts.groups import group_of
from portal.accounts.organisations import Contact
from portal.accounts.people import Person
from portal.certs.models.booking import Booking, Proctor
from portal.certs.models.deciding import ExamAppeal, ExamDecision, Review, ReviewVote
from portal.certs.models.delivery import Attempt
from portal.certs.models.grading import Assignment, AssignmentState, CaseWork, Conflict, ExamCase, Tie
from portal.core import audit, clock
from portal.core.db import db

BACK = timedelta(days=730)


def _organisations(person_id: int) -> set[int]:
    """Return the organisations and their groups to which a person belongs or belonged in the last 24 months."""
    rows = db.session.scalars(
        select(Contact).where(
            Contact.person_id == person_id,
            or_(Contact.ended_at.is_(None), Contact.ended_at > clock.now() - BACK),
        )
    )
    orgs = {row.org_id: row.org for row in rows}
    return {number for org in orgs.values() for number in group_of(org)}


def colleagues(person: Person) -> set[int]:
    """Return everybody who shares an organisation or group with a person, now or in the last 24 months."""
    orgs = _organisations(person.id)
    if not orgs:
        return set()
    return set(
        db.session.scalars(
            select(Contact.person_id).where(
                Contact.org_id.in_(orgs),
                or_(Contact.ended_at.is_(None), Contact.ended_at > clock.now() - BACK),
            )
        )
    )


def barred(person: Person, case: ExamCase | None = None) -> dict[int, str]:
    """Return who must not examine a candidate, each with the reason's code: never shown to a grader.

    Who marked a disputed attempt marks none of the same candidate any more; `case` is the one in hand.
    """
    found = dict.fromkeys(colleagues(person), "organisation")
    declared = select(Conflict.examiner_id).where(Conflict.person_id == person.id)
    found |= dict.fromkeys(db.session.scalars(declared), "declared")
    watched = (
        select(Proctor.person_id)
        .join(Booking, Booking.session_id == Proctor.session_id)
        .join(Attempt, Attempt.booking_id == Booking.id)
        .where(Attempt.person_id == person.id)
    )
    found |= dict.fromkeys(db.session.scalars(watched), "proctor")
    disputed = (
        select(Assignment.grader_id)
        .join(CaseWork, CaseWork.work_id == Assignment.work_id)
        .join(ExamCase, ExamCase.id == CaseWork.case_id)
        .join(ExamAppeal, ExamAppeal.case_id == ExamCase.id)
        .join(Attempt, Attempt.id == ExamCase.attempt_id)
        .where(Attempt.person_id == person.id, ExamCase.id != (case.id if case is not None else 0))
    )
    found |= dict.fromkeys(db.session.scalars(disputed), "appeal")
    return found | {person.id: "self"}


def markers(case: ExamCase) -> set[int]:
    """Return who marks or marked the work of a case, in any round; who gave it back unmarked did not."""
    part = (AssignmentState.OFFERED, AssignmentState.ACCEPTED, AssignmentState.SUBMITTED)
    statement = (
        select(Assignment.grader_id)
        .join(CaseWork, CaseWork.work_id == Assignment.work_id)
        .where(CaseWork.case_id == case.id, Assignment.state.in_(part))
    )
    return set(db.session.scalars(statement))


def voters(case: ExamCase) -> set[int]:
    """Return who voted on a case."""
    return set(db.session.scalars(select(ReviewVote.by_id).join(Review).where(Review.case_id == case.id)))


def deciders(case: ExamCase) -> set[int]:
    """Return who decided on a case."""
    return set(db.session.scalars(select(ExamDecision.by_id).where(ExamDecision.case_id == case.id)))


def panel(case: ExamCase) -> set[int]:
    """Return who judged an appeal of a case."""
    rows = db.session.execute(
        select(ExamAppeal.first_id, ExamAppeal.second_id).where(ExamAppeal.case_id == case.id)
    )
    return {one for row in rows for one in row if one is not None}


def involved(case: ExamCase) -> set[int]:
    """Return everybody who had a part in a case."""
    return markers(case) | voters(case) | deciders(case) | panel(case)


def independent(person: Person, case: ExamCase, *, but: set[int] | None = None) -> bool:
    """Whether somebody may take a new part in a case: no tie to the candidate, no other part; `but` may have one."""
    if person.id in barred(case.person, case):
        return False
    return person.id not in involved(case) or person.id in (but or set())


def declare(examiner: Person, candidate: Person, tie: Tie, words: str) -> Conflict:
    """Write down that somebody is tied to a candidate; said twice it stands once."""
    there = db.session.scalars(
        select(Conflict).where(
            Conflict.examiner_id == examiner.id, Conflict.person_id == candidate.id, Conflict.tie == tie
        )
    ).first()
    if there is not None:
        return there
    row = Conflict(examiner=examiner, person=candidate, tie=tie, words=words.strip()[:300])
    db.session.add(row)
    db.session.flush()
    audit.record("conflict.declared", row, by=examiner, tie=tie)
    return row
