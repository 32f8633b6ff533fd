"""Totals kept of closed months: made with the close, forgotten when it opens again, never other than the entries."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import delete, select, update

from portal.billing import closing, months, recognising
from portal.cli import cli
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from portal.reports.revenue import revenue
from portal.reports.stored import building
from portal.reports.stored import reading as stored
from portal.reports.stored.models import StoredMonth, StoredTotal
from tests import books, sale
from tests.close_world import FEBRUARY, JANUARY, close, two_closed
from tests.plainly import random_books
from tests.report_world import take

MARCH = date(2027, 3, 1)
LATER = date(2027, 3, 20)


@pytest.fixture
def two(app: Flask) -> Flask:
    """A year of support, half paid; January and February closed."""
    return two_closed(app)


def forget() -> None:
    """Throw every total away, so that reports read the entries."""
    with transaction():
        db.session.execute(delete(StoredTotal))
        db.session.execute(delete(StoredMonth))


def asked(on: date) -> list[dict[str, Any]]:
    """Ask for two periods as known today and on days of the past, on a day."""
    with clock.stopped_at(on), reading():
        return [
            revenue(first, last, known)
            for first, last in ((JANUARY, MARCH), (FEBRUARY, FEBRUARY))
            for known in (on, date(2027, 2, 10), date(2027, 1, 25), date(2027, 2, 28))
        ]


def kept() -> list[date]:
    with reading():
        return [one.month for one in stored.kept()]


def same_without(on: date) -> None:
    """Require the reports to say what they say without any totals; make the totals anew."""
    before = asked(on)
    forget()
    assert asked(on) == before
    with transaction():
        building.rebuild()
    assert asked(on) == before


def test_a_close_keeps_totals_and_reports_say_the_same_with_and_without(two: Flask) -> None:
    with two.app_context():
        assert kept() == [JANUARY, FEBRUARY]
        with reading():
            assert [one.settled for one in stored.kept()] == [True, True]
            assert building.verify() == (2, [])
        same_without(LATER)
        with clock.stopped_at(LATER), reading():
            found = revenue(JANUARY, MARCH, LATER)["recognised_by_month_total"]
        assert found == {"2027-01": 310_000, "2027-02": 280_000, "2027-03": 200_000}


def test_a_month_that_opens_again_is_read_from_its_entries(two: Flask) -> None:
    with two.app_context():
        with clock.stopped_at(date(2027, 3, 5)):
            with transaction():
                closing.propose_reopen(FEBRUARY, by=books.person("fang"), reason="late invoice")
            with transaction():
                closing.reopen(FEBRUARY, by=books.person("feng"))
        assert kept() == [JANUARY]
        with clock.stopped_at(date(2027, 2, 25)), transaction():
            sale.sell(106_000, (FEBRUARY, MARCH), subject="test:late")
        with clock.stopped_at(date(2027, 3, 6)):
            recognising.recognise()
            with reading():
                found = revenue(FEBRUARY, FEBRUARY, date(2027, 3, 6))
        assert found["totals"]["recognised"] == 380_000
        close(FEBRUARY, date(2027, 3, 6))
        assert kept() == [JANUARY, FEBRUARY]
        with reading():
            assert building.verify() == (2, [])
        same_without(LATER)


def test_what_is_sold_late_ended_and_not_booked_is_found_from_the_kept_month_on(two: Flask) -> None:
    with two.app_context():
        # Three lines after the close: one that began before it, one that is over, one of March alone; no chore ran since.
        with clock.stopped_at(date(2027, 3, 8)), transaction():
            sale.sell(530_000, (JANUARY, date(2027, 7, 1)), subject="test:begun")
            sale.sell(106_000, (JANUARY, MARCH), subject="test:over")
            sale.sell(212_000, (MARCH, date(2027, 4, 1)), subject="test:march")
        same_without(LATER)
        same_without(date(2027, 5, 2))  # April is over and nothing of March and April is booked
        with clock.stopped_at(date(2027, 5, 2)):
            before = asked(date(2027, 5, 2))
            recognising.recognise()
            assert asked(date(2027, 5, 2)) == before


def test_a_month_at_whose_end_something_was_owed_is_no_base(two: Flask) -> None:
    with two.app_context():
        with transaction():
            db.session.execute(update(StoredMonth).values(settled=False))
        with reading():
            assert stored.base(stored.kept()[-1].at, LATER) is None
            counted, faults = building.verify()
        assert (counted, len(faults)) == (2, 2)
        same_without(LATER)


def test_totals_that_are_not_those_of_the_entries_are_named(
    two: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with two.app_context():
        with transaction():
            one = db.session.scalars(select(StoredTotal).order_by(StoredTotal.id)).first()
            assert one is not None
            one.amount = one.amount + Money(1)
        with reading():
            assert building.verify()[1] == [
                "reports: the kept totals of 2027-01 are not those of the entries"
            ]
        monkeypatch.setattr("portal.cli.income.prepared", lambda: two)
        assert CliRunner().invoke(cli, ["report", "totals"]).output == "2 months\n"
        with reading():
            assert building.verify() == (2, [])


def test_an_import_lets_every_total_be_made_anew(app: Flask) -> None:
    with app.app_context(), clock.stopped_at(date(2026, 10, 20)):
        take(random_books(3, until=date(2026, 10, 1)))
        assert kept() == []
        closed = building.mend()
        assert closed > 2
        assert len(kept()) == closed
        assert building.mend() == 0
        again = random_books(4, until=date(2026, 10, 1), mark="b")
        take(again | {"period_closed_on": {}})
        assert kept() == [], "an import may know of days long over"
        assert building.mend() == closed
        with reading():
            assert building.verify() == (closed, [])
            with_totals = revenue(date(2025, 9, 1), date(2026, 10, 1), date(2026, 10, 20))
        forget()
        with reading():
            assert revenue(date(2025, 9, 1), date(2026, 10, 1), date(2026, 10, 20)) == with_totals


def test_days_that_no_kept_month_covers_are_ranges_between_them() -> None:
    def of(month: date) -> stored.Kept:
        last = months.last_of(month)
        return stored.Kept(1, month, last, months.end_of(last), months.end_of(last), True)

    year = (date(2026, 1, 1), date(2026, 12, 31))
    assert list(stored.gaps([], *year)) == [year]
    some = [of(date(2026, 1, 1)), of(date(2026, 2, 1)), of(date(2026, 5, 1))]
    assert list(stored.gaps(some, *year)) == [
        (date(2026, 3, 1), date(2026, 4, 30)), (date(2026, 6, 1), date(2026, 12, 31)),
    ]  # fmt: skip
    assert list(stored.gaps([of(date(2026, 1, 1))], date(2026, 1, 1), date(2026, 1, 31))) == []
