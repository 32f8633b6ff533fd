"""The pages from marking to decision, walked by everybody who has a part in them; graders never learn whose work it is."""

from __future__ import annotations

import io
import zipfile

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.may import ContactRole
from portal.certs import (
    awarding,
    cases,
    deciding,
    invalidating,
    panels,
    proctoring,
    releasing,
    reviewing,
    scrubbing,
)
from portal.certs.models.bank import ItemVersion
from portal.certs.models.cutting import CutPanel
from portal.certs.models.deciding import Review
from portal.certs.models.delivery import AttemptPart, Submission, Upload
from portal.certs.models.grading import Assignment, ExamCase
from portal.certs.models.watching import IncidentKind, Severity
from portal.certs.naming import Names
from portal.core import clock, files
from portal.core.db import db, transaction
from portal.core.mail import MailMessage
from tests import awarded, graded, seats
from tests.graded import TOP, who
from tests.people import browser, make_org, post

CANARY = ("Wang Xiaoming", "王小明", "wangxm", "Kun Chips", "昆芯", "github.com")


def _archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as new:
        new.writestr(
            "wangxm/README.md",
            "by Wang Xiaoming <wangxm@mail.example> of 昆芯, see https://github.com/wangxm/x",
        )
        new.writestr("work/.git/config", "wangxm")
        new.writestr("work/kernel.py", "# 王小明\nx = 1\n")
        new.writestr("work/photo.jpg", b"\xff\xd8\xff\xe1\x00\x08wangxm\xff\xda")
    return made.getvalue()


def _sat(app: Flask) -> str:
    """Let a candidate with a telling name hand in a telling archive; return the case's uid."""
    with app.app_context():
        content = files.put(_archive(), "application/zip")
    with app.app_context(), transaction():
        graded.house("wangxm")
        awarded.make_keys()
        person = who("wangxm")
        person.name = "Wang Xiaoming"
        make_org("Kun Chips", (person, ContactRole.TECHNICAL)).display_name_zh = "昆芯"
        session, versions = seats.session(days=30), graded.bank()
        attempt = graded.attempt(
            "wangxm", session, versions, text="Wang Xiaoming of Kun Chips: https://github.com/wangxm/x"
        )
        attempt.booking.name = "王小明"
        part = db.session.query(AttemptPart).filter_by(attempt_id=attempt.id, written=False).one()
        stored = files.StoredFile(
            sha256=content.sha256,
            name="wangxm.zip",
            media_type=content.media_type,
            size=content.size,
            purpose="exam",
        )
        db.session.add(
            Upload(part=part, file=stored, name="wangxm.zip", sha256=content.sha256, size=content.size)
        )
        first = db.session.query(Submission).filter_by(part_id=part.id).one()
        db.session.add(
            Submission(
                attempt=attempt,
                part=part,
                n=2,
                task=first.task,
                text=first.text,
                repository="",
                commit="",
                files=[{"uid": "x", "name": "wangxm.zip", "sha256": content.sha256, "size": content.size}],
                handed_in_at=clock.now(),
            )
        )
        db.session.flush()
        return cases.begin(attempt.id).uid


def _told(text: str) -> list[str]:
    return [one for one in CANARY if one.lower() in text.lower()]


def _hands(app: Flask) -> list[tuple[str, str]]:
    with app.app_context():
        rows = db.session.query(Assignment).order_by(Assignment.id)
        return [(one.uid, one.grader.email) for one in rows if one.ended_at is None]


def _marks(levels: dict[str, int]) -> dict[str, str]:
    return {f"level-{code}": str(level) for code, level in levels.items()} | {"comment-tests": "well tested"}


