"""The talent pool: members that recruit search it by level, city and skills, and see nobody by name, and nothing of few."""

from __future__ import annotations

import hmac
from dataclasses import asdict, dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, Text, cast, exists, func, select, update

from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock, labels, vault
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.jobs import consents, credits, gateway, hirers, naming, quotas, terms
from portal.jobs.kinds import Employment
from portal.jobs.looks import Asked, Viewer, cards
from portal.jobs.people_models import PoolSearch, Profile, ProfileTerm, ShutOut
from portal.jobs.stages import IN_POOL, Field, Purpose, Tongue

NO_SEARCH = _l("There is no such search. A search shows what it finds on its own day.")
NOBODY = _l("There is nobody like that in this search.")
SPENT = _l("The searches of your tier for today are used up.")
MOST = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an employer looks for; empty is anything. `level` is the rank of the lowest level that will do."""

    level: int = 0
    city: str = ""
    skills: str = ""
    kind: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One person as the pool shows him: a handle of this organisation alone, and what the ledger lets it see."""

    handle: str
    seen: dict[Field, Any]


def lock(org: Organisation) -> None:
    """Hold an organisation's row, so that what it has spent is counted by one at a time."""
    same = update(Organisation).where(Organisation.id == org.id).values(version=Organisation.version)
    db.session.execute(same.execution_options(synchronize_session=False))


def spent(org: Organisation) -> int:
    """Return how many searches an organisation has made today."""
    mine = (PoolSearch.org_id == org.id, PoolSearch.day == clock.today())
    return int(db.session.scalar(select(func.count(PoolSearch.id)).where(*mine)) or 0)


def search(org: Organisation, wanted: Wanted, *, by: Person) -> PoolSearch:
    """Begin a search, which counts for the day; `Refused` when the day's are used up or the membership is not in force."""
    lock(org)
    hirers.in_force(org)
    if spent(org) >= quotas.of(org).searches_a_day:
        raise Refused(SPENT, status=429)
    row = PoolSearch(org=org, by=by, day=clock.today(), asked=asdict(wanted))
    db.session.add(row)
    db.session.flush()
    audit.record("job_pool.searched", row, by=by, org_id=org.id)
    return row


def found(uid: str, org: Organisation) -> PoolSearch:
    """Return a search that an organisation made today."""
    mine = select(PoolSearch).where(PoolSearch.uid == uid, PoolSearch.org_id == org.id)
    row = db.session.scalars(mine.where(PoolSearch.day == clock.today())).first()
    if row is None:
        raise Missing(NO_SEARCH)
    return row


def _matching(row: PoolSearch) -> Select[Any]:
    """Select (profile, rank) of whom a search finds: let be found, not shut out, none of the employer's own people."""
    wanted = Wanted(**row.asked)
    held = gateway.levels_in_force(on=clock.today()).subquery()
    person, rank = held.c[0], held.c[1]
    best = select(person.label("person_id"), func.max(rank).label("rank")).group_by(person).subquery()
    highest = func.coalesce(best.c.rank, 0)
    statement: Any = (
        select(Profile, highest.label("rank"))
        .join(Person, Person.id == Profile.person_id)
        .outerjoin(best, best.c.person_id == Profile.person_id)
        .where(
            Profile.person_id.in_(consents.letting(Purpose.POOL, consents.MEMBERS, *IN_POOL)),
            Person.disabled_at.is_(None), Person.erased_at.is_(None),
            ~exists().where(ShutOut.person_id == Profile.person_id, ShutOut.org_id == row.org_id),
            ~exists().where(
                Contact.person_id == Profile.person_id, Contact.org_id == row.org_id, Contact.ended_at.is_(None)
            ),
        )
    )  # fmt: skip
    if wanted.level:
        statement = statement.where(highest >= wanted.level)
    if wanted.city:
        statement = statement.where(Profile.city == wanted.city)
    for column, code in ((Profile.kinds, wanted.kind), (Profile.languages, wanted.language)):
        if code:
            statement = statement.where(cast(column, Text).contains(f'"{code}"'))
    for term in terms.asked(wanted.skills):
        fits = ProfileTerm.term.startswith(term) if terms.is_lone(term) else ProfileTerm.term == term
        statement = statement.where(Profile.id.in_(select(ProfileTerm.profile_id).where(fits)))
    ordered: Select[Any] = statement.order_by(highest.desc(), Profile.uid)
    return ordered


def handle(org: Organisation, profile: Profile) -> str:
    """Return by what an organisation names somebody it found: no other organisation has the same for the same person."""
    return hmac.new(vault.derived("pool"), f"{org.id}:{profile.uid}".encode(), "sha256").hexdigest()[:32]


def results(row: PoolSearch) -> list[tuple[Profile, int]]:
    """Return whom a search finds, the highest level first; nobody while they are fewer than the least number."""
    rows = db.session.execute(_matching(row).limit(MOST)).all()
    least = int(catalogue.policy("jobs.pool_least"))
    return [(profile, rank) for profile, rank in rows] if len(rows) >= least else []


def said(profile: Profile, rank: int) -> dict[Field, Any]:
    """Return what there is to be said of somebody without saying who it is."""
    names = {one[0]: one[2] for one in credits.levels()}
    return {
        Field.LEVEL: names.get(rank, ""),
        Field.CITY: naming.city(profile.city),
        Field.SKILLS: profile.skills,
        Field.LANGUAGES: [labels.label(Tongue(one)) for one in profile.languages],
        Field.KINDS: [labels.label(Employment(one)) for one in profile.kinds],
    }


def shown(row: PoolSearch, some: list[tuple[Profile, int]], viewer: Viewer) -> list[Found]:
    """Return some of those found as the pool shows them; each look is on record."""
    asked = [
        Asked(profile.person, Purpose.POOL, consents.MEMBERS, row.subject, said(profile, rank))
        for profile, rank in some
    ]
    return [
        Found(handle(row.org, profile), seen)
        for (profile, _rank), seen in zip(some, cards(viewer, asked), strict=True)
        if seen
    ]


def one(row: PoolSearch, named: str) -> tuple[Profile, int]:
    """Return the one of a search whom a handle names."""
    for profile, rank in results(row):
        if hmac.compare_digest(handle(row.org, profile), named):
            return profile, rank
    raise Missing(NOBODY)
