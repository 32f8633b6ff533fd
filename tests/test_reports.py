"""The report pages: every amount opens rows that sum to it, on any books, for whoever may see them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from portal.core import clock
from portal.core.db import reading
from portal.reports.income import behind, pages
from tests.people import browser
from tests.report_world import NOW, bring_in, question, staff


@pytest.fixture(autouse=True)
def in_july() -> Iterator[None]:
    with clock.stopped_at(NOW):
        yield


def books(app: Flask, name: str = "books-wide.json") -> None:
    with app.app_context():
        bring_in(name)
        staff()


def test_every_amount_of_every_page_is_the_sum_of_its_rows(app: Flask) -> None:
    books(app)
    with app.test_request_context(), reading():
        for page in pages.every():
            for said in (question(), question(stream="support"), question(known="2026-05-15")):
                if page.key in ("payer", "stream"):
                    continue
                for figure in page.build(said).figures():
                    rows = behind.rows_of(said, figure)
                    assert sum(row.amount for row in rows) == figure.amount, (page.key, said.args(), figure)


def test_pages_open(app: Flask) -> None:
    books(app)
    fang = browser(app, "fang@house.example")
    for path in (
        *(page.key.replace("overview", "") for page in pages.every() if page.tab),
        "stream?stream=support",
        "months?basis=deferred",
        "ageing?day=2026-05-03",
    ):
        page = fang.get(f"/office/reports/{path}")
        assert page.status_code == 200, page.text
