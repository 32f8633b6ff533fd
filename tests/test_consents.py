"""Consents as a ledger that only grows, the page where they are given and taken back, my data, and the register of columns."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError
from werkzeug.test import TestResponse

from portal.accounts import consents, tokens
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel, Consent
from portal.accounts.scopes import Scope
from portal.core import catalogue, clock, personal
from portal.core.audit import AuditEntry
from portal.core.db import Model, db, reading, transaction
from portal.core.errors import Missing
from tests.people import browser, make_org, make_person, post
from tests.undone import examples, undone

MINE = "/account/privacy/consents/"


@pytest.fixture
def li(app: Flask) -> Flask:
    """Li, who acts for nobody, and Sun, the secretary."""
    with app.app_context(), transaction():
        make_person("li@nowhere.example", "Li Na")
        make_person("sun@house.example", "Sun", staff=(StaffRole.SECRETARY,))
    return app


def person(email: str = "li@nowhere.example") -> Person:
    return db.session.scalars(select(Person).where(Person.email == email)).one()


def test_a_word_is_given_taken_back_and_each_stays_on_record(li: Flask) -> None:
    client = browser(li, "li@nowhere.example")
    page = client.get("/account/privacy").text
    assert page.count("Not allowed") == len(consents_of(li))
    for answer in ("yes", "yes", "no"):
        assert post(client, MINE + "newsletter", given=answer).status_code == 303
    with li.app_context(), reading():
        rows = db.session.scalars(select(Consent).order_by(Consent.id)).all()
        assert [
            (row.purpose, row.withdrawn, row.channel, row.language, row.text_version) for row in rows
        ] == [
            ("newsletter", False, Channel.ACCOUNT, "en", 1),
            ("newsletter", True, Channel.ACCOUNT, "en", 1),
        ]
        assert rows[0].fields == ["name", "email", "language"]
        assert not consents.stands("newsletter", person())
    assert "taken back" in client.get("/account/privacy").text
    zh = browser(li, "li@nowhere.example", language="zh_Hans_CN").get("/account/privacy").text
    assert "新闻邮件" in zh


def consents_of(app: Flask) -> list[str]:
    with app.app_context(), reading():
        return list(consents.purposes())


def test_what_is_no_purpose_or_no_answer_is_refused(li: Flask) -> None:
    client = browser(li, "li@nowhere.example")
    assert post(client, MINE + "nothing", given="yes").status_code == 404
    assert post(client, MINE + "listing", given="yes").status_code == 404
    assert post(client, MINE + "newsletter", given="perhaps").status_code == 422
    assert post(client, MINE + "newsletter").status_code == 422
    assert li.test_client().get("/account/privacy").status_code == 303
    with li.app_context(), pytest.raises(Missing), transaction():
        consents.speak("nothing", True, by=person(), channel=Channel.API)
    with li.app_context(), reading():
        assert db.session.scalars(select(Consent)).all() == []


def test_the_ledger_cannot_be_changed(li: Flask) -> None:
    with li.app_context():
        with transaction():
            consents.speak("newsletter", True, by=person(), channel=Channel.ACCOUNT)
        for statement in ("UPDATE consent SET withdrawn = (1 = 1)", "DELETE FROM consent"):
            with pytest.raises(DatabaseError), transaction():
                db.session.execute(text(statement))


def test_a_consent_with_an_end_stands_until_that_day(li: Flask) -> None:
    day = date(2026, 3, 2)
    with li.app_context():
        with clock.stopped_at(day), transaction():
            row = consents.speak("employers", True, by=person(), channel=Channel.ACCOUNT)
            assert row is not None
        end = day + timedelta(days=730)
        assert row.until == end
        assert consents.stands("employers", person(), on=end - timedelta(days=1))
        assert not consents.stands("employers", person(), on=end)
        with clock.stopped_at(end), transaction():
            assert consents.speak("employers", True, by=person(), channel=Channel.ACCOUNT) is not None


def test_new_words_are_asked_for_anew_and_the_old_consent_stands(li: Flask) -> None:
    with li.app_context():
        with transaction():
            consents.speak("newsletter", True, by=person(), channel=Channel.ACCOUNT)
            body = catalogue.entry("consent", "newsletter")
            catalogue.put(
                "consent",
                "newsletter",
                {**body, "text": {"en": "More mail.", "zh": "更多邮件。"}},
                clock.today(),
            )
        asked = {one.code: one for one in consents.asked_of(person())}["newsletter"]
        assert (asked.given, asked.outdated) == (True, True)
        with transaction():
            fresh = consents.speak("newsletter", True, by=person(), channel=Channel.ACCOUNT)
        assert fresh is not None
        assert fresh.text_version == 2
        assert not {one.code: one for one in consents.asked_of(person())}["newsletter"].outdated


def test_a_new_purpose_is_a_row_of_the_catalogue(li: Flask) -> None:
    """A transfer abroad to a named processor is asked for like any other purpose."""
    body = {
        "code": "transfer.mailer", "name": {"en": "Mailer", "zh": "邮件商"}, "text": {"en": "Send it.", "zh": "同意。"},
        "receiver": {"en": "Mailer, Norway", "zh": "挪威 Mailer"}, "fields": ["email"], "abroad": "mailer",
    }  # fmt: skip
    with li.app_context(), transaction():
        catalogue.put("consent", "transfer.mailer", body, clock.today())
    client = browser(li, "li@nowhere.example")
    assert "Mailer, Norway" in client.get("/account/privacy").text
    assert post(client, MINE + "transfer.mailer", given="yes").status_code == 303
    with li.app_context(), reading():
        assert consents.stands("transfer.mailer", person())
        assert not consents.stands("newsletter", person())


def test_the_newsletter_goes_to_whoever_agrees_today_and_its_list_is_on_record(li: Flask) -> None:
    sun = browser(li, "sun@house.example")
    assert "li@nowhere.example" not in sun.get("/office/privacy/newsletter/file").text
    client = browser(li, "li@nowhere.example")
    post(client, MINE + "newsletter", given="yes")
    assert "li@nowhere.example" in sun.get("/office/privacy/newsletter/file").text
    post(client, MINE + "newsletter", given="no")
    assert "li@nowhere.example" not in sun.get("/office/privacy/newsletter/file").text
    assert client.get("/office/privacy/newsletter/file").status_code == 403
    with li.app_context(), reading():
        out = select(AuditEntry.detail).where(AuditEntry.verb == "list.exported").order_by(AuditEntry.id)
        assert [one["rows"] for one in db.session.scalars(out)] == [0, 1, 0]


WORDS = st.lists(st.tuples(st.sampled_from(["newsletter", "employers"]), st.booleans()), max_size=12)


def test_the_last_word_counts_and_only_news_is_written(li: Flask) -> None:
    with li.app_context():

        @settings(max_examples=examples(li) // 3, deadline=None)
        @given(words=WORDS)
        def histories(words: list[tuple[str, bool]]) -> None:
            now = {"newsletter": False, "employers": False}
            news = 0
            with undone(li):
                for purpose, given in words:
                    written = consents.speak(purpose, given, by=person(), channel=Channel.ACCOUNT)
                    assert (written is not None) == (now[purpose] != given)
                    news += now[purpose] != given
                    now[purpose] = given
                    assert {code: consents.stands(code, person()) for code in now} == now
                assert len(consents.ledger(person())) == news

        histories()


def test_my_data_come_as_json_and_pdf_with_what_was_disclosed_to_whom(li: Flask) -> None:
    with li.app_context(), transaction():
        make_org("Galaxy Chips", (person(), ContactRole.TECHNICAL))
        consents.speak("newsletter", True, by=person(), channel=Channel.ACCOUNT)
    client = browser(li, "li@nowhere.example")
    answer = client.get("/account/privacy/data/json/file")
    body = json.loads(answer.text)
    assert body["account"][0]["email"] == "li@nowhere.example"
    assert [row["role"] for row in body["roles"]] == ["Technical"]
    assert [row["word"] for row in body["consents"]] == ["given"]
    assert {row["to"] for row in body["disclosed"]} == {"the foundation", "people who act for Galaxy Chips"}
    assert "sun@house.example" not in answer.text
    paper = client.get("/account/privacy/data/pdf/file")
    assert paper.data.startswith(b"%PDF-")
    assert client.get("/account/privacy/data/csv/file").status_code == 404
    with li.app_context(), reading():
        took = select(AuditEntry.detail).where(AuditEntry.verb == "person.data_taken").order_by(AuditEntry.id)
        assert [one["form"] for one in db.session.scalars(took)] == ["json", "pdf"]


def test_a_program_reads_and_changes_its_owners_consents(li: Flask) -> None:
    with li.app_context(), transaction():
        org = make_org("Galaxy Chips", (person(), ContactRole.OWNER))
        _row, own = tokens.give("own", [Scope.PRIVACY], 30, by=person())
        _row, hers = tokens.give("hers", [Scope.PRIVACY], 30, org=org, by=person())
        _row, other = tokens.give("other", [Scope.PROFILE_WRITE], 30, by=person())
    client = li.test_client()

    def ask(secret: str, body: object = None) -> TestResponse:
        head = {"Authorization": f"Bearer {secret}"}
        path = "/api/v1/consents"
        return client.get(path, headers=head) if body is None else client.post(path, headers=head, json=body)

    assert {one["purpose"]: one["given"] for one in ask(own).get_json()["items"]}["newsletter"] is False
    for wanted in (True, True, False):
        answer = ask(own, {"purpose": "newsletter", "given": wanted})
        assert {one["purpose"]: one["given"] for one in answer.get_json()["items"]}["newsletter"] is wanted
    assert ask(own, {"purpose": "nothing", "given": True}).status_code == 404
    assert ask(own, {"purpose": "newsletter", "given": "yes"}).status_code == 422
    assert ask(own, {"purpose": "newsletter"}).status_code == 422
    assert ask(hers).status_code == 403
    assert ask(hers, {"purpose": "newsletter", "given": True}).status_code == 403
    assert ask(other).status_code == 403
    assert client.get("/api/v1/consents").status_code == 401
    with li.app_context(), reading():
        words = db.session.scalars(select(Consent).order_by(Consent.id)).all()
        assert [(one.withdrawn, one.channel) for one in words] == [(False, Channel.API), (True, Channel.API)]


def test_every_personal_column_names_purpose_and_keeping(app: Flask) -> None:
    with app.app_context():
        assert personal.untagged(Model.metadata) == []
        assert personal.unknown(Model.metadata) == []
        held = dict(personal.register(Model.metadata))
        assert held["person.email"].purpose is personal.Purpose.ACCOUNT
        assert {one.keeping.value for one in held.values()} <= set(catalogue.entries("retention"))


def test_everybody_reads_what_is_kept_what_for_how_long_and_who_works_on_it(app: Flask) -> None:
    page = app.test_client().get("/privacy", headers={"Accept-Language": "en"}).text
    for words in ("To write to you", "180 days", "30 years", "Ireland, United States", "Newsletter"):
        assert words in page
    zh = app.test_client().get("/privacy", headers={"Accept-Language": "zh-CN"}).text
    assert "爱尔兰、美国" in zh
