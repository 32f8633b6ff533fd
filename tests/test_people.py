"""People: register, confirm, sign in with two factors, reset, sessions, invitations, staff."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts import throttle
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact
from portal.accounts.people import Person, SignInAttempt
from portal.core import audit, clock
from portal.core.db import db, reading, transaction
from tests.people import PASSWORD, browser, last_mail, link_in, make_org, make_person, post, token

EN = {"Accept-Language": "en"}


def english(app: Flask) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as state:
        state["language"] = "en"
    return client


def register(client: FlaskClient, email: str = "chen@chips.example", **more: str) -> int:
    fields = {"name": "Chen Wei", "email": email, "password": PASSWORD, **more}
    return post(client, "/register", "/register", **fields).status_code


def test_register_confirm_and_be_in(app: Flask) -> None:
    client = english(app)
    assert register(client, next="/tiers") == 303
    assert "chen@chips.example" in client.get("/register/sent").text
    link = link_in(last_mail(app, "chen@chips.example"))
    first = client.get(link)
    assert (first.status_code, first.location) == (303, "/confirm")
    done = post(client, "/confirm", "/confirm")
    assert done.location == "/arrive?next=/tiers"
    assert client.get("/arrive?next=/tiers").location == "/tiers"
    assert client.get("/account").status_code == 200
    assert client.get(link, follow_redirects=True).status_code == 410
    with app.app_context(), reading():
        verbs = [e.verb for e in db.session.scalars(audit.of_subject("person:1"))]
    assert verbs == ["person.registered", "person.confirmed", "person.signed_in"]


def test_another_browser_confirms_but_is_not_let_in(app: Flask) -> None:
    register(english(app))
    other = english(app)
    other.get(link_in(last_mail(app, "chen@chips.example")))
    assert post(other, "/confirm", "/confirm").location == "/sign-in"
    assert other.get("/account").location == "/sign-in?next=/account"


def test_a_known_address_gets_the_same_answer_and_its_owner_a_mail(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("chen@chips.example")
    client = english(app)
    assert register(client) == 303
    assert last_mail(app, "chen@chips.example").title.startswith("You already have an account")
    unknown, known = english(app), english(app)
    pages = []
    for browser_, email in ((unknown, "nobody@chips.example"), (known, "chen@chips.example")):
        assert post(browser_, "/reset", "/reset", email=email).status_code == 303
        pages.append(re.sub(r"nonce=\S+|value=\S+", "", browser_.get("/reset/sent").text.replace(email, "")))
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "at least 12"),
        ("passwordpassword", "easy to guess"),
        ("chen@chips.example", "easy to guess"),
    ],
)
def test_weak_passwords_are_refused_and_nothing_typed_is_lost(app: Flask, password: str, said: str) -> None:
    client = english(app)
    answer = post(
        client, "/register", "/register", name="Chen Wei", email="chen@chips.example", password=password
    )
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="Chen Wei"' in answer.text


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD) -> int:
    return post(client, "/sign-in", "/sign-in", email=email, password=password).status_code


def test_sign_in_asks_for_a_mail_code_that_works_once(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("chen@chips.example")
    client = english(app)
    assert sign_in(client, "Chen@Chips.example ") == 303
    assert client.get("/account").location == "/sign-in/code?next=/account"
    code = re.search(r"\b\d{8}\b", last_mail(app, "chen@chips.example").text)
    assert code is not None
    wrong = "00000000" if code.group() != "00000000" else "11111111"
    assert post(client, "/sign-in/code", "/sign-in/code", code=wrong).status_code == 422
    assert post(client, "/sign-in/code", "/sign-in/code", code=code.group()).location == "/arrive"
    assert client.get("/arrive").location == "/home"
    late = english(app)
    sign_in(late, "chen@chips.example")
    assert post(late, "/sign-in/code", "/sign-in/code", code=code.group()).status_code == 422


def test_five_wrong_codes_end_the_code(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("chen@chips.example")
    client = english(app)
    sign_in(client, "chen@chips.example")
    code = re.search(r"\b\d{8}\b", last_mail(app, "chen@chips.example").text)
    assert code is not None
    for _ in range(5):
        post(client, "/sign-in/code", "/sign-in/code", code="12")
    answer = post(client, "/sign-in/code", "/sign-in/code", code=code.group())
    assert answer.status_code == 422


def test_guessing_waits_and_the_owner_elsewhere_gets_in(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("chen@chips.example")
    client = english(app)
    seen = [sign_in(client, "chen@chips.example", "wrong wrong wrong") for _ in range(7)]
    assert seen == [422] * 5 + [429] * 2
    page = post(client, "/sign-in", "/sign-in", email="chen@chips.example", password=PASSWORD)
    assert page.status_code == 429
    assert "Please wait" in page.text
    elsewhere = app.test_client()
    data = {"csrf_token": token(elsewhere, "/sign-in"), "email": "chen@chips.example", "password": PASSWORD}
    there = elsewhere.post("/sign-in", data=data, environ_overrides={"REMOTE_ADDR": "198.51.100.7"})
    assert there.status_code == 303
    with clock.stopped_at(clock.now() + timedelta(minutes=31)):
        assert sign_in(client, "chen@chips.example") == 303
    with app.app_context(), clock.stopped_at(clock.now() + timedelta(days=3)):
        assert throttle.forget_old() == 5 * 3 + 2 * 2
        assert db.session.query(SignInAttempt).count() == 0


def test_unknown_and_wrong_look_the_same(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("chen@chips.example")
    pages = []
    for email in ("chen@chips.example", "nobody@chips.example"):
        answer = post(english(app), "/sign-in", "/sign-in", email=email, password="wrong wrong wrong")
        assert answer.status_code == 422
        pages.append(re.sub(r"nonce=\S+|value=\S+", "", answer.text.replace(email, "")))
    assert pages[0] == pages[1]


def test_a_code_app_works_once_per_code_and_recovery_codes_once_each(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("chen@chips.example")
    client = browser(app, "chen@chips.example")
    page = client.get("/account/app").text
    seed = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert seed is not None
    now = clock.now()
    with clock.stopped_at(now):
        wrong = post(client, "/account/app", "/account/app", code="1234567")
        assert wrong.status_code == 422
        shown = post(client, "/account/app", "/account/app", code=pyotp.TOTP(seed.group(1)).at(now))
        assert shown.status_code == 200
    codes = re.findall(r"<code>([0-9a-f-]{34})</code>", shown.text)
    assert len(set(codes)) == 10
    later = now + timedelta(seconds=60)
    with clock.stopped_at(later):
        digits = pyotp.TOTP(seed.group(1)).at(later)
        fresh = english(app)
        sign_in(fresh, "chen@chips.example")
        assert post(fresh, "/sign-in/code?way=app", "/sign-in/code", code=digits).location == "/arrive"
        again = english(app)
        sign_in(again, "chen@chips.example")
        assert post(again, "/sign-in/code?way=app", "/sign-in/code", code=digits).status_code == 422
        assert again.get("/sign-in/code?way=mail").status_code == 200
        used = post(again, "/sign-in/code?way=recovery", "/sign-in/code?way=recovery", code=codes[0])
        assert used.location == "/arrive"
        third = english(app)
        sign_in(third, "chen@chips.example")
        assert post(third, "/sign-in/code?way=recovery", "/sign-in/code", code=codes[0]).status_code == 422
    assert last_mail(app, "chen@chips.example").title.startswith("A change to your account")


def test_a_copied_cookie_dies_with_the_sign_out(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("chen@chips.example")
    client = browser(app, "chen@chips.example")
    cookie = client.get_cookie("portal")
    assert cookie is not None
    assert post(client, "/sign-out", "/account").headers["Clear-Site-Data"] == '"cache", "storage"'
    thief = app.test_client()
    thief.set_cookie("portal", cookie.value)
    assert thief.get("/account").status_code == 303


def test_sessions_run_out_and_can_be_ended(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("chen@chips.example")
    one, two = browser(app, "chen@chips.example"), browser(app, "chen@chips.example")
    assert post(one, "/account/sessions/end", "/account").status_code == 303
    assert (one.get("/account").status_code, two.get("/account").status_code) == (200, 303)
    with clock.stopped_at(clock.now() + timedelta(hours=2, minutes=1)):
        assert one.get("/account").status_code == 303


def test_a_reset_ends_sessions_and_still_asks_for_the_second_step(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("chen@chips.example")
    inside, client = browser(app, "chen@chips.example"), english(app)
    post(client, "/reset", "/reset", email="chen@chips.example")
    link = link_in(last_mail(app, "chen@chips.example"))
    client.get(link)
    new = "violet engine counts nine geese"
    assert post(client, "/reset/new", "/reset/new", password=new).location == "/sign-in"
    assert inside.get("/account").status_code == 303
    assert sign_in(client, "chen@chips.example") == 422
    assert sign_in(client, "chen@chips.example", new) == 303
    assert client.get("/account").location == "/sign-in/code?next=/account"
    assert client.get(link, follow_redirects=True).status_code == 410


def test_staff_enrol_a_factor_before_anything_else_opens(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("rui@house.example", staff=(StaffRole.REVIEWER,)).demo = False
    client = browser(app, "rui@house.example")
    assert client.get("/office/").location == "/account?next=/office/"
    assert "Staff need a code app or a passkey" in client.get("/account").text


def test_invitations_open_for_their_address_only(app: Flask) -> None:
    with app.app_context(), transaction():
        owner = make_person("owner@chips.example", "Owner")
        make_person("bill@chips.example", "Bill")
        make_person("other@chips.example", "Other")
        make_org("Chips Ltd", (owner, ContactRole.OWNER))
    client = browser(app, "owner@chips.example")
    sent = post(client, "/people", "/people", email="bill@chips.example", role="billing", language="en")
    assert sent.location == "/people"
    first = link_in(last_mail(app, "bill@chips.example"))
    post(client, "/people", "/people", email="bill@chips.example", role="billing", language="en")
    link = link_in(last_mail(app, "bill@chips.example"))
    stranger, bill = browser(app, "other@chips.example"), browser(app, "bill@chips.example")
    assert stranger.get(first, follow_redirects=True).status_code == 410
    stranger.get(link)
    assert post(stranger, "/invitation", "/invitation").status_code == 403
    bill.get(link)
    assert post(bill, "/invitation", "/invitation").location == "/home"
    assert "Chips Ltd" in bill.get("/people").text
    assert (
        post(bill, "/people", "/people", email="x@chips.example", role="owner", language="en").status_code
        == 403
    )
    with app.app_context(), reading():
        row = db.session.query(Contact).filter_by(role=ContactRole.OWNER).one()
        uid = row.uid
    assert post(client, f"/people/{uid}/end", "/people").status_code == 409
    assert post(stranger, f"/people/{uid}/end").status_code == 403


def test_roles_of_staff_are_given_by_somebody_else(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("boss@house.example", "Boss", staff=(StaffRole.ADMINISTRATOR,))
    client = browser(app, "boss@house.example")
    own = post(
        client, "/office/staff/", "/office/staff/", email="boss@house.example", name="Boss", role="finance"
    )
    assert own.status_code == 403
    done = post(
        client, "/office/staff/", "/office/staff/", email="fin@house.example", name="Fin", role="finance"
    )
    assert done.status_code == 303
    assert last_mail(app, "fin@house.example").title.startswith("Choose a new password")
    with app.app_context(), reading():
        assert db.session.query(Person).filter_by(email="fin@house.example").one().password_hash is None


def test_the_mailbox_shows_every_mail_and_is_not_there_in_production(app: Flask) -> None:
    client = english(app)
    register(client)
    assert "Confirm your address" in client.get("/mailbox").text
    assert "/confirm/" in client.get("/mailbox/1").text
    assert client.get("/mailbox?q=nothing").status_code == 200
