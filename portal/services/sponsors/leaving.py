"""Cancelling a place: a manager proposes, finance confirms; what stays due follows the scale by days, the rest is credited."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing.crediting import issue_note, propose_note
from portal.billing.note_models import NoteKind
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.money import Money, half_up
from portal.core.states import may_move, move
from portal.services.sponsors import exclusion, letters, taking
from portal.services.sponsors.kinds import PlaceState
from portal.services.sponsors.models import SponsorPlace

P = PlaceState


def percent(place: SponsorPlace) -> int:
    """Return how many per cent of the price stay due if a place is cancelled today."""
    edition = place.package.edition
    scale = [(int(days), int(share)) for days, share in edition.scale]
    return exclusion.percent_due(scale, edition.first_day, clock.today())


def stays_due(price: Money, share: int) -> Money:
    """Return what of a price stays due."""
    return Money(half_up(price.minor * share, 100), price.currency)


def propose(place: SponsorPlace, *, by: Person, reason: str) -> None:
    """Propose to cancel a signed place: the day of the proposal decides what stays due."""
    row = taking.locked(place)
    if not may_move(row, P.CANCELLED):
        raise Refused(_l("Only a signed place is cancelled; one that is held is let go."))
    if row.leaving_by is not None:
        raise Refused(_l("Somebody has proposed to cancel this place already."))
    row.leaving_by, row.leaving_reason, row.leaving_percent = by, reason.strip()[:300], percent(row)
    audit.record(
        "place.leaving",
        row,
        by=by,
        org_id=row.org_id,
        stays_due=row.leaving_percent,
        reason=row.leaving_reason,
    )
    letters.leaving(row)


def _proposed(place: SponsorPlace, by: Person) -> SponsorPlace:
    row = taking.locked(place)
    if row.leaving_by is None:
        raise Refused(_l("Nobody proposes to cancel this place."))
    if row.leaving_by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: finance confirms it."))
    return row


def keep(place: SponsorPlace, *, by: Person) -> None:
    """Leave a place as it is."""
    row = _proposed(place, by)
    row.leaving_by, row.leaving_percent = None, None
    audit.record("place.kept", row, by=by, org_id=row.org_id)


def cancel(place: SponsorPlace, *, by: Person) -> None:
    """Cancel a place as proposed: a credit note over what is not due any more, and the place is for sale again."""
    row = _proposed(place, by)
    move(row, P.CANCELLED)
    _credit(row, by=by)
    taking.end_kept(row)
    if clock.today() < row.package.edition.first_day:
        last = select(func.max(SponsorPlace.n)).where(SponsorPlace.package_id == row.package_id)
        db.session.add(SponsorPlace(package=row.package, n=int(db.session.scalar(last) or 0) + 1))
    db.session.flush()
    audit.record("place.cancelled", row, by=by, org_id=row.org_id, stays_due=row.leaving_percent)
    letters.cancelled(row)


def _credit(row: SponsorPlace, *, by: Person) -> None:
    share, invoice, proposer = row.leaving_percent or 0, row.invoice, row.leaving_by
    if share == 100 or invoice is None or proposer is None:
        return
    if share == 0:
        note = propose_note(invoice, NoteKind.CANCELLATION, by=proposer, reason=row.leaving_reason)
    else:
        nets = {line.id: line.net - stays_due(line.net, share) for line in invoice.lines}
        note = propose_note(
            invoice, NoteKind.PRICE_ADJUSTMENT, by=proposer, reason=row.leaving_reason, nets=nets
        )
    issue_note(note, by=by)
