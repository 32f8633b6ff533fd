"""The house: audit chain, outbox, readers and writers, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask_babel import LazyString
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal.core import audit, catalogue, clock, mail, outbox
from portal.core.db import db, reading, transaction
from portal.core.mail import Letter, MailMessage
from portal.core.outbox import OutboxItem


def write(verb: str) -> None:
    with transaction():
        audit.record(verb, "test:1", by="a test", said="你好")


def test_the_audit_chain_holds_and_a_rolled_back_entry_leaves_no_trace(app: Flask) -> None:
    with app.app_context():
        write("first")
        with pytest.raises(ZeroDivisionError), transaction():
            audit.record("lost", "test:1", by="a test")
            raise ZeroDivisionError
        write("second")
        assert audit.verify() == (2, [])
        assert db.session.scalars(select(audit.AuditEntry.verb).order_by(audit.AuditEntry.id)).all() == [
            "first",
            "second",
        ]


def test_the_database_refuses_to_change_an_audit_entry(app: Flask) -> None:
    with app.app_context():
        write("first")
        for statement in ("UPDATE audit_entry SET verb = 'x'", "DELETE FROM audit_entry"):
            with pytest.raises(DBAPIError, match="frozen"), transaction():
                db.session.execute(text(statement))


def test_an_altered_and_a_cut_chain_are_found_at_their_place(app: Flask) -> None:
    with app.app_context():
        for verb in ("first", "second", "third"):
            write(verb)
        drop = (
            ["DROP TRIGGER audit_entry_no_update", "DROP TRIGGER audit_entry_no_delete"]
            if db.engine.dialect.name == "sqlite"
            else ["DROP TRIGGER audit_entry_frozen ON audit_entry"]
        )
        with transaction():
            for statement in drop:
                db.session.execute(text(statement))
            db.session.execute(text("UPDATE audit_entry SET verb = 'forged' WHERE id = 2"))
        assert audit.verify() == (3, ["audit: entry 2 was altered"])
        with transaction():
            db.session.execute(text("UPDATE audit_entry SET verb = 'second' WHERE id = 2"))
            db.session.execute(text("DELETE FROM audit_entry WHERE id = 3"))
        assert audit.verify() == (2, ["audit: the end of the chain is missing"])


def test_a_reader_cannot_write(app: Flask) -> None:
    with app.app_context(), reading(), pytest.raises(DBAPIError):
        db.session.execute(text("UPDATE audit_head SET count = 7"))


def post(key: str) -> bool:
    return mail.send(key, "li@example.com", "李雷", "zh_Hans_CN", lambda: Letter("标题\nBcc: x@y", ("一行",)))


def test_a_mail_is_queued_with_its_fact_and_sent_once(app: Flask) -> None:
    with app.app_context():
        with transaction():
            assert post("welcome:1")
            assert not post("welcome:1")
        with pytest.raises(ZeroDivisionError), transaction():
            post("never")
            raise ZeroDivisionError
        assert outbox.drain() == 1
        assert outbox.drain() == 0
        message = db.session.scalars(select(MailMessage)).one()
        assert (message.title, message.sent_at is not None) == ("标题 Bcc: x@y", True)


def test_a_stale_claim_finds_its_fence_gone(app: Flask) -> None:
    with app.app_context():
        with transaction():
            post("welcome:1")
        first = outbox.claim("one")
        assert first is not None
        assert outbox.claim("two") is None
        with clock.stopped_at(clock.now() + outbox.LEASE + timedelta(seconds=1)):
            second = outbox.claim("two")
            assert second is not None
            assert (outbox.work(first), outbox.work(second)) == (False, True)


def test_failing_work_waits_longer_each_time_and_is_laid_aside_after_twelve_tries(app: Flask) -> None:
    @outbox.handles("explodes", LazyString(lambda: "explodes"))
    def explode(_item: outbox.Claim) -> None:
        raise OSError("no route")

    at = datetime(2026, 11, 24, tzinfo=UTC)
    with app.app_context():
        with clock.stopped_at(at), transaction():
            outbox.queue("explodes", "once")
        for _ in range(outbox.MOST_TRIES):
            at += timedelta(hours=8)
            with clock.stopped_at(at):
                assert outbox.drain() == 0
        row = db.session.scalars(select(OutboxItem)).one()
        assert (row.tries, row.dead_at, row.error) == (12, at, "OSError: no route")


def test_loading_the_catalogue_again_changes_nothing(app: Flask) -> None:
    from portal.core.settings import place

    with app.app_context():
        with transaction():
            assert catalogue.load_folder(place("catalogue")) == []
        assert list(catalogue.entries("tier")) == ["platinum", "gold", "silver", "startup", "individual"]


def test_a_postgresql_session_waits_for_nothing_without_end(app: Flask) -> None:
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            assert db.session.execute(text("PRAGMA busy_timeout")).scalar() == 20000
            return
        shown = [
            db.session.execute(text(f"SHOW {name}")).scalar()
            for name in ("lock_timeout", "statement_timeout")
        ]
        assert shown == ["5s", "30s"]
