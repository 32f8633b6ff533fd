"""What a case rests on: the answers with the keys in force, the verdicts of people, the blind marks. The one join."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from portal.certs import item_keys, rubrics
from portal.certs.marking import Item, folded
from portal.certs.models.bank import FormItem
from portal.certs.models.delivery import Answer, AttemptPart
from portal.certs.models.grading import (
    AnswerVerdict,
    Assignment,
    AssignmentState,
    CaseWork,
    ExamCase,
    ExamMark,
    ExamWork,
)
from portal.certs.rubric import Marking, Task
from portal.certs.scoring import Answered, Section
from portal.core.db import db

Keys = dict[int, item_keys.Key | None]


def digest(text: str) -> str:
    """Return the digest under which a verdict on a short answer is kept: the same for the same text as it is compared."""
    return hashlib.sha256(folded(text).encode()).hexdigest()


def sections(case: ExamCase, *, round_no: int | None = None, over: Keys | None = None) -> list[Section]:
    """Return the parts of an attempt with everything that is known of them, by the newest round of marks.

    `over` are keys that somebody only thinks of, by version.
    """
    works = _tasks(case, last_round(case) if round_no is None else round_no)
    return [
        Section(
            part.code, tuple(answered(part, over)) if part.written else (), tuple(works.get(part.code, ()))
        )
        for part in case.attempt.parts
    ]


def last_round(case: ExamCase) -> int:
    """Return the newest round of marks: 1, and one more with each marking anew."""
    found = db.session.scalar(select(func.max(CaseWork.round)).where(CaseWork.case_id == case.id))
    return int(found or 1)


def answered(part: AttemptPart, over: Keys | None = None) -> list[Answered]:
    """Return each place of a written part with its item by the key in force, its answer, and a person's verdict."""
    mine = select(Answer).where(Answer.part_id == part.id).options(joinedload(Answer.item_version))
    rows = list(db.session.scalars(mine.order_by(Answer.position)))
    places = select(FormItem.version_id, FormItem.scored).where(FormItem.form_id == part.form_id)
    counts = {version: scored for version, scored in db.session.execute(places)}  # noqa: C416 - rows
    versions = {row.item_version_id for row in rows}
    keys = {**item_keys.mended(versions), **(over or {})}
    said = {
        (one.version_id, one.digest): Decimal(one.fraction)
        for one in db.session.scalars(select(AnswerVerdict).where(AnswerVerdict.version_id.in_(versions)))
    }
    found = []
    for row in rows:
        item: Item = item_keys.item(row.item_version, scored=counts.get(row.item_version_id, True), keys=keys)
        by_hand = said.get((row.item_version_id, digest(row.value))) if isinstance(row.value, str) else None
        found.append(Answered(item, row.value, by_hand))
    return found


def works_of(case: ExamCase, round_no: int) -> list[ExamWork]:
    """Return the blind copies of a case in one round, in the order of their tasks."""
    statement = select(ExamWork).join(CaseWork).where(CaseWork.case_id == case.id, CaseWork.round == round_no)
    return list(db.session.scalars(statement.order_by(ExamWork.section, ExamWork.task, ExamWork.id)))


def _tasks(case: ExamCase, round_no: int) -> dict[str, list[Task]]:
    """Return the practical tasks of a case by section, with the marks that stand."""
    found: dict[str, list[Task]] = {}
    for work in works_of(case, round_no):
        given = marks_of(work)
        third = next((_marking(one) for one in given if one.assignment.third), None)
        blind = tuple(_marking(one) for one in given if not one.assignment.third)
        task = Task(work.task, rubrics.criteria(work.rubric), marks=blind, adjudication=third)
        found.setdefault(work.section, []).append(task)
    return found


def marks_of(work: ExamWork) -> list[ExamMark]:
    """Return the marks of a work that stand, in no order that tells who was first."""
    statement = (
        select(ExamMark)
        .join(Assignment)
        .where(Assignment.work_id == work.id, Assignment.state == AssignmentState.SUBMITTED)
    )
    return list(db.session.scalars(statement.order_by(Assignment.code)))


def _marking(one: ExamMark) -> Marking:
    return Marking(one.assignment.code, {code: int(level) for code, level in one.levels.items()})


def case_of(work: ExamWork) -> ExamCase:
    """Return the case that a work belongs to: asked by verbs, never by a grader's page."""
    return db.session.scalars(select(ExamCase).join(CaseWork).where(CaseWork.work_id == work.id)).one()
