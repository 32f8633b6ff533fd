"""Whose figures are counted: each holder by itself, or related companies as one; and what rows call them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from portal.accounts.groups import HALF
from portal.accounts.organisations import Organisation, Ownership, called
from portal.core import catalogue, clock
from portal.core.db import db
from portal.members import histories, terms
from portal.members.belonging import Membership
from portal.members.spans import Span
from portal.reports.movement import Window

TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Named:
    """What a row says of a holder: its page and its name in the reader's language."""

    uid: str
    name: str


def ranks() -> dict[str, int]:
    """Return the place of each tier that we sell, the highest first."""
    return {code: place for place, code in enumerate(catalogue.entries("tier"))}


def window(start: date, end: date, *, known: datetime | None = None) -> Window:
    """Return a period with what is needed to judge it: the grace in force at its end, and the day known."""
    day = clock.day_of(known) if known else clock.today()
    return Window(start, end, _grace(end - timedelta(days=1)), day, ranks())


def _grace(day: date) -> int:
    """Return the days of grace in force on a day; before the catalogue began, those of today."""
    try:
        return terms.policy_on(day).grace_days
    except KeyError:
        return terms.policy_on(clock.today()).grace_days


def holders(*, known: datetime | None = None, grouped_on: date | None = None) -> dict[int, list[Span]]:
    """Return the spans of every holder, by membership; with a day, related companies of that day are one holder."""
    found = histories.spans(known=known)
    if grouped_on is None:
        return found
    head = _heads(grouped_on)
    together: dict[int, list[Span]] = defaultdict(list)
    for membership in sorted(found):
        together[head.get(membership, membership)] += found[membership]
    return dict(together)


def _heads(day: date) -> dict[int, int]:
    """Return for each membership of a group the lowest one of it, which stands for all."""
    edges = db.session.execute(
        select(Ownership.owner_id, Ownership.owned_id).where(
            Ownership.share_bp > HALF,
            Ownership.start <= day,
            (Ownership.end.is_(None)) | (Ownership.end > day),
        )
    ).all()
    top: dict[int, int] = {}

    def root(org: int) -> int:
        while top.setdefault(org, org) != org:
            org = top[org]
        return org

    for owner, owned in edges:
        top[root(owner)] = root(owned)
    if not top:
        return {}
    rows = db.session.execute(
        select(Membership.id, Membership.org_id).where(Membership.org_id.in_(top)).order_by(Membership.id)
    ).all()
    first: dict[int, int] = {}
    return {membership: first.setdefault(root(org), membership) for membership, org in rows}


def named(memberships: Iterable[int]) -> dict[int, Named]:
    """Return what holders are called, in the reader's language."""
    ids, found = sorted(set(memberships)), {}
    for at in range(0, len(ids), TOGETHER):
        rows = db.session.execute(
            select(
                Membership.id, Organisation.uid, Organisation.legal_name, Organisation.legal_name_en,
                Organisation.display_name_zh, Organisation.display_name_en,
            )
            .join(Organisation, Organisation.id == Membership.org_id)
            .where(Membership.id.in_(ids[at : at + TOGETHER]))
        )  # fmt: skip
        found.update({number: Named(uid, called(*names)) for number, uid, *names in rows})
    return found
