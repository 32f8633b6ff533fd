"""What one of staff proposes about a licence and another decides: to revoke it, to sign a file for longer than usual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError

from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.states import move
from portal.services.licences import files, life, plans
from portal.services.licences.locking import lock
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.record import LicenceProposal, ProposedState, Verb


def _revoke(row: LicenceProposal, second: Person) -> object:
    return life.revoke(row.licence_id, reason=row.reason, by=row.by, second=second.name)


def _long_file(row: LicenceProposal, _second: Person) -> object:
    most = plans.rule("offline_days_most")
    return files.issue(
        row.licence_id, row.detail["fingerprints"], row.detail["days"], by=row.by, most_days=most
    )


EFFECTS: dict[Verb, Callable[[LicenceProposal, Person], object]] = {
    Verb.REVOKE: _revoke,
    Verb.LONG_FILE: _long_file,
}


def propose(row: Licence, verb: Verb, *, reason: str, by: Person, **detail: Any) -> LicenceProposal:
    """Propose a step; one of a kind waits at a time, and nothing happens before somebody else decides."""
    row = lock(row.id)
    if row.final:
        raise Refused(_l("The life of this licence is over."))
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    made = LicenceProposal(licence=row, verb=verb, detail=detail, reason=reason.strip()[:300], by=by)
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError as error:
        raise Refused(_l("This is proposed already and waits for a second person.")) from error
    audit.record("licence.proposed", row, by=by, org_id=row.org_id, step=verb, reason=made.reason)
    return made


def decide(proposal: LicenceProposal, confirmed: bool, *, by: Person) -> LicenceProposal:
    """Confirm what another proposed, and let it happen; or decline it, which whoever proposed may do as well."""
    row = lock(proposal.licence_id)
    db.session.refresh(proposal)
    if proposal.state is not ProposedState.PROPOSED:
        raise Refused(_l("This was decided already."))
    if confirmed and proposal.by_id == by.id:
        raise Forbidden(_l("Somebody else must confirm what you proposed."))
    proposal.second, proposal.decided_at = by, clock.now()
    move(proposal, ProposedState.CONFIRMED if confirmed else ProposedState.DECLINED)
    db.session.flush()
    verb = "licence.proposal_confirmed" if confirmed else "licence.proposal_declined"
    audit.record(verb, row, by=by, org_id=row.org_id, step=proposal.verb, reason=proposal.reason)
    if confirmed:
        EFFECTS[proposal.verb](proposal, by)
    return proposal


def waiting() -> Select[LicenceProposal]:
    """Select what waits for a second person, the oldest first."""
    return (
        select(LicenceProposal)
        .where(LicenceProposal.state == ProposedState.PROPOSED)
        .order_by(LicenceProposal.created_at, LicenceProposal.id)
    )


def of(row: Licence) -> list[LicenceProposal]:
    """Return the proposals about a licence, the newest first."""
    found = select(LicenceProposal).where(LicenceProposal.licence_id == row.id)
    return list(db.session.scalars(found.order_by(LicenceProposal.id.desc())))


def count_waiting() -> Select[int]:
    """Select how many proposals wait."""
    return select(func.count(LicenceProposal.id)).where(LicenceProposal.state == ProposedState.PROPOSED)
