"""What always holds of counted rights, checked on the stored rows by `portal verify`."""

from __future__ import annotations

from sqlalchemy import select

from portal.core import clock
from portal.core.db import db
from portal.members.belonging import Membership
from portal.services.consumed import counting


def verify_consumed() -> tuple[int, list[str]]:
    """Return how many counted rights were looked at and a sentence for each fault."""
    number, found, today = 0, [], clock.today()
    for membership in db.session.scalars(select(Membership).order_by(Membership.id)):
        for one in counting.of(membership, today):
            number += 1
            if not one.adds_up:
                found.append(f"{one.grant.subject}: used, held and left are not what was granted")
    return number, found
