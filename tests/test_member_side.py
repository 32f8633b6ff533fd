"""The member's side: home, benefits, profile with a stale tab, people with successors, lists, last days."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact, Organisation
from portal.core.db import db, reading, transaction
from portal.core.words import day
from portal.members.belonging import Term
from tests import road
from tests.people import browser, last_mail, link_in, make_org, make_person, post


def member(app: Flask) -> tuple[dict[str, FlaskClient], FlaskClient, str]:
    house, client = road.staff(app), road.company(app)
    uid = road.approved(app, house, client, category="model", tier="gold")
    road.sign(app, house, client, uid)
    road.pay(app, house, "160,000.00", road.invoice_of(app, uid).reference)
    road.work(app)
    return house, client, uid


def test_until_is_the_last_covered_day_everywhere(app: Flask) -> None:
    house, client, uid = member(app)
    with app.app_context(), reading(), app.test_request_context("/", headers={"Accept-Language": "en"}):
        end = db.session.scalars(select(Term.end)).one()
        assert end is not None
        last, first_without = day(end - timedelta(days=1)), day(end)
        org = db.session.scalars(select(Organisation.uid)).one()
    for page in ("/home", "/membership", "/benefits"):
        text = client.get(page).text
        assert (last in text, first_without in text) == (True, False), page
    office = house["rui"].get(f"/office/members/{org}").text
    assert (last in office, first_without in office) == (True, False)
    story = house["rui"].get(f"/office/applications/{uid}").text
    assert "Completed" in story
    assert "Fulfilled" not in story


def test_home_has_tasks_then_figures_then_the_checklist_with_owners(app: Flask) -> None:
    _house, client, _uid = member(app)
    page = client.get("/home").text
    assert page.index("What waits for you") < page.index("Membership year") < page.index("Settling in")
    assert "Seen to by: Marketing" in page
    assert "Find somebody for the role: Voting representative" in page
    benefits = client.get("/benefits").text
    assert "Talent referral" in benefits
    assert "What Platinum would add" in benefits
    assert "A voice in standards" in benefits


def test_a_stale_tab_is_told_and_keeps_what_was_typed(app: Flask) -> None:
    _house, client, _uid = member(app)
    seen = re.search(r'name="version"[^>]*value="(\d+)"', client.get("/profile").text)
    assert seen is not None
    typed = {"version": seen.group(1), "homepage": "https://www.galaxy-chips.example", "address": "a"}
    assert post(client, "/profile", display_name_en="Galaxy", about="One.", **typed).status_code == 303
    stale = post(client, "/profile", display_name_en="Milky Way", about="Two.", **typed)
    assert stale.status_code == 409
    assert 'value="Milky Way"' in stale.text
    assert "Present entry: Galaxy" in stale.text
    with app.app_context(), reading():
        org = db.session.scalars(select(Organisation)).one()
        assert (org.display_name_en, org.about, "galaxy" in org.search_text) == ("Galaxy", "One.", True)
    fresh = re.search(r'name="version"[^>]*value="(\d+)"', stale.text)
    assert fresh is not None
    wrong = post(
        client, "/profile", **{**typed, "version": fresh.group(1), "homepage": "javascript:alert(1)"}
    )
    assert (wrong.status_code, "whole address" in wrong.text) == (422, True)
    again = post(client, "/profile", display_name_en="Milky Way", **{**typed, "version": fresh.group(1)})
    assert again.status_code == 303


def test_the_last_of_a_required_role_names_a_successor(app: Flask) -> None:
    _house, client, _uid = member(app)
    page = client.get("/people").text
    assert "exactly 1" in page
    with app.app_context(), reading():
        uid = db.session.scalars(select(Contact.uid).where(Contact.role == ContactRole.SIGNATORY)).one()
    assert post(client, f"/people/{uid}/end").status_code == 409
    assert post(client, f"/people/{uid}/successor", email="nobody").status_code == 422
    assert post(client, f"/people/{uid}/successor", email="sun@galaxy-chips.example").status_code == 303
    assert "follows Chen Wei" in client.get("/people").text
    with app.app_context(), transaction():
        make_person("sun@galaxy-chips.example", "Sun")
        assert db.session.scalars(select(Contact.ended_at).where(Contact.uid == uid)).one() is None
    heir = browser(app, "sun@galaxy-chips.example")
    heir.get(link_in(last_mail(app, "sun@galaxy-chips.example")))
    assert post(heir, "/invitation").status_code == 303
    with app.app_context(), reading():
        live = db.session.scalars(
            select(Contact).where(Contact.role == ContactRole.SIGNATORY, Contact.ended_at.is_(None))
        ).one()
        assert live.person.name == "Sun"


def test_empty_states_lead_on_and_foreign_rows_are_not_there(app: Flask) -> None:
    with app.app_context(), transaction():
        eve = make_person("eve@other.example", "Eve")
        make_org("Other", (eve, ContactRole.OWNER))
        hr = make_person("hr@other.example", "Hana")
        other = make_org("Third", (hr, ContactRole.HR))
        foreign = db.session.scalars(select(Contact.uid).where(Contact.org_id == other.id)).one()
    client = browser(app, "eve@other.example")
    for page, words in (
        ("/home", "Not a member yet"), ("/membership", "Not a member yet"), ("/benefits", "No benefits are open"),
        ("/applications", "No application yet"), ("/agreements", "No agreement yet"),
    ):  # fmt: skip
        assert words in client.get(page).text, page
    assert post(client, f"/people/{foreign}/successor", email="a@b.example").status_code == 404
    reader = browser(app, "hr@other.example")
    assert "Owners and the marketing contact change this" in reader.get("/profile").text
    assert post(reader, "/profile", version="1").status_code == 403


def test_answers_sent_again_are_thanked_for_in_other_words(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    assert "We have written to you what happens next" in client.get(f"/applications/{uid}").text
    post(house["rui"], road.case(uid, "ownership"))
    post(house["rui"], road.case(uid, "questions"), **{"ask-why": "Which models?"})
    page = client.get(f"/applications/{uid}").text
    assert "Please answer the questions below until" in page
    post(client, f"/applications/{uid}/submission")
    page = client.get(f"/applications/{uid}").text
    assert "Your answers are with us" in page
    assert last_mail(app, "chen@galaxy-chips.example").title == "Galaxy Chips: we have your answers"
    post(house["lena"], road.case(uid, "recommendations"), in_favour="no", reason="secret words")
    assert "secret words" not in client.get(f"/applications/{uid}").text
