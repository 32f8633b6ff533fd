"""Graders drawn at random among the least loaded who are independent of the candidate, each under a code of his own."""

from __future__ import annotations

import secrets
from collections import Counter
from datetime import datetime, timedelta
from random import Random, SystemRandom

from sqlalchemy import func, select

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.billing.ladder import is_working_day
from portal.certs import case_facts, conflicts, grade_letters, scoring
from portal.certs import case_rules as rules
from portal.certs.models.grading import Assignment, AssignmentState, ExamCase, ExamWork
from portal.core import audit, catalogue, clock
from portal.core.db import db

S = AssignmentState
STANDS = (S.OFFERED, S.ACCEPTED, S.SUBMITTED)
WAITS = (S.OFFERED, S.ACCEPTED)
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


def due(start: datetime, days: int) -> datetime:
    """Return the end of the n-th working day after an instant."""
    day, left = clock.day_of(start), days
    while left > 0:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return clock.start_of(day + timedelta(days=1))


def standing(work: ExamWork, *, third: bool | None = None) -> list[Assignment]:
    """Return who marks or marked a work, but for those who gave it back."""
    statement = select(Assignment).where(Assignment.work_id == work.id, Assignment.state.in_(STANDS))
    if third is not None:
        statement = statement.where(Assignment.third.is_(third))
    return list(db.session.scalars(statement.order_by(Assignment.code)))


def fit(case: ExamCase) -> list[Person]:
    """Return who may mark a case: graders without a tie to the candidate or another part in it, the least loaded first."""
    out = set(conflicts.barred(case.person, case)) | conflicts.involved(case) | _had(case)
    found = [one for one in grants.holders(May.MARK) if one.id not in out]
    waits = select(Assignment.grader_id, func.count()).where(Assignment.state.in_(WAITS))
    rows = db.session.execute(waits.group_by(Assignment.grader_id))
    load: Counter[int] = Counter({who: count for who, count in rows})  # noqa: C416 - rows are no mapping
    return sorted(found, key=lambda one: load[one.id])


def _had(case: ExamCase) -> set[int]:
    """Return who had a work of a case in hand before, also those who gave it back."""
    works = [
        work.id for n in range(1, case_facts.last_round(case) + 1) for work in case_facts.works_of(case, n)
    ]
    return set(db.session.scalars(select(Assignment.grader_id).where(Assignment.work_id.in_(works))))


def _pick(case: ExamCase, dice: Random) -> Person | None:
    """Draw at random among the three least loaded, so that nobody can reckon who it will be."""
    rows = fit(case)
    return dice.choice(rows[:3]) if rows else None


def draw_missing(case: ExamCase, work: ExamWork, *, dice: Random | None = None) -> list[Assignment]:
    """Draw graders until a work has as many as the rules ask for; where nobody is left, the chief examiner is told."""
    wanted = int(case.rules["graders"]) - len(standing(work, third=False))
    made = [_give(case, work, third=False, dice=dice or SystemRandom()) for _n in range(wanted)]
    return [one for one in made if one is not None]


def draw_third(case: ExamCase, work: ExamWork, *, dice: Random | None = None) -> Assignment | None:
    """Draw the third grader of a work whose two differ; once."""
    if standing(work, third=True):
        return None
    return _give(case, work, third=True, dice=dice or SystemRandom())


def _give(case: ExamCase, work: ExamWork, *, third: bool, dice: Random) -> Assignment | None:
    who = _pick(case, dice)
    if who is None:
        grade_letters.nobody_left(case, work)
        return None
    row = Assignment(
        work=work, grader=who, code="".join(secrets.choice(_LETTERS) for _n in range(8)), third=third,
        due_at=due(clock.now(), int(catalogue.policy("marking.days"))),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("assignment.offered", row, by="marking", third=third)
    grade_letters.offered(row)
    return row


def disputed_works(case: ExamCase) -> list[ExamWork]:
    """Return the works whose two graders differ too far and that have no third mark."""
    codes = set(scoring.disputed(case_facts.sections(case), rules.policy(case.rules)))
    return [one for one in case_facts.works_of(case, case_facts.last_round(case)) if one.task in codes]
