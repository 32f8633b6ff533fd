"""How a membership ends by somebody's word: resigned and taken back, cancelled with its credit note, expelled by the board."""

from __future__ import annotations

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import issuing
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.members import closing, endings, leaving_letters, terms
from portal.members.belonging import Ending, Membership, Term
from portal.members.models import Application, ApplicationState
from portal.members.standing import EndingCause, Standing

C = EndingCause


def last_day_of_membership(membership: Membership) -> date | None:
    """Return the first day without any term, which a resignation proposes; None for a term without end."""
    last = endings.reach(membership)
    return next(stop for row, (stop, _ending) in endings.terms_of(membership) if row.id == last.id)


def why_not_resign(membership: Membership) -> object | None:
    """Return in words why nobody can resign now; None if a signatory can."""
    if endings.standing_endings(membership, C.RESIGNED) and resigned(membership):
        return _l("The resignation is on record already.")
    until = max((stop or date.max for _row, (stop, _ending) in endings.terms_of(membership)), default=None)
    if until is None:
        return _l("This organisation was never a member: there is no term.")
    if until <= clock.today() and membership.standing is not Standing.GRACE:
        return _l("The membership is over already.")
    return None


def resigned(membership: Membership) -> bool:
    """Return whether the term that lasts the longest ends by a resignation."""
    last = endings.reach(membership)
    found = {row.id: ending for row, (_stop, ending) in endings.terms_of(membership)}[last.id]
    return found is not None and found.cause is C.RESIGNED


def announced(membership: Membership) -> date | None:
    """Return the first day without membership that a resignation on record names; None if there is none."""
    said = endings.standing_endings(membership, C.RESIGNED)
    return min(row.on for row in said) if said and resigned(membership) else None


def resign(membership: Membership, *, by: Person, on: date | None = None, reason: str = "") -> list[Ending]:
    """Say that the membership ends on a day (its first without rights): from today on, by itself the end of the term."""
    endings.lock(membership)
    row = membership
    if why := why_not_resign(row):
        raise Refused(str(why))
    end, today = last_day_of_membership(row), clock.today()
    day = on or end or today
    if day < today and (end is None or end > today or on is not None):
        raise Refused(_l("The day lies in the past."), field="on", status=422)
    if end is not None and day > max(end, today):
        raise Refused(_l("The membership ends before that day."), field="on", status=422)
    made = endings.end(row, on=day, cause=C.RESIGNED, by=by, reason=reason)
    leaving_letters.resigned(row, made[0])
    return made


def why_not_undo(membership: Membership, *, staff: bool) -> object | None:
    """Return in words why a resignation cannot be taken back; None if it can."""
    said = endings.standing_endings(membership, C.RESIGNED)
    if not said or not resigned(membership):
        return _l("There is no resignation to take back.")
    on, known = min(row.on for row in said), max(row.recorded_at for row in said)
    today, ended = clock.today(), {row.term_id for row in said}
    later = (
        row for row, _stop in endings.terms_of(membership) if row.id not in ended and row.recorded_at > known
    )
    if next(later, None) is not None:
        return _l("A later term has begun or is on record: the resignation stands.")
    last = max(on, clock.day_of(known))
    if not staff and today > last:
        return _l("The day has come. Please write to us if you want to come back.")
    if staff and today > last + timedelta(days=int(catalogue.policy("resignation.undo_days"))):
        return _l("The time to take the resignation back is over.")
    return None


def undo_resignation(membership: Membership, *, by: Person, reason: str = "", staff: bool = False) -> None:
    """Take a resignation back, as if it had never been said; the member until its day, a reviewer for a while after."""
    row = terms.locked(membership)
    if why := why_not_undo(row, staff=staff):
        raise Refused(str(why))
    said = endings.standing_endings(row, C.RESIGNED)
    endings.undo(row, said, by=by, reason=reason)
    leaving_letters.taken_back(row, said[0])


def cancel_term(
    membership: Membership, term: Term, *, on: date, by: Person, second: Person, reason: str
) -> Ending:
    """End a term whose money was all given back by a credit note, on the day finance chose."""
    endings.lock(membership)
    row, found = membership, {one.id: stop for one, stop in endings.terms_of(membership)}
    if term.id not in found:
        raise Refused(_l("This term is not one of this member's."), field="term", status=422)
    stop, ending = found[term.id]
    if ending is not None and ending.on <= term.start:
        raise Refused(_l("This term was ended before it began."), field="term", status=422)
    if term.charged > Money(0) and (term.invoice is None or issuing.cover(term.invoice) != "reversed"):
        raise Refused(_l("First a credit note over all of the invoice; then the term can be cancelled."))
    if not term.start <= on <= (stop or on):
        raise Refused(_l("The day must lie within the term."), field="on", status=422)
    made = endings.end(row, on=on, cause=C.CANCELLED, by=by, reason=reason, second=second.name, only=term)
    leaving_letters.cancelled(row, made[0])
    return made[0]


def expel(
    membership: Membership, *, on: date, barred_until: date | None, by: Person, second: Person, reason: str
) -> list[Ending]:
    """Expel a member by the board's decision, barred until a day or (none) for good; open applications are closed."""
    _close_applications(membership, by, reason)
    endings.lock(membership)
    row = membership
    if row.standing is Standing.EXPELLED:
        raise Refused(_l("The member is expelled already."))
    if barred_until is not None and barred_until <= on:
        raise Refused(_l("The bar ends after the day of the expulsion."), field="barred_until", status=422)
    made = endings.end(
        row, on=on, cause=C.EXPELLED, by=by, reason=reason, second=second.name, barred_until=barred_until,
        for_good=barred_until is None,
    )  # fmt: skip
    leaving_letters.expelled(row, made[0])
    return made


def _close_applications(membership: Membership, by: Person, reason: str) -> None:
    """Close what was approved and waits to be signed and paid: what arrives for it is held as credit."""
    waiting = select(Application).where(
        Application.org_id == membership.org_id, Application.state == ApplicationState.APPROVED
    )
    for application in db.session.scalars(waiting.order_by(Application.id)).all():
        closing.close(application, by=by, reason=reason)


def set_founding(membership: Membership, *, founding: bool, by: Person, second: Person, reason: str) -> None:
    """Give the founding badge, or take it: a badge and a rule of price, no tier."""
    row = terms.locked(membership)
    if row.founding is founding:
        raise Refused(_l("That is so already."))
    row.founding = founding
    db.session.flush()
    audit.record(
        "membership.founding_set", row, by=by, org_id=row.org_id, founding=founding, reason=reason, second=second.name
    )  # fmt: skip
