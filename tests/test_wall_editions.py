"""Editions of the wall: nobody falls off by accident, and what must go at once goes at once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from portal.accounts import consents
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel
from portal.core import chores
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage
from portal.members import checklist, editions, wall
from portal.members.belonging import Membership
from portal.members.standing import Standing
from portal.members.verify_wall import verify_wall
from portal.members.wall_models import RemovalReason, WallChange, WallChangeKind, WallEntry
from tests.people import browser, make_org, make_person, post
from tests.undone import examples, undone
from tests.walls import add, named, on_wall, stand

K, R = WallChangeKind, RemovalReason
FIVE = ("Aspen", "Birch", "Cedar", "Dogwood", "Elm")


@pytest.fixture
def five(app: Flask) -> Flask:
    """Five members on a published wall, two reviewers, and an owner of Aspen."""
    with app.app_context(), transaction():
        make_person("rui@house.example", "Rui", staff=(StaffRole.REVIEWER,))
        make_person("sun@house.example", "Sun", staff=(StaffRole.SECRETARY,))
        make_person("fang@house.example", "Fang", staff=(StaffRole.FINANCE,))
        for name in FIVE:
            add(name)
        editions.publish(by=who("rui"))
    return app


def who(name: str) -> Person:
    return db.session.scalars(select(Person).where(Person.email == f"{name}@house.example")).one()


def steps_of(n: int) -> list[tuple[WallChangeKind, str, RemovalReason | None]]:
    rows = db.session.scalars(select(WallChange).where(WallChange.edition.has(n=n)).order_by(WallChange.id))
    return [(row.kind, row.org.legal_name, row.reason) for row in rows]


def sound() -> None:
    shown, found = verify_wall()
    assert found == []
    assert shown == len(on_wall()) + len(list(db.session.scalars(wall.shown(people=True))))


def test_additions_and_changes_show_at_once_and_are_written_into_the_next_edition(five: Flask) -> None:
    with five.app_context():
        with transaction():
            add("Fir")
            named("Aspen").homepage = "https://aspen.example"
        assert on_wall() == {*FIVE, "Fir"}
        client = five.test_client()
        body = client.get("/members.json").get_json()
        assert (body["edition"], len(body["members"])) == (1, 6)
        db.session.rollback()
        assert chores.run("publish_wall") == 1
        assert sorted(steps_of(2)) == [(K.ADDED, "Fir", None), (K.CHANGED, "Aspen", None)]
        db.session.rollback()
        assert chores.run("publish_wall") == 0
        assert client.get("/members.json").get_json()["edition"] == 2
        with reading():
            sound()


def test_two_removals_go_with_the_edition_and_a_third_makes_all_wait(five: Flask) -> None:
    with five.app_context():
        with transaction():
            stand(Standing.LAPSED, "Aspen", "Birch")
            assert on_wall() == set(FIVE)
            assert editions.publish() is not None
        assert on_wall() == {"Cedar", "Dogwood", "Elm"}
        assert steps_of(2) == [(K.REMOVED, "Aspen", R.LAPSED), (K.REMOVED, "Birch", R.LAPSED)]
        with transaction():
            stand(Standing.RESIGNED, "Cedar")
            stand(Standing.SUSPENDED, "Dogwood")
            stand(Standing.LAPSED, "Elm")
            editions.publish(by=who("rui"))
        assert on_wall() == {"Cedar", "Dogwood", "Elm"}
        assert steps_of(3) == [
            (K.HELD, "Cedar", R.RESIGNED), (K.HELD, "Dogwood", R.SUSPENDED), (K.HELD, "Elm", R.LAPSED),
        ]  # fmt: skip
        mails = db.session.scalars(
            select(MailMessage.address).where(MailMessage.topic.startswith("wall_edition"))
        )
        assert list(mails) == ["sun@house.example"]
        with transaction():
            assert editions.publish() is None
        sound()


def test_a_waiting_removal_is_released_by_somebody_else_only(five: Flask) -> None:
    with five.app_context():
        with transaction():
            stand(Standing.LAPSED, *FIVE[:3])
            editions.publish(by=who("rui"))
            uids = [named(name).uid for name in FIVE[:3]]
        with pytest.raises(Forbidden), transaction():
            editions.release(uids, by=who("rui"))
        with pytest.raises(Refused), transaction():
            editions.release([], by=who("sun"))
        with pytest.raises(Refused), transaction():
            editions.release([named("Elm").uid], by=who("sun"))
        with transaction():
            editions.release(uids[:2], by=who("sun"))
        assert on_wall() == set(FIVE[2:])
        assert [row.org.legal_name for row in editions.waiting()] == ["Cedar"]
        sound()


def test_who_comes_back_while_the_removal_waits_stays(five: Flask) -> None:
    with five.app_context():
        with transaction():
            stand(Standing.LAPSED, *FIVE[:3])
            editions.publish()
        with transaction():
            stand(Standing.ACTIVE, "Aspen")
            editions.publish()
        assert steps_of(3) == [(K.RESTORED, "Aspen", None)]
        assert [row.org.legal_name for row in editions.waiting()] == ["Birch", "Cedar"]
        with transaction():
            editions.release([row.org.uid for row in editions.waiting()], by=who("sun"))
        assert on_wall() == {"Aspen", "Dogwood", "Elm"}
        sound()


def test_consent_taken_back_and_expulsion_act_at_once_and_are_not_counted(five: Flask) -> None:
    with five.app_context():
        with transaction():
            owner = make_person("an@aspen.example", "An")
            checklist.set_listing(named("Aspen"), False, by=owner)
            stand(Standing.EXPELLED, "Birch")
        assert on_wall() == {"Cedar", "Dogwood", "Elm"}
        with transaction():
            stand(Standing.LAPSED, "Cedar", "Dogwood")
            editions.publish()
        assert on_wall() == {"Elm"}
        assert {(name, reason) for _kind, name, reason in steps_of(2)} == {
            ("Aspen", R.CONSENT_WITHDRAWN), ("Birch", R.EXPELLED), ("Cedar", R.LAPSED), ("Dogwood", R.LAPSED),
        }  # fmt: skip
        sound()


def test_who_is_expelled_while_the_removal_waits_is_gone_the_same_minute(five: Flask) -> None:
    with five.app_context():
        with transaction():
            stand(Standing.LAPSED, *FIVE[:4])
            editions.publish(by=who("rui"))
            stand(Standing.EXPELLED, "Aspen")
        assert on_wall() == set(FIVE[1:])
        with transaction():
            editions.publish(by=who("rui"))
        assert steps_of(3) == [(K.REMOVED, "Aspen", R.EXPELLED)]
        sound()


def test_the_number_of_unchecked_removals_is_a_row_of_the_catalogue(five: Flask) -> None:
    from portal.core import catalogue, clock

    with five.app_context(), transaction():
        catalogue.put(
            "policy",
            "wall.removals_without_check",
            {"code": "wall.removals_without_check", "value": 0},
            clock.today(),
        )
        stand(Standing.LAPSED, "Elm")
        editions.publish()
        assert on_wall() == set(FIVE)
        assert [row.org.legal_name for row in editions.waiting()] == ["Elm"]


def test_an_edition_keeps_no_name_of_a_person(app: Flask) -> None:
    with app.app_context():
        with transaction():
            person = make_person("li@nowhere.example", "Li Na")
            org = add("Li Na", tier="individual")
            org.person = person
            org.listing_consent = False
            db.session.flush()
            consents.speak(consents.PERSON_SHOWN, True, by=person, channel=Channel.ACCOUNT)
            assert org.listing_consent
            editions.publish()
        entry = db.session.scalars(select(WallEntry)).one()
        assert entry.body["name"] is None
        assert "Li Na" in app.test_client().get("/members").text
        assert app.test_client().get("/members.json").get_json()["members"] == []
        with transaction():
            consents.speak(consents.PERSON_SHOWN, False, by=person, channel=Channel.ACCOUNT)
        assert "Li Na" not in app.test_client().get("/members").text
        with reading():
            sound()


def test_an_edition_on_record_cannot_be_changed(five: Flask) -> None:
    with five.app_context():
        for statement in (
            "UPDATE wall_change SET reason = 'other'",
            "DELETE FROM wall_edition",
            "UPDATE wall_edition SET n = 7",
        ):
            with pytest.raises(DatabaseError), transaction():
                db.session.execute(text(statement))


def test_verify_finds_a_wall_that_lies(five: Flask) -> None:
    with five.app_context():
        with transaction():
            db.session.execute(text("DELETE FROM wall_entry WHERE org_id = :id"), {"id": named("Aspen").id})
            named("Birch").listing_consent = True
        with reading():
            assert verify_wall()[1] == [
                f"wall: the entry of organisation {named('Aspen').id} is not what its editions say"
            ]


def test_staff_publish_release_and_read_editions_on_their_pages(five: Flask) -> None:
    rui, sun, fang = (browser(five, f"{name}@house.example") for name in ("rui", "sun", "fang"))
    assert post(fang, "/office/wall/editions").status_code == 403
    assert post(rui, "/office/wall/editions").location.endswith("/office/wall/")
    with five.app_context(), transaction():
        stand(Standing.LAPSED, *FIVE[:3])
        named("Elm").homepage = "https://elm.example"
        uids = [named(name).uid for name in FIVE[:3]]
    page = rui.get("/office/wall/").text
    assert "Removal waits" in page
    assert "https://elm.example" in page
    assert post(rui, "/office/wall/editions").location.endswith("/office/wall/editions/2")
    assert "Membership lapsed" in rui.get("/office/wall/editions/2").text
    assert rui.get("/office/wall/editions/99").status_code == 404
    assert "3 removals wait" in sun.get("/office/wall/").text
    assert post(rui, "/office/wall/removals", organisation=uids[0]).status_code == 403
    assert post(sun, "/office/wall/removals", organisation="nobody").status_code == 422
    assert post(sun, "/office/wall/removals", organisation=uids[0]).location.endswith(
        "/office/wall/editions/3"
    )
    with five.app_context(), reading():
        assert on_wall() == set(FIVE[1:])
        sound()


def test_the_directory_finds_any_name_and_narrows_by_tier_and_category(five: Flask) -> None:
    with five.app_context(), transaction():
        org = named("Cedar")
        org.display_name_zh, org.category = "雪松科技", "chip"
        from portal.members import names

        names.index(org)
    client = five.test_client()
    for query in ("q=雪松", "q=cedar", "category=chip"):
        found = client.get(f"/members?{query}&x=1", headers={"Accept-Language": "en"}).text
        assert "Cedar" in found
        assert "Birch" not in found
    assert "Cedar" not in client.get("/members?tier=silver").text


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["stand", "consent", "publish", "chore", "release", "add"]),
        st.integers(0, 4),
        st.sampled_from(
            [Standing.ACTIVE, Standing.LAPSED, Standing.RESIGNED, Standing.EXPELLED, Standing.GRACE]
        ),
    ),
    max_size=14,
)


def test_whatever_happens_nobody_entitled_is_missing_and_nobody_else_is_shown_for_long(five: Flask) -> None:
    with five.app_context():

        @settings(max_examples=examples(five) // 3, deadline=None, suppress_health_check=list(HealthCheck))
        @given(deeds=DEEDS)
        def histories(deeds: list[tuple[str, int, Standing]]) -> None:
            with undone(five):
                owner = make_person("an@aspen.example", "An")
                for deed, at, standing in deeds:
                    _do(deed, FIVE[at], standing, owner)
                    assert verify_wall()[1] == []
                    counted = [one for one in editions.gone() if one.counted]
                    if deed in {"publish", "chore"}:
                        assert all(one.entry.held_by_id is not None for one in counted)

        histories()


def _do(deed: str, name: str, standing: Standing, owner: Person) -> Any:
    if deed == "stand":
        stand(standing, name)
    elif deed == "consent":
        org = named(name)
        checklist.set_listing(org, not org.listing_consent, by=owner)
    elif deed in {"publish", "chore"}:
        before = on_wall()
        editions.publish(by=who("rui") if deed == "publish" else None)
        assert len(before - on_wall()) <= editions.without_check()
    elif deed == "release":
        waits = [row.org.uid for row in editions.waiting() if row.held_by and row.held_by.by_id is None]
        if waits:
            editions.release(waits[:1], by=who("sun"))
    elif deed == "add" and not db.session.scalar(select(Membership.id).where(Membership.tier == name)):
        add(f"New {name}", tier=name)


def test_two_publish_at_once_and_only_one_edition_comes_out(five: Flask) -> None:
    with five.app_context():
        with transaction():
            add("Fir")
            first = editions.publish()
            assert first is not None
            second = editions.publish()
        assert (first.n, second) == (2, None)


def test_an_owner_takes_the_organisation_off_on_the_page_of_the_membership(five: Flask) -> None:
    with five.app_context(), transaction():
        owner = make_person("an@aspen.example", "An")
        from portal.accounts.organisations import Contact
        from portal.core import clock

        db.session.add(Contact(person=owner, org=named("Aspen"), role=ContactRole.OWNER, start=clock.today()))
        make_org("Elsewhere", (owner, ContactRole.TECHNICAL))
    client = browser(five, "an@aspen.example")
    assert post(client, "/membership/listing").status_code == 303
    with five.app_context(), reading():
        assert "Aspen" not in on_wall()
        word = consents.last_word(consents.LISTING, named("Aspen").person or _an(), named("Aspen"))
        assert word is not None
        assert (word.withdrawn, word.channel, word.language) == (True, Channel.PROFILE, "en")


def _an() -> Person:
    return db.session.scalars(select(Person).where(Person.email == "an@aspen.example")).one()
