"""What months cost, as finance states it: dated rows that change nothing of what was known earlier; refusals; history."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.people import Person
from portal.core import catalogue, clock
from portal.core.audit import AuditEntry
from portal.core.catalogue import CatalogueEntry
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.reports.goals import costs, counts
from tests.people import browser, post
from tests.report_world import staff

NOW = date(2026, 7, 8)
PAGE = "/office/reports/costs"
GIVEN = {"amount": "1,234.50", "zh": "总账", "en": "General ledger"}


@pytest.fixture
def house(app: Flask) -> Flask:
    """Finance, the board and somebody without the right."""
    with app.app_context(), clock.stopped_at(NOW):
        staff()
    return app


def finance() -> Person:
    return db.session.query(Person).filter_by(email="fang@house.example").one()


def state(month: date, amount: int, seen: int = 0) -> None:
    with transaction():
        costs.state(month, Money(amount), zh="总账", en="Ledger", seen=seen, by=finance())


def test_costs_are_known_from_the_day_they_were_stated(house: Flask) -> None:
    with house.app_context():
        for n in range(1, 7):
            with clock.stopped_at(date(2026, 7, 2)):
                state(date(2026, n, 1), 100_000 * n)
        with clock.stopped_at(date(2026, 7, 6)):
            state(date(2026, 6, 1), 900_000, seen=1)
        with clock.stopped_at(NOW), reading():
            said = {day: counts.cover(date(2026, 7, day)) for day in (1, 5, 8)}
            assert [one.stated for one in said.values()] == [False, True, True]
            assert [sum(fen for _month, fen in said[day].costs) for day in (5, 8)] == [2_100_000, 2_400_000]
            assert said[8].months == Fraction(said[8].cash * 6, 2_400_000)
            june = costs.lately()[0]
            assert (june.code, june.version, june.amount) == ("2026-06", 2, Money(900_000))
            entries = db.session.scalars(
                select(AuditEntry).where(AuditEntry.subject == "cost:2026-06").order_by(AuditEntry.id)
            ).all()
            assert [entry.detail.get("before") for entry in entries] == [None, str(Money(600_000))]


def test_what_cannot_be_stated_is_refused_and_nothing_stands(house: Flask) -> None:
    with house.app_context(), clock.stopped_at(NOW):
        state(date(2026, 5, 1), 5)
        for month, amount, seen, status in (
            (date(2026, 7, 1), 1, 0, 422),  # not over
            (date(2021, 6, 1), 1, 0, 422),  # too long ago
            (date(2026, 6, 1), -1, 0, 422),
            (date(2026, 6, 1), 10**13 + 1, 0, 422),
            (date(2026, 5, 1), 5, 1, 422),  # stands already
            (date(2026, 5, 1), 6, 0, 409),  # another stated it meanwhile
            (date(2026, 5, 1), 6, 2, 409),
        ):
            with pytest.raises(Refused) as refused:
                state(month, amount, seen)
            assert refused.value.status == status, (month, amount, seen)
        for body in (
            {"code": "2026-13", "amount": 1},
            {"code": "2026-01", "amount": -1},
            {"code": "2026-01", "amount": 1.5},
        ):
            with pytest.raises(Refused), transaction():
                catalogue.take("cost", body, NOW)
        with reading():
            assert (
                len(db.session.scalars(select(CatalogueEntry).where(CatalogueEntry.kind == "cost")).all())
                == 1
            )


def test_two_at_once_leave_one_and_the_other_is_told(house: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read that nothing stands: the database lets one version of a day be written once."""
    with house.app_context(), clock.stopped_at(NOW):
        state(date(2026, 5, 1), 5)
        nothing = costs.Cost(date(2026, 5, 1), 0)
        monkeypatch.setattr(costs, "of_month", lambda _month: nothing)
        monkeypatch.setattr(catalogue, "put", _again)
        with pytest.raises(Refused) as refused:
            state(date(2026, 5, 1), 7)
        assert refused.value.status == 409
        monkeypatch.undo()
        with clock.stopped_at(NOW), reading():
            assert costs.of_month(date(2026, 5, 1)).amount == Money(5)


def _again(kind: str, code: str, body: dict[str, object], valid_from: date) -> None:
    db.session.add(CatalogueEntry(kind=kind, code=code, valid_from=valid_from, version=1, body=body))
    db.session.flush()


def test_on_the_page(house: Flask) -> None:
    with clock.stopped_at(NOW):
        fang, sun = browser(house, "fang@house.example"), browser(house, "sun@house.example")
        page = fang.get(PAGE).text
        assert page.count("not stated") == 12
        assert 'value="2026-06"' in page
        assert "Not every one of the last 6 months" in page
        for wrong in (
            {"month": "2026-13"},
            {"month": "2026-08"},
            {"month": "2026-06", "amount": "a lot"},
            {"month": "2026-06", "zh": ""},
        ):
            answer = post(fang, PAGE, **{**GIVEN, **wrong})
            assert answer.status_code == 422, wrong
            assert "General ledger" in answer.text
        assert post(sun, PAGE, month="2026-06", **GIVEN).status_code == 403
        assert post(fang, PAGE, month="2026-06", **GIVEN).status_code == 303
        # The same form again knows of no version: it would change what another may have stated.
        refused = post(fang, PAGE, month="2026-06", **{**GIVEN, "amount": "2.00"})
        assert refused.status_code == 409
        assert 'value="2026-06:1"' in refused.text
        corrected = post(fang, PAGE, month="2026-06", seen="2026-06:1", **{**GIVEN, "amount": "2.00"})
        assert corrected.status_code == 303
        page = fang.get(f"{PAGE}?month=2026-06").text
        assert 'value="2.00"' in page
        assert "Cost of a month stated" in page
        seen = sun.get(PAGE).text
        assert "General ledger" in seen
        assert "State what a month cost" not in seen
        assert (
            "成本（人民币元）" in browser(house, "fang@house.example", language="zh_Hans_CN").get(PAGE).text
        )
        assert "/office/reports/costs" in fang.get("/office/reports/targets").text
