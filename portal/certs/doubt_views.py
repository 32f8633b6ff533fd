"""Attempts in doubt: results held and no longer held, attempts proposed to be invalid and decided by another."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.certs import invalidating, levels, proctoring
from portal.certs import sitting_forms as f
from portal.certs.attempt_pages import attempt_page, offer
from portal.certs.doors import exam_office
from portal.certs.models.watching import Invalidation, InvalidationState
from portal.certs.sitting_access import seen_attempt, seen_incident, seen_proposal, watches
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.web import go


@exam_office.get("/doubts")
@allow(May.LEAD_EXAMS, May.DECIDE_AWARDS)
def doubts() -> str:
    """List what waits for a decider, and what was decided last."""
    past = (
        select(Invalidation)
        .where(Invalidation.state != InvalidationState.PROPOSED)
        .order_by(Invalidation.decided_at.desc())
        .limit(50)
    )
    return render_template(
        "office/exams/doubts.html", rows=db.session.scalars(invalidating.waiting()).all(), past=db.session.scalars(past).all(),
        name_of=levels.name_of, now=clock.now(), decides=me().staff_may(May.DECIDE_AWARDS),
    )  # fmt: skip


@exam_office.post("/attempts/<uid>/doubts")
@allow(May.LEAD_EXAMS)
def propose_doubt(uid: str) -> Any:
    """Propose to declare an attempt invalid."""
    row = seen_attempt(uid)
    form = offer(f.Doubt(), row)
    if not form.validate_on_submit():
        return attempt_page(row, 422, doubt=form)
    try:
        with transaction():
            incident = seen_incident(row, form.incident.data)
            invalidating.propose(row, incident, reason=form.reason.data or "", by=me().person)
    except Refused as refusal:
        form.refused(refusal)
        return attempt_page(seen_attempt(uid), refusal.status, doubt=form)
    return go("exam_office.attempt", _("Proposed. The candidate is heard, then a decider confirms it or not."), uid=uid)  # fmt: skip


@exam_office.post("/doubts/<uid>/confirmation")
@allow(May.DECIDE_AWARDS)
def confirm_doubt(uid: str) -> BaseResponse:
    """Declare the attempt invalid."""
    row = seen_proposal(uid)
    with transaction():
        invalidating.confirm(row, by=me().person)
    return go("exam_office.doubts", _("Declared invalid. The candidate is told."))


@exam_office.post("/doubts/<uid>/refusal")
@allow(May.DECIDE_AWARDS)
def decline_doubt(uid: str) -> BaseResponse:
    """Let the attempt stand."""
    row, form = seen_proposal(uid), f.Reason()
    if not form.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        invalidating.decline(row, reason=form.reason.data or "", by=me().person)
    return go("exam_office.doubts", _("The attempt stands. The candidate is told."))


@exam_office.post("/attempts/<uid>/hold")
@allow(May.PROCTOR, May.RUN_EXAMS)
def hold_result(uid: str) -> Any:
    """Keep a result from being released."""
    row, form = seen_attempt(uid), f.HoldResult()
    if not (watches(row.booking.session) or me().staff_may(May.RUN_EXAMS)):
        raise Forbidden(_("Only the proctors of this session do this."))
    if status := form.carry_out(
        lambda: proctoring.hold(row, reason=form.held_for.data or "", by=me().person)
    ):
        return attempt_page(seen_attempt(uid), status, held=form)
    return go(
        "exam_office.attempt", _("Held: the result is not released, and the candidate sees why."), uid=uid
    )


@exam_office.post("/attempts/<uid>/hold/lifting")
@allow(May.RUN_EXAMS)
def lift_hold(uid: str) -> BaseResponse:
    """Let a held result be released."""
    with transaction():
        proctoring.lift(seen_attempt(uid), by=me().person)
    return go("exam_office.attempt", _("No longer held."), uid=uid)