def test_graders_take_and_mark_a_work_without_learning_whose_it_is(app: Flask) -> None:
    _sat(app)
    hands = _hands(app)
    assert len(hands) == 2
    for uid, email in hands:
        page = browser(app, email)
        listed = page.get("/office/marking/").text
        assert _told(listed) == []
        assert post(page, f"/office/marking/works/{uid}/acceptance").status_code == 303
        work = page.get(f"/office/marking/works/{uid}")
        assert "[…] of […]" in work.text
        assert _told(work.text + str(work.headers)) == []
        file = page.get(f"/office/marking/works/{uid}/files/1")
        assert _told(str(file.headers)) == []
        with zipfile.ZipFile(io.BytesIO(file.data)) as found:
            said = "".join(found.namelist()) + "".join(
                found.read(name).decode(errors="replace") for name in found.namelist()
            )
        assert (_told(said), ".git" in said, "x = 1" in said) == ([], False, True)
        assert page.get(f"/office/marking/works/{uid}/files/2").status_code == 404
        short = post(page, f"/office/marking/works/{uid}/marks", **_marks({"correct": 3}))
        assert (short.status_code, "Please choose one level" in short.text, "well tested" in short.text) == (
            422,
            True,
            True,
        )
        assert post(page, f"/office/marking/works/{uid}/marks", **_marks(TOP)).status_code == 303
        assert "Your marks" in page.get(f"/office/marking/works/{uid}").text
        other = next(one for one, _mail in hands if one != uid)
        assert page.get(f"/office/marking/works/{other}").status_code == 404
        assert page.get("/office/exam-results/").status_code == 403
    with app.app_context():
        mails = db.session.query(MailMessage).filter(MailMessage.address.like("%@examiner.example"))
        assert mails.count() >= 2
        assert [
            _told(one.title + one.text + one.html) for one in mails if _told(one.title + one.text + one.html)
        ] == []


def test_from_release_to_certificate_everybody_finds_his_page(app: Flask) -> None:
    language = "zh_Hans_CN"  # the other walks are in English
    uid = _sat(app)
    with app.app_context(), transaction():
        case = db.session.query(ExamCase).filter_by(uid=uid).one()
        graded.marked(case)
        session = case.attempt.booking.session.uid
    mine = browser(app, "wangxm@mail.example", language=language)
    assert "/exams/results/" + uid not in mine.get("/exams/results/").text
    assert mine.get(f"/exams/results/{uid}").status_code == 404
    staff = browser(app, "certs@house.example", language=language)
    assert "Wang Xiaoming" in staff.get("/office/exam-results/").text
    assert staff.get(f"/office/exam-results/cases/{uid}").status_code == 200
    assert post(staff, f"/office/exam-results/cases/{uid}/hold", reason=" ").status_code == 422
    assert post(staff, f"/office/exam-results/sessions/{session}/release").status_code == 303
    report = mine.get(f"/exams/results/{uid}")
    assert report.status_code == 200
    assert ("100.00 %" in report.text, "triton" in report.text) == (True, False)
    for name in ("rui", "rong"):
        page = browser(app, f"{name}@examiner.example", language=language)
        with app.app_context():
            review = db.session.query(ExamCase).filter_by(uid=uid).one()
            number = reviewing.of_case(review)
            assert number is not None
            address = f"/office/exam-reviews/{number.uid}"
        assert _told(page.get(address).text + page.get("/office/exam-reviews/").text) == []
        short = post(page, f"{address}/vote", ballot="approve", ticked=["licence"], reason="fit")
        assert short.status_code == 422
        whole = post(page, f"{address}/vote", ballot="approve", ticked=list(reviewing.POINTS), reason="fit")
        assert whole.status_code == 303
    with app.app_context(), transaction():
        row = db.session.query(ExamCase).filter_by(uid=uid).one()
        found = reviewing.of_case(row)
        assert found is not None
        found.closes_at = clock.now()
        db.session.flush()
        reviewing.close(found, by="close_reviews")
    decider = browser(app, "deng@examiner.example", language=language)
    assert uid in decider.get("/office/exam-results/decisions").text
    assert (
        post(decider, f"/office/exam-results/cases/{uid}/decision", verdict="granted", reason="").status_code
        == 422
    )
    assert post(decider, "/office/exam-results/decisions", uid=uid, reason="clean").status_code == 303
    with app.app_context():
        assert len(deciding.of_case(db.session.query(ExamCase).filter_by(uid=uid).one())) == 1
    assert mine.get(f"/exams/results/{uid}").status_code == 200
    assert post(mine, f"/exams/results/{uid}/appeal", kind="appeal", words="").status_code == 422
    assert (
        post(mine, f"/exams/results/{uid}/appeal", kind="complaint", words="The room was cold.").status_code
        == 303
    )
    _panel_answers(app, language)


