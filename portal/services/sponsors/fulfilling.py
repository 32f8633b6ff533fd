"""What a place promises: handed in by the sponsor, given and proved by the foundation, until all of it is done."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.files import Content, StoredFile
from portal.core.states import move
from portal.services.sponsors import letters, taking
from portal.services.sponsors.kinds import PlaceState, PromiseKind, PromiseState
from portal.services.sponsors.models import PlaceItem, SponsorPlace

S, P = PromiseState, PlaceState
LIVE = (P.SIGNED, P.RUNNING)


def items(place: SponsorPlace) -> list[PlaceItem]:
    """Return the checklist of a place, by day."""
    rows = select(PlaceItem).where(PlaceItem.place_id == place.id)
    return list(db.session.scalars(rows.order_by(PlaceItem.due_on, PlaceItem.id)))


def unfulfilled(place: SponsorPlace) -> list[PlaceItem]:
    """Return what a place still waits for."""
    return [one for one in items(place) if one.state is not S.DONE]


def _live(item: PlaceItem) -> PlaceItem:
    place = taking.locked(item.place)
    if place.state not in LIVE:
        raise Refused(_l("This place is not in use: its checklist is closed."))
    return db.session.get_one(PlaceItem, item.id, populate_existing=True)


def _attach(row: PlaceItem, file: tuple[Content, str] | None) -> None:
    if file is None:
        return
    content, name = file
    row.file = StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="sponsor",
        org_id=row.place.org_id,
    )  # fmt: skip


def hand_in(item: PlaceItem, *, by: Person, words: str, file: tuple[Content, str] | None = None) -> None:
    """Hand in what the foundation asked for: a file, or words that say where it is."""
    row = _live(item)
    if row.kind is not PromiseKind.ASSET:
        raise Refused(_l("This is for the foundation to give."))
    if not words.strip() and file is None:
        raise Refused(_l("Please attach a file, or say where it is."), field="words", status=422)
    move(row, S.GIVEN)
    row.given, row.back = words.strip()[:500], ""
    _attach(row, file)
    db.session.flush()
    audit.record("place.handed_in", row.place, by=by, org_id=row.place.org_id, promise=row.words["en"])
    letters.handed_in(row)


def send_back(item: PlaceItem, *, by: Person, reason: str) -> None:
    """Say why what was handed in cannot be used."""
    row = _live(item)
    if row.state is not S.GIVEN:
        raise Refused(_l("Nothing of this was handed in."))
    move(row, S.DUE)
    row.back = reason.strip()[:300]
    audit.record(
        "place.sent_back", row.place, by=by, org_id=row.place.org_id, promise=row.words["en"], reason=row.back
    )
    letters.sent_back(row)


def prove(item: PlaceItem, *, by: Person, proof: str, file: tuple[Content, str] | None = None) -> None:
    """Say that something is done, and how one sees it."""
    row = _live(item)
    if row.kind is PromiseKind.ASSET and row.state is not S.GIVEN:
        raise Refused(_l("The sponsor has not handed this in."))
    if not proof.strip():
        raise Refused(_l("Please say how one sees that it is done."), field="proof", status=422)
    move(row, S.DONE)
    row.proof, row.done_at = proof.strip()[:500], clock.now()
    if row.file is None:
        _attach(row, file)
    db.session.flush()
    audit.record(
        "place.proved", row.place, by=by, org_id=row.place.org_id, promise=row.words["en"], proof=row.proof
    )


def fulfil(place: SponsorPlace, *, by: Person) -> None:
    """Close a place of which every promise is kept and proved."""
    row = taking.locked(place)
    if row.state is P.RUNNING and (left := unfulfilled(row)):
        raise Refused(_l("%(count)s of the promises are not proved yet.", count=len(left)))
    move(row, P.FULFILLED)
    audit.record("place.fulfilled", row, by=by, org_id=row.org_id)
    letters.fulfilled(row)
