"""Benefits as people and programs meet them: the member's pages, the office's, files, the API, and a race."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select

from portal.accounts import tokens
from portal.accounts.may import ContactRole
from portal.accounts.scopes import Scope
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.members import benefit_verify
from portal.members.benefit_models import SEATED, Claim, ClaimState
from tests import perks, road
from tests.people import browser, make_person, post
from tests.test_races import run, soon

C = ClaimState


def scene(app: Flask, *names: str) -> dict[str, str]:
    """Add members with a shared benefit of two places a year; return the address of the grant of each."""
    start = clock.today().replace(month=1, day=1)
    with app.test_request_context("/", method="POST"), transaction():
        perks.define(
            "slot", start=start, capacity={"quantity": 2, "per": "year"}, list_value={"amount": 1_000_000}
        )
        rows = {name: perks.member(name, "gold", start=start) for name in names}
        return {name: f"/benefits/{perks.grant(row, 'slot').uid}" for name, row in rows.items()}


class Made(NamedTuple):
    """What tests ask of a claim."""

    id: int
    uid: str
    state: ClaimState


def claims(app: Flask) -> list[Made]:
    """Return every claim in order."""
    with app.app_context(), reading():
        rows = db.session.execute(select(Claim.id, Claim.uid, Claim.state).order_by(Claim.id))
        return [Made(*row) for row in rows]


def test_a_member_claims_and_the_office_confirms(app: Flask) -> None:
    house, page = road.staff(app), scene(app, "acme", "beta")
    acme, beta = browser(app, "acme@acme.example"), browser(app, "beta@beta.example")
    assert "2 places are free for all members" in acme.get(page["acme"]).text
    assert acme.get(page["beta"]).status_code == 404
    assert post(acme, f"{page['beta']}/claims", quantity="1").status_code == 404
    wrong = post(acme, f"{page['acme']}/claims", quantity="many", note="For the spring release")
    assert wrong.status_code == 422
    assert "For the spring release" in wrong.text
    assert "Only 4" in post(acme, f"{page['acme']}/claims", quantity="5").text
    assert (
        post(acme, f"{page['acme']}/claims", quantity="2", note="For the spring release").status_code == 303
    )
    assert post(beta, f"{page['beta']}/claims", quantity="1").status_code == 303
    assert "number 1 on the waiting list" in beta.get("/benefits").text
    assert "keeps its rank" in beta.get(page["beta"]).text
    first, waits = claims(app)
    office = f"/office/benefits/claims/{first.uid}"
    assert "Claim to confirm: Acme Ltd" in house["rui"].get("/office/").text
    assert "Claim to confirm" not in house["dai"].get("/office/").text
    assert "For the spring release" in house["rui"].get(office).text
    assert post(house["lena"], f"{office}/confirmation").status_code == 403
    assert post(house["dai"], f"{office}/confirmation").status_code == 403
    assert post(house["rui"], f"{office}/confirmation").status_code == 303
    assert post(house["rui"], f"{office}/confirmation").status_code == 409
    assert post(acme, f"/claims/{first.uid}/withdrawal").status_code == 409
    assert post(beta, f"/claims/{first.uid}/release", reason="x").status_code == 404
    assert post(house["rui"], f"{office}/use").status_code == 422
    assert post(acme, f"/claims/{first.uid}/release").status_code == 422
    assert post(acme, f"/claims/{first.uid}/release", reason="No time.").status_code == 303
    assert [one.state for one in claims(app)] == [C.RELEASED, C.CLAIMED]
    office = f"/office/benefits/claims/{waits.uid}"
    assert post(house["rui"], f"{office}/refusal").status_code == 422
    assert post(house["rui"], f"{office}/refusal", reason="No lab is free.").status_code == 303
    assert "No lab is free." in beta.get("/benefits").text


def test_the_office_sees_capacity_queue_value_and_files(app: Flask) -> None:
    house, page = road.staff(app), scene(app, "acme", "beta")
    for name, quantity in (("acme", "2"), ("beta", "1")):
        post(browser(app, f"{name}@{name}.example"), f"{page[name]}/claims", quantity=quantity, note="=1+1")
    first = claims(app)[0]
    office = f"/office/benefits/claims/{first.uid}"
    post(house["rui"], f"{office}/confirmation")
    assert post(house["rui"], f"{office}/use", used_on=clock.today().isoformat()).status_code == 303
    assert "2 of 2" in house["rui"].get("/office/benefits/").text
    shown = house["rui"].get("/office/benefits/slot").text
    assert "Beta Ltd" in shown
    assert "In order of claiming." in shown
    assert house["rui"].get("/office/benefits/nothing").status_code == 404
    assert "Beta Ltd" not in house["rui"].get("/office/benefits/claims?state=used").text
    csv = house["rui"].get("/office/benefits/claims/file?benefit=slot").text
    assert "'=1+1" in csv
    sheet: Any = load_workbook(io.BytesIO(house["rui"].get("/office/benefits/claims/xlsx/file").data)).active
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == ["Acme Ltd", "Beta Ltd"]
    acme = browser(app, "acme@acme.example")
    value = acme.get("/benefits/value").text
    assert "CN¥20,000.00" in value
    assert "5%" in value
    with app.app_context(), reading():
        uid = db.session.get_one(Claim, first.id).grant.membership.org.uid
    assert "CN¥20,000.00" in house["rui"].get(f"/office/members/{uid}/benefits").text
    assert "Claims and value" in house["rui"].get(f"/office/members/{uid}").text


def test_who_may_not_claim_sees_why(app: Flask) -> None:
    page = scene(app, "acme")["acme"]
    with app.app_context(), transaction():
        from portal.accounts import contacts
        from portal.accounts.organisations import Organisation

        org = db.session.scalars(select(Organisation)).one()
        person = make_person("bill@acme.example", "Bill")
        contacts.appoint(person, org, ContactRole.BILLING, by=person)
    bill = browser(app, "bill@acme.example")
    assert "Owners, the voting representative and technical contacts claim benefits." in bill.get(page).text
    assert post(bill, f"{page}/claims", quantity="1").status_code == 403
    chinese = browser(app, "acme@acme.example", language="zh_Hans_CN")
    assert "权益" in chinese.get(page).text


def test_before_the_membership_there_is_nothing_to_value(app: Flask) -> None:
    client = road.company(app)
    road.apply_draft(client)
    assert client.get("/benefits/value").status_code == 404
    assert "No benefits are open at the moment" in client.get("/benefits").text


def _token(app: Flask, *scopes: Scope) -> dict[str, str]:
    with app.test_request_context("/", method="POST"), transaction():
        from portal.accounts.people import Person

        person = db.session.scalars(select(Person).where(Person.email == "acme@acme.example")).one()
        _row, secret = tokens.give("test", scopes, 30, by=person)
    return {"Authorization": f"Bearer {secret}"}


def test_a_program_reads_claims_and_takes_back(app: Flask) -> None:
    scene(app, "acme", "beta")
    client: Any = app.test_client()
    reads, writes = _token(app, Scope.BENEFITS_READ), _token(app, Scope.BENEFITS_READ, Scope.BENEFITS_WRITE)
    items = client.get("/api/v1/benefits", headers=reads).json["items"]
    slot = next(one for one in items if one["benefit"] == "slot")
    assert (slot["granted"], slot["left"], slot["list_value"]) == (
        4,
        4,
        {"amount": 1_000_000, "currency": "CNY"},
    )
    asked: dict[str, Any] = {"benefit": slot["id"], "quantity": 2}
    assert client.post("/api/v1/claims", json=asked, headers=reads).status_code == 403

    def send(path: str, body: dict[str, Any] | None, key: str) -> Any:
        return client.post(path, json=body, headers={**writes, "Idempotency-Key": key})

    made = send("/api/v1/claims", asked, "a" * 20)
    assert (made.status_code, made.json["state"]) == (201, "claimed")
    assert send("/api/v1/claims", asked, "a" * 20).json["id"] == made.json["id"]
    assert send("/api/v1/claims", {**asked, "quantity": 9}, "b" * 20).status_code == 422
    assert send("/api/v1/claims", {**asked, "benefit": "0" * 32}, "c" * 20).status_code == 404
    waits = send("/api/v1/claims", asked, "d" * 20)
    assert waits.json["state"] == "waiting"
    listed = client.get("/api/v1/claims?state=waiting", headers=reads).json["items"]
    assert [one["id"] for one in listed] == [waits.json["id"]]
    back = send(f"/api/v1/claims/{made.json['id']}/withdrawal", None, "e" * 20)
    assert (back.status_code, back.json["state"]) == (200, "withdrawn")
    assert client.get(f"/api/v1/claims/{waits.json['id']}", headers=reads).json["state"] == "claimed"


CLAIMER = """
import sys, time
from portal.app import create_app
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
from portal.members import claiming
from portal.members.belonging import Grant
from portal.accounts.people import Person
uid, email, start = sys.argv[1:4]
def claim():
    with transaction():
        who = db.session.query(Person).filter_by(email=email).one()
        row = db.session.query(Grant).filter_by(uid=uid).one()
        return claiming.claim(row, 1, by=who).state.value
