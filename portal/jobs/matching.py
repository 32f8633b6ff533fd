"""Whom a search of the pool finds, the highest level first: read in that order, and no further than a page needs.

Where few people fit what is asked, all of them are looked at and sorted. Where many do, each level's people are walked in
the order of the list, and every question about one of them (may this be seen, is the certificate in force) is a look into
an index, so that a page costs the same whether a thousand people are in the pool or a million.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Text, and_, cast, func, literal, select

from portal.accounts.organisations import Contact
from portal.accounts.people import Person
from portal.core import clock
from portal.core.db import db
from portal.jobs import consents, credits, gateway, terms
from portal.jobs.people_models import PoolSearch, Profile, ProfileTerm, ShutOut
from portal.jobs.stages import IN_POOL, Purpose

# So many people are looked at all together rather than walked: who fit the words and filters, and who hold a level.
FEW, FEW_HOLD = 2_000, 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an employer looks for; empty is anything. `level` is the rank of the lowest level that will do."""

    level: int = 0
    city: str = ""
    skills: str = ""
    kind: str = ""
    language: str = ""


def first(row: PoolSearch, most: int) -> list[tuple[int, int]]:
    """Return the first (profile id, rank) that a search finds, at most so many: the highest level first, then by uid."""
    wanted = Wanted(**row.asked)
    own, *held = _spread(wanted)
    if own < FEW:
        return _read(_sorted(row, wanted), most)
    found: list[tuple[int, int]] = []
    for rank in range(len(held), max(0, wanted.level - 1) - (wanted.level == 0), -1):
        if len(found) < most:
            few = rank > 0 and held[rank - 1] < FEW_HOLD
            found += _read(
                _holders(row, wanted, rank) if few else _walk(row, wanted, rank), most - len(found)
            )
    return found


def rank_in(row: PoolSearch, uid: str) -> tuple[Profile, int] | None:
    """Return the profile of a uid with its rank, if a search finds it."""
    wanted = Wanted(**row.asked)
    found = _read(_sorted(row, wanted, Profile.uid == uid), 1)
    return (db.session.get_one(Profile, found[0][0]), found[0][1]) if found else None


def _read(statement: Select[Any], most: int) -> list[tuple[int, int]]:
    rows = db.session.connection().execute(statement.limit(most))
    return [(int(number), int(rank)) for number, rank in rows]


def _spread(wanted: Wanted) -> tuple[int, ...]:
    """Return how many fit the words and filters, and how many hold each level from the lowest, counted no further than needed."""

    def bounded(statement: Select[Any], most: int) -> Any:
        some = statement.with_only_columns(literal(1).label("one"), maintain_column_froms=True).limit(most)
        return select(func.count()).select_from(some.subquery()).scalar_subquery()

    counts = [bounded(select(Profile.id).where(*_own(wanted)), FEW)]
    counts += [
        bounded(gateway.levels_in_force(on=clock.today(), rank=rank), FEW_HOLD)
        for rank, _code, _name in credits.levels()
    ]
    return tuple(int(one) for one in db.session.connection().execute(select(*counts)).one())


def _own(wanted: Wanted) -> list[Any]:
    """Return the conditions about what a profile says of itself, as sets."""
    return [*_columns(wanted), *(Profile.id.in_(_having(term)) for term in terms.asked(wanted.skills))]


def _columns(wanted: Wanted) -> list[Any]:
    found = [Profile.city == wanted.city] if wanted.city else []
    for column, code in ((Profile.kinds, wanted.kind), (Profile.languages, wanted.language)):
        if code:
            found.append(cast(column, Text).contains(f'"{code}"'))
    return found


def _having(term: str) -> Select[Any]:
    fits = ProfileTerm.term.startswith(term) if terms.is_lone(term) else ProfileTerm.term == term
    return select(ProfileTerm.profile_id).where(fits)


def _may_be_found(row: PoolSearch, person: Any) -> Any:
    """Return the condition that a person may be found by this employer: lets members see him, is here, not shut out, not its own."""
    here = select(literal(1)).where(
        Person.id == person, Person.disabled_at.is_(None), Person.erased_at.is_(None)
    )
    shut = select(ShutOut.person_id).where(ShutOut.org_id == row.org_id)
    ours = select(Contact.person_id).where(Contact.org_id == row.org_id, Contact.ended_at.is_(None))
    return and_(
        person.not_in(shut), person.not_in(ours), consents.lets(person, Purpose.POOL, consents.MEMBERS, *IN_POOL),
        here.scalar_subquery() == 1,
    )  # fmt: skip


def _highest(person: Any) -> Any:
    """Return the rank of a person's highest certificate in force, 0 for none, as a look into the index."""
    held = gateway.levels_in_force(on=clock.today()).subquery()
    best = select(func.max(held.c[1])).where(held.c[0] == person)
    return func.coalesce(best.scalar_subquery(), 0)


def _sorted(row: PoolSearch, wanted: Wanted, *more: Any) -> Select[Any]:
    """Select whom a search finds by looking at all who fit its words and filters."""
    of, conditions = _some([*_own(wanted), *more])
    rank = _highest(of.person_id)
    found: Select[Any] = select(of.id, rank.label("rank")).where(
        *conditions, _may_be_found(row, of.person_id)
    )
    if wanted.level:
        found = found.where(rank >= wanted.level)
    return found.order_by(rank.desc(), of.uid)


def _holders(row: PoolSearch, wanted: Wanted, rank: int) -> Select[Any]:
    """Select those of one level, which few hold, by looking at all of its holders."""
    held = gateway.levels_in_force(on=clock.today(), rank=rank).subquery()
    return _of_rank(row, wanted, rank, Profile.person_id.in_(select(held.c[0])))


def _walk(row: PoolSearch, wanted: Wanted, rank: int) -> Select[Any]:
    """Select those of one level by walking the profiles in their order."""
    return _of_rank(row, wanted, rank)


def _of_rank(row: PoolSearch, wanted: Wanted, rank: int, *more: Any) -> Select[Any]:
    """Select those of some profiles whose highest level is one, in the order of the list.

    The questions are subqueries of one value each, which neither database turns into a join of whole tables.
    """
    of, conditions = _some([*_columns(wanted), *more], walked=not more)
    asked = [
        _having(term).with_only_columns(literal(1)).where(ProfileTerm.profile_id == of.id).limit(1)
        for term in terms.asked(wanted.skills)
    ]
    found: Select[Any] = select(of.id, literal(rank).label("rank")).where(
        *conditions, *(one.scalar_subquery() == 1 for one in asked), _highest(of.person_id) == rank,
        _may_be_found(row, of.person_id),
    )  # fmt: skip
    return found.order_by(of.uid)


def _some(conditions: list[Any], *, walked: bool = False) -> tuple[Any, list[Any]]:
    """Return the profiles that a statement looks at one by one, and the conditions it still has to say about them.

    PostgreSQL guesses that questions of one value keep hardly anybody, and would rather read and sort everything first;
    so there the profiles stand in a subquery that is not taken apart.
    """
    if db.session.get_bind().dialect.name != "postgresql":
        return Profile, conditions
    rows = select(Profile.id, Profile.person_id, Profile.uid).where(*conditions)
    return (rows.order_by(Profile.uid) if walked else rows).offset(0).subquery("some").c, []
