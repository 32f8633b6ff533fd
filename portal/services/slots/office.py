"""The staff's pages of adaptation slots: quarters with their capacity, who has a slot, who waits in which order and why."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.paging import asked
from portal.core.web import go
from portal.services.slots import forms as f
from portal.services.slots import giving, queueing, showing, words
from portal.services.slots.doors import slots_office
from portal.services.slots.models import NO_REQUEST, SlotQuarter, SlotRequest
from portal.services.support.forms import apart

PAGE = "slots_office.listed"


def _chosen(rows: list[SlotQuarter]) -> SlotQuarter | None:
    code = asked("quarter", most=10)
    return next((one for one in rows if one.code == code), None) or queueing.current()


def _page(status: int = 200, **given: Any) -> Any:
    g.nav = PAGE
    rows = queueing.quarters(over=True)
    quarter = _chosen(rows)
    return render_template(
        "office/slots/list.html", quarters=rows, quarter=quarter, rule=showing.rule(), on=given.get("on"),
        given=queueing.given_in(quarter) if quarter is not None else [],
        counts={one.id: len(queueing.given_in(one)) for one in rows},
        queue=showing.places(quarter) if quarter is not None else [],
        waiting=queueing.waiting() if quarter is None else [], why_of=words.why,
        may_offer=me().staff_may(May.SELL_PLACES), may_manage=me().staff_may(May.MANAGE_PLACES),
        **apart(
            capacity=given.get("capacity") or f.Capacity(formdata=None),
            release=given.get("release") or f.Release(formdata=None),
        ),
    ), status  # fmt: skip


@slots_office.get("/")
@allow(May.READ_PLACES)
def listed() -> Any:
    """Show a quarter: its slots, and the queue in the order of the rule with each reason."""
    return _page()


@slots_office.post("/")
@allow(May.MANAGE_PLACES)
def set_capacity() -> Any:
    """Say how many slots a quarter has."""
    form = f.Capacity()
    status = form.carry_out(
        lambda: giving.set_capacity(
            form.start(), slots=int(form.slots.data or 0), person_days=int(form.person_days.data or 0), by=me().person
        )
    )  # fmt: skip
    if not status:
        return go(PAGE, _("Written down. Slots are offered each morning, or now by the button."))
    return _page(status, capacity=form)


@slots_office.post("/offers/<code>")
@allow(May.SELL_PLACES)
def offer(code: str) -> BaseResponse:
    """Offer what a quarter has left, in the order of the rule."""
    quarter = next((one for one in queueing.quarters() if one.code == code), None)
    if quarter is None:
        raise Missing(_("There is no such quarter."))
    with transaction():
        made = giving.offer(quarter, by=me().person)
    said = ngettext("%(num)s slot is offered.", "%(num)s slots are offered.", len(made))
    return go(PAGE, said, quarter=code)


def _any(uid: str) -> SlotRequest:
    row = db.session.scalars(select(SlotRequest).where(SlotRequest.uid == uid)).first()
    if row is None:
        raise Missing(NO_REQUEST)
    return row


@slots_office.post("/<uid>/use")
@allow(May.SELL_PLACES)
def use(uid: str) -> BaseResponse:
    """Say that the work of a slot has begun."""
    row = _any(uid)
    with transaction():
        giving.use(row, by=me().person)
    return go(PAGE, _("The work has begun."), quarter=row.quarter.code if row.quarter else "")


@slots_office.post("/<uid>/release")
@allow(May.MANAGE_PLACES)
def release(uid: str) -> Any:
    """Give a booked slot back for its customer."""
    row, form = _any(uid), f.Release()
    status = form.carry_out(
        lambda: giving.release(row, by=me().person, reason=str(form.reason.data), manager=True)
    )
    if not status:
        return go(PAGE, _("The slot is free for the next in line."))
    return _page(status, release=form, on=uid)
