"""The last seats of a licence under real processes, on both databases; and a proof that the race itself can fail."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.core.db import db, reading, transaction
from portal.services.licences.kinds import ReleaseWhy
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceEvent
from portal.services.licences.verify import verify_licences
from tests.licences import licence
from tests.test_races import run

pytestmark = pytest.mark.race
PROOFS = bool(os.environ.get("PROOFS"))
PROCESSES = 16 if PROOFS else 4
EACH = 4 if PROOFS else 3
SECONDS = 60 if PROOFS else 3
LIMITS = (1, 2, 10, 100) if PROOFS else (1, 10)

# Between what is counted and what is written every claimant waits a moment, the good one as the bad one.
CLAIMANT = """
import sys, time
from datetime import timedelta
from portal.app import create_app
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.retry import patiently
from portal.services.licences import putting, quick, seats
from portal.services.licences.denial import Denied, Not
from portal.services.licences.judge import Ask, judge
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.node import Node
from portal.services.licences.seats import Report
from tests.licences import TOOL, digests
from pathlib import Path
home, me, many, each, naive, *held = sys.argv[1:]
def together(race):
    (Path(home) / f"{race}-{me}").touch()
    while len(list(Path(home).glob(f"{race}-*"))) < int(many):
        time.sleep(0.005)
put_aside = seats.burn
def slowly(*args):
    put_aside(*args)
    time.sleep(0.005)
seats.burn = slowly
def counted(hashes, ask):
    '''Claim as most programs do: count, then insert if a seat was free.'''
    found, now = quick.look(hashes, ask, clock.now()), clock.now()
    limit = judge(found.facts, ask, now).limit
    def free():
        db.session.query(Licence).filter_by(id=found.licence_id).with_for_update().one()
        return seats.count(found.licence_id) < limit
    def insert(room):
        time.sleep(0.005)
        if not room:
            raise Denied(Not.NODE_LIMIT_REACHED)
        row = db.session.get(Licence, found.licence_id)
        db.session.add(Node(licence=row, key=None, fingerprint=ask.fingerprint, activated_at=now, seen_at=now, lease_until=now + timedelta(hours=1)))
    if db.engine.dialect.name == "sqlite":  # the driver's own ways: no transaction before the first write, and no FOR UPDATE
        with reading():
            room = free()
        with transaction():
            insert(room)
    else:
        with transaction():
            insert(seats.count(found.licence_id) < limit)
def claim(key, fingerprint):
    ask = Ask(fingerprint, TOOL)
    if key != naive:
        return putting.put(digests(key), ask, Report()).new
    counted(digests(key), ask)
    return True
with create_app().app_context():
    for race, key in enumerate([*held, naive]):
        together(race)
        for n in range(int(each)):
            name = "same-node" if key.startswith("=") else f"node-{me}-{n}"
            try:
                said = "new" if patiently(lambda: claim(key.lstrip("="), name)) else "again"
            except Denied as refused:
                said = refused.code.value
            print(race, said)
"""

# Time runs an hour a second, the same for all: leases lapse and files end while the race is on.
MIXER = """
import random, sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from portal.app import create_app
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
from portal.services.licences import files, life, nodes, putting
from portal.services.licences.judge import Ask
from portal.services.licences.kinds import HoldReason
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.node import Node
from portal.services.licences.seats import Report
from tests.licences import TOOL, digests
home, me, many, seconds, key = sys.argv[1:]
chance = random.Random(int(me))
def deed(hashes):
    name, dice = f"node-{chance.randrange(9)}", chance.random()
    if dice < 0.62:
        report = Report(run=f"{me}-{chance.randrange(10**9)}")
        seat = putting.put(hashes, Ask(name, TOOL), report)
        if dice < 0.06:  # the reply was lost: sent again, it is the same seat, or another deed came between
            try:
                assert patiently(lambda: putting.put(hashes, Ask(name, TOOL), report)).lease_until >= seat.lease_until
            except Refused:
                return "between"
        return "new" if seat.new else "again"
    if dice < 0.8:
        putting.drop(hashes, name, "")
        if dice < 0.64:
            patiently(lambda: putting.drop(hashes, name, ""))
        return "gone"
    with transaction():
        row = db.session.query(Licence).one()
        if dice < 0.83:
            files.issue(row.id, [name], 1, by="race")
            return "file"
        if dice < 0.9:
            held = life.open_holds(row.id)
            if held:
                life.lift(held[0], by="race")
            else:
                life.suspend(row.id, HoldReason.ABUSE, words=("a", "b"), source="race", by="race")
            return "hold"
        node = db.session.query(Node).filter_by(fingerprint=name, released_at=None).first()
        if node is not None and dice < 0.96:
            nodes.release(node, by="race")
        elif node is not None:
            nodes.move(node, f"node-{chance.randrange(9)}", by="race")
        return "person"
