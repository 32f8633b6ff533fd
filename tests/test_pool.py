"""Connections that lay in the pool while their server went away: the next reader notices nothing."""

from __future__ import annotations

import select
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError

from portal.core import clock, pool
from portal.core.db import db

pytestmark = pytest.mark.parametrize("app", ["postgresql"], indirect=True)  # SQLite has no server
END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def _end_all_others(app: Flask) -> None:
    """Let the server end every other connection to this database."""
    with app.app_context(), db.engine.connect() as conn, db.engine.connect():
        conn.exec_driver_sql(END)


def test_a_connection_that_the_server_ended_is_replaced(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/readyz").status_code == 200
    for _ in range(3):
        _end_all_others(app)
        assert client.get("/readyz").status_code == 200
        assert client.get("/members").status_code == 200


def test_a_connection_is_asked_only_after_a_long_rest(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        engine, asked = db.engine, [0]
    ping = engine.dialect.do_ping

    def noted(raw: Any) -> bool:
        asked[0] += 1
        return ping(raw)

    monkeypatch.setattr(engine.dialect, "do_ping", noted)
    client = app.test_client()
    client.get("/members")
    client.get("/members")
    assert asked == [0]
    later = clock.monotonic() + pool.LONG + 1
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    client.get("/members")
    assert asked == [1]


def test_what_comes_in_unasked_is_seen(app: Flask) -> None:
    with app.app_context():
        engine = db.engine
        with engine.connect() as first, engine.connect() as second:
            raw: Any = first.connection.dbapi_connection
            first.rollback()
            assert pool.silent(raw)
            second.exec_driver_sql(END)
            look = select.poll()
            look.register(raw.fileno(), select.POLLIN)
            assert look.poll(5000)
            assert not pool.silent(raw)
            first.invalidate()


def test_what_was_prepared_for_readers_stays_and_a_failed_reader_leaves_nothing(app: Flask) -> None:
    client = app.test_client()
    prepared = "SELECT count(*) FROM pg_prepared_statements"
    for _ in range(8):
        assert client.get("/members").status_code == 200
    with app.test_request_context("/"):
        assert (db.session.connection().exec_driver_sql(prepared).scalar() or 0) > 0
        db.session.rollback()
        with pytest.raises(DBAPIError):
            db.session.connection().exec_driver_sql("UPDATE membership SET tier = ''")
        db.session.rollback()
        raw: Any = db.session.connection().connection.dbapi_connection
        assert raw.read_only
        db.session.rollback()
        assert raw.pgconn.transaction_status == 0
    assert client.get("/members").status_code == 200


def test_a_connection_lost_in_the_middle_of_reading_is_given_up(app: Flask) -> None:
    with app.test_request_context("/"):
        db.session.connection().exec_driver_sql("SELECT 1")
        _end_all_others(app)
        with pytest.raises(DBAPIError):
            db.session.connection().exec_driver_sql("SELECT 1")
        db.session.rollback()
        assert db.session.connection().exec_driver_sql("SELECT 1").scalar() == 1
        _end_all_others(app)
        with pytest.raises(DBAPIError):  # as SQLAlchemy has it; the request is over by then
            db.session.rollback()
        db.session.rollback()
        assert db.session.connection().exec_driver_sql("SELECT 1").scalar() == 1
        db.session.rollback()
