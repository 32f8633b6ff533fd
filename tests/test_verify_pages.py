"""The public check and the holder's and staff's pages: states, names, files, limits, no counting, rows of others not found."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.scopes import Scope
from portal.certs import awarding, issuing, signing_badges
from portal.certs.awards_office import STATES, search
from portal.certs.models.award import AwardState, AwardVerb
from portal.certs.models.document import Certificate
from portal.core import clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.files import read
from tests.awarded import granted, house
from tests.conftest import build
from tests.people import browser, last_mail, make_person, post

DAY = timedelta(days=1)


@pytest.fixture
def certs(app: Flask) -> Flask:
    house(app, at=clock.now() - 2 * DAY)
    return app


def visitor(app: Flask) -> FlaskClient:
    """Return the browser of somebody without an account who reads English."""
    client = app.test_client()
    with client.session_transaction() as state:
        state["language"] = "en"
    return client


def number_of(app: Flask, uid: str) -> str:
    with app.app_context(), reading():
        row = issuing.current(awarding.found(uid))
        assert row is not None
        return row.number


def test_the_page_says_the_state_and_never_only_valid(certs: Flask) -> None:
    uid = granted(certs, at=clock.today())
    number, client = number_of(certs, uid), visitor(certs)
    answer = client.get("/verify", query_string={"number": number.lower().replace("-", " ")})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/verify/{number}")
    page = client.get(f"/verify/{number}")
    with certs.app_context(), reading():
        last = awarding.found(uid).end - DAY
    for word in (
        f"Valid to the end of {last.day} {last:%b %Y}",
        "算子开发工程师",
        "FlagOS Operator Developer",
        number,
        "Z*** W*",
        "张*",
        "SHA-256",
        "did:web:",
    ):
        assert word in page.text, word
    for word in ("Zhang Wei", "张伟", "zhang@", "decision:1"):
        assert word not in page.text, word
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "no-store" in page.headers["Cache-Control"]
    api = client.get(f"/api/v1/certificates/{number}")
    body = api.get_json()
    assert (body["state"], body["holder"], body["level"]["code"]) == (
        "valid", {"shown": "masked", "name": {"zh": "张*", "latin": "Z*** W*"}}, "OPDEV",
    )  # fmt: skip
    assert "max-age=300" in api.headers["Cache-Control"]
    again = client.get(f"/api/v1/certificates/{number}", headers={"If-None-Match": api.headers["ETag"]})
    assert again.status_code == 304


def test_mistyped_and_unknown_numbers_say_so_alike_and_nothing_can_be_counted(certs: Flask) -> None:
    number, client = number_of(certs, granted(certs, at=clock.today())), visitor(certs)
    from portal.certs.numbers import drawn

    wrong = number[:-1] + ("A" if number[-1] != "A" else "B")
    assert "mistyped" in client.get(f"/verify/{wrong}").text
    pages = set()
    for unknown in (drawn("FOS", 2026), drawn("XYZ", 1999)):
        page = client.get(f"/verify/{unknown}")
        assert page.status_code == 404
        pages.add(re.sub(r'value="[^"]*"|nonce="[^"]*"', "", page.text).replace(unknown, ""))
        problem = client.get(f"/api/v1/certificates/{unknown}")
        assert (problem.status_code, problem.mimetype) == (404, "application/problem+json")
    assert len(pages) == 1


def test_a_visitor_compares_name_and_file_and_nothing_is_kept(certs: Flask) -> None:
    uid = granted(certs, at=clock.today())
    number, client = number_of(certs, uid), visitor(certs)
    path = f"/verify/{number}"
    assert "Match: this is the name" in post(client, f"{path}/name", path, name="zhang wei").text
    assert "No match" in post(client, f"{path}/name", path, name="Li Wei").text
    assert post(client, f"{path}/name", path, name="").status_code == 422
    with certs.app_context(), reading():
        row = issuing.by_number(number)
        assert row is not None
        assert row.file is not None
        data = read(row.file)
    assert (
        "This is the file we issued"
        in post(client, f"{path}/file", path, file=(io.BytesIO(data), "x.pdf")).text
    )
    assert (
        "This is not the file"
        in post(client, f"{path}/file", path, file=(io.BytesIO(data + b"x"), "x.pdf")).text
    )
    assert post(client, f"{path}/file", path).status_code == 422


def test_asking_is_limited_by_address_and_over_all(certs: Flask, tmp_path: Any) -> None:
    number, client = number_of(certs, granted(certs, at=clock.today())), visitor(certs)
    answers = [client.get(f"/verify/{number}").status_code for _ in range(40)]
    assert answers.count(429) >= 5
    refused = client.get(f"/api/v1/certificates/{number}")
    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert int(refused.headers["Retry-After"]) >= 1
    made = build(
        tmp_path,
        certs.config["SQLALCHEMY_DATABASE_URI"],
        PORTAL_LIMITS="verify=1000/minute, verify-all=5/minute",
    )
    found = [
        made.test_client().get(f"/verify/{number}", environ_base={"REMOTE_ADDR": f"10.0.0.{n}"}).status_code
        for n in range(8)
    ]
    assert found == [200] * 5 + [429] * 3
    with made.app_context():
        db.engine.dispose()


def test_page_program_and_bits_agree_through_every_state(certs: Flask) -> None:
    uid = granted(certs, at=clock.today())
    number = number_of(certs, uid)

    def seen() -> tuple[str, int, int]:
        body = visitor(certs).get(f"/api/v1/certificates/{number}").get_json()
        page = visitor(certs).get(f"/verify/{number}").text
        words = {
            "valid": "Valid to the end",
            "suspended": "On hold since",
            "revoked": "for good",
            "superseded": "Replaced by a newer",
        }
        assert words[body["state"]] in page
        with certs.app_context(), reading():
            now = clock.now()
            return (
                body["state"],
                len(signing_badges.places("revocation", 1, now)),
                len(signing_badges.places("suspension", 1, now)),
            )

    cen, deng = browser(certs, "cen@house.example"), browser(certs, "deng@house.example")
    assert seen() == ("valid", 0, 0)
    for verb, more, expected in (
        ("suspend", {}, ("suspended", 0, 1)),
        ("lift", {}, ("valid", 0, 0)),
        ("reissue", {"name_zh": "张伟", "name_latin": "Zhang Wei"}, ("superseded", 1, 0)),
    ):
        answer = post(cen, f"/office/awards/{uid}/steps/{verb}", reason="because", **more)
        assert answer.status_code == 303, answer.text
        proposal = confirm_in(certs, deng, uid)
        assert proposal == 303
        assert seen() == expected
    holder = browser(certs, "zhang@holder.example")
    assert post(holder, f"/certificates/{uid}/end", level="opdev").status_code == 303
    state, revoked, _held = seen()
    assert (state, revoked) == ("revoked", 2)


def confirm_in(app: Flask, client: Any, uid: str) -> int:
    from portal.certs import award_proposals

    with app.app_context(), reading():
        waiting = award_proposals.open_for(awarding.found(uid))[0].uid
    return int(post(client, f"/office/awards/proposals/{waiting}/confirmation").status_code)


def test_a_holder_sees_downloads_shares_and_answers_and_nobody_else_does(certs: Flask) -> None:
    uid = granted(certs, at=clock.today())
    with certs.app_context(), transaction():
        make_person("else@holder.example", "Else")
    holder, other = browser(certs, "zhang@holder.example"), browser(certs, "else@holder.example")
    page = holder.get("/certificates/")
    assert "Certificate (PDF)" in page.text
    assert "linkedin.com/profile/add" in page.text
    with certs.app_context(), reading():
        document = db.session.query(Certificate).one().uid
    for form, kind in (
        ("json", "application/vc"),
        ("jwt", "application/vc+jwt"),
        ("png", "image/png"),
        ("svg", "image/svg+xml"),
    ):
        got = holder.get(f"/certificates/documents/{document}/badge/{form}")
        assert (got.status_code, got.mimetype) == (200, kind)
        assert other.get(f"/certificates/documents/{document}/badge/{form}").status_code == 404
    assert holder.get(f"/certificates/documents/{document}/file").mimetype == "application/pdf"
    for path in (f"/certificates/{uid}", f"/certificates/documents/{document}/file"):
        assert other.get(path).status_code == 404
    assert post(other, f"/certificates/{uid}/visibility", shown="full").status_code == 404
    assert post(holder, f"/certificates/{uid}/visibility", shown="full").status_code == 303
    assert "Zhang Wei" in visitor(certs).get(f"/verify/{number_of(certs, uid)}").text
    post(holder, "/certificates/links", awards=[uid], days="30", label="job")
    link = re.search(r"http://127\.0\.0\.1:8000(/shared/\S+?)[<\s]", holder.get("/certificates/").text)
    assert link is not None
    assert "张伟 · Zhang Wei" in visitor(certs).get(link.group(1)).text
    assert visitor(certs).get("/shared/nothing").status_code == 404
    assert post(other, "/certificates/links", awards=[uid], days="30").status_code == 404
    asked = post(
        browser(certs, "cen@house.example"),
        f"/office/awards/{uid}/steps/revoke",
        reason="cheating",
        cause="misconduct",
    )
    assert asked.status_code == 303
    certs_mail = last_mail(certs, "zhang@holder.example")
    assert "Please answer" in certs_mail.title
    assert post(holder, f"/certificates/{uid}/answer", words="").status_code == 422
    assert post(holder, f"/certificates/{uid}/answer", words="It was not me.").status_code == 303
    office = browser(certs, "deng@house.example").get(f"/office/awards/{uid}")
    assert "It was not me." in office.text


def test_staff_find_awards_by_number_name_and_former_name_and_see_everything(certs: Flask) -> None:
    uid = granted(certs, at=clock.today())
    number, cen = number_of(certs, uid), browser(certs, "cen@house.example")
    for q in (number, "张伟", "zhang wei", "zhang@holder"):
        assert f"/office/awards/{uid}" in cen.get("/office/awards/", query_string={"q": q}).text, q
    assert "Nothing matches" in cen.get("/office/awards/?q=nobody").text
    page = cen.get(f"/office/awards/{uid}")
    assert "Certificate issued" in page.text
    assert cen.get("/office/certificate-batches/keys").status_code == 200
    for verb in (AwardVerb.SUSPEND, AwardVerb.REVOKE, AwardVerb.REISSUE):
        assert cen.get(f"/office/awards/{uid}/steps/{verb.value}").status_code == 200
    assert post(cen, f"/office/awards/{uid}/steps/suspend", reason="").status_code == 422
    bad = post(cen, "/office/certificate-batches/new", label="x", reason="y", numbers=f"{number}\nFOS-1")
    assert bad.status_code == 422
    assert "Line 2" in bad.text
    made = post(cen, "/office/certificate-batches/new", label="x", reason="y", numbers=number)
    assert made.status_code == 303
    batch = made.headers["Location"]
    assert post(cen, f"{batch}/confirmation").status_code == 403
    assert post(browser(certs, "clara@house.example"), f"{batch}/confirmation").status_code == 303
    with certs.app_context():
        outbox.drain()
    assert "All done" in cen.get(batch).text
    packed = cen.get(f"{batch}/archive")
    assert packed.data[:2] == b"PK"
    assert "x" in cen.get("/office/certificate-batches/").text
    with certs.app_context(), reading():
        assert awarding.found(uid).state is AwardState.GRANTED
    assert _shown(certs, uid) == ("granted", ["granted"])
    with clock.stopped_at(clock.today() + 731 * DAY):
        assert _shown(certs, uid) == ("expired", ["expired"])


def _shown(app: Flask, uid: str) -> tuple[str, list[str]]:
    """Return an award's state as staff read it, and which of the filters by state find it."""
    with app.app_context(), reading():
        state = awarding.state_on(awarding.found(uid), clock.today()).value
        found = [one.value for one in STATES if db.session.scalars(search("", "", one.value)).all()]
        return state, found


def test_employers_check_many_exact_numbers_with_a_token(certs: Flask) -> None:
    number = number_of(certs, granted(certs, at=clock.today()))
    from portal.accounts import tokens
    from tests.awarded import person

    with certs.app_context(), transaction():
        _row, secret = tokens.give("hr", [Scope.CERTIFICATES_CHECK], 30, by=person("zhang@holder.example"))
    client, path = visitor(certs), "/api/v1/certificate-checks"
    head = {"Authorization": f"Bearer {secret}"}
    assert client.post(path, json={"numbers": [number]}).status_code == 401
    answer = client.post(path, json={"numbers": [number.lower(), "FOS-1", number[:-1] + "0"]}, headers=head)
    items = answer.get_json()["items"]
    assert [one["problem"] for one in items][:2] == [None, "mistyped"]
    assert items[0]["certificate"]["state"] == "valid"
    assert client.post(path, json={"numbers": [number] * 201}, headers=head).status_code == 422
