"""Webhooks of services (services.md §7): each move of the tables once, in order, to the organisation it is about alone."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select

from portal.accounts import hooks
from portal.accounts.hook_models import WebhookDelivery, WebhookEndpoint
from portal.core import clock
from portal.core.db import db, reading
from portal.core.money import Money
from portal.core.outbox import OutboxItem
from portal.core.states import TABLES, move
from portal.services import moves
from portal.services.engagements import delivering
from portal.services.engagements.models import MilestoneState
from portal.services.slots.kinds import SlotState, WorkKind
from portal.services.slots.models import SlotQuarter, SlotRequest
from portal.services.sponsors.kinds import PlaceState, Scope
from portal.services.sponsors.models import SponsorEdition, SponsorPackage, SponsorPlace
from portal.services.statements.models import ComputeSeller, ComputeStatement
from portal.services.support import answering, asking, ending, history
from portal.services.support.clocks import Severity
from portal.services.support.models import SupportTicket, TicketState
from tests import services_scene as s
from tests.people import browser
from tests.test_engagements import begun, hand_in, stage

ROOT = Path(__file__).resolve().parents[1]
GALAXY, SPRUCE = "https://hooks.galaxy.example/in", "https://hooks.spruce.example/in"


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app)
    with s.at(app, "2026-03-01T10:00"):
        hooks.add(s.org(), GALAXY, [], by="test")
        hooks.add(s.org("Spruce Software"), SPRUCE, [], by="test")
    return app


def told(url: str = GALAXY, group: str = "") -> list[dict[str, Any]]:
    rows = (
        select(WebhookDelivery)
        .join(WebhookEndpoint, WebhookDelivery.endpoint_id == WebhookEndpoint.id)
        .where(WebhookEndpoint.url == url, WebhookDelivery.kind.startswith(group))
    )
    return [json.loads(one.body) for one in db.session.scalars(rows.order_by(WebhookDelivery.id))]


def kinds(group: str, url: str = GALAXY) -> list[str]:
    return [one["type"] for one in told(url, group)]


def test_work_is_told_from_the_quote_to_the_acceptance(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        row = begun()
        hand_in("design")
        delivering.reject(stage("design"), {"plan": "A secret finding"}, by=s.person("tech"))
        hand_in("design")
        delivering.accept(stage("design"), by=s.person("tech"))
        quote, uid, design = row.quote.uid, row.uid, stage("design").uid
    with house.app_context(), reading():
        assert kinds("quote.") == ["quote.sent", "quote.accepted"]  # a draft stays inside
        assert kinds("order.") == ["order.placed"]
        assert kinds("engagement.") == ["engagement.planned", "engagement.running"]
        mine = [one["data"] for one in told(group="milestone.") if one["data"]["milestone"] == design]
        assert [(one["from"], one["to"]) for one in mine] == [
            (None, "planned"), ("planned", "in_work"), ("in_work", "submitted"), ("submitted", "returned"),
            ("returned", "submitted"), ("submitted", "accepted"),
        ]  # fmt: skip
        assert mine[0]["engagement"] == uid
        running = told(group="engagement.")[-1]["data"]
        assert (running["engagement"], running["quote"], running["number"]) == (uid, quote, "P-2026-0001")
        assert running["organisation"] == s.org().uid
        by_stream: dict[str, list[int]] = {}
        for one in db.session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)):
            by_stream.setdefault(one.stream, []).append(one.sequence)
            assert one.uid in {
                item.payload["delivery"]
                for item in db.session.scalars(select(OutboxItem).order_by(OutboxItem.id))
                if item.kind == hooks.WORK
            }
        assert all(line == sorted(set(line)) for line in by_stream.values())
        assert len({one["data"]["id"] for one in told()}) == len(told())
        bodies = json.dumps(told())
        for word in ("Sig", "Tech", "Lea", "secret finding", "Chip adaptation", "gross", "48000000"):
            assert word not in bodies
        assert told(SPRUCE) == []


def test_tickets_slots_places_and_statements_are_told(house: Flask) -> None:
    _what_rolls_back(house)
    with s.at(house, "2026-03-02T13:00"):
        given: dict[str, Any] = {
            "by": s.person("tech"), "org": s.org(), "title": "Kernel", "body": "It stops", "severity": Severity.S2,
        }  # fmt: skip
        row, other, spam = (asking.open_ticket(**given) for _n in range(3))
        answering.answer(row, by=s.person("mia"), body="A secret answer")
        ending.merge(other, row, by=s.person("mia"))
        ending.call_spam(spam, by=s.person("mia"))
        private = asking.open_ticket(**{**given, "org": None})
        assert private.org is None
        uids = row.uid, other.uid
    with house.app_context(), reading():
        mine = [one["type"] for one in told(group="ticket.") if one["data"]["ticket"] == uids[0]]
        assert mine[:2] == ["ticket.new", "ticket.open"]
        last = told(group="ticket.")[-1]["data"]
        assert (last["ticket"], last["to"], last["into"]) == (uids[1], "merged", uids[0])
        assert "rejected" not in {
            one["data"]["to"] for one in told(group="ticket.")
        }  # spam is told to nobody
        assert "secret" not in json.dumps(told())
    with s.at(house, "2026-03-03T10:00"):
        quarter = SlotQuarter(start=date(2026, 4, 1), slots=1, person_days=30)
        asked = SlotRequest(
            org=s.org(), kind=WorkKind.CHIP, wish="A secret wish", by=s.person("tech"), asked_on=clock.today()
        )
        seller = ComputeSeller(org=s.org("Spruce Software"), since=date(2026, 1, 1), contract="C")
        db.session.add_all([quarter, asked, ComputeStatement(seller=seller, month=date(2026, 2, 1))])
        db.session.flush()
        asked.quarter, asked.offered_on = quarter, clock.today()
        for state in (SlotState.OFFERED, SlotState.BOOKED):  # two steps of one flush are two messages
            move(asked, state)
    with house.app_context(), reading():
        assert kinds("slot.") == ["slot.waiting", "slot.offered", "slot.booked"]
        assert told(group="slot.")[-1]["data"]["quarter"] == "2026Q2"
        assert (kinds("statement."), kinds("statement.", SPRUCE)) == ([], ["statement.expected"])
    with s.at(house, "2026-03-04T10:00"):
        place, galaxy = _place(), s.org()
        move(place, PlaceState.HELD)
        place.org, place.held_until = galaxy, clock.now()
        db.session.flush()
        move(place, PlaceState.OPEN)
        place.org, place.held_until = None, None
    with house.app_context(), reading():
        assert kinds("place.") == ["place.held", "place.open"]  # given back: told to who had it
    _the_page_and_the_docs(house)


def _what_rolls_back(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        hooks.add(s.org(), GALAXY + "/slots", ["slot."], by="test")
        row = asking.open_ticket(
            by=s.person("tech"), org=s.org(), title="Kernel", body="It stops", severity=Severity.S3
        )
        number = row.id
    with pytest.raises(RuntimeError), s.at(house, "2026-03-02T11:00"):
        history.turn(db.session.get_one(SupportTicket, number), TicketState.OPEN, by=None)
        raise RuntimeError
    with s.at(house, "2026-03-02T12:00"):
        nested = db.session.begin_nested()
        history.turn(db.session.get_one(SupportTicket, number), TicketState.OPEN, by=None)
        nested.rollback()
        history.turn(db.session.get_one(SupportTicket, number), TicketState.SOLVED, by=None)
    with house.app_context(), reading():
        assert kinds("ticket.") == ["ticket.new", "ticket.solved"]
        assert told(GALAXY + "/slots") == []


def _place() -> Any:
    edition = SponsorEdition(
        event="cup", year=2026, names={"en": "Cup", "zh": "杯"}, city="Beijing", first_day=date(2026, 9, 1), last_day=date(2026, 9, 3)
    )  # fmt: skip
    package = SponsorPackage(
        edition=edition, names={"en": "Gold", "zh": "金"}, product="sponsor", price=Money(1), scope=Scope.NONE, title=False
    )  # fmt: skip
    place = SponsorPlace(package=package, n=1)
    db.session.add(place)
    db.session.flush()
    return place


def _the_page_and_the_docs(house: Flask) -> None:
    with house.app_context(), force_locale("en"):
        listed = {kind for kind, _words in moves.kinds()}
        assert {f"milestone.{state.value}" for state in TABLES[MilestoneState]} <= listed
        assert all(one.startswith(tuple(moves.GROUPS)) for one in listed)
        known = hooks.kinds()
        assert all(known[topic] for topic in hooks.topics())
    for path in ("docs/api.md", "docs/zh/api.md"):
        text = (ROOT / path).read_text(encoding="utf-8")
        table = {
            f"{life.code}.": [state.value for state in TABLES[life.states] if state not in life.inside]
            for life in moves.LIVES.values()
        }
        for topic, states in table.items():
            assert f"| `{topic}` | {', '.join(f'`{one}`' for one in states)} |" in text, (path, topic)
    with clock.stopped_at(s.china("2026-03-02T10:00")):
        page = browser(house, "tech@galaxy.example").get("/webhooks").text
    assert all(kind in page for kind in listed)
