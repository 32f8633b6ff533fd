"""Money and decisions under parallel processes and sudden death, on both databases."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.organisations import Organisation
from portal.billing import issuing
from portal.billing.checkout_models import CheckoutAttempt, PracticeSession
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Receipt
from portal.billing.note_models import CreditNote
from portal.billing.verify import verify_books
from portal.core import audit, outbox
from portal.core.db import db, reading, transaction
from portal.core.mail import MailMessage
from portal.members import reports
from tests import road
from tests.nursery import Racer
from tests.people import post
from tests.test_processes import environment, until

pytestmark = pytest.mark.race

# Invoices that each of eight processes issues.
EACH = 250 if os.environ.get("PROOFS") else 40
# Deeds of each over New Year: invoices, credit notes, and failures.
ROUNDS = 40 if os.environ.get("PROOFS") else 16

ISSUER = """
import sys
from portal.app import create_app
from portal.accounts.organisations import Organisation
from portal.billing import issuing
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.core.db import db, transaction
from portal.core.retry import patiently
me, rounds = sys.argv[1], int(sys.argv[2])
def issue(n):
    with transaction():
        party = issuing.party_of(db.session.get(Organisation, 1))
        order = issuing.place_order(party, f"race:{me}-{n}", [Item(price_of("dues.silver"))])
        issuing.issue_invoice(order, language="en", by="race")
        if n % 10 == 9:
            raise ZeroDivisionError
