"""Related companies: whoever is tied by more than half of the votes, through any chain, is one group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from portal.accounts.organisations import Organisation, Ownership
from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused

HALF = 5_000


def group(edges: Iterable[tuple[int, int, int]], one: int) -> frozenset[int]:
    """Return the group of an organisation from edges (owner, owned, share in hundredths of a percent)."""
    near: dict[int, set[int]] = defaultdict(set)
    for owner, owned, share in edges:
        if share > HALF:
            near[owner].add(owned)
            near[owned].add(owner)
    found, open_ends = {one}, [one]
    while open_ends:
        fresh = near[open_ends.pop()] - found
        found |= fresh
        open_ends += sorted(fresh)
    return frozenset(found)


def group_of(org: Organisation, *, on: date | None = None) -> frozenset[int]:
    """Return the ids of an organisation's group on a day, its own among them."""
    day = on or clock.today()
    rows = db.session.execute(
        select(Ownership.owner_id, Ownership.owned_id, Ownership.share_bp).where(
            Ownership.start <= day, (Ownership.end.is_(None)) | (Ownership.end > day)
        )
    )
    return group(((owner, owned, share) for owner, owned, share in rows), org.id)


def record(owner: Organisation, owned: Organisation, percent: Decimal, *, evidence: str, by: Person) -> None:
    """Write down from today which share of the votes one organisation has in another, and why we know it."""
    today = clock.today()
    if owner.id == owned.id or not 0 < percent <= 100:
        raise Refused(
            _l("A share is more than 0 and at most 100 percent, between two organisations."), status=422
        )
    db.session.execute(
        update(Ownership)
        .where(Ownership.owner_id == owner.id, Ownership.owned_id == owned.id, Ownership.end.is_(None))
        .values(end=today)
    )
    share = int(percent * 100)
    db.session.add(Ownership(owner=owner, owned=owned, share_bp=share, evidence=evidence, start=today))
    audit.record(
        "organisation.share_recorded", owned, by=by, org_id=owned.id, owner=owner.name, percent=str(percent),
        evidence=evidence,
    )  # fmt: skip
