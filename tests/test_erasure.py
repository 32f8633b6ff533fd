"""Erasing a person: the dry run says exactly what happens, two people do it, and the books keep their figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from portal.accounts import consents, contacts, erasing, erasure_plan, helping
from portal.accounts.care_models import OwnerLetter, Vacancy
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Invitation, Organisation
from portal.accounts.people import Person, UserSession
from portal.accounts.privacy_models import Channel, Erasure, ErasureState
from portal.billing.issuing import party_of
from portal.core import audit, clock, files, outbox
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.files import StoredFile
from portal.core.mail import MailMessage
from portal.members.belonging import Membership
from portal.members.erasing import without
from portal.members.models import Application, ApplicationState, Kind, Submission, Upload
from tests import road
from tests.people import browser, make_org, make_person, post
from tests.walls import add

E = ErasureState
LI = "li@nowhere.example"


def person(email: str) -> Person:
    return db.session.scalars(select(Person).where(Person.email == email)).one()


@pytest.fixture
def house(app: Flask) -> Flask:
    """Sun, Lena and Ada, who may erase; Rui, who may not; and Li, who acts for Galaxy beside its owner."""
    with app.app_context(), transaction():
        make_person("sun@house.example", "Sun", staff=(StaffRole.SECRETARY,))
        make_person("lena@house.example", "Lena", staff=(StaffRole.LEGAL,))
        make_person("ada@house.example", "Ada", staff=(StaffRole.ADMINISTRATOR,))
        make_person("rui@house.example", "Rui", staff=(StaffRole.REVIEWER,))
        li = make_person(LI, "Li Na")
        boss = make_person("boss@galaxy.example", "Boss")
        org = make_org("Galaxy Chips", (boss, ContactRole.OWNER), (li, ContactRole.TECHNICAL))
        contacts.invite(org, LI, ContactRole.MARKETING, "en", by=boss, most=3)
        consents.speak("newsletter", True, by=li, channel=Channel.ACCOUNT)
    return app


@contextmanager
def refused(words: str) -> Iterator[None]:
    """Expect a refusal whose English sentence holds some words."""
    with force_locale("en"), pytest.raises(Refused, match=words), transaction():
        yield


def proposed(by: str = "sun") -> Erasure:
    return erasing.propose(person(LI), by=person(f"{by}@house.example"), reason="asked by mail")


def test_two_people_erase_as_the_dry_run_said_and_the_person_hears_of_it(house: Flask) -> None:
    browser(house, LI)
    with house.app_context():
        li = person(LI)
        number = li.id
        with transaction():
            shown = erasure_plan.plan(li)
            row = proposed()
        assert row.plan == shown
        assert {one["item"]: one["fate"] for one in shown} == {
            "account": "anonymised", "ways_in": "erased", "roles": "anonymised", "invitations": "erased",
            "mails": "erased", "consents": "kept", "audit": "kept",
        }  # fmt: skip
        assert all(one["because"] for one in shown if one["fate"] == "kept")
        with transaction():
            erasing.carry_out(row, by=person("lena@house.example"))
        gone = db.session.get_one(Person, number)
        assert (gone.name, gone.email) == (row.token, f"{row.token.lower()}@erased.invalid")
        assert gone.password_hash is None
        assert db.session.scalars(select(UserSession).where(UserSession.person_id == number)).all() == []
        assert all(
            one.ended_at for one in db.session.scalars(select(Contact).where(Contact.person_id == number))
        )
        assert not consents.stands("newsletter", gone)
        letter = db.session.scalars(
            select(MailMessage).where(MailMessage.key == f"erasure-done:{row.uid}")
        ).one()
        assert letter.address == LI
        assert "Ledger of consents (1): Kept" in letter.text
        assert {one["fate"] for one in erasure_plan.plan(gone)} == {"anonymised", "kept"}
        assert _holding(LI) == {"mail_message", "audit_entry"}
        assert _holding("Li Na") <= {"mail_message", "audit_entry"}
        db.session.rollback()
        assert audit.verify()[1] == []


def test_a_vacancy_that_was_left_and_a_letter_lose_the_name(house: Flask) -> None:
    with house.app_context():
        with transaction():
            li, boss = person(LI), person("boss@galaxy.example")
            org = li_acts_for(li)
            file = StoredFile(
                sha256="0" * 64, name="letter.pdf", media_type=files.PDF, size=1, purpose="owner_letter"
            )
            db.session.add(
                Vacancy(
                    org=org,
                    role=ContactRole.BILLING,
                    due_on=clock.today(),
                    declared_by="Boss",
                    left_by="Li Na",
                )
            )
            db.session.add(OwnerLetter(org=org, email=LI, language="en", reason="gone", file=file, by=boss))
        with transaction():
            row = proposed()
            assert {
                "item": "named_roles",
                "fate": "anonymised",
                "count": 2,
                "because": "because_ended",
            } in row.plan
            erasing.carry_out(row, by=person("lena@house.example"))
        assert _holding(LI) | _holding("Li Na") <= {"mail_message", "audit_entry"}
        assert db.session.scalars(select(Vacancy.left_by)).one() == row.token


def li_acts_for(li: Person) -> Organisation:
    return db.session.scalars(select(Contact).where(Contact.person_id == li.id)).first().org  # type: ignore[union-attr]


def _holding(words: str) -> set[str]:
    """Return the tables in which some text still holds words."""
    found = set()
    from portal.core.db import Model

    for table in Model.metadata.sorted_tables:
        for line in db.session.execute(select(table)):
            if any(words in str(value) for value in line if value is not None):
                found.add(table.name)
    return found


MAILS = st.sampled_from(["li@nowhere.example", "LI@nowhere.example ", "boss@galaxy.example", ""])


@settings(max_examples=500, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["signatory_email", "billing_email", "why"]), MAILS), st.text(max_size=9)
)
def test_answers_lose_one_person_and_nothing_else(answers: dict[str, str], name: str) -> None:
    given_answers = {**answers, "signatory_name": name, "billing_name": name, "legal_name": "Galaxy"}
    left = without(given_answers, LI, "P-1")
    for field, named in (("signatory_email", "signatory_name"), ("billing_email", "billing_name")):
        his = answers.get(field, "").strip().lower() == LI
        assert (left.get(field), left[named]) == (("P-1", "P-1") if his else (answers.get(field), name))
    assert {key: left[key] for key in left if key in {"why", "legal_name"}} == {
        key: given_answers[key] for key in given_answers if key in {"why", "legal_name"}
    }


def test_what_staff_may_not_do_is_refused(house: Flask) -> None:
    with house.app_context():
        with pytest.raises(Forbidden), transaction():
            erasing.propose(person("sun@house.example"), by=person("sun@house.example"), reason="me")
        with refused("role of staff"):
            erasing.propose(person("rui@house.example"), by=person("sun@house.example"), reason="left")
        with refused("last in a required role"):
            erasing.propose(person("boss@galaxy.example"), by=person("sun@house.example"), reason="left")
        with transaction():
            row = proposed()
        with pytest.raises(Forbidden), transaction():
            erasing.carry_out(row, by=person("sun@house.example"))
        with pytest.raises(Forbidden), transaction():
            erasing.carry_out(row, by=person(LI))
        with pytest.raises(Forbidden), transaction():
            erasing.decline(row, by=person(LI), reason="no")
        assert row.state is E.PROPOSED


def test_a_dry_run_that_has_changed_is_proposed_anew(house: Flask) -> None:
    with house.app_context():
        with transaction():
            row = proposed()
        with transaction():
            consents.speak("employers", True, by=person(LI), channel=Channel.ACCOUNT)
        with refused("something else"):
            erasing.carry_out(row, by=person("lena@house.example"))
        with transaction():
            again = proposed("lena")
        assert again.id == row.id
        with transaction():
            erasing.carry_out(again, by=person("sun@house.example"))
        assert again.state is E.DONE
        with pytest.raises(Refused), transaction():
            erasing.carry_out(again, by=person("ada@house.example"))


def test_an_erased_person_is_erased_once_and_never_opened_again(house: Flask) -> None:
    with house.app_context():
        with transaction():
            row = proposed()
            erasing.carry_out(row, by=person("lena@house.example"))
        gone = row.person
        with refused("already"):
            erasing.propose(gone, by=person("sun@house.example"), reason="again")
        with pytest.raises(Refused), transaction():
            helping.reopen(gone, by=person("sun@house.example"))
        with transaction():
            make_person(LI, "Li Na, come back")


def test_two_hands_are_a_rule_of_the_database_too(house: Flask) -> None:
    with house.app_context():
        with transaction():
            row = proposed()
        with pytest.raises(DatabaseError), transaction():
            db.session.execute(
                text("UPDATE erasure SET state = 'done', closed_by_id = proposed_by_id WHERE id = :id"),
                {"id": row.id},
            )


def test_a_person_asks_takes_it_back_asks_again_and_staff_answer_in_time(house: Flask) -> None:
    client = browser(house, LI)
    page = client.get("/account/privacy/erasure").text
    assert "Ledger of consents" in page
    for _again in range(2):
        assert post(client, "/account/privacy/erasure").status_code == 303
    assert post(client, "/account/privacy/erasure/withdrawal").status_code == 303
    assert post(client, "/account/privacy/erasure/withdrawal").status_code == 404
    assert post(client, "/account/privacy/erasure").status_code == 303
    with house.app_context(), reading():
        states = db.session.scalars(select(Erasure.state).order_by(Erasure.id)).all()
        assert states == [E.WITHDRAWN, E.ASKED]
        uid = person(LI).uid
        told = db.session.scalars(
            select(MailMessage.address).where(MailMessage.key.startswith("erasure-ours"))
        )
        assert set(told) == {"sun@house.example", "lena@house.example", "ada@house.example"}
    sun, lena, rui = (browser(house, f"{name}@house.example") for name in ("sun", "lena", "rui"))
    assert rui.get("/office/privacy/").status_code == 403
    assert "Li Na" in sun.get("/office/privacy/").text
    desk = f"/office/privacy/{uid}"
    assert post(sun, f"{desk}/erasure").status_code == 409  # nobody proposed it yet
    assert post(sun, f"{desk}/proposal").status_code == 422
    assert post(sun, f"{desk}/proposal", reason="identity checked by a call back").status_code == 303
    assert "A second member of staff" in sun.get(desk).text
    assert post(sun, f"{desk}/erasure").status_code == 403
    assert post(lena, f"{desk}/erasure").status_code == 303
    assert "this token stands now" in lena.get(desk).text
    assert client.get("/account").status_code == 303
    assert post(lena, f"{desk}/erasure").status_code == 404
    assert lena.get("/office/privacy/nobody").status_code == 404


def test_a_refusal_goes_out_with_its_reason(house: Flask) -> None:
    client = browser(house, LI)
    post(client, "/account/privacy/erasure")
    with house.app_context(), reading():
        uid = person(LI).uid
    sun = browser(house, "sun@house.example")
    assert post(sun, f"/office/privacy/{uid}/refusal", reason="a dispute is open").status_code == 303
    assert post(sun, f"/office/privacy/{uid}/refusal", reason="again").status_code == 404
    with house.app_context(), reading():
        letter = db.session.scalars(
            select(MailMessage).where(MailMessage.key.startswith("erasure-declined"))
        ).one()
        assert "a dispute is open" in letter.text


def test_an_individual_member_leaves_terms_and_figures_and_no_name(house: Flask) -> None:
    with house.app_context():
        content = files.put(b"%PDF-1.7 my degree", files.PDF)
        with transaction():
            holder, application = _individual(content)
        assert "Li Na" in house.test_client().get("/members").text
        db.session.rollback()
        with transaction():
            row = proposed()
            fates = {one["item"]: (one["fate"], one["count"]) for one in row.plan}
            assert fates["own_application"] == ("erased", 1)
            assert fates["own_papers"] == ("erased", 1)
            assert fates["payer"] == ("erased", 1)
            erasing.carry_out(row, by=person("lena@house.example"))
        assert holder.legal_name == row.token
        assert (application.answers, holder.address, holder.listing_consent) == ({}, "", False)
        db.session.expire_all()
        sent = db.session.scalars(select(Submission)).one()
        assert (sent.answers, sent.files, sent.by_name) == ({}, {}, row.token)
        assert (
            db.session.scalars(select(Membership).where(Membership.org_id == holder.id)).one().tier
            == "individual"
        )
        kept = db.session.scalars(select(StoredFile)).one()
        assert (kept.name, kept.sha256) == ("-", content.sha256)
        db.session.rollback()
        outbox.drain()
        with pytest.raises(FileNotFoundError):
            files.read(kept)
        with reading():
            assert "Li Na" not in house.test_client().get("/members").text


def _individual(content: files.Content) -> tuple[Organisation, Application]:
    """Make Li an individual member with an application that was completed, a paper and a payer's profile."""
    li = person(LI)
    holder = add("Li Na", tier="individual")
    holder.person, holder.address = li, "1 Example Road"
    row = Application(
        kind=Kind.JOIN, org=holder, applicant=li, language="en", form_version=1, catalogue_day=li.created_at.date(),
        tier="individual", state=ApplicationState.COMPLETED, answers={"person_name": "Li Na"},
    )  # fmt: skip
    db.session.add(row)
    db.session.add(
        Submission(application=row, n=1, answers={"person_name": "Li Na"}, files={"cv": "x"}, by_name="Li Na")
    )
    file = StoredFile(
        sha256=content.sha256, name="Li Na.pdf", media_type=files.PDF, size=content.size, purpose="x"
    )
    db.session.add(Upload(application=row, file=file, field="cv", by_name="Li Na"))
    party_of(holder).title = "Li Na"
    db.session.flush()
    return holder, row


