"""What the demo shows of exams: sessions to book, a full one with a waitlist, candidates at every step, vouchers and seats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import settling
from portal.billing.models import Invoice
from portal.billing.money_models import Way
from portal.certs import aids, booking, bundles, buying, exam_deeds, sessions, timing, vouchers, waitlist
from portal.certs.models.booking import Booking, ExamSession, Mode
from portal.certs.models.care import Aid
from portal.certs.models.eligibility import Eligibility, VoucherKind
from portal.core import clock
from portal.core.db import db, transaction

Who = Callable[[str], Person]
# Days from today, hour there, zone, level, seats, place (none: online).
SESSIONS = [
    (3, 10, "Asia/Shanghai", "OPDEV", 6, ""),
    (12, 14, "Asia/Shanghai", "OPDEV", 2, "北京市示例区示例路 8 号 考点 A"),
    (20, 9, "Asia/Shanghai", "OPDEV", 20, ""),
    (33, 10, "Europe/Berlin", "OPDEV", 12, "Example Street 8, Berlin"),
    (40, 9, "Asia/Shanghai", "ADAPT", 10, ""),
]
# Who books which of them.
BOOKED = [("galaxy-chips", 0), ("spruce-software", 1), ("qinghe-models", 1)]
WAITS, PENDING = "lumenflow", "polaris-compute"


def fill(who: Who, today: date) -> None:
    """Publish sessions, let people buy and book, and let staff have something to decide."""
    with clock.stopped_at(today):
        with transaction():
            places = [_session(who, today, *one).id for one in SESSIONS]
        for name in (*(one for one, _n in BOOKED), WAITS):
            _pay(_buy(who, name))
        for name, n in BOOKED:
            with transaction():
                _book(who(name), places[n])
        with transaction():
            waitlist.queue(places[1], person=who(WAITS), by=who(WAITS))
        _seats(who)
        with transaction():
            _waits(who, places)
        _buy(who, PENDING)


def _session(
    who: Who, today: date, days: int, hour: int, zone: str, level: str, capacity: int, place: str
) -> ExamSession:
    start = timing.instant_of(
        datetime.combine(today + timedelta(days=days), time(hour)), timing.zone_of(zone), later=False
    )
    row = sessions.draw_up(
        level=level, starts_at=start, ends_at=start + timedelta(hours=1), tz=zone, mode=Mode.SITE if place else Mode.ONLINE,
        place=place or "https://exam.flagos.example", capacity=capacity, languages=["zh_Hans_CN", "en"],
        proctors=[who("proctor")], by=who("certs"),
    )  # fmt: skip
    sessions.publish_session(row, by=who("certs"))
    return row


def _buy(who: Who, name: str) -> int:
    with transaction():
        return buying.buy("OPDEV", person=who(name), by=who(name)).id


def _pay(eligibility_id: int) -> None:
    with transaction():
        invoice = buying.invoice_of(db.session.get_one(Eligibility, eligibility_id).order)
        if invoice is not None:
            _money(invoice, f"demo-exam-{eligibility_id}")


def _money(invoice: Invoice, ref: str) -> None:
    receipt, _new = settling.record_receipt(
        Way.TEST,
        "test",
        ref,
        invoice.gross,
        clock.today(),
        payer=invoice.buyer_name,
        party=invoice.party,
        by="payment page",
    )
    settling.put_on(receipt, invoice, by="payment page")


def _book(person: Person, place: int) -> Booking:
    row = booking.hold(place, person=person, by=person)
    return booking.confirm(
        row, name=person.name, name_latin="", rules="2026-01", language="zh_Hans_CN", by=person
    )


def _seats(who: Who) -> None:
    buyer = who("galaxy-chips")
    with transaction():
        org = db.session.scalars(
            select(Organisation).where(Organisation.homepage == "https://www.galaxy-chips.example")
        ).one()
        bundle = bundles.buy(org, "OPDEV", 10, by=buyer)
        invoice = buying.invoice_of(bundle.order)
        if invoice is not None:
            _money(invoice, "demo-bundle")
        bundles.assign(bundle.id, "lan@galaxy-chips.example", by=buyer)
        bundles.assign(bundle.id, who("spruce-software").email, by=buyer)
        bundles.assign_code(bundle.id, by=buyer)


def _waits(who: Who, places: list[int]) -> None:
    """Leave something for a second person to decide."""
    ends = clock.today() + timedelta(days=90)
    vouchers.make(
        by=who("certs"),
        kind=VoucherKind.PERCENT,
        value=1500,
        words="Open day 2026",
        most=50,
        starts=clock.today(),
        ends=ends,
    )
    vouchers.make(
        by=who("certs"), kind=VoucherKind.FULL, words="讲师培训", most=5, starts=clock.today(), ends=ends,
        reason="讲师须先取得本级别授证。",
    )  # fmt: skip
    exam_deeds.propose_call_off(
        db.session.get_one(ExamSession, places[3]), by=who("certs"), reason="The site is closed for repairs."
    )
    aids.ask(who("lumenflow"), [Aid.TIME_125, Aid.BREAKS], evidence="医院证明：右手骨折，2026 年 11 月出具。")
