"""The report pages: every amount opens rows that sum to it, on any books, for whoever may see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts.organisations import Organisation, Ownership
from portal.billing.models import Party
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Missing, Refused
from portal.reports.income import asked, behind, pages, payers, saved
from portal.reports.income.asked import Question
from portal.reports.income.books import Books, forget
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure
from portal.reports.income.saved_models import SavedView
from tests import books as house
from tests.counting import counted
from tests.people import browser, post
from tests.plainly import random_books
from tests.report_world import NOW, bring_in, question, staff, take

HOME = "/office/reports"
AMOUNT = re.compile(r'<a class="money[^"]*" href="([^"]+)">(-?[\d,]+\.\d\d)</a>')


@pytest.fixture(autouse=True)
def in_july() -> Iterator[None]:
    with clock.stopped_at(NOW):
        yield


def set_up(app: Flask, name: str = "books-wide.json") -> FlaskClient:
    with app.app_context():
        bring_in(name)
        staff()
    return browser(app, "fang@house.example")


def asks(said: Question) -> list[tuple[str, Question]]:
    """Return every page with a question that it can answer."""
    with_payer = {"payer": replace(said, payer=first_payer())}
    with_stream = {"stream": replace(said, stream=said.lists.streams[1])}
    return [(page.key, {**with_payer, **with_stream}.get(page.key, said)) for page in pages.every()]


def first_payer() -> str:
    return str(db.session.scalar(select(Party.uid).order_by(Party.id).limit(1)))


@pytest.mark.parametrize("name", ["", "books-wide.json", "books-small.json"])
def test_every_amount_of_every_page_is_the_sum_of_its_rows(app: Flask, name: str) -> None:
    """Random books of a year; dollars, milestones and commission; a refund."""
    with app.app_context():
        if name:
            bring_in(name)
        else:
            take(random_books(7, until=date(2026, 7, 5), size=24))
    asked_for = [
        {},
        {"basis": "deferred"},
        {"known": "2026-04-15", "day": "2026-03-03"},
        {"group": "service"},
    ]
    with app.test_request_context(), reading():
        for given in asked_for[: 2 if name else 4]:
            for key, said in asks(question(**given)):
                for figure in pages.of(key).build(said).figures():
                    rows = behind.rows_of(said, figure)
                    assert sum(row.amount for row in rows) == figure.amount, (key, said.args(), figure)


def test_an_amount_on_a_page_leads_to_rows_that_print_its_sum(app: Flask) -> None:
    fang = set_up(app)
    for path in ("/", "/months?basis=invoiced", "/payers", "/ageing?day=2026-05-20", "/corrections"):
        page = fang.get(f"{HOME}{path}{'&' if '?' in path else '?'}from=2026-01&to=2026-06").text
        found = [(unescape(href), amount) for href, amount in AMOUNT.findall(page) if amount != "0.00"]
        assert found, path
        for href, amount in found[:4]:
            behind_it = fang.get(href).text
            total = re.search(r'data-total="(-?\d+)"', behind_it)
            assert total is not None
            assert total[1] == amount.replace(",", "").replace(".", ""), href


def test_worked_example_1_to_the_fen(app: Flask) -> None:
    """Two lines on five bases; 02 closes on 03-12, 05 on 06-12."""
    with app.app_context(), clock.stopped_at(date(2027, 7, 2)):
        take(
            {
                "functional_currency": "CNY",
                "streams": [{"code": code, "zh": code, "group": "service"} for code in ("support", "adaptation")],
                "period_closed_on": {"2027-02": "2027-03-12", "2027-03": "2027-04-12", "2027-04": "2027-05-12", "2027-05": "2027-06-12"},
                "orders": [
                    {"id": "O-1", "party": "Galaxy", "stream": "support", "signed": "2027-02-03", "net": 8_450_000},
                    {"id": "O-2", "party": "Galaxy", "stream": "adaptation", "signed": "2027-01-20", "net": 18_600_000},
                ],
                "invoices": [
                    {"id": "S", "order": "O-1", "party": "Galaxy", "stream": "support", "issued": "2027-03-18", "net": 8_450_000,
                     "tax": 507_000, "method": "daily", "start": "2027-02-10", "end": "2028-02-09"},
                    {"id": "A", "order": "O-2", "party": "Galaxy", "stream": "adaptation", "issued": "2027-03-05", "net": 5_700_000,
                     "tax": 342_000, "method": "milestone", "contract_net": 18_600_000,
                     "milestones": [{"pct": 25, "accepted": "2027-03-29"}, {"pct": 40, "accepted": "2027-05-20"}, {"pct": 35, "accepted": None}]},
                ],
                "payments": [{"id": "P", "invoice": "S", "on": "2027-04-02", "amount": 2_150_000}],
                "credit_notes": [{"id": "N", "invoice": "S", "issued": "2027-06-09", "reason": "termination", "effective_end": "2027-05-31"}],
            }
        )  # fmt: skip
        expected = {
            ("support", "2027-03-31"): (8_450_000, 8_450_000, 0, 1_157_534, 1_157_534, 7_292_466, 7_292_466, 0, 7_292_466, 8_957_000),
            ("support", "2027-04-30"): (8_450_000, 8_450_000, 2_028_302, 694_521, 1_852_055, 6_597_945, 6_421_698, 0, 6_597_945, 6_807_000),
            ("support", "2027-05-31"): (8_450_000, 8_450_000, 2_028_302, 717_671, 2_569_726, 5_880_274, 5_880_274, 0, 5_880_274, 6_807_000),
            ("support", "2027-06-30"): (2_569_726, 2_569_726, 2_028_302, 0, 2_569_726, 0, 0, 0, 0, 573_910),
            ("adaptation", "2027-03-31"): (18_600_000, 5_700_000, 0, 4_650_000, 4_650_000, 1_050_000, 1_050_000, 0, 13_950_000, 6_042_000),
            ("adaptation", "2027-05-31"): (18_600_000, 5_700_000, 0, 7_440_000, 12_090_000, 0, 0, 6_390_000, 6_510_000, 6_042_000),
        }  # fmt: skip
        with reading():
            for (stream, day), figures in expected.items():
                assert example(stream, day[:7], day) == figures, (stream, day)
            june = example("support", "2027-06", "2027-07-02")
            assert june == expected["support", "2027-06-30"]
            march = asked.read({"from": "2027-03", "to": "2027-03"}, clock.today())
            late = behind.rows_of(march, Figure.of("corrections", 0))
            assert [(f"{row.month:%Y-%m}", row.amount) for row in late] == [("2027-02", 439_863)]


def example(stream: str, month: str, known: str) -> tuple[int, ...]:
    """Return the columns of the example: to date, but income of the month beside income to date."""
    said = asked.read({"from": "2027-01", "to": month, "known": known, "stream": stream}, clock.today())
    books = Books(said)
    flows = [
        sum(books.by(code, lambda _one: 0).values()) for code in ("booked", "net_invoiced", "collected_net")
    ]
    earned = books.by("recognised", lambda one: f"{one.month:%Y-%m}")
    stands = [
        sum(books.stands(code, lambda _line: 0).values())
        for code in ("deferred", "unpaid", "contract_asset", "rpo", "ar")
    ]
    return (*flows, earned.get(month, 0), sum(earned.values()), *stands)


def test_related_companies_are_one_payer_and_a_dated_row_says_so(app: Flask) -> None:
    fang = set_up(app)
    with app.app_context():
        with transaction():
            a, b = (
                db.session.query(Organisation).filter_by(source_key=f"books:{name}").one() for name in "AB"
            )
            db.session.add(
                Ownership(
                    owner=a, owned=b, share_bp=5_100, evidence="register of companies", start=date(2026, 7, 1)
                )
            )
        with reading():
            one, other = (db.session.query(Party).filter_by(org_id=org.id).one() for org in (a, b))
            assert payers.together(one.id, date(2026, 7, 8)) == {one.id, other.id}
            assert payers.together(one.id, date(2026, 6, 30)) == {one.id}
            uids = [one.uid, other.uid]
    page = fang.get(f"{HOME}/payer?from=2026-01&to=2026-06&payer={uids[0]}").text
    assert "register of companies" in page
    assert "51.00 %" in page
    alone = fang.get(f"{HOME}/payer?from=2026-01&to=2026-06&payer={uids[0]}&alone=yes").text
    assert "without related companies" in alone
    assert "with related companies" in fang.get(f"{HOME}/payers?from=2026-01&to=2026-06").text
    with app.test_request_context(), reading():
        said = replace(question(), payer=uids[0])
        both = sum(figure.amount for figure in pages.of("payer").build(said).detail)
        each = [
            sum(f.amount for f in pages.of("payer").build(replace(said, payer=uid, alone=True)).detail)
            for uid in uids
        ]
        assert both == sum(each)


def test_who_may_see_what(app: Flask) -> None:
    fang = set_up(app)
    sun, lena = browser(app, "sun@house.example"), browser(app, "lena@house.example")
    with app.app_context(), reading():
        uid = first_payer()
    assert lena.get(f"{HOME}/").status_code == 403
    for path in (
        "/payers",
        f"/payer?payer={uid}",
        "/lines/1",
        f"/months?payer={uid}",
        f"/rows?figure=recognised&payer={uid}",
    ):
        assert sun.get(f"{HOME}{path}").status_code == 403, path
    for path in (
        "/",
        "/months",
        "/waterfall",
        "/deferred",
        "/rpo",
        "/ageing",
        "/corrections",
        "/waived",
        "/stream?stream=support",
    ):
        page = sun.get(f"{HOME}{path}{'&' if '?' in path else '?'}from=2026-01&to=2026-06")
        assert page.status_code == 200, path
        assert uid not in page.text
    rows = sun.get(f"{HOME}/rows?figure=recognised&from=2026-01&to=2026-06").text
    assert "Payer" not in rows
    assert "INV-" not in rows
    ours = re.search(
        r'data-total="(-?\d+)"', fang.get(f"{HOME}/rows?figure=recognised&from=2026-01&to=2026-06").text
    )
    theirs = re.search(r'data-total="(-?\d+)"', rows)
    assert ours is not None
    assert theirs is not None
    assert ours[1] == theirs[1]
    assert fang.get(f"{HOME}/lines/1?from=2026-01").status_code == 200


def test_a_question_that_cannot_be_read_keeps_what_was_typed(app: Flask) -> None:
    fang = set_up(app, "books-small.json")
    for query in (
        "from=2026-13",
        "from=2026-05&to=2026-04",
        "known=2026-07-09",
        "from=1999-01&to=2026-01",
        "basis=profit",
        "known=x",
    ):
        page = fang.get(f"{HOME}/months?{query}")
        assert page.status_code == 422, query
        assert "What you entered is still in the fields" in page.text
    assert 'value="2026-13"' in fang.get(f"{HOME}/months?from=2026-13").text
    assert [fang.get(f"{HOME}/{key}").status_code for key in ("payer", "stream", "rows")] == [302] * 3
    for query in ("stream=gold", "group=gold", "payer=nobody", "figure=gold"):
        assert fang.get(f"{HOME}/{'rows' if 'figure' in query else 'months'}?{query}").status_code == 404, (
            query
        )
    with app.app_context(), reading():
        with pytest.raises(Refused):
            question(known="2026-13-01")
        with pytest.raises(Missing):
            question(stream="gold")
        assert isinstance(Forbidden("no"), Refused)


def test_pages_of_no_books_and_of_times_without_any(app: Flask) -> None:
    with app.app_context():
        staff()
    fang = browser(app, "fang@house.example")
    for key in ("", "months", "payers", "waterfall", "deferred", "rpo", "ageing", "corrections", "waived"):
        assert fang.get(f"{HOME}/{key}").status_code == 200, key
    assert "No income on any basis" in fang.get(f"{HOME}/").text
    with app.app_context():
        bring_in("books-small.json")
    for period in ("from=2020-01&to=2020-03", "from=2031-01&to=2031-12"):
        assert fang.get(f"{HOME}/?{period}").status_code == 200
    assert "No income in this period" in fang.get(f"{HOME}/months?from=2020-01&to=2020-03").text


def test_a_page_asks_the_database_as_often_for_many_rows_as_for_few(app: Flask) -> None:
    with app.app_context():
        take(random_books(5, until=date(2026, 7, 5), size=8))
        staff()
    fang = browser(app, "fang@house.example")
    keys = (
        "",
        "months",
        "payers",
        "waterfall",
        "deferred",
        "rpo",
        "ageing",
        "corrections",
        "waived",
        "rows?figure=recognised&",
        "rows?figure=ar&",
    )
    few = {key: _statements(app, fang, key) for key in keys}
    with app.app_context():
        take(random_books(3, until=date(2026, 7, 5), size=40, mark="x"))
    many = {key: _statements(app, fang, key) for key in keys}
    for key in keys:
        # One statement more each where a kind of row was not there before: income that waits for its entry, a kind of paper.
        assert many[key] <= few[key] + 3, key
        assert many[key] < 60, (key, many[key])


def _statements(app: Flask, fang: FlaskClient, key: str) -> int:
    path = f"{HOME}/{key}{'' if key.endswith('&') else '?'}from=2026-01&to=2026-06&known=2026-07-08"
    fang.get(path)
    with counted(app) as asked_for:
        assert fang.get(path).status_code == 200
    return len(asked_for)


def test_views_are_ones_own_and_go_with_the_person(app: Flask) -> None:
    fang = set_up(app, "books-small.json")
    sun = browser(app, "sun@house.example")
    kept = post(
        fang,
        f"{HOME}/views",
        name="=Spring",
        of="months",
        query="from=2026-01&to=2026-03&x=1&basis=invoiced",
    )
    assert kept.status_code == 303
    page = fang.get(f"{HOME}/").text
    assert "/office/reports/months?from=2026-01&amp;to=2026-03&amp;basis=invoiced" in page
    assert "=Spring" not in sun.get(f"{HOME}/").text
    assert post(fang, f"{HOME}/views", name="=Spring", of="ageing", query="day=2026-03-01").status_code == 303
    with app.app_context(), reading():
        row = db.session.scalars(select(SavedView)).one()
        assert (row.page, row.query) == ("ageing", "day=2026-03-01")
        uid = row.uid
    assert post(sun, f"{HOME}/views/{uid}/removal").status_code == 404
    assert post(fang, f"{HOME}/views", name="", of="ageing", query="").status_code == 422
    assert post(fang, f"{HOME}/views", name="x", of="gold", query="").status_code == 404
    assert post(fang, f"{HOME}/views", name="x", of="months", query="from=x").status_code == 422
    with app.app_context(), transaction():
        assert [one.count for one in saved.lines(house.person("fang"))] == [1]
        assert saved.sheets(house.person("fang"))[0].rows[0]["name"] == "=Spring"
    assert post(fang, f"{HOME}/views/{uid}/removal").status_code == 303
    with app.app_context(), reading():
        assert db.session.scalars(select(SavedView)).all() == []


def test_books_are_read_once_a_request(app: Flask) -> None:
    set_up(app, "books-small.json")
    with app.test_request_context(), reading():
        said = question()
        assert books_of(said) is books_of(said)
        fine = books_of(said)
        assert books_of(question(known="2026-05-31")) is not fine
        forget()
        assert books_of(said) is not fine
