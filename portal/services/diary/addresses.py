"""The verbs of private calendar addresses, and what is kept of them: made anew, ended, found, taken along, erased."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select, update

from portal.accounts import erasure_plan
from portal.accounts.access import Reader, roles_of
from portal.accounts.bearer import NO_BROWSER
from portal.accounts.erasure_plan import Fate, Line
from portal.accounts.events import PersonErased
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.core import audit, clock, personal, story, vault
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.personal import Sheet
from portal.services.diary.models import CalendarAddress

# Whoever may do one of these has something to see in a calendar.
SEES = (May.SEE_SERVICES, May.TAKE_SLOTS, May.READ_SERVICES, May.READ_PLACES)


def live(person: Person) -> CalendarAddress | None:
    """Return the address of a person that is not ended."""
    rows = select(CalendarAddress).where(
        CalendarAddress.person_id == person.id, CalendarAddress.ended_at.is_(None)
    )
    return db.session.scalars(rows).first()


def _end(person: Person) -> CalendarAddress | None:
    """End the address of a person; the row's own lock decides who of two came first."""
    ended = (
        update(CalendarAddress)
        .where(CalendarAddress.person_id == person.id, CalendarAddress.ended_at.is_(None))
        .values(ended_at=clock.now())
        .returning(CalendarAddress)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return db.session.scalars(ended).first()


def make(person: Person) -> tuple[CalendarAddress, str]:
    """Make an address, the one before ends; return it and its token, which nobody can read again."""
    db.session.execute(
        update(Person)
        .where(Person.id == person.id)
        .values(disabled_at=Person.disabled_at)
        .execution_options(synchronize_session=False)
    )  # two clicks at once come one after the other
    before, token = _end(person), vault.token()
    row = CalendarAddress(person=person, token_hash=vault.digest(token))
    db.session.add(row)
    db.session.flush()
    audit.record("calendar.made", row, by=person, anew=before is not None)
    return row, token


def end(person: Person) -> None:
    """End the address of a person: whoever has it finds nothing there any more."""
    row = _end(person)
    if row is None:
        raise Refused(_l("There is no address to end."))
    audit.record("calendar.ended", row, by=person)


def reader_of(token: str) -> tuple[CalendarAddress, Reader]:
    """Return an address by its token with what its person may do now; unknown, ended and of nobody are all missing."""
    rows = select(CalendarAddress).where(CalendarAddress.token_hash == vault.digest(token))
    row = db.session.scalars(rows).first()
    if row is not None and row.ended_at is None:
        person = row.person
        reader = Reader(person, NO_BROWSER, *roles_of(person.id), enrolled=True)
        here = person.disabled_at is None and person.erased_at is None
        if here and any(reader.may(one) for one in SEES):
            return row, reader
    raise Missing(_l("There is no such calendar."))


def lines(person: Person) -> list[Line]:
    """Return what becomes of a person's addresses."""
    count = select(func.count(CalendarAddress.id)).where(CalendarAddress.person_id == person.id)
    return [Line("calendar_addresses", Fate.ERASED, int(db.session.scalar(count) or 0))]


def on_erased(event: PersonErased) -> None:
    """Delete the addresses of a person."""
    db.session.execute(delete(CalendarAddress).where(CalendarAddress.person_id == event.person.id))


def sheets(person: Person) -> list[Sheet]:
    """Return when a person had addresses, and when a calendar read last; never the token."""
    rows = select(CalendarAddress).where(CalendarAddress.person_id == person.id).order_by(CalendarAddress.id)
    return [
        Sheet(
            "calendar_addresses",
            _l("Your private calendar addresses"),
            (("since", _l("Since")), ("read_on", _l("Last read on")), ("ended", _l("Ended"))),
            [{"since": one.at, "read_on": one.read_on, "ended": one.ended_at} for one in db.session.scalars(rows)],
        )
    ]  # fmt: skip


def install() -> None:
    """Put the table into the register, and name the verbs."""
    personal.holds(personal.Purpose.ACTING, personal.Keeping.ACCOUNT, "calendar_address.person_id")
    personal.collects("calendar", sheets)
    erasure_plan.ask("calendar", lines)
    erasure_plan.say({"calendar_addresses": _l("Your private calendar addresses")})
    story.words(
        {
            "calendar.made": (_l("Private calendar address made"), "calendar-plus"),
            "calendar.ended": (_l("Private calendar address ended"), "calendar-x"),
        },
        {"anew": _l("In place of another")},
    )
