"""Snapshots: written with the close, chained, frozen, worked out again to the same figures; what differs is named."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.billing import closing, past_books, past_file, recognising
from portal.billing.plain_text import Dialect, lines
from portal.billing.verify import verify_books
from portal.core import audit, clock
from portal.core.db import db, reading, transaction
from portal.reports.closed import bodies, snapshots, versions
from portal.reports.closed.models import Snapshot
from portal.reports.revenue import revenue
from tests import books, sale
from tests.close_world import FEBRUARY, JANUARY, close, two_closed
from tests.people import browser, post


def rows() -> list[Snapshot]:
    return list(db.session.scalars(select(Snapshot).order_by(Snapshot.n)))


@pytest.fixture
def two(app: Flask) -> Flask:
    """A year of support, half paid; January and February closed."""
    return two_closed(app)


def test_a_close_leaves_the_report_as_known_and_the_chain_holds(two: Flask) -> None:
    with two.app_context(), reading():
        first, second = rows()
        assert (first.month, second.month, first.prev, second.prev) == (
            JANUARY, FEBRUARY, snapshots.GENESIS, first.hash,
        )  # fmt: skip
        body = snapshots.read(first)
        assert bodies.canonical(body) == first.body
        assert bodies.digest(first.prev, first.body) == first.hash
        assert body["made_by"] == books.person("feng").id
        assert "Galaxy" not in first.body
        assert "Feng" not in first.body
        told = revenue(JANUARY, JANUARY, date(2027, 2, 3))
        assert body["month_figures"]["by_stream"] == told["by_stream"]
        assert body["month_figures"]["by_stream"]["recognised"]["support"] == 310_000
        year = snapshots.read(second)["year_figures"]["by_stream"]["recognised"]["support"]
        assert year == 590_000
        payer = str(books.party().id)
        assert body["cells"] == {
            "support": {
                payer: {
                    "recognised": 310_000, "invoiced": 3_650_000, "collected": 1_825_000, "deferred": 3_340_000,
                    "ar": 1_934_500,
                }
            }
        }  # fmt: skip
        assert snapshots.verify() == (2, [])
        assert all(snapshots.again(row).same for row in (first, second))


def test_rows_sum_to_the_figures(two: Flask) -> None:
    with two.app_context(), reading():
        for row in rows():
            body = snapshots.read(row)
            by = body["month_figures"]["by_stream"]
            names = {"invoiced": "invoiced_net", "credited": "credited_net", "collected": "collected_net",
                     "refunded": "refunded_net"}  # fmt: skip
            for stream, payers in body["cells"].items():
                for basis in {basis for cells in payers.values() for basis in cells}:
                    total = sum(cells.get(basis, 0) for cells in payers.values())
                    assert by[names.get(basis, basis)][stream] == total, (stream, basis)


def test_closed_again_after_reopening_both_stay(two: Flask) -> None:
    with two.app_context():
        with clock.stopped_at(date(2027, 3, 5)):
            with transaction():
                closing.propose_reopen(FEBRUARY, by=books.person("fang"), reason="late invoice")
            with transaction():
                closing.reopen(FEBRUARY, by=books.person("feng"))
            with reading():
                assert snapshots.newest(FEBRUARY) is None
        with clock.stopped_at(date(2027, 2, 25)), transaction():
            sale.sell(106_000, (date(2027, 2, 1), date(2027, 3, 1)), subject="test:late")
        close(FEBRUARY, date(2027, 3, 6))
        with reading():
            assert [row.month for row in rows()] == [JANUARY, FEBRUARY, FEBRUARY]
            newest = snapshots.newest(FEBRUARY)
            assert newest is not None
            assert newest.n == 3
            assert snapshots.read(newest)["month_figures"]["totals"]["recognised"] == 380_000
            # What was known on a day stays: later closes and reopenings are in no file of that day.
            said = {day: snapshots.hash_known(FEBRUARY, date(2027, 3, day)) for day in (3, 4, 5, 6)}
            assert said == {3: None, 4: rows()[1].hash, 5: None, 6: newest.hash}
            assert snapshots.hash_known(date(2027, 4, 1), date(2027, 3, 6)) is None
            assert snapshots.verify() == (3, [])
            assert snapshots.again(newest).same


def test_what_is_recorded_later_changes_no_snapshot(two: Flask) -> None:
    with two.app_context():
        with clock.stopped_at(date(2027, 3, 4)), transaction():
            sale.sell(212_000, (date(2027, 1, 1), date(2028, 1, 1)), subject="test:other")
        with clock.stopped_at(date(2027, 4, 2)):
            recognising.recognise()
            with reading():
                assert all(snapshots.again(row).same for row in rows())
                assert verify_books()[1] == []


def test_a_snapshot_is_frozen_and_a_tampered_row_is_named(two: Flask) -> None:
    with two.app_context():
        for statement in ("UPDATE report_snapshot SET body = '{}'", "DELETE FROM report_snapshot"):
            with pytest.raises(Exception, match="on record"), transaction():
                db.session.execute(text(statement))
        _lay_open(two)
        with transaction():
            db.session.execute(
                text("UPDATE report_snapshot SET body = replace(body, '310000', '310001') WHERE n = 1")
            )
        with reading():
            assert snapshots.verify()[1] == ["snapshots: number 1 (2027-01) was altered"]
        with transaction():
            db.session.execute(text("DELETE FROM report_snapshot WHERE n = 2"))
        with reading():
            assert snapshots.verify()[1][-1] == "snapshots: the end of the chain is missing"


def _lay_open(app: Flask) -> None:
    names = ("report_snapshot_frozen_update", "report_snapshot_frozen_delete")
    with transaction():
        if app.extensions["settings"].sqlite:
            for name in names:
                db.session.execute(text(f"DROP TRIGGER {name}"))
        else:
            db.session.execute(text("DROP TRIGGER report_snapshot_frozen ON report_snapshot"))


def test_the_nightly_check_names_what_differs(two: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with two.app_context():
        with clock.stopped_at(date(2027, 3, 5)):
            assert snapshots.check() == 2
            with reading():
                found = snapshots.last_check()
                assert found is not None
                assert found.detail == {"through": 2, "breaks": []}
        real = bodies.parts

        def other(*flows: object) -> dict[str, object]:
            body = real(*flows)  # type: ignore[arg-type]
            body["month_figures"]["totals"]["recognised"] += 1
            payer = str(books.party().id)
            body["cells"]["support"][payer]["recognised"] += 1
            return body

        monkeypatch.setattr(bodies, "parts", other)
        monkeypatch.setattr(versions, "FORMULAS", "formulas@2")
        with clock.stopped_at(date(2027, 3, 6)):
            snapshots.check()
            with reading():
                found = snapshots.last_check()
                assert found is not None
                assert "number 2 (2027-02) differs at month_figures / totals / recognised" in str(
                    found.detail["breaks"]
                )
                done = snapshots.again(rows()[0])
                assert [one.where for one in done.changed] == ["formulas"]
                assert [one.path[0] for one in done.rows] == ["support"]
    client = browser(two, "fang@house.example")
    assert "The last check of the snapshots found something" in client.get("/office/").text
    page = client.get("/office/reports/closed/snapshots/1/again").text
    assert "Different: 1 figures and 1 rows" in page
    assert "formulas@2" in page


def test_imported_closed_months_get_theirs_at_night(app: Flask) -> None:
    told = (Path(__file__).parent / "data" / "books-small.json").read_text("utf-8")
    with app.app_context():
        with transaction():
            past_books.bring_in(past_file.parse(told), by="test")
        count = snapshots.check()
        assert count == len(json.loads(told)["period_closed_on"])
        assert snapshots.check() == count
        with reading():
            made = rows()
            assert made[0].streams == "books@1"
            assert made[0].made_by is None
            assert snapshots.verify() == (count, [])
            assert all(snapshots.again(row).same for row in made)
            verbs = audit.of_subject(made[0].subject)
            assert [entry.actor for entry in db.session.scalars(verbs)] == ["check_snapshots"]


def test_the_pages(two: Flask) -> None:
    client = browser(two, "fang@house.example")
    page = client.get("/office/reports/closed/snapshots").text
    assert "2027-01" in page
    assert "2027-02" in page
    page = client.get("/office/reports/closed/snapshots/1").text
    assert "3,100.00" in page
    assert (
        "The same: every figure and every row" in client.get("/office/reports/closed/snapshots/1/again").text
    )
    assert client.get("/office/reports/closed/snapshots/9").status_code == 404
    assert post(client, "/office/reports/closed/check").status_code == 303
    with clock.stopped_at(date(2027, 3, 5)):
        now = browser(two, "fang@house.example")
        page = now.get("/office/reports/reconciliation?from=2027-01&to=2027-02").text
    assert page.count("Agrees with its accounts") == 6
    with two.app_context(), reading():
        assert rows()[1].hash[:12] in page
        asserted = [line for line in lines(Dialect.BEANCOUNT) if " balance " in line]
        assert asserted
        assert all(" ~ 0.00 CNY" in line for line in asserted)
    assert "Differs" not in page
    assert client.get("/office/reports/reconciliation?from=x").status_code == 422
