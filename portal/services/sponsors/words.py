"""How the history of sponsorship reads, the page that an entry opens, and what follows when companies merge."""

from __future__ import annotations

from flask import url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import audit_office, merging
from portal.accounts.merging import OrganisationsMerged
from portal.core import personal, story
from portal.core.db import db
from portal.core.personal import Keeping, Purpose
from portal.services.sponsors.models import SponsorEdition, SponsorPlace


def _place(number: int) -> str | None:
    row = db.session.get(SponsorPlace, number)
    return url_for("sponsors_office.place", uid=row.uid) if row is not None else None


def _edition(number: int) -> str | None:
    row = db.session.get(SponsorEdition, number)
    return url_for("sponsors_office.edition", uid=row.uid) if row is not None else None


def install() -> None:
    """Name the verbs, their details, and the pages that an entry opens; say that a title here is no person's."""
    audit_office.opens("sponsor_place", _place)
    audit_office.opens("sponsor_edition", _edition)
    story.words(_VERBS, _DETAILS)
    personal.no_person("sponsor_package.title")
    personal.holds(Purpose.MONEY, Keeping.BOOKS, "sponsor_place_item.file_id")


def on_merged(event: OrganisationsMerged) -> None:
    """Let the places of a merged company belong to the one that is kept."""
    merge = event.merge
    rows = select(SponsorPlace).where(SponsorPlace.org_id == merge.duplicate.id).order_by(SponsorPlace.id)
    for row in db.session.scalars(rows).all():
        merging.move(merge, row, "org_id", merge.kept.id)


_DETAILS = {
    "event": _l("Event"), "year": _l("Year"), "package": _l("Package"), "price": _l("Price"), "quantity": _l("Quantity"),
    "stays_due": _l("Per cent that stay due"), "promise": _l("Promise of a place"), "proof": _l("Proof"), "first_day": _l("First day of the event"),
}  # fmt: skip
_VERBS = {
    "sponsorship.announced": (_l("Edition written down"), "calendar-event"),
    "sponsorship.offered": (_l("Package offered"), "box-seam"),
    "sponsorship.promised": (_l("Promise added to a package"), "list-check"),
    "place.held": (_l("Place held"), "bookmark"),
    "place.let_go": (_l("Place let go"), "bookmark-x"),
    "place.signed": (_l("Contract signed"), "pen"),
    "place.began": (_l("Place in use"), "play-circle"),
    "place.handed_in": (_l("Handed in by the sponsor"), "file-earmark-arrow-up"),
    "place.sent_back": (_l("Sent back"), "arrow-return-left"),
    "place.proved": (_l("Done and proved"), "check2-circle"),
    "place.fulfilled": (_l("Place fulfilled"), "trophy"),
    "place.leaving": (_l("Cancellation proposed"), "door-open"),
    "place.kept": (_l("Cancellation not confirmed"), "arrow-counterclockwise"),
    "place.cancelled": (_l("Place cancelled"), "x-circle"),
}