def test_what_was_submitted_changes_only_to_lose_personal_data(house: Flask) -> None:
    with house.app_context():
        with transaction():
            _individual(files.Content("0" * 64, 1, files.PDF))
        for statement in (
            "UPDATE submission SET answers = '{}'",
            "UPDATE submission SET n = 2, erased_at = at",
            "DELETE FROM submission",
        ):
            with pytest.raises(DatabaseError), transaction():
                db.session.execute(text(statement))


def test_a_company_application_loses_who_signs_and_keeps_the_rest(app: Flask) -> None:
    house = road.staff(app)
    chen = road.company(app)
    uid = road.apply(chen, signatory_name="Wu Di", signatory_email="wu@galaxy-chips.example")
    with app.app_context():
        with transaction():
            wu = make_person("wu@galaxy-chips.example", "Wu Di")
            make_person("ada@house.example", "Ada", staff=(StaffRole.ADMINISTRATOR,))
            row = erasing.propose(wu, by=person("sun@house.example"), reason="asked")
            assert {"item": "named_in", "fate": "anonymised", "count": 1, "because": ""} in row.plan
            erasing.carry_out(row, by=person("ada@house.example"))
        application = db.session.scalars(select(Application).where(Application.uid == uid)).one()
        for answers in (application.answers, *db.session.scalars(select(Submission.answers))):
            assert (answers["signatory_name"], answers["signatory_email"]) == (row.token, row.token)
            assert answers["legal_name"] == "星河芯片有限公司"
        assert db.session.scalars(select(Invitation.email)).all() == [row.token]
    assert house["rui"].get(f"/office/applications/{uid}").status_code == 200
    assert chen.get(f"/applications/{uid}").status_code == 200


