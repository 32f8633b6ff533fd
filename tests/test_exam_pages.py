"""Exams as candidates, companies, staff and programs meet them."""

from __future__ import annotations

import re
from datetime import timedelta

import icalendar
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts import tokens
from portal.accounts.may import ContactRole
from portal.accounts.scopes import Scope
from portal.billing.models import Invoice
from portal.certs.models.booking import Booking, BookingState, ExamSession, SessionState
from portal.certs.models.care import Accommodation
from portal.certs.models.eligibility import Eligibility, EligibilityState, Voucher
from portal.certs.seat_verify import verify_seats
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.mail import MailMessage
from tests import seats
from tests.counting import counted
from tests.membership import inside
from tests.people import browser, make_org, make_person, post

K = BookingState
CODE = re.compile(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}")


def scene(app: Flask, *names: str, capacity: int = 2) -> str:
    """Add staff, candidates and a session; return the session's address."""
    with inside(app), transaction():
        seats.house(*names)
        return f"/exams/sessions/{seats.session(capacity=capacity).uid}"


def mine(app: Flask, name: str) -> list[tuple[str, BookingState]]:
    with inside(app), reading():
        rows = select(Booking).where(Booking.person_id == seats.who(name).id).order_by(Booking.id)
        return [(row.uid, row.state) for row in db.session.scalars(rows)]


def ready(app: Flask, *names: str) -> None:
    with inside(app), transaction():
        for name in names:
            seats.eligible(seats.who(name))


def candidate(app: Flask, name: str, **more: str) -> FlaskClient:
    return browser(app, f"{name}@mail.example", **more)


def staff(app: Flask, name: str) -> FlaskClient:
    return browser(app, f"{name}@house.example")


NAME = {"name": "林木", "name_latin": "Lin Mu", "language": "en", "rules": "y"}


def test_a_candidate_buys_pays_books_moves_and_cancels(app: Flask) -> None:
    place = scene(app, "lin", "mei")
    lin, mei = candidate(app, "lin"), candidate(app, "mei")
    assert (
        "FlagOS Operator Developer"
        in app.test_client().get("/exams/sessions", headers={"Accept-Language": "en"}).text
    )
    wrong = post(lin, "/exams/buy/OPDEV", payer="me", age="minor", code="")
    assert wrong.status_code == 422
    assert "Please name the parent who consents." in wrong.text
    bought = post(lin, "/exams/buy/OPDEV", payer="me", age="minor", guardian="Lin Da", code="")
    assert bought.status_code == 303
    assert post(lin, f"{place}/holds").location == "/exams/buy/OPDEV"
    with inside(app), transaction():
        row = db.session.query(Eligibility).one()
        assert (row.guardian, bought.location) == ("Lin Da", f"/invoices/{seats.invoice(row).uid}")
        seats.pay(seats.invoice(row))
    held = post(lin, f"{place}/holds")
    assert held.location.startswith("/exams/bookings/")
    assert mei.get(held.location).status_code == 404
    page = lin.get(held.location).text
    assert "Confirm name and rules" in page
    half = post(lin, f"{held.location}/confirmation", **{**NAME, "rules": ""})
    assert half.status_code == 422
    assert 'value="林木"' in half.text
    assert post(mei, f"{held.location}/confirmation", **NAME).status_code == 404
    assert post(lin, f"{held.location}/confirmation", **NAME).status_code == 303
    file = lin.get(f"{held.location}/calendar.ics")
    assert file.content_type.startswith("text/calendar")
    assert icalendar.Calendar.from_ical(file.data)["METHOD"] == "REQUEST"
    with inside(app), transaction():
        other = seats.session(days=50)
    moved = post(lin, f"{held.location}/move", to=other.uid)
    assert moved.status_code == 303
    assert post(lin, f"{held.location}/cancellation").status_code == 409
    assert post(lin, f"{moved.location}/cancellation").status_code == 303
    assert [state for _uid, state in mine(app, "lin")] == [K.RESCHEDULED, K.CANCELLED]
    assert icalendar.Calendar.from_ical(lin.get(f"{moved.location}/calendar.ics").data)["METHOD"] == "CANCEL"
    for language, words in (("en", "My exams"), ("zh_Hans_CN", "我的考试")):
        assert words in candidate(app, "lin", language=language).get("/exams/mine").text
    with inside(app), reading():
        assert verify_seats()[1] == []


