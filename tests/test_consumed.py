"""What is consumed (services.md §5): used + held + left + expired is what was granted, whatever happens to the claims."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.members import claiming, terms
from portal.members.benefit_models import Claim
from portal.services.consumed import counting
from portal.services.consumed.verify import verify_consumed
from tests import perks
from tests import place_scene as s
from tests.people import browser
from tests.test_statement_pages import seen


def row() -> counting.Counted:
    membership = terms.membership_of(s.org("beta"))
    assert membership is not None
    found = [one for one in counting.of(membership, clock.today()) if one.grant.benefit == "days"]
    assert len(found) == 1
    return found[0]


def figures() -> tuple[int, int, int, int, int]:
    one = row()
    assert one.adds_up
    return one.granted, one.used, one.held, one.left, one.expired


def test_a_right_is_counted_from_grant_to_expiry(app: Flask) -> None:
    with app.app_context(), clock.stopped_at(date(2026, 1, 1)), s.transaction():
        perks.define("days", tiers={"gold": 5}, start=date(2026, 1, 1))
    s.house(app, "beta")
    with s.at(app, "2026-02-02T10:00"):
        assert figures() == (5, 0, 0, 5, 0)
        grant, owner = row().grant, s.who("beta")
        first = claiming.claim(grant, 2, by=owner)
        second = claiming.claim(grant, 1, by=owner)
        assert figures() == (5, 0, 3, 2, 0)
        claiming.withdraw(second, by=owner)
        assert figures() == (5, 0, 2, 3, 0)
        with pytest.raises(Refused, match="Only 3"):
            claiming.claim(grant, 4, by=owner)
        number = first.id
    with clock.stopped_at(s.china("2026-02-03T10:00")):
        page = seen(browser(app, "owner@beta.example"), "/consumed/")
        assert "31 Dec 2026" in page
        assert "Claim it" in page
    with s.at(app, "2027-01-01T10:00"):
        assert figures() == (5, 0, 2, 0, 3)  # what nobody claimed is gone, what is held is honoured
        assert db.session.get(Claim, number) is not None
        assert verify_consumed()[1] == []
