"""What a key has signed: told apart over a rotation, listed after a leak, and issued anew from there; why an award was revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from portal.certs import award_steps, awarding, issuing, key_traces, verifying
from portal.certs.models.award import RevokeCause
from portal.cli import certs as commands
from portal.core import certifying, clock, signing
from portal.core.db import reading, transaction
from portal.core.signing import KeyUse
from tests import seats
from tests.awarded import USES, granted, house, make_keys, person
from tests.people import browser, make_person

DAY = timedelta(days=1)


@pytest.fixture
def certs(app: Flask) -> Flask:
    house(app, at=clock.now() - 30 * DAY)
    return app


def number_of(app: Flask, uid: str) -> str:
    with app.app_context(), reading():
        row = issuing.current(awarding.found(uid))
        assert row is not None
        return row.number


def two_awards(app: Flask) -> tuple[str, str]:
    """Grant one award while the next keys wait already, and one after they took over; return the numbers."""
    now = clock.now()
    with app.app_context(), clock.stopped_at(now - 20 * DAY), transaction():
        make_keys(turn=1)
        make_person("li@holder.example", "Li Na")
    first = granted(app, at=clock.day_of(now - 10 * DAY))
    with app.app_context(), clock.stopped_at(now - 5 * DAY), transaction():
        for use in USES:
            signing.rotate(use, by="Ada", second="Deng")
    second = granted(app, at=clock.day_of(now - 2 * DAY), mail="li@holder.example", decision="decision:2")
    return number_of(app, first), number_of(app, second)


def test_each_document_rests_on_the_key_that_signed_it_and_not_on_the_one_that_waited(certs: Flask) -> None:
    first, second = two_awards(certs)
    with certs.app_context(), reading():
        for use in USES:
            old, new = signing.every(use)
            assert (key_traces.numbers_of(old), key_traces.numbers_of(new)) == ([first], [second]), use
            assert key_traces.numbers_of(old, since=clock.now() - 9 * DAY) == []
            assert key_traces.numbers_of(old, since=clock.now() - 11 * DAY) == [first]
        for number, key in zip((first, second), signing.every(KeyUse.PDF), strict=True):
            row = issuing.by_number(number)
            assert row is not None
            assert verifying.see(row).fingerprint == certifying.fingerprint(key)
        assert key_traces.numbers_of(signing.every(KeyUse.ROOT)[0]) == [first, second]


def test_after_a_leak_page_and_command_list_what_is_in_doubt_until_it_is_issued_anew(
    certs: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _second = two_awards(certs)
    with certs.app_context(), transaction():
        kid = signing.every(KeyUse.PDF)[0].kid
        signing.compromise(kid, by="Ada", second="Deng")
    page = browser(certs, "cen@house.example")
    listed = page.get(f"/office/certificate-batches/keys/{kid}").text
    assert ("This key has leaked" in listed, first in listed, _second in listed) == (True, True, False)
    filled = page.get("/office/certificate-batches/new", query_string={"key": kid}).text
    assert (first in filled, _second in filled) == (True, False)
    for since in ("2999-01-01", "nonsense"):
        asked = {"key": kid, "since": since}
        assert (first in page.get("/office/certificate-batches/new", query_string=asked).text) is (
            since == "nonsense"
        )
    assert page.get("/office/certificate-batches/keys/none").status_code == 404
    monkeypatch.setattr(commands, "prepared", lambda: certs)
    command = commands.documents.callback
    assert command is not None
    command(kid, None)
    assert capsys.readouterr().out == f"{first}\n"
    with certs.app_context():
        with transaction():
            old = issuing.by_number(first)
            assert old is not None
            assert verifying.see(old).fingerprint == ""
            award_steps.reissue(old.award, by=person("cen@house.example"), second="Clara")
        assert key_traces.numbers_of(signing.found(kid)) == []


def test_why_an_award_was_revoked_is_told_only_where_the_policy_says_so(certs: Flask) -> None:
    uid = granted(certs, at=clock.today())
    number, visitor = number_of(certs, uid), certs.test_client()
    with certs.app_context(), transaction():
        award_steps.revoke(
            awarding.found(uid), cause=RevokeCause.MISCONDUCT, by=person("cen@house.example"), reason="x"
        )
    said = []
    for publish in (False, True):
        with certs.app_context(), transaction():
            seats.rule("revocation.publish_cause", publish)
        page = visitor.get(f"/verify/{number}", headers={"Accept-Language": "en"}).text
        code = visitor.get(f"/api/v1/certificates/{number}").get_json()["reason_code"]
        said.append(("Cause: Misconduct." in page, code))
    assert said == [(False, "award_revoked"), (True, "misconduct")]
