"""The pages of both sides: staff fill in, look, propose and confirm; a member resigns and takes it back; programs read."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts import merging as merging_room
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.scopes import Scope
from portal.accounts.tokens import give
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.web import ACCESS
from portal.members import absorbing as absorbing_room
from portal.members import deeds, giving, holding, leaving, terms
from portal.members.belonging import Ending, Hold, Membership, Term
from portal.members.deed_models import Deed, DeedState, DeedVerb
from portal.members.deed_steps import STEPS
from portal.members.standing import Standing
from portal.members.verbs import MEMBERSHIP, Fact
from tests import membership as m
from tests.nursery import Racer
from tests.people import browser, post
from tests.road import picture
from tests.test_processes import environment

ROOMS = (terms, giving, holding, leaving, absorbing_room, merging_room)


@pytest.fixture
def acme(app: Flask) -> str:
    """A gold member since a hundred days, and another company; its uid."""
    m.house(app)
    with app.app_context(), transaction():
        org = m.company("Acme Ltd", "an@acme.example")
        m.member(org, start=clock.today() - timedelta(days=100))
        m.company("Beta Ltd", "bo@beta.example")
        return org.uid


def desks(app: Flask, *names: str, language: str = "en") -> list[FlaskClient]:
    return [browser(app, f"{name}@house.example", language=language) for name in names]


def version(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="version"[^>]*value="(\d+)"', client.get(path).text)
    assert found is not None
    return found.group(1)


def uid_of_open_deed(app: Flask) -> str:
    with app.app_context(), reading():
        return db.session.scalars(select(Deed.uid).where(Deed.state == DeedState.PROPOSED)).one()


def standing_of(app: Flask) -> Standing:
    with app.app_context(), reading():
        return db.session.query(Membership).one().standing


@pytest.mark.parametrize("fact", MEMBERSHIP, ids=lambda fact: f"{fact.name}-{'-'.join(fact.doors)}")
def test_every_verb_of_a_membership_is_a_function_with_its_doors(sqlite_app: Flask, fact: Fact) -> None:
    assert any(callable(getattr(room, fact.name, None)) for room in ROOMS) or fact.name == "unmerge"
    assert fact.doors
    for door in fact.doors:
        assert getattr(sqlite_app.view_functions[door], ACCESS) == frozenset(fact.may), door
    if fact.second:
        assert DeedVerb(fact.name) in STEPS
        assert frozenset(fact.second) <= getattr(sqlite_app.view_functions["deeds.confirm"], ACCESS)
    assert {DeedVerb(one.name) for one in MEMBERSHIP if one.second} == set(DeedVerb)


@pytest.mark.parametrize("language", ["en", "zh_Hans_CN"])
def test_every_form_opens_to_whom_it_belongs(app: Flask, acme: str, language: str) -> None:
    rui, fang, sun, dai = desks(app, "rui", "fang", "sun", "dai", language=language)
    with app.app_context(), transaction():
        org = db.session.query(Organisation).filter_by(uid=acme).one()
        m.together(org, DeedVerb.SUSPEND, {"code": "conduct", "start": str(clock.today()), "end": None})
    page = rui.get(f"/office/members/{acme}").text
    for verb in DeedVerb:
        path = f"/office/organisations/{acme}/deeds/{verb.value}"
        owner = {"cancel_term": fang, "expel": sun}.get(verb.value, rui)
        assert owner.get(path).status_code == 200
        assert dai.get(path).status_code == 403
        if owner is rui and verb is not DeedVerb.UNMERGE:
            assert path in page
    assert rui.get(f"/office/organisations/{acme}/deeds/nothing").status_code == 404
    assert rui.get(f"/office/organisations/{'0' * 32}/deeds/suspend").status_code == 404


def test_suspending_as_staff_do_it(app: Flask, acme: str) -> None:
    rui, dai, dong = desks(app, "rui", "dai", "dong")
    path, page = f"/office/organisations/{acme}/suspensions", f"/office/organisations/{acme}/deeds/suspend"
    asked = {
        "code": "conduct",
        "start": str(clock.today()),
        "end": "",
        "reason": "Spam",
        "version": version(rui, page),
    }
    empty = post(rui, path, **{**asked, "reason": ""})
    assert (empty.status_code, "Please fill this in" in empty.text) == (422, True)
    looked = post(rui, path, look="yes", **asked)
    assert "Membership suspended" in looked.text
    assert re.search(r"<del>.*Active</del>.*<ins>.*Suspended</ins>", looked.text)
    assert (standing_of(app), looked.status_code) == (Standing.ACTIVE, 200)
    assert post(dai, path, **asked).status_code == 403
    assert post(rui, path, **asked).status_code == 303
    again = post(rui, path, **asked)
    assert (again.status_code, "waits already" in again.text, "Spam" in again.text) == (409, True, True)
    uid = uid_of_open_deed(app)
    assert "Suspend the membership: Acme Ltd" in dai.get("/office/").text
    assert "Suspend the membership: Acme Ltd" not in rui.get("/office/").text
    assert "It waits for a second person" in rui.get(f"/office/members/{acme}").text
    assert post(rui, f"/office/deeds/{uid}/confirmation").status_code == 403
    shown = dai.get(f"/office/deeds/{uid}")
    assert (shown.status_code, "Membership suspended" in shown.text) == (200, True)
    assert post(dai, f"/office/deeds/{uid}/confirmation").status_code == 303
    assert post(dong, f"/office/deeds/{uid}/confirmation").status_code == 409
    assert standing_of(app) is Standing.SUSPENDED
    life = rui.get(f"/office/members/{acme}").text
    assert "Suspended: Conduct" in life
    assert "Confirmed by" in life


def test_two_tabs_on_one_member_are_one_change(app: Flask, acme: str) -> None:
    """The form of a page that is no longer what is on record answers 409 and keeps what was typed."""
    (rui,) = desks(app, "rui")
    page = f"/office/organisations/{acme}/deeds/set_founding"
    seen = version(rui, page)
    with app.app_context(), transaction():
        leaving.resign(db.session.query(Membership).one(), by=m.person("an"))
    stale = post(
        rui, f"/office/organisations/{acme}/founding", founding="yes", reason="First hour", version=seen
    )
    assert (stale.status_code, "First hour" in stale.text) == (409, True)
    for odd in ("", "x", "-1", "9" * 40, "²"):
        assert (
            post(
                rui, f"/office/organisations/{acme}/founding", founding="yes", reason="r", version=odd
            ).status_code
            == 409
        )


def test_expelling_brings_the_minute_along(app: Flask, acme: str) -> None:
    sun, dai, fang = desks(app, "sun", "dai", "fang")
    page, path = f"/office/organisations/{acme}/deeds/expel", f"/office/organisations/{acme}/expulsions"
    asked = {
        "on": str(clock.today()),
        "bar": "never",
        "barred_until": "",
        "reason": "Board, 3 May",
        "version": version(sun, page),
    }
    without = post(sun, path, **asked)
    assert (without.status_code, "attach the paper" in without.text) == (422, True)
    assert "Possible again from" in post(sun, path, **{**asked, "bar": "until"}).text
    wrong = post(sun, path, **asked, paper=(io.BytesIO(b"MZ"), "minute.exe"))
    assert (wrong.status_code, "PDF, PNG or JPEG" in wrong.text) == (422, True)
    assert post(sun, path, **asked, paper=(io.BytesIO(picture()), "minute.png")).status_code == 303
    uid = uid_of_open_deed(app)
    assert dai.get(f"/office/deeds/{uid}/paper").status_code == 200
    assert fang.get(f"/office/deeds/{uid}/paper").status_code == 403
    assert post(dai, f"/office/deeds/{uid}/confirmation").status_code == 303
    assert standing_of(app) is Standing.EXPELLED


def test_a_term_by_hand_is_recorded_alone_or_by_two(app: Flask, acme: str) -> None:
    rui, dai = desks(app, "rui", "dai")
    with app.app_context(), reading():
        beta = db.session.query(Organisation).filter_by(legal_name="Beta Ltd").one().uid
    page, path = f"/office/organisations/{beta}/deeds/open_term", f"/office/organisations/{beta}/terms"
    asked = {
        "kind": "new",
        "tier": "silver",
        "start": str(clock.today()),
        "months": "12",
        "charged": "20,000.00",
        "reason": "old books",
    }
    for field, wrong in (
        ("charged", "lots"),
        ("months", "0"),
        ("months", "x"),
        ("tier", "no"),
        ("start", "0001-01-01"),
    ):
        refused = post(rui, path, **{**asked, field: wrong, "version": version(rui, page)})
        assert (refused.status_code, "old books" in refused.text) == (422, True), field
    assert post(rui, path, **asked, version=version(rui, page)).status_code == 303
    assert "First term at Silver" in rui.get(f"/office/members/{beta}").text
    free = {**asked, "kind": "lifetime", "charged": "0", "start": str(clock.today() + timedelta(days=800))}
    far = post(rui, path, **free, version=version(rui, page))
    assert "too far away" in far.text
    free["start"] = str(clock.today() + timedelta(days=400))
    assert post(rui, path, **free, version=version(rui, page)).status_code == 303
    assert post(dai, f"/office/deeds/{uid_of_open_deed(app)}/refusal", reason="No").status_code == 303
    with app.app_context(), reading():
        assert (
            db.session.query(Term)
            .join(Membership)
            .join(Organisation)
            .filter(Organisation.uid == beta)
            .count()
            == 1
        )


def test_two_entries_are_found_looked_at_and_merged(app: Flask, acme: str) -> None:
    rui, rong = desks(app, "rui", "rong")
    page = f"/office/organisations/{acme}/deeds/merge"
    with app.app_context(), reading():
        beta = db.session.query(Organisation).filter_by(legal_name="Beta Ltd").one().uid
    assert beta not in rui.get(page).text
    assert beta in rui.get(page + "?q=beta").text
    asked = {"other": beta, "reason": "Same office", "version": version(rui, page)}
    looked = post(rui, f"/office/organisations/{acme}/merges?q=beta", look="yes", **asked)
    assert "contacts 3" in looked.text
    assert post(rui, f"/office/organisations/{acme}/merges", **asked).status_code == 303
    assert post(rong, f"/office/deeds/{uid_of_open_deed(app)}/confirmation").status_code == 303
    assert rui.get(f"/office/members/{beta}").location.endswith(f"/office/members/{acme}")
    assert app.test_client().get(f"/members/{beta}").location.endswith(f"/members/{acme}")
    assert f"/office/organisations/{acme}/deeds/unmerge" in rui.get(f"/office/members/{acme}").text


@pytest.mark.parametrize("language", ["en", "zh_Hans_CN"])
def test_a_signatory_resigns_and_takes_it_back(app: Flask, acme: str, language: str) -> None:
    client = browser(app, "an@acme.example", language=language)
    page = client.get("/membership/resignation")
    assert page.status_code == 200
    with app.app_context(), reading():
        end = db.session.query(Term).one().end
        assert end is not None
    last = str(end - timedelta(days=1))
    asked = {"last": last, "reason": "budget", "version": version(client, "/membership/resignation")}
    unsure = post(client, "/membership/resignation", **asked)
    assert (unsure.status_code, "budget" in unsure.text) == (422, True)
    past = post(client, "/membership/resignation", **{**asked, "last": "2020-01-01"}, sure="y")
    assert past.status_code == 422
    assert post(client, "/membership/resignation", **{**asked, "version": "0"}, sure="y").status_code == 409
    assert post(client, "/membership/resignation", **asked, sure="y").status_code == 303
    with app.app_context(), reading():
        assert [one.on for one in db.session.query(Ending)] == [end]
    assert "/membership/resignation/undoing" in client.get("/membership/resignation").text
    assert post(client, "/membership/resignation", **asked, sure="y").status_code == 409
    assert post(client, "/membership/resignation/undoing").status_code == 303
    assert post(client, "/membership/resignation/undoing").status_code == 409
    other = browser(app, "bo@beta.example", language=language)
    assert other.get("/membership/resignation").status_code == 404
    assert post(other, "/membership/resignation", **asked, sure="y").status_code == 404


def test_a_reviewer_takes_a_resignation_back_for_a_member(app: Flask, acme: str) -> None:
    rui, dai = desks(app, "rui", "dai")
    with app.app_context(), transaction():
        leaving.resign(db.session.query(Membership).one(), by=m.person("an"), on=clock.today())
    assert standing_of(app) is Standing.RESIGNED
    assert "Take the resignation back for the member" in rui.get(f"/office/members/{acme}").text
    path = f"/office/organisations/{acme}/resignation/undoing"
    assert post(dai, path, reason="x").status_code == 403
    assert post(rui, path).status_code == 422
    assert post(rui, path, reason="Asked by telephone").status_code == 303
    assert standing_of(app) is Standing.ACTIVE


def test_a_program_reads_a_membership_on_any_day_as_known_then(app: Flask, acme: str) -> None:
    with app.app_context(), transaction():
        org = db.session.query(Organisation).filter_by(uid=acme).one()
        _row, secret = give("reader", [Scope.PROFILE_READ], 30, org=org, by=m.person("an"))
        before = clock.now() - timedelta(minutes=1)
        m.together(org, DeedVerb.SUSPEND, {"code": "conduct", "start": str(clock.today()), "end": None})
    client, headers = app.test_client(), {"Authorization": f"Bearer {secret}"}

    def read(**query: Any) -> Any:
        return client.get(f"/api/v1/organisations/{acme}/membership", query_string=query, headers=headers)

    now = read().json
    assert (now["standing"], now["tier"], len(now["terms"])) == ("suspended", "gold", 1)
    assert now["terms"][0]["charged"] == {"amount": 16_000_000, "currency": "CNY"}
    yesterday = str(clock.today() - timedelta(days=1))
    assert read(on=yesterday).json["standing"] == "active"
    assert read(known=before.isoformat()).json["standing"] == "none"  # the term itself was written today
    for wrong in ({"on": "2026-13-01"}, {"known": "never"}, {"no": "1"}):
        assert read(**wrong).status_code == 422
    assert client.get(f"/api/v1/organisations/{'0' * 32}/membership", headers=headers).status_code == 404
    assert client.get(f"/api/v1/organisations/{acme}/membership").status_code == 401


CONFIRMER = """
import sys, time
from portal.app import create_app
from portal.accounts.people import Person
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.members import deeds
from portal.members.deed_models import Deed
with create_app().app_context():
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    try:
        with transaction():
            who = db.session.query(Person).filter_by(email=sys.argv[1]).one()
            deeds.confirm(db.session.query(Deed).one(), by=who)
        print("confirmed")
    except Refused:
        print("refused")
"""


@pytest.mark.race
def test_two_directors_at_once_confirm_once(app: Flask, acme: str, tmp_path: Path) -> None:
    import time

    with app.app_context(), transaction():
        org = db.session.query(Organisation).filter_by(uid=acme).one()
        m.propose(org, DeedVerb.SUSPEND, {"code": "conduct", "start": str(clock.today()), "end": None})
    start = str(time.time() + 4)
    running = [
        Racer(tmp_path, environment(app, tmp_path), CONFIRMER, f"{name}@house.example", start) for name in ("dai", "dong")
    ]  # fmt: skip
    assert [racer.wait() for racer in running] == [0, 0], [racer.wrong for racer in running]
    assert sorted(racer.said.strip() for racer in running) == ["confirmed", "refused"]
    with app.app_context(), reading():
        assert db.session.query(Hold).count() == 1
        assert db.session.query(Deed).one().state is DeedState.CONFIRMED
        assert deeds.open_deed(db.session.query(Deed).one().org) is None
        assert May.DECIDE in deeds.verb_of(DeedVerb.SUSPEND).second
