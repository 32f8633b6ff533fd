"""Mail for support (services.md §4): threads by what is answered, then by number; machines, strangers, twice, broken ones."""

from __future__ import annotations

import os
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.db import db, reading
from portal.core.errors import Refused
from portal.core.mail import MailMessage, _message
from portal.services.support import answering, ending, mail_in
from portal.services.support.mail_in import Fate
from portal.services.support.models import Channel, TicketState
from portal.services.support.showing import conversation
from tests import support_scene as s

NOW = "2026-03-02T10:00"


def mail(
    body: str = "It stops",
    *,
    who: str = "tao@galaxy.example",
    title: str = "Help",
    mail_id: str = "a@galaxy",
    **more: str,
) -> bytes:
    lines = {"From": f"Somebody <{who}>", "Subject": title, "Message-ID": f"<{mail_id}>", **more}
    head = "\n".join(f"{name.replace('_', '-')}: {value}" for name, value in lines.items())
    return f"{head}\nContent-Type: text/plain; charset=utf-8\n\n{body}\n".encode()


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app)
    return app


def taken(app: Flask, raw: bytes, at: str = NOW) -> tuple[Fate, str | None]:
    with s.at(app, at):
        fate, row = mail_in.take(raw)
        return fate, row.number if row is not None else None


def test_a_mail_opens_a_ticket_once_and_its_answer_finds_it(house: Flask) -> None:
    fate, number = taken(house, mail())
    assert fate is Fate.OPENED
    assert taken(house, mail()) == (Fate.TWICE, number)
    with s.at(house, "2026-03-02T10:30"):
        row = s.ticket()
        assert (row.channel, row.level, row.org) == (Channel.MAIL, "gold", s.org())
        answering.ask(row, by=s.person("an"), body="Which version?")
        sent = db.session.query(MailMessage).filter(MailMessage.key.startswith("ticket-answer:")).one()
        ours = str(_message(sent)["Message-ID"])
    answer = mail(
        "2.1\n\nOn Mon, 2 Mar 2026, Support wrote:\n> Which version?",
        mail_id="b@galaxy",
        In_Reply_To=ours,
        title="Re: x",
    )
    assert taken(house, answer, "2026-03-02T11:00") == (Fate.WRITTEN, number)
    by_number = mail("Any news?", mail_id="c@galaxy", title=f"Re: [{number}] Help")
    assert taken(house, by_number, "2026-03-02T12:00") == (Fate.WRITTEN, number)
    by_id = mail("And?", mail_id="d@galaxy", References="<a@galaxy>")
    assert taken(house, by_id, "2026-03-02T12:30") == (Fate.WRITTEN, number)
    with house.app_context(), reading():
        assert s.ticket().state is TicketState.OPEN
        assert [one.message.body for one in conversation(s.ticket(), public=True)] == [
            "It stops", "Which version?", "2.1", "Any news?", "And?"
        ]  # fmt: skip


def test_what_counts_nowhere(house: Flask) -> None:
    assert taken(house, mail(Auto_Submitted="auto-replied")) == (Fate.MACHINE, None)
    bounce = mail().replace(b"text/plain; charset=utf-8", b'multipart/report; boundary="x"')
    assert taken(house, bounce) == (Fate.MACHINE, None)
    assert taken(house, mail(who="nobody@else.example")) == (Fate.STRANGER, None)
    assert taken(house, mail("> only what was quoted")) == (Fate.EMPTY, None)
    with pytest.raises(Refused, match="larger"), house.app_context():
        mail_in.read(b"x" * (mail_in.BIGGEST + 1))


def test_nobody_writes_in_anothers_ticket_and_what_is_over_gets_a_new_one(house: Flask) -> None:
    _fate, number = taken(house, mail())
    fate, other = taken(
        house,
        mail(
            "mine too",
            who="rho@rival.example",
            mail_id="r@rival",
            title=f"Re: [{number}]",
            References="<a@galaxy>",
        ),
    )
    assert fate is Fate.OPENED
    assert other != number
    with s.at(house, NOW):
        answering.solve(s.ticket(), by=s.person("an"), body="Done", cause="x")
    with s.at(house, "2026-04-02T10:00"):
        ending.close(s.ticket(), by="close_silent")
    fate, third = taken(
        house, mail("Again", mail_id="e@galaxy", title=f"Re: [{number}] Help"), "2026-04-03T10:00"
    )
    assert fate is Fate.OPENED
    with house.app_context(), reading():
        assert s.ticket(3).number == third
        assert s.ticket(3).follows is s.ticket(1)


@settings(deadline=None, max_examples=300 if os.environ.get("PROOFS") else 30)
@given(st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=6)), max_size=6), st.integers(0, 500))
def test_broken_mail_is_read_or_refused_and_never_a_fault(cuts: list[Any], length: int) -> None:
    raw = mail("Grüße, 您好", In_Reply_To="<ticket-answer.x@y>")
    for at, put in cuts:
        raw = raw[:at] + put + raw[at + len(put) // 2 :]
    found = mail_in.read(raw[: len(raw) - length % max(1, len(raw))])
    assert len(found.body) <= 20_000
    assert "\0" not in found.body + found.title
