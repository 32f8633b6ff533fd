"""Calls of who has duty: a signed message to the gateway, again until the ticket is taken, never after."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from portal.core import clock, outgoing, signatures
from portal.core.db import db, reading
from portal.core.outbox import OutboxItem
from portal.services.support import answering, chores, duty, pager
from portal.services.support.clocks import Severity
from portal.services.support.people_models import SupportPhone
from tests import road
from tests import support_scene as s
from tests.people import browser
from tests.people import post as send

SECRET = signatures.fresh()
NIGHT = "2026-03-02T23:10"


@pytest.fixture
def sent(app: Flask, monkeypatch: pytest.MonkeyPatch) -> tuple[Flask, list[dict[str, Any]]]:
    """Return the house with a gateway that keeps what it is sent, and somebody with a number on duty."""
    s.house(app)
    got: list[dict[str, Any]] = []

    def post(url: str, body: bytes, headers: dict[str, str]) -> outgoing.Answer:
        now = float(headers["webhook-timestamp"])
        assert (url, signatures.verified(SECRET, headers, body, now=now)) == (
            "https://sms.example/page",
            True,
        )
        got.append(json.loads(body) | {"id": headers["webhook-id"]})
        return outgoing.Answer(204 if len(got) > 1 else 500, "", 1)

    monkeypatch.setattr(outgoing, "post", post)
    object.__setattr__(app.extensions["settings"], "pager_url", "https://sms.example/page")
    object.__setattr__(app.extensions["settings"], "pager_secret", SECRET)
    with s.at(app, "2026-03-02T09:00"):
        duty.roster(clock.today(), clock.today(), s.person("an"), s.person("ao"), by=s.person("lei"))
        pager.set_number(s.person("an"), "+86 10 5555 0101", by=s.person("an"))
    return app, got


def later(app: Flask, when: str) -> None:
    with clock.stopped_at(s.china(when)):
        with app.app_context():
            chores.escalate_tickets()
        road.work(app)


def test_who_has_duty_is_called_until_the_ticket_is_taken(sent: tuple[Flask, list[dict[str, Any]]]) -> None:
    app, got = sent
    with s.at(app, NIGHT):
        s.ask(severity=Severity.S1)
    later(app, "2026-03-02T23:11")
    later(app, "2026-03-02T23:13")  # the gateway failed at first: the same call again
    assert [one["id"] for one in got] == [got[0]["id"]] * 2
    assert {name: got[1][name] for name in ("type", "severity", "again", "people")} == {
        "type": "support.page", "severity": "s1", "again": 0, "people": [{"name": "An", "telephone": "+86 10 5555 0101"}],
    }  # fmt: skip
    later(app, "2026-03-02T23:41")
    assert [one["again"] for one in got] == [0, 0, 1]
    with s.at(app, "2026-03-02T23:50"):
        answering.take(s.ticket(), by=s.person("an"))
    later(app, "2026-03-02T23:59")
    assert len(got) == 3


def test_a_call_that_waits_wakes_nobody_once_the_ticket_is_taken(
    sent: tuple[Flask, list[dict[str, Any]]],
) -> None:
    app, got = sent
    with s.at(app, NIGHT):
        s.ask(severity=Severity.S1)
        answering.take(s.ticket(), by=s.person("an"))
    later(app, "2026-03-02T23:11")
    assert got == []


def test_without_a_gateway_nothing_is_filed(app: Flask) -> None:
    s.house(app)
    with s.at(app, NIGHT):
        s.ask(severity=Severity.S1)
        assert db.session.query(OutboxItem).filter_by(kind="page").count() == 0


def test_an_agent_keeps_a_number_and_takes_it_away(app: Flask) -> None:
    s.house(app)
    with clock.stopped_at(s.china("2026-03-02T10:00")):
        an = browser(app, "an@house.example")
        bad = send(an, "/office/support/duty/number", telephone="call me")
        assert (bad.status_code, "call me" in bad.text, "Please give a telephone number" in bad.text) == (
            422,
            True,
            True,
        )
        assert send(an, "/office/support/duty/number", telephone="+86 10 5555 0101").status_code == 303
        assert "+86 10 5555 0101" in an.get("/office/support/duty").text
        assert "+86" not in browser(app, "lei@house.example").get("/office/support/duty").text
        assert send(an, "/office/support/duty/number", telephone="").status_code == 303
    with app.app_context(), reading():
        assert db.session.query(SupportPhone).count() == 0
