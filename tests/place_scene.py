"""Builders for tests of statements, places, slots and copies: staff of finance and services, and companies of several tiers."""

from __future__ import annotations

from datetime import date

from flask import Flask

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing.models import Invoice
from portal.core import clock
from portal.core.db import db
from portal.core.db import transaction as transaction
from portal.core.money import Money
from portal.core.money import half_up as half_up
from portal.members import names
from portal.services.statements import reporting, sellers
from portal.services.statements.models import ComputeSeller, ComputeStatement
from portal.services.statements.reading import Told
from tests import membership as m
from tests.people import make_org, make_person
from tests.support_scene import at as at
from tests.support_scene import china as china

STAFF = {
    "fang": StaffRole.FINANCE, "feng": StaffRole.FINANCE, "lead": StaffRole.SERVICE_LEAD,
    "mana": StaffRole.SERVICE_MANAGER, "dai": StaffRole.DIRECTOR,
}  # fmt: skip
# Companies: short name, tier, kind.
FIRMS = {
    "alpha": ("platinum", "chip"), "beta": ("gold", "chip"), "gamma": ("silver", "software"),
    "delta": ("platinum", "software"), "omega": ("", "software"),
}  # fmt: skip


def house(app: Flask, *firms: str, start: date = date(2026, 1, 1)) -> None:
    """Add the staff and some companies, each with an owner, a biller, a technical and a marketing contact."""
    with app.app_context(), clock.stopped_at(start), transaction():
        for name, role in STAFF.items():
            make_person(f"{name}@house.example", name.title(), staff=(role,))
        for name in firms or FIRMS:
            firm(name, *FIRMS[name], start=start)


def firm(name: str, tier: str, category: str, *, start: date) -> Organisation:
    """Add a company; with a tier it is a member from a day on. Call inside a transaction."""
    roles = (ContactRole.OWNER, ContactRole.BILLING, ContactRole.TECHNICAL, ContactRole.MARKETING)
    people = [make_person(f"{role.value}@{name}.example", f"{name} {role.value}") for role in roles]
    made = make_org(f"{name.title()} Ltd", *zip(people, roles, strict=True))
    made.category = category
    db.session.flush()
    names.index(made)
    if tier:
        m.member(made, tier=tier, start=start)
    return made


def staff(name: str) -> Person:
    """Return somebody of the house."""
    return db.session.query(Person).filter_by(email=f"{name}@house.example").one()


def who(name: str, role: str = "owner") -> Person:
    """Return a contact of a company."""
    return db.session.query(Person).filter_by(email=f"{role}@{name}.example").one()


def org(name: str) -> Organisation:
    """Return a company."""
    return db.session.query(Organisation).filter_by(legal_name=f"{name.title()} Ltd").one()


def pay(invoice: Invoice) -> None:
    """Let a company pay an invoice in full."""
    assert invoice.party.org is not None
    m.pay(invoice.party.org, invoice.gross, ref=f"P-{invoice.number}", invoice=invoice)


# ---- Compute


def seller(name: str = "alpha", *, since: date = date(2026, 1, 1)) -> ComputeSeller:
    """Let a member sell compute; call inside a transaction."""
    return sellers.begin(org(name), since=since, contract="C-1", by=staff("fang"))


def told(fen: int, month: date, *, package: str = "H100") -> Told:
    """Return a line over a sum: so many hours at one fen less than nothing lost."""
    return (
        Told(month, package, 1000, fen, fen, "log")
        if fen >= 0
        else Told(month, package, -1000, -fen, fen, "log")
    )


def statement(month: date, name: str = "alpha") -> ComputeStatement:
    """Return the statement of a month."""
    row = db.session.query(ComputeSeller).filter_by(org_id=org(name).id).one()
    found = reporting.of(row, month)
    assert found is not None
    return found


def yuan(text: str) -> Money:
    """Return a sum."""
    return Money.parse(text)
