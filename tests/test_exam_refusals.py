"""What the pages of exams say when it is too late, too soon, used up, called off, or when there is nothing yet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from portal.accounts.may import ContactRole
from portal.billing.models import Invoice
from portal.certs import attempts, booking, exam_deeds, vouchers
from portal.certs.models.booking import Booking, BookingState, Outcome
from portal.certs.models.eligibility import Eligibility, VoucherKind
from portal.core import clock
from portal.core.db import db, reading, transaction
from tests import seats
from tests.membership import inside
from tests.people import browser, make_org, make_person, post

K, DAY = BookingState, timedelta(days=1)
NAME = {"name": "Lin Mu", "language": "en", "rules": "y"}


def test_after_the_cut_off_the_page_offers_no_change_and_a_late_post_is_refused(app: Flask) -> None:
    with inside(app), transaction():
        seats.house("lin")
        row, other = seats.booked("lin", seats.session(days=10)), seats.session(days=20)
    page, start = f"/exams/bookings/{row.uid}", row.session.starts_at
    lin = browser(app, "lin@mail.example")
    assert "Cancel the booking" in lin.get(page).text
    with clock.stopped_at(start - DAY):
        lin = browser(app, "lin@mail.example")
        late = lin.get(page).text
        assert ("The time for changes is over." in late, "Cancel the booking" in late) == (True, False)
        for path, more in (("cancellation", {}), ("move", {"to": other.uid})):
            said = post(lin, f"{page}/{path}", **more)
            assert said.status_code == 409
            assert "Changes end 24 hours before the start." in said.text
    with inside(app), reading():
        assert db.session.query(Booking).one().state is K.CONFIRMED


def test_a_cool_down_names_the_first_possible_day(app: Flask) -> None:
    with inside(app), transaction():
        seats.house("lin")
        row = seats.booked("lin", seats.session(days=2))
    told = row.session.starts_at + DAY
    with inside(app):
        with clock.stopped_at(row.session.starts_at), transaction():
            booking.check_in(row, by=seats.who("proctor"))
        with clock.stopped_at(told), transaction():
            attempts.finish(row, Outcome.FAILED, at=told, by=seats.who("certs"))
            soon = seats.session(days=10)
    with clock.stopped_at(told):
        said = post(browser(app, "lin@mail.example"), f"/exams/sessions/{soon.uid}/holds")
        assert said.status_code == 409
        assert f"a session may start from {clock.day_of(told + 14 * DAY)} on" in said.text


def test_a_voucher_that_is_used_up_keeps_what_was_typed(app: Flask) -> None:
    with inside(app), transaction():
        seats.house("lin", "mei")
        row, code = vouchers.make(
            by=seats.who("certs"), kind=VoucherKind.PERCENT, value=1000, words="Fair", most=1, starts=clock.today(),
            ends=clock.today() + 9 * DAY,
        )  # fmt: skip
    order = {"payer": "me", "age": "minor", "guardian": "Lin Da", "code": vouchers.shown(code)}
    assert post(browser(app, "lin@mail.example"), "/exams/buy/OPDEV", **order).status_code == 303
    said = post(browser(app, "mei@mail.example"), "/exams/buy/OPDEV", **order)
    assert said.status_code == 422
    assert "This voucher code is not valid here." in said.text
    assert vouchers.shown(code) in said.text
    assert 'value="Lin Da"' in said.text
    with inside(app), reading():
        assert (db.session.query(Eligibility).count(), db.session.query(Invoice).count()) == (1, 1)
        assert db.session.get_one(type(row), row.id).used == 1


def test_an_empty_bundle_says_so_and_offers_no_form(app: Flask) -> None:
    with inside(app), transaction():
        seats.house()
        owner = make_person("chen@galaxy.example", "Chen")
        org = make_org("Galaxy Ltd", (owner, ContactRole.OWNER))
    chen = browser(app, "chen@galaxy.example")
    page = post(chen, "/exams/seats", org=org.uid, level="OPDEV", quantity="1").location
    early = post(chen, f"{page}/assignments", email="lin@mail.example")
    assert (early.status_code, "No seat of this bundle is free." in early.text) == (409, True)
    with inside(app), transaction():
        seats.pay(db.session.query(Invoice).one())
    assert post(chen, f"{page}/assignments", email="lin@mail.example").status_code == 303
    assert "Make a code" not in chen.get(page).text
    for path, more in (("assignments", {"email": "mei@mail.example"}), ("codes", {})):
        said = post(chen, f"{page}/{path}", **more)
        assert (said.status_code, "No seat of this bundle is free." in said.text) == (409, True)


def test_a_session_called_off_explains_itself_and_takes_nobody(app: Flask) -> None:
    with inside(app), transaction():
        seats.house("lin", "mei")
        place, other = seats.session(days=10), seats.session(days=20)
        row = seats.booked("lin", place)
        seats.eligible(seats.who("mei"))
        deed = exam_deeds.propose_call_off(place, by=seats.who("certs"), reason="No power.")
    lin, mei = browser(app, "lin@mail.example"), browser(app, "mei@mail.example")
    assert mei.get(f"/exams/sessions/{place.uid}").status_code == 200
    with inside(app), transaction():
        exam_deeds.confirm(deed, by=seats.who("chief"))
    page = lin.get(f"/exams/bookings/{row.uid}").text
    assert "this session will not take place. No power." in page
    assert "Booking for this session has closed." in lin.get(f"/exams/sessions/{place.uid}").text
    assert post(lin, f"/exams/sessions/{place.uid}/holds").status_code == 409
    assert post(mei, f"/exams/sessions/{place.uid}/holds").status_code == 404
    assert place.uid not in mei.get("/exams/sessions").text
    held = post(lin, f"/exams/sessions/{other.uid}/holds")
    assert post(lin, f"{held.location}/confirmation", **NAME).status_code == 303


PAGES = {
    "/exams/sessions": "No session is open for booking",
    "/exams/mine": "You have no exam yet",
    "/office/exams/sessions": "No session here",
    "/office/exams/proposals": "Nothing waits for a second person",
    "/office/exams/eligibilities": "Nobody found",
    "/office/exams/bundles": "No company has bought seats",
    "/office/exams/accommodations": "No request waits",
    "/office/exams/vouchers": "New vouchers",
}


@pytest.mark.parametrize("language", ["en", "zh_Hans_CN"])
def test_pages_with_nothing_on_them_say_what_will_come(app: Flask, language: str) -> None:
    with inside(app), transaction():
        seats.house()
    certs = browser(app, "certs@house.example", language=language)
    for path, words in PAGES.items():
        answer = certs.get(path)
        assert answer.status_code == 200, path
        assert (words in answer.text) == (language == "en"), path


def test_a_moved_booking_leads_to_the_one_that_took_its_place(app: Flask) -> None:
    with inside(app), transaction():
        seats.house("lin")
        row, other = seats.booked("lin", seats.session(days=10)), seats.session(days=20)
        moved = booking.reschedule(row, other.id, by=row.person)
    page = browser(app, "lin@mail.example").get(f"/exams/bookings/{row.uid}").text
    assert f'href="/exams/bookings/{moved.uid}"' in page
    assert "Moved to another session" in page
