"""Builders for tests of memberships: the house, members with paid terms, and what two of staff do together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from flask import Flask
from flask_babel import force_locale

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import issuing, settling
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.billing.models import Invoice
from portal.billing.money_models import Way
from portal.core import catalogue, clock, files
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.members import deeds, names, terms
from portal.members.belonging import Membership, Term, TermKind
from portal.members.deed_models import Deed, DeedVerb
from portal.members.deed_steps import Given
from tests.people import make_org, make_person

STAFF = {
    "rui": StaffRole.REVIEWER, "rong": StaffRole.REVIEWER, "dai": StaffRole.DIRECTOR, "dong": StaffRole.DIRECTOR,
    "sun": StaffRole.SECRETARY, "fang": StaffRole.FINANCE, "feng": StaffRole.FINANCE,
}  # fmt: skip
PAPER = files.Content("0" * 64, 10, files.PDF)


@contextmanager
def inside(app: Flask) -> Iterator[None]:
    """Work within the application, and read its refusals in English."""
    with app.app_context(), force_locale("en"):
        yield


def house(app: Flask) -> None:
    """Add the staff."""
    with app.app_context(), clock.stopped_at(date(2025, 1, 1)), transaction():
        for name, role in STAFF.items():
            make_person(f"{name}@house.example", name.title(), staff=(role,))


def person(name: str) -> Person:
    """Return somebody by the first part of the address."""
    return db.session.query(Person).filter(Person.email.startswith(f"{name}@")).one()


def company(name: str, email: str, **more: Any) -> Organisation:
    """Add a company with one person who owns, signs and pays; call inside a transaction."""
    who = make_person(email, email.split("@")[0].title())
    roles = (ContactRole.OWNER, ContactRole.SIGNATORY, ContactRole.BILLING)
    org = make_org(name, *((who, role) for role in roles))
    for key, value in {"category": "software", "listing_consent": True, **more}.items():
        setattr(org, key, value)
    db.session.flush()
    names.index(org)
    return org


def member(
    org: Organisation, *, tier: str = "gold", start: date, paid: bool = True, kind: TermKind = TermKind.NEW
) -> Membership:
    """Open a year's term on an invoice, paid unless it is said not; call inside a transaction."""
    row = terms.found_membership(org)
    many = db.session.query(Invoice).count()
    invoice = bill(org, f"member:{org.id}:{start}:{many}", tier)
    if paid:
        pay(org, invoice.gross, ref=f"R-{org.id}-{start}-{many}", invoice=invoice)
    term = terms.open_term(
        row, kind=kind, tier=tier, start=start, months=12, price=invoice.gross, charged=invoice.gross, cover="invoice",
        invoice=invoice, by="test",
    )  # fmt: skip
    assert term.end is not None
    issuing.agree(invoice.order, term.start, term.end)
    return row


def bill(org: Organisation, subject: str, tier: str = "gold") -> Invoice:
    """Issue an invoice over the dues of a tier."""
    price = price_of(catalogue.entry("tier", tier)["product"])
    order = issuing.place_order(issuing.party_of(org), subject, [Item(price)])
    return issuing.issue_invoice(order, language="en", by="test")


def pay(org: Organisation, amount: Money, *, ref: str, invoice: Invoice | None = None) -> None:
    """Let money of a company arrive, for an invoice or for none."""
    receipt, _new = settling.record_receipt(
        Way.BANK,
        "bank",
        ref,
        amount,
        clock.today(),
        payer=org.legal_name,
        party=issuing.party_of(org),
        by="test",
    )
    if invoice is not None:
        settling.put_on(receipt, invoice, by="test")


def propose(
    org: Organisation, verb: DeedVerb, detail: dict[str, Any], *, by: str = "rui", other: Organisation | None = None,
    paper: bool = False, reason: str = "because",
) -> Deed:  # fmt: skip
    """Propose a verb; call inside a transaction."""
    return deeds.propose(
        Given(org, detail, reason, other), verb, by=person(by), version=deeds.version_of(org, other),
        paper=(PAPER, "paper.pdf") if paper else None,
    )  # fmt: skip


def together(
    org: Organisation, verb: DeedVerb, detail: dict[str, Any], *, second: str = "dai", **more: Any
) -> Deed:
    """Propose and confirm a verb, by two; call inside a transaction."""
    return deeds.confirm(propose(org, verb, detail, **more), by=person(second))


def only_term(row: Membership) -> Term:
    """Return the one term of a membership."""
    return db.session.query(Term).filter(Term.membership_id == row.id).one()


def days(*texts: str) -> list[date]:
    """Return days from ISO texts."""
    return [date.fromisoformat(text) for text in texts]
