"""Builders for tests of exams: the house of certification, candidates who may book, sessions, money that arrives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from portal.accounts.may import StaffRole
from portal.accounts.people import Person
from portal.billing import settling
from portal.billing.models import Invoice
from portal.billing.money_models import Way
from portal.certs import asking, booking, buying, levels, sessions
from portal.certs.models.booking import Booking, ExamSession, Mode
from portal.certs.models.eligibility import Eligibility, EligibilityState, ExamKind
from portal.core import catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.periods import nth
from tests.people import make_person

STAFF = {
    "certs": StaffRole.CERTIFICATION, "certs2": StaffRole.CERTIFICATION, "chief": StaffRole.CHIEF_EXAMINER,
    "proctor": StaffRole.PROCTOR, "proctor2": StaffRole.PROCTOR, "fang": StaffRole.FINANCE, "feng": StaffRole.FINANCE,
}  # fmt: skip


def unasked(*codes: str) -> None:
    """Let exams have no blueprint, so that their sessions need no item bank; call inside a transaction."""
    for code in codes:
        body = catalogue.entry("scheme", code)
        parts = [{key: said for key, said in part.items() if key != "topics"} for part in body["parts"]]
        catalogue.put("scheme", code, {**body, "parts": parts}, date(2026, 1, 2))


def holding(monkeypatch: pytest.MonkeyPatch, *awards: asking.Award) -> None:
    """Let booking be told of these awards, whoever asks."""
    monkeypatch.setattr(asking, "_awards", [lambda _person: awards])


def house(*candidates: str) -> None:
    """Add the staff of certification and some candidates; exams ask no items; call inside a transaction."""
    unasked("OPDEV", "ADAPT", "ARCH")
    for name, role in STAFF.items():
        make_person(f"{name}@house.example", name.title(), staff=(role,))
    for name in candidates:
        make_person(f"{name}@mail.example", name.title())


def who(name: str) -> Person:
    """Return one of the cast by the first part of the address."""
    return db.session.query(Person).filter(Person.email.startswith(f"{name}@")).one()


@contextmanager
def refused(match: str | None = None, kind: type[Refused] = Refused) -> Iterator[None]:
    """Expect a refusal within a transaction; what was done until then is taken back."""
    with pytest.raises(kind, match=match), db.session.begin_nested():
        yield


def session(
    start: datetime | None = None, *, days: float = 30, capacity: int = 2, level: str = "OPDEV", hours: float = 1,
    **more: Any,
) -> ExamSession:  # fmt: skip
    """Draw up and publish a session; call inside a transaction."""
    begin = start or clock.now() + timedelta(days=days)
    fields = {
        "tz": "Asia/Shanghai",
        "mode": Mode.ONLINE,
        "place": "https://exam.example",
        "languages": ["zh_Hans_CN", "en"],
    }
    row = sessions.draw_up(
        level=level, starts_at=begin, ends_at=begin + timedelta(hours=hours), capacity=capacity, by=who("certs"),
        proctors=[who("proctor"), who("proctor2")], **{**fields, **more},
    )  # fmt: skip
    sessions.publish_session(row, by=who("certs"))
    return row


def eligible(person: Person, level: str = "OPDEV", *, retakes: int = 1) -> Eligibility:
    """Give a candidate an open eligibility that nobody invoiced; call inside a transaction."""
    today = clock.today()
    row = Eligibility(
        person=person, level=level, kind=ExamKind.EXAM, scheme=levels.level(level).scheme, bought_on=today, ends_on=nth(today, 12, 1),
        free_retakes=retakes, state=EligibilityState.ACTIVE, opened_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def confirm(row: Booking, *, by: Person | None = None) -> Booking:
    """Confirm a held or offered seat with the candidate's own name; call inside a transaction."""
    return booking.confirm(
        row, name=row.person.name, name_latin="", rules="2026-01", language="en", by=by or row.person
    )


def booked(name: str, row: ExamSession) -> Booking:
    """Book a session for a candidate who gets an eligibility with it; call inside a transaction."""
    person = who(name)
    eligible(person, row.level)
    return confirm(booking.hold(row.id, person=person, by=person))


def pay(invoice: Invoice, ref: str = "pay-1") -> None:
    """Let the money of an invoice arrive through the test gateway; call inside a transaction."""
    receipt, _new = settling.record_receipt(
        Way.TEST, "test", ref, invoice.gross, clock.today(), payer=invoice.buyer_name, party=invoice.party,
        by="payment page",
    )  # fmt: skip
    settling.put_on(receipt, invoice, by="payment page")


def invoice(row: Eligibility) -> Invoice:
    """Return the invoice of an ordered exam."""
    found = buying.invoice_of(row.order)
    assert found is not None
    return found


def again(row: Any) -> Any:
    """Return a row as the database has it now."""
    db.session.refresh(row)
    return row


def rule(name: str, value: Any) -> None:
    """Set a rule of the catalogue from today on; call inside a transaction."""
    catalogue.put("policy", name, {"code": name, "value": value}, clock.today())
