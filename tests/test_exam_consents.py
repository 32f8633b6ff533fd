"""A company sees whether its candidate passed only while the candidate allows it, and once the result is released."""

from __future__ import annotations

from flask import Flask

from portal.accounts.may import ContactRole
from portal.certs import bundles, releasing
from portal.certs.models.booking import Outcome
from portal.certs.models.grading import ExamCase
from portal.core.db import db, transaction
from tests import graded, seats
from tests.graded import LOW
from tests.membership import inside
from tests.people import browser, make_org, make_person, post

CONSENT = "/exams/seats/result-consent"


def _scene(app: Flask) -> str:
    """Let amy and bob sit on seats of a company, one well and one badly, and be marked; return the bundle's page."""
    with inside(app), transaction():
        graded.house("amy", "bob")
        chen = make_person("chen@galaxy.example", "Chen")
        bundle = bundles.buy(make_org("Galaxy Ltd", (chen, ContactRole.OWNER)), "OPDEV", 2, by=chen)
        bundles.open_paid(bundle.id)
        for name in ("amy", "bob"):
            seat = bundles.assign(bundle.id, f"{name}@mail.example", by=chen)
            bundles.accept(seat, person=seats.who(name))
        amy, bob = graded.ended("amy", "bob")
        assert {one.attempt.booking.eligibility.seat_id for one in (amy, bob)} != {None}, (
            "they sat on the seats"
        )
        graded.marked(amy)
        graded.marked(bob, LOW, LOW)
        return f"/exams/seats/{bundle.uid}"


def test_a_company_sees_a_result_while_its_candidate_agrees_and_it_is_released(app: Flask) -> None:
    page = _scene(app)
    chen, amy, bob = (
        browser(app, address) for address in ("chen@galaxy.example", "amy@mail.example", "bob@mail.example")
    )
    assert post(amy, CONSENT, given="perhaps").status_code == 422
    assert post(app.test_client(), CONSENT, given="yes").status_code in {303, 400, 401}
    assert post(amy, CONSENT, given="yes").status_code == 303
    assert "Take the consent back" in amy.get("/exams/mine").text
    assert "Passed" not in chen.get(page).text, "nothing is told before the release"
    with inside(app), transaction():
        case = db.session.query(ExamCase).first()
        assert case is not None
        assert releasing.release_session(case.attempt.booking.session, by=seats.who("certs")) == 2
    shown = chen.get(page).text
    assert shown.count("<strong>Passed</strong>") == 1
    assert "<strong>Not passed</strong>" not in shown, "bob did not agree"
    assert post(bob, CONSENT, given="yes").status_code == 303
    assert "<strong>Not passed</strong>" in chen.get(page).text
    assert (
        "<strong>通过</strong>" in browser(app, "chen@galaxy.example", language="zh_Hans_CN").get(page).text
    )
    for one in (amy, bob):
        assert post(one, CONSENT, given="no").status_code == 303
    after = chen.get(page).text
    assert "<strong>Passed</strong>" not in after
    assert "<strong>Not passed</strong>" not in after


def test_an_attempt_declared_invalid_is_no_result_and_who_has_no_seat_is_not_asked(app: Flask) -> None:
    page = _scene(app)
    with inside(app), transaction():
        case = db.session.query(ExamCase).order_by(ExamCase.id).first()
        assert case is not None
        releasing.release_session(case.attempt.booking.session, by=seats.who("certs"))
        make_person("nobody@mail.example", "Nobody")
        case.attempt.booking.outcome = Outcome.INVALIDATED
    chen, amy = browser(app, "chen@galaxy.example"), browser(app, "amy@mail.example")
    assert post(amy, CONSENT, given="yes").status_code == 303
    assert "Invalidated" not in chen.get(page).text
    assert "<strong>Passed</strong>" not in chen.get(page).text
    assert "Your company and your result" in amy.get("/exams/mine").text
    assert "Your company and your result" not in browser(app, "nobody@mail.example").get("/exams/mine").text
