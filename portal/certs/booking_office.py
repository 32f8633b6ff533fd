"""The office's side of candidates: bookings on behalf, changes after the cut-off, excuses, accommodations, proposals of two."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.certs import aids, attempts, booking, exam_deeds, levels
from portal.certs import seat_forms as f
from portal.certs.doors import exam_office
from portal.certs.models.booking import Booking, BookingState, ExamSession
from portal.certs.models.care import Accommodation, AccommodationState, Aid, ExamDeed, ExamDeedKind
from portal.certs.seat_access import found
from portal.certs.seat_views import targets
from portal.core import audit, clock
from portal.core.db import db, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.paging import page_of
from portal.core.web import go

D, K = ExamDeedKind, BookingState
CONFIRMS = {
    D.CALL_OFF: May.LEAD_EXAMS, D.CANCEL: May.RUN_EXAMS, D.RESCHEDULE: May.RUN_EXAMS, D.EXCUSE: May.RUN_EXAMS,
    D.REFUND: May.REFUND,
}  # fmt: skip


def _booking(uid: str) -> Booking:
    row: Booking = found(select(Booking).where(Booking.uid == uid))
    return row


def _page(row: Booking, form: f.StaffMove, status: int = 200) -> Any:
    g.nav = "exam_office.sessions"
    form.to.choices = [("", ""), *((one.uid, one.uid) for one in targets(row))]
    return render_template(
        "office/exams/booking.html", row=row, level=levels.name_of(row.level), form=form, targets=targets(row),
        deed=exam_deeds.open_about(row.subject), excusable=attempts.excusable(row), excuse=f.Excuse(formdata=None),
        reason=f.Reason(formdata=None), history=db.session.scalars(audit.of_subject(row.subject)).all(),
    ), status  # fmt: skip


@exam_office.get("/bookings/<uid>", endpoint="booking")
@allow(May.READ_EXAMS)
def booking_(uid: str) -> Any:
    """Show a booking with what staff may do about it."""
    return _page(_booking(uid), f.StaffMove())


@exam_office.post("/bookings/<uid>/cancellation")
@allow(May.RUN_EXAMS)
def cancel(uid: str) -> BaseResponse:
    """Cancel a booking with a reason; after the cut-off that is proposed to a second person."""
    row, form = _booking(uid), f.Reason()
    if not form.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    try:
        with transaction():
            booking.cancel(row, by=me().person, reason=form.reason.data)
    except Refused as refusal:
        if not _late(row):
            raise refusal
        with transaction():
            exam_deeds.propose_cancel(_booking(uid), by=me().person, reason=form.reason.data)
        return go("exam_office.booking", _("The cut-off has passed: a second person decides."), uid=uid)
    return go("exam_office.booking", _("Cancelled, and the candidate is told."), uid=uid)


def _late(row: Booking) -> bool:
    """Whether only the cut-off keeps staff from changing a booking at once."""
    try:
        booking.refuse_late(row.session, clock.now())
    except Refused:
        return row.state is K.CONFIRMED
    return False


@exam_office.post("/bookings/<uid>/move")
@allow(May.RUN_EXAMS)
def reschedule(uid: str) -> Any:
    """Move a booking with a reason; after the cut-off that is proposed to a second person."""
    row, form = _booking(uid), f.StaffMove()
    form.to.choices = [("", ""), *((one.uid, one.uid) for one in targets(row))]
    if not form.validate_on_submit():
        return _page(row, form, 422)
    to: ExamSession = found(select(ExamSession).where(ExamSession.uid == form.to.data))
    if _late(row):
        with transaction():
            exam_deeds.propose_reschedule(row, to, by=me().person, reason=form.reason.data)
        return go("exam_office.booking", _("The cut-off has passed: a second person decides."), uid=uid)
    with transaction():
        made = booking.reschedule(row, to.id, by=me().person, reason=form.reason.data)
    return go("exam_office.booking", _("Moved, and the candidate is told."), uid=made.uid)


@exam_office.post("/bookings/<uid>/excuse")
@allow(May.RUN_EXAMS)
def excuse(uid: str) -> BaseResponse:
    """Propose to excuse an absence by its evidence."""
    row, form = _booking(uid), f.Excuse()
    if not form.validate_on_submit():
        raise Refused(_("Please give cause and evidence."), status=422)
    with transaction():
        exam_deeds.propose_excuse(row, by=me().person, reason=form.reason.data, evidence=form.evidence.data)
    return go("exam_office.booking", _("Proposed. A second person decides."), uid=uid)


@exam_office.get("/proposals", endpoint="deeds")
@allow(May.READ_EXAMS, May.RUN_EXAMS, May.LEAD_EXAMS, May.REFUND)
def deeds() -> str:
    """List what waits for a second person, and what was decided last."""
    reader = me()
    rows = db.session.scalars(exam_deeds.waiting()).all()
    mine = {one.id: reader.staff_may(CONFIRMS[one.kind]) and one.by_id != reader.person.id for one in rows}
    past = (
        select(ExamDeed).where(ExamDeed.second_id.is_not(None)).order_by(ExamDeed.decided_at.desc()).limit(50)
    )
    return render_template(
        "office/exams/deeds.html",
        rows=rows,
        mine=mine,
        past=db.session.scalars(past).all(),
        name_of=levels.name_of,
    )


def _deed(uid: str) -> ExamDeed:
    row: ExamDeed = found(select(ExamDeed).where(ExamDeed.uid == uid))
    if not me().staff_may(CONFIRMS[row.kind]):
        raise Forbidden(_("Somebody else decides on this."))
    return row


@exam_office.post("/proposals/<uid>/confirmation")
@allow(May.RUN_EXAMS, May.LEAD_EXAMS, May.REFUND)
def confirm_deed(uid: str) -> BaseResponse:
    """Stand for another's proposal: it is done at once."""
    row = _deed(uid)
    with transaction():
        exam_deeds.confirm(row, by=me().person)
    return go("exam_office.deeds", _("Confirmed and done."))


