"""Suspension while the terms run on: a hold with the reason of a list, and what lifts it from a day on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.core import audit, catalogue
from portal.core.db import db
from portal.core.errors import Refused
from portal.members import leaving_letters, terms
from portal.members.belonging import Hold, Membership, Reversal, Term
from portal.members.standing import HoldCause


def reasons(kind: str) -> dict[str, dict[str, Any]]:
    """Return the list of reasons to suspend (`hold_reason`) or to lift (`lift_reason`)."""
    return catalogue.entries(kind)


def running(membership: Membership) -> list[Hold]:
    """Return the holds that nothing has lifted and whose end has not been written down, oldest first."""
    lifted = select(Reversal.undoes_id).where(
        Reversal.membership_id == membership.id, Reversal.undoes_kind == "hold"
    )
    mine = select(Hold).where(Hold.membership_id == membership.id, Hold.id.not_in(lifted))
    return list(db.session.scalars(mine.order_by(Hold.id)))


def suspend(
    membership: Membership,
    *,
    code: str,
    start: date,
    end: date | None,
    by: Person,
    second: Person,
    reason: str,
) -> Hold:
    """Suspend a membership over `[start, end)`, or until it is lifted; its terms and dues run on."""
    row, body = terms.locked(membership), reasons("hold_reason").get(code)
    if body is None:
        raise Refused(_l("Please choose a reason."), field="code", status=422)
    if db.session.scalar(select(Term.id).where(Term.membership_id == row.id).limit(1)) is None:
        raise Refused(_l("This organisation was never a member: there is no term."))
    if end is not None and end <= start:
        raise Refused(_l("The suspension ends after it begins."), field="end", status=422)
    cause = HoldCause(body["cause"])
    for other in running(row):
        apart = (end is not None and end <= other.start) or (other.end is not None and other.end <= start)
        if other.cause is cause and not apart:
            raise Refused(_l("The membership is suspended for that already."))
    made = Hold(
        membership=row, start=start, end=end, cause=cause, reason=reason[:300], by_name=by.name,
        second_name=second.name,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record(
        "membership.suspended", row, by=by, org_id=row.org_id, by_list=code, cause=cause, start=start, last=end - timedelta(days=1) if end else None,
        reason=reason, second=second.name,
    )  # fmt: skip
    terms.refresh([row])
    leaving_letters.suspended(row, made, body)
    return made


def lift(
    membership: Membership, hold: Hold, *, code: str, from_day: date, by: Person, second: Person, reason: str
) -> Reversal:
    """Lift a hold from a day on; from its first day it is as if it had never been said."""
    row, body = terms.locked(membership), reasons("lift_reason").get(code)
    if body is None:
        raise Refused(_l("Please choose a reason."), field="code", status=422)
    if hold.id not in {one.id for one in running(row)}:
        raise Refused(_l("This suspension was lifted already."))
    if from_day < hold.start or (hold.end is not None and from_day >= hold.end):
        raise Refused(_l("The day must lie within the suspension."), field="from_day", status=422)
    made = Reversal(
        membership=row, undoes_kind="hold", undoes_id=hold.id, from_day=from_day, reason=reason[:300],
        by_name=by.name, second_name=second.name,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record(
        "membership.lifted", row, by=by, org_id=row.org_id, by_list=code, cause=hold.cause, start=from_day,
        reason=reason, second=second.name,
    )  # fmt: skip
    terms.refresh([row])
    leaving_letters.lifted(row, made)
    return made
