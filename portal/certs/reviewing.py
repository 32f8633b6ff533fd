"""The community's review of a released pass: fitness for the community, never the score."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import case_rules, cases, conflicts, grade_letters, grade_notices, tally
from portal.certs.models.appointing import Reviewer
from portal.certs.models.deciding import Ballot, Review, ReviewState, ReviewVote
from portal.certs.models.delivery import Attempt, AttemptState
from portal.certs.models.grading import ExamCase
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move

W = ReviewState
POINTS = ("licence", "documentation", "reproducible")
REVISE, LONGER = timedelta(days=30), timedelta(days=7)


def found(uid: str) -> Review:
    """Return one review."""
    row = db.session.scalars(select(Review).where(Review.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such review."))
    return row


def of_case(case: ExamCase) -> Review | None:
    """Return the review of a case."""
    return db.session.scalars(select(Review).where(Review.case_id == case.id)).first()


def standing(what: Any, state: ReviewState) -> Select[Any]:
    """Select something of the reviews in a state; those of attempts that were declared invalid since stand still."""
    return (
        select(what)
        .select_from(Review)
        .join(ExamCase, ExamCase.id == Review.case_id)
        .join(Attempt, Attempt.id == ExamCase.attempt_id)
        .where(Review.state == state, Attempt.state == AttemptState.RELEASED)
    )


def stands(row: Review) -> bool:
    """Whether the result that a review is about still counts."""
    return row.case.attempt.state is AttemptState.RELEASED


def open_for(case: ExamCase) -> Review | None:
    """Open the review of a pass, where the level asks for votes; once."""
    quorum = case_rules.scheme_of(case.attempt).votes
    if quorum < 1 or of_case(case) is not None:
        return of_case(case)
    row = Review(case=case, quorum=quorum, closes_at=clock.now() + _days())
    db.session.add(row)
    db.session.flush()
    audit.record("review.opened", row, by="marking", quorum=quorum)
    grade_letters.to_review(row, reviewers(case))
    return row


def _days() -> timedelta:
    return timedelta(days=int(catalogue.policy("review.days")))


def reviewers(case: ExamCase) -> list[Person]:
    """Return who may vote on a case: the community's reviewers, and who was appointed for it, if independent in it."""
    out = set(conflicts.barred(case.person, case)) | (conflicts.involved(case) - conflicts.voters(case))
    mine = (
        select(Person)
        .join(Reviewer, Reviewer.person_id == Person.id)
        .join(Review)
        .where(Review.case_id == case.id)
    )
    asked = {
        one.id: one
        for one in (*grants.holders(May.VOTE_ON_WORK), *db.session.scalars(mine.order_by(Reviewer.id)))
    }
    return [one for one in asked.values() if one.id not in out]


def votes(row: Review) -> dict[int, ReviewVote]:
    """Return the vote that stands of each reviewer in the present turn."""
    rows = select(ReviewVote).where(ReviewVote.review_id == row.id, ReviewVote.turn == row.turn)
    return {one.by_id: one for one in db.session.scalars(rows.order_by(ReviewVote.id))}


def ballots(row: Review) -> dict[int, Ballot]:
    """Return what each reviewer says."""
    return {number: one.ballot for number, one in votes(row).items()}


def locked(row: Review) -> Review:
    """Lock the case, then the review."""
    cases.locked(row.case)
    return db.session.get_one(Review, row.id, with_for_update={"of": Review}, populate_existing=True)


def vote(row: Review, *, by: Person, ballot: Ballot, ticked: list[str], reason: str) -> ReviewVote:
    """Vote, or change one's vote while the review is open."""
    row = locked(row)
    if by.id not in {one.id for one in reviewers(row.case)}:
        raise Forbidden(_l("You are not independent in this case: others vote on it."))
    over = clock.now() >= row.closes_at and tally.enough(ballots(row), row.quorum)
    if row.state is not W.OPEN or over or not stands(row):
        raise Refused(_l("The vote on this work is over."))
    points = [one for one in POINTS if one in ticked]
    if ballot is Ballot.APPROVE and len(points) < len(POINTS):
        raise Refused(_l("Whoever approves has seen that every point holds."), field="ticked", status=422)
    if ballot is not Ballot.ABSTAIN and not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    made = ReviewVote(
        review=row, by=by, turn=row.turn, ballot=ballot, ticked=points, reason=reason.strip()[:1000]
    )
    db.session.add(made)
    db.session.flush()
    audit.record("review.voted", row, by=by, ballot=ballot)
    return made


def close(row: Review, *, by: str) -> int:
    """Close a review whose time is over by its votes; with too few extend it once, then call the chief examiner."""
    row = locked(row)
    if row.state is not W.OPEN or clock.now() < row.closes_at or not stands(row):
        return 0
    said = ballots(row)
    if not tally.enough(said, row.quorum):
        return _short(row, by=by)
    share = Fraction(str(catalogue.policy("review.share")))
    move(row, tally.outcome(said, share=share, turn=row.turn))
    row.closed_at = clock.now()
    db.session.flush()
    audit.record("review.closed", row, by=by, outcome=row.state)
    _tell(row)
    return 1


def _tell(row: Review) -> None:
    grade_letters.review_over(row)
    if row.state is not W.RETURNED:
        grade_notices.to_decide(row.case)


def _short(row: Review, *, by: str) -> int:
    if row.extended:
        grade_letters.short_of_votes(row)
        return 0
    row.extended, row.closes_at = True, row.closes_at + LONGER
    db.session.flush()
    audit.record("review.extended", row, by=by, until=row.closes_at)
    grade_letters.to_review(row, reviewers(row.case))
    return 1


def revise(row: Review, *, by: Person, words: str) -> None:
    """Hand in the one revision of a work that was sent back; the same reviewers look at it."""
    row = locked(row)
    if row.case.person.id != by.id:
        raise Missing(_l("There is no such review."))
    over = row.closed_at is None or clock.now() >= row.closed_at + REVISE
    if row.state is not W.RETURNED or over or not stands(row):
        raise Refused(_l("There is nothing to revise any more."))
    if not words.strip() or len(words) > 4000:
        raise Refused(_l("Please say in up to 4000 characters what you changed."), field="words", status=422)
    move(row, W.OPEN)
    row.turn, row.revision, row.extended, row.closed_at = row.turn + 1, words.strip(), False, None
    row.closes_at = clock.now() + _days()
    db.session.flush()
    audit.record("review.revised", row, by=by)
    grade_letters.to_review(row, reviewers(row.case))


def give_up(row: Review, *, by: str) -> int:
    """Reject a work that was sent back and never revised."""
    row = locked(row)
    waits = row.closed_at is None or clock.now() < row.closed_at + REVISE
    if row.state is not W.RETURNED or waits or not stands(row):
        return 0
    move(row, W.REJECTED)
    row.closed_at = clock.now()
    db.session.flush()
    audit.record("review.closed", row, by=by, outcome=row.state)
    _tell(row)
    return 1


def count_open() -> Select[Any]:
    """Select how many reviews are open."""
    return standing(func.count(Review.id), W.OPEN)
