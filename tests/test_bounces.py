"""Mail that comes back (RFC 3464): noted once on our mail, and whoever could not be reached is not called silent."""

from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core import clock, events
from portal.core.bounces import MailBounced
from portal.core.db import db, reading
from portal.core.mail import MailMessage, _message
from portal.services.support import answering, chores, mail_in
from portal.services.support.mail_in import Fate
from portal.services.support.models import SupportTicket, TicketState
from tests import support_scene as s
from tests.people import browser

REPORT = """From: Mail system <mailer-daemon@galaxy.example>
To: help@house.example
Subject: Undelivered
Message-ID: <report-1@galaxy.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not arrive.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.galaxy.example

Final-Recipient: rfc822; tao@galaxy.example
Action: {action}
Status: 5.1.1
--b
Content-Type: {kind}

{inner}
--b--
"""


def report(key: str, *, action: str = "failed", kind: str = "text/rfc822-headers") -> bytes:
    inner = f"Message-ID: {key}\nSubject: Answer\n"
    return REPORT.format(
        action=action, kind=kind, inner=f"{inner}\nwords" if kind == "message/rfc822" else inner
    ).encode()


@pytest.fixture
def asked(app: Flask) -> tuple[Flask, str]:
    """Return the house with a ticket that waits for its customer since Monday, and the id of the mail that asked."""
    s.house(app)
    with s.at(app, "2026-03-02T10:00"):
        s.ask()
        answering.ask(s.ticket(), by=s.person("an"), body="Which version?")
        sent = db.session.query(MailMessage).filter(MailMessage.key.startswith("ticket-answer:")).one()
        return app, str(_message(sent)["Message-ID"])


def taken(app: Flask, raw: bytes) -> tuple[Fate, str | None]:
    with s.at(app, "2026-03-02T10:05"):
        fate, row = mail_in.take(raw)
        return fate, row.number if row is not None else None


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822"])
def test_who_could_not_be_reached_is_not_silent(asked: tuple[Flask, str], kind: str) -> None:
    app, sent = asked
    heard: list[str] = []

    def hear(event: MailBounced) -> None:
        heard.append(event.message.address)

    events.on(MailBounced, hear)
    assert taken(app, report(sent, kind=kind)) == (Fate.BOUNCED, "T-000001")
    assert taken(app, report(sent, kind=kind)) == (Fate.BOUNCED, "T-000001")
    assert heard == ["tao@galaxy.example"]
    for day in ("2026-03-06", "2026-03-12", "2026-04-20"):
        with app.app_context(), clock.stopped_at(s.china(f"{day}T09:20")):
            assert [chores.remind_customers(), chores.close_silent()] == [0, 0]
    with app.app_context(), reading():
        assert db.session.query(SupportTicket).one().state is TicketState.WAITING_CUSTOMER
        uid = s.ticket().uid
    with clock.stopped_at(s.china("2026-03-03T10:00")):
        assert (
            "Mail to Tao came back"
            in browser(app, "an@house.example").get(f"/office/support/tickets/{uid}").text
        )


def test_a_delay_another_mail_and_a_mail_of_others_change_nothing(asked: tuple[Flask, str]) -> None:
    app, sent = asked
    assert taken(app, report(sent, action="delayed")) == (Fate.MACHINE, None)
    assert taken(app, report("<nothing.of-ours@elsewhere.example>")) == (Fate.MACHINE, None)
    assert taken(app, report("")) == (Fate.MACHINE, None)
    with app.app_context(), clock.stopped_at(s.china("2026-03-17T09:25")):
        assert chores.close_silent() == 1
    with app.app_context(), reading():
        assert db.session.query(MailMessage).filter(MailMessage.bounced_at.is_not(None)).count() == 0


@settings(max_examples=200)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_a_torn_report_is_read_as_nothing_and_never_fails(noise: bytes, at: int) -> None:
    whole = report("<ticket-answer.x@h>")
    torn = whole[:at] + noise + whole[at + len(noise) :]
    read = mail_in.read(torn).bounced
    assert read is None or isinstance(read, str)


def test_a_report_says_which_mail_it_is_about() -> None:
    assert mail_in.read(report("<ticket-answer.ab.cd@host>")).bounced == "ticket-answer:ab:cd"
