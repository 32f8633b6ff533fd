"""The last seats under eight real processes, on both databases: no seat twice, nobody charged without one, no lock shown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing.models import Invoice
from portal.billing.verify import verify_books
from portal.certs import bundles, seat_chores, vouchers
from portal.certs.models.booking import Booking, BookingState, ExamSession
from portal.certs.models.eligibility import Bundle, Voucher, VoucherKind
from portal.certs.seat_verify import verify_seats
from portal.core import clock
from portal.core.db import db, reading, transaction
from tests import seats
from tests.membership import inside
from tests.people import make_org
from tests.test_races import run, soon

pytestmark = pytest.mark.race
K = BookingState
TRIES, SEATS, PROCESSES = 200, 30, 8

BOOKER = """
import sys, time
from portal.app import create_app
from portal.accounts.people import Person
from portal.certs import booking, waitlist
from portal.certs.models.booking import ExamSession
from portal.certs.seats import Full
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
me, of = int(sys.argv[1]), int(sys.argv[2])
def hold(place, number):
    with transaction():
        person = db.session.get(Person, number)
        booking.hold(place, person=person, by=person)
def queue(place, number):
    with transaction():
        person = db.session.get(Person, number)
        waitlist.queue(place, person=person, by=person)
with create_app().app_context():
    place = db.session.query(ExamSession.id).scalar()
    ids = [one for (one,) in db.session.query(Person.id).filter(Person.email.like("c%@many.example")).order_by(Person.id)]
    db.session.rollback()
    time.sleep(max(0.0, float(sys.argv[3]) - time.time()))
    for number in ids[me::of]:
        try:
            patiently(lambda: hold(place, number))
            print("held")
        except Full:
            print("full")
            patiently(lambda: queue(place, number))
"""
MIXER = """
import random, sys, time
from portal.app import create_app
from portal.accounts.people import Person
from portal.certs import booking, waitlist
from portal.certs.models.booking import Booking, BookingState as K, ExamSession
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
me, chance = int(sys.argv[1]), random.Random(int(sys.argv[1]))
def deed(ids, places):
    with transaction():
        person = db.session.get(Person, chance.choice(ids))
        mine = db.session.query(Booking).filter(Booking.person_id == person.id, Booking.state.in_((K.HELD, K.OFFERED, K.CONFIRMED, K.WAITING))).all()
        row = chance.choice(mine) if mine else None
        if row is None or chance.random() < 0.25:
            verb = chance.choice((booking.hold, waitlist.queue))
            verb(chance.choice(places), person=person, by=person)
        elif row.state in (K.HELD, K.OFFERED) and chance.random() < 0.8:
            booking.confirm(row, name="N", name_latin="", rules="1", language="en", by=person)
        elif row.state is not K.CONFIRMED:
            booking.decline(row, by=person)
        elif chance.random() < 0.7:
            booking.reschedule(row, chance.choice(places), by=person)
        else:
            booking.cancel(row, by=person)
with create_app().app_context():
    places = [one for (one,) in db.session.query(ExamSession.id)]
    ids = [one for (one,) in db.session.query(Person.id).filter(Person.email.like("c%@many.example"))]
    db.session.rollback()
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    for n in range(12):
        try:
            patiently(lambda: deed(ids, places))
            print("done")
        except Refused:
            print("refused")
"""
MOVER = """
import sys, time
from portal.app import create_app
from portal.accounts.people import Person
from portal.certs import booking
from portal.certs.models.booking import Booking, BookingState
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
def move(name, to):
    with transaction():
        person = db.session.query(Person).filter(Person.email.startswith(name)).one()
        row = db.session.query(Booking).filter_by(person_id=person.id, state=BookingState.CONFIRMED).one()
        booking.reschedule(row, to, by=person)
with create_app().app_context():
    time.sleep(max(0.0, float(sys.argv[3]) - time.time()))
    try:
        patiently(lambda: move(sys.argv[1], int(sys.argv[2])))
        print("moved")
    except Refused:
        print("refused")
"""
CODES = """
import sys, time
from portal.app import create_app
from portal.accounts.people import Person
from portal.certs import bundles, buying
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
def use(number):
    with transaction():
        person = db.session.get(Person, number)
        buying.buy("OPDEV", person=person, by=person, code=sys.argv[2])
def assign(number):
    with transaction():
        person = db.session.get(Person, number)
        bundles.assign(1, person.email, by=person)
with create_app().app_context():
    ids = [one for (one,) in db.session.query(Person.id).filter(Person.email.like("c%@many.example")).order_by(Person.id)]
    db.session.rollback()
    time.sleep(max(0.0, float(sys.argv[3]) - time.time()))
    for number in ids[int(sys.argv[1])::8]:
        for verb in (use, assign):
            try:
                patiently(lambda: verb(number))
                print(verb.__name__)
            except Refused:
                print("refused")
