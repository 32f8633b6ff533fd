"""Certificates under real processes and sudden death, on both databases: each number once, none lost, one per award."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal.certs import batches, issuing
from portal.certs.award_verify import verify_awards
from portal.certs.models.award import Award
from portal.certs.models.document import Badge, BatchKind, BatchRow, BatchState, Certificate
from portal.core import audit, clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.files import StoredFile
from portal.core.mail import MailMessage
from tests.awarded import award, families, house, person
from tests.nursery import Racer
from tests.people import make_person
from tests.test_processes import environment
from tests.test_races import run, soon

pytestmark = pytest.mark.race
PROOFS = bool(os.environ.get("PROOFS"))
AWARDS = 240 if PROOFS else 16
# Two workers die before or after so many of their commits: while numbers are given, between the two, while files are made.
DEATHS = [(n, 3 * n % 37 + 2) for n in range(1, 60, 2)] if PROOFS else [(6, 9), (21, 30)]
PROCESSES = 8 if PROOFS else 4

WORKER = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.orm import Session
from portal.app import create_app
from portal.core import outbox, pdf
how, moment, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
if how == "blank":
    pdf.spared = lambda: True  # papers are laid out by the long run alone
def count(session):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(Session, moment, count)
with create_app().app_context():
    outbox.drain(str(os.getpid()))
"""
ISSUER = """
import sys, time
from portal.app import create_app
from portal.certs import issuing
from portal.certs.models.award import Award
from portal.core.db import db, transaction
from portal.core.retry import patiently
def issue(number):
    with transaction():
        return issuing.issue(db.session.get(Award, number), by="race").number
with create_app().app_context():
    ids = [one for (one,) in db.session.query(Award.id).order_by(Award.id)]
    db.session.rollback()
    time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
    for number in ids:
        print(patiently(lambda: issue(number)))
"""
DECIDER = """
import sys, time
from portal.app import create_app
from portal.accounts.people import Person
from portal.certs import awarding
from portal.certs.naming import Names
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.retry import patiently
def grant(n):
    with transaction():
        by = db.session.query(Person).filter_by(email="deng@house.example").one()
        who = db.session.query(Person).filter_by(email="zhang@holder.example").one()
        return awarding.grant(who, level="OPDEV", names=Names("", "Zhang"), decision="decision:race", decided_on=clock.today(), by=by).uid
with create_app().app_context():
    time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
    print(patiently(lambda: grant(0)))
"""
REISSUER = """
import sys, time
from portal.app import create_app
from portal.certs import batches
from portal.certs.models.document import BatchRow
from portal.core.db import db
from portal.core.retry import patiently
with create_app().app_context():
    ids = [one for (one,) in db.session.query(BatchRow.id).order_by(BatchRow.id)]
    db.session.rollback()
    time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
    for number in ids:
        patiently(lambda: batches._one(number))
"""


@pytest.fixture
def certs(app: Flask) -> Flask:
    house(app, at=clock.now() - timedelta(days=2))
    return app


def awards(many: int, *, issue: bool = False) -> list[Award]:
    """Grant a level to many people; call inside a transaction."""
    people = [make_person(f"h{n}@holder.example", f"Holder {n}") for n in range(many)]
    return [
        award(one.email, on=clock.today(), decision=f"decision:{n}", issue=issue)
        for n, one in enumerate(people)
    ]


def opened(kind: BatchKind, rows: list[Award]) -> str:
    """Open a batch; call inside a transaction."""
    return batches.open_batch(rows, kind=kind, label="Race", reason="x", by=person("cen@house.example")).uid


def reopen(app: Flask) -> None:
    """Let the leases of a killed worker run out."""
    with app.app_context(), transaction():
        held = update(outbox.OutboxItem).where(outbox.OutboxItem.done_at.is_(None))
        db.session.execute(held.values(lease_until=None, run_after=outbox.OutboxItem.created_at))


