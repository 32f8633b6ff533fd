"""What a request is told of its reader: the same to one that looks as to one that writes, and never of yesterday."""

from __future__ import annotations

from datetime import date
from typing import cast

from flask import Flask
from sqlalchemy import select, update

from portal.accounts import arrival
from portal.accounts.access import Reader
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact
from portal.accounts.people import Grant, Person, UserSession
from portal.core import nav, vault
from portal.core.db import db, transaction
from portal.members import checklist, overview
from portal.members.belonging import ChecklistTick, Membership
from portal.members.models import Application, ApplicationState, Kind
from portal.members.standing import Standing
from tests.people import browser, make_org, make_person, session_for


def _reader(person: Person, *more: StaffRole) -> Reader:
    """A reader of a test that has no browser: the session is never asked."""
    return Reader(person, cast(UserSession, None), frozenset({StaffRole.REVIEWER, *more}), (), enrolled=True)


def _application(by: Person, n: int) -> Application:
    return Application(
        kind=Kind.JOIN, org=make_org(f"第 {n} 家"), applicant=by, language="en", form_version=1,
        catalogue_day=date(2026, 1, 1), state=ApplicationState.SUBMITTED,
    )  # fmt: skip


def test_a_page_that_looks_knows_the_same_of_its_reader_as_one_that_writes(app: Flask) -> None:
    with app.app_context(), transaction():
        person = make_person("both@house.example", staff=(StaffRole.REVIEWER, StaffRole.FINANCE))
        make_org("星河有限公司", (person, ContactRole.OWNER))
        key = session_for(person)
    said = []
    for method in ("GET", "POST"):
        with app.test_request_context("/", method=method):
            found = arrival.of(vault.digest(key), date(2090, 1, 1))
            assert found is not None
            who, live, rest = found
            said.append(
                (
                    {one.key: getattr(who, one.key) for one in arrival.PERSON},
                    {one.key: getattr(live, one.key) for one in arrival.SESSION},
                    (who.subject, live.subject, who.get_id(), who.is_authenticated, who.is_anonymous),
                    rest,
                )
            )
            assert isinstance(who, Person) is (method == "POST")
            db.session.rollback()
    assert said[0] == said[1]
    assert set(said[0][0]) == {one.key for one in Person.__mapper__.column_attrs}
    assert set(said[0][1]) == {one.key for one in UserSession.__mapper__.column_attrs}


def test_a_role_taken_away_and_a_session_ended_are_heard_at_the_next_request(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("leaves@house.example", staff=(StaffRole.REVIEWER, StaffRole.FINANCE))
    client = browser(app, "leaves@house.example")
    assert "/office/money/receipts" in client.get("/office/members/").text
    with app.app_context(), transaction():
        db.session.execute(
            update(Grant)
            .where(Grant.role == StaffRole.FINANCE)
            .values(start=date(2000, 1, 1), end=date(2000, 1, 2))
        )
    assert "/office/money/receipts" not in client.get("/office/members/").text
    assert client.get("/office/money/invoices").status_code == 403
    with app.app_context(), transaction():
        db.session.execute(update(Grant).values(start=date(2000, 1, 1), end=date(2000, 1, 2)))
    assert client.get("/office/members/").status_code == 403
    with app.app_context(), transaction():
        row = db.session.scalars(select(UserSession)).one()
        row.ended_at = row.created_at
    assert client.get("/office/members/").status_code == 303


def test_a_rail_that_is_kept_shows_what_waits_now_in_the_language_asked_for(app: Flask) -> None:
    with app.app_context(), transaction():
        person = make_person("rail@house.example", staff=(StaffRole.REVIEWER,))
    reader = _reader(person)
    for n, (language, said) in enumerate(
        (("en", "Applications"), ("zh", "入会申请"), ("en", "Applications"))
    ):
        with app.test_request_context("/office/members/", headers={"Accept-Language": language}):
            lines = {line.endpoint: line for line in nav.rail("office", reader)}
            db.session.rollback()
        assert (lines["cases.queue"].label, lines["cases.queue"].waits) == (said, n)
        assert lines["roll.members"].waits is None
        with app.test_request_context(
            "/office/members/x/y"
        ):  # an address below, without an endpoint of its own
            lines = {line.endpoint: line for line in nav.rail("office", reader)}
            assert [line.endpoint for line in lines.values() if line.active] == ["roll.members"]
            db.session.rollback()
        with app.app_context(), transaction():
            db.session.add(_application(db.session.get_one(Person, person.id), n))


def test_the_page_of_a_member_tells_what_each_question_alone_tells(app: Flask) -> None:
    with app.app_context(), transaction():
        staff = make_person("page@house.example", staff=(StaffRole.REVIEWER, StaffRole.FINANCE))
        org = make_org("星河有限公司", (staff, ContactRole.OWNER))
        row = Membership(org=org, standing=Standing.ACTIVE, tier="gold", member_since=date(2026, 1, 5))
        db.session.add_all([row, ChecklistTick(membership=row, item="briefing", by_name="test")])
        uid = org.uid
    reader = _reader(staff, StaffRole.FINANCE)
    with app.test_request_context("/"):
        shown = overview.of(uid, reader)
        assert shown is not None
        row = shown["membership"]
        assert shown["items"] == checklist.items(row)
        assert {one.code: one.done for one in shown["items"]}["briefing"]
        assert [one.role for one in shown["people"]] == [
            one.role for one in db.session.scalars(select(Contact).where(Contact.org_id == row.org_id))
        ]
        assert (shown["terms"], shown["grants"], shown["invoices"], shown["former"]) == ([], [], [], [])
        assert overview.of("0" * 32, reader) is None
