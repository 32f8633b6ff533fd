"""The last slot of an employer from two tabs at once: real processes, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from portal.core.db import reading
from portal.jobs import running, slots, verify
from portal.jobs.kinds import PostState
from tests import jobs_scene as s
from tests.jobs_scene import SILVER, at, house
from tests.test_races import run, soon

pytestmark = pytest.mark.race

SENDER = """
import sys, time
from datetime import datetime, timedelta, timezone
from portal.app import create_app
from portal.accounts.people import Person
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
from portal.jobs import running, submitting
from portal.jobs.models import Post
uid, verb, start = sys.argv[1], sys.argv[2], float(sys.argv[3])
def deed():
    with clock.stopped_at(datetime(2026, 3, 3, 12, tzinfo=timezone(timedelta(hours=8)))), transaction():
        post = db.session.query(Post).filter_by(uid=uid).one()
        by = db.session.query(Person).filter_by(email="sam@spruce.example").one()
        {"submit": submitting.submit, "resume": running.resume}[verb](post, by=by)
with create_app().app_context():
    db.session.execute(db.select(Post.id)).all()
    db.session.rollback()
    time.sleep(max(0, start - time.time()))
    try:
        patiently(deed)
        print("had")
    except Refused as refusal:
        print("refused")
"""


def test_two_tabs_cannot_both_take_the_last_slot(app: Flask, tmp_path: Path) -> None:
    """Two slots are taken; two drafts are sent and a paused post goes on, all at once: one of the three has the last one."""
    house(app)
    with at(app, "2026-03-03T10:00"):
        paused = s.live(SILVER, title_en="Paused")
        running.pause(paused, by=s.person(SILVER))
        for n in range(2):
            s.live(SILVER, title_en=f"Post {n}")
        drafts = [s.draft(SILVER, title_en=f"Draft {n}").uid for n in range(2)]
        uids, org = [*drafts, paused.uid], paused.org_id
    start = soon()
    verbs = ("submit", "submit", "resume")
    said = run(app, tmp_path, SENDER, *((uid, verb, start) for uid, verb in zip(uids, verbs, strict=True)))
    assert sorted(text.strip() for text in said) == ["had", "refused", "refused"]
    with app.app_context(), s.on("2026-03-03T13:00"), reading():
        assert slots.held(org) == 3
        states = [s.the(uid).state for uid in uids]
        assert sum(state in (PostState.IN_REVIEW, PostState.LIVE) for state in states) == 1
        assert [*verify.verify_posts()[1], *verify.verify_slots()[1]] == []
