"""What support keeps of people (services.md §4): erasure, files with an end, a level bought meanwhile, verify finds faults."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from portal.accounts.events import PersonErased
from portal.billing import settling
from portal.billing.issuing import party_of
from portal.billing.money_models import Way
from portal.billing.subscription_models import Subscription
from portal.core import clock, files, retaining
from portal.core.db import db, reading
from portal.services.support import answering, ending, history, keeping
from portal.services.support.attaching import Attached
from portal.services.support.clocks import Severity
from portal.services.support.models import TicketFile, TicketMessage
from portal.services.support.verify import verify_support
from tests import support_scene as s

NOW = "2026-03-02T10:00"


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app)
    return app


def logged(app: Flask) -> Attached:
    with app.app_context():
        return Attached(files.put(b"step 7: fault\n", "text/plain"), "run.log")


def test_a_person_takes_along_and_loses_what_was_asked_for_himself(house: Flask) -> None:
    log = logged(house)
    with s.at(house, NOW):
        s.ask("tao", org=None, title="About me", body="my own words", files=[log])
        s.ask("tao", title="For the firm", body="the firm's words")
        sheets = {one.code: one.rows for one in keeping.sheets(s.person("tao"))}
        assert [row["words"] for row in sheets["ticket_messages"]] == ["my own words", "the firm's words"]
        assert [(one.item, one.count) for one in keeping.lines(s.person("tao"))] == [
            ("own_tickets", 1),
            ("org_tickets", 1),
        ]
        keeping.on_erased(PersonErased(s.person("tao"), "person-1", "Tao", "tao@galaxy.example"))
    with house.app_context(), reading():
        assert [one.title for one in (s.ticket(1), s.ticket(2))] == ["person-1", "For the firm"]
        assert [one.body for one in db.session.query(TicketMessage).order_by(TicketMessage.id)] == [
            "",
            "the firm's words",
        ]
        assert db.session.query(TicketFile).one().file.erased_at is not None


def test_files_go_180_days_after_closing(house: Flask) -> None:
    log = logged(house)
    with s.at(house, NOW):
        s.ask(files=[log])
        ending.reject(s.ticket(), by=s.person("an"), reason="A bug")
    with house.app_context():
        for days, due in ((179, 0), (181, 1)):
            with clock.stopped_at(s.china(NOW) + timedelta(days=days)), reading():
                assert {one.kind: one.count for one in retaining.dry_run()}["support_files"] == due


def test_a_level_paid_meanwhile_counts_from_then(house: Flask) -> None:
    with s.at(house, NOW):
        row = s.buy(s.org(), "support.platinum", paid=False)
        s.ask(severity=Severity.S2)
        assert s.ticket().level == "gold"
        number = row.id
    with s.at(house, "2026-03-02T10:30"):
        invoice = db.session.get_one(Subscription, number).periods[0].invoice
        assert invoice is not None
        receipt, _new = settling.record_receipt(
            Way.BANK, "bank", "P-1", invoice.gross, clock.today(), payer="Galaxy Ltd", party=party_of(s.org()), by="test"
        )  # fmt: skip
        settling.put_on(receipt, invoice, by="test")
    with s.at(house, "2026-03-02T10:40"):
        assert s.ticket().level == "platinum"
        first = history.shown(s.ticket())[0]
        assert first.due == s.china("2026-03-02T12:30")
        assert verify_support() == (1, [])


def test_verify_names_what_was_changed_behind_its_back(house: Flask) -> None:
    with s.at(house, NOW):
        s.ask()
        answering.take(s.ticket(), by=s.person("an"))
        assert verify_support() == (1, [])
        db.session.execute(
            text("UPDATE support_ticket SET state = 'solved', severity = 's1', level = 'open'")
        )
        db.session.expire_all()
        assert len(verify_support()[1]) == 3
        db.session.execute(text("UPDATE support_ticket SET state = 'open', severity = 's2', level = 'gold'"))
