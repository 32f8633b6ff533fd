"""Operations about exams: sessions for everybody, one's own bookings with the verbs of the pages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import url_for
from flask_babel import lazy_gettext as _l
from pydantic import Field
from sqlalchemy import select

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.people import Person
from portal.accounts.scopes import Scope
from portal.certs import booking, sessions, waitlist
from portal.certs.models.booking import Booking, BookingState, ExamSession, Mode, SessionState
from portal.certs.seat_access import found, own_booking, own_bookings
from portal.core import catalogue, cursors
from portal.core.api import (
    PUBLIC_PROBLEMS,
    TOKEN_PROBLEMS,
    WRITE_PROBLEMS,
    Answer,
    Body,
    Clean,
    OneRow,
    Paged,
    Uid,
    operations,
    responses,
    told,
)
from portal.core.errors import Forbidden, Refused
from portal.core.idempotency import WriteHeaders, once
from portal.core.web import public

seats_api = operations("api_seats", __name__, str(_l("Exams")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]


class SessionQuery(Paged):
    """Which sessions."""

    level: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_.-]*$")] = ""


class SessionAnswer(Answer):
    """A session: instants in UTC, the site's time zone, and how many seats are free."""

    id: Uid
    level: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    mode: Mode
    languages: list[str]
    capacity: int
    free: int


class Sessions(Answer):
    """A part of the list, in the order in which they were drawn up."""

    items: list[SessionAnswer]
    next: str | None


class BookingQuery(Paged):
    """Which bookings."""

    state: Literal[
        "", "held", "waiting", "offered", "confirmed", "lapsed", "rescheduled", "cancelled", "called_off", "present",
        "sat", "no_show", "excused",
    ] = ""  # fmt: skip


class BookingAnswer(Answer):
    """One's own booking; `expires_at` ends a hold or an offer, `place` is the place in the queue."""

    id: Uid
    session: Uid
    level: str
    state: BookingState
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime | None
    place: int | None
    name: str
    language: str
    moved_from: Uid | None


class Bookings(Answer):
    """A part of the list, the newest first."""

    items: list[BookingAnswer]
    next: str | None


class NewBooking(Body):
    """Which session; `queue` asks for a place on the waitlist of a full one."""

    session: Uid
    queue: bool = False


class Confirmation(Body):
    """The name on the photo document, the language, and the version of the rules that is accepted."""

    name: Annotated[str, Clean, Field(min_length=1, max_length=120)]
    name_latin: Annotated[str, Clean, Field(max_length=120)] = ""
    language: Annotated[str, Field(max_length=16, pattern=r"^[A-Za-z_]+$")]
    rules: Annotated[str, Field(max_length=40)]


class NewSession(Body):
    """Which session instead."""

    session: Uid


def _session(row: ExamSession) -> SessionAnswer:
    return SessionAnswer(
        id=row.uid, level=row.level, starts_at=row.starts_at, ends_at=row.ends_at, time_zone=row.tz, mode=row.mode,
        languages=row.languages, capacity=row.capacity, free=row.free,
    )  # fmt: skip


def _booking(row: Booking) -> BookingAnswer:
    old = row.rescheduled_from
    return BookingAnswer(
        id=row.uid, session=row.session.uid, level=row.level, state=row.state, starts_at=row.session.starts_at,
        ends_at=row.until_at, expires_at=row.expires_at, place=waitlist.place_of(row) or None, name=row.name,
        language=row.language, moved_from=old.uid if old is not None else None,
    )  # fmt: skip


def _myself() -> Person:
    """Return whose token this is; a token of an organisation books for nobody."""
    if not me().personal:
        raise Forbidden(_l("A token of an organisation cannot book: people book for themselves."))
    return me().person


def _open(uid: str) -> ExamSession:
    row: ExamSession = found(
        select(ExamSession).where(ExamSession.uid == uid, ExamSession.state == SessionState.OPEN)
    )
    return row


@seats_api.get(
    "/sessions", operation_id="list_sessions", summary=str(_l("Exam sessions that can be booked")),
    responses=responses(*PUBLIC_PROBLEMS, ok=Sessions),
)  # fmt: skip
@public
def list_sessions(query: SessionQuery) -> Any:
    """In the order in which they were drawn up; `level` narrows to one exam."""
    statement = sessions.upcoming(query.level).order_by(None)
    rows, onward = cursors.page(statement, [(ExamSession.id, int)], limit=query.limit, cursor=query.cursor)
    return told(Sessions(items=[_session(row) for row in rows], next=onward))


