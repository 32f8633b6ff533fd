"""What a candidate is told of a released result: parts, levels of the rubric, bands by topic; no items, no keys, no names."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.certs import case_facts, case_rules, cases, drawing
from portal.certs.models.delivery import Answer, AttemptPart
from portal.certs.models.grading import ExamCase, ExamScore
from portal.certs.rubric import final
from portal.certs.schemes import Part
from portal.certs.scoring import earned
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
class Report:
    """Everything a candidate is told."""

    passed: bool
    total: Fraction
    cut: Fraction
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
        bool(kept.passed), Fraction(kept.body["total"]), Fraction(kept.body["cut"]), bool(case.rules["provisional"]),
        _parts(kept, parts),
        [line for part in case.attempt.parts if part.written for line in _topics(part, parts[part.code])],
        _criteria(case, int(kept.body.get("round", 1))),
    )  # fmt: skip


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
