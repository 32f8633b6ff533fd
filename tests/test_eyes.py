"""Who must stay out of a case and why, what a decision needs, and how an agreement changes hands."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts import groups
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Grant, Person
from portal.core import catalogue, clock
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden
from portal.members import conflicts, drafting, eyes, names, review, showing
from portal.members.belonging import Agreement, AgreementState, Membership
from portal.members.standing import Standing
from tests import road
from tests.people import browser, last_mail, make_org, make_person, post

G = AgreementState


def why(app: Flask, email: str, uid: str) -> str:
    with app.app_context(), reading(), app.test_request_context("/", headers={"Accept-Language": "en"}):
        person = db.session.scalars(select(Person).where(Person.email == email)).one()
        return str(conflicts.why(person, road.application(uid)) or "")


def rival(name: str, category: str, standing: Standing) -> Organisation:
    org = make_org(name)
    org.category = category
    db.session.add(Membership(org=org, standing=standing))
    return org


def test_whoever_is_too_close_is_kept_out_and_told_why(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    with app.app_context(), transaction():
        org = road.application(uid).org
        people = {p.email: p for p in db.session.scalars(select(Person))}
        today, now = clock.today(), clock.now()
        mother, aunt = make_org("Mother"), make_org("Aunt")
        groups.record(mother, org, Decimal("50.01"), evidence="register", by=people["rui@house.example"])
        groups.record(aunt, org, Decimal(50), evidence="register", by=people["rui@house.example"])
        near = {
            "lena": (org, now - timedelta(days=364)), "fang": (org, now - timedelta(days=366)),
            "feng": (mother, None), "dai": (aunt, None),
            "dong": (rival("Rival Chips", "chip", Standing.GRACE), None),
            "cao": (rival("Server Ltd", "server", Standing.ACTIVE), None),
            "sun": (rival("No Member Chips", "chip", Standing.NONE), None),
        }  # fmt: skip
        for name, (place, ended) in near.items():
            db.session.add(
                Contact(
                    person=people[f"{name}@house.example"],
                    org=place,
                    role=ContactRole.HR,
                    start=today,
                    ended_at=ended,
                )
            )
        worker = make_person("zoe@galaxy-chips.example", "Zoe", staff=(StaffRole.REVIEWER,))
        assert worker.id
    said = {name: why(app, f"{name}@house.example", uid) for name in [*near, "rui"]}
    assert said["lena"] == "You act for the applicant, work there, or did so within a year."
    assert said["feng"].startswith("You act for Mother, or did so within a year; it belongs to")
    assert said["dong"].startswith("You act for Rival Chips, or did so within a year; it competes")
    assert [name for name, words in said.items() if not words] == ["fang", "dai", "cao", "sun", "rui"]
    assert why(app, "zoe@galaxy-chips.example", uid) == said["lena"]
    assert why(app, "chen@galaxy-chips.example", uid) == "This is your own application."
    zoe = browser(app, "zoe@galaxy-chips.example")
    assert post(zoe, road.case(uid, "ownership")).status_code == 403
    assert "work there, or did so within a year" in zoe.get(f"/office/applications/{uid}").text
    assert post(house["rui"], road.case(uid, "ownership")).status_code == 303
    assert post(house["rui"], road.case(uid, "conflicts"), reason="My brother.").status_code == 303
    assert post(house["rui"], road.case(uid, "conflicts"), reason="Twice.").status_code == 409
    assert post(house["rui"], road.case(uid, "ownership")).status_code == 403


def test_a_group_is_a_chain_of_more_than_half() -> None:
    a, b, c, d = 1, 2, 3, 4
    edges = [(a, b, 6000), (b, c, 6000), (a, d, 5000)]
    assert groups.group(edges, a) == groups.group(edges, c) == {a, b, c}
    assert groups.group(edges, d) == {d}


def test_one_human_plays_one_part_of_a_pair(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    with app.app_context(), transaction():
        for person in db.session.scalars(select(Person).where(Person.email.endswith("house.example"))):
            held = set(db.session.scalars(select(Grant.role).where(Grant.person_id == person.id)))
            for role in {StaffRole.REVIEWER, StaffRole.DIRECTOR, StaffRole.COUNTER_SIGNER} - held:
                db.session.add(Grant(person=person, role=role, by_name="test", start=clock.today()))
    uid = road.apply(client)
    road.review(house, uid)
    refused = post(house["rui"], road.case(uid, "approval"))
    assert (refused.status_code, "You are the owner of the case" in refused.text) == (403, True)
    assert post(house["lena"], road.case(uid, "approval")).status_code == 403
    assert post(house["cao"], road.case(uid, "approval")).status_code == 303
    road.work(app)
    assert post(house["lena"], road.case(uid, "agreement/sending")).status_code == 303
    assert road.upload(house["lena"], road.case(uid, "agreement/paper-scan"), "scan").status_code == 422
    brought = road.upload(house["lena"], road.case(uid, "agreement/paper-scan"), "scan", signed_name="陈伟")
    assert brought.status_code == 303
    assert post(house["lena"], road.case(uid, "agreement/scan-check")).status_code == 403
    assert post(house["cao"], road.case(uid, "agreement/countersignature")).status_code == 409
    assert post(house["lou"], road.case(uid, "agreement/scan-check")).status_code == 303
    assert post(house["lou"], road.case(uid, "agreement/countersignature")).status_code == 403
    assert post(house["lena"], road.case(uid, "agreement/countersignature")).status_code == 403
    assert post(house["cao"], road.case(uid, "agreement/countersignature")).status_code == 303
    with app.app_context(), reading():
        row = db.session.scalars(select(Agreement)).one()
        assert (row.state, row.signed_by, row.signed_name) == (G.EXECUTED, None, "陈伟")


def test_the_table_of_four_eyes_holds_both_ways_and_names_known_parts(app: Flask) -> None:
    with app.app_context(), reading():
        table = eyes.apart()
        assert {other for apart in table.values() for other in apart} <= set(table)
        assert all(one in table[other] for one, apart in table.items() for other in apart)
        assert {"case_owner", "recommender"} <= table["decider"]


def test_platinum_needs_the_minute_and_a_university_a_second_look(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client, category="university", tier="silver")
    post(house["rui"], road.case(uid, "ownership"))
    post(house["lena"], road.case(uid, "recommendations"), in_favour="yes", reason="sound")
    refused = post(house["dai"], road.case(uid, "approval"))
    assert "a second reviewer&#39;s check of the papers" in refused.text
    assert post(house["rui"], road.case(uid, "papers-check")).status_code == 403
    assert post(house["rong"], road.case(uid, "papers-check")).status_code == 303
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303


def test_the_minute_is_for_staff_alone(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    post(house["rui"], road.case(uid, "ownership"))
    for name in ("lena", "fang"):
        post(house[name], road.case(uid, "recommendations"), in_favour="yes", reason="sound")
    assert "the minute of the board" in post(house["dai"], road.case(uid, "approval")).text
    assert road.upload(house["fang"], road.case(uid, "minute"), "minute").status_code == 403
    road.attach_minute(house["sun"], uid)
    assert "scan.png" in house["dai"].get(f"/office/applications/{uid}").text
    assert "scan.png" not in client.get(f"/applications/{uid}").text
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303


def test_agreements_are_readdressed_declined_voided_and_drafted_anew(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.approved(app, house, client)
    assert post(house["lena"], road.case(uid, "agreement/sending")).status_code == 303
    with app.app_context(), transaction():
        org = road.application(uid).org
        second = make_person("qian@galaxy-chips.example", "Qian")
        db.session.add(Contact(person=second, org=org, role=ContactRole.SIGNATORY, start=clock.today()))
        second_uid = second.uid
    first, _state = road.agreement_of(app, uid)
    path = f"/agreements/{first}"
    assert post(client, f"{path}/address", signatory="nobody").status_code == 422
    assert post(client, f"{path}/address", signatory=second_uid).status_code == 303
    assert last_mail(app, "qian@galaxy-chips.example").title.startswith(
        "Please sign the membership agreement"
    )
    qian = browser(app, "qian@galaxy-chips.example")
    assert post(qian, f"{path}/refusal").status_code == 422
    assert post(qian, f"{path}/refusal", reason="Clause 2.").status_code == 303
    assert road.agreement_of(app, uid)[1] is G.VOIDED
    assert post(house["lena"], road.case(uid, "agreement/draft")).status_code == 303
    assert post(house["lena"], road.case(uid, "agreement/draft")).status_code == 409
    road.work(app)
    fresh, state = road.agreement_of(app, uid)
    assert (fresh != first, state) == (True, G.DRAFTED)
    post(house["lena"], road.case(uid, "agreement/sending"))
    assert road.chore(app, "void_envelopes", 59) == 0
    assert [road.chore(app, "void_envelopes", 60) for _ in range(3)] == [1, 0, 0]
    assert road.agreement_of(app, uid)[1] is G.VOIDED
    with app.app_context(), reading():
        said = select(AuditEntry).where(AuditEntry.verb == "agreement.voided").order_by(AuditEntry.id)
        voided = db.session.scalars(said).all()
        assert [(one.actor, one.detail["reason"]) for one in voided] == [
            ("Qian", "Clause 2."), ("void_envelopes", "not signed in time")
        ]  # fmt: skip


def test_a_returned_scan_says_what_is_wrong(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.approved(app, house, client)
    post(house["lena"], road.case(uid, "agreement/sending"))
    path = f"/agreements/{road.agreement_of(app, uid)[0]}"
    assert road.upload(client, f"{path}/scan", "scan").status_code == 303
    assert (
        post(
            house["lou"], road.case(uid, "agreement/scan-return"), reason="other", text="Page 2 missing"
        ).status_code
        == 303
    )
    mail = last_mail(app, "chen@galaxy-chips.example")
    assert (mail.title, "Page 2 missing" in mail.text) == ("Please sign again: the scan of 星河芯片有限公司 was returned", True)  # fmt: skip


def test_the_clock_of_the_working_days(app: Flask) -> None:
    days = {"submitted": date(2026, 3, 2), "asked": date(2026, 3, 5), "answered": date(2026, 3, 10), "decided": date(2026, 3, 13)}  # fmt: skip
    with app.app_context():
        with clock.stopped_at(date(2026, 3, 1)), transaction():
            chen = make_person("chen@galaxy-chips.example")
            rui = make_person("rui@house.example", staff=(StaffRole.REVIEWER,))
            lena = make_person("lena@house.example", staff=(StaffRole.LEGAL,))
            dai = make_person("dai@house.example", staff=(StaffRole.DIRECTOR,))
            row = drafting.start(None, by=chen, name="星河芯片有限公司", tier="silver", language="en")
            typed = {key: value for page in road.ANSWERS.values() for key, value in page.items()}
            drafting.save(row, {**typed, "tier": "silver"}, by=chen)
        from portal.core import files

        content = files.put(road.picture(), "image/png")
        with app.test_request_context("/", method="POST"):
            with clock.stopped_at(days["submitted"]), transaction():
                drafting.attach(row, "licence", content, "licence.png", by=chen)
                drafting.submit(row, by=chen)
                review.take(row, by=rui)
            with clock.stopped_at(days["asked"]), transaction():
                review.ask(row, {"why": "Which models?"}, by=rui)
            with clock.stopped_at(days["answered"]), transaction():
                drafting.resubmit(row, by=chen)
                review.recommend(row, by=lena, role=StaffRole.LEGAL, in_favour=True, reason="sound")
            with clock.stopped_at(days["decided"]), transaction():
                assert showing.working_days_used(row) == 6
                review.approve(row, by=dai)
        with reading(), clock.stopped_at(datetime(2026, 4, 1, tzinfo=clock.OFFICE)):
            assert showing.working_days_used(row) == 6
            assert names.open_pairs(row.org) == []
            assert catalogue.policy("review.promise_days") == 10


def test_a_role_that_does_not_decide_at_a_tier_is_refused(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    road.review(house, uid)
    with app.app_context(), transaction(), pytest.raises(Forbidden):
        rong = db.session.scalars(select(Person).where(Person.email == "rong@house.example")).one()
        review.approve(road.application(uid), by=rong)
