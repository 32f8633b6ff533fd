"""The renewals of the next 90 days as staff see them: where each stands on the ladder, in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, and_, exists, func, select
from sqlalchemy.orm import aliased

from portal.accounts.organisations import Organisation
from portal.billing.models import Invoice
from portal.billing.queries import owed_sql
from portal.core import clock
from portal.core.db import db
from portal.members import renewal_queries, wall
from portal.members.belonging import Ending, Membership, Reversal, Term
from portal.members.renewal_models import LadderPause, OfferState, RenewalOffer, RenewalReminder, StepState
from portal.members.renewal_rules import Step

AHEAD = 90


def ladder_steps() -> tuple[Step, ...]:
    """Return the steps by which the list is narrowed: those of organisations up to the lapse, by day."""
    grace = renewal_queries.grace_days()
    steps = [one for one in renewal_queries.ladder("organisation") if _offset(one, grace) <= grace]
    return tuple(sorted(steps, key=lambda one: _offset(one, grace)))


def _offset(step: Step, grace: int) -> int:
    return step.days + (grace if step.from_lapse else 0)


def between(code: str) -> tuple[date, date] | None:
    """Return the days `[from, to)` of the ends of the terms that stand on a step today; None for no such step."""
    grace, today, steps = renewal_queries.grace_days(), clock.today(), ladder_steps()
    at = next((n for n, one in enumerate(steps) if one.code == code), None)
    if at is None:
        return None
    after = _offset(steps[at + 1], grace) if at + 1 < len(steps) else _offset(steps[at], grace) + AHEAD
    return today - timedelta(days=after - 1), today - timedelta(days=_offset(steps[at], grace) - 1)


def statement(*, step: str = "", state: str = "") -> Select[Any]:
    """Select the terms that end within 90 days, or ended within the days of grace, each with its newest offer."""
    today = clock.today()
    newest = (
        select(func.max(RenewalOffer.id))
        .where(RenewalOffer.term_id == Term.id)
        .correlate(Term)
        .scalar_subquery()
    )
    undone = exists().where(Reversal.undoes_kind == "ending", Reversal.undoes_id == Ending.id)
    found = (
        select(
            Term.id, Term.end.label("end"), Term.tier, Membership.id.label("membership"), Membership.standing,
            Organisation.uid, Organisation.person_id, wall.shown_name(), RenewalOffer.id.label("offer"),
            RenewalOffer.state, RenewalOffer.amount, RenewalOffer.confirmed_at, Invoice.uid.label("invoice"),
            Invoice.number, owed_sql().label("owed"),
        )
        .join(Membership, Membership.id == Term.membership_id)
        .join(Organisation, Organisation.id == Membership.org_id)
        .outerjoin(RenewalOffer, RenewalOffer.id == newest)
        .outerjoin(Invoice, and_(Invoice.id == RenewalOffer.invoice_id))
        .where(
            Term.end <= today + timedelta(days=AHEAD),
            Term.end > today - timedelta(days=renewal_queries.grace_days() + 1),
            Term.kind.not_in(renewal_queries.NEVER),
            ~Organisation.unclaimed,
            ~exists().where(Ending.term_id == Term.id, ~undone),
        )
    )  # fmt: skip
    if (days := between(step)) is not None:
        found = found.where(Term.end >= days[0], Term.end < days[1])
    return _narrowed(found, state)


def _narrowed(found: Select[Any], state: str) -> Select[Any]:
    later = aliased(Term)
    followed = exists().where(later.membership_id == Term.membership_id, later.start >= Term.end)
    if state == "waits":
        return found.where(~followed, (RenewalOffer.id.is_(None)) | (RenewalOffer.invoice_id.is_(None)))
    if state == "billed":
        return found.where(RenewalOffer.state == OfferState.OPEN, RenewalOffer.invoice_id.is_not(None))
    if state == "renewed":
        return found.where(followed)
    return found


def order() -> tuple[Any, ...]:
    """Return what the list is sorted by."""
    return (Term.end, Term.id)


def shown(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the rows of a page with their last step, the next one and a pause, in two statements."""
    terms, today, grace = [row.id for row in rows], clock.today(), renewal_queries.grace_days()
    last: dict[int, RenewalReminder] = {}
    sent = (
        select(RenewalReminder)
        .where(RenewalReminder.term_id.in_(terms), RenewalReminder.state == StepState.SENT)
        .where(RenewalReminder.channel == "mail")
        .order_by(RenewalReminder.due_on, RenewalReminder.id)
    )
    for one in db.session.scalars(sent):
        last[one.term_id] = one
    held = select(LadderPause.membership_id, LadderPause.until).where(
        LadderPause.membership_id.in_([row.membership for row in rows]),
        LadderPause.lifted_at.is_(None),
        LadderPause.until > today,
    )
    paused = {membership: until for membership, until in db.session.execute(held)}  # noqa: C416 - typed so
    ladders = {kind: renewal_queries.ladder(kind) for kind in ("person", "organisation")}
    found = []
    for row in rows:
        steps = ladders["person" if row.person_id is not None else "organisation"]
        done = last.get(row.id)
        found.append(
            {
                "row": row, "last": _named(steps, done.step) if done else None, "sent": done.on if done else None,
                "paused": paused.get(row.membership), "next": upcoming(steps, row.end, grace, today),
            }
        )  # fmt: skip
    return found


def _named(steps: Sequence[Step], code: str) -> dict[str, str]:
    return next((dict(one.name) for one in steps if one.code == code), {"en": code, "zh": code})


def upcoming(steps: Sequence[Step], end: date, grace: int, today: date) -> tuple[dict[str, str], date] | None:
    """Return the name and day of the step that comes next; None after the last."""
    ahead = [(one.day(end, grace), one) for one in steps if one.day(end, grace) > today]
    if not ahead:
        return None
    day, step = min(ahead, key=lambda pair: pair[0])
    return dict(step.name), day
