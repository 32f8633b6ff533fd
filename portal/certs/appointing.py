"""More reviewers for a work that found too few votes: the chief examiner names holders of its level or of one above."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.certs import awarding, conflicts, grade_letters, levels, reviewing, tally
from portal.certs.models.appointing import Reviewer
from portal.certs.models.award import Award
from portal.certs.models.deciding import Review, ReviewState
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused

MOST = 50


def appointed(row: Review) -> list[Reviewer]:
    """Return who was appointed for a work, in the order of their appointment."""
    mine = select(Reviewer).where(Reviewer.review_id == row.id).order_by(Reviewer.id)
    return list(db.session.scalars(mine))


def short(row: Review) -> bool:
    """Whether a review was extended, its time is over, and votes are still wanting."""
    over = row.state is ReviewState.OPEN and row.extended and clock.now() >= row.closes_at
    return over and reviewing.stands(row) and not tally.enough(reviewing.ballots(row), row.quorum)


def candidates(row: Review) -> list[Person]:
    """Return who may be appointed: holders of the level or of one above it who are independent and cannot vote yet."""
    level = row.case.level
    fitting = [one.code for one in levels.levels() if one.code == level or level in levels.below(one.code)]
    held = select(Award.person_id).where(Award.level.in_(fitting), awarding.in_force(clock.now())).distinct()
    out = set(conflicts.barred(row.case.person, row.case)) | conflicts.involved(row.case)
    out |= {one.id for one in reviewing.reviewers(row.case)}
    statement = select(Person).where(Person.id.in_(held), Person.id.not_in(out), Person.erased_at.is_(None))
    return list(db.session.scalars(statement.order_by(Person.name, Person.id).limit(MOST)))


def appoint(row: Review, people: list[Person], *, by: Person, reason: str) -> list[Reviewer]:
    """Ask holders for their votes on a work; it stays open for another week from now."""
    row = reviewing.locked(row)
    if not short(row):
        raise Refused(_l("This work has its votes, or the time for them is not over yet."))
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    fitting = {one.id for one in candidates(row)}
    if not people or any(one.id not in fitting for one in people):
        raise Refused(_l("Please choose people from the list."), field="people", status=422)
    made = [Reviewer(review=row, person=one, by=by, reason=reason.strip()[:300]) for one in people]
    db.session.add_all(made)
    row.closes_at = clock.now() + reviewing.LONGER
    db.session.flush()
    for one in made:
        audit.record("review.appointed", row, by=by, reviewer=one.person.name, reason=one.reason)
    grade_letters.to_review(row, people)
    return made


def works_for(person: Person) -> list[Review]:
    """Return the open works on which somebody was asked by name to vote."""
    mine = select(Reviewer.review_id).where(Reviewer.person_id == person.id)
    rows = reviewing.standing(Review, ReviewState.OPEN).where(Review.id.in_(mine)).order_by(Review.id)
    return [
        one for one in db.session.scalars(rows) if person.id in {r.id for r in reviewing.reviewers(one.case)}
    ]
