"""What marking keeps of candidates: the register of its columns, what they take along, what goes with time or at their wish."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, String, cast, func, or_, select

from portal.accounts import erasure_plan
from portal.accounts.erasure_plan import Fate, Line
from portal.accounts.events import PersonErased
from portal.accounts.people import Person
from portal.certs import cases, levels
from portal.certs.models.booking import Booking
from portal.certs.models.deciding import ExamAppeal, Review
from portal.certs.models.delivery import Attempt
from portal.certs.models.grading import CaseWork, Conflict, ExamCase, ExamWork
from portal.core import labels, personal, retaining
from portal.core.db import db
from portal.core.personal import Keeping, Purpose, Sheet


def install() -> None:
    """Put the columns into the register, and say what goes with time and at an erasure."""
    personal.holds(
        Purpose.EXAMS, Keeping.ANSWERS, "exam_work.text", "exam_work.files", "exam_appeal.words", "exam_review.revision",
        "exam_conflict.words", "exam_verdict.text",
    )  # fmt: skip
    personal.holds(Purpose.EXAMS, Keeping.EXAMS, "exam_conflict.person_id")
    retaining.rule(retaining.Rule("works", "exam_work", _due, _forget_work))
    erasure_plan.ask("results", lines)
    erasure_plan.say(
        {
            "exam_works": _l("Copies of your work for graders, and what you wrote to appeal"),
            "exam_results": _l("Marks, scores and decisions, without your name"),
        }
    )
    personal.collects("results", sheets)


def _due(before: datetime) -> Select[Any]:
    """Select the works whose result was released, or whose attempt was closed without one, so long ago, while they still hold a text or a file."""
    return (
        select(ExamWork.id)
        .join(CaseWork, CaseWork.work_id == ExamWork.id)
        .join(ExamCase, ExamCase.id == CaseWork.case_id)
        .join(Attempt, Attempt.id == ExamCase.attempt_id)
        .join(Booking, Booking.id == Attempt.booking_id)
        .where(Booking.released_at < before, or_(ExamWork.text != "", cast(ExamWork.files, String) != "[]"))
        .order_by(ExamWork.id)
    )


def _forget_work(number: int) -> None:
    work = db.session.get_one(ExamWork, number)
    work.text, work.files = "", []


def _cases(person: Person) -> list[ExamCase]:
    rows = select(ExamCase).join(Attempt).where(Attempt.person_id == person.id).order_by(ExamCase.id)
    return list(db.session.scalars(rows))


def lines(person: Person) -> list[Line]:
    """Return what becomes of a candidate's works and results."""
    rows = _cases(person)
    works = select(func.count(CaseWork.id)).where(CaseWork.case_id.in_([one.id for one in rows]))
    return [
        Line("exam_works", Fate.ERASED, int(db.session.scalar(works) or 0)),
        Line("exam_results", Fate.KEPT, len(rows), "because_seats"),
    ]


def on_erased(event: PersonErased) -> None:
    """Take away the copies of a candidate's work and what he wrote; marks and scores stay without a name."""
    for case in _cases(event.person):
        for link in db.session.scalars(select(CaseWork).where(CaseWork.case_id == case.id)):
            link.work.text, link.work.files = "", []
        for appeal in db.session.scalars(select(ExamAppeal).where(ExamAppeal.case_id == case.id)):
            appeal.words = ""
        for review in db.session.scalars(select(Review).where(Review.case_id == case.id)):
            review.revision = ""
    for tie in db.session.scalars(select(Conflict).where(Conflict.person_id == event.person.id)):
        tie.words = ""


def sheets(person: Person) -> list[Sheet]:
    """Return a candidate's released results and appeals; nothing that is still secret."""
    rows = [one for one in _cases(person) if one.released_at is not None]
    appeals = (
        select(ExamAppeal).where(ExamAppeal.case_id.in_([one.id for one in rows])).order_by(ExamAppeal.id)
    )
    return [
        Sheet(
            "exam_results",
            _l("Results of your exams"),
            (
                ("exam", _l("Exam")), ("released", _l("Released on")), ("passed", _l("Passed")),
                ("total", _l("Total score")), ("cut", _l("Cut")),
            ),
            [_result(one) for one in rows],
        ),
        Sheet(
            "exam_appeals",
            _l("Your appeals"),
            (("at", _l("Lodged on")), ("words", _l("Your words")), ("state", _l("State")), ("answer", _l("Answer"))),
            [
                {
                    "at": one.lodged_at, "words": one.words, "state": labels.label(one.state),
                    "answer": one.answer if one.decided_at else "",
                }
                for one in db.session.scalars(appeals)
            ],
        ),
    ]  # fmt: skip


def _result(case: ExamCase) -> dict[str, Any]:
    kept = cases.current(case)
    body = kept.body if kept else {}
    return {
        "exam": levels.name_of(case.level), "released": case.released_at, "passed": bool(kept and kept.passed),
        "total": body.get("total"), "cut": body.get("cut"),
    }  # fmt: skip
