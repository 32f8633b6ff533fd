"""Who pays: a corporate group as the rows of ownership and the merges of entries say on a day, or a person alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import Select, select

from portal.accounts.groups import HALF
from portal.accounts.merge_models import Merge, MergeMove
from portal.accounts.organisations import Organisation, Ownership, called
from portal.accounts.people import Person
from portal.billing import months
from portal.billing.models import Party
from portal.core.db import db
from portal.core.errors import Missing
from portal.reports.income.asked import Question

Pair = tuple[int, int]
Moved = dict[tuple[str, int], int]
PARTY, OWNER, OWNED = "party.org_id", "ownership.owner_id", "ownership.owned_id"


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
    merges, moved = _merges(known)
    return _first_of([*merges, *_owned(known, moved)], merges, moved)


def same(known: date) -> dict[int, int]:
    """Return for each party of entries that were merged into one by a day the party that stands for all of them."""
    merges, moved = _merges(known)
    return _first_of(merges, merges, moved)


def _first_of(ties: list[Pair], merges: list[Pair], moved: Moved) -> dict[int, int]:
    """Return for each party of organisations that are tied the lowest one; that of a merged entry stands back."""
    top, signposts = _together(ties), {duplicate for duplicate, _kept in merges}
    if not top:
        return {}
    orgs = sorted({*top, *(org for (cell, _row), org in moved.items() if cell == PARTY)})
    back = [row for cell, row in moved if cell == PARTY]
    rows = db.session.execute(
        select(Party.id, Party.org_id).where(Party.org_id.in_(orgs) | Party.id.in_(back)).order_by(Party.id)
    ).all()
    of = [(party, moved.get((PARTY, party), org or 0)) for party, org in rows]
    first: dict[int, int] = {}
    return {
        party: first.setdefault(top[org], party)
        for party, org in sorted(of, key=lambda one: (one[1] in signposts, one[0]))
        if org in top
    }


def _ties(known: date) -> Select[int, int, int]:
    return select(Ownership.id, Ownership.owner_id, Ownership.owned_id).where(
        Ownership.share_bp > HALF,
        Ownership.start <= known,
        (Ownership.end.is_(None)) | (Ownership.end > known),
    )


def _owned(known: date, moved: Moved) -> list[Pair]:
    """Return who owned whom as of a day, between the entries of then."""
    rows = db.session.execute(_ties(known).order_by(Ownership.id)).all()
    return [(moved.get((OWNER, row), owner), moved.get((OWNED, row), owned)) for row, owner, owned in rows]


def _merges(known: date) -> tuple[list[Pair], Moved]:
    """Return the entries merged into others by a day and not taken apart by then, and what later merges moved."""
    until, one = months.end_of(known), Merge
    rows = db.session.execute(
        select(one.id, one.duplicate_id, one.kept_id, one.at, one.undone_at).order_by(one.id)
    ).all()
    found = [
        (duplicate, kept)
        for _id, duplicate, kept, at, undone in rows
        if at <= until and (undone is None or undone > until)
    ]
    return found, _moved_by([row.id for row in rows if row.at > until])


def _moved_by(merges: list[int]) -> Moved:
    """Return which organisation stood in the cells that some merges moved: a merge changes no report of before."""
    if not merges:
        return {}
    cell = MergeMove.table + "." + MergeMove.column
    statement = (
        select(cell, MergeMove.row_id, MergeMove.old)
        .where(MergeMove.merge_id.in_(merges), cell.in_((PARTY, OWNER, OWNED)), MergeMove.old.is_not(None))
        .order_by(MergeMove.merge_id.desc(), MergeMove.n.desc())
    )
    # The earliest move after the day is read last: what it found is what stood there.
    return {(name, row): int(old or 0) for name, row, old in db.session.execute(statement)}


def _together(ties: Iterable[Pair]) -> dict[int, int]:
    """Return for each organisation that is tied to another the one that stands for its group."""
    top: dict[int, int] = {}

    def root(org: int) -> int:
        while top.setdefault(org, org) != org:
            org = top[org]
        return org

    for owner, owned in ties:
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
