"""What happens to places as time passes: holds end, signed places come into use on the first day."""

from __future__ import annotations

from sqlalchemy import select

from portal.core import clock
from portal.core.db import db
from portal.core.rows import each, ids_of
from portal.services.sponsors import taking
from portal.services.sponsors.kinds import PlaceState
from portal.services.sponsors.models import SponsorEdition, SponsorPackage, SponsorPlace

P = PlaceState


def release_holds() -> int:
    """Let places go whose hold is over, and let signed ones begin on the first day of their edition."""
    over = select(SponsorPlace.id).where(SponsorPlace.state == P.HELD, SponsorPlace.held_until <= clock.now())
    count = each("release_holds", ids_of(over.order_by(SponsorPlace.id)), _lapse)
    due = (
        select(SponsorPlace.id)
        .join(SponsorPackage, SponsorPlace.package_id == SponsorPackage.id)
        .join(SponsorEdition, SponsorPackage.edition_id == SponsorEdition.id)
        .where(SponsorPlace.state == P.SIGNED, SponsorEdition.first_day <= clock.today())
        .order_by(SponsorPlace.id)
    )
    return count + each("release_holds", ids_of(due), _begin)


def _lapse(number: int) -> int:
    return int(taking.lapse(db.session.get_one(SponsorPlace, number), by="release_holds"))


def _begin(number: int) -> int:
    return int(taking.begin(db.session.get_one(SponsorPlace, number), by="release_holds"))