def test_a_full_session_offers_its_waitlist_and_an_offer_is_taken_from_the_page(app: Flask) -> None:
    place = scene(app, "lin", "mei", capacity=1)
    ready(app, "lin", "mei")
    lin, mei = candidate(app, "lin"), candidate(app, "mei")
    first = post(lin, f"{place}/holds").location
    full = post(mei, f"{place}/holds")
    assert full.location == place
    assert "Join the waitlist" in mei.get(place).text
    waits = post(mei, f"{place}/queue").location
    assert "You are number 1 on the waitlist" in mei.get(waits).text
    assert post(lin, f"{first}/release").status_code == 303
    assert "This seat is yours until" in mei.get(waits).text
    assert post(mei, f"{waits}/confirmation", **NAME).status_code == 303
    assert [state for _uid, state in mine(app, "mei")] == [K.CONFIRMED]


def test_staff_draw_up_a_session_at_its_sites_time(app: Flask) -> None:
    scene(app)
    certs = staff(app, "certs")
    year = clock.today().year + 1
    form = {
        "level": "OPDEV", "tz": "Europe/Berlin", "minutes": "60", "mode": "site", "place": "Berlin", "capacity": "10",
        "languages": "en", "start": "02:30",
    }  # fmt: skip
    spring, autumn = (str(_last_sunday(year, month)) for month in (3, 10))
    skipped = post(certs, "/office/exams/sessions/new", **form, day=spring)
    assert skipped.status_code == 422
    assert "the clocks skip it" in skipped.text
    asked = post(certs, "/office/exams/sessions/new", **form, day=autumn)
    assert asked.status_code == 422
    assert "This time comes twice that night" in asked.text
    made = post(certs, "/office/exams/sessions/new", **form, day=autumn, which="second")
    assert made.status_code == 303
    with inside(app), reading():
        row = db.session.query(ExamSession).order_by(ExamSession.id.desc()).first()
        assert row is not None
        assert (row.starts_at.hour, row.starts_at.minute, row.state) == (1, 30, SessionState.DRAFT)
        who = seats.who("proctor").uid
    assert "A proctor is needed." in certs.get(made.location).text
    assert post(certs, f"{made.location}/publication").status_code == 409
    assert post(certs, f"{made.location}/proctors", proctors=who).status_code == 303
    assert post(certs, f"{made.location}/publication").status_code == 303
    assert post(certs, f"{made.location}/capacity", capacity="12").status_code == 303
    assert post(certs, f"{made.location}/capacity", capacity="none").status_code == 422
    assert candidate_sees(app, made.location.rsplit("/", 1)[-1])


def candidate_sees(app: Flask, uid: str) -> bool:
    return app.test_client().get(f"/exams/sessions/{uid}").status_code == 200


