"""Verbs of tickets (services.md §4): their life, levels and people, severity, merging, secrets, the measure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from portal.core import audit, clock
from portal.core.db import db, reading
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.states import TABLES
from portal.services.support import (
    answering,
    asking,
    coverage,
    duty,
    ending,
    history,
    measuring,
    people,
    satisfying,
)
from portal.services.support.clocks import ClockKind, Severity
from portal.services.support.models import Channel, SupportTicket, TicketState
from portal.services.support.promise import Measure
from tests import support_scene as s

T, S, K = TicketState, Severity, ClockKind


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app)
    return app


def due(row: SupportTicket, kind: ClockKind, at: str) -> object:
    return next(one.due for one in history.shown(row, s.china(at)) if one.kind is kind)


def test_a_ticket_goes_from_question_to_closing(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        row = s.ask()
        assert (row.state, row.level, row.number) == (T.NEW, "gold", f"T-{row.id:06d}")
        assert due(row, K.FIRST, "2026-03-02T10:00") == s.china("2026-03-02T14:00")
        assert due(row, K.WORKAROUND, "2026-03-02T10:00") == s.china("2026-03-05T10:00")
    with s.at(house, "2026-03-02T11:00"):
        answering.note(s.ticket(), by=s.person("an"), body="Not for the customer")
        assert history.shown(s.ticket())[0].met is None
        answering.ask(s.ticket(), by=s.person("an"), body="Which version?")
        assert (s.ticket().state, s.ticket().agent) == (T.WAITING_CUSTOMER, s.person("an"))
    with s.at(house, "2026-03-03T11:00"):
        asking.write(s.ticket(), by=s.person("tao"), body="2.1")
        assert s.ticket().state is T.OPEN
        assert due(s.ticket(), K.NEXT, "2026-03-03T11:00") == s.china("2026-03-03T15:00")
        assert due(s.ticket(), K.WORKAROUND, "2026-03-03T11:00") == s.china("2026-03-06T10:00")
        answering.hold(s.ticket(), by=s.person("an"), until=s.china("2026-03-09T09:00"), reason="Release 2.2")
    with s.at(house, "2026-03-09T09:00"):
        answering.wake(s.ticket(), by=s.person("an"))
        answering.solve(s.ticket(), by=s.person("an"), body="Use 2.2", cause="A bug in 2.1")
    with s.at(house, "2026-03-20T09:00"):
        assert not ending.close(s.ticket(), by="close_silent")
        asking.write(s.ticket(), by=s.person("tao"), body="It stops again")
        assert s.ticket().state is T.OPEN
        asking.call_solved(s.ticket(), by=s.person("tao"))
    with s.at(house, "2026-04-03T09:00"):
        assert ending.close(s.ticket(), by="close_silent")
        with pytest.raises(Refused, match="open a new one"):
            asking.write(s.ticket(), by=s.person("tao"), body="once more")
        assert [satisfying.ask(s.ticket()), satisfying.ask(s.ticket())] == [True, False]
        said = satisfying.of_token(satisfying.token(s.ticket()))
        satisfying.answer(said, 2, "slow")
        with pytest.raises(Refused, match="has been used"):
            satisfying.answer(said, 5, "")
        assert db.session.scalars(satisfying.to_heed()).one() is said
        satisfying.heed(said, by=s.person("lei"))
        assert db.session.scalars(satisfying.to_heed()).first() is None
        with pytest.raises(Refused, match="nowhere"):
            satisfying.of_token(s.ticket().uid + "." + "0" * 40)
    with house.app_context(), reading():
        mails = (
            db.session.query(MailMessage)
            .filter_by(address="tao@galaxy.example", language="en")
            .order_by(MailMessage.id)
            .all()
        )
        assert [one.title.split("]")[0] for one in mails][:4] == [f"[{s.ticket().number}"] * 4
        assert not any("Not for the customer" in one.text for one in mails)
        assert audit.verify()[1] == []


def test_whoever_is_not_on_the_list_is_served_openly_and_added_with_one_click(house: Flask) -> None:
    with s.at(house, "2026-10-01T10:00"):
        row = s.ask("mo", severity=S.S3)
        assert row.level == "open"
        assert due(row, K.FIRST, "2026-10-01T10:00") == s.china("2026-10-02T10:00")
        with pytest.raises(Refused, match="does not act for you"):
            people.add(s.org(), s.person("rho"), by=s.person("chen"))
    with s.at(house, "2026-10-01T11:00"):
        people.add(s.org(), s.person("mo"), by=s.person("chen"))
        assert s.ticket().level == "gold"
        assert due(s.ticket(), K.FIRST, "2026-10-01T11:00") == s.china("2026-10-02T10:00")
        assert due(s.ticket(), K.FIRST, "2026-10-01T10:30") == s.china("2026-10-02T10:00")
        asking.set_severity(s.ticket(), S.S1, by=s.person("mo"))
        assert due(s.ticket(), K.FIRST, "2026-10-01T11:00") == s.china("2026-10-01T13:00")


def test_coverage_follows_the_paid_periods(house: Flask) -> None:
    with s.at(house, "2026-06-01T10:00"):
        found = coverage.covers(s.org())
        assert [(one.level, one.standing.value) for one in found] == [("gold", "in_force")]
        rival = s.org("Rival Ltd")
        s.buy(rival, "support.platinum", paid=False)
        assert coverage.covers(rival) == []
    for day, standing in (("2026-12-31", "in_force"), ("2027-01-15", "grace"), ("2027-01-16", "ended")):
        with s.at(house, f"{day}T10:00"):
            assert [one.standing.value for one in coverage.covers(s.org())] == [standing]


def test_a_lowered_severity_can_be_objected_to(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.ask(severity=S.S1)
        assert db.session.query(MailMessage).filter_by(address="lei@house.example").count() == 1
        with pytest.raises(Refused, match="fill this in"):
            asking.judge_severity(s.ticket(), S.S3, by=s.person("an"), reason=" ")
    with s.at(house, "2026-03-02T10:30"):
        asking.judge_severity(s.ticket(), S.S3, by=s.person("an"), reason="Nothing stands still")
        assert due(s.ticket(), K.FIRST, "2026-03-02T10:30") == s.china("2026-03-03T10:30")
        with pytest.raises(Refused, match="please object"):
            asking.set_severity(s.ticket(), S.S1, by=s.person("tao"))
        asking.object_to_severity(s.ticket(), by=s.person("tao"), words="Everything does")
        with pytest.raises(Refused, match="last objected"):
            asking.object_to_severity(s.ticket(), by=s.person("tao"), words="Everything does")
        asking.judge_severity(s.ticket(), S.S1, by=s.person("lei"), reason="It does")
        assert due(s.ticket(), K.FIRST, "2026-03-02T10:30") == s.china("2026-03-02T12:30")


def test_merging_counts_from_the_earlier_receipt_and_stays_within_a_company(house: Flask) -> None:
    with s.at(house, "2026-03-02T08:00"):
        s.ask(title="first")
        s.ask("rho", title="foreign")
    with s.at(house, "2026-03-02T10:00"):
        s.ask(title="second")
        with pytest.raises(Refused, match="same organisation"):
            ending.merge(s.ticket(1), s.ticket(2), by=s.person("an"))
        ending.merge(s.ticket(1), s.ticket(3), by=s.person("an"))
        assert due(s.ticket(3), K.FIRST, "2026-03-02T10:00") == s.china("2026-03-02T12:00")
        written = asking.write(s.ticket(1), by=s.person("tao"), body="by the old number")
        assert written.ticket_id == s.ticket(3).id


def test_what_is_out_of_scope_gets_a_pointer_and_spam_comes_back(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.ask()
        ending.reject(
            s.ticket(), by=s.person("an"), reason="A bug of Triton", pointer="https://github.com/x/issues/1"
        )
        with pytest.raises(Refused, match="not laid aside"):
            ending.not_spam(s.ticket(), by=s.person("an"))
        s.ask(title="Buy now")
        ending.call_spam(s.ticket(2), by=s.person("an"))
        assert measuring.report(s.china("2026-03-01T00:00"), s.china("2026-04-01T00:00")).whole == Measure(
            1, 1
        )
        ending.not_spam(s.ticket(2), by=s.person("an"))
        assert s.ticket(2).state is T.OPEN


def test_the_measure_leaves_out_what_staff_opened_and_names_the_missed(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.ask(title="answered")
        s.ask(title="silent")
        s.ask(title="told by telephone", by=s.person("an"), asker=s.person("tao"), channel=Channel.STAFF)
        answering.answer(s.ticket(1), by=s.person("an"), body="Here", workaround=True)
    with s.at(house, "2026-03-03T10:00"):
        assert measuring.report(s.china("2026-03-01T00:00"), s.china("2026-04-01T00:00")).whole == Measure(
            1, 1
        )
    with s.at(house, "2026-03-03T10:01"):
        found = measuring.report(s.china("2026-03-01T00:00"), s.china("2026-04-01T00:00"))
        assert found.whole == Measure(1, 2)
        assert found.by_level == {"gold": Measure(1, 2)}
        assert [one.ticket.title for one in found.missed] == ["silent"]


def test_history_cannot_change_and_a_secret_is_blacked_out_once(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.ask(body="My key is hunter2hunter2")
        message = db.session.execute(text("SELECT uid FROM ticket_message")).scalar_one()
        answering.black_out(s.ticket(), message, "hunter2hunter2", by=s.person("an"), reason="A password")
    with house.app_context(), reading():
        body, hashed = db.session.execute(text("SELECT body, black_hash FROM ticket_message")).one()
        assert (body, len(hashed)) == ("My key is ████████", 64)
    for change in (
        "UPDATE ticket_event SET value = 'x'", "DELETE FROM ticket_event", "UPDATE ticket_message SET body = 'x'",
        "DELETE FROM ticket_message",
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match="on record"), s.at(house, "2026-03-02T11:00"):
            db.session.execute(text(change))


def test_of_two_agents_one_takes_a_ticket(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        answering.take(s.ask(), by=s.person("an"))
        with pytest.raises(Refused, match="Somebody else has taken"):
            answering.take(s.ticket(), by=s.person("ao"))
        answering.take(s.ticket(), by=s.person("ao"), over=True)
        assert s.ticket().agent is s.person("ao")


def test_duty_is_given_and_swapped(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        an, ao, today = s.person("an"), s.person("ao"), clock.today()
        assert duty.roster(today, today, an, ao, by=s.person("lei")) == 1
        assert (
            duty.roster(today + timedelta(days=1), today + timedelta(days=3), ao, None, by=s.person("lei"))
            == 3
        )
        duty.swap(today, today + timedelta(days=1), by=s.person("lei"))
        assert [one.name for one in duty.people_on(today)] == ["Ao"]
        with pytest.raises(Refused, match="stands in for himself"):
            duty.roster(today, today, an, an, by=s.person("lei"))
        s.ask(severity=S.S1)
        assert db.session.query(MailMessage).filter_by(address="ao@house.example").count() == 1


@pytest.mark.parametrize("state", list(T))
def test_every_state_can_be_reached(state: TicketState) -> None:
    seen, todo = {T.NEW}, [T.NEW]
    while todo:
        todo += [one for one in TABLES[T][todo.pop()] if one not in seen and not seen.add(one)]  # type: ignore[func-returns-value]
    assert state in seen
