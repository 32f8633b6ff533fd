"""Responses of live exams for the analysis of items: sittings of those who had the same items, and figures over all forms."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from portal.certs import case_facts, item_report, psychometrics, releasing
from portal.certs.models.bank import Item
from portal.certs.models.booking import ExamSession
from portal.certs.models.delivery import Attempt, AttemptState
from portal.certs.models.grading import ExamCase
from portal.certs.models.marking import Response, Sitting
from portal.certs.psychometrics import Mark
from portal.certs.scoring import Answered, earned
from portal.core import audit
from portal.core.db import db

LEAST = 2


def _written(case: ExamCase) -> list[Answered]:
    rows = [one for part in case.attempt.parts if part.written for one in case_facts.answered(part)]
    return sorted((one for one in rows if one.item.scored), key=lambda one: one.item.code)


def points(one: Answered) -> Mark | None:
    """Return the points of an answer, exact to eight places; None for an omitted one."""
    if one.answer in (None, "", []):
        return None
    got = earned(one)
    if got is None:
        return None
    value = got * Fraction(one.item.points)
    if value.denominator == 1:
        return int(value)
    return psychometrics.rounded(value)


def record(session: ExamSession, *, by: Any) -> list[Sitting]:
    """Make sittings of a session whose results are all released: one for each set of items that two or more had. Once.

    Random keys stand for candidates, and the order of rows tells nothing.
    """
    cases = list(db.session.scalars(releasing.of_session(session.id)))
    if releasing.unfinished(session) or any(one.attempt.state is AttemptState.SCORED for one in cases):
        return []
    groups: dict[tuple[str, ...], list[tuple[ExamCase, list[Answered]]]] = defaultdict(list)
    for case in cases:
        if case.attempt.state is AttemptState.RELEASED:
            rows = _written(case)
            groups[tuple(one.item.code for one in rows)].append((case, rows))
    large = [one for _codes, one in sorted(groups.items()) if len(one) >= LEAST]
    made = [_sitting(session, n, group, by=by) for n, group in enumerate(large, 1)]
    return [one for one in made if one is not None]


def _sitting(
    session: ExamSession, n: int, group: list[tuple[ExamCase, list[Answered]]], *, by: Any
) -> Sitting | None:
    name = f"{session.starts_at:%Y-%m-%d} {session.uid[:6]}" + (f" / {n}" if n > 1 else "")
    there = select(Sitting.id).where(Sitting.exam == session.level, Sitting.name == name)
    if db.session.scalar(there) is not None:
        return None
    marks = [[_plain(points(one)) for one in rows] for _case, rows in group]
    first, anchors = (
        group[0][1],
        set(db.session.scalars(select(Item.key).where(Item.exam == session.level, Item.anchor))),
    )
    row = Sitting(
        exam=session.level, name=name, imported=False, candidates=len(group), by_name=str(getattr(by, "name", by))[:200],
        items=[{"code": one.item.code, "most": int(one.item.points), "anchor": one.item.code in anchors} for one in first],
        sha256=hashlib.sha256(json.dumps(sorted(marks, key=str)).encode()).hexdigest(),
    )  # fmt: skip
    db.session.add(row)
    chosen = [[_chosen(one) for one in rows] for _case, rows in group]
    languages = ["zh" if case.attempt.language.startswith("zh") else "en" for case, _rows in group]
    answers = sorted(zip(marks, chosen, languages, strict=True), key=str)
    for given, options, language in answers:
        db.session.add(Response(sitting=row, marks=given, chosen=options, language=language))
    db.session.flush()
    audit.record("sitting.recorded", row, by=by, exam=session.level, sitting=name, candidates=len(group))
    return row


def _plain(mark: Mark | None) -> int | str | None:
    return mark if mark is None or isinstance(mark, int) else str(mark)


def _chosen(one: Answered) -> list[str]:
    if one.answer is None:
        return []
    return [one.answer] if isinstance(one.answer, str) else sorted(one.answer)


@dataclass(frozen=True, slots=True)
class Live:
    """How an item fared over every form in which it counted: shown to n, its difficulty, its tie to the rest."""

    item: str
    n: int
    omitted: int
    difficulty: Fraction | None
    corrected: Decimal | None
    flags: tuple[str, ...]


def figures(exam: str) -> list[Live]:
    """Return the figures of each item over all released attempts of an exam, whichever form each candidate had."""
    seen: dict[str, list[tuple[Mark | None, Mark, Mark]]] = defaultdict(list)
    cases = (
        select(ExamCase).join(Attempt).where(Attempt.level == exam, Attempt.state == AttemptState.RELEASED)
    )
    for case in db.session.scalars(cases):
        rows = _written(case)
        got = {one.item.code: points(one) for one in rows}
        total = sum((Fraction(mark or 0) for mark in got.values()), Fraction(0))
        for one in rows:
            mark = got[one.item.code]
            rest = psychometrics.rounded(total - Fraction(mark or 0)) or Decimal(0)
            seen[one.item.code].append((mark, rest, one.item.points))
    return [_live(item, rows) for item, rows in sorted(seen.items())]


def _live(item: str, rows: list[tuple[Mark | None, Mark, Mark]]) -> Live:
    marks = [mark for mark, _rest, _most in rows]
    p = psychometrics.difficulty(marks, rows[0][2])
    r = psychometrics.corrected_item_total([(mark or 0, rest) for mark, rest, _most in rows], 0)
    limits, flags = item_report.limits(), []
    if p is not None and (p < limits.hard or p > limits.easy):
        flags.append("too_hard" if p < limits.hard else "too_easy")
    if r is not None and Fraction(r) < limits.discrimination:
        flags.append("low_discrimination")
    if len(rows) < limits.sample:
        flags.append("small_sample")
    return Live(item, len(rows), marks.count(None), p, r, tuple(flags))