@seats_api.get(
    "/sessions/<uid>", operation_id="get_session", summary=str(_l("One exam session")),
    responses=responses(*PUBLIC_PROBLEMS, ok=SessionAnswer),
)  # fmt: skip
@public
def get_session(path: OneRow) -> Any:
    """With how many seats are free at this moment."""
    return told(_session(_open(path.uid)))


@seats_api.get(
    "/bookings", operation_id="list_bookings", summary=str(_l("Your own exam bookings")),
    responses=responses(*TOKEN_PROBLEMS, ok=Bookings), security=TOKEN,
)  # fmt: skip
@needs(Scope.EXAMS_READ)
def list_bookings(query: BookingQuery) -> Any:
    """The newest first; a token of an organisation reads none."""
    statement = own_bookings(me())
    if query.state:
        statement = statement.where(Booking.state == BookingState(query.state))
    rows, onward = cursors.page(
        statement, [(Booking.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(Bookings(items=[_booking(row) for row in rows], next=onward))


@seats_api.get(
    "/bookings/<uid>", operation_id="get_booking", summary=str(_l("One of your exam bookings")),
    responses=responses(*TOKEN_PROBLEMS, ok=BookingAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.EXAMS_READ)
def get_booking(path: OneRow) -> Any:
    """With its state and what ends when."""
    return told(_booking(own_booking(path.uid)))


@seats_api.post(
    "/bookings", operation_id="make_booking", summary=str(_l("Hold a seat, or join the waitlist")),
    responses=responses(*WRITE_PROBLEMS, created=BookingAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.EXAMS_WRITE)
@once
def make_booking(body: NewBooking, header: WriteHeaders) -> Any:
    """A held seat is to be confirmed before `expires_at`. A full session is refused; `queue` joins its waitlist."""
    row, person = _open(body.session), _myself()
    verb = waitlist.queue if body.queue else booking.hold
    made = verb(row.id, person=person, by=person)
    return told(_booking(made), 201, Location=url_for("api_seats.get_booking", uid=made.uid))


@seats_api.post(
    "/bookings/<uid>/confirmation", operation_id="confirm_booking", summary=str(_l("Confirm a held or offered seat")),
    responses=responses(*WRITE_PROBLEMS, ok=BookingAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.EXAMS_WRITE)
@once
def confirm_booking(path: OneRow, body: Confirmation, header: WriteHeaders) -> Any:
    """Name and rules stand from now on; an offer taken while booked elsewhere moves the booking."""
    row = own_booking(path.uid)
    if body.rules != str(catalogue.policy("exam.rules")):
        raise Refused(_l("Please accept the rules as they are today."), field="rules", status=422)
    made = booking.confirm(
        row,
        name=body.name,
        name_latin=body.name_latin,
        language=body.language,
        rules=body.rules,
        by=me().person,
    )
    return told(_booking(made))


@seats_api.post(
    "/bookings/<uid>/release", operation_id="release_booking", summary=str(_l("Give up a held or offered seat, or a wait")),
    responses=responses(*WRITE_PROBLEMS, ok=BookingAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.EXAMS_WRITE)
@once
def release_booking(path: OneRow, header: WriteHeaders) -> Any:
    """The seat goes to whoever is next."""
    return told(_booking(booking.decline(own_booking(path.uid), by=me().person)))


@seats_api.post(
    "/bookings/<uid>/cancellation", operation_id="cancel_booking", summary=str(_l("Cancel a booking")),
    responses=responses(*WRITE_PROBLEMS, ok=BookingAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.EXAMS_WRITE)
@once
def cancel_booking(path: OneRow, header: WriteHeaders) -> Any:
    """Until the cut-off; the attempt comes back."""
    return told(_booking(booking.cancel(own_booking(path.uid), by=me().person)))


@seats_api.post(
    "/bookings/<uid>/move", operation_id="move_booking", summary=str(_l("Move a booking to another session")),
    responses=responses(*WRITE_PROBLEMS, created=BookingAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.EXAMS_WRITE)
@once
def move_booking(path: OneRow, body: NewSession, header: WriteHeaders) -> Any:
    """The new seat is taken first: if it is refused, nothing has changed."""
    made = booking.reschedule(own_booking(path.uid), _open(body.session).id, by=me().person)
    return told(_booking(made), 201, Location=url_for("api_seats.get_booking", uid=made.uid))
