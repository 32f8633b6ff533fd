"""Who may sit what: eligibilities with their bookings and money, vouchers with their codes, and companies' seats."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import bundles, buying, exam_deeds, guards, levels, vouchers
from portal.certs import seat_forms as f
from portal.certs.doors import exam_office
from portal.certs.models.booking import Booking
from portal.certs.models.eligibility import (
    Bundle,
    Eligibility,
    EligibilityState,
    Voucher,
    VoucherKind,
    VoucherState,
)
from portal.certs.seat_access import found
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.paging import asked, page_of
from portal.core.web import go


def eligibilities_for(words: str, state: str) -> Select[Eligibility]:
    """Select eligibilities by name or address of the candidate, and by state."""
    statement = select(Eligibility).join(Person, Eligibility.person_id == Person.id)
    if words:
        like = f"%{words.lower()}%"
        statement = statement.where(func.lower(Person.name).like(like) | Person.email.like(like))
    if state in set(EligibilityState):
        statement = statement.where(Eligibility.state == EligibilityState(state))
    return statement.order_by(Eligibility.id.desc())


@exam_office.get("/eligibilities", endpoint="eligibilities")
@allow(May.READ_EXAMS)
def eligibilities() -> str:
    """List who may sit what, until when, with how many attempts left."""
    page = page_of(eligibilities_for(asked("q", most=80), asked("state", most=20)))
    return render_template(
        "office/exams/eligibilities.html", page=page, name_of=levels.name_of, states=EligibilityState
    )


@exam_office.get("/eligibilities/<uid>", endpoint="eligibility")
@allow(May.READ_EXAMS)
def eligibility(uid: str) -> str:
    """Show one eligibility with its bookings and its invoice."""
    row, g.nav = _eligibility(uid), "exam_office.eligibilities"
    mine = select(Booking).where(Booking.eligibility_id == row.id).order_by(Booking.id.desc())
    return render_template(
        "office/exams/eligibility.html", row=row, level=levels.name_of(row.level), bookings=db.session.scalars(mine).all(),
        invoice=buying.invoice_of(row.order), left=guards.left(row), deed=exam_deeds.open_about(row.subject), reason=f.Reason(),
        refundable=row.state is EligibilityState.ACTIVE and row.order is not None and not buying.booked(row),
    )  # fmt: skip


def _eligibility(uid: str) -> Eligibility:
    row: Eligibility = found(select(Eligibility).where(Eligibility.uid == uid))
    return row


@exam_office.post("/eligibilities/<uid>/refund")
@allow(May.RUN_EXAMS)
def propose_refund(uid: str) -> BaseResponse:
    """Propose to pay an exam back; finance decides."""
    row, form = _eligibility(uid), f.Reason()
    if not form.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        exam_deeds.propose_refund(row, by=me().person, reason=form.reason.data)
    return go("exam_office.eligibility", _("Proposed. Finance decides."), uid=uid)


def _voucher_form() -> f.NewVoucher:
    form = f.NewVoucher()
    form.levels.choices = [(one.code, one.name) for one in levels.levels()]
    return form


def _vouchers(form: f.NewVoucher, *, codes: list[str] | None = None, status: int = 200) -> Any:
    g.nav = "exam_office.vouchers"
    rows = select(Voucher).where(Voucher.kind != VoucherKind.SEAT).order_by(Voucher.id.desc())
    return render_template(
        "office/exams/vouchers.html", page=page_of(rows), form=form, codes=codes or [], name_of=levels.name_of, worth=worth,
        states=VoucherState,
    ), status  # fmt: skip


def worth(row: Voucher) -> str:
    """Return what a voucher takes off, in words."""
    if row.kind is VoucherKind.PERCENT:
        return f"{Decimal(row.value) / 100:f} %"
    return f"{Decimal(row.value) / 100:f} CNY" if row.kind is VoucherKind.AMOUNT else "100 %"


@exam_office.get("/vouchers", endpoint="vouchers")
@allow(May.READ_EXAMS)
def vouchers_() -> Any:
    """List vouchers with their uses, and the form to make some."""
    form, today = _voucher_form(), clock.today()
    form.starts.data, form.ends.data = today, today + timedelta(days=90)
    return _vouchers(form)


@exam_office.post("/vouchers")
@allow(May.RUN_EXAMS)
def make_vouchers() -> Any:
    """Make vouchers and show their codes, this once."""
    form = _voucher_form()
    if not form.validate_on_submit():
        return _vouchers(form, status=422)
    try:
        with transaction():
            codes = [vouchers.shown(_made(form)) for _n in range(form.codes.data)]
    except Refused as refusal:
        form.refused(refusal)
        return _vouchers(form, status=refusal.status)
    fresh = _voucher_form()
    fresh.process(formdata=None)
    return _vouchers(fresh, codes=codes)


def _made(form: f.NewVoucher) -> str:
    value = int((form.value.data or Decimal(0)) * 100)
    _row, code = vouchers.make(
        by=me().person, kind=VoucherKind(form.kind.data), words=form.words.data, starts=form.starts.data,
        ends=form.ends.data, value=0 if form.kind.data == VoucherKind.FULL else value, most=form.most.data,
        levels=form.levels.data or [], per_person=form.per_person.data, reason=form.reason.data or "",
    )  # fmt: skip
    return code


def _voucher(uid: str) -> Voucher:
    row: Voucher = found(select(Voucher).where(Voucher.uid == uid))
    return row


@exam_office.post("/vouchers/<uid>/approval")
@allow(May.RUN_EXAMS)
def approve_voucher(uid: str) -> BaseResponse:
    """Stand for another's voucher."""
    row = _voucher(uid)
    with transaction():
        vouchers.approve(row, by=me().person)
    return go("exam_office.vouchers", _("Approved: it may be used."))


@exam_office.post("/vouchers/<uid>/refusal")
@allow(May.RUN_EXAMS)
def decline_voucher(uid: str) -> BaseResponse:
    """Say no to another's voucher."""
    row = _voucher(uid)
    with transaction():
        vouchers.decline(row, by=me().person)
    return go("exam_office.vouchers", _("Declined; nothing changes."))


@exam_office.post("/vouchers/<uid>/end")
@allow(May.RUN_EXAMS)
def end_voucher(uid: str) -> BaseResponse:
    """Let nobody use a voucher from now on."""
    row = _voucher(uid)
    with transaction():
        vouchers.end(row, by=me().person)
    return go("exam_office.vouchers", _("Ended."))


@exam_office.get("/bundles", endpoint="bundles")
@allow(May.READ_EXAMS)
def bundles_() -> str:
    """List companies' seats and how far they are."""
    page = page_of(select(Bundle).order_by(Bundle.id.desc()))
    rows = [(one, bundles.counts(one)) for one in page.items]
    return render_template("office/exams/bundles.html", page=page, rows=rows, name_of=levels.name_of)
