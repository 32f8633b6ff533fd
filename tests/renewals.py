"""Builders for tests of renewals: members with a term, days that pass with their chores, money with a value date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from flask import Flask
from sqlalchemy import select

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.billing import settling
from portal.billing.models import Invoice
from portal.billing.money_models import Receipt
from portal.core import chores, clock
from portal.core.db import db, let_go, transaction
from portal.core.mail import MailMessage
from portal.core.money import Money
from portal.members import terms
from portal.members.belonging import Membership, Term, TermKind
from portal.members.renewal_models import RenewalOffer, RenewalReminder
from portal.members.standing import Standing
from tests.people import make_org, make_person

NEW_YEAR = date(2027, 1, 1)
GOLD, SILVER = Money(16_000_000), Money(2_000_000)
# `charge_renewals` and `send_reminders` do the acts of the two chores before them.
NIGHTLY = ("announce_standings", "charge_renewals", "send_reminders")
ALL = ("announce_standings", "offer_renewals", "issue_renewal_invoices", "charge_renewals", "send_reminders")
# On which days from the end of a term something of a ladder happens.
MARKS = (-90, -60, -30, -14, -7, 0, 7, 14, 21, 30, 60, 180)
ROLES = (ContactRole.OWNER, ContactRole.SIGNATORY, ContactRole.REPRESENTATIVE, ContactRole.BILLING)


def staff() -> None:
    """Add two of finance, a reviewer and a secretary; call inside a transaction."""
    for name, role in (
        ("fang", StaffRole.FINANCE), ("feng", StaffRole.FINANCE), ("rui", StaffRole.REVIEWER),
        ("sun", StaffRole.SECRETARY),
    ):  # fmt: skip
        make_person(f"{name}@house.example", name.title(), staff=(role,))


def who(name: str) -> Person:
    """Return somebody by the first part of the address."""
    return db.session.scalars(select(Person).where(Person.email.startswith(f"{name}@"))).one()


def member(
    name: str = "Galaxy", *, tier: str = "gold", start: date = date(2026, 1, 1), kind: TermKind = TermKind.NEW,
    anchor: date | None = None, k: int = 0, person: bool = False,
) -> Membership:  # fmt: skip
    """Add a member with its contacts and a term that is covered; call inside a transaction, on an early day."""
    if person:
        human = make_person(f"{name.lower()}@people.example", name)
        org = Organisation(legal_name=name, person=human, category="individual")
        db.session.add(org)
        db.session.add_all(Contact(person=human, org=org, role=one, start=start) for one in ContactRole)
        db.session.flush()
    else:
        people = [(make_person(f"{role}@{name.lower()}.example", f"{name} {role}"), role) for role in ROLES]
        org = make_org(f"{name} Ltd", *people)
        org.category = "software"
    membership = terms.found_membership(org)
    price = {"gold": GOLD, "silver": SILVER}.get(tier, Money(20_000))
    terms.open_term(
        membership, kind=kind, tier=tier, start=start, months=12, price=price, charged=price, cover="elsewhere",
        invoice=None, by="test", anchor=anchor, k=k,
    )  # fmt: skip
    return membership


@contextmanager
def on(app: Flask, day: date) -> Iterator[None]:
    """Be in the application at noon of a day, inside a transaction."""
    with app.app_context(), clock.stopped_at(day), transaction():
        yield


def pass_days(days: Iterable[date], *, times: int = 1, names: tuple[str, ...] = NIGHTLY) -> None:
    """Let nights pass with their chores; call inside an application context."""
    for day in days:
        for _ in range(times):
            for name in names:
                chores.run(name, as_of=day)
    let_go()


def marked(first: date, end: date, *, around: bool = False) -> list[date]:
    """Return the days of `[first, end)` on which something happens to a term that ends at New Year; the days beside them too if asked."""
    beside = (-1, 0, 1) if around else (0,)
    days = {NEW_YEAR + timedelta(days=mark + more) for mark in MARKS for more in beside}
    return sorted(day for day in days if first <= day < end)


def transfer(ref: str, amount: Money, text: str, *, value: date | None = None) -> Receipt:
    """Let a transfer arrive with its value date; call inside a transaction."""
    entry = settling.propose_receipt(
        bank_ref=ref,
        amount=amount,
        received_on=value or clock.today(),
        payer="Payer",
        text=text,
        by=who("fang"),
    )
    return settling.confirm_receipt(entry, by=who("feng"))


def only(name: str = "Galaxy") -> Membership:
    """Return the membership of a name."""
    return db.session.scalars(
        select(Membership).join(Organisation).where(Organisation.legal_name.startswith(name))
    ).one()


def terms_of(membership: Membership) -> list[tuple[TermKind, str, date, date | None]]:
    """Return the terms of a membership in order: kind, tier and days."""
    rows = db.session.scalars(
        select(Term).where(Term.membership_id == membership.id).order_by(Term.start, Term.id)
    )
    return [(row.kind, row.tier, row.start, row.end) for row in rows]


def offers_of(membership: Membership) -> list[RenewalOffer]:
    """Return the offers of a membership, oldest first."""
    statement = select(RenewalOffer).where(RenewalOffer.membership_id == membership.id)
    return list(db.session.scalars(statement.order_by(RenewalOffer.id)))


def steps(membership: Membership, channel: str = "mail") -> list[tuple[str, str]]:
    """Return the ledger of a membership: step and what became of it, in order of the days they were due."""
    statement = (
        select(RenewalReminder)
        .join(Term, Term.id == RenewalReminder.term_id)
        .where(Term.membership_id == membership.id, RenewalReminder.channel == channel)
        .order_by(RenewalReminder.due_on, RenewalReminder.id)
    )
    return [(row.step, str(row.state)) for row in db.session.scalars(statement)]


def standing(membership: Membership, day: date) -> Standing:
    """Return what a membership is on a day."""
    return terms.standing(membership, on=day)


def paper(membership: Membership) -> Invoice:
    """Return the invoice of the newest offer."""
    found = offers_of(membership)[-1].invoice
    assert found is not None
    return found


def mails(topic: str) -> list[tuple[str, str]]:
    """Return receiver and title of every mail about a subject, in order."""
    rows = db.session.scalars(select(MailMessage).where(MailMessage.topic == topic).order_by(MailMessage.id))
    return [(row.address.split("@")[0], row.title) for row in rows]
