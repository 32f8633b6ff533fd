"""The pages of saved searches: one's own, keeping one, and ending it from a mail without signing in."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.core.db import transaction
from portal.core.errors import Missing
from portal.core.web import go, public
from portal.jobs import modes, saving, searching
from portal.jobs.doors import jobs
from portal.jobs.kinds import Rhythm
from portal.jobs.modes import Mode

LIST = "jobs.saved"


def _open() -> None:
    if modes.mode() is Mode.NOTICES:
        raise Missing(_("This part of the job board is not open."))


@jobs.get("/saved")
@signed_in
def saved() -> str:
    """List one's saved searches."""
    _open()
    rows = [
        (row, saving.words(row), searching.read(row.asked).plain()) for row in saving.of_person(me().person)
    ]
    return render_template("jobs/saved.html", rows=rows, rhythms=list(Rhythm))


@jobs.post("/saved")
@signed_in
def keep() -> BaseResponse:
    """Keep a search, with its rhythm."""
    _open()
    known = {one.value for one in Rhythm}
    rhythm = request.form.get("rhythm", "")
    with transaction():
        saving.keep(
            searching.read(request.form), Rhythm(rhythm if rhythm in known else Rhythm.WEEKLY), by=me().person
        )
    return go(LIST, _("Kept. You get a mail when something new fits; never the same post twice."))


@jobs.post("/saved/<uid>/end")
@signed_in
def end(uid: str) -> BaseResponse:
    """End one of one's searches."""
    with transaction():
        saving.end(saving.own(uid, me().person), by=me().person)
    return go(LIST, _("The search is ended; its mails stop."))


@jobs.get("/stop/<uid>")
@public
def stop(uid: str) -> str:
    """Show the one button that ends the mails of a search, for whoever has the link of its mail; to look ends nothing."""
    return _stopping(uid)


@jobs.post("/stop/<uid>/end")
@public
def stopped(uid: str) -> str:
    """End the mails of a search by the button of that page."""
    return _ended(uid)


@jobs.post("/stop/<uid>")
@public
def one_click(uid: str) -> str:
    """End the mails of a search by the button of a mail program, which brings the words of RFC 8058 and no token."""
    if request.form.get("List-Unsubscribe") != "One-Click":
        raise BadRequest
    return _ended(uid)


def _ended(uid: str) -> str:
    with transaction():
        row = saving.by_link(uid)
        saving.end(row, by=row.person)
    return _stopping(uid)


def _stopping(uid: str) -> str:
    row = saving.by_link(uid)
    return render_template("jobs/stop.html", row=row, words=saving.words(row))
