"""Who pays: a corporate group as the rows of ownership say on a day, or a person alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import Select, select

from portal.accounts.groups import HALF
from portal.accounts.organisations import Organisation, Ownership, called
from portal.accounts.people import Person
from portal.billing.models import Party
from portal.core.db import db
from portal.core.errors import Missing
from portal.reports.income.asked import Question


@dataclass(frozen=True, slots=True)
class Payer:
    """One who pays: what its page is found by, and its name in the reader's language."""

    id: int
    uid: str
    name: str
    person: bool


@dataclass(frozen=True, slots=True)
class Tie:
    """A dated row by which two payers are one group: who owns how much of whom, since when."""

    owner: str
    owned: str
    percent: str
    since: date
    evidence: str


def heads(known: date) -> dict[int, int]:
    """Return for each party of a group as of a day the party that stands for all: its lowest number."""
    owners = _owners(known)
    if not owners:
        return {}
    rows = db.session.execute(
        select(Party.id, Party.org_id).where(Party.org_id.in_(sorted(owners))).order_by(Party.id)
    ).all()
    first: dict[int, int] = {}
    return {party: first.setdefault(owners[org or 0], party) for party, org in rows}


def _ties(known: date) -> Select[int, int]:
    return select(Ownership.owner_id, Ownership.owned_id).where(
        Ownership.share_bp > HALF,
        Ownership.start <= known,
        (Ownership.end.is_(None)) | (Ownership.end > known),
    )


def _owners(known: date) -> dict[int, int]:
    """Return for each organisation that is tied to another the one that stands for its group."""
    top: dict[int, int] = {}

    def root(org: int) -> int:
        while top.setdefault(org, org) != org:
            org = top[org]
        return org

    for owner, owned in db.session.execute(_ties(known).order_by(Ownership.id)):
        one, other = root(owner), root(owned)
        top[max(one, other)] = min(one, other)
    return {org: root(org) for org in list(top)}


def of_question(said: Question) -> frozenset[int] | None:
    """Return the parties that a question is about: the payer's group, or itself alone; None if all are."""
    if not said.payer:
        return None
    party = db.session.scalar(select(Party.id).where(Party.uid == said.payer))
    if party is None:
        raise Missing(_("There is no such payer."))
    return frozenset({party}) if said.alone else together(party, said.known)


def together(party: int, known: date) -> frozenset[int]:
    """Return the parties of a party's corporate group as of a day, its own among them."""
    found = heads(known)
    head = found.get(party, party)
    return frozenset({party, *(one for one, its in found.items() if its == head)})


def named(parties: Iterable[int]) -> dict[int, Payer]:
    """Return what parties are called in the reader's language."""
    ids = sorted(set(parties))
    statement = (
        select(
            Party.id, Party.uid, Person.name, Organisation.legal_name, Organisation.legal_name_en,
            Organisation.display_name_zh, Organisation.display_name_en,
        )
        .outerjoin(Organisation, Organisation.id == Party.org_id)
        .outerjoin(Person, Person.id == Party.person_id)
        .where(Party.id.in_(ids))
        .order_by(Party.id)
    )  # fmt: skip
    return {
        number: Payer(number, uid, person if person is not None else called(*names), person is not None)
        for number, uid, person, *names in db.session.execute(statement)
    }


def ties(parties: Iterable[int], known: date) -> list[Tie]:
    """Return the dated rows by which some parties are one group as of a day."""
    orgs = select(Party.org_id).where(Party.id.in_(sorted(parties)), Party.org_id.is_not(None))
    rows = db.session.scalars(
        select(Ownership)
        .where(
            Ownership.share_bp > HALF, Ownership.start <= known, (Ownership.end.is_(None)) | (Ownership.end > known),
            Ownership.owner_id.in_(orgs) | Ownership.owned_id.in_(orgs),
        )
        .order_by(Ownership.start, Ownership.id)
    )  # fmt: skip
    return [
        Tie(
            row.owner.name,
            row.owned.name,
            f"{row.share_bp // 100}.{row.share_bp % 100:02d} %",
            row.start,
            row.evidence,
        )
        for row in rows
    ]