def _panel_answers(app: Flask, language: str) -> None:
    from portal.certs.models.deciding import ExamAppeal

    with app.app_context():
        address = f"/office/exam-appeals/{db.session.query(ExamAppeal).one().uid}"
    first, second = (browser(app, f"{name}@examiner.example", language=language) for name in ("pan", "peng"))
    assert first.get("/office/exam-appeals/").status_code == 200
    assert post(first, f"{address}/judgement", remedy="answer", answer="").status_code == 422
    assert post(first, f"{address}/judgement", remedy="answer", answer="We heat it now.").status_code == 303
    assert "We heat it now." in second.get(address).text
    assert post(second, f"{address}/confirmation").status_code == 303
    assert second.get(address).status_code == 200


def test_where_votes_are_short_the_chief_examiner_appoints_holders_who_vote_outside_the_office(
    app: Flask,
) -> None:
    with app.app_context(), transaction():
        graded.house("amy", "bob", "cai")
        (case,) = graded.ended("amy")
        graded.marked(case)
        releasing.release_session(case.attempt.booking.session, by=who("certs"))
        bob = who("bob")
        awarding.grant(
            bob, level="OPDEV", names=Names("", "Bob"), decision="test:1", decided_on=clock.today(), by=who("deng"), issue=False
        )  # fmt: skip
        review = reviewing.of_case(case)
        assert review is not None
        review.extended, review.closes_at = True, clock.now()
        here, outside = f"/office/exam-results/cases/{case.uid}", f"/exams/reviews/{review.uid}"
        number, other = bob.uid, who("cai").uid
    chief = browser(app, "chief@house.example")
    page = chief.get(here).text
    assert (number in page, other in page) == (True, False)
    assert post(chief, f"{here}/reviewers", people=number, reason="").status_code == 422
    assert post(chief, f"{here}/reviewers", people=number, reason="too few votes").status_code == 303
    assert post(chief, f"{here}/reviewers", people=number, reason="again").status_code == 422
    mine, foreign = browser(app, "bob@mail.example"), browser(app, "cai@mail.example")
    assert outside in mine.get("/exams/results/").text
    assert (mine.get(outside).status_code, foreign.get(outside).status_code) == (200, 404)
    assert mine.get("/office/exam-reviews/").status_code == 403
    voted = post(mine, f"{outside}/vote", ballot="approve", ticked=list(reviewing.POINTS), reason="fit")
    assert voted.headers["Location"] == outside
    with app.app_context():
        found = db.session.query(Review).one()
        assert [one.value for one in reviewing.ballots(found).values()] == ["approve"]
        mail = db.session.query(MailMessage).filter(MailMessage.address == "bob@mail.example")
        assert outside in mail.order_by(MailMessage.id.desc()).limit(1).one().text


def test_a_key_is_mended_and_a_panel_sits_on_their_pages(app: Flask) -> None:
    uid = _sat(app)
    with app.app_context(), transaction():
        case = db.session.query(ExamCase).filter_by(uid=uid).one()
        graded.marked(case)
        releasing.release_session(case.attempt.booking.session, by=who("certs"))
        graded.blueprint()
        number = db.session.query(ItemVersion).order_by(ItemVersion.id).limit(1).one().uid
    chief, deng = browser(app, "chief@house.example"), browser(app, "deng@examiner.example")
    mend = f"/office/exam-results/keys/new/{number}"
    assert chief.get(mend).status_code == 200
    wrong = {"deed": "key", "weight-a": "0", "weight-b": "9", "reason": "the book"}
    assert post(chief, mend, **wrong).status_code == 422
    assert post(chief, mend, **{**wrong, "weight-b": "1"}).status_code == 303
    page = deng.get("/office/exam-results/keys").text
    key = page.split("/office/exam-results/keys/")[1].split("/")[0]
    assert post(chief, f"/office/exam-results/keys/{key}/confirmation").status_code == 403
    assert post(deng, f"/office/exam-results/keys/{key}/confirmation").status_code == 303
    _panel(app, chief, deng)
    assert chief.get("/office/exam-results/figures/OPDEV").status_code == 200


