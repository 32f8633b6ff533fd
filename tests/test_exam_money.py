"""Exams bought through billing: orders, vouchers, members' prices, bundles, refunds; and what of them is earned when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.may import ContactRole
from portal.billing import issuing
from portal.billing.book_models import Segment
from portal.billing.models import Invoice, InvoiceState
from portal.billing.verify import verify_books
from portal.certs import booking, bundles, buying, exam_deeds, guards, seat_chores, vouchers
from portal.certs.models.booking import Booking
from portal.certs.models.care import ExamDeed
from portal.certs.models.eligibility import (
    BundleState,
    Eligibility,
    EligibilityState,
    Voucher,
    VoucherKind,
    VoucherState,
    VoucherUse,
)
from portal.certs.seat_verify import verify_seats
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from tests import sale, seats
from tests.membership import inside, member
from tests.people import make_org, make_person

E = EligibilityState
DAY = datetime(2026, 11, 22, 4, tzinfo=UTC)


def clean() -> list[str]:
    return [*verify_books()[1], *verify_seats()[1]]


def start(*candidates: str) -> None:
    with transaction():
        seats.house(*candidates)


def order(name: str = "lin", **more: object) -> Eligibility:
    return buying.buy("OPDEV", person=seats.who(name), by=seats.who(name), **more)  # type: ignore[arg-type]


def voucher(kind: VoucherKind, value: int = 0, *, most: int = 1, **more: object) -> tuple[Voucher, str]:
    row, code = vouchers.make(
        by=seats.who("certs"), kind=kind, words="Test", starts=clock.today(), ends=clock.today() + timedelta(days=30),
        value=value, most=most, reason="for a test", **more,
    )  # fmt: skip
    if row.state is VoucherState.PROPOSED:
        vouchers.approve(row, by=seats.who("certs2"))
    return row, code


def test_an_exam_opens_when_its_money_has_come_for_twelve_months_from_the_order(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(DAY):
            start("lin")
            with transaction():
                row = order()
                bill = seats.invoice(row)
                assert (row.state, bill.gross, bill.state) == (E.PENDING, Money(120_000), InvoiceState.OPEN)
                with seats.refused("no attempt left"):
                    booking.hold(seats.session().id, person=row.person, by=row.person)
        with clock.stopped_at(DAY + timedelta(days=9)), transaction():
            row = db.session.query(Eligibility).one()
            seats.pay(seats.invoice(row))
            assert (row.state, row.bought_on, row.ends_on) == (
                E.ACTIVE,
                date(2026, 11, 22),
                date(2027, 11, 22),
            )
            last = datetime(2027, 11, 21, 15, 59, tzinfo=UTC)
            assert guards.covers(row, last)
            assert not guards.covers(row, last + timedelta(minutes=1))
            title = db.session.scalars(
                select(MailMessage.title).where(MailMessage.key == f"exam-opened:{row.uid}")
            ).one()
            assert title == "You may book your exam: FlagOS Operator Developer"
        with reading():
            assert clean() == []


def test_a_full_voucher_gives_an_invoice_over_nothing_with_a_discount_line(app: Flask) -> None:
    with inside(app):
        start("lin", "mei")
        with transaction():
            row, code = voucher(VoucherKind.FULL, most=1)
        with transaction():
            made = order(code=vouchers.shown(code).lower())
            bill = seats.invoice(made)
            assert (made.state, bill.state, bill.gross) == (E.ACTIVE, InvoiceState.PAID, Money(0))
            assert bill.lines[0].discount == Money(120_000)
            assert bill.lines[0].discount_words["zh"] == "考试券"
        with pytest.raises(Refused, match="not valid here"), transaction():
            order("mei", code=code)
        with reading():
            assert db.session.get_one(Voucher, row.id).used == 1
            assert clean() == []


def test_a_voucher_comes_back_with_the_cancelled_order_and_is_for_each_person_once(app: Flask) -> None:
    with inside(app):
        start("lin", "mei")
        with transaction():
            row, code = voucher(VoucherKind.PERCENT, 1500, most=3)
        with transaction():
            order(code=code)
        with pytest.raises(Refused, match="not valid here"), transaction():
            order(code=code)
        with transaction():
            assert seats.again(row).used == 1
            buying.reverse(db.session.query(Eligibility).one(), by="test", reason="changed my mind")
            assert seats.again(row).used == 0
            assert db.session.query(Eligibility).one().state is E.DROPPED
            again = order(code=code)
            assert seats.invoice(again).gross == Money(102_000)
            uses = db.session.query(VoucherUse).order_by(VoucherUse.id).all()
            assert [one.returned_at is None for one in uses] == [False, True]
        with reading():
            assert clean() == []


def test_large_vouchers_wait_for_a_second_person(app: Flask) -> None:
    with inside(app):
        start("lin")
        with transaction():
            ends = clock.today() + timedelta(days=9)
            args = {"words": "W", "starts": clock.today(), "ends": ends, "by": seats.who("certs")}
            small, _code = vouchers.make(kind=VoucherKind.PERCENT, value=2000, **args)  # type: ignore[arg-type]
            large, code = vouchers.make(kind=VoucherKind.AMOUNT, value=24_001, reason="why", **args)  # type: ignore[arg-type]
            assert (small.state, large.state) == (VoucherState.ACTIVE, VoucherState.PROPOSED)
            assert code not in (large.code_hash, large.hint)
            assert (len(code), set(code) <= set(vouchers.SIGNS)) == (16, True)
            with seats.refused(None, Forbidden):
                vouchers.approve(large, by=seats.who("certs"))
            with seats.refused():
                vouchers.redeem(code, seats.who("lin"))
            with seats.refused("reason"):
                vouchers.make(kind=VoucherKind.FULL, **args)  # type: ignore[arg-type]


@pytest.mark.parametrize(("tier", "gross"), [("gold", 96_000), ("silver", 102_000), ("startup", 108_000)])
def test_people_of_a_member_pay_less_and_never_take_two_reductions(app: Flask, tier: str, gross: int) -> None:
    with inside(app):
        start("lin")
        with transaction():
            org = make_org("Galaxy Ltd", (seats.who("lin"), ContactRole.TECHNICAL))
            member(org, tier=tier, start=clock.today())
        with transaction():
            _row, code = voucher(VoucherKind.PERCENT, 500)
        with transaction():
            made = order()
            assert seats.invoice(made).gross == Money(gross)
            assert seats.invoice(made).lines[0].discount_words["en"] == "Member discount"
        with pytest.raises(Refused, match="more than this voucher"), transaction():
            order(code=code)


def test_an_exam_not_booked_is_given_back_within_seven_days_and_later_by_two_people(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(DAY):
            start("lin")
            with transaction():
                row = order()
                seats.pay(seats.invoice(row))
            with transaction():
                place = booking.hold(seats.session().id, person=row.person, by=row.person)
                with seats.refused("cancelled first"):
                    buying.give_back(row, by=row.person)
                booking.decline(place, by=row.person)
        with clock.stopped_at(DAY + timedelta(days=7, seconds=1)):
            with pytest.raises(Refused, match="within 7 days"), transaction():
                buying.give_back(row, by=row.person)
            with transaction():
                exam_deeds.propose_refund(row, by=seats.who("certs"), reason="moved abroad")
            with transaction():
                deed = db.session.query(ExamDeed).one()
                with seats.refused(None, Forbidden):
                    exam_deeds.confirm(deed, by=seats.who("certs"))
                exam_deeds.confirm(deed, by=seats.who("fang"))
                assert seats.again(row).state is E.REFUNDED
                assert seats.invoice(row).reversed
        with reading():
            assert clean() == []


def test_within_seven_days_the_candidate_gives_it_back_himself(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(DAY):
            start("lin")
            with transaction():
                row = order()
                seats.pay(seats.invoice(row))
        with clock.stopped_at(DAY + timedelta(days=7)), transaction():
            buying.give_back(row, by=row.person)
            assert seats.again(row).state is E.REFUNDED
        with reading():
            assert clean() == []


def test_what_is_never_paid_is_dropped_and_what_is_never_used_is_earned_at_its_end(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(DAY):
            start("lin", "mei")
            with transaction():
                unpaid, paid = order(), order("mei")
                seats.pay(seats.invoice(paid))
        with clock.stopped_at(DAY + timedelta(days=29)):
            assert seat_chores.end_eligibilities() == 0
        with clock.stopped_at(DAY + timedelta(days=30)):
            assert seat_chores.end_eligibilities() == 1
            assert seat_chores.end_eligibilities() == 0
            with reading():
                assert db.session.get_one(Eligibility, unpaid.id).state is E.DROPPED
        with clock.stopped_at(datetime(2027, 11, 21, 15, 59, tzinfo=UTC)):
            assert seat_chores.end_eligibilities() == 0
        with clock.stopped_at(datetime(2027, 11, 21, 16, tzinfo=UTC)):
            assert seat_chores.end_eligibilities() == 1
            with reading():
                row = db.session.get_one(Eligibility, paid.id)
                line = sale.line(seats.invoice(row))
                assert row.state is E.ENDED
                assert sale.standing(line)[:2] == (line.net.minor, 0)
                assert clean() == []


def test_an_exam_is_earned_on_the_day_it_was_missed_or_ended_however_late_the_chore_comes(app: Flask) -> None:
    start_of_session = datetime(2026, 12, 31, 2, tzinfo=UTC)
    with inside(app):
        with clock.stopped_at(DAY):
            start("lin", "mei")
            with transaction():
                rows = [order(), order("mei")]
                for n, row in enumerate(rows):
                    seats.pay(seats.invoice(row), f"pay-{n}")
                place = seats.session(start_of_session)
                seats.confirm(booking.hold(place.id, person=seats.who("lin"), by=seats.who("lin")))
        with clock.stopped_at(datetime(2027, 1, 4, tzinfo=UTC)):  # four days, and a year, later
            assert seat_chores.mark_no_shows() == 1
        with clock.stopped_at(datetime(2027, 12, 2, tzinfo=UTC)):
            assert seat_chores.end_eligibilities() >= 1
        with reading():
            missed, ended = (
                sale.line(seats.invoice(db.session.get_one(Eligibility, row.id))) for row in rows
            )
            assert [month for _posted, month, _fen in sale.income(missed)] == ["2026-12"]
            assert [month for _posted, month, _fen in sale.income(ended)] == ["2027-11"]
            days = {one.order_line_id: one.starts for one in db.session.query(Segment)}
            assert (days[missed.id], days[ended.id]) == (date(2026, 12, 31), date(2027, 11, 22))
            assert clean() == []


def test_a_company_buys_seats_assigns_them_and_sees_only_how_far_they_are(app: Flask) -> None:
    with inside(app):
        start("lin", "mei")
        with transaction():
            owner = make_person("chen@galaxy.example", "Chen")
            org = make_org("Galaxy Ltd", (owner, ContactRole.OWNER))
            row = bundles.buy(org, "OPDEV", 10, by=owner)
            bill = db.session.query(Invoice).one()
            assert (bill.gross, bill.lines[0].discount) == (Money(1_140_000), Money(60_000))
            with seats.refused("No seat"):
                bundles.assign(row.id, "lin@mail.example", by=owner)
            seats.pay(bill)
            assert row.state is BundleState.ACTIVE
        with transaction():
            seat = bundles.assign(row.id, "Lin@mail.example ", by=owner)
            _coded, code = bundles.assign_code(row.id, by=owner)
            mine = bundles.accept(seat, person=seats.who("lin"))
            assert (mine.state, mine.ends_on) == (E.ACTIVE, row.ends_on)
            bundles.redeem(code, person=seats.who("mei"))
            with seats.refused("not valid here"):
                bundles.redeem(code, person=seats.who("lin"))
        with transaction():
            assert bundles.counts(row) == bundles.Counts(8, 2, 0, 0)
            seats.confirm(booking.hold(seats.session().id, person=seats.who("lin"), by=seats.who("lin")))
            assert bundles.counts(row) == bundles.Counts(8, 1, 1, 0)
            with seats.refused("stays with its candidate"):
                bundles.take_back(seat, by=owner)
        with transaction():
            coded = next(one for one in bundles.open_seats(row) if one.voucher_id)
            bundles.take_back(coded, by=owner)
            assert bundles.counts(row) == bundles.Counts(9, 0, 1, 0)
        with reading():
            assert clean() == []


def test_seats_of_a_bundle_are_earned_one_by_one_and_the_rest_at_its_end(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(DAY):
            start("lin")
            with transaction():
                owner = make_person("chen@galaxy.example", "Chen")
                row = bundles.buy(make_org("Galaxy Ltd", (owner, ContactRole.OWNER)), "OPDEV", 3, by=owner)
                seats.pay(db.session.query(Invoice).one())
            with transaction():
                bundles.accept(bundles.assign(row.id, "lin@mail.example", by=owner), person=seats.who("lin"))
                seats.confirm(booking.hold(seats.session().id, person=seats.who("lin"), by=seats.who("lin")))
        with clock.stopped_at(DAY + timedelta(days=30, minutes=30)):
            assert seat_chores.mark_no_shows() == 1
            with reading():
                line = sale.line(db.session.query(Invoice).one())
                assert sale.standing(line)[0] == (line.net.minor + 1) // 3
        with clock.stopped_at(DAY + timedelta(days=365)):
            assert seat_chores.end_eligibilities() == 1
            with reading():
                assert sale.standing(line)[:2] == (line.net.minor, 0)
                assert clean() == []


def test_a_fee_holds_the_seat_until_it_is_paid_and_late_money_stays_credit(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(DAY):
            start("lin", "mei")
            with transaction():
                seats.rule("booking.fees", {"booking": "dues.individual"})
                place = seats.session(capacity=1)
                for name in ("lin", "mei"):
                    seats.eligible(seats.who(name))
            with transaction():
                row = seats.confirm(booking.hold(place.id, person=seats.who("lin"), by=seats.who("lin")))
                assert (row.state.value, row.fee is not None) == ("held", True)
        with clock.stopped_at(DAY + timedelta(minutes=15)):
            assert seat_chores.expire_holds() == 1
            with transaction():
                booking.hold(place.id, person=seats.who("mei"), by=seats.who("mei"))
        with clock.stopped_at(DAY + timedelta(minutes=15, seconds=1)), transaction():
            row = seats.again(row)
            fee = db.session.get_one(Invoice, row.fee_id)
            seats.pay(fee)
            assert (row.state.value, fee.reversed or fee.state is InvoiceState.VOID) == ("lapsed", True)
            assert issuing.owed(fee) == Money(0)
            titles = list(db.session.scalars(select(MailMessage.title).order_by(MailMessage.id)))
            assert titles[-1] == "Paid too late for the seat: FlagOS Operator Developer"
        with reading():
            assert clean() == []


def test_late_money_tries_the_seat_again_once(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(DAY):
            start("lin")
            with transaction():
                seats.rule("booking.fees", {"booking": "dues.individual"})
                place = seats.session(capacity=1)
                seats.eligible(seats.who("lin"))
            with transaction():
                row = seats.confirm(booking.hold(place.id, person=seats.who("lin"), by=seats.who("lin")))
        with clock.stopped_at(DAY + timedelta(hours=1)):
            with transaction():
                seats.pay(db.session.get_one(Invoice, row.fee_id))
            with reading():
                states = [one.value for (one,) in db.session.query(Booking.state).order_by(Booking.id)]
                assert states == ["lapsed", "confirmed"]
                assert clean() == []


def test_a_reversed_invoice_is_refused_while_a_seat_is_booked(app: Flask) -> None:
    with inside(app):
        start("lin")
        with transaction():
            row = order()
            seats.pay(seats.invoice(row))
            seats.confirm(booking.hold(seats.session().id, person=row.person, by=row.person))
        with pytest.raises(Refused, match="cancelled first"), transaction():
            buying.reverse(row, by="test", reason="no")
        with reading():
            assert db.session.get_one(Eligibility, row.id).state is E.ACTIVE
            assert clean() == []
