"""How well graders agree on live work: over all double marks, pair by pair, and how severe each is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import select

from portal.certs import agreement, case_facts, item_report, rubrics
from portal.certs.models.delivery import Attempt, AttemptState
from portal.certs.models.grading import CaseWork, ExamCase, ExamMark
from portal.certs.rubric import Marking, Rule, Task, fraction_by, fraction_of
from portal.core.db import db


@dataclass(frozen=True, slots=True)
class Severity:
    """A grader: how many works he marked, and his mean difference from the final marks."""

    name: str
    works: int
    mean: Fraction | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """What live double marking says of an exam: shares of each work's points, in hundredths for pairs."""

    works: int
    exact: Fraction | None
    icc: Fraction | None
    pairs: list[agreement.Pair]
    graders: list[Severity]


def found(exam: str) -> Agreement:
    """Return the agreement of graders over the released works of an exam; pairs vary, so ICC(1,1)."""
    links = select(CaseWork).join(ExamCase).join(Attempt, Attempt.id == ExamCase.attempt_id)
    rows = db.session.scalars(links.where(Attempt.level == exam, Attempt.state == AttemptState.RELEASED))
    given: dict[str, dict[str, Fraction]] = defaultdict(dict)
    finals: dict[str, Fraction] = {}
    doubles: list[list[Fraction]] = []
    names: dict[str, str] = {}
    for link in rows:
        work, marks = link.work, case_facts.marks_of(link.work)
        blind = [one for one in marks if not one.assignment.third]
        if len(blind) < 2:
            continue
        task = Task(work.task, rubrics.criteria(work.rubric), marks=tuple(map(_marking, blind)))
        alone = {one.grader: fraction_by(task, one) for one in task.marks}
        third = next((_marking(one) for one in marks if one.assignment.third), None)
        finals[work.uid] = fraction_of(
            Task(task.code, task.rubric, marks=task.marks, adjudication=third), Rule.MEDIAN
        )
        doubles.append(sorted(alone.values())[:2] if len(blind) > 2 else list(alone.values()))
        for one in blind:
            who = str(one.assignment.grader_id)
            names[who] = one.assignment.grader.name
            given[who][work.uid] = alone[one.assignment.code]
    return _made(doubles, given, finals, names)


def _marking(one: ExamMark) -> Marking:
    return Marking(one.assignment.code, {code: int(level) for code, level in one.levels.items()})


def _made(
    doubles: list[list[Fraction]], given: dict[str, dict[str, Fraction]], finals: dict[str, Fraction], names: dict[str, str]
) -> Agreement:  # fmt: skip
    graders = [
        Severity(
            names[who], len(works), agreement.severity(list(works.values()), [finals[uid] for uid in works])
        )
        for who, works in sorted(given.items(), key=lambda one: names[one[0]])
    ]
    pairs = [
        agreement.Pair(names[one.first], names[one.second], one.common, one.exact, one.kappa, one.flags)
        for one in agreement.pairs(given, limits=item_report.limits())
    ]
    first, second = [row[0] for row in doubles], [row[1] for row in doubles]
    return Agreement(
        len(doubles),
        agreement.exact_agreement(first, second),
        agreement.correlations(doubles).icc11,
        pairs,
        graders,
    )
