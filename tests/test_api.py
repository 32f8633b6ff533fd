"""The doors for programs: tokens, scopes, operations, refusals, idempotency, metrics."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.accounts import tokens
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Grant, Person
from portal.accounts.scopes import Scope
from portal.core import clock, idempotency
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.members import names
from tests import road
from tests.people import browser, make_org, make_person, post

CHEN, LI = "chen@galaxy-chips.example", "li@other.example"


def give(app: Flask, email: str, *scopes: Scope, org: str = "", days: int = 30) -> str:
    """Make a token of a person, or of the organisation named."""
    with app.app_context(), transaction():
        person = db.session.scalars(select(Person).where(Person.email == email)).one()
        owner = (
            db.session.scalars(select(Organisation).where(Organisation.legal_name == org)).one()
            if org
            else None
        )
        return tokens.give("test", scopes, days, org=owner, by=person)[1]


class Program:
    """A program with a token."""

    def __init__(self, app: Flask, token: str | None, language: str = "en") -> None:
        self.client = app.test_client(use_cookies=False)
        self.headers = {"Accept-Language": language}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers=self.headers, **more)

    def send(self, method: str, path: str, body: Any, key: str | None = None) -> TestResponse:
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers=headers)

    def raw(self, method: str, path: str, data: bytes, kind: str = "application/json") -> TestResponse:
        return self.client.open(
            f"/api/v1{path}", method=method, data=data, content_type=kind, headers=self.headers
        )


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """Return the problem document of a refusal."""
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = answer.get_json()
    assert (body["type"], body["status"]) == ("about:blank", status)
    assert body["title"]
    assert body["detail"]
    assert re.fullmatch(r"[0-9a-f]{12}", body["reference"])
    return body


@pytest.fixture
def two(app: Flask) -> Flask:
    """Two companies with an owner each, listed by an import so that the wall shows them."""
    with app.app_context(), transaction():
        for email, name, company in ((CHEN, "Chen", "星河芯片"), (LI, "Li", "Other Ltd")):
            person = make_person(email, name)
            org = make_org(company, (person, ContactRole.OWNER))
            org.homepage = "https://www.example.org"
            names.index(org)
    return app


READ = (Scope.PROFILE_READ, Scope.APPLICATIONS_READ, Scope.INVOICES_READ)
WRITE = (*READ, Scope.PROFILE_WRITE, Scope.APPLICATIONS_WRITE)


def test_a_token_says_whose_it_is_and_acts_for_its_organisations_alone(two: Flask) -> None:
    mine, other = Program(two, give(two, CHEN, *WRITE)), Program(two, give(two, LI, *WRITE))
    me = mine.get("/me").get_json()
    assert (me["kind"], me["name"], me["scopes"]) == ("person", "Chen", sorted(WRITE))
    assert [(one["name"], one["roles"]) for one in me["organisations"]] == [("星河芯片", ["owner"])]
    uid = me["organisations"][0]["id"]
    profile = mine.get(f"/organisations/{uid}")
    assert profile.headers["Cache-Control"] == "no-store"
    assert profile.get_json() == mine.get("/organisations").get_json()["items"][0]
    problem(other.get(f"/organisations/{uid}"), 404)
    problem(other.send("PATCH", f"/organisations/{uid}", {"version": 1, "about": "mine now"}), 404)
    assert mine.get(f"/organisations/{uid}").get_json() == profile.get_json()


def test_a_profile_changes_by_version_and_an_old_one_is_refused(two: Flask) -> None:
    mine = Program(two, give(two, CHEN, *WRITE), "zh-CN")
    org = mine.get("/organisations").get_json()["items"][0]
    path, version = f"/organisations/{org['id']}", org["version"]
    change = {"version": version, "display_name_en": "Galaxy", "about": "We make chips.\0", "listing": True}
    done = mine.send("PATCH", path, change).get_json()
    assert (done["display_name"]["en"], done["about"], done["listing"]) == ("Galaxy", "We make chips.", True)
    assert done["homepage"] == "https://www.example.org"
    assert done["version"] > version
    old = problem(mine.send("PATCH", path, {"version": version, "about": "late"}), 409)
    assert old["errors"][0]["at"] == "version"
    assert "重新读取" in old["detail"]
    with two.app_context(), reading():
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.verb == "organisation.profile_changed")
        ).all()
        assert [entry.detail["token"][:4] for entry in entries] == ["fpt_"]


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"version": 1, "legal_name": "evil"}, ""),
        ({"version": "1"}, "version"),
        ({"version": True}, "version"),
        ({"version": 1.5}, "version"),
        ({}, "version"),
        ({"version": -1}, "version"),
        ({"version": 1, "about": "x" * 4001}, "about"),
        ({"version": 1, "homepage": "javascript:alert(1)"}, "homepage"),
        ({"version": 1, "listing": "yes"}, "listing"),
        ({"version": 1, "about": None}, "about"),
    ],
)
def test_wrong_bodies_are_422_with_the_place_and_without_what_was_sent(
    two: Flask, body: dict[str, Any], at: str
) -> None:
    mine = Program(two, give(two, CHEN, *WRITE))
    uid = mine.get("/organisations").get_json()["items"][0]["id"]
    answer = mine.send("PATCH", f"/organisations/{uid}", body)
    assert [fault["at"] for fault in problem(answer, 422)["errors"]] == [at]
    for value in body.values():
        assert not isinstance(value, str) or len(value) < 3 or value not in answer.text
    assert "legal_name" not in answer.text


def test_bodies_that_are_no_plain_json_are_refused(two: Flask) -> None:
    mine = Program(two, give(two, CHEN, *WRITE))
    path = f"/organisations/{mine.get('/organisations').get_json()['items'][0]['id']}"
    for data in (
        b"",
        b"{",
        b'{"version": 1, "version": 2}',
        b'{"version": NaN}',
        b"\xff\xfe",
        b"[" * 9000,
        b'{"a": "\\ud800"}',
    ):
        problem(mine.raw("PATCH", path, data), 400)
    for data in (b"[]", b'"{}"', b"null", b"3"):
        problem(mine.raw("PATCH", path, data), 422)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk"):
        problem(mine.raw("PATCH", path, b"{}", kind), 415)
    problem(mine.raw("PATCH", path, b'{"about": "' + b"x" * 300_000 + b'"}'), 413)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/members?limit=0", 422),
        ("/members?limit=101", 422),
        ("/members?limit=many", 422),
        ("/members?limit=5&limit=6", 422),
        ("/members?page=2", 422),
        ("/tiers?x=1", 422),
        ("/members?cursor=abc", 422),
        ("/members?cursor=WyJhIiwgIjEiXQ", 422),
        ("/members?cursor=WyJcdWQ4MDAiLCAxXQ", 422),
        ("/members/" + "0" * 32, 404),
        ("/members/x", 422),
        ("/nothing", 404),
        ("/me", 401),
    ],
)
def test_wrong_addresses_are_problems_in_the_readers_language(two: Flask, path: str, status: int) -> None:
    english, chinese = (Program(two, None, language) for language in ("en", "zh-CN"))
    said = [problem(one.get(path), status)["detail"] for one in (english, chinese)]
    assert said[0].isascii() or "…" in said[0]
    assert re.search("[\u4e00-\u9fff]", said[1])


def test_methods_and_tokens_keep_their_headers(two: Flask) -> None:
    nobody = Program(two, None)
    wrong = nobody.send("PUT", "/members", {})
    problem(wrong, 405)
    assert wrong.headers["Allow"] == "GET, HEAD, OPTIONS"
    asked = nobody.get("/organisations")
    problem(asked, 401)
    assert asked.headers["WWW-Authenticate"] == 'Bearer realm="portal"'
    unknown = Program(two, "fpt_00000000_" + "x" * 43).get("/me")
    problem(unknown, 401)
    assert 'error="invalid_token"' in unknown.headers["WWW-Authenticate"]
    narrow = Program(two, give(two, CHEN, Scope.PROFILE_READ)).get("/invoices")
    problem(narrow, 403)
    assert 'scope="invoices:read"' in narrow.headers["WWW-Authenticate"]


def test_a_token_in_the_address_is_refused_and_a_cookie_opens_nothing(two: Flask) -> None:
    secret = give(two, CHEN, *READ)
    problem(Program(two, None).get(f"/me?token={secret}"), 400)
    problem(Program(two, secret).get(f"/me?x={secret}"), 400)
    signed_in = browser(two, CHEN)
    assert signed_in.get("/account").status_code == 200
    problem(signed_in.get("/api/v1/me"), 401)


def test_a_token_never_opens_more_than_its_owner_may_right_now(two: Flask) -> None:
    program = Program(two, give(two, CHEN, *WRITE))
    for_org = Program(two, give(two, CHEN, *WRITE, org="星河芯片"))
    org = for_org.get("/me").get_json()["organisations"][0]["id"]
    assert for_org.get("/me").get_json()["kind"] == "organisation"
    with two.app_context(), transaction():
        row = db.session.scalars(select(Contact).join(Organisation).where(Organisation.uid == org)).one()
        row.role = ContactRole.MARKETING
    assert program.get(f"/organisations/{org}").status_code == 200
    problem(program.send("POST", "/applications", {"organisation": org}), 404)
    problem(for_org.get(f"/organisations/{org}"), 404)
    with two.app_context(), transaction():
        contact = db.session.scalars(select(Contact).where(Contact.id == row.id)).one()
        contact.ended_at = clock.now()
    assert program.get("/organisations").get_json() == {"items": []}
    with two.app_context(), transaction():
        person = db.session.scalars(select(Person).where(Person.email == CHEN)).one()
        person.disabled_at = clock.now()
    problem(program.get("/me"), 401)


def test_tokens_end_at_their_time_and_when_revoked(two: Flask) -> None:
    program = Program(two, give(two, CHEN, *READ, days=30))
    assert program.get("/me").status_code == 200
    with clock.stopped_at(clock.now() + timedelta(days=31)):
        problem(program.get("/me"), 401)
    with two.app_context(), transaction():
        row = db.session.scalars(select(tokens.ApiToken)).one()
        assert row.used_at is not None
        tokens.revoke(row, by=row.maker)
    problem(program.get("/me"), 401)


def test_the_pages_make_show_once_and_revoke_a_token(two: Flask) -> None:
    chen, li = browser(two, CHEN, language="zh_Hans_CN"), browser(two, LI)
    new = "/account/tokens/new"
    nothing = post(chen, new, new, name="", owner="own", days="30")
    assert nothing.status_code == 422
    foreign = post(chen, new, new, name="x", owner="own", days="30", scopes=[Scope.METRICS.value])
    assert foreign.status_code == 422
    made = post(
        chen, new, new, name="官网会员名单", owner="own", days="90", scopes=[Scope.PROFILE_READ.value]
    )
    found = re.search(r"fpt_[0-9a-f]{8}_[\w-]{43}", made.text)
    assert found is not None
    assert made.headers["Cache-Control"] == "no-store"
    listed = chen.get("/account/tokens").text
    assert "官网会员名单" in listed
    assert found.group(0) not in listed
    assert "官网会员名单" not in li.get("/account/tokens").text
    program = Program(two, found.group(0))
    assert program.get("/me").get_json()["token"] == "官网会员名单"
    path = re.search(r"/account/tokens/[0-9a-f]{32}/revocation", listed)
    assert path is not None
    assert post(li, path.group(0)).status_code == 404
    assert program.get("/me").status_code == 200
    assert post(chen, path.group(0)).status_code == 303
    problem(program.get("/me"), 401)
    with two.app_context(), reading():
        verbs = db.session.scalars(
            select(AuditEntry.verb).where(AuditEntry.verb.startswith("token.")).order_by(AuditEntry.id)
        ).all()
        assert verbs == ["token.created", "token.revoked"]


def test_making_a_token_asks_for_the_factor_again(two: Flask) -> None:
    chen = browser(two, CHEN)
    with clock.stopped_at(clock.now() + timedelta(minutes=11)):
        assert "/account/tokens/new" in str(chen.get("/account/tokens/new").location)
        assert chen.get("/account/tokens").status_code == 200


def test_an_application_is_begun_filled_in_and_sent_by_a_program(two: Flask) -> None:
    mine, other = Program(two, give(two, CHEN, *WRITE)), Program(two, give(two, LI, *WRITE))
    org = mine.get("/organisations").get_json()["items"][0]["id"]
    begun = mine.send("POST", "/applications", {"organisation": org, "tier": "platinum", "language": "en"})
    assert begun.status_code == 201
    row = begun.get_json()
    assert begun.location.endswith(f"/api/v1/applications/{row['id']}")
    again = mine.send("POST", "/applications", {"organisation": org})
    assert (again.status_code, again.get_json()["id"]) == (200, row["id"])
    path = f"/applications/{row['id']}"
    answers: dict[str, Any] = {key: value for page in road.ANSWERS.values() for key, value in page.items()}
    answers["listing"] = True
    for wrong, at in (({"nothing": "x"}, "answers"), ({"listing": "yes"}, "listing"), ({"why": True}, "why")):
        refused = problem(mine.send("PATCH", path, {"version": row["version"], "answers": wrong}), 422)
        assert refused["errors"][0]["at"] == at
    problem(other.send("PATCH", path, {"version": row["version"], "answers": {}}), 404)
    problem(other.get(path), 404)
    filled = mine.send("PATCH", path, {"version": row["version"], "answers": answers}).get_json()
    assert [fault["at"] for fault in filled["faults"]] == ["licence"]
    early = mine.send("POST", f"{path}/submission", {"version": filled["version"]})
    problem(early, 422)
    problem(mine.send("POST", f"{path}/submission", {"version": row["version"]}), 409)
    road.fill(browser(two, CHEN), row["id"])
    ready = mine.get(path).get_json()
    assert ready["faults"] == []
    sent = mine.send("POST", f"{path}/submission", {"version": ready["version"]})
    assert (sent.status_code, sent.get_json()["state"]) == (200, "submitted")
    late = mine.send("PATCH", path, {"version": sent.get_json()["version"], "answers": {"why": "x"}})
    problem(late, 409)
    assert [one["id"] for one in mine.get("/applications?state=submitted").get_json()["items"]] == [row["id"]]
    assert mine.get("/applications?state=draft").get_json()["items"] == []
    assert other.get("/applications").get_json() == {"items": [], "next": None}
    with two.app_context(), transaction():
        make_person("rui@house.example", "Rui", staff=(StaffRole.REVIEWER,))
    staff = Program(two, give(two, "rui@house.example", *WRITE))
    assert staff.get(path).get_json()["answers"]["chips"] == "G1, G2"
    problem(staff.send("PATCH", path, {"version": 1, "answers": {}}), 404)


def test_invoices_are_seen_by_their_payer_and_by_finance_alone(app: Flask) -> None:
    house, chen = road.staff(app), road.company(app)
    uid = road.apply(chen)
    road.review(house, uid)
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    with app.app_context(), transaction():
        make_person(LI, "Li")
    mine = Program(app, give(app, CHEN, *READ))
    listed = mine.get("/invoices?state=open").get_json()
    assert listed["next"] is None
    one = listed["items"][0]
    assert one["gross"] == {"amount": 40000000, "currency": "CNY"}
    path = f"/invoices/{one['id']}"
    detail = mine.get(path).get_json()
    assert (detail["owed"], len(detail["lines"])) == (one["gross"], 1)
    problem(Program(app, give(app, LI, *READ)).get(path), 404)
    problem(Program(app, give(app, "rui@house.example", *READ)).get(path), 404)
    assert Program(app, give(app, "fang@house.example", *READ)).get(path).get_json() == detail
    with app.app_context(), transaction():
        org = db.session.scalars(select(Organisation)).one()
        org.legal_name = "G"
    assert Program(app, give(app, CHEN, *READ, org="G")).get(path).get_json() == detail
    assert mine.get("/invoices?state=paid").get_json()["items"] == []


def test_the_wall_pages_by_cursor_and_is_open_to_any_page(app: Flask, client: FlaskClient) -> None:
    from portal.members import landscape

    items = "".join(f"{{name: Member {n:02}, homepage_url: 'https://m{n}.example'}}, " for n in range(7))
    text = f"landscape: [{{name: Members, subcategories: [{{name: Gold, items: [{items}]}}]}}]"
    with app.app_context(), transaction():
        landscape.bring_in(text)
    nobody, seen = Program(app, None), []
    cursor: str | None = ""
    while cursor is not None:
        answer = nobody.get(f"/members?limit=3&cursor={cursor}")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Cookie" not in answer.headers.get("Vary", "")
        seen += [one["name"]["en"] for one in answer.get_json()["items"]]
        cursor = answer.get_json()["next"]
    assert seen == [f"Member {n:02}" for n in range(7)]
    found = nobody.get("/members?q=member%2003&tier=gold").get_json()["items"]
    assert [one["homepage"] for one in found] == ["https://m3.example"]
    assert nobody.get(f"/members/{found[0]['id']}").get_json() == found[0]
    assert nobody.get("/members?q=%00").status_code == 200
    assert nobody.get("/members?tier=none").get_json() == {"items": [], "next": None}
    whole = client.get("/members.json")
    assert (whole.get_json()["edition"], len(whole.get_json()["members"])) == (0, 7)
    assert whole.get_json()["members"][3] == found[0]
    assert whole.headers["Cache-Control"] == "public, max-age=300"
    same = client.get("/members.json", headers={"If-None-Match": whole.headers["ETag"]})
    assert same.status_code in {200, 304}
    tiers = nobody.get("/tiers").get_json()["items"]
    assert (tiers[0]["code"], tiers[0]["price"]["amount"]) == ("platinum", 40000000)


def test_the_same_key_gets_the_same_answer_and_happens_once(two: Flask) -> None:
    mine, body = Program(two, give(two, CHEN, *WRITE)), {"name": "New Ltd", "language": "en"}
    first = mine.send("POST", "/applications", body, key="k-1")
    again = mine.send("POST", "/applications", body, key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()
    assert (again.headers["Idempotency-Replayed"], again.location) == ("true", first.location)
    problem(mine.send("POST", "/applications", {**body, "name": "B"}, key="k-1"), 422)
    problem(mine.send("POST", "/applications", body, key="k" * 121), 422)
    with two.app_context(), reading():
        names_of = db.session.scalars(select(Organisation.legal_name)).all()
        assert names_of.count("New Ltd") == 1
    other = Program(two, give(two, LI, *WRITE)).send("POST", "/applications", body, key="k-1")
    assert other.get_json()["id"] != first.get_json()["id"]
    with clock.stopped_at(clock.now() + timedelta(hours=25)), two.app_context():
        assert idempotency.purge() == 2
    refused = {"version": 99}
    path = f"/applications/{first.get_json()['id']}/submission"
    problem(mine.send("POST", path, refused, key="k-2"), 409)
    problem(mine.send("POST", path, {"version": 1}, key="k-2"), 422)


def test_a_key_whose_first_request_still_runs_is_409_until_its_process_is_surely_gone(two: Flask) -> None:
    mine, body = Program(two, give(two, CHEN, *WRITE)), {"name": "New Ltd"}
    answer = mine.send("POST", "/applications", body, key="k-1")
    with two.app_context(), transaction():
        row = db.session.scalars(select(idempotency.IdempotencyKey)).one()
        row.status, row.answer = None, None
    problem(mine.send("POST", "/applications", body, key="k-1"), 409)
    with clock.stopped_at(clock.now() + timedelta(minutes=3)):
        later = mine.send("POST", "/applications", body, key="k-1")
    assert later.status_code == 201
    assert later.get_json()["id"] != answer.get_json()["id"]


def test_metrics_open_to_listed_addresses_and_to_the_token_of_staff(two: Flask) -> None:
    client = two.test_client()
    here = client.get("/metrics")
    assert here.status_code == 200
    assert 'portal_applications{state="draft"} 0.0' in here.text
    assert "portal_outbox_late_seconds 0.0" in here.text
    away = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.get("/metrics", environ_overrides=away).status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    with two.app_context(), transaction():
        make_person("ada@house.example", "Ada", staff=(StaffRole.ADMINISTRATOR,))
    for email, status in (("ada@house.example", 200), (CHEN, 404)):
        headers = {"Authorization": f"Bearer {give(two, email, Scope.METRICS)}"}
        assert client.get("/metrics", environ_overrides=away, headers=headers).status_code == status
    with two.app_context(), transaction():
        for grant in db.session.scalars(select(Grant)):
            grant.end = clock.today()
    headers = {"Authorization": f"Bearer {give(two, 'ada@house.example', Scope.METRICS)}"}
    assert client.get("/metrics", environ_overrides=away, headers=headers).status_code == 404


def test_the_page_for_people_is_made_from_the_document(two: Flask, client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    for language, said in (("en", "Tiers and prices"), ("zh", "等级与会费")):
        page = client.get("/api/v1/", headers={"Accept-Language": language})
        assert page.status_code == 200
        assert said in page.text
        for path in document["paths"]:
            assert path in page.text
    assert json.dumps(document).count("problem+json") > 50
