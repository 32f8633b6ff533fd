"""Builders for tests of quotes and engagements: a gold member who buys, the staff who sell and work, a clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone

from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.billing import issuing, settling
from portal.billing.models import Invoice, Party
from portal.billing.money_models import Way
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.services.quotes import accepting, drafting, plan, sending
from portal.services.quotes.figures import Ask
from portal.services.quotes.models import ServiceQuote
from tests import membership
from tests.people import make_person

CHINA = timezone(timedelta(hours=8))
TITLE = {"en": "Chip adaptation", "zh": "芯片适配"}
STAFF = {
    "lea": StaffRole.SERVICE_LEAD, "lars": StaffRole.SERVICE_LEAD, "mia": StaffRole.SERVICE_MANAGER,
    "max": StaffRole.SERVICE_MANAGER, "fang": StaffRole.FINANCE, "eva": StaffRole.EXECUTIVE, "ling": StaffRole.LEGAL,
    "cora": StaffRole.COUNTER_SIGNER,
}  # fmt: skip
SIGN, OWN, PAY, TECH = ContactRole.SIGNATORY, ContactRole.OWNER, ContactRole.BILLING, ContactRole.TECHNICAL
PEOPLE = {"sig": SIGN, "own": OWN, "owen": OWN, "bill": PAY, "tech": TECH}


def house(app: Flask, *, start: date = date(2026, 1, 5)) -> None:
    """Add the staff and a gold member with one person a role, and a second company."""
    with app.app_context(), clock.stopped_at(start), transaction():
        for name, role in STAFF.items():
            make_person(f"{name}@house.example", name.title(), staff=(role,))
        org = membership.company("Galaxy Chips Ltd", "boss@galaxy.example", category="chip")
        for name, acts in PEOPLE.items():
            made = make_person(f"{name}@galaxy.example", name.title())
            db.session.add(Contact(person=made, org=org, role=acts, start=clock.today()))
        membership.company("Spruce Software", "sam@spruce.example")
        db.session.flush()
        membership.member(org, tier="gold", start=clock.today())


@contextmanager
def at(app: Flask, moment: str) -> Iterator[None]:
    """Work in one transaction at a moment of the office (`2026-03-02T10:00`), with refusals in English."""
    with app.app_context(), clock.stopped_at(china(moment)), force_locale("en"), transaction():
        yield


def china(moment: str) -> datetime:
    """Return an instant from a time of the office."""
    return datetime.fromisoformat(moment).replace(tzinfo=CHINA).astimezone(UTC)


def person(name: str) -> Person:
    """Return somebody by the first part of the address."""
    return db.session.scalars(select(Person).where(Person.email.startswith(f"{name}@")).order_by(Person.id)).one()  # fmt: skip


def org(name: str = "Galaxy Chips Ltd") -> Organisation:
    """Return a company."""
    return db.session.scalars(select(Organisation).where(Organisation.legal_name == name)).one()


def party(name: str = "Galaxy Chips Ltd") -> Party:
    """Return a company as who pays."""
    return issuing.party_of(org(name))


def three_steps() -> plan.Plan:
    """Return the plan of the example: 20, 40, 40 %; a third at once, then at two milestones."""
    return plan.read(
        {
            "warranty_days": 90,
            "stages": [
                {"code": "design", "title": {"en": "Design", "zh": "方案"}, "percent": 20, "on": "2026-04-01", "days": 20,
                 "criteria": [{"code": "plan", "words": {"en": "Plan agreed", "zh": "方案确认"}}]},
                {"code": "port", "title": {"en": "Port", "zh": "迁移"}, "percent": 40, "on": "2026-06-01", "days": 60,
                 "criteria": [{"code": "tests", "words": {"en": "Tests pass", "zh": "测试通过"}},
                              {"code": "docs", "words": {"en": "Written down", "zh": "文档"}}]},
                {"code": "tuned", "title": {"en": "Tuned", "zh": "调优"}, "percent": 40, "on": "2026-09-01", "days": 40,
                 "criteria": [{"code": "speed", "words": {"en": "Speed", "zh": "性能"}}]},
            ],
            "dues": [{"percent": 30, "rule": "issue"}, {"percent": 40, "rule": "milestone", "stage": "port"},
                     {"percent": 30, "rule": "milestone", "stage": "tuned"}],
        }
    )  # fmt: skip


def work(sum_: int = 48_000_000, **more: object) -> Ask:
    """Return an ask for adaptation at a sum in fen, by the plan of the example."""
    return Ask("adaptation.chip", sum_=sum_, plan=three_steps(), **more)  # type: ignore[arg-type]


def sent(*asks: Ask, by: str = "lea", to: str = "Galaxy Chips Ltd", **more: object) -> ServiceQuote:
    """Write a quote and send it; call inside a transaction."""
    row = drafting.draft(party(to), asks or [work()], by=person(by), title=TITLE, language="en", **more)  # type: ignore[arg-type]
    return sending.send(row, by=person(by))


def accepted(row: ServiceQuote | None = None, *, by: str = "sig") -> ServiceQuote:
    """Accept a quote, one of the example if none is given; call inside a transaction."""
    quote = row or sent()
    return accepting.accept(quote, digest=quote.digest, by=person(by))


def paid(invoice: Invoice, *, ref: str = "") -> None:
    """Let the money of an invoice arrive; call inside a transaction."""
    receipt, _new = settling.record_receipt(
        Way.BANK, "bank", ref or f"R-{invoice.id}", invoice.gross, clock.today(), payer="Galaxy", party=invoice.party, by="test"
    )  # fmt: skip
    settling.put_on(receipt, invoice, by="test")


def fen(*values: Money) -> list[int]:
    """Return sums in fen."""
    return [one.minor for one in values]