"""


def many(count: int) -> list[Person]:
    """Add candidates with an open eligibility; call inside a transaction."""
    rows = [
        Person(email=f"c{n}@many.example", name=f"C{n}", language="en", verified_at=clock.now())
        for n in range(count)
    ]
    db.session.add_all(rows)
    db.session.flush()
    for row in rows:
        seats.eligible(row)
    return rows


def words(said: list[str]) -> Counter[str]:
    return Counter(word for text in said for word in text.split())


def test_eight_processes_book_the_last_thirty_seats_two_hundred_times(app: Flask, tmp_path: Path) -> None:
    with inside(app), transaction():
        seats.house()
        seats.rule("booking.fees", {"booking": "dues.individual"})
        place = seats.session(capacity=SEATS)
        many(TRIES)
    start = soon()
    said = run(app, tmp_path, BOOKER, *((str(n), str(PROCESSES), start) for n in range(PROCESSES)))
    assert words(said) == {"held": SEATS, "full": TRIES - SEATS}
    with inside(app), reading():
        assert db.session.get_one(ExamSession, place.id).booked == SEATS
        held = db.session.query(Booking).filter_by(state=K.HELD).all()
        assert len({one.person_id for one in held}) == SEATS
        # Nobody is charged without a seat: as many invoices as seats, each about its booking.
        bills = select(Invoice.billed_subject).order_by(Invoice.id)
        assert sorted(db.session.scalars(bills)) == sorted(one.subject for one in held)
        waiting = (
            db.session.query(Booking).filter_by(state=K.WAITING).order_by(Booking.joined_at, Booking.id).all()
        )
        assert len(waiting) == TRIES - SEATS
        first = [one.id for one in waiting[:5]]
    with inside(app):
        with transaction():
            for row in db.session.query(Booking).filter_by(state=K.HELD).order_by(Booking.id).limit(5):
                row.expires_at = clock.now()
        assert seat_chores.expire_holds() == 5
        with reading():
            offers = (
                db.session.query(Booking.id)
                .filter_by(state=K.OFFERED)
                .order_by(Booking.joined_at, Booking.id)
            )
            assert [one for (one,) in offers] == first
            assert [*verify_seats()[1], *verify_books()[1]] == []


def test_any_mix_by_eight_processes_leaves_a_legal_state(app: Flask, tmp_path: Path) -> None:
    with inside(app), transaction():
        seats.house()
        seats.rule("booking.reschedules", 1000)
        for days in (20, 30, 40):
            seats.session(days=days, capacity=4)
        many(16)
    start = soon()
    said = run(app, tmp_path, MIXER, *((str(n), start) for n in range(PROCESSES)))
    assert sum(words(said).values()) == PROCESSES * 12
    with inside(app), reading():
        assert verify_seats()[1] == []
        assert db.session.scalar(select(func.count(Booking.id)))


def test_two_people_move_into_each_others_places(app: Flask, tmp_path: Path) -> None:
    with inside(app), transaction():
        seats.house("lin", "mei")
        one, other = seats.session(days=20, capacity=2), seats.session(days=30, capacity=2)
        seats.booked("lin", one)
        seats.booked("mei", other)
    start = soon()
    said = run(app, tmp_path, MOVER, ("lin@", str(other.id), start), ("mei@", str(one.id), start))
    assert words(said) == {"moved": 2}
    with inside(app), reading():
        assert [db.session.get_one(ExamSession, row.id).booked for row in (one, other)] == [1, 1]
        assert verify_seats()[1] == []


def test_two_people_cannot_swap_in_full_sessions_and_keep_what_they_have(app: Flask, tmp_path: Path) -> None:
    with inside(app), transaction():
        seats.house("lin", "mei")
        one, other = seats.session(days=20, capacity=1), seats.session(days=30, capacity=1)
        seats.booked("lin", one)
        seats.booked("mei", other)
    start = soon()
    said = run(app, tmp_path, MOVER, ("lin@", str(other.id), start), ("mei@", str(one.id), start))
    assert words(said) == {"refused": 2}
    with inside(app), reading():
        assert db.session.query(Booking).filter_by(state=K.CONFIRMED).count() == 2
        assert verify_seats()[1] == []


def test_a_voucher_and_a_bundle_are_never_used_beyond_their_count(app: Flask, tmp_path: Path) -> None:
    with inside(app), transaction():
        seats.house()
        owner = many(24)[0]
        bundle = bundles.buy(make_org("Galaxy Ltd"), "OPDEV", 5, by=owner)
        seats.pay(db.session.query(Invoice).one())
        row, code = vouchers.make(
            by=seats.who("certs"), kind=VoucherKind.PERCENT, value=1000, words="Race", most=7, starts=clock.today(),
            ends=bundle.ends_on,
        )  # fmt: skip
    start = soon()
    said = run(app, tmp_path, CODES, *((str(n), code, start) for n in range(PROCESSES)))
    assert words(said) == {"use": 7, "assign": 5, "refused": 48 - 12}
    with inside(app), reading():
        assert db.session.get_one(Voucher, row.id).used == 7
        assert db.session.get_one(Bundle, bundle.id).given == 5
        assert [*verify_seats()[1], *verify_books()[1]] == []
