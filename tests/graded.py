"""Builders for tests of marking: a bank of four items and a task, people who examine, attempts that have ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from portal.accounts.may import StaffRole
from portal.accounts.people import Person
from portal.certs import cases, mark_deeds
from portal.certs.gift_answers import Kind
from portal.certs.item_content import Content
from portal.certs.items import begin, write
from portal.certs.models.bank import Form, FormItem, ItemState, ItemVersion
from portal.certs.models.booking import Booking, BookingState, ExamSession
from portal.certs.models.delivery import (
    Answer,
    Attempt,
    AttemptPart,
    AttemptState,
    Ending,
    PartState,
    Submission,
)
from portal.certs.models.grading import Assignment, AssignmentState, CaseWork, ExamCase
from portal.core import catalogue, clock
from portal.core.db import db
from tests import seats, sittings
from tests.people import make_person

EXAMINERS = {
    "gao": StaffRole.GRADER, "gong": StaffRole.GRADER, "gu": StaffRole.GRADER, "guan": StaffRole.GRADER,
    "rui": StaffRole.COMMUNITY_REVIEWER, "rong": StaffRole.COMMUNITY_REVIEWER, "ran": StaffRole.COMMUNITY_REVIEWER,
    "deng": StaffRole.DECIDER, "ding": StaffRole.DECIDER, "pan": StaffRole.APPEAL_PANEL, "peng": StaffRole.APPEAL_PANEL, "pei": StaffRole.APPEAL_PANEL, "piao": StaffRole.APPEAL_PANEL,
}  # fmt: skip
RIGHT: dict[int, Any] = {1: "a", 2: ["a", "b"], 3: "3.14", 4: "triton"}
TOP = {"correct": 3, "performance": 3, "tests": 2, "documents": 2}
LOW = {"correct": 1, "performance": 1, "tests": 1, "documents": 1}


def house(*candidates: str) -> None:
    """Add staff, examiners and candidates; call inside a transaction."""
    seats.house(*candidates)
    for name, role in EXAMINERS.items():
        make_person(f"{name}@examiner.example", name.title(), staff=(role,))


def blueprint() -> None:
    """Let the written part ask for the items of the bank again, all in use; call inside a transaction."""
    for version in db.session.query(ItemVersion).filter(ItemVersion.kind != Kind.PRACTICAL):
        version.state = ItemState.LIVE
    catalogue.put("scheme", "OPDEV", sittings.SCHEME, clock.today() - timedelta(days=1))


def _words(text: str) -> dict[str, str]:
    return {"en": text, "zh": f"题：{text}"}


def _options(*weights: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"code": code, "text": {"en": text, "zh": text}, "weight": weight, "feedback": {}, "pinned": False}
        for code, (text, weight) in zip("abcd", weights, strict=False)
    ]


def _version(key: str, kind: Kind, **more: Any) -> ItemVersion:
    item = begin("OPDEV", key, by="demo", topic="operators")
    return write(item, Content(kind, _words(key), **more), by=None)


def bank() -> list[ItemVersion]:
    """Write four items and a task, in the order of the form; call inside a transaction."""
    pi = {"value": "3.14", "tolerance": "0.01", "weight": "1"}
    return [
        _version("single", Kind.SINGLE, options=_options(("one", "1"), ("two", "0"))),
        _version("multiple", Kind.MULTIPLE, options=_options(("one", "1"), ("two", "1"), ("three", "0"))),
        _version("numeric", Kind.NUMERIC, numbers=[pi]),
        _version("short", Kind.SHORT, options=_options(("triton", "1"))),
        _version("task", Kind.PRACTICAL),
    ]


def attempt(name: str, session: ExamSession, versions: list[ItemVersion], answers: dict[int, Any] | None = None, *, text: str = "done") -> Attempt:  # fmt: skip
    """Let a candidate sit both parts of a session and end; call inside a transaction."""
    booking = seats.booked(name, session)
    booking.state = BookingState.PRESENT
    row = Attempt(
        booking=booking,
        person=booking.person,
        level=session.level,
        scheme=booking.eligibility.scheme,
        language="en",
    )
    db.session.add(row)
    row.started_at = clock.now()
    written = _part(row, 1, "written", versions[:4])
    practical = _part(row, 2, "practical", versions[4:])
    for position, version in enumerate(versions[:4], 1):
        answer = Answer(attempt=row, part=written, position=position, item_version=version)
        said: str | list[str] | None = (RIGHT if answers is None else answers).get(position)
        answer.value, answer.seq = said, 1
        db.session.add(answer)
    db.session.add(
        Submission(
            attempt=row,
            part=practical,
            n=1,
            task=versions[4],
            text=text,
            repository="",
            commit="",
            files=[],
            handed_in_at=clock.now(),
        )
    )
    row.state, row.ended_at = AttemptState.SUBMITTED, clock.now()
    db.session.flush()
    return row


def _part(row: Attempt, place: int, code: str, versions: list[ItemVersion]) -> AttemptPart:
    form = Form(exam=row.level, part=code, scheme=1, candidate=row.person)
    db.session.add(form)
    for position, version in enumerate(versions, 1):
        codes = [one["code"] for one in version.options]
        db.session.add(FormItem(form=form, version=version, position=position, shuffled=codes))
    part = AttemptPart(attempt=row, place=place, code=code, written=code == "written", minutes=60)
    part.form, part.state, part.ending = form, PartState.ENDED, Ending.HANDED_IN
    part.started_at, part.due_at, part.ended_at = clock.now(), clock.now() + timedelta(hours=1), clock.now()
    db.session.add(part)
    db.session.flush()
    return part


def ended(*names: str, **more: Any) -> list[ExamCase]:
    """Let candidates sit one session; return their cases. Call inside a transaction."""
    session, versions = seats.session(days=30, capacity=10), bank()
    made = [attempt(name, session, versions, **more) for name in names]
    return [cases.begin(one.id) for one in made]


def assigned(case: ExamCase, *, third: bool = False) -> list[Assignment]:
    """Return who marks a case, newest round."""
    rows = db.session.query(Assignment).join(CaseWork, CaseWork.work_id == Assignment.work_id)
    waits = (AssignmentState.OFFERED, AssignmentState.ACCEPTED)
    return rows.filter(CaseWork.case_id == case.id, Assignment.third.is_(third), Assignment.state.in_(waits)).order_by(Assignment.id).all()  # fmt: skip


def give(row: Assignment, levels: dict[str, int] | None = None) -> None:
    """Let a grader take a work and mark it; call inside a transaction."""
    mark_deeds.accept(row, by=row.grader)
    mark_deeds.mark(row, by=row.grader, levels=levels or TOP, comments={"correct": "well done"})


def marked(case: ExamCase, *levels: dict[str, int]) -> ExamCase:
    """Let both graders mark a case; call inside a transaction."""
    for row, given in zip(assigned(case), levels or (TOP, TOP), strict=True):
        give(row, given)
    return case


def who(name: str) -> Person:
    """Return one of the cast."""
    return seats.who(name)


def booking_of(case: ExamCase) -> Booking:
    """Return the booking behind a case."""
    return case.attempt.booking
