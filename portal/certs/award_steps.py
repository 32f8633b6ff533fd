"""What is done to an award, each verb's single step: hold, confirm, lift, revoke, issue anew, grant again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.certs import award_letters, awarding, issuing, naming
from portal.certs.award_events import AwardReinstated, AwardRevoked, AwardSuspended
from portal.certs.models.award import Award, AwardState, RevokeCause, Suspension
from portal.certs.models.document import Certificate
from portal.certs.naming import Names
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.states import move


def running(award: Award) -> Suspension | None:
    """Return the suspension that runs now."""
    now = clock.now()
    held = awarding.suspensions([award])[award.id]
    return next((one for one in held if one.start <= now and (one.end is None or now < one.end)), None)


def settle(award: Award) -> None:
    """Bring the stored state up to date: an urgent hold that nobody confirmed in time has fallen away."""
    if award.state is AwardState.SUSPENDED and running(award) is None:
        move(award, AwardState.GRANTED)
        audit.record("award.hold_lapsed", award, by="lapse_holds")
        publish(AwardReinstated(award))


def suspend(award: Award, *, reason: str, by: Person, second: str = "", urgent: bool = False) -> Suspension:
    """Put an award on hold from now on; an urgent one falls away unless a second person confirms it in time."""
    row = awarding.locked(award)
    settle(row)
    move(row, AwardState.SUSPENDED)
    days = int(catalogue.policy("suspension.confirm_days"))
    now = clock.now()
    made = Suspension(
        award=row, start=now, reason=reason[:300], by_name=by.name, second_name=second,
        confirm_by=now + timedelta(days=days) if urgent else None, confirmed_at=None if urgent else now,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record("award.suspended", row, by=by, reason=reason, second=second, urgent=urgent)
    award_letters.suspended(made)
    publish(AwardSuspended(row))
    return made


def confirm(award: Award, *, by: Person, second: Person) -> None:
    """Confirm an urgent hold, so that it lasts until it is lifted."""
    row = awarding.locked(award)
    held = running(row)
    if held is None or held.confirmed_at is not None:
        raise Refused(_l("There is no urgent hold to confirm: it has ended, or was confirmed."))
    held.confirmed_at, held.second_name = clock.now(), second.name
    audit.record("award.hold_confirmed", row, by=second, second=second.name, reason=held.reason)


def lift(award: Award, *, by: Person, second: str, reason: str) -> None:
    """End the hold of an award."""
    row = awarding.locked(award)
    held = running(row)
    if held is None:
        raise Refused(_l("This award is not on hold."))
    held.lifted_at = clock.now()
    move(row, AwardState.GRANTED)
    audit.record("award.lifted", row, by=by, second=second, reason=reason)
    award_letters.lifted(row, str(held.id))
    publish(AwardReinstated(row))


def revoke(
    award: Award, *, cause: RevokeCause, by: Person, second: str = "", reason: str, quiet: bool = False
) -> None:
    """Revoke an award for good: every document of it says so from this moment on; `quiet` sends no mail."""
    row = awarding.locked(award)
    row.revoked_at, row.cause = clock.now(), cause
    move(row, AwardState.REVOKED)
    db.session.flush()
    audit.record("award.revoked", row, by=by, second=second, cause=cause, reason=reason)
    if not quiet:
        award_letters.revoked(row)
    publish(AwardRevoked(row))


def reissue(award: Award, *, by: Any, second: str, names: Names | None = None) -> Certificate:
    """Replace an award's document by a new one, with new names if the person has changed them."""
    row = awarding.locked(award)
    old = issuing.current(row)
    if old is None:
        raise Refused(_l("This award has no document yet."))
    if names is not None:
        row.name_zh, row.name_latin = naming.tidy(names.zh), naming.tidy(names.latin)
        db.session.flush()
    return issuing.issue_anew(row, old, by=by, second=second)


def regrant(award: Award, *, by: Person, second: str, reason: str) -> Award:
    """Grant an award anew with the same dates, after it was revoked in error."""
    row = awarding.locked(award)
    if row.state is not AwardState.REVOKED:
        raise Refused(_l("Only what was revoked can be granted again."))
    decision = f"{row.subject}:again"
    if db.session.scalar(select(Award.id).where(Award.decision == decision, Award.level == row.level)):
        raise Refused(_l("It was granted again already."))
    made = Award(
        level=row.level, scheme_version=row.scheme_version, person=row.person, name_zh=row.name_zh,
        name_latin=row.name_latin, decision=decision, decided_on=row.decided_on, start=row.start, end=row.end,
        renews=row.renews, shown=row.shown,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record(
        "award.granted", made, by=by, second=second, level=made.level, decision=decision, reason=reason
    )
    issuing.issue(made, by=by)
    return made
