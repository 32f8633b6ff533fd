"""Sessions and bookings as candidates see them: where and when, hold, confirm, move, cancel, calendar."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in, who
from portal.certs import booking, calendars, cutoffs, fees, guards, levels, sessions, sitting, waitlist
from portal.certs import seat_forms as f
from portal.certs.doors import exams
from portal.certs.guards import NoAttempt
from portal.certs.models.booking import OPEN, Booking, BookingState, ExamSession
from portal.certs.seat_access import own_booking, own_bookings, visible_session
from portal.certs.seats import Full
from portal.core import catalogue, clock, i18n
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.paging import asked, page_of
from portal.core.web import go, public

K = BookingState


@exams.get("/sessions", endpoint="sessions")
@public
def sessions_() -> str:
    """List the published sessions, with free seats, the site's time and the reader's own."""
    wanted = asked("level", most=40)
    known = {one.code: one for one in levels.levels()}
    statement = sessions.upcoming(wanted if wanted in known else "")
    page, reader = page_of(statement), who()
    mine = {}
    if reader is not None:
        rows = own_bookings(reader).where(Booking.state.in_(OPEN))
        mine = {row.session_id: row for row in db.session.scalars(rows)}
    return render_template("exams/sessions.html", page=page, levels=known.values(), wanted=wanted, mine=mine)


@exams.get("/sessions/<uid>")
@public
def session(uid: str) -> str:
    """Show one session: when it opens and closes, and what the reader may do."""
    row, reader = visible_session(uid), who()
    mine = None
    if reader is not None:
        statement = own_bookings(reader).where(Booking.session_id == row.id, Booking.state.in_(OPEN))
        mine = db.session.scalars(statement).first()
    hours = levels.cutoff_hours()
    return render_template(
        "exams/session.html", row=row, mine=mine, now=clock.now(), runs=waitlist.offers_run(row),
        opens=cutoffs.opens_at(row.starts_at, levels.number("booking.open_days")),
        closes=cutoffs.closes_at(row.starts_at, hours), level=levels.name_of(row.level),
        wanting=guards.prerequisite(reader.person.id, row.level, row.starts_at) if reader else None,
    )  # fmt: skip


@exams.post("/sessions/<uid>/holds")
@signed_in
def hold(uid: str) -> BaseResponse:
    """Hold a seat for the reader."""
    row, person = visible_session(uid), me().person
    try:
        with transaction():
            made = booking.hold(row.id, person=person, by=person)
    except Full as full:
        return go("exams.session", str(full), tone="bad", uid=uid)
    except NoAttempt as wanting:
        return go("exams.buy", str(wanting), tone="info", code=row.level)
    minutes = levels.number("booking.hold_minutes")
    return go(
        "exams.booking",
        _("The seat is held for %(minutes)s minutes. Please confirm it now.", minutes=minutes),
        uid=made.uid,
    )


@exams.post("/sessions/<uid>/queue")
@signed_in
def queue(uid: str) -> BaseResponse:
    """Put the reader on the waitlist."""
    row, person = visible_session(uid), me().person
    with transaction():
        made = waitlist.queue(row.id, person=person, by=person)
    return go(
        "exams.booking",
        _("You are on the waitlist. We write to you as soon as a seat is free."),
        uid=made.uid,
    )


def _confirm_form(row: Booking) -> f.Confirm:
    form = f.Confirm()
    form.language.choices = [(one, i18n.LANGUAGES.get(one, one)) for one in row.session.languages]
    if request.method == "GET":
        form.name.data = row.name or row.person.name
        form.name_latin.data = row.name_latin
        wanted = i18n.language()
        form.language.data = wanted if wanted in row.session.languages else row.session.languages[0]
    return form


def _page(row: Booking, form: f.Confirm, status: int = 200) -> Any:
    g.nav = "exams.mine"
    return render_template(
        "exams/booking.html", row=row, form=form, level=levels.name_of(row.level), place=waitlist.place_of(row),
        may_change=row.state is K.CONFIRMED and cutoffs.changeable(row.session.starts_at, clock.now(), levels.cutoff_hours()),
        closes=cutoffs.closes_at(row.session.starts_at, levels.cutoff_hours()), unpaid=fees.unpaid(row),
        left=max(0, levels.number("booking.reschedules") - row.moves), rules=catalogue.policy("exam.rules"), attempt=sitting.attempt_of(row),
    ), status  # fmt: skip


@exams.get("/bookings/<uid>", endpoint="booking")
@signed_in
def booking_(uid: str) -> Any:
    """Show one of the reader's bookings: what to do next, when and where, and the way to change it."""
    row = own_booking(uid)
    return _page(row, _confirm_form(row))


