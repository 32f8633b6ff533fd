"""What becomes of claims when a term opens, a tier changes, a membership ends or an application is closed."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing.events import InvoiceSettled
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.members import benefit_letters as letters
from portal.members import granting, honouring, review, seating, terms
from portal.members.belonging import Grant, Membership
from portal.members.benefit_models import UNCONFIRMED, Claim, ClaimState, EarlyLeave
from portal.members.deciding import decide, settle_by_rule
from portal.members.events import ApplicationClosed, StandingChanged, TermOpened
from portal.members.granting import Held
from portal.members.honouring import GONE
from portal.members.models import Application, ApplicationState
from portal.members.standing import Standing

C = ClaimState


def allow_early(application: Application, *, by: Person, reason: str) -> EarlyLeave:
    """Let an approved applicant make provisional claims before it has signed and paid."""
    row = review.locked(application.id)
    review.refuse_conflict(by, row)
    if row.state is not ApplicationState.APPROVED:
        raise Refused(_l("Only an approved application that is not fulfilled can be given leave to claim."))
    if leave_of(row) is not None:
        raise Refused(_l("Leave to claim is given already."))
    leave = EarlyLeave(application=row, by=by, reason=reason)
    db.session.add(leave)
    membership = terms.found_membership(row.org)
    granting.grant_early(row, membership)
    audit.record("application.early_claims", row, by=by, org_id=row.org_id, reason=reason)
    letters.early(membership, row.uid)
    return leave


def leave_of(application: Application) -> EarlyLeave | None:
    """Return a director's leave to claim before the membership begins."""
    return db.session.scalars(select(EarlyLeave).where(EarlyLeave.application_id == application.id)).first()


def on_term_opened(event: TermOpened) -> None:
    """Turn provisional claims into claims, and take back what the new tier does not give."""
    term = event.term
    if not _ever_claimed(term.membership):
        return
    held = granting.held_by([term.membership])
    mine = [one for one in held if one.grant.term_id == term.id]
    kept = {claim.id for one in mine for claim in one.claims}
    beyond = [claim for one in mine for claim in _beyond(one)]
    left_behind = _left_behind(held, {row.id for row in granting.before(term).values()}, kept)
    _take_back(term.membership, [*beyond, *left_behind], "tier")
    for claim in {claim.id: claim for one in mine for claim in one.claims if claim.provisional}.values():
        row = seating.locked(claim)
        row.provisional = False
        db.session.flush()
        settle_by_rule(row)


def _ever_claimed(membership: Membership) -> bool:
    mine = (
        select(Claim.id).join(Grant, Claim.grant_id == Grant.id).where(Grant.membership_id == membership.id)
    )
    return db.session.scalar(mine.limit(1)) is not None


def _left_behind(held: list[Held], ended: set[int], kept: set[int]) -> list[Claim]:
    """Return the claims on grants that nothing goes on from: of the former tier, or of early leave."""
    return [
        claim
        for one in held
        if one.grant.id in ended or (one.grant.application_id is not None and not one.superseded)
        for claim in one.claims
        if claim.id not in kept and claim.state in UNCONFIRMED
    ]


def _beyond(held: Held) -> list[Claim]:
    """Return the unconfirmed claims that go beyond what a grant gives, the newest first."""
    over = held.taken - (1 if held.grant.quantity is None else held.grant.quantity)
    found: list[Claim] = []
    for claim in sorted(held.claims, key=lambda one: (one.claimed_at, one.id), reverse=True):
        if over <= 0:
            break
        if claim.state in UNCONFIRMED:
            found.append(claim)
            over -= claim.quantity
    return found


def on_standing_changed(event: StandingChanged) -> None:
    """Take back what is not confirmed when a membership ends; an expulsion ends the confirmed claims too."""
    if event.new not in {*GONE, Standing.EXPELLED} or not _ever_claimed(event.membership):
        return
    claims = _all(event.membership)
    expelled = event.new is Standing.EXPELLED
    if expelled:
        _release([one for one in claims if one.state is C.CONFIRMED], reason="expelled")
    _take_back(
        event.membership,
        [one for one in claims if one.state in UNCONFIRMED],
        "expelled" if expelled else "ended",
    )


def on_application_closed(event: ApplicationClosed) -> None:
    """Let provisional claims fall away with their application, and free the capacity they held."""
    application = event.application
    mine = select(Claim).join(Grant, Claim.grant_id == Grant.id).where(Grant.application_id == application.id)
    rows = db.session.scalars(mine.order_by(Claim.id)).all()
    if rows:
        _take_back(rows[0].grant.membership, [one for one in rows if one.state in UNCONFIRMED], "closed")


def on_settled(event: InvoiceSettled) -> None:
    """Write what the things on a settled invoice give."""
    granting.grant_bought(event.invoice)


def _all(membership: Membership) -> list[Claim]:
    found = {claim.id: claim for one in granting.held_by([membership]) for claim in one.claims}
    return list(found.values())


def _take_back(membership: Membership, claims: Iterable[Claim], why: str) -> None:
    """Withdraw claims in the order of their periods, give their places on, and tell the member once."""
    found = []
    for claim in sorted(claims, key=lambda one: (one.round_id or 0, one.id)):
        row = seating.locked(claim)
        if row.state in UNCONFIRMED:
            decide(row, C.WITHDRAWN, by="membership", reason=why)
            found.append(row)
    for number in sorted({row.round_id for row in found if row.round_id is not None}):
        seating.promote(next(row.round for row in found if row.round_id == number))
    letters.taken_back(membership, found, why)


def _release(claims: Iterable[Claim], *, reason: str) -> None:
    for claim in sorted(claims, key=lambda one: (one.round_id or 0, one.id)):
        row = seating.locked(claim)
        if row.state is C.CONFIRMED:
            decide(row, C.RELEASED, by="membership", reason=reason)
            seating.promote(row.round)


def drop_overdue(membership: Membership) -> int:
    """Take back what waits on grants whose time is over, and what a membership that ended left open; return how many."""
    today, found = clock.today(), {}
    held = granting.held_by([membership])
    running = {claim.id for one in held if one.runs(today) for claim in one.claims}
    gone = membership.standing in {*GONE, Standing.EXPELLED}
    for claim in (claim for one in held for claim in one.claims):
        over = claim.state is C.WAITING and claim.id not in running
        if over or (gone and not claim.provisional and claim.state in UNCONFIRMED):
            found[claim.id] = claim
    _take_back(membership, found.values(), "ended" if gone else "over")
    return len(found)


def release_unhonoured(membership: Membership) -> int:
    """Release what was confirmed once the days for which a lapse is honoured are over; return how many."""
    until = honouring.honoured_until(membership)
    if membership.standing not in GONE or until is None or clock.today() < until:
        return 0
    rows = [one for one in _all(membership) if one.state is C.CONFIRMED]
    _release(rows, reason="not used in time")
    return len(rows)
