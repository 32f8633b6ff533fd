"""Builders for tests of support: a company with paid gold support, its people, agents and a lead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from flask_babel import force_locale

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import issuing, settling, subscribing
from portal.billing.catalogue import price_of
from portal.billing.money_models import Way
from portal.billing.subscription_models import Subscription
from portal.core import clock
from portal.core.db import db, transaction
from portal.services.support import asking, people
from portal.services.support.clocks import Severity
from portal.services.support.models import SupportTicket
from tests.people import make_org, make_person

CHINA = ZoneInfo("Asia/Shanghai")
NEW_YEAR = date(2026, 1, 1)


def china(text: str) -> datetime:
    """Return an instant of the foundation's wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


@contextmanager
def at(app: Flask, text: str) -> Iterator[None]:
    """Act at an instant of the wall clock, in a transaction, with refusals in English."""
    with app.app_context(), force_locale("en"), clock.stopped_at(china(text)), transaction():
        yield


def house(app: Flask) -> None:
    """Add agents, a lead and an executive; a company with gold support for 2026, and one without."""
    with at(app, "2026-01-01T09:00"):
        for name, role in (
            ("an", StaffRole.SUPPORT_AGENT), ("ao", StaffRole.SUPPORT_AGENT), ("lei", StaffRole.SUPPORT_LEAD),
            ("exe", StaffRole.EXECUTIVE),
        ):  # fmt: skip
            make_person(f"{name}@house.example", name.title(), staff=(role,))
        chen, tao, mo = (
            make_person(f"{name}@galaxy.example", name.title()) for name in ("chen", "tao", "mo")
        )
        galaxy = make_org(
            "Galaxy Ltd", (chen, ContactRole.OWNER), (tao, ContactRole.TECHNICAL), (mo, ContactRole.MARKETING)
        )
        rival = make_person("rho@rival.example", "Rho", language="zh_Hans_CN")
        make_org("Rival Ltd", (rival, ContactRole.OWNER))
        buy(galaxy)
        people.add(galaxy, tao, by=chen)


def buy(org: Organisation, product: str = "support.gold", *, paid: bool = True) -> Subscription:
    """Let a company buy support from today; call inside a transaction."""
    party = issuing.party_of(org)
    row = subscribing.subscribe(party, price_of(product), by="test", language="en")
    db.session.flush()
    invoice = row.periods[0].invoice
    assert invoice is not None
    if paid:
        receipt, _new = settling.record_receipt(
            Way.BANK, "bank", f"S-{org.id}-{product}", invoice.gross, clock.today(), payer=org.legal_name, party=party,
            by="test",
        )  # fmt: skip
        settling.put_on(receipt, invoice, by="test")
    return row


def person(name: str) -> Person:
    """Return somebody by the first part of the address."""
    return db.session.query(Person).filter(Person.email.startswith(f"{name}@")).one()


def org(name: str = "Galaxy Ltd") -> Organisation:
    """Return a company."""
    return db.session.query(Organisation).filter_by(legal_name=name).one()


def ask(who: str = "tao", *, severity: Severity = Severity.S2, **more: Any) -> SupportTicket:
    """Open a ticket; call inside a transaction."""
    asker = person(who)
    given = {
        "org": org() if "galaxy" in asker.email else org("Rival Ltd"),
        "title": "Kernel stops",
        "body": "It stops.",
    }
    return asking.open_ticket(severity=severity, **{"by": asker, **given, **more})


def ticket(n: int = 1) -> SupportTicket:
    """Return the n-th ticket."""
    return db.session.query(SupportTicket).order_by(SupportTicket.id).all()[n - 1]
