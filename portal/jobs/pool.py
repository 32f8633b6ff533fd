"""The talent pool: members that recruit search it by level, city and skills, and see nobody by name, and nothing of few."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock, labels, vault
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.jobs import consents, credits, hirers, matching, naming, quotas
from portal.jobs.kinds import Employment
from portal.jobs.looks import Asked, Viewer, cards
from portal.jobs.matching import Wanted
from portal.jobs.people_models import PoolSearch, Profile
from portal.jobs.stages import Field, Purpose, Tongue

NO_SEARCH = _l("There is no such search. A search shows what it finds on its own day.")
NOBODY = _l("There is nobody like that in this search.")
SPENT = _l("The searches of your tier for today are used up.")
MOST = 200


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


def _cipher(org: Organisation) -> Any:
    """Return what turns the uid of a profile into its handle and back: one block of random bits under a key of one employer.

    Such a block is no text that a mode would have to hide: alike is only who is the same.
    """
    return Cipher(algorithms.AES(vault.derived(f"pool/{org.id}")), modes.ECB())  # noqa: S305


def handle(org: Organisation, profile: Profile) -> str:
    """Return by what an organisation names somebody it found: no other organisation has the same for the same person."""
    return str(_cipher(org).encryptor().update(bytes.fromhex(profile.uid)).hex())


def _named(org: Organisation, handle: str) -> str:
    """Return the uid that a handle of an organisation stands for; empty if it is none."""
    if re.fullmatch(r"[0-9a-f]{32}", handle) is None:
        return ""
    return str(_cipher(org).decryptor().update(bytes.fromhex(handle)).hex())


@dataclass(frozen=True, slots=True)
class Part:
    """A page of those found, (profile, rank) each; `at` counts from 1, `more` says whether others follow."""

    people: list[tuple[Profile, int]]
    at: int = 1
    more: bool = False


def part(row: PoolSearch, at: int, size: int) -> Part:
    """Return a page of those whom a search finds; the last there is if it has fewer, nobody while they are too few."""
    at = min(max(at, 1), MOST // size)
    keys = matching.first(row, max(at * size + 1, _least()))
    if len(keys) < _least():
        return Part([])
    at = min(at, -(-len(keys) // size))
    return Part(_profiles(keys[(at - 1) * size : at * size]), at, len(keys) > at * size and at < MOST // size)


def results(row: PoolSearch) -> list[tuple[Profile, int]]:
    """Return whom a search finds, the highest level first, up to the most; nobody while they are fewer than the least number."""
    return part(row, 1, MOST).people


def _least() -> int:
    return int(catalogue.policy("jobs.pool_least"))


def _profiles(keys: list[tuple[int, int]]) -> list[tuple[Profile, int]]:
    rows = select(Profile).where(Profile.id.in_([number for number, _rank in keys])).order_by(Profile.id)
    found = {profile.id: profile for profile in db.session.scalars(rows)}
    return [(found[number], rank) for number, rank in keys if number in found]


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
    """Return the one of a search whom a handle names, as long as the search may show anybody."""
    uid = _named(row.org, named)
    found = matching.rank_in(row, uid) if uid else None
    if found is None or len(matching.first(row, _least())) < _least():
        raise Missing(NOBODY)
    return found
