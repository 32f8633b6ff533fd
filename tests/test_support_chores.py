"""Tickets as time passes (services.md §4, V9): escalation once a step, holds, silence, closing, over a long holiday."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from portal.core import chores, clock
from portal.core.db import db, reading
from portal.core.mail import MailMessage
from portal.services.support import answering, duty, satisfying
from portal.services.support.clocks import Severity
from portal.services.support.models import Satisfaction, TicketState, TicketStep
from tests import support_scene as s

T = TicketState
ALL = ("escalate_tickets", "wake_held", "remind_customers", "close_silent", "ask_satisfaction")


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app)
    return app


def run(app: Flask, at: str, *names: str) -> list[int]:
    with app.app_context(), clock.stopped_at(s.china(at)):
        return [chores.run(name) for name in names or ALL]


def steps(app: Flask, ladder: str) -> list[tuple[int, int, bool]]:
    with app.app_context(), reading():
        rows = db.session.query(TicketStep).filter_by(ladder=ladder).order_by(TicketStep.run, TicketStep.step)
        return [(row.run, row.step, row.sent) for row in rows]


def told(app: Flask, who: str) -> list[str]:
    with app.app_context(), reading():
        rows = (
            db.session.query(MailMessage)
            .filter(MailMessage.address.startswith(f"{who}@"))
            .order_by(MailMessage.id)
        )
        return [row.title for row in rows]


def test_v9_each_step_is_told_once_and_caught_up_with_the_latest_only(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        duty.roster(clock.today(), clock.today(), s.person("an"), None, by=s.person("lei"))
        s.ask(severity=Severity.S1)
    assert run(house, "2026-03-02T10:20", "escalate_tickets") == [0]
    assert run(house, "2026-03-02T11:00", "escalate_tickets") == [
        2
    ]  # half of the hours, and a call to who is on duty
    assert run(house, "2026-03-02T11:01", "escalate_tickets") == [0]
    assert steps(house, "first") == [(1, 50, True)]
    assert told(house, "an") == [
        "Work has stopped: [T-000001] Kernel stops", "50 % of the time used: [T-000001] Kernel stops",
        "Work has stopped: [T-000001] Kernel stops",
    ]  # fmt: skip
    run(house, "2026-03-02T14:00", "escalate_tickets")
    run(house, "2026-03-02T14:00", "escalate_tickets")
    assert steps(house, "first") == [(1, 50, True), (1, 80, False), (1, 100, False), (1, 150, True)]
    assert told(house, "exe") == ["150 % of the time used: [T-000001] Kernel stops"]
    with s.at(house, "2026-03-02T14:10"):
        answering.answer(s.ticket(), by=s.person("an"), body="Sorry")
    run(house, "2026-03-03T09:00", "escalate_tickets")
    assert steps(house, "first")[-1] == (1, 150, True)
    assert steps(house, "workaround") == [(1, 50, False), (1, 80, True)]


def test_the_customer_hears_of_a_broken_promise(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.ask()
    run(house, "2026-03-02T14:00", "escalate_tickets")
    assert told(house, "lei")[-1] == "100 % of the time used: [T-000001] Kernel stops"
    assert len(told(house, "tao")) == 2
    run(house, "2026-03-03T14:00", "escalate_tickets")
    assert told(house, "exe") == []
    assert len(told(house, "tao")) == 2


def test_a_ticket_breaches_its_level_over_a_holiday(house: Flask) -> None:
    """Asked by a company without support before the October holiday: the open level counts hours elapsed."""
    with s.at(house, "2026-09-30T17:00"):
        s.ask("rho", severity=Severity.S3)
    run(house, "2026-10-01T16:00", "escalate_tickets")
    assert steps(house, "first") == [(1, 50, False), (1, 80, True)]
    run(house, "2026-10-08T09:00", "escalate_tickets")
    assert steps(house, "first")[2:] == [(1, 100, False), (1, 150, True)]
    assert told(house, "rho")[0].startswith("[T-000001]")


def test_holds_end_and_silence_is_reminded_solved_closed_and_asked(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.ask()
        answering.hold(s.ticket(), by=s.person("an"), until=s.china("2026-03-04T00:00"), reason="Release")
    assert run(house, "2026-03-03T23:50", "wake_held") == [0]
    assert run(house, "2026-03-04T00:02", "wake_held") == [1]
    with s.at(house, "2026-03-04T10:00"):
        answering.ask(s.ticket(), by=s.person("an"), body="Better now?")
    assert run(house, "2026-03-09T09:15", "remind_customers") == [0]
    assert run(house, "2026-03-10T09:15", "remind_customers") == [1]
    assert run(house, "2026-03-10T09:15", "remind_customers") == [0]
    assert run(house, "2026-03-17T09:15", "remind_customers", "close_silent") == [1, 0]
    assert run(house, "2026-03-18T09:25", "close_silent", "close_silent") == [1, 0]
    assert run(house, "2026-03-31T09:25", "close_silent") == [0]
    assert run(house, "2026-04-01T09:25", "close_silent", "ask_satisfaction", "ask_satisfaction") == [1, 1, 0]
    with house.app_context(), reading():
        assert s.ticket().state is T.CLOSED
        row = db.session.query(Satisfaction).one()
        assert satisfying.token(row.ticket) in last(house)
    assert steps(house, "silence") == [(run_of(house), 4, True), (run_of(house), 8, True)]


def last(app: Flask) -> str:
    return str(db.session.query(MailMessage).order_by(MailMessage.id.desc()).first().text)  # type: ignore[union-attr]


def run_of(app: Flask) -> int:
    with app.app_context(), reading():
        return int(db.session.query(TicketStep).filter_by(ladder="silence").first().run)  # type: ignore[union-attr]


def test_every_chore_run_thrice_ends_like_once(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.ask(severity=Severity.S1)
        s.ask("rho", severity=Severity.S3)

    def state() -> Any:
        with house.app_context(), reading():
            mails = db.session.query(MailMessage).count()
            return mails, [row.state for row in (s.ticket(1), s.ticket(2))], steps_of()

    def steps_of() -> int:
        return db.session.query(TicketStep).count()

    run(house, "2026-03-05T10:00")
    once = state()
    run(house, "2026-03-05T10:00")
    run(house, "2026-03-05T10:00")
    assert state() == once