with create_app().app_context():
    time.sleep(max(0.0, float(start) - time.time()))
    for _ in range(3):
        try:
            print(patiently(claim))
        except Refused:
            print("refused")
"""


@pytest.mark.race
def test_processes_race_for_the_last_places(app: Flask, tmp_path: Path) -> None:
    """Four members with two processes each want 24 of a capacity of five; no place is given twice."""
    names = ("acme", "beta", "cosmo", "delta")
    start = clock.today().replace(month=1, day=1)
    with app.test_request_context("/", method="POST"), transaction():
        perks.define("slot", start=start, capacity={"quantity": 5, "per": "year"})
        uids = {name: perks.grant(perks.member(name, "gold", start=start), "slot").uid for name in names}
    when = soon()
    said = run(app, tmp_path, CLAIMER, *((uids[name], f"{name}@{name}.example", when) for name in names * 2))
    words = " ".join(said).split()
    # Each member may have four: sixteen of twenty-four tries are claims, five of them with a place.
    assert {word: words.count(word) for word in set(words)} == {"claimed": 5, "waiting": 11, "refused": 8}
    with app.app_context(), reading():
        assert db.session.scalar(select(func.sum(Claim.quantity)).where(Claim.state.in_(SEATED))) == 5
        assert benefit_verify.verify_claims() == (16, [])
