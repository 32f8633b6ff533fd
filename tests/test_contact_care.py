"""People of members over time: joining by domain, vacancies, the quarterly confirmation, and an owner who is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select, update

from portal.accounts import confirming, contacts, joining, replacing, vacancies
from portal.accounts.care_models import ContactCheck, ContactReminder, JoinRequest, OwnerLetter, Vacancy
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Invitation
from portal.accounts.people import Person
from portal.core import chores, clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.mail import MailMessage
from portal.members import contact_care, terms
from portal.members.belonging import Membership
from portal.members.standing import EndingCause
from tests import perks, road
from tests.people import browser, last_mail, link_in, make_org, make_person, post

R = ContactRole
DAY = date(2026, 3, 2)
FEW = (R.OWNER, R.SIGNATORY, R.BILLING)


def refused(act: Callable[[], Any], kind: type[Refused] = Refused) -> str:
    """Return the sentence with which something is refused."""
    with force_locale("en"):
        with pytest.raises(kind) as found:
            act()
        return str(found.value)


def gaps(row: Membership) -> list[str]:
    """Return the roles of a member that are vacant on record."""
    return sorted(one.role.value for one in db.session.scalars(vacancies.open_vacancies(row.org)))


def contact(row: Membership, role: ContactRole) -> Contact:
    """Return the contact of a member in a role."""
    return next(one for one in db.session.scalars(contacts.contacts_of(row.org)) if one.role is role)


def titles(like: str) -> list[tuple[str, str]]:
    """Return receiver and title of the mails of a kind, in order."""
    rows = db.session.scalars(
        select(MailMessage).where(MailMessage.key.startswith(like)).order_by(MailMessage.id)
    )
    return [(row.address.split("@")[0], row.title) for row in rows]


def test_each_required_role_is_filled_or_a_vacancy_from_the_first_day(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        row = perks.member("acme", "gold", roles=FEW, start=DAY)
        assert gaps(row) == ["marketing", "representative", "technical"]
        assert {one.due_on for one in db.session.scalars(vacancies.open_vacancies(row.org))} == {
            date(2026, 3, 16)
        }
        assert titles("vacancy") == []
        contacts.appoint(perks.of(row), row.org, R.TECHNICAL, by=perks.of(row))
        assert gaps(row) == ["marketing", "representative"]
        assert contact_care.verify_contacts() == (1, [])
        perks.change_tier(row, "startup", DAY)
        assert gaps(row) == []
        perks.change_tier(row, "silver", DAY)
        assert gaps(row) == ["representative"]
        perks.end_term(row, DAY, EndingCause.RESIGNED)
        terms.refresh([row])
        assert gaps(row) == []
        assert contact_care.verify_contacts() == (0, [])


def test_an_owner_declares_the_role_of_somebody_who_is_gone_vacant(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        row = perks.member("acme", "gold", start=DAY)
        owner, gone = perks.of(row), make_person("gone@acme.example", "Gone")
        contacts.appoint(gone, row.org, R.BILLING, by=owner)
        bill = next(
            one for one in db.session.scalars(contacts.contacts_of(row.org)) if one.person_id == gone.id
        )
        assert "Enough others" in refused(lambda: vacancies.declare(bill, by=owner, reason="left"))
        contacts.leave(contact(row, R.BILLING), by=owner, least=1)
        made = vacancies.declare(bill, by=owner, reason="left the company")
        assert (made.left_by, made.due_on, bill.ended_at is not None) == ("Gone", date(2026, 3, 16), True)
        assert titles("vacancy:") == [("acme", "Acme Ltd: nobody is Billing any more")]
        assert "moved on" in refused(lambda: vacancies.declare(bill, by=owner, reason="again"))
        own = contact(row, R.SIGNATORY)
        assert "name a successor" in refused(lambda: vacancies.declare(own, by=owner, reason="me"))
        assert contact_care.verify_contacts() == (1, [])
        contacts.appoint(owner, row.org, R.BILLING, by=owner)
        assert gaps(row) == []
        assert made.filled_by == "Acme"


def test_vacancies_are_followed_up_once_and_those_nobody_declared_are_opened(app: Flask) -> None:
    with app.test_request_context("/", method="POST"):
        with clock.stopped_at(DAY), transaction():
            row = perks.member("acme", "gold", start=DAY)
            contact(row, R.TECHNICAL).ended_at = clock.now()
            db.session.flush()
            assert contact_care.verify_contacts()[1] == [
                f"contacts: {row.uid} lacks technical and has no vacancy for it"
            ]

        def run(day: date) -> int:
            return chores.run("ask_contact_confirmation", as_of=day)

        assert [run(DAY), run(DAY)] == [1, 0]
        assert [
            run(DAY + timedelta(days=13)),
            run(DAY + timedelta(days=14)),
            run(DAY + timedelta(days=20)),
        ] == [0, 1, 0]
        with reading():
            assert gaps(row) == ["technical"]
            assert [title for _who, title in titles("vacancy")] == [
                "Acme Ltd: nobody is Technical any more", "Acme Ltd: still nobody is Technical",
            ]  # fmt: skip
            assert contact_care.verify_contacts() == (1, [])


def test_owners_confirm_their_list_each_quarter_and_are_reminded_by_the_latest_step(app: Flask) -> None:
    with app.test_request_context("/", method="POST"):
        with clock.stopped_at(DAY), transaction():
            row = perks.member("acme", "gold", start=DAY)
            late = perks.member("late", "gold", start=date(2026, 4, 2))
            imported = make_org("Nobody Here Ltd")
            terms.found_membership(imported)

        def run(day: date) -> int:
            return chores.run("ask_contact_confirmation", as_of=day)

        assert run(date(2026, 3, 31)) == 0
        assert [run(date(2026, 4, 20)) for _ in range(3)] == [1, 0, 0]
        assert [run(date(2026, 5, 20)), run(date(2026, 5, 20)), run(date(2026, 6, 30))] == [1, 0, 0]
        with reading():
            steps = db.session.execute(
                select(ContactReminder.step, ContactReminder.sent).order_by(ContactReminder.step)
            ).all()
            assert steps == [(14, False), (28, True)]
            assert [who for who, _title in titles("contact-check")] == ["acme", "acme"]
        with clock.stopped_at(date(2026, 6, 30)), transaction():
            quarter = confirming.quarter_of(clock.today())
            assert len(db.session.scalars(confirming.unconfirmed(quarter)).all()) == 1
            first = confirming.confirm(row.org, by=perks.of(row))
            assert confirming.confirm(row.org, by=perks.of(row)) is first
            assert db.session.scalars(confirming.unconfirmed(quarter)).all() == []
            terms.refresh([db.session.get_one(Membership, late.id)])
        assert run(date(2026, 7, 1)) == 2
        with reading():
            assert len(db.session.scalars(select(ContactCheck)).all()) == 3


def test_joining_by_domain_is_opened_by_an_owner_asked_for_and_decided(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        row = perks.member("acme", "silver", start=DAY)
        owner, asker = perks.of(row), make_person("wei@mail.acme.example", "Wei")
        stranger = make_person("zoe@elsewhere.example", "Zoe")
        public = make_person("lin@qq.com", "Lin")
        assert "no such" in refused(lambda: joining.ask(asker, row.org, R.TECHNICAL), Missing)
        assert "cannot prove" in refused(lambda: joining.open_domain(row.org, by=public))
        opened = joining.open_domain(row.org, by=owner)
        assert (opened.domain, joining.open_domain(row.org, by=owner).id) == ("acme.example", opened.id)
        assert (
            [one.id for one in joining.open_to(asker)],
            joining.open_to(stranger),
            joining.open_to(public),
        ) == ([row.org_id], [], [])
        unproven = make_person("new@acme.example", "New")
        unproven.verified_at = None
        assert joining.open_to(unproven) == []
        for role in (R.OWNER, R.SIGNATORY):
            assert "owners only" in refused(partial(joining.ask, asker, row.org, role))
        made = joining.ask(asker, row.org, R.TECHNICAL, note="I write the compiler.")
        assert titles("join:") == [("acme", "Wei asks to act for Acme Ltd")]
        assert "have asked already" in refused(lambda: joining.ask(asker, row.org, R.HR))
        joining.decline(made, by=owner)
        assert "ask again from 2026-04-01" in refused(lambda: joining.ask(asker, row.org, R.HR))
        with clock.stopped_at(date(2026, 4, 1)):
            again = joining.ask(asker, row.org, R.TECHNICAL)
            assert joining.accept(again, by=owner).role is R.TECHNICAL
            assert "moved on" in refused(lambda: joining.accept(again, by=owner))
        assert joining.open_to(asker) == []


def test_a_request_is_refused_without_room_or_after_the_domain_was_closed(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        row = perks.member("acme", "silver", start=DAY)
        owner, one, two = (
            perks.of(row),
            make_person("one@acme.example", "One"),
            make_person("two@acme.example", "Two"),
        )
        opened = joining.open_domain(row.org, by=owner)
        full, late = joining.ask(one, row.org, R.REPRESENTATIVE), joining.ask(two, row.org, R.PR)
        assert "no more places" in refused(lambda: joining.accept(full, by=owner))
        joining.take_back(full, by=one)
        joining.close_domain(opened, by=owner)
        assert "no longer in a domain" in refused(lambda: joining.accept(late, by=owner))
        assert joining.open_to(one) == []


def test_pages_of_joining_confirming_and_vacancies(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), transaction():
        row = perks.member("acme", "gold", start=clock.today())
        gone = make_person("gone@acme.example", "Gone")
        contacts.end(contact(row, R.BILLING), by=perks.of(row))
        contacts.appoint(gone, row.org, R.BILLING, by=perks.of(row))
        confirming.ask(row.org)
        make_person("wei@acme.example", "Wei")
        bill = contact(row, R.BILLING).uid
    owner, wei = browser(app, "acme@acme.example"), browser(app, "wei@acme.example")
    assert "No organisation has opened" in wei.get("/join").text
    assert post(owner, "/people/domains").status_code == 303
    assert "Ask to act for your organisation" in wei.get("/home").text
    with app.app_context(), reading():
        org = row.org.uid
    assert post(wei, "/join", organisation=org, role="owner").status_code == 422
    assert post(wei, "/join", organisation=org, role="technical", note="Compilers").status_code == 303
    assert post(wei, "/join", organisation=org, role="technical").status_code == 409
    assert "Request to be answered" in wei.get("/join").text
    page = owner.get("/people").text
    assert "Are these still your people?" in page
    assert "Compilers" in page
    home = owner.get("/home").text
    assert "Wei asks to act for you" in home
    assert "Confirm who acts for you" in home
    assert post(owner, "/people/confirmation").status_code == 303
    assert "Confirmed for this quarter by Acme." in owner.get("/people").text
    assert post(owner, f"/people/{bill}/vacancy").status_code == 422
    assert post(owner, f"/people/{bill}/vacancy", reason="left").status_code == 303
    assert "Gone has left" in owner.get("/people").text
    assert "Find somebody for the role: Billing" in owner.get("/home").text
    with app.app_context(), reading():
        uid = db.session.scalars(select(JoinRequest.uid)).one()
    assert post(wei, f"/people/requests/{uid}/acceptance").status_code == 403
    assert post(owner, f"/people/requests/{uid}/acceptance").status_code == 303
    assert wei.get("/people").status_code == 200
    assert post(wei, f"/join/{uid}/withdrawal").status_code == 409
    with app.app_context(), transaction():
        make_person("xu@acme.example", "Xu")
    xu = browser(app, "xu@acme.example")
    assert post(xu, f"/join/{uid}/withdrawal").status_code == 404
    assert post(xu, "/join", organisation=org, role="technical").status_code == 303
    with app.app_context(), reading():
        uid = db.session.scalars(select(JoinRequest.uid).order_by(JoinRequest.id.desc())).all()[0]
    assert post(owner, f"/people/requests/{uid}/refusal").status_code == 303
    assert last_mail(app, "xu@acme.example").title == "Acme Ltd declined your request"


def test_two_of_staff_appoint_an_owner_on_a_letter(app: Flask) -> None:
    house = road.staff(app)
    with app.test_request_context("/", method="POST"), transaction():
        row = perks.member("acme", "gold", start=clock.today())
        uid = row.org.uid
        make_person("next@acme.example", "Next")
    bring = f"/office/contacts/owners/{uid}"
    assert house["lena"].get(bring).status_code == 403
    assert house["rui"].get(bring).status_code == 200
    given = {
        "email": "next@acme.example",
        "language": "en",
        "reason": "Called the switchboard; chop compared.",
    }
    assert post(house["rui"], bring, **given).status_code == 422
    assert (
        road.upload(house["rui"], bring, "letter", **{**given, "email": "acme@acme.example"}).status_code
        == 422
    )
    assert road.upload(house["rui"], bring, "letter", **given).status_code == 303
    assert road.upload(house["sun"], bring, "letter", **given).status_code == 409
    with app.app_context(), reading():
        letter = db.session.scalars(select(OwnerLetter.uid)).one()
    confirm = f"/office/contacts/letters/{letter}/confirmation"
    assert post(house["rui"], confirm).status_code == 403
    assert "Letter that names an owner: Acme Ltd" in house["sun"].get("/office/").text
    assert house["sun"].get(f"/office/contacts/letters/{letter}/file").status_code == 200
    assert post(house["sun"], confirm).status_code == 303
    assert post(house["rong"], confirm).status_code == 409
    with app.app_context(), reading():
        assert [one.email for one in contacts.holders(row.org, R.OWNER)] == ["next@acme.example"]
        assert contact_care.verify_contacts() == (1, [])
    assert browser(app, "acme@acme.example").get("/people").status_code == 200  # other roles stay


def test_an_owner_without_an_account_is_invited_and_the_role_is_vacant_until_then(app: Flask) -> None:
    house = road.staff(app)
    with app.test_request_context("/", method="POST"), transaction():
        row = perks.member("acme", "gold", start=clock.today())
    given = {"email": "later@acme.example", "language": "en", "reason": "Letter of 1 March."}
    assert (
        road.upload(house["sun"], f"/office/contacts/owners/{row.org.uid}", "letter", **given).status_code
        == 303
    )
    with app.app_context(), reading():
        letter = db.session.scalars(select(OwnerLetter.uid)).one()
    assert post(house["rui"], f"/office/contacts/letters/{letter}/confirmation").status_code == 303
    page = house["rui"].get("/office/contacts/").text
    assert "Owner" in page
    with app.test_request_context("/", method="POST"), transaction():
        assert contacts.holders(row.org, R.OWNER) == []
        assert contact_care.verify_contacts() == (1, [])
        make_person("later@acme.example", "Later")
    later = browser(app, "later@acme.example")
    later.get(link_in(last_mail(app, "later@acme.example")))
    assert post(later, "/invitation").status_code == 303
    with app.app_context(), reading():
        assert gaps(row) == []
        assert db.session.scalars(select(Invitation)).one().accepted_at is not None


def test_a_letter_may_be_declined_and_is_refused_where_another_owner_can_help(app: Flask) -> None:
    house = road.staff(app)
    with app.test_request_context("/", method="POST"), transaction():
        row = perks.member("acme", "gold", start=clock.today())
        two = make_person("two@acme.example", "Two", staff=(StaffRole.SECRETARY,))
    bring = f"/office/contacts/owners/{row.org.uid}"
    given = {"email": "x@acme.example", "language": "en", "reason": "Letter of 1 March."}
    assert road.upload(house["rui"], bring, "letter", **given).status_code == 303
    with app.app_context(), reading():
        letter = db.session.scalars(select(OwnerLetter.uid)).one()
    refusal = f"/office/contacts/letters/{letter}/refusal"
    assert post(house["rui"], refusal).status_code == 403
    with app.test_request_context("/", method="POST"), transaction():
        person = db.session.get_one(Person, two.id)
        contacts.appoint(person, row.org, R.OWNER, by=perks.of(row))
        one = db.session.scalars(select(OwnerLetter)).one()
        with pytest.raises(Forbidden):
            replacing.decline(one, by=person)
    assert post(house["sun"], refusal).status_code == 303
    assert "There is more than one owner" in road.upload(house["rui"], bring, "letter", **given).text


def test_the_office_sees_who_is_silent_and_what_is_vacant(app: Flask) -> None:
    house = road.staff(app)
    assert "Nobody was asked yet this quarter." in house["rui"].get("/office/contacts/").text
    with app.test_request_context("/", method="POST"), transaction():
        row = perks.member("acme", "gold", roles=FEW, start=clock.today())
        confirming.ask(row.org)
    page = house["rui"].get("/office/contacts/").text
    assert "0 of 1 have confirmed" in page
    assert "Voting representative" in page
    for name, word in (("vacancies", "Technical"), ("unconfirmed", "acme@acme.example")):
        file = house["rui"].get(f"/office/contacts/{name}/file")
        assert (file.status_code, word in file.text) == (200, True)
    with app.app_context(), transaction():
        past = clock.today() - timedelta(days=1)
        db.session.execute(update(Vacancy).values(due_on=past))
    assert "3 roles are vacant beyond their day" in house["rui"].get("/office/").text
    with app.app_context(), reading():
        assert len(db.session.scalars(select(Vacancy)).all()) == 3
