"""What the demo shows of exams: sessions in several cities and online, places in every state, a queue, vouchers, seats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import settling
from portal.billing.models import Invoice
from portal.billing.money_models import Way
from portal.certs import aids, booking, bundles, buying, exam_deeds, sessions, timing, vouchers, waitlist
from portal.certs.models.booking import Booking, BookingState, ExamSession, Mode
from portal.certs.models.care import Aid
from portal.certs.models.eligibility import Eligibility, VoucherKind
from portal.core import clock
from portal.core.db import db, transaction
from portal.demo.cast import FIRMS

Who = Callable[[str], Person]


class Sitting(NamedTuple):
    """A session: days from today, hour there, zone, seats, place (none: online), level."""

    days: int
    hour: int
    zone: str
    seats: int
    place: str = ""
    level: str = "OPDEV"


SHANGHAI = "Asia/Shanghai"
SESSIONS = {
    "soon": Sitting(3, 10, SHANGHAI, 6),
    "beijing": Sitting(12, 14, SHANGHAI, 2, "北京市海淀区示例路 8 号 考点 A"),
    "shenzhen": Sitting(16, 9, SHANGHAI, 10, "深圳市南山区示例大道 20 号"),
    "online": Sitting(20, 9, SHANGHAI, 20),
    "chengdu": Sitting(25, 9, SHANGHAI, 1, "成都市高新区示例街 6 号"),
    "berlin": Sitting(33, 10, "Europe/Berlin", 12, "Example Street 8, Berlin"),
    "singapore": Sitting(47, 14, "Asia/Singapore", 8, "1 Example Walk, Singapore"),
}
PAST = Sitting(-20, 10, SHANGHAI, 6, "上海市浦东新区示例路 100 号")
DRAFTS = [
    Sitting(60, 9, SHANGHAI, 45, "上海市浦东新区示例路 100 号"),
    Sitting(40, 9, SHANGHAI, 10, "", "ADAPT"),
]
# Companies' people who book, and one who waits; one whose order is not paid yet.
BOOKED = [("galaxy-chips", "soon"), ("spruce-software", "beijing"), ("qinghe-models", "beijing")]
WAITS, PENDING = "lumenflow", "polaris-compute"
# People without a company: by the first part of their address, name and language.
PEOPLE = {
    "lin": ("林木", "zh_Hans_CN"), "he": ("贺兰", "zh_Hans_CN"), "fu": ("傅瑶", "zh_Hans_CN"), "yan": ("严冬", "zh_Hans_CN"),
    "rosa": ("Rosa Lima", "en"), "denis": ("Denis Okello", "en"), "emma": ("Emma Larsson", "en"), "sun": ("孙悦", "zh_Hans_CN"),
    "jo": ("Jo Tanaka", "en"), "tariq": ("Tariq Aziz", "en"),
    # These sat in the last weeks, or sit today.
    "qin": ("秦朗", "zh_Hans_CN"), "tao": ("陶然", "zh_Hans_CN"), "mira": ("Mira Novotná", "en"),
    "shi": ("石磊", "zh_Hans_CN"), "leo": ("Leo Brandt", "en"), "yun": ("云舒", "zh_Hans_CN"), "ana": ("Ana Souza", "en"),
    "bai": ("白露", "zh_Hans_CN"), "omar": ("Omar Farouk", "en"), "xu": ("许诺", "zh_Hans_CN"),
}  # fmt: skip
CANDIDATE = "lin@exams.example"
LATELY = [("sitting now", "bai"), ("passed", "qin"), ("failed", "denis"), ("appeals", "tao")]
BOUGHT_AGO = 45


def sales(person: Callable[[str, str, str], Person], today: date) -> list[tuple[int, Callable[[], None]]]:
    """Return what candidates bought, how many days ago, to be done in order of time."""

    def buy() -> None:
        with clock.stopped_at(today - timedelta(days=BOUGHT_AGO)):
            for key, (name, language) in PEOPLE.items():
                with transaction():
                    person(f"{key}@exams.example", name, language)
                _pay(_buy(candidate(key)))

    return [(BOUGHT_AGO, buy)]


def candidate(key: str) -> Person:
    """Return one of the people without a company."""
    return db.session.scalars(select(Person).where(Person.email == f"{key}@exams.example")).one()


def fill(who: Who, today: date) -> None:
    """Publish sessions, let people book, move, wait and give up, and let staff have something to decide."""
    with clock.stopped_at(today - timedelta(days=10)), transaction():
        places = {name: drawn(who, today, one).id for name, one in SESSIONS.items()}
    _changes(who, today, places)
    with clock.stopped_at(today):
        with transaction():
            for one in DRAFTS:
                drawn(who, today, one, published=False)
        for name in (*(one for one, _place in BOOKED), WAITS):
            _pay(_buy(who(name)))
        for name, place in BOOKED:
            with transaction():
                book(who(name), places[place])
        for person in (candidate("emma"), candidate("denis"), who(WAITS)):
            with transaction():
                _queue(person, places["beijing"])
        _seats(who)
        with transaction():
            _waits(who, places)
        _buy(who(PENDING))
    with transaction():  # by the clock on the wall: held for some minutes, offered for some hours
        booking.hold(places["online"], person=candidate("tariq"), by=candidate("tariq"))
        booking.cancel(_place_of("sun"), by=candidate("sun"))


def _changes(who: Who, today: date, places: dict[str, int]) -> None:
    """Let a session be called off, and people move, cancel and wait in the days before today."""
    with clock.stopped_at(today - timedelta(days=9)):
        for key, place in (("emma", "shenzhen"), ("sun", "chengdu"), ("tariq", "berlin"), ("lin", "online")):
            with transaction():
                book(candidate(key), places[place])
        with transaction():
            _queue(candidate("jo"), places["chengdu"])
    with clock.stopped_at(today - timedelta(days=4)):
        with transaction():
            booking.reschedule(_place_of("lin"), places["singapore"], by=candidate("lin"))
            booking.cancel(_place_of("tariq"), by=candidate("tariq"))
            deed = exam_deeds.propose_call_off(
                db.session.get_one(ExamSession, places["shenzhen"]),
                by=who("certs"),
                reason="考点当日停电检修。",
            )
        with transaction():
            exam_deeds.confirm(deed, by=who("chief"))


def _place_of(key: str) -> Booking:
    mine = select(Booking).where(
        Booking.person_id == candidate(key).id, Booking.state == BookingState.CONFIRMED
    )
    return db.session.scalars(mine).one()


def drawn(who: Who, today: date, one: Sitting, *, published: bool = True) -> ExamSession:
    """Draw up a session, and publish it."""
    wall = datetime.combine(today + timedelta(days=one.days), time(one.hour))
    start = timing.instant_of(wall, timing.zone_of(one.zone), later=False)
    row = sessions.draw_up(
        level=one.level, starts_at=start, ends_at=start + timedelta(hours=1), tz=one.zone, mode=Mode.SITE if one.place else Mode.ONLINE,
        place=one.place or "https://exam.flagos.example", capacity=one.seats, languages=["zh_Hans_CN", "en"],
        proctors=[who("proctor")], by=who("certs"),
    )  # fmt: skip
    if published:
        sessions.publish_session(row, by=who("certs"))
    return row


def _buy(person: Person) -> int:
    with transaction():
        return buying.buy("OPDEV", person=person, by=person).id


def _pay(eligibility_id: int) -> None:
    with transaction():
        invoice = buying.invoice_of(db.session.get_one(Eligibility, eligibility_id).order)
        if invoice is not None:
            _money(invoice, f"demo-exam-{eligibility_id}")


def _money(invoice: Invoice, ref: str) -> None:
    receipt, _new = settling.record_receipt(
        Way.TEST, "test", ref, invoice.gross, clock.today(), payer=invoice.buyer_name, party=invoice.party, by="payment page"
    )  # fmt: skip
    settling.put_on(receipt, invoice, by="payment page")


def book(person: Person, place: int) -> Booking:
    """Hold a seat and confirm it."""
    row = booking.hold(place, person=person, by=person)
    return booking.confirm(
        row, name=person.name, name_latin="", rules="2026-01", language=person.language, by=person
    )


def _queue(person: Person, place: int) -> None:
    waitlist.queue(place, person=person, by=person)


def _seats(who: Who) -> None:
    buyer = who("galaxy-chips")
    with transaction():
        org = db.session.scalars(select(Organisation).where(Organisation.legal_name == FIRMS[0].zh)).one()
        bundle = bundles.buy(org, "OPDEV", 10, by=buyer)
        invoice = buying.invoice_of(bundle.order)
        if invoice is not None:
            _money(invoice, "demo-bundle")
        bundles.assign(bundle.id, "lan@galaxy-chips.example", by=buyer)
        bundles.assign(bundle.id, who("spruce-software").email, by=buyer)
        bundles.assign_code(bundle.id, by=buyer)


def _waits(who: Who, places: dict[str, int]) -> None:
    """Leave something for a second person to decide."""
    ends = clock.today() + timedelta(days=90)
    vouchers.make(
        by=who("certs"), kind=VoucherKind.PERCENT, value=1500, words="Open day 2026", most=50, starts=clock.today(), ends=ends
    )  # fmt: skip
    vouchers.make(
        by=who("certs"), kind=VoucherKind.FULL, words="讲师培训", most=5, starts=clock.today(), ends=ends,
        reason="讲师须先取得本级别授证。",
    )  # fmt: skip
    exam_deeds.propose_call_off(
        db.session.get_one(ExamSession, places["berlin"]),
        by=who("certs"),
        reason="The site is closed for repairs.",
    )
    aids.ask(who("lumenflow"), [Aid.TIME_125, Aid.BREAKS], evidence="医院证明：右手骨折，2026 年 11 月出具。")
    aids.grant(aids.ask(candidate("fu"), [Aid.BREAKS], evidence="医院证明"), [Aid.BREAKS], by=who("certs2"))
