"""Stories of the door in real Chromium: passkey, code app, recovery codes, sessions that are listed and ended."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser

from portal.accounts.may import StaffRole
from portal.accounts.people import Grant, Person
from portal.core import clock
from portal.core.db import db, transaction
from tests.browser import Served, Visitor, chromium, fresh_home, keep_last_pages, serve, visit
from tests.people import make_person
from tests.walking import mail_code, sign_in, sign_out

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the stories of this file."""
    with chromium() as found:
        yield found
        keep_last_pages(found)


@pytest.fixture(scope="module")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The portal at `localhost`: a passkey is bound to a name, never to an address in figures."""
    with serve(fresh_home(sqlite_template, tmp_path_factory), host="localhost") as found:
        yield found


def employ(served: Served, email: str, name: str, language: str = "en") -> None:
    """Give somebody a role and no second factor yet, as on the first day at work."""
    with served.app.app_context(), transaction():
        person = make_person(email, name, language=language)
        db.session.add(Grant(person=person, role=StaffRole.REVIEWER, by_name="test", start=clock.today()))


def first_day(visitor: Visitor, email: str) -> None:
    """Come in with a code by mail, which opens nothing but the page where a strong factor is set up."""
    sign_in(visitor, email)
    visitor.fill("Code", mail_code(visitor, email))
    visitor.press("Continue")
    visitor.open("/office/")
    visitor.sees("Staff need a code app or a passkey. Please set one up; everything else opens afterwards.")


def code_now(seed: str, *, other_than: str = "") -> str:
    """Return the app's present code, once it has some seconds left to be typed in."""
    while True:
        found = str(pyotp.TOTP(seed).now())
        if 30 - time.time() % 30 > 8 and found != other_than:
            return found
        time.sleep(0.2)


def a_step_passes(served: Served, email: str) -> None:
    """Let the half minute pass in which a used code stays refused."""
    with served.app.app_context(), transaction():
        person = db.session.query(Person).filter_by(email=email).one()
        person.totp_step -= 2


def test_staff_enrol_a_passkey_and_sign_in_with_it(browser: Browser, served: Served) -> None:
    email = "pia@house.example"
    employ(served, email, "Pia")
    pia = visit(browser, served)
    devtools = pia.context.new_cdp_session(pia.page)
    devtools.send("WebAuthn.enable")
    key = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]
    first_day(pia, email)
    pia.fill("Name of a new passkey", "work laptop")
    pia.press("Add a passkey")
    pia.reads("work laptop")
    assert len(devtools.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]) == 1
    pia.open("/office/")
    pia.titled("What waits for you")
    sign_out(pia)

    sign_in(pia, email)
    pia.sees("Use the device or key you registered.")
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    pia.press("Use my passkey")
    pia.sees("The passkey was not accepted. Please try again or take another way.")
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": True})
    pia.press("Use my passkey")
    pia.titled("What waits for you")
    pia.well()


def test_staff_enrol_a_code_app_in_chinese_and_lose_it(browser: Browser, served: Served) -> None:
    email = "tong@house.example"
    employ(served, email, "童言", "zh_Hans_CN")
    tong = visit(browser, served, language="zh_Hans_CN")
    first_day(tong, email)
    tong.follow("Set up")
    seed = tong.page.get_by_text(re.compile("^[A-Z2-7]{32}$")).inner_text()
    tong.fill("Code from the app", "000000")
    tong.press("Use this app")
    tong.sees("This is not the code the app shows now. Please try the next one.")
    assert tong.page.get_by_text(seed).is_visible()  # the app need not be set up anew
    used = code_now(seed)
    tong.fill("Code from the app", used)
    tong.press("Use this app")
    tong.titled("Recovery codes")
    codes = tong.page.get_by_text(re.compile("^([0-9a-f]{6}-){4}[0-9a-f]{6}$")).all_inner_texts()
    assert len(set(codes)) == 10
    tong.follow("I have kept them")
    sign_out(tong)

    sign_in(tong, email)
    for wrong in ("123456", used):  # the second was right and was used
        tong.fill("Code", wrong)
        tong.press("Continue")
        tong.sees("This code is not right, was used, or has run out.")
    a_step_passes(served, email)
    tong.fill("Code", code_now(seed))
    tong.press("Continue")
    tong.titled("What waits for you")
    sign_out(tong)

    for code, welcome in ((codes[3], True), (codes[3], False), (codes[4], True)):
        sign_in(tong, email)
        tong.follow("Use a recovery code")
        tong.fill("Code", code)
        tong.press("Continue")
        if welcome:
            tong.titled("What waits for you")
            sign_out(tong)
        else:
            tong.sees("This code is not right, was used, or has run out.")
    tong.well()


def test_sessions_are_listed_and_ended_and_an_old_cookie_opens_nothing(
    browser: Browser, served: Served
) -> None:
    email = "mo@firm.example"
    with served.app.app_context(), transaction():
        make_person(email, "Mo")
    places = [visit(browser, served, phone=phone) for phone in (False, True)]
    for mo in places:
        sign_in(mo, email)
        mo.fill("Code", mail_code(mo, email))
        mo.press("Continue")
        mo.titled("Welcome, %(name)s")
    desk, phone = places
    desk.open("/account")
    listed = desk.page.get_by_role("region", name="Where you are signed in")
    assert listed.get_by_role("listitem").count() == 2
    desk.press("End", within=listed)
    assert (
        desk.page.get_by_role("region", name="Where you are signed in").get_by_role("listitem").count() == 1
    )
    phone.open("/home")
    phone.titled("Sign in")
    copied: Any = [{**one, "sameSite": "Lax"} for one in desk.context.cookies()]
    sign_out(desk)
    desk.context.add_cookies(copied)
    desk.open("/home")
    desk.titled("Sign in")
    phone.well()
    desk.well()
