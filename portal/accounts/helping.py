"""Helping people: a lost second factor (two of staff), sessions ended, an account closed and opened again."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update

from portal.accounts import door, letters
from portal.accounts.people import FactorLoss, Passkey, Person, RecoveryCode
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused


def open_loss(person: Person) -> FactorLoss | None:
    """Return the report of a lost factor that waits for a second member of staff."""
    statement = select(FactorLoss).where(FactorLoss.person_id == person.id, FactorLoss.decided_at.is_(None))
    return db.session.scalars(statement).first()


def _not_oneself(person: Person, by: Person) -> None:
    if person.id == by.id:
        raise Forbidden(_l("Somebody else must do this for you: nobody helps himself here."))


def report_loss(person: Person, *, by: Person, shown: str) -> FactorLoss:
    """Write down that a person lost the second factor, and how the person showed who he is."""
    _not_oneself(person, by)
    db.session.scalars(select(Person).where(Person.id == person.id).with_for_update()).one()
    if open_loss(person) is not None:
        raise Refused(_l("A report waits already; a second member of staff decides it."))
    row = FactorLoss(person=person, shown=shown, asked_by=by)
    db.session.add(row)
    audit.record("person.factor_loss_reported", person, by=by, shown=shown)
    return row


def decide_loss(row: FactorLoss, *, by: Person, agree: bool) -> None:
    """Remove the lost factors, or refuse to; whoever reported cannot decide, nor can the person himself."""
    _not_oneself(row.person, by)
    if by.id == row.asked_by_id:
        raise Forbidden(_l("You reported this; a second member of staff decides it."))
    won = db.session.execute(
        update(FactorLoss)
        .where(FactorLoss.id == row.id, FactorLoss.decided_at.is_(None))
        .values(decided_at=clock.now(), decided_by_id=by.id, agreed=agree)
        .returning(FactorLoss.id)
    )
    if won.first() is None:
        raise Refused(_l("This was decided meanwhile."))
    verb = "person.factor_loss_agreed" if agree else "person.factor_loss_refused"
    audit.record(verb, row.person, by=by)
    if agree:
        _remove_factors(row.person)


def _remove_factors(person: Person) -> None:
    person.totp_sealed = None
    db.session.execute(delete(Passkey).where(Passkey.person_id == person.id))
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    door.end_all(person)
    letters.changed(person, "lost")


def end_sessions(person: Person, *, by: Person) -> None:
    """End every session of a person, at once."""
    door.end_all(person)
    audit.record("person.sessions_ended", person, by=by)


def close(person: Person, *, by: Person, reason: str) -> None:
    """Shut an account: its sessions end and nobody signs in with it."""
    _not_oneself(person, by)
    if person.disabled_at is not None:
        raise Refused(_l("This account is closed already."))
    person.disabled_at = clock.now()
    door.end_all(person)
    letters.changed(person, "disabled")
    audit.record("person.closed", person, by=by, reason=reason)


def reopen(person: Person, *, by: Person) -> None:
    """Open a closed account again."""
    _not_oneself(person, by)
    if person.disabled_at is None:
        raise Refused(_l("This account is open already."))
    if person.erased_at is not None:
        raise Refused(_l("This person was erased; the account cannot be opened again."))
    person.disabled_at = None
    audit.record("person.reopened", person, by=by)