@exam_office.post("/proposals/<uid>/refusal")
@allow(May.RUN_EXAMS, May.LEAD_EXAMS, May.REFUND)
def decline_deed(uid: str) -> BaseResponse:
    """Say no to another's proposal."""
    row = _deed(uid)
    with transaction():
        exam_deeds.decline(row, by=me().person)
    return go("exam_office.deeds", _("Declined; nothing changes."))


@exam_office.get("/accommodations", endpoint="accommodations")
@allow(May.GRANT_ACCOMMODATIONS)
def accommodations() -> str:
    """List requests for accommodations that wait, and what is granted."""
    granted = (
        select(Accommodation)
        .where(Accommodation.state == AccommodationState.GRANTED)
        .order_by(Accommodation.id.desc())
    )
    return render_template(
        "office/exams/accommodations.html", rows=db.session.scalars(aids.waiting()).all(), form=f.Decide(), kinds=Aid,
        granted=page_of(granted),
    )  # fmt: skip


@exam_office.post("/accommodations/<uid>/decision")
@allow(May.GRANT_ACCOMMODATIONS)
def decide_accommodation(uid: str) -> BaseResponse:
    """Grant what is needed, or refuse with a reason."""
    row: Accommodation = found(select(Accommodation).where(Accommodation.uid == uid))
    form = f.Decide()
    if not form.validate_on_submit() or not (form.granted.data or form.reason.data):
        raise Refused(_("Please tick what is granted, or give the reason."), status=422)
    with transaction():
        if form.granted.data:
            aids.grant(row, [Aid(one) for one in form.granted.data], by=me().person)
        else:
            aids.refuse(row, by=me().person, reason=form.reason.data)
    return go("exam_office.accommodations", _("Decided, and the candidate is told."))
