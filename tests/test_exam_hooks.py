"""What booking hears of real awards and of the item bank, through the portal as it is wired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from portal.accounts.may import StaffRole
from portal.certs import award_steps, awarding, booking, buying, exam_forms, replying
from portal.certs.models.award import Award, RevokeCause
from portal.certs.models.booking import BookingState, ExamSession
from portal.certs.models.eligibility import ExamKind
from portal.core import catalogue, clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from tests import seats
from tests.awarded import ZHANG
from tests.exam_items import in_use
from tests.membership import inside
from tests.people import make_person

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def held(place: ExamSession) -> BookingState:
    """Hold a seat for Lin and give it up again."""
    lin = seats.who("lin")
    row = booking.hold(place.id, person=lin, by=lin)
    found = row.state
    booking.decline(row, by=lin)
    return found


def test_an_award_on_hold_or_revoked_does_not_open_the_next_level(app: Flask) -> None:
    with inside(app), clock.stopped_at(NOW), transaction():
        seats.house("lin")
        lin, certs = seats.who("lin"), seats.who("certs")
        next_, same = seats.session(NOW + 30 * DAY, level="ADAPT"), seats.session(NOW + 40 * DAY)
        for level in ("ADAPT", "OPDEV"):
            seats.eligible(lin, level)
        with seats.refused("asks for the level"):
            held(next_)
        assert buying.kind_for(lin, "OPDEV") is ExamKind.EXAM
        award = awarding.grant(
            lin,
            level="OPDEV",
            names=ZHANG,
            decision="decision:1",
            decided_on=clock.today(),
            by=certs,
            issue=False,
        )
        assert held(next_) is BookingState.HELD
        assert buying.kind_for(lin, "OPDEV") is ExamKind.RENEWAL
        with seats.refused("renewed in the months"):
            held(same)
        award_steps.suspend(award, reason="Doubt", by=certs, second="Wu")
        with seats.refused("asks for the level"):
            held(next_)
        with seats.refused("on hold"):
            held(same)
        award_steps.lift(award, by=certs, second="Wu", reason="Cleared")
        assert held(next_) is BookingState.HELD
        award_steps.suspend(award, reason="Urgent doubt", by=certs, urgent=True)
        with seats.refused("asks for the level"):
            held(next_)
    with inside(app), clock.stopped_at(NOW + 4 * DAY), transaction():
        assert held(next_) is BookingState.HELD  # nobody confirmed the urgent hold: it fell away
        row = db.session.query(Award).one()
        award_steps.settle(row)
        award_steps.revoke(
            row, cause=RevokeCause.MISCONDUCT, by=seats.who("certs"), second="Wu", reason="Proven"
        )
        with seats.refused("asks for the level"):
            held(next_)
        assert held(same) is BookingState.HELD


def test_a_session_whose_blueprint_cannot_be_filled_is_not_published(app: Flask) -> None:
    with inside(app), clock.stopped_at(NOW):
        with transaction():
            body = catalogue.entry("scheme", "OPDEV")
            seats.house()
            topics = [{**one, "count": 1} for one in body["parts"][0]["topics"][:2]]
            part = {**body["parts"][0], "topics": topics}
            catalogue.put("scheme", "OPDEV", {**body, "parts": [part, body["parts"][1]]}, clock.today())
        with (
            pytest.raises(Refused, match=r"Operators and kernels \(0/1\), Memory and layout \(0/1\)"),
            transaction(),
        ):
            seats.session()
        with transaction():
            make_person("author@house.example", "Ou", staff=(StaffRole.AUTHOR,))
            make_person("check@house.example", "Ivan", staff=(StaffRole.ITEM_REVIEWER,))
            for topic in ("operators", "memory/fp16"):
                in_use(topic, topic)
        with transaction():
            place = seats.session()
            assert (replying.short_of(place), exam_forms.short_topics("OPDEV")) == ([], [])
