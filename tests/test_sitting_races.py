"""Two windows of one exam as real processes, hand-ins at once, and a save that dies half-way; on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from portal.certs.gift_answers import Kind
from portal.certs.models.booking import Booking
from portal.certs.models.delivery import AnswerSave, Attempt, Ending
from portal.certs.sitting_verify import verify_sittings
from portal.core import clock
from portal.core.db import db, reading, transaction
from tests import sittings as sit
from tests.membership import inside
from tests.nursery import Racer
from tests.test_processes import environment, until
from tests.test_races import run, soon

pytestmark = pytest.mark.race

TAB = """
import random, sys, time
from portal.app import create_app
from portal.certs import answering, sitting
from portal.certs.answering import Over, Said
from portal.certs.models.delivery import Attempt
from portal.core.db import db, transaction
from portal.core.retry import patiently
me, position = int(sys.argv[1]), int(sys.argv[2])
def save(seq):
    with transaction():
        row = db.session.query(Attempt).one()
        return answering.save(row.id, [Said(position, "abc"[(seq + me) % 3], seq)], device_hash="device-one", by=row.person)[0]
def end():
    with transaction():
        row = db.session.query(Attempt).one()
        return sitting.hand_in(row, place=1, device_hash="device-one", by=row.person)
with create_app().app_context():
    seqs = list(range(1, 21))
    random.Random(me).shuffle(seqs)
    time.sleep(max(0.0, float(sys.argv[3]) - time.time()))
    for seq in seqs:
        try:
            kept = patiently(lambda: save(seq))
        except Over:
            break
        if kept.taken:
            print(seq, kept.value, flush=True)
    if len(sys.argv) > 4:
        print("handed" if patiently(end) else "again")
        try:
            patiently(lambda: save(99))
        except Over:
            print("over")
"""
WRITER = """
import sys
from portal.app import create_app
from portal.certs import answering
from portal.certs.answering import Said
from portal.certs.models.delivery import Attempt
from portal.core.db import db, transaction
from portal.core.retry import patiently
position = int(sys.argv[1])
def save(seq):
    with transaction():
        row = db.session.query(Attempt).one()
        answering.save(row.id, [Said(position, "abc"[seq % 3], seq)], device_hash="device-one", by=row.person)
with create_app().app_context():
    seq = 0
    while True:
        seq += 1
        patiently(lambda: save(seq))
        print(seq, flush=True)
"""


def begun(app: Flask) -> int:
    """Let a candidate start by the real clock; return where a question with options stands."""
    sit.scene(app, "lin")
    with inside(app), transaction():
        now, session = clock.now(), sit.session()
        session.starts_at, session.ends_at = now - sit.MINUTE, now + timedelta(hours=1)
        db.session.query(Booking).one().until_at = session.ends_at
        db.session.flush()
        row = sit.let_in("lin")
        sit.start(row)
        return sit.position_of(row, Kind.SINGLE)


def test_two_windows_save_the_same_question_and_the_greatest_number_stands(
    app: Flask, tmp_path: Path
) -> None:
    position = begun(app)
    said = run(app, tmp_path, TAB, *((str(n), str(position), at) for at in [soon()] for n in range(2)))
    acknowledged = dict(line.split() for text in said for line in text.splitlines())
    with inside(app), reading():
        found = sit.answer_at(db.session.query(Attempt).one(), position)
        assert (found.seq, found.value) == (20, acknowledged["20"])
        seqs = [one.seq for one in db.session.query(AnswerSave).order_by(AnswerSave.id)]
        assert seqs == sorted(set(seqs))
        assert verify_sittings()[1] == []


def test_two_hand_ins_at_once_are_one_and_nothing_is_saved_afterwards(app: Flask, tmp_path: Path) -> None:
    position = begun(app)
    said = run(
        app, tmp_path, TAB, *((str(n), str(position), at, "end") for at in [soon()] for n in range(1, 3))
    )
    words = " ".join(said).split()
    with inside(app), reading():
        row = db.session.query(Attempt).one()
        assert row.parts[0].ending is Ending.HANDED_IN
        assert sit.answer_at(row, position).seq <= 20
        assert verify_sittings()[1] == []
    assert (words.count("handed"), words.count("again"), words.count("over")) == (1, 1, 2)


def test_killed_in_mid_save_only_what_was_never_acknowledged_is_lost(app: Flask, tmp_path: Path) -> None:
    position = begun(app)
    racer = Racer(tmp_path, environment(app, tmp_path), WRITER, str(position))
    until(lambda: len(racer.said.split()) > 5, "some saves were acknowledged")
    racer.kill()
    racer.wait()
    acknowledged = int(racer.said.split()[-1])
    with inside(app), reading():
        found = sit.answer_at(db.session.query(Attempt).one(), position)
        assert found.seq in (acknowledged, acknowledged + 1)
        assert found.value == "abc"[found.seq % 3]
        assert verify_sittings()[1] == []
