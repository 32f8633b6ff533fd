"""The page on which a person makes, copies and ends his calendar address, and the address itself."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, make_response, render_template, request
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import update
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, leave, me
from portal.accounts.may import May
from portal.core import clock, web
from portal.core.db import transaction
from portal.core.web import go, public
from portal.services.diary import addresses, feed
from portal.services.diary.models import CalendarAddress

calendars = Blueprint("calendars", __name__, url_prefix="/calendar")
PAGE = "calendars.address"


def _arrive() -> None:
    staff = me().staff_may(May.READ_SERVICES) or me().staff_may(May.READ_PLACES)
    g.nav = "engagement_office.board" if staff else "quotes.services"


@calendars.get("/")
@allow(*addresses.SEES)
def address() -> str:
    """Say whether there is an address, since when, and when a calendar read it last."""
    _arrive()
    return render_template("diary/address.html", row=addresses.live(me().person))


@calendars.post("/")
@allow(*addresses.SEES, fresh=True)
def make() -> Any:
    """Make an address and show it this once; the one before ends."""
    _arrive()
    with transaction():
        _row, token = addresses.make(me().person)
    answer = make_response(
        render_template("diary/made.html", url=web.absolute("calendars.feed_of", token=token))
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@calendars.post("/end")
@allow(*addresses.SEES)
def end() -> BaseResponse:
    """End the address."""
    with transaction():
        addresses.end(me().person)
    return go(PAGE, _("Ended: whoever has the address finds nothing there any more."))


@calendars.get("/<token>.ics")
@public
def feed_of(token: str) -> BaseResponse:
    """Hand out the calendar of whoever has its address; what is unknown, ended or without a right looks missing."""
    row, reader = addresses.reader_of(token)
    with force_locale(row.person.language):
        made = feed.text(reader)
    today = clock.today()
    if row.read_on != today:
        leave(update(CalendarAddress).where(CalendarAddress.id == row.id).values(read_on=today))
    answer = Response(made, content_type="text/calendar; charset=utf-8")
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Content-Disposition"] = 'inline; filename="portal.ics"'
    answer.add_etag()
    return answer.make_conditional(request)
