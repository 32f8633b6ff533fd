"""The private calendar of milestones and slots (services.md §7): what it shows to whom, and when its address finds nothing."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import select, update

from portal.accounts import erasure_plan
from portal.accounts.events import PersonErased
from portal.accounts.organisations import Contact
from portal.accounts.people import Person
from portal.core import clock, events, personal, vault
from portal.core.db import db, reading
from portal.core.states import move
from portal.services.diary.models import CalendarAddress
from portal.services.engagements.models import Engagement, EngagementState
from portal.services.slots.kinds import SlotState, WorkKind
from portal.services.slots.models import SlotQuarter, SlotRequest
from tests import services_scene as s
from tests.people import browser, post

NOW = "2026-03-02T10:00"


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app)
    with s.at(app, NOW):
        s.accepted()
        s.accepted(s.sent(to="Spruce Software"), by="sam")
        quarter = SlotQuarter(start=date(2026, 4, 1), slots=3, person_days=90)
        for state in (SlotState.OFFERED, SlotState.BOOKED, SlotState.RELEASED):
            row = SlotRequest(
                org=s.org(), kind=WorkKind.CHIP, wish="A secret wish", by=s.person("tech"), asked_on=clock.today()
            )  # fmt: skip
            row.quarter, row.offered_on = quarter, clock.today()
            db.session.add(row)
            db.session.flush()
            row.state = state
            row.answer_by = date(2026, 3, 9) if state is SlotState.OFFERED else None
            row.starts_on = None if state is SlotState.OFFERED else date(2026, 4, 1)
    return app


def made(house: Flask, who: str) -> tuple[Any, str]:
    """Make somebody's address by the page; return his browser and the path."""
    page = browser(
        house, f"{who}@{'house' if who == 'mia' else 'spruce' if who == 'sam' else 'galaxy'}.example"
    )
    answer = post(page, "/calendar/")
    found = re.search(r"<code[^>]*>https?://[^/<]+(/calendar/[^<]+\.ics)</code>", answer.text)
    assert answer.status_code == 200, answer.text
    assert found is not None, answer.text
    return page, found[1]


def read(house: Flask, path: str) -> list[tuple[str, str, str]]:
    """Read a calendar without signing in; return summary, day and status of each entry."""
    answer = house.test_client().get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    found: list[Any] = list(Calendar.from_ical(answer.data).walk("VEVENT"))
    uids = [str(one["uid"]) for one in found]
    assert len(set(uids)) == len(uids)
    assert all(one["dtstamp"].dt.utcoffset().total_seconds() == 0 for one in found)
    return sorted((str(one["summary"]), str(one["dtstart"].dt), str(one["status"])) for one in found)


def test_a_calendar_shows_what_its_person_may_see_and_ends(house: Flask) -> None:
    with clock.stopped_at(s.china(NOW)):
        page, path = made(house, "tech")
        mine = read(house, path)
        assert [day for _said, day, _status in mine if "P-2026-0001" in _said] == [
            "2026-04-01", "2026-06-01", "2026-09-01",
        ]  # fmt: skip
        assert [(day, status) for said, day, status in mine if "2026Q2" in said] == [
            ("2026-04-01", "CANCELLED"), ("2026-04-01", "CONFIRMED"), ("2026-03-09", "TENTATIVE"),
        ]  # fmt: skip
        assert "P-2026-0002" not in str(mine)
        text = house.test_client().get(path)
        assert b"secret" not in text.data
        assert (
            house.test_client().get(path, headers={"If-None-Match": text.headers["ETag"]}).status_code == 304
        )
        _page, theirs = made(house, "sam")
        assert {said.split(" ")[2] for said, _day, _status in read(house, theirs)} == {"P-2026-0002"}
        _page, all_of = made(house, "mia")
        assert "Galaxy Chips" in str(read(house, all_of))
        assert "Spruce Software" in str(read(house, all_of))
        with s.at(house, NOW):
            for number, state in (
                ("P-2026-0001", EngagementState.TERMINATED),
                ("P-2026-0002", EngagementState.RUNNING),
            ):
                row = db.session.scalars(select(Engagement).where(Engagement.number == number)).one()
                move(row, state)
                row.ended_on = clock.today() if state is EngagementState.TERMINATED else None
        assert {status for said, _day, status in read(house, path) if "P-2026" in said} == {"CANCELLED"}
        _page, again = made(house, "tech")  # made anew: the old one finds nothing
        assert again != path
        assert [house.test_client().get(one).status_code for one in (path, again)] == [404, 200]
        assert ".ics" not in page.get("/calendar/").text  # shown once
        assert post(page, "/calendar/end").status_code == 303
        assert house.test_client().get(again).status_code == 404
        assert post(page, "/calendar/end").status_code == 409
    _what_takes_it_away(house, theirs, all_of)


def _what_takes_it_away(house: Flask, theirs: str, all_of: str) -> None:
    """A lost role, a closed account and an erased person each leave nothing; the token itself is nowhere."""
    with house.app_context(), clock.stopped_at(s.china(NOW)), reading():
        rows = list(db.session.scalars(select(CalendarAddress).order_by(CalendarAddress.id)))
        tokens = [path.split("/")[-1].removesuffix(".ics") for path in (theirs, all_of)]
        assert {vault.digest(one) for one in tokens} <= {one.token_hash for one in rows}
        told = {one.code: one.rows for one in personal.sheets(s.person("sam"))}
        assert [one["ended"] for one in told["calendar_addresses"]] == [None]
    client = house.test_client()
    with s.at(house, NOW):
        db.session.execute(
            update(Contact).where(Contact.person_id == s.person("sam").id).values(ended_at=clock.now())
        )
        db.session.execute(
            update(Person).where(Person.email == "mia@house.example").values(disabled_at=clock.now())
        )
    with clock.stopped_at(s.china(NOW)):
        assert [client.get(one).status_code for one in (theirs, all_of, "/calendar/x.ics")] == [404] * 3
    with s.at(house, NOW):
        person = s.person("sam")
        planned = [one for one in erasure_plan.plan(person) if one["item"] == "calendar_addresses"]
        assert [(one["fate"], one["count"]) for one in planned] == [("erased", 1)]
        events.publish(PersonErased(person, "Person 1", person.name, person.email))
        left = db.session.scalars(select(CalendarAddress).where(CalendarAddress.person_id == person.id)).all()
        assert left == []
