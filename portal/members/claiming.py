"""Claims: a member asks for a benefit, the foundation confirms, it is used; each step under the locks of what it takes."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.may import StaffRole
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.members import allotment, granting, honouring, seating, terms
from portal.members import benefit_letters as letters
from portal.members.belonging import Grant, Membership
from portal.members.benefit_models import TAKEN, Claim, ClaimState
from portal.members.deciding import claimable, decide, refuse_unless_confirmer, settle_by_rule
from portal.members.granting import Held
from portal.members.standing import Answer, Right

C = ClaimState


def refusal(held: Held, *, on: date) -> Any:
    """Return why nothing of a grant can be claimed on a day, in words; None if something can."""
    row = held.grant
    if not claimable(held.body):
        return _l("This benefit needs no claim: it is there while the membership runs.")
    if row.application_id is None and terms.may(row.membership, Right.NEW_CLAIMS, on=on) is not Answer.YES:
        return _l("While the membership stands as it does, no new claims can be made.")
    if row.claim_by is not None and on > row.claim_by and held.runs(on):
        return _l("The last day to claim this has passed.")
    if not held.runs(on):
        return _l("This grant is not in force today.")
    return None if held.left(on) else _l("Nothing of this is left.")


def locked_member(membership_id: int) -> Membership:
    """Return a membership under its lock: who claims, and who opens a term, waits here in turn."""
    return db.session.scalars(
        select(Membership)
        .where(Membership.id == membership_id)
        .with_for_update(of=Membership)
        .execution_options(populate_existing=True)
    ).one()


def claim(grant: Grant, quantity: int, *, by: Person, note: str = "") -> Claim:
    """Ask for some of a grant: never more than is left, and within the capacity of all, else on the waiting list."""
    today, membership = clock.today(), locked_member(grant.membership_id)
    every = granting.held_by([membership])
    held = next(one for one in every if one.grant.id == grant.id)
    if (why := refusal(held, on=today)) is not None:
        raise Refused(why)
    _refuse_quantity(held, quantity, today)
    _refuse_excluded(held, every, today)
    tier, category = _group(held.grant)
    row = Claim(
        grant=held.grant, quantity=quantity, by=by, note=note, provisional=held.grant.application_id is not None,
        tier=tier, category=category,
    )  # fmt: skip
    seating.take_place(row, held.body)
    db.session.add(row)
    db.session.flush()
    audit.record(
        "benefit.claimed", row, by=by, org_id=membership.org_id, benefit=row.grant.benefit, quantity=quantity,
        waiting=row.state is C.WAITING, provisional=row.provisional,
    )  # fmt: skip
    if row.state is C.WAITING:
        seating.promote(row.round)
    settle_by_rule(row)
    return row


def _group(grant: Grant) -> allotment.Group:
    """Return the tier and category by which a claim on a grant stands in a queue."""
    if grant.term is not None:
        return grant.term.tier, grant.term.category
    asked = grant.application.tier if grant.application is not None else grant.membership.tier
    return asked, grant.membership.org.category


def _refuse_quantity(held: Held, quantity: int, today: date) -> None:
    left = held.left(today)
    if quantity < 1 or (held.grant.quantity is None and quantity != 1):
        raise Refused(_l("Please say how many, at least one."), field="quantity", status=422)
    if quantity > left:
        raise Refused(
            _l("Only %(left)s of this is left.", left=left), field="quantity", status=422
        )  # fmt: skip


def _refuse_excluded(held: Held, every: list[Held], today: date) -> None:
    """Refuse what excludes, or is excluded by, something claimed from a grant that runs."""
    code, mine = held.grant.benefit, set(held.body.get("exclusive_with", ()))
    for other in every:
        theirs = other.body.get("exclusive_with", ())
        if not other.runs(today) or not (other.grant.benefit in mine or code in theirs):
            continue
        if other.grant.benefit != code and any(one.state in TAKEN for one in other.claims):
            raise Refused(
                _l(
                    "This cannot be had together with “%(other)s”, which is claimed already.",
                    other=catalogue.in_words(other.body["name"]),
                )
            )


def confirm(claim: Claim, *, by: Person, roles: frozenset[StaffRole]) -> None:
    """Confirm a claim; provisional ones wait until the membership begins."""
    row = seating.locked(claim)
    refuse_unless_confirmer(row, by=by, roles=roles)
    if row.provisional:
        raise Refused(_l("This claim is provisional: it can be confirmed once the membership has begun."))
    if row.state is C.WAITING:
        raise Refused(_l("This claim is on the waiting list: there is no place for it yet."))
    if terms.may(row.grant.membership, Right.USE_BENEFITS) is not Answer.YES:
        raise Refused(_l("While the membership stands as it does, nothing new can be confirmed."))
    decide(row, C.CONFIRMED, by=by)
    letters.confirmed(row)


def decline(claim: Claim, *, by: Person, roles: frozenset[StaffRole], reason: str) -> None:
    """Decline a claim with a reason; the place goes to whoever is next."""
    row = seating.locked(claim)
    refuse_unless_confirmer(row, by=by, roles=roles)
    decide(row, C.DECLINED, by=by, reason=reason)
    letters.declined(row)
    seating.promote(row.round)


def withdraw(claim: Claim, *, by: Person | str, reason: str = "") -> None:
    """Take back a claim that is not confirmed; the place goes to whoever is next."""
    row = seating.locked(claim)
    decide(row, C.WITHDRAWN, by=by, reason=reason)
    seating.promote(row.round)


def release(claim: Claim, *, by: Person | str, reason: str) -> None:
    """Give back what was confirmed and is not needed, or may no longer be used."""
    row = seating.locked(claim)
    decide(row, C.RELEASED, by=by, reason=reason)
    seating.promote(row.round)


def use(claim: Claim, *, by: Person, roles: frozenset[StaffRole], on: date, reason: str = "") -> None:
    """Write down that a confirmed claim was used: while it may be, and for a while after a lapse."""
    row = seating.locked(claim)
    refuse_unless_confirmer(row, by=by, roles=roles)
    if on > clock.today():
        raise Refused(_l("This day lies ahead."), field="used_on", status=422)
    if on < clock.day_of(row.claimed_at):
        raise Refused(_l("It was not claimed yet on that day."), field="used_on", status=422)
    if row.state is C.CONFIRMED and not honouring.may_use(row, on=on):
        raise Refused(_l("On that day the membership gave no right to use benefits."))
    decide(row, C.USED, by=by, reason=reason)
    row.used_on = on
