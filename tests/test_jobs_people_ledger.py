"""Candidates' consents: every field an employer reads has a word that covers it, at that moment; taken back it is gone at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import select

from portal.accounts import consents as ledger
from portal.accounts import tokens
from portal.accounts.privacy_models import Consent
from portal.accounts.scopes import Scope
from portal.certs import awarding, sharing
from portal.certs.models.document import Certificate
from portal.certs.naming import Shown
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.jobs import applying, consents, contacting, hiring, people_verify, pool, profiles
from portal.jobs.application_models import ContactRequest, JobApplication
from portal.jobs.matching import Wanted
from portal.jobs.people_models import Look, PoolSearch
from portal.jobs.stages import TO_APPLY, TO_SHOW, Field, JobApplicationState, Purpose
from tests import job_people_world as w
from tests.people import browser, last_mail, post

F, P = Field, Purpose
HR = "hr@galaxy.example"


@pytest.fixture
def house(app: Flask) -> Iterator[Flask]:
    """Two employers; Ann has sent all she has to Galaxy and was opened."""
    w.house(app, ("ann", "ADAPT"))
    with clock.stopped_at(w.DAY):
        with app.app_context():
            w.resume(w.person("ann@people.example"))
            with transaction():
                row = w.applied(w.post_of("galaxy"), w.person("ann@people.example"), fields=TO_APPLY)
                hiring.open_(row, by=w.person(HR))
        yield app


def secrets_of(app: Flask) -> dict[Field, str]:
    """Return by field what a page shows of Ann and nobody else."""
    with app.app_context(), reading():
        award = awarding.of_person(w.person("ann@people.example"))[0]
        number = db.session.scalars(select(Certificate.number).where(Certificate.award_id == award.id)).one()
        return {
            F.NAME: "Ann Quokka", F.LETTER: "Dear employer", F.CITY: "Beijing", F.SKILLS: "Triton", F.LANGUAGES: "Chinese",
            F.CERTIFICATES: number, F.REACH: "wechat ann", F.RESUME: "resume",
        }  # fmt: skip


def shown(client: FlaskClient, pages: list[str], secrets: dict[Field, str]) -> set[Field]:
    """Return the fields of Ann that stand on some pages, without the words around them."""
    found: set[Field] = set()
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, (page, answer.status_code)
        body = answer.text.split("<main")[-1].split("</main>")[0]
        found |= {field for field, words in secrets.items() if words in body and field is not F.RESUME}
        if "/resume/file" in body:
            found.add(F.RESUME)
    return found


def pages_of(app: Flask) -> list[str]:
    with app.app_context(), reading():
        row = db.session.scalars(select(JobApplication)).one()
        return [f"/jobs/hiring/posts/{row.post.uid}", f"/jobs/hiring/applications/{row.uid}"]


def test_every_field_on_every_page_of_an_employer_has_a_consent_and_goes_with_it(house: Flask) -> None:
    client, pages, secrets = browser(house, HR), pages_of(house), secrets_of(house)
    assert shown(client, pages, secrets) == set(TO_APPLY)
    row_uid = pages[1].rsplit("/", 1)[-1]
    resume = f"{pages[1]}/resume/file"
    assert client.get(resume).data.startswith(b"%PDF-")
    for gone in (F.RESUME, F.REACH, F.CERTIFICATES, F.LETTER, F.CITY):
        with house.app_context(), transaction():
            ann = w.person("ann@people.example")
            word = consents.word(ann, P.APPLY, w.post_of("galaxy"))
            assert word is not None
            left = [one for one in word.fields if one != gone.value]
            applying.show(applying.found(row_uid, ann), left, keep=False, by=ann)
            assert not consents.allowed(ann, P.APPLY, w.post_of("galaxy"), gone)
        assert shown(client, pages, secrets) == {F(one) for one in left}, gone
        assert client.get(resume).status_code == 404
    with house.app_context(), reading():
        assert people_verify.verify_candidates()[1] == []


def test_the_answers_of_the_api_show_what_the_ledger_lets_and_nothing_after(house: Flask) -> None:
    with house.app_context(), transaction():
        hr = w.person(HR)
        _row, mine = tokens.give("hr", [Scope.JOBS_READ, Scope.JOBS_WRITE], 30, by=hr)
        _row, foreign = tokens.give("other", [Scope.JOBS_READ], 30, by=w.person("hr@alder.example"))
        _row, none = tokens.give("none", [Scope.PROFILE_READ], 30, by=hr)
        ann = w.person("ann@people.example")
        _row, anns = tokens.give("ann", [Scope.JOBS_READ, Scope.JOBS_WRITE], 30, by=ann)
    client = house.test_client()

    def read(secret: str) -> list[dict[str, object]]:
        answer = client.get(
            "/api/v1/job-applications", headers={"Authorization": f"Bearer {secret}", "Accept-Language": "en"}
        )
        assert answer.status_code == 200, answer.text
        items: list[dict[str, object]] = answer.get_json()["items"]
        return items

    seen = read(mine)[0]["candidate"]
    assert isinstance(seen, dict)
    assert (seen["name"], seen["city"], seen["reach"]) == ("Ann Quokka", "Beijing", "wechat ann")
    assert [one["state"] for one in seen["certificates"]] == ["valid"]
    assert all(value is not None for value in seen.values())
    assert read(foreign) == []
    assert [one["own"] for one in read(anns)] == [True]
    assert (
        client.get("/api/v1/job-applications", headers={"Authorization": f"Bearer {none}"}).status_code == 403
    )
    with house.app_context(), transaction():
        row = db.session.scalars(select(JobApplication)).one()
        applying.withdraw(row, by=w.person("ann@people.example"))
    assert read(mine)[0]["candidate"] is None
    assert "Ann" not in json.dumps(read(mine))


def test_a_consent_withdrawn_while_the_page_is_open_ends_what_the_next_click_shows(house: Flask) -> None:
    client, pages = browser(house, HR), pages_of(house)
    assert "Ann Quokka" in client.get(pages[1]).text  # the page is open now
    ann = browser(house, "ann@people.example")
    with house.app_context(), reading():
        word = consents.word(w.person("ann@people.example"), P.APPLY, w.post_of("galaxy"))
        assert word is not None
        number = word.id
    assert post(ann, f"/jobs/mine/privacy/{number}/withdrawal", page="/jobs/mine/profile").status_code == 303
    assert client.get(f"{pages[1]}/resume/file").status_code == 404
    answer = post(client, f"{pages[1]}/step", page="/terms", to="interview", words="Come")
    assert answer.status_code in (409, 422)
    for page in pages:
        text = client.get(page).text
        assert "Ann Quokka" not in text
        assert "Withdrawn" in text
    with house.app_context(), reading():
        row = db.session.scalars(select(JobApplication)).one()
        assert row.state is JobApplicationState.WITHDRAWN
        assert people_verify.verify_candidates()[1] == []


def test_the_candidate_reads_every_look_with_who_and_what_and_the_house_shows_no_candidate(
    house: Flask,
) -> None:
    client, pages = browser(house, HR), pages_of(house)
    for page in (*pages, *pages):
        client.get(page)
    client.get(f"{pages[1]}/resume/file")
    with house.app_context(), reading():
        looks = db.session.scalars(select(Look).order_by(Look.id)).all()
        assert [(one.org.legal_name, one.by.email, len(one.seen)) for one in looks] == [
            ("Galaxy Ltd", HR, 2), ("Galaxy Ltd", HR, 8), ("Galaxy Ltd", HR, 1),
        ]  # fmt: skip
    text = browser(house, "ann@people.example").get("/jobs/mine/privacy").text
    assert "Galaxy Recruiter" in text
    assert "My résumé" in text
    office = browser(house, "mod@house.example").get("/office/hires/")
    assert office.status_code == 200
    assert "Ann" not in office.text


def test_another_employer_and_another_candidate_find_nothing(house: Flask) -> None:
    with house.app_context(), transaction():
        w.candidate("bob")
    pages = pages_of(house)
    for email in ("hr@alder.example", "bob@people.example", "mod@house.example"):
        client = browser(house, email)
        for page in (*pages, f"{pages[1]}/resume/file"):
            assert client.get(page).status_code in (403, 404), (email, page)
    uid = pages[1].rsplit("/", 1)[-1]
    bob = browser(house, "bob@people.example")
    assert bob.get(f"/jobs/mine/applications/{uid}").status_code == 404
    assert post(bob, f"/jobs/mine/applications/{uid}/withdrawal").status_code == 404


def test_the_gate_reads_purpose_receiver_field_and_moment(house: Flask) -> None:
    with house.app_context(), force_locale("en"):
        ann, galaxy = w.person("ann@people.example"), w.post_of("galaxy")
        assert consents.allowed(ann, P.APPLY, galaxy, F.NAME)
        assert not consents.allowed(ann, P.APPLY, w.post_of("alder"), F.NAME)
        assert not consents.allowed(ann, P.SHOW, galaxy.org, F.NAME)
        assert not consents.allowed(ann, P.APPLY, galaxy, F.LEVEL)
        assert not consents.allowed(ann, P.APPLY, galaxy, F.NAME, at=clock.now() - timedelta(seconds=1))
        with transaction():
            consents.give(
                ann, P.SHOW, galaxy.org, "Galaxy", [F.NAME], until=clock.today() + timedelta(days=30)
            )
        last = clock.start_of(clock.today() + timedelta(days=30))
        assert consents.allowed(ann, P.SHOW, galaxy.org, F.NAME, at=last - timedelta(seconds=1))
        assert not consents.allowed(ann, P.SHOW, galaxy.org, F.NAME, at=last)
        with transaction():
            assert consents.take_back(ann, P.SHOW, galaxy.org)
            assert not consents.take_back(ann, P.SHOW, galaxy.org)
        rows = db.session.scalars(
            select(Consent).where(Consent.purpose == P.SHOW.value).order_by(Consent.id)
        ).all()
        assert [(one.withdrawn, one.about, one.text_version, one.language) for one in rows] == [
            (False, galaxy.org.subject, 1, "en"), (True, galaxy.org.subject, 1, "en"),
        ]  # fmt: skip


def test_the_pool_hides_who_and_shows_nobody_of_few(house: Flask) -> None:
    with house.app_context(), transaction():
        crowd = [w.candidate(f"crowd{n}", "OPDEV" if n % 2 else "") for n in range(5)]
        w.pooled(*crowd[:4])
    client, other = browser(house, HR), browser(house, "hr@alder.example")
    found = _search(client, city="beijing")
    assert "Fewer than 5 people match" in client.get(found).text
    with house.app_context(), transaction():
        w.pooled(w.person("crowd4@people.example"))
    text = client.get(found).text.split("<main")[-1].split("</main>")[0]
    assert text.count("Ask for contact") >= 5
    for hidden in ("Quokka", "crowd", "wechat", "people.example"):
        assert hidden not in text, hidden
    shown = re.sub(
        r'="[^"]*"', "", text
    )  # a day may be spelt by chance in what is random: handles, marks of forms
    for hidden in ("2026", "T00"):
        assert hidden not in shown, hidden
    with house.app_context(), transaction():
        profiles.shut_out(w.person("crowd0@people.example"), w.post_of("galaxy").org)
    assert "Fewer than 5 people match" in client.get(found).text
    theirs = _search(other, city="beijing")
    assert other.get(theirs).text.count("Ask for contact") >= 5
    assert other.get(found).status_code == 404
    with house.app_context(), transaction():
        consents.enter_pool(w.person("crowd1@people.example"), False)
    assert "Fewer than 5" in other.get(theirs).text
    with house.app_context(), reading():
        assert people_verify.verify_candidates()[1] == []


def _search(client: FlaskClient, **asked: str) -> str:
    wanted = dict.fromkeys(("level", "city", "skills", "kind", "language"), "") | asked
    answer = post(client, "/jobs/hiring/pool", **wanted)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_a_request_is_answered_with_what_is_ticked_for_thirty_days(house: Flask) -> None:
    with house.app_context(), transaction():
        w.pooled(*[w.candidate(f"crowd{n}") for n in range(5)])
        about = w.post_of("galaxy").uid
    client = browser(house, HR)
    found = _search(client, skills="算子 triton")
    handle = client.get(found).text.split(f"{found}/")[1].split('"')[0]
    sent = post(client, f"{found}/{handle}", post=about, reason="Your kernels")
    assert sent.status_code == 303, sent.text
    assert post(client, f"{found}/{handle}", post=about, reason="Your kernels").status_code == 409
    with house.app_context(), reading():
        row = db.session.scalars(select(ContactRequest)).one()
        assert row.person is not None
        who, uid = row.person.email, row.uid
    assert "Quokka" not in client.get(f"/jobs/hiring/requests/{uid}").text
    mine, answer = browser(house, who), f"/jobs/mine/requests/{uid}/agreement"
    assert post(mine, answer, fields=["name", "reach"]).status_code == 422
    assert post(mine, answer, fields=["reach"], agree="y").status_code == 422
    assert post(mine, answer, fields=["name", "reach"], agree="y").status_code == 303
    text = client.get(f"/jobs/hiring/requests/{uid}").text
    assert "Shown to Galaxy Recruiter" in text
    assert "until 14 Jul 2026" in text
    assert "in the portal until 14 Jul 2026." in last_mail(house, HR).text
    taken = mine.get("/account/privacy/data/json/file").get_json()
    assert {one["until"] for one in taken["consents"] if one["purpose"] == "Show myself to one employer"} == {
        "2026-07-14"
    }
    assert [one["until"] for one in taken["job_contacts"]] == ["2026-07-14"]
    assert [word in text for word in ("Quokka", "wechat", "算子开发")] == [True, True, False]
    with clock.stopped_at(w.DAY + timedelta(days=30)):
        assert "Quokka" not in browser(house, HR).get(f"/jobs/hiring/requests/{uid}").text
    assert post(mine, "/jobs/mine/shut-out", employer="Galaxy").status_code == 303
    assert "Quokka" not in client.get(f"/jobs/hiring/requests/{uid}").text
    with house.app_context(), reading():
        assert people_verify.verify_candidates()[1] == []


def test_quotas_of_the_tier_bound_searches_and_requests(house: Flask) -> None:
    with house.app_context():
        with transaction():
            org = w.employer("startup", "startup")
            w.post(org)
            w.pooled(*[w.candidate(f"crowd{n}") for n in range(6)])
        hr = w.person("hr@startup.example")
        rows: list[PoolSearch] = []
        for _n in range(5):
            with transaction():
                rows.append(pool.search(org, Wanted(), by=hr))
        with force_locale("en"), pytest.raises(Refused, match="used up"), transaction():
            pool.search(org, Wanted(), by=hr)
        found = pool.results(rows[0])
        for profile, _rank in found[:3]:
            with transaction():
                contacting.ask(rows[0], profile, w.post_of("startup"), reason="because", by=hr)
        with force_locale("en"), pytest.raises(Refused, match="this month are used up"), transaction():
            contacting.ask(rows[0], found[3][0], w.post_of("startup"), reason="because", by=hr)
        with clock.stopped_at(w.DAY + timedelta(days=1)), transaction():
            pool.search(org, Wanted(), by=hr)
        none = w.employer("nobody", "")
        with force_locale("en"), pytest.raises(Refused, match="in force"), transaction():
            pool.search(none, Wanted(), by=hr)


def test_the_tick_on_a_certificate_and_the_pool_are_words_of_the_same_ledger(house: Flask) -> None:
    with house.app_context():
        ann = w.person("ann@people.example")
        award = awarding.of_person(ann)[0]
        for how in (Shown.FULL, Shown.HIDDEN, Shown.FULL, Shown.MASKED):
            with transaction():
                sharing.show(award, how, by=ann)
            assert (consents.word(ann, P.NAMED, award) is not None) == (how is Shown.FULL)
    client = browser(house, "ann@people.example")
    for page, given in (("/certificates/employers", "yes"), ("/jobs/mine/pool", "no")):
        assert post(client, page, given=given).status_code == 303
        with house.app_context(), reading():
            assert ledger.stands(P.POOL.value, w.person("ann@people.example")) == (given == "yes")


def test_verify_names_an_application_and_a_look_without_a_consent(house: Flask) -> None:
    with house.app_context():
        with transaction():
            bob = w.candidate("bob")
            db.session.add(JobApplication(post=w.post_of("alder"), person=bob))
            word = consents.word(w.person("ann@people.example"), P.APPLY, w.post_of("galaxy"))
            assert word is not None
            more: dict[str, Any] = {
                "consent": word,
                "hour": clock.now(),
                "org": w.post_of("galaxy").org,
                "by": w.person(HR),
            }
            for who, about, fields in ((bob, "a", "name"), (w.person("ann@people.example"), "b", "kinds")):
                db.session.add(Look(person=who, purpose=P.APPLY, about=about, fields=fields, **more))
        found = people_verify.verify_candidates()[1]
        assert len(found) == 3
        assert "no consent covers it" in found[0]
        assert "candidate and purpose" in found[1]
        assert "fields kinds" in found[2]


def test_nothing_is_ticked_before_and_each_purpose_has_its_own_box(house: Flask) -> None:
    with house.app_context(), transaction():
        w.candidate("bob")
        uid = w.post_of("galaxy").uid
    page = browser(house, "bob@people.example").get(f"/jobs/mine/apply/{uid}").text
    assert page.count('type="checkbox"') == len(TO_APPLY) + 2
    assert " checked" not in page
    assert "Version 1 of the text" in page
    assert len(TO_SHOW) == 7


def test_a_program_applies_withdraws_and_takes_steps(house: Flask) -> None:
    with house.app_context(), transaction():
        bob = w.candidate("bob")
        _row, bobs = tokens.give("bob", [Scope.JOBS_READ, Scope.JOBS_WRITE], 30, by=bob)
        org = w.post_of("galaxy").org
        _row, hers = tokens.give("org", [Scope.JOBS_READ, Scope.JOBS_WRITE], 30, org=org, by=w.person(HR))
        about = w.post_of("galaxy").uid
    client, path = house.test_client(), "/api/v1/job-applications"

    def send(secret: str, where: str, body: object) -> tuple[int, dict[str, Any]]:
        answer = client.post(where, json=body, headers={"Authorization": f"Bearer {secret}"})
        found: dict[str, Any] = answer.get_json()
        return answer.status_code, found

    body: dict[str, Any] = {"post": about, "fields": ["name", "letter"], "letter": "Hi", "agree": False}
    assert send(bobs, path, body)[0] == 422
    assert send(hers, path, {**body, "agree": True})[0] == 403
    assert send(bobs, path, {**body, "agree": True, "fields": ["level"]})[0] == 422
    status, made = send(bobs, path, {**body, "agree": True})
    assert (status, made["own"], made["candidate"]) == (201, True, None)
    assert send(bobs, path, {**body, "agree": True})[0] == 200
    steps = f"{path}/{made['id']}/steps"
    assert send(bobs, steps, {"state": "seen"})[0] == 403
    status, seen = send(hers, steps, {"state": "seen"})
    assert (status, seen["state"], seen["candidate"]["letter"]) == (200, "seen", "Hi")
    assert send(hers, steps, {"state": "interview", "words": "Come"})[1]["state"] == "interview"
    assert send(hers, steps, {"state": "hired"})[0] == 422
    assert send(bobs, f"{path}/{made['id']}/withdrawal", {})[0] in (200, 422)
    answer = client.post(f"{path}/{made['id']}/withdrawal", headers={"Authorization": f"Bearer {bobs}"})
    assert answer.get_json()["state"] == "withdrawn"
    assert send(hers, steps, {"state": "offer"})[0] == 409
    with house.app_context(), reading():
        assert people_verify.verify_candidates()[1] == []
