"""Support as customers, agents and leads meet it (services.md §4): pages in both languages, files, the API."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.scopes import Scope
from portal.core import clock
from portal.core.db import reading, transaction
from portal.services.support import answering, coverage, ending, satisfying
from portal.services.support.clocks import Severity
from portal.services.support.models import TicketState
from tests import support_scene as s
from tests.people import browser
from tests.people import post as send
from tests.test_api import Program, give

NOW = "2026-03-02T10:00"


@pytest.fixture
def house(app: Flask) -> Any:
    s.house(app)
    with clock.stopped_at(s.china(NOW)):
        yield app


def made(app: Flask, **more: Any) -> str:
    with app.app_context(), transaction():
        return s.ask(**more).uid


def post(client: FlaskClient, path: str, fields: dict[str, Any]) -> Any:
    return send(client, path, **fields)


def seen(client: FlaskClient, path: str, status: int = 200) -> str:
    found = client.get(path)
    assert found.status_code == status, found.text
    return re.sub(r"\s+", " ", found.text)


def test_a_customer_asks_with_a_file_and_staff_solve_it(house: Flask) -> None:
    tao, an = browser(house, "tao@galaxy.example"), browser(house, "an@house.example")
    assert "No ticket yet" in seen(tao, "/support/")
    assert "Gold support" in seen(tao, "/support/new")
    with house.app_context(), reading():
        org = s.org().uid
    given = {"org": org, "severity": "s2", "title": "Kernel stops", "body": "It stops at step 7"}
    bad = post(tao, "/support/new", {**given, "files": (io.BytesIO(b"\x7fELF"), "run.exe")})
    assert bad.status_code == 422
    assert "It stops at step 7" in bad.text
    assert "this file is something else" in bad.text
    good = post(tao, "/support/new", {**given, "files": (io.BytesIO(b"step 7: fault\n"), "run.log")})
    assert good.status_code == 303, good.text
    page = seen(tao, good.location)
    assert "4 hours left" in page
    log = re.search(r'href="(/support/\w+/files/\w+)"', page)
    assert log is not None
    assert tao.get(log[1]).data == b"step 7: fault\n"
    assert browser(house, "rho@rival.example").get(log[1]).status_code == 404
    with house.app_context(), reading():
        uid = s.ticket().uid
    assert "Kernel stops" in seen(an, "/office/support/?q=galaxy")
    here = f"/office/support/tickets/{uid}"
    assert post(an, f"{here}/taking", {}).status_code == 303
    assert post(an, f"{here}/words", {"deed": "note", "body": "only us"}).status_code == 303
    kept = post(an, f"{here}/words", {"deed": "solve", "body": "Use 2.2 instead"})
    assert kept.status_code == 422
    assert "Use 2.2 instead" in kept.text
    assert (
        post(an, f"{here}/words", {"deed": "solve", "body": "Use 2.2", "cause": "A bug"}).status_code == 303
    )
    page = seen(tao, f"/support/{uid}")
    assert "Use 2.2" in page
    assert "only us" not in page
    assert post(tao, f"/support/{uid}/messages", {"body": "Not better"}).status_code == 303
    with house.app_context(), reading():
        assert s.ticket().state is TicketState.OPEN


def test_staff_do_everything_on_one_page(house: Flask) -> None:
    first, second = made(house), made(house, title="The same again")
    lei = browser(house, "lei@house.example")
    here = f"/office/support/tickets/{first}"
    seen(lei, here)
    assert post(lei, f"{here}/hold", {"until": "2026-03-01", "reason": "Release"}).status_code == 422
    assert post(lei, f"{here}/hold", {"until": "2026-03-09", "reason": "Release"}).status_code == 303
    assert "Release" in seen(browser(house, "tao@galaxy.example"), f"/support/{first}")
    assert post(lei, f"{here}/waking", {}).status_code == 303
    assert post(lei, f"{here}/severity", {"severity": "s3", "reason": "Only slow"}).status_code == 303
    tao = browser(house, "tao@galaxy.example")
    assert "Only slow" in seen(tao, f"/support/{first}")
    assert post(tao, f"/support/{first}/severity", {"severity": "s1"}).status_code == 422
    assert post(tao, f"/support/{first}/objection", {"words": "It is not"}).status_code == 303
    with house.app_context(), reading():
        ao, number = s.person("ao").uid, s.ticket(2).number
    assert post(lei, f"{here}/agent", {"agent": ao, "reason": "Knows it"}).status_code == 303
    assert post(lei, f"{here}/merging", {"number": "T-9"}).status_code == 422
    assert post(lei, f"{here}/merging", {"number": number.lower()}).location.endswith(second)
    assert "goes on in another one" in seen(tao, f"/support/{first}")
    there = f"/office/support/tickets/{second}"
    assert post(lei, f"{there}/spam", {}).status_code == 303
    assert tao.get(f"/support/{second}").status_code == 404
    assert post(lei, f"{there}/rescue", {}).status_code == 303
    with house.app_context(), reading():
        message = re.search(r'id="m-(\w+)"', seen(lei, there))
    assert message is not None
    wrong = post(lei, f"{there}/messages/{message[1]}/blackout", {"secret": "not there", "reason": "key"})
    assert wrong.status_code == 422
    assert (
        post(lei, f"{there}/messages/{message[1]}/blackout", {"secret": "stops", "reason": "key"}).status_code
        == 303
    )
    assert post(lei, f"{there}/rejection", {"reason": "A bug", "pointer": "issue 7"}).status_code == 303
    assert "Open a new one that points to it" in seen(tao, f"/support/{second}")


def test_the_desk_says_what_falls_due_and_whose_it_is(house: Flask) -> None:
    uid = made(house)
    an, ao = browser(house, "an@house.example"), browser(house, "ao@house.example")
    here = f"/office/support/tickets/{uid}"
    for agent in (an, ao):
        desk = seen(agent, "/office/")
        assert f'href="{here}">S2 – work is impaired: Kernel stops</a>' in desk
        assert "First answer by 2 Mar 2026, 14:00" in desk
    assert post(an, f"{here}/taking", {}).status_code == 303
    assert "Kernel stops" in seen(an, "/office/")
    assert "Kernel stops" not in seen(ao, "/office/")
    assert "Kernel stops" not in seen(browser(house, "exe@house.example"), "/office/")
    with house.app_context(), transaction():
        row = s.ticket()
        answering.solve(row, by=s.person("an"), body="Done", cause="none")
    assert "Kernel stops" not in seen(an, "/office/")
    with clock.stopped_at(s.china("2026-03-02T15:00")):
        made(house, title="Later")
    with clock.stopped_at(s.china("2026-03-03T15:00")):
        assert re.search(r"Later</a>.{0,400}Overdue", seen(browser(house, "ao@house.example"), "/office/"))


def test_telephone_roster_and_report(house: Flask) -> None:
    lei = browser(house, "lei@house.example", language="zh_Hans_CN")
    given = {
        "email": "nobody@x.example",
        "org": "",
        "severity": "s1",
        "title": "On the line",
        "body": "All is down",
    }
    assert post(lei, "/office/support/new", given).status_code == 422
    assert post(lei, "/office/support/new", {**given, "email": "tao@galaxy.example"}).status_code == 303
    with house.app_context(), reading():
        assert (s.ticket().org, s.ticket().asker) == (s.org(), s.person("tao"))
        an = s.person("an").uid
    days = {"person": an, "stand_in": "", "first": "2026-03-02", "last": "2026-03-08"}
    assert post(lei, "/office/support/duty", days).status_code == 303
    assert post(lei, "/office/support/duty", {**days, "first": "2026-02-02"}).status_code == 422
    assert (
        post(lei, "/office/support/duty/swap", {"one": "2026-03-02", "second": "2026-04-08"}).status_code
        == 422
    )
    made(house, title="Silent one")
    with clock.stopped_at(s.china("2026-03-04T10:00")):
        page = seen(browser(house, "lei@house.example"), "/office/support/report?month=2026-03")
        assert "0 of 1 first answers" in page
        assert "Silent one" in page
        assert "On the line" not in page
    assert "0 of 0" in seen(browser(house, "lei@house.example"), "/office/support/report?month=2026-02")


def test_the_list_and_one_click(house: Flask) -> None:
    uid = made(house, who="mo", severity=Severity.S3)
    chen, mo = browser(house, "chen@galaxy.example"), browser(house, "mo@galaxy.example")
    assert mo.get("/support/people").status_code == 403
    assert "Mo is not on your list" in seen(chen, f"/support/{uid}")
    assert post(chen, f"/support/{uid}/asker", {}).status_code == 303
    assert "Mo" in seen(chen, "/support/people")
    with house.app_context(), reading():
        row = next(one for one in coverage.listed(s.org()) if one.person_id == s.person("mo").id).uid
    assert post(browser(house, "rho@rival.example"), f"/support/people/{row}/end", {}).status_code == 404
    assert post(chen, f"/support/people/{row}/end", {}).status_code == 303


def test_a_link_asks_once_how_it_was(house: Flask) -> None:
    made(house)
    with s.at(house, NOW):
        answering.solve(s.ticket(), by=s.person("an"), body="Here", cause="x")
    with s.at(house, "2026-03-20T10:00"):
        ending.close(s.ticket(), by="close_silent")
        satisfying.ask(s.ticket())
        link = f"/support/satisfaction/{satisfying.token(s.ticket())}"
    anybody = house.test_client()
    with anybody.session_transaction() as state:
        state["language"] = "en"
    with clock.stopped_at(s.china("2026-03-21T10:00")):
        assert "How was our help?" in seen(anybody, link)
        assert anybody.get(link[:-1] + "x").status_code == 404
        assert post(anybody, link, {"words": "but no step"}).status_code == 422
        assert post(anybody, link, {"score": "1", "words": "slow"}).status_code == 303
        assert "Thank you" in seen(anybody, link)
        lei = browser(house, "lei@house.example")
        assert "slow" in seen(lei, "/office/support/")
        with house.app_context(), reading():
            uid = s.ticket().uid
        assert post(lei, f"/office/support/tickets/{uid}/heeding", {}).status_code == 303


def test_nobody_sees_anothers_ticket(house: Flask) -> None:
    uid = made(house)
    rho = browser(house, "rho@rival.example")
    for path in ("", "/messages", "/solution", "/severity", "/objection", "/asker"):
        answer = (
            post(rho, f"/support/{uid}{path}", {"body": "x", "severity": "s1", "words": "x"})
            if path
            else rho.get(f"/support/{uid}")
        )
        assert answer.status_code == 404, path
    assert "Kernel stops" not in seen(rho, "/support/")
    assert rho.get("/office/support/").status_code == 403
    assert seen(browser(house, "chen@galaxy.example"), f"/support/{uid}")  # the owner follows it
    assert browser(house, "mo@galaxy.example").get(f"/support/{uid}").status_code == 404


def test_programs_open_follow_and_write(house: Flask) -> None:
    uid = made(house)
    own = Program(house, give(house, "tao@galaxy.example", Scope.SERVICES_READ, Scope.SERVICES_WRITE))
    firm = Program(
        house, give(house, "chen@galaxy.example", Scope.SERVICES_READ, Scope.SERVICES_WRITE, org="Galaxy Ltd")
    )
    rival = Program(house, give(house, "rho@rival.example", Scope.SERVICES_READ, Scope.SERVICES_WRITE))
    reads = Program(house, give(house, "tao@galaxy.example", Scope.SERVICES_READ))
    found = own.get(f"/tickets/{uid}").json
    assert found is not None
    assert [(one["kind"], one["due_at"], one["missed"]) for one in found["clocks"]] == [
        ("first", "2026-03-02T06:00:00Z", False), ("workaround", "2026-03-05T02:00:00Z", False)
    ]  # fmt: skip
    body = {"title": "From a program", "body": "It fails", "severity": "s1"}
    assert reads.send("POST", "/tickets", body).status_code == 403
    opened = own.send("POST", "/tickets", {**body, "organisation": found["organisation"]}, "k-1")
    again = own.send("POST", "/tickets", {**body, "organisation": found["organisation"]}, "k-1")
    assert (opened.status_code, opened.json) == (201, again.json)
    assert opened.json is not None
    assert (opened.json["level"], opened.json["state"]) == ("gold", "new")
    assert rival.send("POST", "/tickets", {**body, "organisation": found["organisation"]}).status_code == 404
    assert firm.send("POST", "/tickets", body).json["organisation"] == found["organisation"]  # type: ignore[index]
    assert len(firm.get("/tickets").json["items"]) == 3  # type: ignore[index]
    assert rival.get("/tickets").json["items"] == []  # type: ignore[index]
    assert rival.get(f"/tickets/{uid}").status_code == 404
    with s.at(house, NOW):
        answering.note(s.ticket(), by=s.person("an"), body="for us")
        answering.ask(s.ticket(), by=s.person("an"), body="Which version?")
    assert own.send("POST", f"/tickets/{uid}/messages", {"body": "2.1"}).status_code == 201
    assert rival.send("POST", f"/tickets/{uid}/messages", {"body": "2.1"}).status_code == 404
    said = own.get(f"/tickets/{uid}/messages").json["items"]  # type: ignore[index]
    assert [(one["side"], one["body"]) for one in said] == [
        ("customer", "It stops."), ("staff", "Which version?"), ("customer", "2.1")
    ]  # fmt: skip
    assert own.send("POST", f"/tickets/{uid}/solution", None).json["state"] == "solved"  # type: ignore[index]