with create_app().app_context():
    (Path(home) / f"mix-{me}").touch()
    while len(list(Path(home).glob("mix-*"))) < int(many):
        time.sleep(0.01)
    began = max(one.stat().st_mtime for one in Path(home).glob("mix-*"))
    clock.now = lambda: datetime.fromtimestamp(began + (time.time() - began) * 3600, UTC)
    hashes = digests(key)
    while time.time() < began + float(seconds):
        try:
            print(patiently(lambda: deed(hashes)))
        except Refused:
            print("refused")
"""


def claimants(app: Flask, home: Path, naive: str, *keys: str) -> dict[int, Counter[str]]:
    """Let every process claim by each key, all at once; return what they were told, key by key."""
    words = ((str(home), str(n), str(PROCESSES), str(EACH), naive, *keys) for n in range(PROCESSES))
    said: dict[int, Counter[str]] = defaultdict(Counter)
    for text in run(app, home, CLAIMANT, *words):
        for line in text.splitlines():
            race, _, told = line.partition(" ")
            if race.isdigit() and told.isidentifier():
                said[int(race)][told] += 1
    return said


def test_exactly_as_many_get_a_seat_as_there_are_and_who_counts_and_inserts_oversells(
    app: Flask, tmp_path: Path
) -> None:
    """The last race is the proof that the others can fail: count, then insert.

    On SQLite with SELECT FOR UPDATE, which it drops in silence; on PostgreSQL within one transaction.
    """
    with app.app_context(), transaction():
        keys = [licence(limit)[1] for limit in LIMITS]
        same, naive = licence(5)[1], licence(2)
    said = claimants(app, tmp_path, naive[1], *keys, f"={same}")
    tried = PROCESSES * EACH
    given = [min(limit, tried) for limit in LIMITS]
    for race, seats in enumerate(given):
        expected = {"new": seats, "NODE_LIMIT_REACHED": tried - seats}
        assert said[race] == {word: n for word, n in expected.items() if n}
    assert said[len(given)] == {"new": 1, "again": tried - 1}
    assert said[len(given) + 1]["new"] > 2
    with app.app_context(), reading():
        live = (
            select(func.count(Node.id))
            .where(Node.released_at.is_(None), Node.licence_id != naive[0].id)
            .group_by(Node.licence_id)
            .order_by(Node.licence_id)
        )
        assert list(db.session.scalars(live)) == [*given, 1]
        taken = select(func.count(LicenceEvent.id)).where(LicenceEvent.kind == "node.activated")
        assert db.session.scalar(taken) == sum(given) + 1
        faults = verify_licences()[1]
        assert faults
        assert all(fault.startswith(naive[0].subject) for fault in faults)


def test_any_mix_of_deeds_never_gives_a_seat_twice_and_loses_none(app: Flask, tmp_path: Path) -> None:
    """Invariants 1, 6, 7 and 8 while processes claim, renew, release, move, borrow and suspend, and leases lapse."""
    limit = 4
    with app.app_context(), transaction():
        key = licence(limit)[1]
    words = ((str(tmp_path), str(n), str(PROCESSES), str(SECONDS), key) for n in range(PROCESSES))
    told = Counter(
        word for text in run(app, tmp_path, MIXER, *words) for word in text.split() if word.isalpha()
    )
    assert {"new", "again", "gone", "refused"} <= set(told), told
    with app.app_context(), reading():
        assert verify_licences()[1] == []
        stays = list(db.session.scalars(select(Node)))
        steps = sorted(
            [(one.activated_at, 1) for one in stays]
            + [(one.released_at, -1) for one in stays if one.released_at],
            key=lambda step: (step[0], step[1]),
        )
        live = 0
        for _at, step in steps:
            live += step
            assert 0 <= live <= limit
        reclaimed = [one for one in stays if one.released_why is ReleaseWhy.RECLAIMED]
        for one in stays:
            if one.released_at is not None and one.offline_until is not None:
                assert one.offline_until <= one.released_at, "a file held this seat"
        for one in reclaimed:
            assert one.released_at is not None
            assert one.lease_until < one.released_at, "a proof was still in force"
