"""The mails about places in sessions, each in the candidate's language, with the calendar file where the place changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask_babel import gettext as _

from portal.certs import levels
from portal.certs.calendars import calendar
from portal.certs.models.booking import Booking, BookingState, ExamSession, Mode
from portal.certs.said import there
from portal.core import mail, web
from portal.core.mail import Letter


def send(row: Booking, what: str, letter: Callable[[], Letter]) -> None:
    """Send a letter about a booking to its candidate, once per step."""
    person = row.person
    key = f"exam-{what}:{row.uid}:{row.sequence}"
    mail.send(key, person.email, person.name, person.language, letter, topic=row.subject)


def when_and_where(session: ExamSession) -> tuple[str, ...]:
    """Return the lines that say when and where a session is."""
    when = _("Start: %(time)s", time=there(session.starts_at, session.tz))
    where = session.place if session.mode is Mode.SITE else _("Online: %(place)s", place=session.place)
    return (when, where)


def page_of(row: Booking) -> tuple[str, str]:
    """Return the button to a booking's page."""
    return _("Open your booking"), web.absolute("exams.booking", uid=row.uid)


def confirmed(row: Booking) -> None:
    """Tell the candidate that a place is his, for the first time or after a move."""

    def letter() -> Letter:
        name = levels.name_of(row.level)
        moved = row.rescheduled_from is not None
        title = _("Your exam is moved: %(level)s", level=name) if moved else _("Your exam is booked: %(level)s", level=name)  # fmt: skip
        bring = _("Please bring a photo document in the name of the booking: %(name)s.", name=row.name)
        return Letter(
            title, (*when_and_where(row.session), bring), button=page_of(row), calendar=calendar(row)
        )

    send(row, "booked", letter)


def cancelled(row: Booking) -> None:
    """Tell the candidate that his booking is cancelled and the attempt is his again."""

    def letter() -> Letter:
        said = _("Your attempt is yours again: you may book another session.")
        why = (_("Reason: %(reason)s", reason=row.reason),) if row.reason else ()
        return Letter(
            _("Your exam is cancelled: %(level)s", level=levels.name_of(row.level)),
            (*when_and_where(row.session), *why, said), button=page_of(row), calendar=calendar(row),
        )  # fmt: skip

    send(row, "cancelled", letter)


def called_off(row: Booking, others: Sequence[ExamSession]) -> None:
    """Tell the candidate that we called his session off, what comes back, and which sessions there are."""

    def letter() -> Letter:
        lines = [
            _("We are sorry: this session will not take place. %(reason)s", reason=row.reason),
            *when_and_where(row.session),
            _("Your attempt and any fee come back, and you stand first on every waitlist for this exam."),
            *(_("Other session: %(time)s", time=there(one.starts_at, one.tz)) for one in others),
        ]
        return Letter(
            _("Called off by us: %(level)s", level=levels.name_of(row.level)), tuple(lines),
            button=(_("Choose another session"), web.absolute("exams.sessions", level=row.level)),
            calendar=calendar(row) if row.confirmed_at is not None else "",
        )  # fmt: skip

    send(row, "called-off", letter)


def offered(row: Booking) -> None:
    """Tell the candidate that a seat is his until an instant."""
    until = row.expires_at

    def letter() -> Letter:
        ends = there(until, row.session.tz) if until is not None else ""
        return Letter(
            _("A seat is free for you: %(level)s", level=levels.name_of(row.level)),
            (
                _("We hold it for you until %(time)s. After that it goes to whoever is next.", time=ends),
                *when_and_where(row.session),
            ),
            button=(_("Take the seat"), web.absolute("exams.booking", uid=row.uid)),
        )  # fmt: skip

    send(row, "offered", letter)


def lapsed(row: Booking, was: BookingState) -> None:
    """Tell the candidate that a hold, an offer or a wait came to nothing."""

    def letter() -> Letter:
        said = {
            BookingState.HELD: _("The seat was not confirmed in time and is free for others again."),
            BookingState.OFFERED: _(
                "The seat offered to you was not taken in time and went to whoever is next."
            ),
            BookingState.WAITING: _("No seat became free in time. Your attempt is untouched."),
        }[was]
        return Letter(
            _("No seat came of it: %(level)s", level=levels.name_of(row.level)), (said, *when_and_where(row.session)),
            button=(_("See other sessions"), web.absolute("exams.sessions", level=row.level)),
        )  # fmt: skip

    send(row, "lapsed", letter)


def paid_too_late(row: Booking) -> None:
    """Tell the candidate that his fee came after the hold and all seats are taken: the money is his credit."""

    def letter() -> Letter:
        return Letter(
            _("Paid too late for the seat: %(level)s", level=levels.name_of(row.level)),
            (
                _("Your payment arrived after the seat was released, and the session is full now."),
                _("The money stays your credit. You may join the waitlist, or book another session."),
            ),
            button=(_("Join the waitlist"), web.absolute("exams.session", uid=row.session.uid)),
        )  # fmt: skip

    send(row, "too-late", letter)


def reminded(row: Booking, hours: int, last_chance: bool) -> None:
    """Remind the candidate of his session; `last_chance` says until when it can still be moved."""

    def letter() -> Letter:
        name = levels.name_of(row.level)
        if hours >= 48:
            title = _("In %(days)s days: %(level)s", days=hours // 24, level=name)
        elif hours > 1:
            title = _("In %(hours)s hours: %(level)s", hours=hours, level=name)
        else:
            title = _("In an hour: %(level)s", level=name)
        chance = _(
            "You may still move or cancel until %(hours)s hours before the start.",
            hours=levels.cutoff_hours(),
        )
        bring = _("Please bring a photo document in the name of the booking: %(name)s.", name=row.name)
        lines = (*when_and_where(row.session), bring, *((chance,) if last_chance else ()))
        return Letter(title, lines, button=page_of(row))

    send(row, f"reminder-{hours}", letter)


def missed(row: Booking) -> None:
    """Tell the candidate that he was not seen, and how an absence is excused."""
    days = levels.number("excuse.days")

    def letter() -> Letter:
        return Letter(
            _("You were not there: %(level)s", level=levels.name_of(row.level)),
            (
                *when_and_where(row.session),
                _("The attempt is used up. If illness or a fault of ours kept you, send us evidence within %(days)s days.", days=days),
            ),
            button=page_of(row),
        )  # fmt: skip

    send(row, "missed", letter)


def excused(row: Booking) -> None:
    """Tell the candidate that his absence is excused."""

    def letter() -> Letter:
        return Letter(
            _("Your absence is excused: %(level)s", level=levels.name_of(row.level)),
            (_("Your attempt is yours again: you may book another session."),), button=page_of(row),
        )  # fmt: skip

    send(row, "excused", letter)
