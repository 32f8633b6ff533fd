"""What is decided about a claim, by whom the catalogue says, and what needs nobody's word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.accounts.may import StaffRole
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden
from portal.core.states import move
from portal.members import honouring
from portal.members.benefit_models import Claim, ClaimState

AUTOMATIC = "automatic"


def confirmer(body: Mapping[str, Any]) -> str:
    """Return who confirms claims of a benefit: a role of staff, or `automatic`."""
    return str(body.get("confirmed_by") or AUTOMATIC)


def claimable(body: Mapping[str, Any]) -> bool:
    """Whether a benefit is claimed at all; others are simply there while the grant runs."""
    return bool(body.get("confirmed_by"))


def definition(claim: Claim) -> dict[str, Any]:
    """Return the definition in force; that of the grant's day where the benefit is no longer offered."""
    code = claim.grant.benefit
    granted = catalogue.entries("benefit", on=claim.grant.start).get(code, {})
    return catalogue.entries("benefit").get(code, granted)


def decide(claim: Claim, to: ClaimState, *, by: Person | str, reason: str = "") -> None:
    """Take one step of a claim's life and write down who took it and why."""
    move(claim, to)
    claim.decided_at, claim.reason = clock.now(), reason
    claim.decided_by = str(getattr(by, "name", by))[:120]
    audit.record(
        f"benefit.{to.value}", claim, by=by, org_id=claim.grant.membership.org_id, benefit=claim.grant.benefit,
        quantity=claim.quantity, **({"reason": reason} if reason else {}),
    )  # fmt: skip
    db.session.flush()


def settle_by_rule(claim: Claim) -> None:
    """Confirm at once what needs nobody's word."""
    if (
        claim.state is ClaimState.CLAIMED
        and not claim.provisional
        and confirmer(definition(claim)) == AUTOMATIC
    ):
        decide(claim, ClaimState.CONFIRMED, by=AUTOMATIC)


def refuse_unless_confirmer(claim: Claim, *, by: Person, roles: frozenset[StaffRole]) -> None:
    """Let only the role named in the catalogue decide, and nobody for an organisation he acts for."""
    who = confirmer(definition(claim))
    if who != AUTOMATIC and who not in {role.value for role in roles}:
        raise Forbidden(_l("Claims of this benefit are confirmed by another role."))
    if honouring.acts_for(by, claim.grant.membership.org):
        raise Forbidden(_l("You act for this member; somebody else must decide."))
