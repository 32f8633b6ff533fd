"""The customer's page of adaptation slots: own requests with place and reason, the rule, asking, taking, passing, releasing."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import required_org
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.web import go
from portal.services.slots import forms as f
from portal.services.slots import giving, queueing, showing
from portal.services.slots.doors import slots
from portal.services.slots.kinds import WorkKind
from portal.services.slots.models import NO_REQUEST, SlotRequest
from portal.services.support.forms import apart

PAGE = "slots.listed"


def _page(org: Organisation, status: int = 200, **given: Any) -> Any:
    g.nav = PAGE
    ask = given.get("ask") or f.Ask(formdata=None)
    ask.offer()
    quarter, rows = queueing.current(), giving.of_org(org)
    places = {row.id: seen for row, seen in showing.places(quarter)} if quarter is not None else {}
    return render_template(
        "slots/list.html", org=org, rows=rows, quarter=quarter, places=places, rule=showing.rule(),
        free=quarter.slots - len(queueing.given_in(quarter)) if quarter is not None else 0,
        last={row.id: giving.last_release(row) for row in rows}, on=given.get("on"),
        **apart(ask=ask, release=given.get("release") or f.Release(formdata=None)),
    ), status  # fmt: skip


@slots.get("/")
@allow(May.TAKE_SLOTS)
def listed() -> Any:
    """Show the organisation's requests, each with its place and the reason for it, and the rule."""
    return _page(required_org(me(), May.TAKE_SLOTS))


@slots.post("/")
@allow(May.TAKE_SLOTS)
def ask() -> Any:
    """Ask for a slot."""
    org, form = required_org(me(), May.TAKE_SLOTS), f.Ask()
    form.offer()
    status = form.carry_out(
        lambda: giving.ask(org, kind=WorkKind(form.kind.data), wish=str(form.wish.data), by=me().person)
    )
    if not status:
        return go(PAGE, _("You are in the queue: your place and the reason for it stand beside the request."))
    return _page(org, status, ask=form)


def own(uid: str) -> SlotRequest:
    """Return one request of an organisation for which the reader takes slots."""
    row = db.session.scalars(
        select(SlotRequest).where(SlotRequest.uid == uid, SlotRequest.org_id.in_(me().orgs(May.TAKE_SLOTS)))
    ).first()
    if row is None:
        raise Missing(NO_REQUEST)
    return row


@slots.post("/<uid>/<any(booking, pass, withdrawal):deed>")
@allow(May.TAKE_SLOTS)
def step(uid: str, deed: str) -> BaseResponse:
    """Take an offered slot, pass it, or take the request back."""
    row, by = own(uid), me().person
    with transaction():
        if deed == "booking":
            giving.take(row, by=by)
        elif deed == "pass":
            giving.pass_by(row, by=by)
        else:
            giving.withdraw(row, by=by)
    words = {
        "booking": _("The slot is yours. We write to you about the first steps."),
        "pass": _("The slot goes to the next in line."),
        "withdrawal": _("The request is withdrawn."),
    }
    return go(PAGE, words[deed])


@slots.post("/<uid>/release")
@allow(May.TAKE_SLOTS)
def release(uid: str) -> Any:
    """Give a booked slot back in time."""
    row, form = own(uid), f.Release()
    status = form.carry_out(lambda: giving.release(row, by=me().person, reason=str(form.reason.data)))
    if not status:
        return go(PAGE, _("The slot is free for the next in line. Thank you for saying so in time."))
    return _page(required_org(me(), May.TAKE_SLOTS), status, release=form, on=uid)
