"""Which places a reader may see; those of others look missing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from portal.accounts.access import Reader, me
from portal.accounts.may import May
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.files import StoredFile
from portal.services.sponsors.kinds import PlaceState
from portal.services.sponsors.models import (
    NO_PLACE,
    PlaceItem,
    SponsorEdition,
    SponsorPackage,
    SponsorPlace,
)


def own(reader: Reader) -> Select[Any]:
    """Select the places of the organisations whose sponsorship a reader looks after."""
    return select(SponsorPlace).where(
        SponsorPlace.org_id.in_(reader.orgs(May.FILL_PLACES)), SponsorPlace.state != PlaceState.OPEN
    )


def _one(statement: Select[Any]) -> Any:
    row = db.session.scalars(statement).first()
    if row is None:
        raise Missing(NO_PLACE)
    return row


def own_place(uid: str) -> SponsorPlace:
    """Return one place of the reader's organisation."""
    found: SponsorPlace = _one(own(me()).where(SponsorPlace.uid == uid))
    return found


def any_place(uid: str) -> SponsorPlace:
    """Return one place for staff, whose door was checked before."""
    found: SponsorPlace = _one(select(SponsorPlace).where(SponsorPlace.uid == uid))
    return found


def any_edition(uid: str) -> SponsorEdition:
    """Return one edition."""
    found: SponsorEdition = _one(select(SponsorEdition).where(SponsorEdition.uid == uid))
    return found


def any_package(uid: str) -> SponsorPackage:
    """Return one package."""
    found: SponsorPackage = _one(select(SponsorPackage).where(SponsorPackage.uid == uid))
    return found


def item_of(place: SponsorPlace, uid: str) -> PlaceItem:
    """Return one line of a place's checklist."""
    found: PlaceItem = _one(select(PlaceItem).where(PlaceItem.place_id == place.id, PlaceItem.uid == uid))
    return found


def file_of(place: SponsorPlace, uid: str) -> StoredFile:
    """Return the file of a line of a place's checklist."""
    found = item_of(place, uid).file
    if found is None:
        raise Missing(NO_PLACE)
    return found