def _last_sunday(year: int, month: int) -> object:
    from datetime import date

    day = date(year, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def test_two_people_call_a_session_off_and_change_what_is_late(app: Flask) -> None:
    scene(app, "lin")
    with inside(app), transaction():
        near = seats.session(days=2, capacity=3)
        row = seats.booked("lin", near)
        uid, place = row.uid, near.uid
    with inside(app), transaction():
        soon = db.session.get_one(ExamSession, near.id)
        soon.starts_at, soon.ends_at = clock.now() + timedelta(hours=3), clock.now() + timedelta(hours=4)
        db.session.get_one(Booking, row.id).until_at = soon.ends_at
    certs, second, chief = staff(app, "certs"), staff(app, "certs2"), staff(app, "chief")
    page = f"/office/exams/bookings/{uid}"
    assert post(certs, f"{page}/cancellation", reason="hospital").status_code == 303
    assert mine(app, "lin")[0][1] is K.CONFIRMED
    assert "hospital" in second.get("/office/exams/proposals").text
    deed = re.search(r"/office/exams/proposals/\w{32}", second.get("/office/exams/proposals").text)
    assert deed is not None
    assert post(certs, f"{deed[0]}/confirmation").status_code == 403
    assert post(chief, f"{deed[0]}/confirmation").status_code == 403
    assert post(second, f"{deed[0]}/confirmation").status_code == 303
    assert mine(app, "lin")[0][1] is K.CANCELLED
    assert post(certs, f"/office/exams/sessions/{place}/call-off", reason="No power").status_code == 303
    off = re.search(r"/office/exams/proposals/\w{32}", chief.get("/office/exams/proposals").text)
    assert off is not None
    assert post(second, f"{off[0]}/confirmation").status_code == 403
    assert post(chief, f"{off[0]}/confirmation").status_code == 303
    with inside(app), reading():
        assert db.session.query(ExamSession).filter_by(uid=place).one().state is SessionState.CALLED_OFF
        assert verify_seats()[1] == []


def test_vouchers_are_shown_once_and_wrong_codes_are_slowed_down(app: Flask) -> None:
    scene(app, "lin")
    certs, second, lin = staff(app, "certs"), staff(app, "certs2"), candidate(app, "lin")
    today = clock.today()
    form = {
        "words": "Teachers", "kind": "full", "value": "", "starts": str(today), "ends": str(today + timedelta(days=9)),
        "most": "1", "per_person": "1", "codes": "2", "reason": "they teach",
    }  # fmt: skip
    made = post(certs, "/office/exams/vouchers", **form)
    codes = CODE.findall(made.text)
    assert (made.status_code, len(codes)) == (200, 2)
    assert CODE.findall(certs.get("/office/exams/vouchers").text) == []
    with inside(app), reading():
        first = db.session.scalars(select(Voucher.uid).order_by(Voucher.id)).first()
    assert post(certs, f"/office/exams/vouchers/{first}/approval").status_code == 403
    assert post(second, f"/office/exams/vouchers/{first}/approval").status_code == 303
    order = {"payer": "me", "age": "adult"}
    said = [post(lin, "/exams/buy/OPDEV", **order, code=f"WRONG{n}").status_code for n in range(7)]
    assert said[0] == 422
    assert 429 in said
    with clock.stopped_at(clock.now() + timedelta(hours=2)):
        good = post(candidate(app, "lin"), "/exams/buy/OPDEV", **order, code=codes[0].lower())
        assert good.status_code == 303
    with inside(app), reading():
        assert db.session.query(Eligibility).one().state is EligibilityState.ACTIVE


def test_a_company_buys_assigns_and_takes_back_seats(app: Flask) -> None:
    scene(app, "lin")
    with inside(app), transaction():
        owner = make_person("chen@galaxy.example", "Chen")
        other = make_person("wu@other.example", "Wu")
        org = make_org("Galaxy Ltd", (owner, ContactRole.OWNER))
        make_org("Other Ltd", (other, ContactRole.OWNER))
    chen, wu, lin = (
        browser(app, "chen@galaxy.example"),
        browser(app, "wu@other.example"),
        candidate(app, "lin"),
    )
    page = post(chen, "/exams/seats", org=org.uid, level="OPDEV", quantity="3").location
    assert wu.get(page).status_code == 404
    assert lin.get("/exams/seats").status_code == 403
    with inside(app), transaction():
        seats.pay(db.session.query(Invoice).one())
    assert post(chen, f"{page}/assignments", email="lin@mail.example").status_code == 303
    assert post(chen, f"{page}/assignments", email="lin@mail.example").status_code == 422
    code = CODE.search(post(chen, f"{page}/codes").text)
    assert code is not None
    assert CODE.search(chen.get(page).text) is None
    accept = re.search(r"/exams/seats/\w{32}/acceptance", lin.get("/exams/mine").text)
    assert accept is not None
    assert post(wu, accept[0]).status_code == 404
    assert post(lin, accept[0]).status_code == 303
    assert post(wu, "/exams/seats/code", code=code[0]).status_code == 303
    back = re.search(r"/exams/assignments/\w{32}/return", chen.get(page).text)
    assert back is not None
    assert post(wu, back[0]).status_code == 404
    assert post(chen, back[0]).status_code == 303
    with inside(app), reading():
        assert verify_seats()[1] == []


def test_accommodations_are_asked_decided_and_their_evidence_goes(app: Flask) -> None:
    scene(app, "lin")
    lin, certs = candidate(app, "lin"), staff(app, "certs")
    assert post(lin, "/exams/accommodations", evidence="A letter").status_code == 422
    assert (
        post(lin, "/exams/accommodations", wanted="time_125", evidence="A letter of 3 May").status_code == 303
    )
    assert "A letter of 3 May" in certs.get("/office/exams/accommodations").text
    assert staff(app, "proctor").get("/office/exams/accommodations").status_code == 403
    with inside(app), reading():
        uid = db.session.scalars(select(Accommodation.uid)).one()
    decide = f"/office/exams/accommodations/{uid}/decision"
    assert post(certs, decide).status_code == 422
    assert post(certs, decide, granted="time_125").status_code == 303
    with inside(app), reading():
        row = db.session.query(Accommodation).one()
        assert (row.factor, row.evidence) == (125, "")
    assert "Accommodations granted" in lin.get("/exams/accommodations").text
    assert post(lin, f"/exams/accommodations/{uid}/withdrawal").status_code == 303


def test_programs_book_with_the_same_refusals(app: Flask) -> None:
    place = scene(app, "lin", "mei", capacity=1).rsplit("/", 1)[-1]
    ready(app, "lin", "mei")
    with inside(app), transaction():
        keys = {
            name: tokens.give("own", [Scope.EXAMS_READ, Scope.EXAMS_WRITE], 30, by=seats.who(name))[1]
            for name in ("lin", "mei")
        }
        more = seats.session(days=60)
    client = app.test_client(use_cookies=False)

    def ask(name: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
        head = {"Authorization": f"Bearer {keys[name]}", "Accept-Language": "en"}
        send = client.get if body is None else client.post
        answer = send(f"/api/v1{path}", headers=head, **({} if body is None else {"json": body}))
        return answer.status_code, answer.get_json()

    shown = client.get("/api/v1/sessions?level=OPDEV").get_json()["items"]
    assert [(one["id"], one["free"]) for one in shown] == [(place, 1), (more.uid, 2)]
    status, held = ask("lin", "/bookings", {"session": place})
    assert (status, held["state"]) == (201, "held")
    status, full = ask("mei", "/bookings", {"session": place})
    assert (status, full["detail"]) == (
        409,
        "All seats of this session are taken. You may join the waitlist.",
    )
    status, waits = ask("mei", "/bookings", {"session": place, "queue": True})
    assert (status, waits["state"], waits["place"]) == (201, "waiting", 1)
    assert ask("mei", f"/bookings/{held['id']}")[0] == 404
    word = {"name": "Lin", "language": "en", "rules": "old"}
    assert ask("lin", f"/bookings/{held['id']}/confirmation", word)[0] == 422
    status, done = ask("lin", f"/bookings/{held['id']}/confirmation", {**word, "rules": "2026-01"})
    assert (status, done["state"]) == (200, "confirmed")
    status, moved = ask("lin", f"/bookings/{held['id']}/move", {"session": more.uid})
    assert (status, moved["moved_from"]) == (201, held["id"])
    assert ask("mei", f"/bookings/{waits['id']}")[1]["state"] == "offered"
    assert ask("mei", f"/bookings/{waits['id']}/release", {})[1]["state"] == "lapsed"
    assert ask("lin", f"/bookings/{moved['id']}/cancellation", {})[1]["state"] == "cancelled"
    assert [one["state"] for one in ask("lin", "/bookings")[1]["items"]] == ["cancelled", "rescheduled"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/exams/sessions", "/office/exams/sessions"])
def test_lists_of_sessions_take_a_fixed_number_of_statements(app: Flask, path: str) -> None:
    scene(app)
    certs = staff(app, "certs")

    def statements() -> int:
        with counted(app) as seen:
            assert certs.get(path).status_code == 200
        return len(seen)

    statements()
    few = statements()
    with inside(app), transaction():
        for days in range(20, 30):
            seats.session(days=days)
    assert statements() == few


def test_mails_go_out_in_the_candidates_language(app: Flask) -> None:
    scene(app)
    with inside(app), transaction():
        person = make_person("zhao@mail.example", "赵云", language="zh_Hans_CN")
        place = seats.session(days=40)
        seats.booked("zhao", place)
        mail = db.session.query(MailMessage).filter(MailMessage.key.startswith("exam-booked")).one()
        assert (mail.address, mail.title) == (person.email, "考试已预约：算子开发工程师")
