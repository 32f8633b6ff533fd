"""What a candidate has: exams bought or given, bookings, seats that wait for him, accommodations; and buying an exam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import g, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import consents, throttle
from portal.accounts.access import me, signed_in
from portal.accounts.privacy_models import Channel
from portal.billing.issuing import cover
from portal.certs import aids, bundles, buying, guards, levels, sitting, vouchers, waitlist
from portal.certs import seat_forms as f
from portal.certs.doors import exams
from portal.certs.models.booking import OPEN, Booking
from portal.certs.models.care import Aid
from portal.certs.models.eligibility import Eligibility
from portal.certs.seat_access import (
    own_accommodation,
    own_bookings,
    own_eligibilities,
    own_eligibility,
    paying_orgs,
    seat_for_me,
)
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.web import go
from portal.core.words import money

SELF = "me"


def _shown(row: Eligibility) -> dict[str, Any]:
    """Return what the page says of an exam: attempts left, what is to be paid, whether it can be given back."""
    invoice = buying.invoice_of(row.order)
    return {
        "row": row, "level": levels.name_of(row.level), "left": max(0, guards.left(row)),
        "invoice": invoice if invoice is not None and cover(invoice) == "due" else None,
        "refundable": buying.why_no_refund(row) is None,
    }  # fmt: skip


@exams.get("/mine")
@signed_in
def mine() -> str:
    """Show the reader's exams, open and past bookings, and seats that wait for him."""
    reader = me()
    rows = db.session.scalars(own_bookings(reader).order_by(Booking.id.desc()).limit(100)).all()
    under_way = db.session.scalars(sitting.under_way(reader.person.id)).all()
    return render_template(
        "exams/mine.html", open=[one for one in rows if one.state in OPEN], past=[one for one in rows if one.state not in OPEN],
        exams=[_shown(one) for one in db.session.scalars(own_eligibilities(reader))], seats=bundles.for_me(reader.person),
        aid=aids.of(reader.person.id), under_way=under_way, name_of=levels.name_of, place_of=waitlist.place_of, code=f.SeatCode(),
        seated=bundles.has_taken(reader.person), agreed=consents.stands(consents.EXAM_RESULTS, reader.person),
    )  # fmt: skip


def _buy_page(code: str, form: f.Buy, status: int = 200) -> Any:
    person, level = me().person, levels.level(code)
    kind = buying.kind_for(person, code)
    price = levels.price(code, kind)
    g.nav = "exams.mine"
    off = buying.reduction(price, person, None, None)
    return render_template(
        "exams/buy.html", level=level, form=form, price=price.amount, kind=kind, off=off.amount,
        off_words=money(Money(off.amount)), due_words=money(price.amount - Money(off.amount)),
        wanting=guards.prerequisite(person.id, code, clock.now()), months=levels.number("eligibility.months"),
        retakes=levels.number("attempts.free_retakes"), days=levels.number("refund.days"), minimum=buying.minimum_age(),
    ), status  # fmt: skip


def _buy_form() -> f.Buy:
    form = f.Buy()
    form.payer.choices = [(SELF, me().person.name), *((one.uid, one.name) for one in paying_orgs(me()))]
    return form


@exams.get("/buy/<code>")
@signed_in
def buy(code: str) -> Any:
    """Show what an exam costs the reader, and the form to order it."""
    return _buy_page(code, _buy_form())


def tried(work: Callable[[], Eligibility], *, code: str) -> Eligibility:
    """Do something with a code that a person typed: wrong ones are counted, and slow the next try down."""
    account = f"voucher:{me().person.id}"
    if code:
        throttle.check(account)
    try:
        with transaction():
            made = work()
    except Refused as refusal:
        if code and refusal.field == "code":
            throttle.note(account, good=False)
        raise
    return made