@pytest.mark.slow
def test_a_batch_killed_at_any_instant_and_resumed_gives_each_award_one_number_and_one_file(
    certs: Flask, tmp_path: Path
) -> None:
    how = "laid out" if PROOFS else "blank"
    if PROOFS:
        families(certs)
    with certs.app_context(), transaction():
        uid = opened(BatchKind.ISSUE, awards(AWARDS))
    env, seen, died = environment(certs, tmp_path), set[str](), 0
    for after in DEATHS:
        victims = [
            Racer(tmp_path, env, WORKER, how, moment, str(n))
            for moment, n in zip(("before_commit", "after_commit"), after, strict=True)
        ]
        ends = [victim.wait() for victim in victims]
        assert set(ends) <= {0, -9}, [victim.wrong for victim in victims]
        died += ends.count(-9)
        reopen(certs)
        with certs.app_context(), reading():
            now = set(db.session.scalars(select(Certificate.number)))
        assert seen <= now
        seen = now
    assert died > len(DEATHS) / 2
    run(certs, tmp_path, WORKER, *[(how, "before_commit", "0")] * 2)
    reopen(certs)
    run(certs, tmp_path, WORKER, (how, "before_commit", "0"))
    with certs.app_context(), reading():
        far = batches.progress(batches.found(uid))
        assert (far.total, far.issued, far.ready, far.failed) == (AWARDS, AWARDS, AWARDS, 0)
        assert batches.found(uid).state is BatchState.DONE
        for column in (
            Certificate.number,
            Certificate.award_id,
            Certificate.file_id,
            BatchRow.certificate_id,
        ):
            assert db.session.scalar(select(func.count(column.distinct()))) == AWARDS, column
        assert db.session.scalar(select(func.count(Certificate.id))) == AWARDS
        kept = select(func.count(StoredFile.id)).where(StoredFile.purpose == "certificate")
        assert db.session.scalar(kept) == AWARDS
        told = select(func.count(MailMessage.id)).where(MailMessage.address.startswith("h"))
        assert db.session.scalar(told) == AWARDS
        assert verify_awards() == (AWARDS, [])
        assert audit.verify()[1] == []


def test_processes_that_issue_the_same_awards_at_once_get_the_same_numbers(
    certs: Flask, tmp_path: Path
) -> None:
    with certs.app_context(), transaction():
        awards(AWARDS // 3)
    told = run(certs, tmp_path, ISSUER, *[(soon(),)] * PROCESSES)
    assert len(set(told)) == 1, told
    with certs.app_context(), reading():
        numbers = list(db.session.scalars(select(Certificate.number).order_by(Certificate.award_id)))
        assert told[0].split() == numbers
        assert len(numbers) == AWARDS // 3
        assert verify_awards()[1] == []


def test_a_decision_carried_out_by_several_processes_at_once_is_one_award(
    certs: Flask, tmp_path: Path
) -> None:
    told = run(certs, tmp_path, DECIDER, *[(soon(),)] * PROCESSES)
    assert len(set(told)) == 1, told
    with certs.app_context(), reading():
        assert db.session.scalar(select(func.count(Award.id))) == 1
        assert db.session.scalar(select(func.count(Certificate.id))) == 1
        assert db.session.scalar(select(func.count(Badge.id))) == 1


def test_workers_in_the_same_batch_issue_each_award_anew_once(certs: Flask, tmp_path: Path) -> None:
    many = AWARDS // 3
    with certs.app_context(), transaction():
        rows = awards(many, issue=True)
        uid = opened(BatchKind.REISSUE, rows)
    with certs.app_context(), transaction():
        batches.confirm(batches.found(uid), by=person("clara@house.example"))
    run(certs, tmp_path, REISSUER, *[(soon(),)] * PROCESSES)
    with certs.app_context(), reading():
        assert db.session.scalar(select(func.count(Certificate.id))) == 2 * many
        present = list(db.session.scalars(select(Certificate.id).where(Certificate.superseded_at.is_(None))))
        assert sorted(present) == sorted(
            number for number in db.session.scalars(select(BatchRow.certificate_id)) if number is not None
        )
        assert batches.progress(batches.found(uid)).issued == many
        assert verify_awards()[1] == []
        assert issuing.by_number("FOS-2026-00000-00000-0") is None
