"""Builders for tests of the books: a company that pays, two of finance, invoices and transfers by the verbs."""

from __future__ import annotations

import dataclasses
from typing import Any

from flask import Flask

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.people import Person
from portal.billing import issuing, settling
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.billing.models import Invoice, Party
from portal.billing.money_models import Receipt, Way
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.money import Money
from tests.people import make_org, make_person


def house(app: Flask) -> None:
    """Add two of finance, a company with its owner, and its party."""
    with app.app_context(), transaction():
        for name in ("fang", "feng"):
            make_person(f"{name}@house.example", name.title(), staff=(StaffRole.FINANCE,))
        owner = make_person("chen@galaxy.example", "Chen")
        issuing.party_of(make_org("Galaxy Ltd", (owner, ContactRole.OWNER)))


def person(name: str) -> Person:
    """Return one of the cast by the first part of the address."""
    return db.session.query(Person).filter(Person.email.startswith(f"{name}@")).one()


def party() -> Party:
    """Return the company's party."""
    return db.session.query(Party).one()


def bill(subject: str = "test:1", product: str = "dues.silver", off: Money = Money(0)) -> Invoice:
    """Issue an invoice; call inside a transaction."""
    order = issuing.place_order(party(), subject, [Item(price_of(product), discount=off)])
    return issuing.issue_invoice(order, language="en", by="test")


def transfer(ref: str, amount: Money, text: str = "", payer: str = "Galaxy Ltd") -> Receipt:
    """Let a transfer arrive, with both pairs of eyes; call inside a transaction."""
    entry = settling.propose_receipt(
        bank_ref=ref, amount=amount, received_on=clock.today(), payer=payer, text=text, by=person("fang")
    )
    return settling.confirm_receipt(entry, by=person("feng"))


def online(ref: str, amount: Money) -> Receipt:
    """Let money arrive through the test gateway; call inside a transaction."""
    receipt, _new = settling.record_receipt(
        Way.TEST, "test", ref, amount, clock.today(), payer="Galaxy Ltd", party=party(), by="payment page"
    )
    return receipt


def set_up(app: Flask, **changes: Any) -> None:
    """Change settings of a running application."""
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], **changes)
