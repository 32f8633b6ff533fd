"""A written exam in real Chromium with the connection cut in the middle: answers wait, are sent again, and nothing is lost."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from portal.accounts.people import Person
from portal.certs import proctoring
from portal.certs.gift_answers import Kind
from portal.certs.models.booking import Booking
from portal.certs.models.delivery import Answer, Attempt, Ending
from portal.certs.models.watching import Incident, IncidentKind
from portal.core import clock
from portal.core.db import db, reading, transaction
from tests import seats
from tests import sittings as sit
from tests.browser import Served, Visitor, as_person
from tests.membership import inside
from tests.people import make_person
from tests.seats import who

pytestmark = pytest.mark.browser


@pytest.fixture
def lin(browser: Browser, served: Served, request: pytest.FixtureRequest) -> Visitor:
    """A candidate whose session is open, signed in at her browser."""
    with inside(served.app), transaction():
        name = f"lin{db.session.query(Booking).count()}"
        if db.session.query(Booking).count() == 0:
            for key, role in seats.STAFF.items():
                if db.session.query(Person).filter_by(email=f"{key}@house.example").first() is None:
                    make_person(f"{key}@house.example", key.title(), staff=(role,))
            sit.fill_bank()
        make_person(f"{name}@mail.example", name.title())
        row = seats.session(capacity=2)
        booked = seats.booked(name, row)
        row.starts_at, row.ends_at = clock.now() - sit.MINUTE, clock.now() + timedelta(hours=1)
        booked.until_at = row.ends_at
        db.session.flush()
        sit.let_in(name)
        proctoring.open_session(row, by=who("proctor"))
    return as_person(browser, served, f"{name}@mail.example", language=request.param)


def attempt(served: Served) -> Attempt:
    return db.session.query(Attempt).order_by(Attempt.id.desc()).first() or pytest.fail("no attempt")


def stored(served: Served) -> dict[int, Any]:
    with inside(served.app), reading():
        rows = db.session.query(Answer).filter_by(attempt_id=attempt(served).id)
        return {one.position: one.value for one in rows}


def places(served: Served) -> dict[Kind, int]:
    with inside(served.app), reading():
        return {
            kind: sit.position_of(attempt(served), kind)
            for kind in (Kind.SINGLE, Kind.MULTIPLE, Kind.NUMERIC, Kind.SHORT)
        }


def question(page: Page, n: int) -> None:
    page.locator(f'[data-go="{n - 1}"]').click()


# In Chinese, and with both languages' words of it, the whole story goes through the same: test_certificate_story.py.
@pytest.mark.parametrize("lin", ["en"], indirect=True)
def test_a_candidate_answers_loses_the_connection_goes_on_and_hands_in(lin: Visitor, served: Served) -> None:
    with inside(served.app), reading():
        url = f"/exams/sittings/{attempt(served).uid}"
    page = lin.page
    lin.open(url)
    page.get_by_role("checkbox").check()
    lin.press("Start the exam")
    at = places(served)
    state = page.locator("[data-saved-state]")
    question(page, at[Kind.SINGLE])
    page.locator(f"#answer-{at[Kind.SINGLE]}-b").check()
    expect(state).to_have_text(re.compile(r"\d:\d\d"))
    assert stored(served)[at[Kind.SINGLE]] == "b"
    lin.context.set_offline(True)
    question(page, at[Kind.NUMERIC])
    page.locator(f"#answer-{at[Kind.NUMERIC]}").fill("2")
    question(page, at[Kind.MULTIPLE])
    page.locator(f"#answer-{at[Kind.MULTIPLE]}-a").check()
    page.locator(f"#answer-{at[Kind.MULTIPLE]}-c").check()
    expect(page.locator("[data-saved-state][data-unsaved]")).to_be_visible(timeout=20_000)
    assert stored(served)[at[Kind.NUMERIC]] is None
    lin.context.set_offline(False)
    expect(page.locator("[data-saved-state][data-unsaved]")).to_have_count(0, timeout=20_000)
    found = stored(served)
    assert (found[at[Kind.NUMERIC]], found[at[Kind.MULTIPLE]]) == ("2", ["a", "c"])
    lin.press("Check and hand in")
    lin.press("Hand in for good")
    lin.sees("The part before is handed in.")
    with inside(served.app), reading():
        row = attempt(served)
        assert row.parts[0].ending is Ending.HANDED_IN
        assert db.session.query(Incident).filter(Incident.kind == IncidentKind.TAKEOVER).count() == 0


@pytest.mark.parametrize("lin", ["en"], indirect=True)
def test_the_exam_works_by_keyboard_and_a_second_window_is_told(lin: Visitor, served: Served) -> None:
    with inside(served.app), reading():
        url = f"/exams/sittings/{attempt(served).uid}"
    page = lin.page
    lin.open(url)
    page.get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("[data-go]").first.wait_for()
    at = places(served)[Kind.SINGLE]
    other = lin.context.new_page()
    other.goto(served.base + url)
    page.bring_to_front()
    page.locator(f'[data-go="{at - 1}"]').focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("[data-saved-state]")).not_to_be_empty()
    expect(page.locator(f"#question-{at} input:checked")).to_have_count(1)
    other.bring_to_front()
    other.locator(f'[data-go="{at - 1}"]').click()
    other.locator(f"#question-{at} input[type=radio]").nth(2).check()  # the keyboard chose the first
    expect(other.locator("[data-told]")).to_be_visible()
