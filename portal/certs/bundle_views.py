"""A company's exam seats as it sees them: bought, assigned by address or code, taken back; a result only while its candidate agrees."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.billing.issuing import cover
from portal.certs import bundles, buying, levels, vouchers
from portal.certs import seat_forms as f
from portal.certs.doors import exams
from portal.certs.models.eligibility import Bundle
from portal.certs.seat_access import own_bundle, own_bundles, own_seat
from portal.core import catalogue
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.web import go


def _orgs() -> list[Organisation]:
    ids = me().orgs(May.ASSIGN_SEATS)
    rows = select(Organisation).where(Organisation.id.in_(ids), Organisation.person_id.is_(None))
    return list(db.session.scalars(rows.order_by(Organisation.id)))


def _form() -> f.BuySeats:
    form = f.BuySeats()
    form.org.choices = [(one.uid, one.name) for one in _orgs()]
    form.level.choices = [(one.code, one.name) for one in levels.levels()]
    return form


def _list(form: f.BuySeats, status: int = 200) -> Any:
    rows = [
        {"row": one, "counts": bundles.counts(one), "level": levels.name_of(one.level)}
        for one in db.session.scalars(own_bundles(me()))
    ]
    steps = [(int(least), int(bp) // 100) for least, bp in catalogue.policy("exam.bundle_discounts")]
    return render_template(
        "exams/bundles.html", rows=rows, form=form, steps=steps, many=len(_orgs()) > 1
    ), status


@exams.get("/seats", endpoint="bundles")
@allow(May.ASSIGN_SEATS)
def bundles_() -> Any:
    """List the seats that the reader's organisations bought, and the form to buy more."""
    return _list(_form())


@exams.post("/seats")
@allow(May.ASSIGN_SEATS)
def buy_bundle() -> Any:
    """Order seats; who pays for the organisation gets the invoice."""
    form = _form()
    if not form.validate_on_submit():
        return _list(form, 422)
    org = next(one for one in _orgs() if one.uid == form.org.data)
    try:
        with transaction():
            made = bundles.buy(org, form.level.data, form.quantity.data, by=me().person)
    except Refused as refusal:
        form.refused(refusal)
        return _list(form, refusal.status)
    return go(
        "exams.bundle", _("Ordered. Seats can be assigned as soon as the invoice is paid."), uid=made.uid
    )


def _page(row: Bundle, form: f.Assign, *, code: str = "", status: int = 200) -> Any:
    g.nav = "exams.bundles"
    seats = bundles.open_seats(row)
    states, invoice = bundles.states_of(seats), buying.invoice_of(row.order)
    results = bundles.results_of(seats)
    words = {"assigned": _("Seat assigned"), "booked": _("Seat booked"), "sat": _("Already sat")}
    shown = [
        {"seat": one, "how": words[how], "movable": how == "assigned", "result": results.get(one.eligibility.id) if one.eligibility else None}
        for one in seats
        for how in (bundles.standing_of(one, states),)
    ]  # fmt: skip
    return render_template(
        "exams/bundle.html", row=row, seats=shown, counts=bundles.counts(row), form=form, level=levels.name_of(row.level),
        invoice=invoice if invoice is not None and cover(invoice) == "due" else None, code=vouchers.shown(code) if code else "",
    ), status  # fmt: skip


@exams.get("/seats/<uid>")
@allow(May.ASSIGN_SEATS)
def bundle(uid: str) -> Any:
    """Show the seats of a bundle and how far each is."""
    return _page(own_bundle(uid), f.Assign())


@exams.post("/seats/<uid>/assignments")
@allow(May.ASSIGN_SEATS)
def assign_seat(uid: str) -> Any:
    """Assign a seat to a mail address."""
    row, form = own_bundle(uid), f.Assign()
    if status := form.carry_out(lambda: bundles.assign(row.id, form.email.data, by=me().person)):
        return _page(own_bundle(uid), form, status=status)
    return go("exams.bundle", _("Assigned. We have written to this address."), uid=uid)


@exams.post("/seats/<uid>/codes")
@allow(May.ASSIGN_SEATS)
def code_seat(uid: str) -> Any:
    """Make the code of a seat and show it, this once."""
    row = own_bundle(uid)
    with transaction():
        _seat, code = bundles.assign_code(row.id, by=me().person)
    return _page(own_bundle(uid), f.Assign(formdata=None), code=code)


@exams.post("/assignments/<uid>/return")
@allow(May.ASSIGN_SEATS)
def return_seat(uid: str) -> BaseResponse:
    """Take a seat back that nothing is booked with."""
    row = own_seat(uid)
    with transaction():
        bundles.take_back(row, by=me().person)
    return go("exams.bundle", _("Taken back. The seat is free again."), uid=row.bundle.uid)