@exams.post("/bookings/<uid>/confirmation")
@signed_in
def confirm(uid: str) -> Any:
    """Confirm a held or offered seat."""
    row = own_booking(uid)
    form = _confirm_form(row)
    if form.validate_on_submit():
        try:
            with transaction():
                made = booking.confirm(
                    row, name=form.name.data, name_latin=form.name_latin.data or "", language=form.language.data,
                    rules=str(catalogue.policy("exam.rules")), by=me().person,
                )  # fmt: skip
        except Refused as refusal:
            form.refused(refusal)
            return _page(own_booking(uid), form, refusal.status)
        said = (
            _("Booked. The calendar file is in your mail.")
            if made.state is K.CONFIRMED
            else _("Please pay the fee now: the seat is held until then.")
        )
        return go("exams.booking", said, uid=uid)
    return _page(row, form, 422)


@exams.post("/bookings/<uid>/release")
@signed_in
def decline(uid: str) -> BaseResponse:
    """Give up a held or offered seat, or a place in the queue."""
    row = own_booking(uid)
    with transaction():
        booking.decline(row, by=me().person)
    return go("exams.mine", _("Given up. Your attempt is untouched."))


@exams.post("/bookings/<uid>/cancellation")
@signed_in
def cancel(uid: str) -> BaseResponse:
    """Cancel a booking before the cut-off."""
    row = own_booking(uid)
    with transaction():
        booking.cancel(row, by=me().person)
    return go("exams.mine", _("Cancelled. Your attempt is yours again."))


def targets(row: Booking) -> list[ExamSession]:
    """Return the sessions with a free seat to which a booking may be moved."""
    statement = sessions.upcoming(row.level).where(
        ExamSession.id != row.session_id, ExamSession.booked < ExamSession.capacity
    )
    return list(db.session.scalars(statement.limit(50)))


def _move_page(row: Booking, form: f.Move, status: int = 200) -> Any:
    g.nav = "exams.mine"
    rows = targets(row)
    return render_template(
        "exams/move.html", row=row, form=form, rows=rows, level=levels.name_of(row.level)
    ), status


def _move_form(row: Booking) -> f.Move:
    form = f.Move()
    form.to.choices = [(one.uid, one.uid) for one in targets(row)]
    return form


@exams.get("/bookings/<uid>/move")
@signed_in
def move(uid: str) -> Any:
    """Show the sessions to which a booking may be moved."""
    row = own_booking(uid)
    return _move_page(row, _move_form(row))


@exams.post("/bookings/<uid>/move")
@signed_in
def reschedule(uid: str) -> Any:
    """Move a booking to another session."""
    row = own_booking(uid)
    form = _move_form(row)
    if not form.validate_on_submit():
        return _move_page(row, form, 422)
    to = db.session.scalars(select(ExamSession.id).where(ExamSession.uid == form.to.data)).one()
    try:
        with transaction():
            made = booking.reschedule(row, to, by=me().person)
    except Refused as refusal:
        form.refused(refusal)
        return _move_page(own_booking(uid), form, refusal.status)
    return go("exams.booking", _("Moved. The new calendar file is in your mail."), uid=made.uid)


@exams.get("/bookings/<uid>/calendar.ics")
@signed_in
def calendar_file(uid: str) -> Response:
    """Answer with the calendar file of a booking."""
    found = Response(calendars.calendar(own_booking(uid)), mimetype="text/calendar")
    found.headers["Content-Disposition"] = "attachment; filename=exam.ics"
    return found
