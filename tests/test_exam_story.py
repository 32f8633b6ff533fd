"""A candidate's life until the exam day in real Chromium: no company, on a phone, in Chinese, from the list to the door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import icalendar
import pytest
from playwright.sync_api import Browser

from portal.accounts.may import StaffRole
from portal.certs import booking, seat_chores
from portal.certs.models.booking import Booking, BookingState
from portal.core import clock
from portal.core.db import db, transaction
from tests import seats
from tests.browser import Served, Visitor, visit
from tests.people import make_person
from tests.walking import register

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ZH, MAIL = "zh_Hans_CN", "lin@exam-story.example"


def _sessions(served: Served) -> None:
    with served.app.app_context(), transaction():
        make_person("certs@house.example", "岑然", staff=(StaffRole.CERTIFICATION,))
        for key in ("proctor", "proctor2"):
            make_person(f"{key}@house.example", "柯宁", staff=(StaffRole.PROCTOR,))
        seats.unasked("OPDEV")
        for days in (20, 30):
            seats.session(days=days)


def _event(visitor: Visitor) -> Any:
    """Return the entry of the calendar file that the page offers."""
    href = visitor.page.get_by_role("link", name=visitor.t("Calendar file")).get_attribute("href")
    answer = visitor.context.request.get(f"{visitor.served.base}{href}")
    found = icalendar.Calendar.from_ical(answer.body())
    assert found["METHOD"] == "REQUEST"
    return next(iter(found.walk("VEVENT")))


def _starts_in(served: Served, ahead: timedelta) -> Booking:
    """Let the booked session start so soon."""
    with served.app.app_context(), transaction():
        row = db.session.query(Booking).filter_by(state=BookingState.CONFIRMED).one()
        row.session.starts_at = clock.now() + ahead
        row.session.ends_at = row.until_at = row.session.starts_at + timedelta(hours=1)
        return row


def test_a_candidate_registers_pays_books_moves_is_reminded_and_checked_in(
    browser: Browser, served: Served
) -> None:
    _sessions(served)
    lin = visit(browser, served, language=ZH, phone=True)
    main = lin.page.get_by_role("main")
    lin.open("/exams")
    lin.follow("See exam sessions")
    lin.follow("Choose")
    lin.follow("Sign in", within=main)
    lin.follow("Register", within=main)
    register(lin, "林木", MAIL)
    lin.press("Hold a seat")
    lin.sees("You have no attempt left for this exam. Please buy the exam first.")
    lin.field("How old are you?").select_option("adult")
    lin.press("Order with obligation to pay")
    lin.sees("Ordered. You may book as soon as the invoice is paid.")
    lin.press("Pay %(sum)s online")
    lin.press("Pay")
    lin.sees("Thank you: the payment is booked.")

    lin.mail(MAIL, "You may book your exam: %(level)s")
    lin.link_of_mail()
    lin.follow("Choose")
    lin.press("Hold a seat")
    lin.sees("The seat is held for %(minutes)s minutes. Please confirm it now.")
    lin.page.locator("[name=rules]").check()
    lin.press("Book this seat")
    lin.sees("Booked. The calendar file is in your mail.")
    first = _event(lin)
    lin.follow("Move to another session")
    lin.page.get_by_role("radio").first.check()
    lin.press("Move there")
    lin.sees("Moved. The new calendar file is in your mail.")
    second = _event(lin)
    assert (first["UID"], int(first["SEQUENCE"]), int(second["SEQUENCE"])) == (second["UID"], 0, 1)
    assert second["DTSTART"].dt - first["DTSTART"].dt > timedelta(days=9)
    page = lin.page.url.removeprefix(served.base)

    _starts_in(served, timedelta(hours=48))
    with served.app.app_context():
        seat_chores.remind_candidates()
    text = lin.mail(MAIL, "In %(days)s days: %(level)s")
    assert "林木" in text
    row = _starts_in(served, timedelta(minutes=5))
    with served.app.app_context(), transaction():
        booking.check_in(db.session.merge(row), by=seats.who("proctor"))
    lin.open(page)
    lin.sees("Checked in")
    lin.open("/exams/mine")
    lin.titled("My exams")
    lin.well()
