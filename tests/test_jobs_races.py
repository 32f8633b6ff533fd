"""The last slot of an employer from three tabs at once, and one application sent twice: real processes, on both databases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.privacy_models import Consent
from portal.core.db import db, reading
from portal.jobs import people_verify, running, slots, verify
from portal.jobs.application_models import JobApplication
from portal.jobs.kinds import ApplyBy, PostState
from portal.jobs.stages import Purpose
from tests import jobs_scene as s
from tests.jobs_scene import SILVER, at, house
from tests.people import make_person
from tests.test_races import run, soon

pytestmark = pytest.mark.race

# Each process lives two races, so that three of them serve both.
RACER = """
import json, sys, time
from datetime import datetime, timedelta, timezone
from portal.app import create_app
from portal.accounts.people import Person
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
from portal.jobs import applying, running, submitting
from portal.jobs.applying import Handed
from portal.jobs.models import Post
from portal.jobs.stages import Field
uid, verb, wanted, start = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
said = []
def one(uid):
    return db.session.query(Post).filter_by(uid=uid).one()
def person(email):
    return db.session.query(Person).filter_by(email=email).one()
def slot():
    {"submit": submitting.submit, "resume": running.resume}[verb](one(uid), by=person("sam@spruce.example"))
def send():
    said.append(applying.apply(one(wanted), Handed("Hello", [Field.NAME, Field.LETTER]), by=person("ann@people.example")).uid)
def race(deed, when):
    def go():
        with clock.stopped_at(datetime(2026, 3, 3, 12, tzinfo=timezone(timedelta(hours=8)))), transaction():
            deed()
    db.session.execute(db.select(Post.id)).all()
    db.session.rollback()
    time.sleep(max(0, when - time.time()))
    try:
        patiently(go)
        return "had"
    except Refused:
        return "refused"
with create_app().app_context():
    print(json.dumps([race(slot, start), race(send, start + 2), said[-1]]))
"""


def test_the_last_slot_has_one_taker_and_an_application_sent_thrice_is_one(
    app: Flask, tmp_path: Path
) -> None:
    """Two slots are taken; two drafts are sent and a paused post goes on, all at once: one of the three has the last one."""
    house(app)
    with at(app, "2026-03-03T10:00"):
        make_person("ann@people.example", "Ann")
        paused = s.live(SILVER, title_en="Paused")
        running.pause(paused, by=s.person(SILVER))
        wanted = s.live(SILVER, title_en="Post 0", apply_by=ApplyBy.PORTAL, link="").uid
        s.live(SILVER, title_en="Post 1")
        drafts = [s.draft(SILVER, title_en=f"Draft {n}").uid for n in range(2)]
        uids, org = [*drafts, paused.uid], paused.org_id
    start = soon()
    verbs = ("submit", "submit", "resume")
    words = [(uid, verb, wanted, start) for uid, verb in zip(uids, verbs, strict=True)]
    said = [json.loads(one) for one in run(app, tmp_path, RACER, *words)]
    assert sorted(slot for slot, _sent, _uid in said) == ["had", "refused", "refused"]
    assert [sent for _slot, sent, _uid in said] == ["had"] * 3
    with app.app_context(), s.on("2026-03-03T13:00"), reading():
        assert slots.held(org) == 3
        states = [s.the(uid).state for uid in uids]
        assert sum(state in (PostState.IN_REVIEW, PostState.LIVE) for state in states) == 1
        assert [*verify.verify_posts()[1], *verify.verify_slots()[1]] == []
        (sent,) = db.session.scalars(select(JobApplication.uid)).all()
        assert {uid for _slot, _sent, uid in said} == {sent}
        word = select(func.count(Consent.id)).where(Consent.purpose == Purpose.APPLY.value)
        assert db.session.scalar(word) == 1
        assert people_verify.verify_candidates()[1] == []
