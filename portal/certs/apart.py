"""From which cases one examiner stands apart: `conflicts.independent` for many cases, in statements that do not grow with them."""

from __future__ import annotations

from functools import cached_property

from sqlalchemy import or_, select

from portal.accounts.people import Person
from portal.certs import conflicts
from portal.certs.graders import STANDS
from portal.certs.models.booking import Booking, Proctor
from portal.certs.models.deciding import ExamAppeal, ExamDecision, Review, ReviewVote
from portal.certs.models.delivery import Attempt
from portal.certs.models.grading import Assignment, CaseWork, Conflict, ExamCase
from portal.certs.models.watching import Invalidation
from portal.core.db import db


class Apart:
    """An examiner with what ties him to candidates and the part he had in cases, each asked once and only where wanted."""

    def __init__(self, examiner: Person) -> None:
        self.me = examiner.id
        self._examiner = examiner

    @cached_property
    def _tied(self) -> set[int]:
        """Whom he must not examine: who shares an organisation is a colleague from either side."""
        declared = select(Conflict.person_id).where(Conflict.examiner_id == self.me)
        watched = (
            select(Attempt.person_id)
            .join(Booking, Booking.id == Attempt.booking_id)
            .join(Proctor, Proctor.session_id == Booking.session_id)
            .where(Proctor.person_id == self.me)
        )
        named = set(db.session.scalars(declared.union(watched)))
        return named | conflicts.colleagues(self._examiner) | {self.me}

    @cached_property
    def _disputed(self) -> set[tuple[int, int]]:
        """The candidates whose work he had in hand in a case that was appealed, each with the case."""
        rows = (
            select(Attempt.person_id, ExamCase.id)
            .join(ExamCase, ExamCase.attempt_id == Attempt.id)
            .join(CaseWork, CaseWork.case_id == ExamCase.id)
            .join(Assignment, Assignment.work_id == CaseWork.work_id)
            .join(ExamAppeal, ExamAppeal.case_id == ExamCase.id)
            .where(Assignment.grader_id == self.me)
        )
        return {(person, case) for person, case in db.session.execute(rows)}

    @cached_property
    def _voted(self) -> set[int]:
        voted = select(Review.case_id).join(ReviewVote, ReviewVote.review_id == Review.id)
        return set(db.session.scalars(voted.where(ReviewVote.by_id == self.me)))

    @cached_property
    def _other_parts(self) -> set[int]:
        """The cases that he marked, decided or judged an appeal of."""
        marked = (
            select(CaseWork.case_id)
            .join(Assignment, Assignment.work_id == CaseWork.work_id)
            .where(Assignment.grader_id == self.me, Assignment.state.in_(STANDS))
        )
        decided = select(ExamDecision.case_id).where(ExamDecision.by_id == self.me)
        judged = select(ExamAppeal.case_id).where(
            or_(ExamAppeal.first_id == self.me, ExamAppeal.second_id == self.me)
        )
        return set(db.session.scalars(marked.union(decided, judged)))

    @cached_property
    def _undid(self) -> set[int]:
        """The attempts that he proposed to declare invalid, or decided so about."""
        mine = or_(Invalidation.by_id == self.me, Invalidation.second_id == self.me)
        return set(db.session.scalars(select(Invalidation.attempt_id).where(mine)))

    def tied(self, case: ExamCase) -> bool:
        """Whether something ties him to the candidate of a case."""
        person = case.attempt.person_id
        return person in self._tied or any(who == person and n != case.id for who, n in self._disputed)

    def independent(self, case: ExamCase) -> bool:
        """Whether he may take a part in a case: no tie to the candidate, no part yet."""
        return not self.tied(case) and case.id not in self._other_parts | self._voted

    def may_vote(self, case: ExamCase) -> bool:
        """Whether he may vote on a case, again if he has: no tie to the candidate, and no other part than a voter's."""
        return not self.tied(case) and (case.id in self._voted or case.id not in self._other_parts)

    def new_to(self, case: ExamCase) -> bool:
        """Whether he may judge an appeal of a case: independent, and without a part in declaring its attempt invalid."""
        return self.independent(case) and case.attempt_id not in self._undid
