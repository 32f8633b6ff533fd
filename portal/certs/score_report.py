"""What a candidate is told of a released result: parts, levels of the rubric, bands by topic; no items, no keys, no names."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.certs import case_facts, case_rules, cases, drawing, guards, measuring, rubrics
from portal.certs.measuring import Band
from portal.certs.models.booking import Booking
from portal.certs.models.delivery import Answer, Attempt, AttemptPart
from portal.certs.models.eligibility import Eligibility, EligibilityState
from portal.certs.models.grading import (
    Assignment,
    AssignmentState,
    CaseWork,
    ExamCase,
    ExamMark,
    ExamScore,
    ExamWork,
)
from portal.certs.rubric import Marking, Task, final, fraction_by
from portal.certs.schemes import Part
from portal.certs.scoring import earned
from portal.core import clock
from portal.core.catalogue import in_words
from portal.core.db import db

BANDS = (
    (Fraction(4, 5), _l("strong")),
    (Fraction(3, 5), _l("sound")),
    (Fraction(2, 5), _l("to be strengthened")),
)
LOWEST = _l("to be learned anew")


@dataclass(frozen=True, slots=True)
class PartLine:
    """A part: what was reached and what was asked for, as shares."""

    name: str
    weight: Fraction
    fraction: Fraction
    minimum: Fraction

    @property
    def enough(self) -> bool:
        """Whether the part reaches its minimum."""
        return self.fraction >= self.minimum


@dataclass(frozen=True, slots=True)
class TopicLine:
    """A topic of the blueprint in a band of words: exact figures would tell of single items."""

    name: str
    band: Any


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """A criterion with the level that counts, in words, and what graders said of it."""

    name: str
    level: str
    critical: bool
    comments: list[str]


@dataclass(frozen=True, slots=True)
class Again:
    """When somebody who failed may sit again: from which day a session may start, and until when an attempt is left."""

    start: date | None
    left_until: date | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a candidate is told."""

    passed: bool
    total: Fraction
    cut: Fraction
    band: Band | None
    provisional: bool
    parts: list[PartLine]
    topics: list[TopicLine]
    criteria: list[CriterionLine]


def report(case: ExamCase) -> Report | None:
    """Return the report of a released case; None before."""
    kept = cases.current(case)
    if case.released_at is None or kept is None or kept.body["total"] is None:
        return None
    parts = {one.code: one for one in case_rules.parts_of(case.attempt)}
    return Report(
        bool(kept.passed), Fraction(kept.body["total"]), Fraction(kept.body["cut"]), band(case, kept),
        bool(case.rules["provisional"]),
        _parts(kept, parts),
        [line for part in case.attempt.parts if part.written for line in _topics(part, parts[part.code])],
        _criteria(case, int(kept.body.get("round", 1))),
    )  # fmt: skip


def band(case: ExamCase, kept: ExamScore | None) -> Band | None:
    """Return the band of one standard error around a total; None while it, or what it rests on, is not there."""
    if kept is None or kept.body["total"] is None:
        return None
    graders = int(case.rules["graders"])
    parts = {
        part.code: measuring.of_answers(case_facts.answered(part))
        if part.written
        else measuring.of_graders(_double_marks(case, part.code), graders)
        for part in case.attempt.parts
    }
    weights = {code: Fraction(one) for code, one in case.rules["weights"].items()}
    return measuring.band(Fraction(kept.body["total"]), measuring.of_whole(weights, parts))


def _double_marks(case: ExamCase, section: str) -> list[list[Fraction]]:
    """Return, work by work, what each blind grader alone would have given in a part, over the released cases of a session."""
    statement = (
        select(ExamMark, ExamWork)
        .join(Assignment, Assignment.id == ExamMark.assignment_id)
        .join(ExamWork, ExamWork.id == Assignment.work_id)
        .join(CaseWork, CaseWork.work_id == ExamWork.id)
        .join(ExamCase, ExamCase.id == CaseWork.case_id)
        .join(Attempt, Attempt.id == ExamCase.attempt_id)
        .join(Booking, Booking.id == Attempt.booking_id)
        .where(
            Booking.session_id == case.attempt.booking.session_id, ExamCase.released_at.is_not(None), CaseWork.round == 1,
            ExamWork.section == section, Assignment.third.is_(False), Assignment.state == AssignmentState.SUBMITTED,
        )
    )  # fmt: skip
    found: dict[int, list[Fraction]] = defaultdict(list)
    for given, work in db.session.execute(statement):
        one = Marking(given.assignment.code, {code: int(level) for code, level in given.levels.items()})
        found[work.id].append(fraction_by(Task(work.task, rubrics.criteria(work.rubric)), one))
    return list(found.values())


def again(case: ExamCase) -> Again:
    """Return when and until when a candidate may sit the exam of a case again."""
    person, level = case.attempt.person_id, case.level
    start = guards.open_again(person, level)
    mine = select(Eligibility).where(
        Eligibility.person_id == person,
        Eligibility.level == level,
        Eligibility.state == EligibilityState.ACTIVE,
    )
    left = [one.ends_on for one in db.session.scalars(mine) if guards.left(one) > 0]
    return Again(None if start is None else clock.day_of(start), max(left, default=None))


def _parts(kept: ExamScore, parts: dict[str, Part]) -> list[PartLine]:
    body = kept.body["sections"]
    return [
        PartLine(
            in_words(part.names), Fraction(body[code]["weight"]), Fraction(body[code]["fraction"]),
            Fraction(body[code]["minimum"]),
        )
        for code, part in parts.items()
        if code in body
    ]  # fmt: skip


def _topics(row: AttemptPart, part: Part) -> list[TopicLine]:
    """Return a band for each topic with three or more items that count."""
    tags = {
        answer.item_version.item.key: answer.item_version.item.topic
        for answer in db.session.scalars(select(Answer).where(Answer.part_id == row.id))
    }
    got: dict[str, list[tuple[Fraction, Fraction]]] = defaultdict(list)
    codes = [one.code for one in part.topics]
    for one in case_facts.answered(row):
        topic = drawing.topic_of(tags.get(one.item.code, ""), codes)
        if topic is not None and one.item.scored:
            points = Fraction(one.item.points)
            got[topic].append((points * (earned(one) or 0), points))
    return [
        TopicLine(in_words(topic.names), _band(got[topic.code]))
        for topic in part.topics
        if len(got[topic.code]) >= 3
    ]


def _band(rows: list[tuple[Fraction, Fraction]]) -> Any:
    share = sum((a for a, _b in rows), Fraction(0)) / sum((b for _a, b in rows), Fraction(0))
    return next((words for least, words in BANDS if share >= least), LOWEST)


def _criteria(case: ExamCase, round_no: int) -> list[CriterionLine]:
    rule = case_rules.policy(case.rules).rule
    tasks = {task.code: task for part in case_facts.sections(case, round_no=round_no) for task in part.tasks}
    found = []
    for work in case_facts.works_of(case, round_no):
        task, marks = tasks[work.task], case_facts.marks_of(work)
        for row, criterion in zip(work.rubric["criteria"], task.rubric, strict=True):
            points = final(task, criterion, rule)
            reached = max(
                (n for n, level in enumerate(criterion.levels) if Fraction(level) <= points), default=0
            )
            comments = sorted(one.comments[criterion.code] for one in marks if criterion.code in one.comments)
            words = in_words(row["levels"][reached])
            found.append(CriterionLine(in_words(row["name"]), words, criterion.critical, comments))
    return found
