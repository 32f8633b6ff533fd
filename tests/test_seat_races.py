"""The last seats under eight real processes, on both databases: no seat twice, nobody charged without one, no lock shown."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing.models import Invoice, InvoiceState
from portal.billing.verify import verify_books
from portal.certs import bundles, seat_chores, vouchers, waitlist
from portal.certs.models.booking import Booking, BookingState, ExamSession
from portal.certs.models.eligibility import Bundle, Voucher, VoucherKind
from portal.certs.seat_verify import verify_seats
from portal.core import clock
from portal.core.db import db, reading, transaction
from tests import seats
from tests.membership import inside
from tests.people import make_org, session_for
from tests.test_races import run, soon

pytestmark = pytest.mark.race
K = BookingState
# Candidates, seats, and deeds of each process in the mix: as many as the proof asks for, or a few.
TRIES, SEATS, DEEDS = (200, 30, 60) if os.environ.get("PROOFS") else (32, 6, 8)
PROCESSES, GRACE = 8, 5

# Through the doors of the portal, as browsers do: whatever a person is shown counts.
BOOKER = """
import json, sys, time
from pathlib import Path
from portal.app import create_app
from tests.people import token
me, of, start, keys, place = sys.argv[1:]
app, walkers = create_app(), []
for key in json.loads(Path(keys).read_text())[int(me)::int(of)]:
    client = app.test_client()
    with client.session_transaction() as state:
        state["key"], state["language"] = key, "en"
    walkers.append((client, token(client)))
time.sleep(max(0.0, float(start) - time.time()))
for client, stamp in walkers:
    def post(path, **fields):
        return client.post(path, data={"csrf_token": stamp, **fields})
    answer = post(f"{place}/holds")
    if answer.status_code == 303 and answer.location.startswith("/exams/bookings/"):
        said = post(f"{answer.location}/confirmation", name="Lin Mu", language="en", rules="y")
        print("held" if said.status_code == 303 else f"unconfirmed:{said.status_code}")
    elif answer.status_code == 303 and answer.location == place:
        full = "All seats of this session are taken" in client.get(place).text
        said = post(f"{place}/queue")
        print("queued" if full and said.status_code == 303 else f"unqueued:{said.status_code}")
    else:
        print(f"shown:{answer.status_code}")
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
    for n in range(int(sys.argv[3])):
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
    """Count what the processes said; what they log stands there too, in lines of several words."""
    return Counter(line for text in said for line in text.splitlines() if " " not in line)


def test_eight_processes_book_the_last_seats_and_nobody_pays_without_one(app: Flask, tmp_path: Path) -> None:
    with inside(app), transaction():
        seats.house()
        seats.rule("booking.fees", {"booking": "dues.individual"})
        place = seats.session(capacity=SEATS)
        keys = tmp_path / "keys.json"
        keys.write_text(json.dumps([session_for(one) for one in many(TRIES)]))
    start, page = str(time.time() + GRACE), f"/exams/sessions/{place.uid}"
    walks = ((str(n), str(PROCESSES), start, str(keys), page) for n in range(PROCESSES))
    said = run(app, tmp_path, BOOKER, *walks)
    assert words(said) == {"held": SEATS, "queued": TRIES - SEATS}
    with inside(app), reading():
        assert db.session.get_one(ExamSession, place.id).booked == SEATS
        held = db.session.query(Booking).filter_by(state=K.HELD).all()
        assert len({one.person_id for one in held}) == SEATS
        # Nobody is charged without a seat: as many invoices as seats, each about its booking.
        bills = select(Invoice.billed_subject).order_by(Invoice.id)
        assert sorted(db.session.scalars(bills)) == sorted(one.subject for one in held)
        line = [one.id for one in db.session.scalars(waitlist.line(place.id))]
        assert len(line) == TRIES - SEATS
    with inside(app):
        _seats_go_to_the_first_in_line(line)
        _money_confirms_every_seat()


def _seats_go_to_the_first_in_line(line: list[int]) -> None:
    """Let five holds lapse unpaid: the first five in line get an offer of their seats."""
    with transaction():
        for row in db.session.query(Booking).filter_by(state=K.HELD).order_by(Booking.id).limit(5):
            row.expires_at = clock.now()
    assert seat_chores.expire_holds() == 5
    with reading():
        offers = (
            db.session.query(Booking.id).filter_by(state=K.OFFERED).order_by(Booking.joined_at, Booking.id)
        )
        assert [one for (one,) in offers] == line[:5]
        assert [*verify_seats()[1], *verify_books()[1]] == []


def _money_confirms_every_seat() -> None:
    """Let the money of every fee come: whoever still holds a seat has it, the other five have credit."""
    for bill in db.session.query(Invoice).filter_by(state=InvoiceState.OPEN).all():
        with transaction():
            seats.pay(bill, f"pay-{bill.id}")
    with reading():
        assert db.session.query(Booking).filter_by(state=K.CONFIRMED).count() == SEATS - 5
        assert db.session.query(Invoice).filter_by(state=InvoiceState.VOID).count() == 5
        assert [*verify_seats()[1], *verify_books()[1]] == []


def test_any_mix_by_eight_processes_leaves_a_legal_state(app: Flask, tmp_path: Path) -> None:
    with inside(app), transaction():
        seats.house()
        seats.rule("booking.reschedules", 1000)
        for days in (20, 30, 40):
            seats.session(days=days, capacity=4)
        many(16)
    start = soon()
    said = run(app, tmp_path, MIXER, *((str(n), start, str(DEEDS)) for n in range(PROCESSES)))
    assert sum(words(said).values()) == PROCESSES * DEEDS
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
