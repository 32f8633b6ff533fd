"""What always holds of sponsors' places, checked on the stored rows by `portal verify`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import combinations

from sqlalchemy import select

from portal.accounts.groups import group_of
from portal.core import clock
from portal.core.db import db
from portal.services.sponsors import fulfilling, taking
from portal.services.sponsors.exclusion import Taker, conflict
from portal.services.sponsors.kinds import SOLD, PlaceState
from portal.services.sponsors.models import SponsorEdition, SponsorPlace


def _then(taker: Taker, place: SponsorPlace, day: date) -> Taker:
    """Return a taker with its corporate group of a day: what was bought or sold since makes no fault."""
    return replace(taker, group=group_of(place.org, on=day)) if place.org is not None else taker


def verify_places() -> tuple[int, list[str]]:
    """Return how many places were looked at and a sentence for each fault."""
    found: list[str] = []
    for edition in db.session.scalars(select(SponsorEdition).order_by(SponsorEdition.id)):
        for (one, asking), (other, against) in combinations(taking.taken(edition, clock.now()), 2):
            day = max(one.signed_on or clock.today(), other.signed_on or clock.today())
            if conflict(_then(asking, one, day), _then(against, other, day)):
                found.append(f"{one.subject}: it and {other.subject} exclude each other")
    rows = list(db.session.scalars(select(SponsorPlace).order_by(SponsorPlace.id)))
    for row in rows:
        if row.state in SOLD and (row.invoice is None or row.order is None):
            found.append(f"{row.subject}: it is sold without an order and an invoice")
        if row.state is PlaceState.FULFILLED and fulfilling.unfulfilled(row):
            found.append(f"{row.subject}: it is closed with promises that are not proved")
    return len(rows), found
