"""Referrals: one letter, an answer by whoever got it, an address that goes; merged companies; searches of terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select

from portal.accounts import merging
from portal.accounts.may import ContactRole
from portal.accounts.merge_models import Merge
from portal.accounts.organisations import Contact
from portal.accounts.people import Person
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.jobs import consents, people_chores, people_hearing, people_verify, profiles, referring
from portal.jobs.application_models import ContactRequest, JobApplication, Referral
from portal.jobs.people_models import ShutOut
from portal.jobs.stages import Field, Purpose, ReferralState
from tests import job_people_world as w
from tests.people import browser, make_person, post

R = ReferralState
FRIEND = "friend@elsewhere.example"


@pytest.fixture
def house(app: Flask) -> Iterator[Flask]:
    """Two employers; Tom, a technical contact of the gold member Alder, refers people."""
    w.house(app)
    with clock.stopped_at(w.DAY):
        with app.app_context(), transaction():
            tom = make_person("tom@alder.example", "Tom Alder")
            db.session.add(
                Contact(person=tom, org=w.post_of("alder").org, role=ContactRole.TECHNICAL, start=w.DAY)
            )
        yield app


def tom_refers(app: Flask, address: str = FRIEND) -> str:
    """Let Tom refer somebody by the page, and return the path in the letter."""
    with app.app_context(), reading():
        page = f"/jobs/mine/refer/{w.post_of('galaxy').uid}"
    client = browser(app, "tom@alder.example")
    assert client.get(page).status_code == 200
    assert post(client, page, address=address).status_code == 422
    answer = post(client, page, address=address, sure="y")
    assert answer.status_code == 303, answer.text
    with app.app_context(), reading():
        letter = db.session.scalars(select(MailMessage).where(MailMessage.address == address)).one()
        found = re.search(r"/jobs/referred/\S+", letter.text)
        assert found is not None
        return found.group(0)


def holds(words: str) -> bool:
    """Whether any letter or referral still holds some words."""
    letters = db.session.scalars(select(MailMessage)).all()
    rows = db.session.scalars(select(Referral)).all()
    return any(words in f"{one.address}{one.text}{one.html}" for one in letters) or any(
        row.address_sealed or row.address_mark for row in rows
    )


def test_a_yes_makes_an_application_with_its_own_consent_and_the_address_goes(house: Flask) -> None:
    path = tom_refers(house)
    with house.app_context(), reading():
        row = db.session.scalars(select(Referral)).one()
        assert FRIEND not in str(row.address_sealed)
        assert referring.address_of(row) == FRIEND
        assert not db.session.scalars(select(JobApplication)).all()
    page = house.test_client().get(path, headers={"Accept-Language": "en"}).text
    assert "Tom Alder" in page
    form = re.search(r'href="(/jobs/mine/apply/[^"]+)"', page)
    assert form is not None
    with house.app_context(), transaction():
        make_person(FRIEND, "Fred Friend")
    fred, where = browser(house, FRIEND), form.group(1).replace("&amp;", "&")
    assert "what becomes of it" in fred.get(where).text
    token = path.rsplit("/", 1)[-1]
    sent = post(fred, where.split("?")[0], referral=token, fields=["name"], agree="y", outcome="y")
    assert sent.status_code == 303, sent.text
    with house.app_context(), reading():
        row = db.session.scalars(select(Referral)).one()
        assert (row.state, holds(FRIEND)) == (
            R.APPLIED,
            True,
        )  # the letter about the application is to the person
        assert row.address_sealed is None
        made = referring.outcome(row)
        assert made is not None
        assert made.person is not None
        assert consents.allowed(made.person, Purpose.APPLY, row.post, Field.NAME)
        assert not consents.allowed(made.person, Purpose.APPLY, row.post, Field.RESUME)
        fred_id = made.person.id
    tom = browser(house, "tom@alder.example")
    assert "Sent to the employer" in tom.get("/jobs/mine/").text
    with house.app_context(), transaction():
        who = db.session.get_one(Person, fred_id)
        consents.take_back(who, Purpose.OUTCOME, db.session.scalars(select(Referral)).one())
    assert "Sent to the employer" not in tom.get("/jobs/mine/").text
    assert house.test_client().get(path).status_code == 404


def test_a_no_and_silence_erase_the_address_and_leave_a_count(house: Flask) -> None:
    path = tom_refers(house)
    client = house.test_client()
    assert post(client, f"{path}/refusal").status_code == 200
    with house.app_context(), reading():
        assert not holds(FRIEND)
        assert db.session.scalars(select(Referral.state)).all() == [R.DECLINED]
    tom_refers(house, "other@elsewhere.example")
    for days, done in ((14, 0), (15, 1), (16, 0)):
        with house.app_context(), clock.stopped_at(w.DAY + timedelta(days=days)):
            assert people_chores.drop_silent_referrals() == done, days
    with house.app_context(), reading():
        assert not holds("other@elsewhere.example")
        states = select(Referral.state).order_by(Referral.id)
        assert db.session.scalars(states).all() == [R.DECLINED, R.SILENT]
        assert people_verify.verify_candidates()[1] == []
    text = browser(house, "tom@alder.example").get("/jobs/mine/").text
    assert "Answered no" not in text  # who refers learns nothing of a no
    assert "elsewhere.example" not in text


def test_nobody_gets_two_letters_about_a_post_and_quotas_are_those_of_the_tier(house: Flask) -> None:
    with house.app_context(), force_locale("en"):
        tom, galaxy = w.person("tom@alder.example"), w.post_of("galaxy")
        shut = w.person("hr@galaxy.example")
        with transaction():
            referring.refer(galaxy, FRIEND, by=tom)
            profiles.shut_out(shut, galaxy.org)
        for address, words in (
            (FRIEND.upper(), "cannot be sent"), ("hr@galaxy.example", "cannot be sent"), (tom.email, "apply yourself"),
        ):  # fmt: skip
            with pytest.raises(Refused, match=words), transaction():
                referring.refer(galaxy, address, by=tom)
        for n in range(9):
            with transaction():
                referring.refer(galaxy, f"n{n}@elsewhere.example", by=tom)
        with pytest.raises(Refused, match="as your membership allows"), transaction():
            referring.refer(galaxy, "n10@elsewhere.example", by=tom)
        with clock.stopped_at(w.DAY + timedelta(days=16)), transaction():  # the next quarter
            referring.refer(galaxy, "n11@elsewhere.example", by=tom)
        stranger = make_person("stranger@people.example")
        with pytest.raises(Refused, match="as your membership allows"), transaction():
            referring.refer(galaxy, "n12@elsewhere.example", by=stranger)


def test_an_erased_address_is_gone_from_the_letters_that_waited(house: Flask) -> None:
    with house.app_context():
        with transaction():
            referring.refer(w.post_of("galaxy"), FRIEND, by=w.person("tom@alder.example"))
            assert referring.forget_address(FRIEND) == 1
        assert not holds(FRIEND)


def test_a_merged_employer_keeps_what_was_allowed_to_it(house: Flask) -> None:
    with house.app_context():
        with transaction():
            ann, bob = w.candidate("ann"), w.candidate("bob")
            old, kept = w.post_of("galaxy"), w.post_of("alder").org
            consents.give(ann, Purpose.SHOW, old.org, "Galaxy", [Field.NAME])
            row = ContactRequest(org=old.org, person=ann, post=old, reason="x", by=bob, answer_by=w.DAY)
            db.session.add(row)
            for who, orgs in ((ann, (old.org,)), (bob, (old.org, kept))):
                for org in orgs:
                    db.session.add(ShutOut(person=who, org=org))
        with transaction():
            duplicate = old.org
            merge = Merge(duplicate=duplicate, kept=kept, reason="one", by_name="Ada", second_name="Sun")
            db.session.add(merge)
            db.session.flush()
            merging.move(merge, duplicate, "merged_into_id", kept.id)
            people_hearing.on_merged(merging.OrganisationsMerged(merge))
        assert row.org_id == kept.id
        assert consents.allowed(ann, Purpose.SHOW, kept, Field.NAME)
        assert [one.org_id for one in profiles.shut_outs(ann)] == [kept.id]
        assert len(profiles.shut_outs(bob)) == 2


def test_skills_are_a_short_list_each_named_once() -> None:
    assert profiles.skills_in("a, b；a、 c  d") == ["a", "b", "c d"]
    with pytest.raises(Refused):
        profiles.skills_in(",".join(f"s{n}" for n in range(21)))