def _panel(app: Flask, chief: FlaskClient, deng: FlaskClient) -> None:
    names = ("gao", "gong", "gu", "guan", "rui")
    lines = "\n".join(f"{name}@examiner.example ten years of kernels" for name in names)
    form = {"part": "OPDEV/written", "judges": lines}
    assert (
        post(chief, "/office/cut-panels/new", **{**form, "judges": "nobody@x.example x"}).status_code == 422
    )
    made = post(chief, "/office/cut-panels/new", **form)
    assert made.status_code == 303
    address = made.headers["Location"]
    assert browser(app, "rong@examiner.example").get(address).status_code == 404
    judge = browser(app, f"{names[0]}@examiner.example")
    for _round in (1, 2):
        assert judge.get(address).status_code == 200
        chances = {f"chance-{n}": "0.6" for n in range(1, 5)}
        kept = post(judge, f"{address}/ratings", **{**chances, "chance-2": "60"})
        assert (kept.status_code, 'value="60"' in kept.text) == (422, True)
        assert post(judge, f"{address}/ratings", **chances).status_code == 303
        with app.app_context(), transaction():
            for name in names[1:]:
                panels.rate(db.session.query(CutPanel).one(), by=who(name), chances=["0.6"] * 4)
        assert post(chief, f"{address}/round").status_code == 303
    assert post(chief, f"{address}/cut", share="99", valid_from="2099-01-01", reason="x").status_code == 422
    assert (
        post(chief, f"{address}/cut", share="", valid_from="2099-01-01", reason="the panel").status_code
        == 303
    )
    cut = deng.get(address).text.split("/cuts/")[1].split("/")[0]
    assert post(deng, f"{address}/cuts/{cut}/adoption").status_code == 303
    assert "60.00 %" in chief.get(address).text


def test_an_archive_that_grows_without_end_is_not_opened() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("bomb", b"0" * (scrubbing.MOST_BYTES + 1))
    with pytest.raises(scrubbing.Unreadable, match="too large"):
        scrubbing.content(made.getvalue(), [])
    for broken in (b"PK\x03\x04broken", b"\xff\xfe\x00binary"):
        with pytest.raises(scrubbing.Unreadable):
            scrubbing.content(broken, [])
    assert (
        scrubbing.text("Li and Lisp, 李 and 李雷", scrubbing.words_of(["Li Lei", "李雷"]))
        == "Li and Lisp, 李 and […]"
    )


def test_a_case_says_in_words_what_failed_names_the_repository_and_why_it_counts_for_nothing(
    app: Flask,
) -> None:
    link, sha = "https://code.example/me/work", "ab" * 20
    uid = _sat(app)
    with app.app_context(), transaction():
        last = db.session.query(Submission).order_by(Submission.n.desc()).first()
        assert last is not None
        db.session.add(
            Submission(
                attempt=last.attempt, part=last.part, n=3, task=last.task, text="", repository=link, commit=sha, files=[],
                handed_in_at=clock.now(),
            )
        )  # fmt: skip
        page = f"/office/exam-results/cases/{uid}"
    staff = browser(app, "certs@house.example")
    assert link not in staff.get(page).text  # not before both graders have marked
    with app.app_context(), transaction():
        none = {**graded.TOP, "correct": 0}
        case = graded.marked(db.session.query(ExamCase).filter_by(uid=uid).one(), none, none)
        releasing.release_session(case.attempt.booking.session, by=who("certs"))
    shown = staff.get(page).text
    assert "Failed critical criteria: Correctness" in shown
    assert (link in shown, sha in shown) == (True, True)
    with app.app_context(), transaction():
        case = db.session.query(ExamCase).filter_by(uid=uid).one()
        incident = proctoring.note(
            case.attempt.booking.session, IncidentKind.CONDUCT, Severity.MAJOR, words="a phone", by=who("proctor"),
            attempt=case.attempt,
        )  # fmt: skip
        row = invalidating.propose(case.attempt, incident, reason="used a phone", by=who("chief"))
        invalidating.hear(row, words="It was off.", by=case.person)
        invalidating.confirm(row, by=who("deng"))
    shown = staff.get(page).text
    assert "used a phone" in shown
    assert "Hold the result back" not in shown
    assert uid in staff.get("/office/exam-results/?state=invalidated").text
