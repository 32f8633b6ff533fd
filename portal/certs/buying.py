"""Exams bought through billing: an order opens an eligibility once its invoice is settled; best one reduction, never two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import crediting, issuing
from portal.billing.catalogue import Price
from portal.billing.issuing import Item
from portal.billing.models import Invoice, InvoiceState, Order
from portal.billing.pricing import WHOLE_BP
from portal.certs import asking, levels, tracks, vouchers
from portal.certs.events import EligibilityOpened
from portal.certs.models.booking import OPEN, SPENT, Booking, BookingState
from portal.certs.models.eligibility import Eligibility, EligibilityState, ExamKind, Voucher, VoucherKind
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.money import Money, half_up
from portal.core.periods import nth
from portal.core.states import move

E = EligibilityState
MEMBER = {"en": "Member discount", "zh": "会员优惠"}
VOUCHER = {"en": "Voucher", "zh": "考试券"}


@dataclass(frozen=True, slots=True)
class Reduction:
    """What is taken off a price in fen, with its words on the invoice; `voucher` where it is one."""

    amount: int = 0
    words: dict[str, str] | None = None
    voucher: Voucher | None = None


def kind_for(person: Person, level: str) -> ExamKind:
    """Return what a person buys today: the exam, a retake after attempts, a renewal until its window has closed."""
    now, after = clock.now(), timedelta(days=levels.renewal_window()[1])
    held = [one for one in asking.awards(person.id) if one.level == level and not one.revoked]
    if any(one.since <= now < one.until + after for one in held):
        return ExamKind.RENEWAL
    tried = select(Booking.id).where(
        Booking.person_id == person.id, Booking.level == level, Booking.state == BookingState.SAT
    )
    return ExamKind.RETAKE if db.session.scalar(tried.limit(1)) is not None else ExamKind.EXAM


def reduction(price: Price, person: Person, payer: Organisation | None, voucher: Voucher | None) -> Reduction:
    """Return the best one reduction: the membership's, or the voucher's."""
    listed = price.amount.minor
    orgs = [*tracks.holders_of(person), *([payer] if payer is not None else [])]
    member = half_up(listed * tracks.member_bp(orgs), WHOLE_BP)
    code = vouchers.off(voucher, listed) if voucher is not None else 0
    if voucher is not None and code > member:
        return Reduction(code, VOUCHER, voucher)
    return Reduction(member, MEMBER) if member else Reduction()


def buy(
    level: str, *, person: Person, by: Person, code: str = "", payer: Organisation | None = None, guardian: str = ""
) -> Eligibility:  # fmt: skip
    """Order an exam for a candidate; it opens when its invoice is settled, at once where nothing is to be paid."""
    voucher = vouchers.redeem(code, person, level=level) if code else None
    if voucher is not None and voucher.kind is VoucherKind.SEAT:
        raise Refused(_l("This is the code of a company's seat: please accept it under “Seats for me”."), field="code", status=422)  # fmt: skip
    known, today = levels.level(level), clock.today()
    kind = kind_for(person, level)
    price = levels.price(level, kind)
    off = reduction(price, person, payer, voucher)
    if voucher is not None and off.voucher is None:
        raise Refused(_l("Your membership gives more than this voucher: please order without it."), field="code", status=422)  # fmt: skip
    row = Eligibility(
        person=person, level=level, kind=kind, scheme=known.scheme, bought_on=today,
        ends_on=nth(today, levels.number("eligibility.months"), 1), free_retakes=levels.number("attempts.free_retakes"),
        guardian=guardian,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    if voucher is not None:
        vouchers.note(voucher, row, person)
    item = Item(price, discount=Money(off.amount), discount_words=off.words or {})
    row.order = issuing.place_order(issuing.party_of(payer or person), row.subject, [item])
    audit.record("exam.ordered", row, by=by, level=level, org_id=payer.id if payer else None, kind=kind)
    db.session.flush()
    issuing.issue_invoice(row.order, language=person.language, by=by)
    return row


def invoice_of(order: Order | None) -> Invoice | None:
    """Return the invoice of an order, the newest."""
    if order is None:
        return None
    return db.session.scalars(
        select(Invoice).where(Invoice.order_id == order.id).order_by(Invoice.id.desc())
    ).first()


def locked(eligibility_id: int) -> Eligibility:
    """Return an eligibility under its lock."""
    return db.session.get_one(
        Eligibility, eligibility_id, with_for_update={"of": Eligibility}, populate_existing=True
    )


def open_paid(eligibility_id: int) -> None:
    """Open an eligibility whose invoice is settled; told again it changes nothing."""
    row = locked(eligibility_id)
    if row.state is not E.PENDING:
        return
    if row.order is not None:
        issuing.agree(row.order, row.bought_on, row.ends_on)
    open_now(row, by="exam paid")


def open_now(row: Eligibility, *, by: Person | str) -> None:
    """Open an eligibility and tell whoever listens."""
    move(row, E.ACTIVE)
    row.opened_at = clock.now()
    db.session.flush()
    audit.record("exam.opened", row, by=by, level=row.level, until=row.ends_on)
    publish(EligibilityOpened(row))


def taken_back(eligibility_id: int) -> None:
    """Close an eligibility whose invoice was taken back; `Refused` while a seat is booked on it."""
    row = locked(eligibility_id)
    if row.state is E.PENDING:
        move(row, E.DROPPED)
    elif row.state is E.ACTIVE:
        if booked(row):
            raise Refused(_l("A seat is booked with this exam. It has to be cancelled first."))
        move(row, E.REFUNDED)
    else:
        return
    vouchers.give_back(row)
    audit.record(f"exam.{row.state}", row, by="exam paid", level=row.level)


def booked(row: Eligibility) -> int:
    """Return how many places and used attempts hang on an eligibility."""
    held = select(func.count(Booking.id)).where(
        Booking.eligibility_id == row.id, Booking.state.in_({*OPEN, *SPENT})
    )
    return int(db.session.scalar(held) or 0)


def why_no_refund(row: Eligibility) -> object | None:
    """Return in words why the candidate cannot give an exam back by himself; None if he can."""
    invoice = invoice_of(row.order)
    if row.state is not E.ACTIVE or invoice is None or not invoice.gross or row.opened_at is None:
        return _l("Only an exam that was paid for and is still open can be given back.")
    if booked(row):
        return _l("A seat is booked with this exam. It has to be cancelled first.")
    days = levels.number("refund.days")
    if clock.now() - row.opened_at > timedelta(days=days):
        return _l("An exam can be given back within %(days)s days. Please write to us.", days=days)
    return None


def give_back(row: Eligibility, *, by: Person) -> None:
    """Take an unbooked exam back within the first days: a credit note over all of it, the money becomes credit."""
    fresh = _for_refund(row)
    if (why := why_no_refund(fresh)) is not None:
        raise Refused(str(why))
    reverse(fresh, by=by, reason="given back by the candidate")


def _for_refund(row: Eligibility) -> Eligibility:
    invoice = invoice_of(row.order)
    if invoice is not None:
        issuing.locked(invoice.id)  # billing's lock comes first, as where money settles it
    return locked(row.id)


def reverse(row: Eligibility, *, by: Person | str, reason: str) -> None:
    """Take the invoice of an eligibility back; the listener closes it."""
    reverse_order(row.order, by=by, reason=reason)


def reverse_order(order: Order | None, *, by: Person | str, reason: str) -> None:
    """Take the invoice of an order back; `Refused` if there is none."""
    invoice = invoice_of(order)
    if invoice is None or invoice.state is InvoiceState.VOID or invoice.reversed:
        raise Refused(_l("There is no invoice to take back."))
    crediting.reverse_invoice(invoice, by=by, reason=reason)


def member_offer(person: Person) -> int:
    """Return the member's reduction a person has today, in basis points."""
    return tracks.member_bp(tracks.holders_of(person))


def minimum_age() -> int:
    """Return from which age people may sit an exam."""
    return int(catalogue.policy("age.minimum"))