def test_the_audit_says_who_proposed_and_who_did_it(house: Flask) -> None:
    with house.app_context():
        with transaction():
            row = proposed()
        with transaction():
            erasing.carry_out(row, by=person("lena@house.example"))
        said: list[Any] = [
            (one.verb, one.actor, one.subject)
            for one in db.session.scalars(
                select(AuditEntry).where(AuditEntry.verb.startswith("erasure.")).order_by(AuditEntry.id)
            )
        ]
        assert said == [
            ("erasure.proposed", "Sun", row.person.subject), ("erasure.done", "Lena", row.person.subject),
        ]  # fmt: skip


def test_a_timeline_shows_the_token_where_the_chain_keeps_the_name(house: Flask) -> None:
    with house.app_context(), transaction():
        org = db.session.scalars(select(Organisation).where(Organisation.legal_name == "Galaxy Chips")).one()
        db.session.add(Membership(org=org))
        audit.record("organisation.profile_changed", org, by=person(LI), org_id=org.id, about=["", "chips"])
        uid = org.uid
    rui = browser(house, "rui@house.example")
    assert "Li Na" in rui.get(f"/office/members/{uid}").text
    with house.app_context():
        with transaction():
            row = proposed()
            erasing.carry_out(row, by=person("lena@house.example"))
        token = row.token
    page = rui.get(f"/office/members/{uid}").text
    assert "Li Na" not in page
    assert token in page
