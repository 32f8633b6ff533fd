"""Builders for tests of sitting an exam: a small scheme, a bank with an item of each kind, candidates who are let in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from flask import Flask

from portal.certs import answering, items, learning, proctoring, sitting
from portal.certs.answering import Said
from portal.certs.gift_answers import Kind
from portal.certs.item_content import Content
from portal.certs.models.bank import ItemState, ItemVersion
from portal.certs.models.booking import Booking, ExamSession
from portal.certs.models.delivery import Answer, Attempt, AttemptPart
from portal.certs.models.watching import Paper
from portal.core import catalogue, clock, events
from portal.core.db import db, transaction
from tests import seats
from tests.membership import inside
from tests.seats import who

MINUTE = timedelta(minutes=1)
HERE, THERE = "device-one", "device-two"
SCHEME: dict[str, Any] = {
    "code": "OPDEV", "validity_months": 24, "votes": 2, "languages": ["zh", "en"],
    "parts": [
        {
            "code": "written", "name": {"en": "Written exam", "zh": "笔试"}, "minutes": 60, "weight": 40,
            "topics": [{"code": "operators", "name": {"en": "Operators", "zh": "算子"}, "count": 4}],
        },
        {"code": "practical", "name": {"en": "Practical", "zh": "实操"}, "hours": 48, "weight": 60},
    ],
}  # fmt: skip


def _options() -> list[dict[str, Any]]:
    return [
        {"code": one, "text": {"zh": f"选项 {one}", "en": f"Option {one}"}, "weight": "1" if one == "a" else "0",
         "feedback": {}, "pinned": one == "c"}
        for one in "abc"
    ]  # fmt: skip


def item(key: str, kind: Kind) -> ItemVersion:
    """Add an item in use, without its way through review."""
    options = _options() if kind in (Kind.SINGLE, Kind.MULTIPLE) else []
    if kind is Kind.SHORT:
        options = [
            {
                "code": "a",
                "text": {"zh": "缓存", "en": "cache"},
                "weight": "1",
                "feedback": {},
                "pinned": False,
            }
        ]
    numbers = [{"value": "2", "tolerance": "0", "weight": "1"}] if kind is Kind.NUMERIC else []
    row = items.begin("OPDEV", key, by=who("certs"), topic="" if kind is Kind.PRACTICAL else "operators")
    text = {"zh": f"题目 {key}", "en": f"Question {key}"}
    version = items.write(row, Content(kind, text, options=options, numbers=numbers), by=who("certs"))
    version.state = ItemState.LIVE
    db.session.flush()
    return version


def fill_bank() -> None:
    """Put a small scheme and four items and a task in use; call inside a transaction."""
    catalogue.put("scheme", "OPDEV", SCHEME, clock.today() - timedelta(days=1))
    for at, kind in enumerate((Kind.SINGLE, Kind.MULTIPLE, Kind.NUMERIC, Kind.SHORT), 1):
        item(f"Q{at}", kind)
    item("T1", Kind.PRACTICAL)


def house(*candidates: str) -> None:
    """Add staff, candidates and a bank; call inside a transaction."""
    seats.house(*candidates)
    fill_bank()


def scene(app: Flask, *names: str) -> datetime:
    """Book a session in thirty days for each candidate; return its start."""
    with inside(app), transaction():
        house(*names)
        row = seats.session(capacity=max(len(names), 2))
        for name in names:
            seats.booked(name, row)
        return row.starts_at


def session() -> ExamSession:
    """Return the only session."""
    return db.session.query(ExamSession).one()


def let_in(name: str) -> Attempt:
    """Check a candidate in; call inside a transaction, at the session's start."""
    row = db.session.query(Booking).filter(Booking.person_id == who(name).id).one()
    return sitting.check_in(row, paper=Paper.PASSPORT, last_four="12x4", by=who("proctor"))


def start(row: Attempt, device: str = HERE) -> AttemptPart:
    """Open the session and start; call inside a transaction."""
    proctoring.open_session(row.booking.session, by=who("proctor"))
    return sitting.start(row, device_hash=device, rules="2026-01", language="en", by=row.person)


def save(
    row: Attempt, position: int, value: Any, seq: int, device: str = HERE, *, flagged: bool = False
) -> Any:
    """Save one answer; call inside a transaction."""
    said = Said(position, value, seq, flagged)
    return answering.save(row.id, [said], device_hash=device, by=row.person)[0]


def answer_at(row: Attempt, position: int) -> Answer:
    """Return an answer as the database has it now."""
    found = db.session.query(Answer).filter_by(attempt_id=row.id, position=position).one()
    db.session.refresh(found)
    return found


def position_of(row: Attempt, kind: Kind) -> int:
    """Return where an item of a kind stands in the form."""
    rows = db.session.query(Answer).filter_by(attempt_id=row.id)
    return next(one.position for one in rows if one.item_version.kind is kind)


def ready_for_practical(row: Attempt) -> None:
    """Confirm what the learning path asks for; call inside a transaction."""
    for step in learning.steps("OPDEV"):
        if step.required:
            learning.complete(row.person, step.code, on=clock.today(), by=who("certs"))


@contextmanager
def hearing(kind: type[Any]) -> Iterator[list[Any]]:
    """Listen to a kind of event meanwhile."""
    found: list[Any] = []
    events.on(kind, found.append)
    try:
        yield found
    finally:
        events._handlers[kind].remove(found.append)


@contextmanager
def at_work(app: Flask, name: str = "lin") -> Iterator[tuple[Attempt, datetime]]:
    """Let one candidate in and start, all in one place; the clock stands at the start of the session."""
    begin = scene(app, name)
    with inside(app), clock.stopped_at(begin):
        with transaction():
            row = let_in(name)
            start(row)
        yield row, begin
