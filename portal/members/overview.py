"""One member as staff see it on one page: what it shows, asked in few statements that are put together once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Date,
    Select,
    String,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import contains_eager, joinedload

from portal.accounts import contacts
from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.accounts.organisations import Contact, FormerName, Organisation
from portal.accounts.people import Person
from portal.billing.models import Invoice, Party
from portal.core import catalogue, clock
from portal.core.db import db
from portal.members import checklist, deed_showing, granting, showing, stories
from portal.members.belonging import Agreement, ChecklistTick, Grant, Membership, Term
from portal.members.models import Application

_ORG = bindparam("org", type_=BigInteger)
_TODAY = bindparam("today", type_=Date)
_ITEMS = select(func.aggregate_strings(ChecklistTick.item, ",")).where(
    ChecklistTick.membership_id == Membership.id
)
_MEMBER = (
    select(
        Membership,
        Party.title,
        Party.tax_number,
        Party.address,
        _ITEMS.scalar_subquery(),
        exists().where(FormerName.org_id == Organisation.id),
        *deed_showing.MARKS,
    )
    .join(Membership.org)
    .outerjoin(Party, Party.org_id == Organisation.id)
    .options(contains_eager(Membership.org), joinedload(Membership.certificate))
    .where(Organisation.uid == bindparam("uid", type_=String))
)
_TERMS = (
    select(
        Term.id, Term.kind, Term.tier, Term.start, Term.end, Term.charged, Term.by_name, Term.second_name, Term.reason,
        Term.recorded_at, Grant.id.label("grant"), Grant.benefit, Grant.quantity,
    )
    .outerjoin(
        Grant,
        and_(
            Grant.term_id == Term.id, Grant.start <= _TODAY, or_(Grant.end.is_(None), Grant.end > _TODAY),
            granting.unended(_TODAY),
        ),
    )
    .where(Term.membership_id == bindparam("membership", type_=BigInteger))
    .order_by(Term.start, Term.id)
)  # fmt: skip
_FORMER = (
    select(FormerName.name, FormerName.until)
    .where(FormerName.org_id == _ORG)
    .order_by(FormerName.until.desc())
)
_PEOPLE = (
    select(Contact.person_id, Contact.role, Person.name, Person.email)
    .join(Person, Contact.person_id == Person.id)
    .where(Contact.org_id == _ORG, Contact.ended_at.is_(None))
    .order_by(Contact.id)
)
_INVOICES = (
    select(Invoice.id, Invoice.uid, Invoice.number, Invoice.gross, Invoice.state)
    .join(Party, Invoice.party_id == Party.id)
    .where(
        Party.org_id.in_(
            select(Organisation.id).where(or_(Organisation.id == _ORG, Organisation.merged_into_id == _ORG))
        )
    )
    .order_by(Invoice.id.desc())
)
_AGREEMENTS = select(func.aggregate_strings(Agreement.id.cast(String), ",")).where(
    Agreement.application_id == Application.id
)
_APPLICATIONS = (
    select(
        Application.id,
        Application.uid,
        Application.state,
        Application.submitted_at,
        _AGREEMENTS.scalar_subquery().label("agreements"),
    )
    .where(Application.org_id == _ORG, Application.submitted_at.is_not(None))
    .order_by(Application.id.desc())
)


@dataclass(frozen=True, slots=True)
class Given:
    """A benefit in force, as the page shows it."""

    id: int
    benefit: str
    quantity: int | None


def _rows(conn: Connection, statement: Select[*tuple[Any, ...]], **asked: Any) -> list[Any]:
    return list(conn.execute(statement, asked))


def of(uid: str, reader: Reader) -> dict[str, Any] | None:
    """Return what the page of a member shows to a reader; None if there is no such member."""
    found = db.session.execute(_MEMBER, {"uid": uid}).first()
    if found is None:
        return None
    row, title, tax_number, address, ticked, renamed, *marks = found
    org, conn = row.org_id, db.session.connection()
    terms, grants = _terms(conn, row)
    people = _rows(conn, _PEOPLE, org=org)
    missing = contacts.unfilled(row.tier, [one.role for one in people])
    invoices = _rows(conn, _INVOICES, org=org) if reader.staff_may(May.READ_MONEY) else []
    applications = _rows(conn, _APPLICATIONS, org=org)
    facts = checklist.Facts(
        frozenset((ticked or "").split(",")), not missing, all((title, tax_number, address))
    )
    return {
        "membership": row,
        "terms": terms,
        "next": showing.next_of(row, terms),
        "category": catalogue.entries("category").get(row.org.category),
        "former": _rows(conn, _FORMER, org=org) if renamed else [],
        "people": people,
        "missing": missing,
        "invoices": invoices,
        "applications": applications,
        "grants": _named(grants),
        "items": checklist.items(row, facts),
        **deed_showing.shown(row, reader, terms=terms, marks=marks),
        "history": stories.of_member(row, _subjects(row, applications, invoices), reader),
    }


def _terms(conn: Connection, row: Membership) -> tuple[list[Any], list[Given]]:
    """Return the terms of a member, and the benefits in force today that they gave."""
    lines = _rows(conn, _TERMS, membership=row.id, today=clock.today())
    terms = list({line.id: line for line in lines}.values())
    grants = [Given(line.grant, line.benefit, line.quantity) for line in lines if line.grant is not None]
    return terms, sorted(grants, key=lambda one: one.id)


def _named(grants: list[Given]) -> list[tuple[str, Given]]:
    benefits = catalogue.entries("benefit")
    return [
        (catalogue.in_words(benefits[one.benefit]["name"]), one) for one in grants if one.benefit in benefits
    ]


def _subjects(row: Membership, applications: list[Any], invoices: list[Any]) -> list[str]:
    """Return what a member's mail may be about: itself, its cases, agreements and invoices."""
    agreements = [number for one in applications for number in (one.agreements or "").split(",") if number]
    return [
        row.subject,
        row.org.subject,
        *(f"{Agreement.__tablename__}:{number}" for number in agreements),
        *(f"{Application.__tablename__}:{one.id}" for one in applications),
        *(f"{Invoice.__tablename__}:{one.id}" for one in invoices),
    ]
