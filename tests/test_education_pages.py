"""The pages of continuing education: the first step, an entry with its file, the check, the second look, the renewal."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from flask import Flask
from PIL import Image
from sqlalchemy import select

from portal.certs.education import checking, entries, renewing
from portal.certs.models.education import EducationState
from portal.core import clock, outbox, pdf
from portal.core.db import db, transaction
from portal.core.mail import MailMessage
from tests.awarded import DECIDED, granted, house, person
from tests.educated import CHECKER, DECIDER, EARLY, HOLDER, SECOND, accepted, asked, enough, holder
from tests.people import browser, make_person, post

PAGE, OFFICE = "/certificates/education", "/office/education"


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(made, "PNG")
    return made.getvalue()


def ready(app: Flask) -> None:
    house(app)
    granted(app)


def test_a_holder_and_staff_walk_from_the_first_step_to_the_new_award(app: Flask) -> None:
    ready(app)
    with app.app_context(), transaction():
        make_person("new@nobody.example", "Nobody")
    with clock.stopped_at(EARLY):
        new = browser(app, "new@nobody.example")
        assert "The first one comes from an exam." in new.get(f"{PAGE}/").text
        assert "The first one comes from an exam." in new.get(f"{PAGE}/new").text
        me, zh = browser(app, HOLDER), browser(app, HOLDER, language="zh_Hans_CN")
        assert "Renew by continuing education" in me.get("/certificates/").text
        assert "Write the first entry down" in me.get(f"{PAGE}/").text
        assert "24 个月内累计 40 分" in zh.get(f"{PAGE}/").text
        said: dict[str, Any] = {
            "kind": "talk",
            "done_on": "2028-08-01",
            "what": "A talk <b>on</b> kernels",
            "link": "",
            "points": "5",
        }
        for wrong, words in (
            ({"file": (io.BytesIO(b"MZ\x90"), "talk.exe")}, "PDF, PNG or JPEG file"),
            ({"file": (io.BytesIO(b"<html>"), "talk.pdf")}, "is no PDF"),
            ({"points": "2.5", "link": "https://x.example"}, "whole number"),
            ({"done_on": "2029-01-01", "link": "https://x.example"}, "not come yet"),
            ({}, "by a link, or by a file"),
        ):
            answer = post(me, f"{PAGE}/new", **said | wrong)
            assert (answer.status_code, words in answer.text) == (422, True), words
            assert "A talk &lt;b&gt;on&lt;/b&gt; kernels" in answer.text  # nothing typed is lost
        sent = post(me, f"{PAGE}/new", **said | {"file": (io.BytesIO(picture()), "../stage.png")})
        assert sent.status_code == 303
        page = me.get(f"{PAGE}/").text
        assert "A talk &lt;b&gt;on&lt;/b&gt; kernels" in page
        assert "stage.png" in page
        with app.app_context():
            uid = entries.of_person(holder())[0].uid
        assert me.get(f"{PAGE}/{uid}/file").headers["Content-Disposition"].startswith("attachment")
        assert new.get(f"{PAGE}/{uid}/file").status_code == 404
        _checked(app, uid)
        _renewed(app)
        page = me.get(f"{PAGE}/").text
        assert "It is too early: you can ask from 24 May 2030 on." in page
        assert "Renewed" in page


def _checked(app: Flask, uid: str) -> None:
    """Check the entry, in two looks if the draw wants it."""
    staff = browser(app, CHECKER)
    assert "Continuing education to check: Zhang Wei" in staff.get("/office/").text
    assert "待审核的继续教育记录" in browser(app, CHECKER, language="zh_Hans_CN").get("/office/").text
    assert staff.get(f"{OFFICE}/").text.count("Check the entry") == 1
    assert "Between 1 and 5" in staff.get(f"{OFFICE}/{uid}").text
    assert post(staff, f"{OFFICE}/{uid}/acceptance", points="6").status_code == 422
    assert post(staff, f"{OFFICE}/{uid}/refusal", reason="").status_code == 422
    decider = browser(app, DECIDER)
    assert decider.get(f"{OFFICE}/{uid}/file").status_code == 200
    assert "Check the entry" not in decider.get(f"{OFFICE}/{uid}").text
    assert post(staff, f"{OFFICE}/{uid}/acceptance", points="4").status_code == 303
    with app.app_context():
        again = entries.found(uid).state is EducationState.SECOND_LOOK  # the draw is a real one here
        db.session.remove()
    if again:
        assert "somebody else than who accepted it" in staff.get(f"{OFFICE}/{uid}").text
        assert post(browser(app, SECOND), f"{OFFICE}/{uid}/acceptance", points="4").status_code == 303


def _renewed(app: Flask) -> None:
    """Ask, decide, and read the mail in the holder's language."""
    me = browser(app, HOLDER)
    with app.app_context():
        with transaction():
            accepted(36, kind="contribution")
        award = renewing.standing(entries.renewable(holder())[0], entries.of_person(holder()), clock.today())
        assert (award.tally.counts, award.tally.missing) == (34, 6)
        uid = award.award.uid
        db.session.remove()
    page = me.get(f"{PAGE}/").text
    assert "6 of 40 points are still missing." in page
    assert "over the cap" in page
    with app.app_context(), transaction():
        enough([("report", 8)])
    assert post(me, f"{PAGE}/awards/{uid}/renewal").status_code == 303
    decider = browser(app, DECIDER)
    assert "Renewal to decide: Zhang Wei" in decider.get("/office/").text
    assert decider.get(f"{OFFICE}/renewals").text.count("Zhang Wei") == 1
    with app.app_context():
        renewal = renewing.of_person(holder())[0].uid
    assert "somebody else decides" not in decider.get(f"{OFFICE}/renewals/{renewal}").text
    assert "Renew the award" not in browser(app, CHECKER).get(f"{OFFICE}/renewals/{renewal}").text
    assert post(decider, f"{OFFICE}/renewals/{renewal}/decision", verdict="granted").status_code == 422
    words = {"verdict": "granted", "reason": "All of it is there."}
    assert post(decider, f"{OFFICE}/renewals/{renewal}/decision", **words).status_code == 303
    assert "The new award" in decider.get(f"{OFFICE}/renewals/{renewal}").text
    with app.app_context(), pdf.not_laid_out():
        outbox.drain()
        wanted = select(MailMessage.title).where(MailMessage.topic.startswith("education_renewal:"))
        titles = list(db.session.scalars(wanted.order_by(MailMessage.id)))
        assert titles[-1] == "Renewed by continuing education: FlagOS Operator Developer"
        db.session.remove()


def test_an_entry_that_waits_and_a_renewal_are_taken_back_by_their_holder_alone(app: Flask) -> None:
    ready(app)
    with clock.stopped_at(EARLY):
        with app.app_context(), transaction():
            enough()
            row, waits = asked(), entries.submit(holder(), _claim(), by=holder())
            renewal, entry = row.uid, waits.uid
        stranger, me = browser(app, SECOND), browser(app, HOLDER)
        for path in (f"{PAGE}/renewals/{renewal}/withdrawal", f"{PAGE}/{entry}/withdrawal"):
            assert post(stranger, path).status_code == 404
            assert post(me, path).status_code == 303
            assert post(me, path).status_code == 409
        with app.app_context():
            assert {one.state.value for one in entries.of_person(holder())} == {"accepted", "withdrawn"}
            assert checking.count_waiting() == renewing.count_waiting() == 0
            assert person(HOLDER).id == holder().id
    assert DECIDED + timedelta(days=1) < EARLY


def _claim() -> entries.Claim:
    return entries.Claim("talk", EARLY, "A talk", "https://talks.example/7", "5")