with create_app().app_context():
    for n in range((rounds * 10 - 1) // 9):
        try:
            patiently(lambda: issue(n))  # as every door does with a lost race
        except ZeroDivisionError:
            pass
"""
MIXER = """
import sys
from datetime import datetime, timedelta, timezone
from portal.app import create_app
from portal.accounts.organisations import Organisation
from portal.billing import crediting, issuing
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.retry import patiently
me, rounds, until = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
CHINA = timezone(timedelta(hours=8))
def shifted():
    # The clock of all runs towards New Year: it passes midnight of Shanghai when `until` comes.
    return datetime(2027, 12, 31, 16, tzinfo=timezone.utc) + (datetime.now(timezone.utc) - datetime.fromtimestamp(until, timezone.utc))
clock.now = shifted
def deed(n):
    with transaction():
        party = issuing.party_of(db.session.get(Organisation, 1))
        order = issuing.place_order(party, f"mix:{me}-{n}", [Item(price_of("dues.silver"))])
        invoice = issuing.issue_invoice(order, language="en", by="race")
        if n % 2:
            crediting.reverse_invoice(invoice, by="race", reason="mixed")
        if n % 4 == 3:
            raise ZeroDivisionError
with create_app().app_context():
    crediting.KEEPERS.append(lambda invoice: True)  # as if a fapiao hung on each: taken back by a note
    for n in range(rounds):
        try:
            patiently(lambda: deed(n))
        except ZeroDivisionError:
            pass
"""
APPROVER = """
import sys, time
from portal.app import create_app
from portal.accounts.people import Person
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.members import review
from portal.members.models import Application
with create_app().app_context():
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    try:
        with transaction():
            who = db.session.query(Person).filter_by(email=sys.argv[1]).one()
            review.approve(db.session.query(Application).one(), by=who)
        print("approved")
    except Refused:
        print("refused")
"""
SETTLER = """
import sys, time
from portal.app import create_app
from portal.billing import online
from portal.core import outbox
with create_app().app_context():
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    if sys.argv[3] == "event":
        outbox.drain("race")
    else:
        online.settle(sys.argv[1])
"""


def run(app: Flask, home: Path, code: str, *args: tuple[str, ...]) -> list[str]:
    running = [Racer(home, environment(app, home), code, *words) for words in args]
    assert [racer.wait() for racer in running] == [0] * len(args), [racer.wrong for racer in running]
    return [racer.said for racer in running]


def soon() -> str:
    return str(time.time() + 4)


@pytest.mark.slow
def test_eight_processes_issue_invoices_without_gap_or_duplicate(app: Flask, tmp_path: Path) -> None:
    with app.app_context(), transaction():
        db.session.add(Organisation(legal_name="Race Ltd"))
    with app.app_context(), transaction():
        issuing.party_of(db.session.get_one(Organisation, 1))
    run(app, tmp_path, ISSUER, *((str(n), str(EACH)) for n in range(8)))
    with app.app_context(), reading():
        numbers = db.session.scalars(select(Invoice.number).order_by(Invoice.number)).all()
        year = str(numbers[0]).split("-")[1]
        assert numbers == [f"INV-{year}-{n:06d}" for n in range(1, 8 * EACH + 1)]
        assert verify_books() == (8 * EACH, [])
        assert audit.verify() == (8 * EACH, [])


@pytest.mark.slow
def test_eight_processes_mix_invoices_and_credit_notes_over_new_year(app: Flask, tmp_path: Path) -> None:
    """I4: numbers of both series are 1…n in each year, days not falling, a quarter of the deeds failing."""
    with app.app_context(), transaction():
        db.session.add(Organisation(legal_name="Race Ltd"))
    with app.app_context(), transaction():
        issuing.party_of(db.session.get_one(Organisation, 1))
    midnight = str(time.time() + 14)
    run(app, tmp_path, MIXER, *((str(n), str(ROUNDS), midnight) for n in range(8)))
    with app.app_context(), reading():
        for column, prefix, whole in (
            (Invoice.number, "INV", 6 * ROUNDS),
            (CreditNote.number, "CN", 2 * ROUNDS),
        ):
            numbers = sorted(str(number) for number in db.session.scalars(select(column)))
            assert len(numbers) == whole
            for year in {number.split("-")[1] for number in numbers}:
                mine = [number for number in numbers if f"-{year}-" in number]
                assert mine == [f"{prefix}-{year}-{n:06d}" for n in range(1, len(mine) + 1)]
        assert verify_books()[1] == []


def test_two_approvers_make_one_decision_and_one_invoice(app: Flask, tmp_path: Path) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    road.review(house, uid)
    start = soon()
    said = run(app, tmp_path, APPROVER, ("dai@house.example", start), ("dong@house.example", start))
    assert sorted(word.strip() for word in said) == ["approved", "refused"]
    with app.app_context(), reading():
        assert db.session.scalar(select(func.count(Invoice.id))) == 1
        verbs = [entry.verb for entry in db.session.scalars(audit.of_subject(road.application(uid).subject))]
    assert verbs.count("application.approved") == 1


def test_webhook_and_return_page_at_once_settle_once(app: Flask, tmp_path: Path) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client, tier="silver")
    road.review(house, uid, voices=("lena",))
    post(house["dai"], road.case(uid, "approval"))
    invoice = road.invoice_of(app, uid)
    path = post(client, f"/invoices/{invoice.uid}/payment").location.removeprefix("http://127.0.0.1:8000")
    road.work(app)
    post(client, f"{path}/pay")
    with app.app_context(), reading():
        session = db.session.scalars(select(PracticeSession.session_id)).one()
    start = soon()
    ways = ["event", "page", "page", "page"]
    run(app, tmp_path, SETTLER, *((session, start, way) for way in ways))
    with app.app_context(), reading():
        assert db.session.scalar(select(func.count(Receipt.id))) == 1
        assert db.session.scalars(select(Invoice.state)).one() is InvoiceState.PAID
        assert db.session.scalars(select(CheckoutAttempt)).one().state == "paid"
        assert verify_books() == (3, [])


LOOPER = """
import sys
from portal.app import create_app
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import issuing, settling
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.billing.money_models import Way
from portal.core import clock, mail
from portal.core.db import db, transaction
from portal.core.mail import Letter
me = sys.argv[1]
with create_app().app_context():
    for n in range(10_000):
        with transaction():
            party = issuing.party_of(db.session.get(Organisation, 1))
            order = issuing.place_order(party, f"loop:{me}-{n}", [Item(price_of("dues.silver"))])
            invoice = issuing.issue_invoice(order, language="en", by="loop")
            mail.send(f"loop:{me}:{n}", "a@example.com", "A", "en", lambda: Letter("T", ("L",)))
            number = invoice.id
        with transaction():
            invoice = issuing.locked(number)
            receipt, _new = settling.record_receipt(
                Way.BANK, "bank", f"{me}-{n}", invoice.gross, clock.today(), payer="x", party=invoice.party, by="loop"
            )
            settling.put_on(receipt, invoice, by="loop")
"""
WORKER = """
from portal.app import create_app
from portal.core import chores
chores.run_worker(create_app(), chores.until_signalled(), name="victim")
"""


def count(app: Flask) -> int:
    with app.app_context(), reading():
        return db.session.scalar(select(func.count(Invoice.id))) or 0


def wait_for(app: Flask, least: int) -> None:
    until(lambda: count(app) > least, "the loop has begun")


@pytest.mark.slow
def test_sudden_death_leaves_nothing_half_done(app: Flask, tmp_path: Path) -> None:
    with app.app_context(), transaction():
        db.session.add(Organisation(legal_name="Loop Ltd"))
    with app.app_context(), transaction():
        issuing.party_of(db.session.get_one(Organisation, 1))
    dice = random.Random(7)
    env = environment(app, tmp_path)
    for attempt in range(4):
        victims = [
            Racer(tmp_path, env, LOOPER, str(attempt)),
            Racer(tmp_path, env, WORKER),
        ]
        least = count(app) + 5
        wait_for(app, least)
        time.sleep(dice.random() * 2)
        for victim in victims:
            victim.kill()
            victim.wait()
    with app.app_context():
        invoices = db.session.scalar(select(func.count(Invoice.id))) or 0
        assert invoices > 10
        mails = db.session.scalar(
            select(func.count(MailMessage.id)).where(MailMessage.key.startswith("loop:"))
        )
        assert mails == invoices
        assert verify_books()[1] == []
        assert audit.verify()[1] == []
        assert reports.verify_memberships()[1] == []
        waiting = db.session.scalar(
            select(func.count(outbox.OutboxItem.id)).where(outbox.OutboxItem.dead_at.is_not(None))
        )
        assert waiting == 0
