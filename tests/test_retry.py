"""Another try at the door: a view, a chore and a handler that lose a race in the database run again."""

from __future__ import annotations

import io
import sqlite3
from typing import Any

import psycopg
import pytest
from flask import Flask, flash, request
from flask_babel import LazyString
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from portal.core import audit, chores, outbox, retry
from portal.core.chores import Chore
from portal.core.db import db, transaction
from portal.core.web import public
from tests.people import token

LOST = {
    "deadlock": psycopg.errors.DeadlockDetected("deadlock detected"),
    "serialisation": psycopg.errors.SerializationFailure("could not serialize access"),
    "waited": psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"),
    "locked": sqlite3.OperationalError("database is locked"),
}


def lost(why: str) -> OperationalError:
    """Return the error that SQLAlchemy raises when a race is lost."""
    return OperationalError("UPDATE something", {}, LOST[why])


class Losing:
    """A view that writes, says so, reads an upload, and loses the race a number of times before it wins."""

    def __init__(self, times: int, why: str) -> None:
        self.left, self.why, self.runs = times, why, 0
        self.read: list[bytes] = []

    def __call__(self) -> str:
        self.runs += 1
        with transaction():
            audit.record("test.done", "test:1", by="a test")
            self.read.append(request.files["paper"].read())
            flash(f"try {self.runs}")
            if self.left:
                self.left -= 1
                raise lost(self.why)
        return "done"


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take the waits between tries, and do not wait."""
    waits: list[float] = []
    monkeypatch.setattr("portal.core.retry.time.sleep", waits.append)
    return waits


def send(app: Flask, view: Losing) -> Any:
    """Put a view behind a door and send it a file."""

    @app.post("/losing")
    @public
    def losing() -> str:
        return view()

    client = app.test_client()
    data = {"csrf_token": token(client), "paper": (io.BytesIO(b"all of it"), "paper.txt")}
    answer = client.post("/losing", data=data, headers={"Accept-Language": "en"})
    with client.session_transaction() as state:
        return answer, [words for _tone, words in state.get("_flashes", [])]


def entries(app: Flask) -> int:
    """Return how often the deed is on record."""
    with app.app_context():
        return len(db.session.scalars(select(audit.AuditEntry)).all())


@pytest.mark.parametrize("why", list(LOST))
def test_a_view_that_loses_twice_runs_a_third_time_and_leaves_one_trace(
    app: Flask, no_waits: list[float], why: str
) -> None:
    view = Losing(2, why)
    answer, said = send(app, view)
    assert (answer.status_code, answer.text, view.runs) == (200, "done", 3)
    assert view.read == [b"all of it"] * 3
    assert said == ["try 3"]
    assert entries(app) == 1
    assert 0 < no_waits[0] < no_waits[1] * 2


def test_a_view_that_never_wins_is_a_page_that_says_so(app: Flask, no_waits: list[float]) -> None:
    view = Losing(99, "deadlock")
    answer, said = send(app, view)
    assert (answer.status_code, view.runs, len(no_waits)) == (503, retry.TRIES, retry.TRIES - 1)
    assert answer.headers["Retry-After"] == "30"
    assert "Nothing was changed; please try again in a minute." in answer.text
    assert said == []
    assert entries(app) == 0


def test_an_error_that_is_no_lost_race_is_not_tried_again(app: Flask, no_waits: list[float]) -> None:
    LOST["gone"] = sqlite3.OperationalError("disk I/O error")
    view = Losing(99, "gone")
    answer, _said = send(app, view)
    assert (answer.status_code, view.runs, no_waits) == (500, 1, [])


def test_a_program_gets_a_problem_when_it_never_wins(
    app: Flask, no_waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_words: Any, **_more: Any) -> None:
        raise lost("locked")

    monkeypatch.setattr("portal.public.api.cursors.page", lose)
    answer = app.test_client().get("/api/v1/members", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert answer.headers["Retry-After"] == "30"


def test_a_chore_and_a_handler_that_lose_a_race_run_again(app: Flask, no_waits: list[float]) -> None:
    left = {"chore": 2, "handler": 2, "finish": 2}

    def step(name: str) -> int:
        if left[name]:
            left[name] -= 1
            raise lost("deadlock")
        return 1

    @outbox.handles("loses", LazyString(lambda: "loses"))
    def handle(_item: outbox.Claim) -> outbox.Finish:
        step("handler")

        def finish() -> None:
            step("finish")

        return finish

    chores.register(Chore("loses", "0 4 * * *", lambda: step("chore")))
    try:
        with app.app_context():
            assert chores.run("loses") == 1
            with transaction():
                outbox.queue("loses", "once")
            assert outbox.drain() == 1
            row = db.session.scalars(select(outbox.OutboxItem)).one()
            assert (row.tries, row.error) == (1, None)
    finally:
        chores._table.pop("loses")
    assert left == {"chore": 0, "handler": 0, "finish": 0}


def test_tries_within_tries_do_not_multiply(no_waits: list[float], app: Flask) -> None:
    runs = []

    def lose() -> None:
        runs.append(1)
        raise lost("locked")

    with app.app_context(), pytest.raises(OperationalError):
        retry.patiently(lambda: retry.patiently(lose))
    assert len(runs) == retry.TRIES
