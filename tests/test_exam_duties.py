"""What waits on the desk of everybody who has a part in exams: found by whom it concerns, gone when it is done."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import Flask

from portal.accounts.may import StaffRole
from portal.certs import (
    aids,
    appealing,
    award_proposals,
    conflicts,
    deciding,
    exam_deeds,
    items,
    learning,
    proctoring,
    rekeys,
    releasing,
    reviewing,
)
from portal.certs.apart import Apart
from portal.certs.award_proposals import Wanted
from portal.certs.models.award import AwardProposal, AwardVerb
from portal.certs.models.bank import ItemVersion
from portal.certs.models.booking import ExamSession, SessionState
from portal.certs.models.care import Accommodation, Aid, ExamDeed
from portal.certs.models.deciding import Ballot, ExamAppeal, Rekey, Remedy, Review, Verdict
from portal.certs.models.grading import ExamCase, Tie
from portal.certs.models.learning import StepRecord
from portal.certs.reviewing import POINTS
from portal.core import clock
from portal.core.db import db, reading, transaction
from tests import awarded, grade_world, graded, seats
from tests.counting import counted
from tests.exam_items import content
from tests.graded import EXAMINERS, who
from tests.people import browser, make_org, make_person

TASK = re.compile(r'class="task-title"><a href="([^"]+)">([^<]+)<')


def desk(app: Flask, name: str, *, language: str = "en") -> list[str]:
    """Return what waits for one of the cast; every link of it opens."""
    with app.app_context(), reading():
        mail = who(name).email
    page = browser(app, mail, language=language)
    found = TASK.findall(page.get("/office/").text)
    for href, title in found:
        assert page.get(href.replace("&amp;", "&")).status_code == 200, (name, title, href)
    return [title for _href, title in found]


def asked(app: Flask, name: str) -> int:
    """Return how many statements the desk of somebody takes."""
    with app.app_context(), reading():
        mail = who(name).email
    page = browser(app, mail)
    page.get("/office/")
    with counted(app) as seen:
        assert page.get("/office/").status_code == 200
    return len(seen)


def _apart_agrees() -> None:
    for case in db.session.query(ExamCase):
        review = reviewing.of_case(case)
        voters = {one.email for one in reviewing.reviewers(case)}
        for name in EXAMINERS:
            person = who(name)
            one = Apart(person)
            assert one.independent(case) is conflicts.independent(person, case), (name, case.id)
            if review is not None and EXAMINERS[name] is StaffRole.COMMUNITY_REVIEWER:
                assert one.may_vote(case) is (person.email in voters), (name, case.id)


def test_from_a_work_to_the_certificate_everybody_finds_what_waits_for_him_alone(app: Flask) -> None:
    with app.app_context(), transaction():
        graded.house("lin", "mo", "nan")
        awarded.make_keys()
        rows = graded.ended("lin", "mo", "nan")
        hands = {one.grader.email.split("@")[0] for row in rows for one in graded.assigned(row)}
        mine = sum(one.grader_id == who("gao").id for row in rows for one in graded.assigned(row))
    assert hands <= {"gao", "gong", "gu", "guan"}
    found = desk(app, "gao")
    assert [one.split(":")[0] for one in found] == ["Work to mark"] * mine
    assert not any(one.endswith(("Lin", "Mo", "Nan")) for one in found)
    assert [desk(app, name) for name in ("certs", "rui", "deng", "pan", "proctor")] == [[]] * 5
    with app.app_context(), transaction():
        for row in db.session.query(ExamCase).order_by(ExamCase.id):
            graded.marked(row)
    assert [desk(app, name) for name in sorted(hands)] == [[]] * len(hands)
    assert [one.split(":")[0] for one in desk(app, "certs")] == ["Results to release"]
    assert desk(app, "chief") == []
    with app.app_context(), transaction():
        releasing.release_session(db.session.query(ExamSession).one(), by=who("certs"))
    assert desk(app, "certs") == []
    assert [one.split(":")[0] for one in desk(app, "rui")] == ["Work to vote on"] * 3
    with app.app_context(), transaction():
        for review in db.session.query(Review):
            for name in ("rui", "rong", "ran"):
                reviewing.vote(
                    review, by=who(name), ballot=Ballot.APPROVE, ticked=list(POINTS), reason="good"
                )
    assert desk(app, "rui") == []
    with clock.stopped_at(clock.now() + timedelta(days=15)):
        with app.app_context(), transaction():
            for review in db.session.query(Review):
                reviewing.close(review, by="close_reviews")
            _apart_agrees()
            waits = [one.id for one in deciding.waiting()]
            assert waits == [
                one.id
                for one in db.session.query(ExamCase).order_by(ExamCase.id)
                if deciding.open_question(one)
            ]
        names = {f"Certificate to be decided: {one}" for one in ("Lin", "Mo", "Nan")}
        assert (set(desk(app, "deng")), set(desk(app, "ding"))) == (names, names)
        many = asked(app, "deng")
        with app.app_context(), transaction():
            for row in db.session.query(ExamCase).order_by(ExamCase.id).limit(2):
                deciding.decide(row, Verdict.GRANTED, by=who("deng"), reason="all holds")
        assert desk(app, "ding") == ["Certificate to be decided: Nan"]
        assert asked(app, "deng") == many <= 30
        _appeal(app)


def _appeal(app: Flask) -> None:
    with app.app_context(), transaction():
        case = db.session.query(ExamCase).order_by(ExamCase.id).first()
        assert case is not None
        appealing.lodge(case, by=case.person, words="too slow", complaint=True)
        conflicts.declare(who("piao"), case.person, Tie.KNOWS, "knows him")
    assert [one.split(":")[0] for one in desk(app, "pan")] == ["Complaint to answer"]
    assert "投诉" in desk(app, "peng", language="zh_Hans_CN")[0]
    assert desk(app, "piao") == []
    with app.app_context(), transaction():
        row = db.session.query(ExamAppeal).one()
        appealing.judge(row, Remedy.ANSWER, by=who("pan"), answer="We are sorry.")
    assert (desk(app, "pan"), len(desk(app, "peng"))) == ([], 1)
    with app.app_context(), transaction():
        appealing.confirm(db.session.query(ExamAppeal).one(), by=who("peng"))
        _apart_agrees()
    assert desk(app, "peng") == []


def test_items_steps_help_proposals_and_sessions_wait_for_whoever_may_do_them(app: Flask) -> None:
    with app.app_context(), transaction():
        seats.house("lin")
        for name, role in (("ou", StaffRole.AUTHOR), ("ivan", StaffRole.ITEM_REVIEWER)):
            make_person(f"{name}@house.example", name.title(), staff=(role,))
        version = items.write(
            items.begin("OPDEV", "K1", by=who("ou"), topic="memory"), content(), by=who("ou")
        )
        items.submit(version, by=who("ou"))
        learning.declare(who("lin"), "opdev.exercises", by=who("lin"), evidence="done", link="", done_on=None)
        aids.ask(who("lin"), [Aid.BREAKS], evidence="a secret letter")
        place = seats.session(days=30)
        exam_deeds.propose_call_off(place, by=who("certs"), reason="the hall burnt")
    kinds = {name: sorted(one.split(":")[0] for one in desk(app, name)) for name in ("ivan", "ou", "certs", "chief", "proctor", "fang")}  # fmt: skip
    mine = ["Accommodations to decide", "Learning step to confirm"]
    assert kinds == {"ivan": ["Item to review"], "ou": [], "certs": mine, "chief": ["Call the session off"], "proctor": [], "fang": []}  # fmt: skip
    with app.app_context(), transaction():
        items.review(version_now(), by=who("ivan"), approved=True, ticked=list(items.CHECKS), comments={})
        learning.confirm(db.session.query(StepRecord).one(), by=who("certs"))
        aids.grant(db.session.query(Accommodation).one(), [Aid.BREAKS], by=who("certs"))
        exam_deeds.decline(db.session.query(ExamDeed).one(), by=who("chief"))
        start, end = (lambda one: (one.starts_at, one.ends_at))(db.session.query(ExamSession).one())
    assert [desk(app, name) for name in ("ivan", "certs", "chief")] == [[], [], []]
    with clock.stopped_at(start):
        assert [one.split(":")[0] for one in desk(app, "proctor")] == ["Session today"]
    with app.app_context(), transaction():
        db.session.query(ExamSession).one().state = SessionState.CLOSED
    with clock.stopped_at(end + timedelta(days=2)):
        assert [one.split(":")[0] for one in desk(app, "proctor2")] == ["Session report due"]
        with app.app_context(), transaction():
            proctoring.report(db.session.query(ExamSession).one(), words="quiet", by=who("proctor"))
        assert desk(app, "proctor2") == []


def version_now() -> ItemVersion:
    """Return the only version of the bank."""
    return db.session.query(ItemVersion).one()


def test_keys_ratings_and_steps_of_awards_wait_for_a_second_person(app: Flask) -> None:
    with app.app_context(), transaction():
        seats.unasked("OPDEV", "ADAPT", "ARCH")
        awarded.staff()
        awarded.make_keys()
        make_person("zhang@holder.example", "Zhang Wei")
        grade_world.rows(make_org("Kun Chips"))
        award = awarded.award()
        award_proposals.propose(award, AwardVerb.SUSPEND, Wanted(reason="looked into"), by=who("cen"))
    deng = ["Mended key to be decided: single", "Put on hold: Zhang Wei"]
    assert (sorted(desk(app, "deng")), desk(app, "walkchief")) == (deng, [])
    assert "Put on hold: Zhang Wei" not in desk(app, "cen") + desk(app, "clara")
    assert "Items to rate for the cut" in {one.split(":")[0] for one in desk(app, "walk0")}
    with app.app_context(), transaction():
        rekeys.decline(db.session.query(Rekey).one(), by=who("deng"))
        award_proposals.confirm(db.session.query(AwardProposal).one(), by=who("ding"))
    assert desk(app, "deng") == []
