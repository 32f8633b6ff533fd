"""A process is killed between any two statements of a deed on licences: seats, events and audit are all there, or none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from flask import Flask

from portal.core import signing
from portal.core.db import reading, transaction
from portal.core.signing import KeyUse
from portal.services.licences.verify import verify_licences
from tests.licences import licence
from tests.test_races import run

pytestmark = pytest.mark.race
# Every instant under PROOFS, else one in seventeen, beginning with another one in each deed.
STEP = 1 if os.environ.get("PROOFS") else 17

# Each deed is done by a child that dies at its k-th instant, for k = 0, 1, … until one lives to its end. The instants are before
# each statement, before each commit, and after it. What the child passed is in its pipe.
KILLER = """
import json, os, signal, sys
from datetime import UTC, datetime, timedelta
from sqlalchemy import event, text
from portal.app import create_app
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.services.licences import files, keyring, life, nodes, putting
from portal.services.licences.judge import Ask
from portal.services.licences.kinds import ClosedWhy, HoldReason
from portal.services.licences.models.licence import Licence, LicenceKey, LicenceTerm
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceFile
from portal.services.licences.seats import Report
from portal.services.licences.verify import verify_licences
from tests.licences import TOOL, digests
step, key, start = int(sys.argv[1]), sys.argv[2], datetime.fromisoformat(sys.argv[3])
def put(name, **said): putting.put(hashes, Ask(name, TOOL), Report(**said))
def drop(name, run=""): putting.drop(hashes, name, run)
def one(kind, **by): return db.session.query(kind).filter_by(**by).order_by(kind.id.desc()).first()
def within(work):
    def done():
        with transaction():
            work(one(Licence))
    return done
def live(name): return one(Node, fingerprint=name, released_at=None)
DEEDS = [
    (0, "claim", lambda: put("a-1", run="r1")), (0, "renew", lambda: put("a-1", run="r1")), (0, "another run", lambda: put("a-1", run="r2")),
    (0, "goodbye of one of two", lambda: drop("a-1", "r2")), (0, "claim the last", lambda: put("a-2", machine="m-1")),
    (0, "another machine", lambda: put("a-2", machine="m-2")), (0, "and back: shared", lambda: put("a-2", machine="m-1")),
    (2, "reclaim", lambda: put("a-3")), (2, "goodbye", lambda: drop("a-3")), (2, "claim again", lambda: put("a-3")),
    (2, "move", within(lambda row: nodes.move(live("a-3"), "a-4", by="x"))), (2, "keep", within(lambda row: nodes.keep(live("a-4"), True, by="x"))),
    (2, "release", within(lambda row: nodes.release(live("a-4"), by="x"))), (2, "sign", within(lambda row: files.issue(row.id, ["a-5"], 3, by="x"))),
    (2, "block", within(lambda row: nodes.block(row, "a-2", reason="x", by="x"))), (2, "unblock", within(lambda row: nodes.unblock(row, "a-2", by="x"))),
    (2, "take back", within(lambda row: files.give_back(one(LicenceFile), reason="lost", by="x"))),
    (2, "suspend", within(lambda row: life.suspend(row.id, HoldReason.ABUSE, words=("a", "b"), source="x", by="x"))),
    (2, "lift", within(lambda row: life.lift(life.open_holds(row.id)[0], by="x"))), (2, "make a key", within(lambda row: keyring.make(row.id, label="x", by="x"))),
    (2, "end a key", within(lambda row: keyring.end(one(LicenceKey), by="x"))), (2, "goodbye to the file's node", lambda: drop("a-5")),
    (2, "one more", lambda: put("a-6")), (2, "close", within(lambda row: life.close_term(one(LicenceTerm), clock.now() + timedelta(days=1), ClosedWhy.TIER, by="x"))),
    (2, "revoke", within(lambda row: life.revoke(row.id, reason="x", by="x", second="y"))),
]
TABLES = ["licence", "licence_tool", "licence_term", "licence_key", "licence_node", "licence_node_run", "licence_node_rule", "licence_hold",
          "licence_file", "licence_event", "audit_entry", "outbox"]
def seen():
    with reading():
        return [db.session.execute(text(f"SELECT * FROM {name} ORDER BY id")).all() for name in TABLES], verify_licences()[1]
def child(work, at, k, pipe):
    left = [k]
    def instant(word):
        def pass_(*_rest, **_more):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            os.write(pipe, word)
        return pass_
    event.listen(db.engine, "before_cursor_execute", instant(b"s"))
    event.listen(db.engine, "commit", instant(b"c"))
    event.listen(db.session.session_factory.class_, "after_commit", lambda session: (instant(b"C"))())
    with clock.stopped_at(at):
        work()
    os._exit(0)
app = create_app()
with app.app_context():
    hashes = digests(key)
    for number, (hours, name, work) in enumerate(DEEDS):
        at, k = start + timedelta(hours=hours), number % step
        while True:
            before = seen()
            db.session.remove()
            db.engine.dispose()
            out, pipe = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    child(work, at, k, pipe)
                except BaseException as error:
                    print(name, repr(error), file=sys.stderr, flush=True)
                    os._exit(9)
            os.close(pipe)
            status = os.waitpid(pid, 0)[1]
            passed = os.read(out, 4096).decode()
            os.close(out)
            after = seen()
            print(json.dumps([name, k, status, passed, after[0] == before[0], after[1]]), flush=True)
            if not os.WIFSIGNALED(status):
                break
            if "C" in passed or after[0] != before[0]:  # it was done, though nobody heard of it; the next deed builds on it
                break
            k += step
"""


def test_a_kill_between_any_two_statements_leaves_both_or_neither(app: Flask, tmp_path: Path) -> None:
    from portal.core import clock

    with app.app_context(), transaction():
        signing.create(KeyUse.LICENCE, by="One", second="Other")
        key = licence(2)[1]
    (said,) = run(app, tmp_path, KILLER, (str(STEP), key, clock.now().isoformat()))
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("[")]
    assert len({name for name, *_rest in lines}) == 25
    killed = 0
    for name, k, status, passed, same, faults in lines:
        assert faults == [], (name, k)
        assert status in (0, 9), (name, k)  # to its end, or by the kill
        if status == 9 and "c" not in passed.replace("C", ""):
            assert same, f"{name}, killed at {k} after {passed}, left a half"
        killed += status == 9
    assert killed > 25 * (5 if STEP == 1 else 0.5)
    with app.app_context(), reading():
        assert verify_licences()[1] == []
