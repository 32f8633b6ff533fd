"""Pages of offers, quotes and projects: what each shows, who is let in, old versions, refusals beside the form, programs."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts import tokens
from portal.accounts.scopes import Scope
from portal.core.db import db, reading, transaction
from portal.services.engagements.models import Engagement
from portal.services.quotes import drafting, sending
from portal.services.quotes.figures import Ask
from portal.services.quotes.models import Q, ServiceQuote
from tests import services_scene as s
from tests.people import browser, post


@pytest.fixture
def house(sqlite_app: Flask) -> Flask:
    s.house(sqlite_app)
    return sqlite_app


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found is not None, name
    return found.group(1)


def sent(app: Flask) -> str:
    with app.app_context(), transaction():
        return s.sent(Ask("days", sum_=2_000_000, quantity=4)).uid


def state(app: Flask, uid: str) -> Q:
    with app.app_context(), reading():
        return db.session.scalars(select(ServiceQuote.state).where(ServiceQuote.uid == uid)).one()


def test_an_offer_is_seen_by_all_and_bought_in_one_page(house: Flask) -> None:
    assert "Enterprise edition" in house.test_client().get("/offers/", headers={"Accept-Language": "en"}).text
    assert (
        "Sign in and order"
        in house.test_client().get("/offers/enterprise", headers={"Accept-Language": "en"}).text
    )
    own = browser(house, "own@galaxy.example")
    page = own.get("/offers/enterprise").text
    assert "200,000.00" in page
    form = {"party": hidden_option(page), "quantity": "1", "order": "", "once": hidden(page, "once")}
    stale = post(own, "/offers/enterprise", **form, seen="0" * 64)
    assert (stale.status_code, "has changed" in stale.text) == (409, True)
    done = post(own, "/offers/enterprise", **form, seen=hidden(page, "seen"))
    again = post(own, "/offers/enterprise", **form, seen=hidden(page, "seen"))
    assert done.status_code == again.status_code == 303
    assert done.location == again.location
    assert "Ordered on" in own.get(done.location).text
    assert "Enterprise edition" in own.get("/services/").text
    assert post(browser(house, "tech@galaxy.example"), "/offers/enterprise", **form).status_code == 403


def hidden_option(page: str) -> str:
    found = re.search(r'<option[^>]*value="([0-9a-f]{32})"', page)
    assert found is not None
    return found.group(1)


def test_a_quote_is_accepted_where_it_is_read_and_an_old_link_leads_on(house: Flask) -> None:
    uid = sent(house)
    own, tech = browser(house, "own@galaxy.example"), browser(house, "tech@galaxy.example")
    assert browser(house, "sam@spruce.example").get(f"/services/quotes/{uid}").status_code == 404
    assert "20,000.00" in own.get(f"/services/quotes/{uid}").text
    assert "20,000.00" not in tech.get(f"/services/quotes/{uid}").text
    assert tech.get(f"/services/quotes/{uid}/pdf").status_code == 404
    with house.app_context(), transaction():
        row = db.session.scalars(select(ServiceQuote)).one()
        fresh = sending.send(drafting.revise(row, by=s.person("lea")), by=s.person("lea"))
        new = fresh.uid
    old = own.get(f"/services/quotes/{uid}")
    assert (old.status_code, f"/services/quotes/{new}" in old.text) == (410, True)
    page = own.get(f"/services/quotes/{new}").text
    wrong = post(own, f"/services/quotes/{new}/acceptance", digest="0" * 64)
    assert (wrong.status_code, state(house, new)) == (409, Q.SENT)
    with house.app_context(), transaction():
        for one in db.session.scalars(select(ServiceQuote).where(ServiceQuote.state == Q.DRAFT)):
            sending.withdraw(one, by=s.person("lea"), reason="not needed")
    done = post(own, f"/services/quotes/{new}/acceptance", digest=hidden(page, "digest"), order="")
    assert (done.status_code, state(house, new)) == (303, Q.ACCEPTED)


def test_staff_write_a_quote_step_by_step(house: Flask) -> None:
    lea = browser(house, "lea@house.example")
    bad = post(
        lea,
        "/office/services/quotes/new",
        party="Nobody",
        zh="适配",
        offer="adaptation.chip",
        quantity="1",
        amount="480,000.00",
    )
    assert (bad.status_code, "适配" in bad.text) == (422, True)
    made = post(
        lea,
        "/office/services/quotes/new",
        party="Galaxy Chips Ltd",
        zh="适配",
        offer="adaptation.chip",
        quantity="1",
        amount="480,000.00",
    )
    assert made.status_code == 303
    edit = made.location
    assert "480,000.00" in lea.get(edit).text
    plan = edit.replace("/edit", "/lines/0/plan")
    assert lea.get(plan).status_code == 200
    short = post(
        lea, plan, **{"stages-0-zh": "全部", "stages-0-percent": "90", "stages-0-criteria": "完成 | Done"}
    )
    assert (short.status_code, "100 %" in short.text, "全部" in short.text) == (422, True, True)
    good = {"stages-0-zh": "全部", "stages-0-percent": "100", "stages-0-criteria": "完成 | Done", "dues-0-percent": "95", "dues-0-rule": "milestone", "dues-0-stage": "1", "dues-1-percent": "5", "dues-1-rule": "date", "dues-1-on": "2027-06-30"}  # fmt: skip
    assert post(lea, plan, **good).status_code == 303
    assert post(lea, edit.replace("/edit", "/sending")).status_code == 303
    shown = lea.get(edit.replace("/edit", "")).text
    assert "Open for acceptance" in shown
    assert "480,000.00" in lea.get("/office/services/quotes").text
    assert browser(house, "fang@house.example").get("/office/services/quotes/new").status_code == 403


def project(app: Flask) -> str:
    with app.app_context(), transaction():
        s.accepted()
        return db.session.scalars(select(Engagement)).one().uid


def test_a_project_is_one_page_for_both_sides(house: Flask) -> None:
    uid = project(house)
    own, mia = browser(house, "own@galaxy.example"), browser(house, "mia@house.example")
    assert browser(house, "sam@spruce.example").get(f"/projects/{uid}").status_code == 404
    assert "Work begins once" in own.get(f"/projects/{uid}").text
    assert "It can start once" in mia.get(f"/office/projects/{uid}").text
    refused = post(mia, f"/office/projects/{uid}/start")
    assert (refused.status_code, "contract" in refused.text) == (409, True)
    assert post(own, f"/projects/{uid}/notes", kind="question", words="When do you begin?").status_code == 303
    assert "When do you begin?" in mia.get(f"/office/projects/{uid}").text
    assert mia.get("/office/projects/").status_code == 200
    assert own.get("/services/documents").status_code == 200
    assert own.get("/services/documents.zip").status_code == 200
    assert browser(house, "tech@galaxy.example").get(f"/projects/{uid}").status_code == 200


def program(app: Flask, who: str) -> tuple[FlaskClient, dict[str, str]]:
    with app.app_context(), transaction():
        secret = tokens.give("test", [Scope.SERVICES_READ, Scope.SERVICES_WRITE], 30, by=s.person(who))[1]
    return app.test_client(), {"Authorization": f"Bearer {secret}"}


def test_programs_order_accept_and_see_projects(house: Flask) -> None:
    uid, work = sent(house), project(house)
    client, key = program(house, "sig")
    offers = client.get("/api/v1/offers", headers=key).get_json()["items"]
    assert {one["code"] for one in offers} >= {"support.gold", "enterprise", "adaptation.chip"}
    quote = client.get(f"/api/v1/service-quotes/{uid}", headers=key).get_json()
    assert quote["gross"] == {"amount": 2_000_000, "currency": "CNY"}
    path = f"/api/v1/service-quotes/{uid}/acceptance"
    assert client.post(path, json={"digest": "0" * 64}, headers=key).status_code == 409
    done = client.post(path, json={"digest": quote["digest"]}, headers=key)
    assert (done.status_code, done.get_json()["state"]) == (200, "accepted")
    order = {"offer": "support.gold", "gross": 1, "once": "order-0001"}
    assert client.post("/api/v1/orders", json=order, headers=key).status_code == 409
    bought = client.post("/api/v1/orders", json={**order, "gross": 10_000_000}, headers=key)
    assert bought.status_code == 201
    found = client.get(f"/api/v1/engagements/{work}", headers=key).get_json()
    assert [one["percent"] for one in found["milestones"]] == [20, 40, 40]
    other, foreign = program(house, "sam")
    assert other.get(f"/api/v1/engagements/{work}", headers=foreign).status_code == 404
    assert other.get("/api/v1/service-quotes", headers=foreign).get_json()["items"] == []
