"""Calendar files of bookings (RFC 5545): one entry over every move, its sequence grows, times are UTC."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from flask_babel import gettext as _

from portal.certs import levels
from portal.certs.models.booking import Booking, BookingState, Mode
from portal.core import web
from portal.core.catalogue import brand
from portal.core.settings import settings

HOLDS = {BookingState.CONFIRMED, BookingState.PRESENT, BookingState.SAT}
ALARMS = (24, 1)


def calendar(row: Booking) -> str:
    """Return the calendar object of a booking: `METHOD:REQUEST` while it stands, `CANCEL` afterwards."""
    from icalendar import Alarm, Calendar, Event, vCalAddress, vText  # noqa: PLC0415 - heavy

    stands = row.state in HOLDS
    host = urlsplit(settings().public_url).hostname or "localhost"
    event = Event()
    event.add("uid", f"{row.chain}@{host}")
    event.add("sequence", row.sequence)
    event.add("dtstamp", row.ended_at or row.confirmed_at or row.joined_at)
    event.add("dtstart", row.session.starts_at)
    event.add("dtend", row.until_at)
    event.add("summary", _("Exam: %(level)s", level=levels.name_of(row.level)))
    event.add("location", _("Online") if row.session.mode is Mode.ONLINE else row.session.place)
    event.add("url", web.absolute("exams.booking", uid=row.uid))
    event.add("status", "CONFIRMED" if stands else "CANCELLED")
    organizer = vCalAddress(f"mailto:{brand().mail}")
    organizer.params["CN"] = vText(brand().short)
    event.add("organizer", organizer)
    attendee = vCalAddress(f"mailto:{row.person.email}")
    attendee.params["CN"] = vText(row.person.name)
    event.add("attendee", attendee)
    for hours in ALARMS if stands else ():
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _("Exam: %(level)s", level=levels.name_of(row.level)))
        alarm.add("trigger", timedelta(hours=-hours))
        event.add_component(alarm)
    found = Calendar()
    found.add("prodid", f"-//{host}//portal//EN")
    found.add("version", "2.0")
    found.add("method", "REQUEST" if stands else "CANCEL")
    found.add_component(event)
    return str(found.to_ical(), "utf-8")