@exams.post("/buy/<code>")
@signed_in
def order(code: str) -> Any:
    """Order an exam; the invoice follows, or nothing is to be paid."""
    form, person = _buy_form(), me().person
    if not form.validate_on_submit():
        return _buy_page(code, form, 422)
    payer = next((one for one in paying_orgs(me()) if one.uid == form.payer.data), None)
    typed = form.code.data or ""
    try:
        guardian = form.told_guardian()
        made = tried(
            lambda: buying.buy(code, person=person, by=person, code=typed, payer=payer, guardian=guardian),
            code=typed,
        )
    except Refused as refusal:
        form.refused(refusal)
        return _buy_page(code, form, refusal.status)
    return _ordered(made)


def _ordered(row: Eligibility) -> BaseResponse:
    invoice = buying.invoice_of(row.order)
    if invoice is not None and cover(invoice) == "due":
        return go(
            "billing.invoice", _("Ordered. You may book as soon as the invoice is paid."), uid=invoice.uid
        )
    return go("exams.sessions", _("The exam is yours. Please choose a session."), level=row.level)


@exams.post("/eligibilities/<uid>/refund")
@signed_in
def refund(uid: str) -> BaseResponse:
    """Give an exam back that is not booked, within the first days."""
    row = own_eligibility(uid)
    with transaction():
        buying.give_back(row, by=me().person)
    return go("exams.mine", _("Given back. The money is your credit; finance pays it out."))


@exams.post("/seats/<uid>/acceptance")
@signed_in
def accept_seat(uid: str) -> BaseResponse:
    """Accept a seat that a company assigned to the reader's address."""
    row = seat_for_me(uid)
    with transaction():
        made = bundles.accept(row, person=me().person)
    return go("exams.sessions", _("The exam is yours. Please choose a session."), level=made.level)


@exams.post("/seats/code")
@signed_in
def redeem_seat() -> BaseResponse:
    """Accept the seat of a code."""
    form, person = f.SeatCode(), me().person
    if not form.validate_on_submit():
        raise Refused(vouchers.INVALID, status=422)
    made = tried(lambda: bundles.redeem(form.code.data, person=person), code=form.code.data)
    return go("exams.sessions", _("The exam is yours. Please choose a session."), level=made.level)


@exams.post("/seats/result-consent")
@signed_in
def show_result() -> BaseResponse:
    """Let the companies that gave the reader a seat see whether he passed, or take that back."""
    given = request.form.get("given")
    if given not in {"yes", "no"}:
        raise Refused(_("Please say whether you agree."), status=422)
    with transaction():
        consents.speak(consents.EXAM_RESULTS, given == "yes", by=me().person, channel=Channel.ACCOUNT)
    return go("exams.mine", _("You agreed.") if given == "yes" else _("Your consent is taken back."))


def _aid_page(form: f.AskAid, status: int = 200) -> Any:
    g.nav = "exams.mine"
    return render_template(
        "exams/accommodation.html", row=aids.of(me().person.id), form=form, kinds=Aid
    ), status


@exams.get("/accommodations")
@signed_in
def accommodations() -> Any:
    """Show what the reader asked for or was granted, and the form to ask."""
    return _aid_page(f.AskAid())


@exams.post("/accommodations")
@signed_in
def ask_accommodation() -> Any:
    """Ask for accommodations."""
    form = f.AskAid()
    if form.validate_on_submit():
        try:
            with transaction():
                aids.ask(me().person, [Aid(one) for one in form.wanted.data], evidence=form.evidence.data)
        except Refused as refusal:
            form.refused(refusal)
            return _aid_page(form, refusal.status)
        return go("exams.accommodations", _("Asked. An officer decides and writes to you."))
    return _aid_page(form, 422)


@exams.post("/accommodations/<uid>/withdrawal")
@signed_in
def withdraw_accommodation(uid: str) -> BaseResponse:
    """Take a request for accommodations back."""
    row = own_accommodation(uid)
    with transaction():
        aids.withdraw(row, by=me().person)
    return go("exams.accommodations", _("Taken back."))
