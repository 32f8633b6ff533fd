"""What the members' domain does by the clock: each chore asks what is due and not yet done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import func, select

from portal.core import catalogue, clock
from portal.core.db import db, transaction
from portal.core.rows import each as _each
from portal.core.rows import ids_of as _ids
from portal.members import agreements, closing, drafting, ending_letters, terms
from portal.members.belonging import Agreement, AgreementState, Membership
from portal.members.case_models import Reminder
from portal.members.models import Application, ApplicationState

log = structlog.get_logger(__name__)
S, G = ApplicationState, AgreementState
AT_ONCE = 200


def _days_since(moment: Any) -> int:
    return (clock.today() - clock.day_of(moment)).days if moment is not None else -1


def expire_applications() -> int:
    """Remind whoever was asked and is silent, and let the application expire when the time is up."""
    return _each(
        "expire_applications",
        _ids(select(Application.id).where(Application.state == S.INFO_REQUESTED).order_by(Application.id)),
        _silent,
    )


def _silent(application_id: int) -> int:
    row = db.session.get_one(Application, application_id)
    days = _days_since(row.asked_at)
    if row.state is not S.INFO_REQUESTED:
        return 0
    if days >= int(catalogue.policy("review.answer_days")):
        closing.expire(row, by="expire_applications")
        return 1
    return _remind(row, days)


def _remind(row: Application, days: int) -> int:
    """Send the latest step that is due and has no row; earlier missing ones are written as passed over."""
    if row.asked_at is None:
        return 0
    due = [step for step in catalogue.policy("review.reminder_days") if step <= days]
    known = set(
        db.session.scalars(
            select(Reminder.step).where(Reminder.application_id == row.id, Reminder.since == row.asked_at)
        )
    )
    if not due or due[-1] in known:
        return 0
    for step in due:
        if step not in known:
            sent = step == due[-1]
            db.session.add(Reminder(application=row, since=row.asked_at, step=step, sent=sent))
    ending_letters.remind(row, due[-1], drafting.answer_until(row))
    return 1


def close_unfulfilled() -> int:
    """Close approved applications that were neither signed nor paid in time."""

    def do(application_id: int) -> int:
        row = db.session.get_one(Application, application_id)
        if row.state is not S.APPROVED or _days_since(row.decided_at) < limit:
            return 0
        closing.close(row, by="close_unfulfilled", reason="not signed and paid in time")
        return 1

    limit = int(catalogue.policy("review.fulfil_days"))
    before = clock.start_of(clock.today() - timedelta(days=limit - 1))
    statement = select(Application.id).where(Application.state == S.APPROVED, Application.decided_at < before)
    return _each("close_unfulfilled", _ids(statement.order_by(Application.id)), do)


def void_envelopes() -> int:
    """Void agreements on which nothing has moved for the days the catalogue says."""

    def do(agreement_id: int) -> int:
        row = db.session.get_one(Agreement, agreement_id)
        if row.state not in closing.UNSIGNED:
            return 0
        agreements.void(row, by="void_envelopes", reason="not signed in time")
        return 1

    limit = int(catalogue.policy("agreement.void_days"))
    before = clock.start_of(clock.today() - timedelta(days=limit - 1))
    moved = func.coalesce(Agreement.signed_at, Agreement.sent_at, Agreement.created_at)
    statement = select(Agreement.id).where(Agreement.state.in_(closing.UNSIGNED), moved < before)
    return _each("void_envelopes", _ids(statement.order_by(Agreement.id)), do)


def announce_standings() -> int:
    """Write the copies of standings anew as days pass, telling of each change once."""
    ids = _ids(select(Membership.id).order_by(Membership.id))
    changed = 0
    for at in range(0, len(ids), AT_ONCE):
        some = ids[at : at + AT_ONCE]
        try:
            with transaction():
                changed += _refresh(some)
        except Exception:
            log.exception("chore.failed", chore="announce_standings", row=some[0])
            changed += _each("announce_standings", some, lambda one: _refresh([one]))
    return changed


def _refresh(ids: list[int]) -> int:
    # Under their locks, so that a payment at the same moment and this do not both tell of one change.
    rows = db.session.scalars(
        select(Membership)
        .where(Membership.id.in_(ids))
        .order_by(Membership.id)
        .with_for_update(of=Membership)
        .execution_options(populate_existing=True)
    )
    return terms.refresh(rows)
