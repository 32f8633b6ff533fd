"""The keys that sign licences, as two keepers of keys handle them on a page: proposed, confirmed, done."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select, update
from sqlalchemy.exc import IntegrityError

from portal.accounts.people import Person
from portal.core import audit, clock, signing
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.signing import KeyState, KeyUse, SigningKey
from portal.core.states import move
from portal.services.licences import proving
from portal.services.licences.models.record import LicenceFile, ProposedState
from portal.services.licences.models.steps import KeyDeed, KeyStep

D, S = KeyDeed, KeyState
POSSIBLE: dict[KeyState, tuple[KeyDeed, ...]] = {
    S.NEXT: (D.ACTIVATE, D.RETIRE, D.COMPROMISE),
    S.ACTIVE: (D.RETIRE, D.COMPROMISE),
    S.RETIRED: (D.COMPROMISE,),
    S.COMPROMISED: (),
}


def key(kid: str) -> SigningKey:
    """Return a key that signs licences."""
    row = signing.found(kid)
    if row.use is not KeyUse.LICENCE:
        raise Missing(_l("There is no key %(kid)s.", kid=kid))
    return row


def possible(row: SigningKey) -> tuple[KeyDeed, ...]:
    """Return what may be done with a key as it stands."""
    return POSSIBLE[row.state]


def propose(deed: KeyDeed, kid: str, *, reason: str, by: Person) -> KeyStep:
    """Propose a step; nothing happens before another keeper confirms it."""
    if deed is not D.ADD and deed not in possible(key(kid)):
        raise Refused(_l("This is not possible with the key as it stands."))
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    made = KeyStep(deed=deed, kid="" if deed is D.ADD else kid, reason=reason.strip()[:300], by=by)
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError as error:
        raise Refused(_l("This is proposed already and waits for a second person.")) from error
    audit.record("key.step_proposed", made, by=by, deed=deed, kid=made.kid, reason=made.reason)
    return made


def decide(step: KeyStep, confirmed: bool, *, by: Person) -> KeyStep:
    """Confirm what another keeper proposed, and do it; or decline it."""
    if confirmed and step.by_id == by.id:
        raise Forbidden(_l("Somebody else must confirm what you proposed."))
    taken = (
        update(KeyStep)
        .where(KeyStep.id == step.id, KeyStep.state == ProposedState.PROPOSED, KeyStep.second_id.is_(None))
        .values(decided_at=clock.now())
        .returning(KeyStep.id)
        .execution_options(synchronize_session=False)
    )
    if db.session.scalar(taken) is None:
        raise Refused(_l("This was decided already."))
    db.session.refresh(step)
    step.second = by
    move(step, ProposedState.CONFIRMED if confirmed else ProposedState.DECLINED)
    db.session.flush()
    audit.record(
        "key.step_confirmed" if confirmed else "key.step_declined", step, by=by, deed=step.deed, kid=step.kid
    )
    if confirmed:
        _carry_out(step, by)
    return step


def _carry_out(step: KeyStep, second: Person) -> None:
    by, other = (f"{one.name} <{one.email}>" for one in (step.by, second))
    if step.deed is D.ADD:
        step.kid = signing.create(KeyUse.LICENCE, by=by, second=other).kid
    elif step.deed is D.ACTIVATE:
        proving.rotate(by=by, second=other)
    elif step.deed is D.RETIRE:
        signing.retire(step.kid, by=by, second=other)
    else:
        proving.compromise(step.kid, by=by, second=other)


def found(uid: str) -> KeyStep:
    """Return one step."""
    row = db.session.scalars(select(KeyStep).where(KeyStep.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such proposal."))
    return row


def waiting() -> Select[KeyStep]:
    """Select the steps that wait for a second keeper, the oldest first."""
    open_ones = select(KeyStep).where(KeyStep.state == ProposedState.PROPOSED)
    return open_ones.order_by(KeyStep.created_at, KeyStep.id)


def lost(row: SigningKey) -> list[LicenceFile]:
    """Return the files in force that a key signed: of a compromised one they have to be signed anew."""
    found = select(LicenceFile).where(LicenceFile.kid == row.kid, LicenceFile.expires_at > clock.now())
    return list(db.session.scalars(found.order_by(LicenceFile.expires_at, LicenceFile.id)))
