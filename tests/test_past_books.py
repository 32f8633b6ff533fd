"""Past books: the example gives its report key by key, twice adds nothing, and what cannot be taken is refused whole."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.billing import past_books, past_file
from portal.billing.models import Invoice
from portal.billing.money_models import JournalEntry
from portal.billing.verify import verify_books
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.reports.revenue import revenue

DATA = Path(__file__).parent / "data"
BOOKS = (DATA / "books-small.json").read_text("utf-8")
JUNE = (date(2026, 1, 1), date(2026, 6, 1))


def bring_in(text: str) -> past_books.Outcome:
    with transaction():
        return past_books.bring_in(past_file.parse(text), by="test")


def told(known: date = date(2026, 7, 8)) -> dict[str, Any]:
    with reading():
        return revenue(*JUNE, known)


def test_the_example_gives_its_report_and_adds_nothing_twice(app: Flask) -> None:
    expected = json.loads((DATA / "books-small.expected.json").read_text("utf-8"))
    with app.app_context():
        assert bring_in(BOOKS).new == 23
        found = json.loads(json.dumps(told(), ensure_ascii=False))
        assert sorted(found) == sorted(expected)
        for key, value in expected.items():
            assert found[key] == value, key
        with reading():
            entries, broken = verify_books()
        assert broken == []
        assert bring_in(BOOKS) == past_books.Outcome(new=0, same=23)
        with reading():
            assert verify_books() == (entries, [])
        assert told() == found


def test_as_known_before_a_fact_the_report_does_not_know_it(app: Flask) -> None:
    with app.app_context():
        bring_in(BOOKS)
        may = told(date(2026, 5, 31))
        assert may["by_stream"]["recognised"]["support"] == 1_660_000
        assert may["by_stream"]["credited_net"]["support"] == 0
        assert may["by_stream"]["deferred"]["support"] == 5_640_000
        assert may["by_stream"]["recognised"]["licence"] == 974_630
        middle = told(date(2026, 6, 15))
        assert middle["recognised_by_month"]["2026-06"]["licence"] == 4_620_000 * 92 // 365 - 974_630
        assert told(date(2026, 4, 19))["by_stream"]["recognised"]["licence"] == 0


def changed(**changes: Any) -> str:
    body = json.loads(BOOKS)
    for path, value in changes.items():
        kind, n, name = path.split("__")
        body[kind][int(n)][name] = value
    return json.dumps(body, ensure_ascii=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"orders__0__net": 1.5}, "orders O-1: net:"),
        ({"orders__0__signed": "20.1.2026"}, "orders O-1: signed:"),
        ({"invoices__1__order": "O-9"}, "invoices INV-2: order: 'O-9' is not in the file"),
        ({"invoices__1__stream": "gold"}, "invoices INV-2: stream:"),
        ({"invoices__1__id": "INV-1"}, "invoices INV-1: id: is there twice"),
        ({"invoices__1__method": "monthly"}, "invoices INV-2: method:"),
        ({"invoices__1__end": "2026-01-01"}, "invoices INV-2: end: lies before start"),
        ({"credit_notes__0__reason": "mistake"}, "credit_notes CN-1: reason:"),
        ({"credit_notes__0__invoice": "INV-3"}, "credit_notes CN-1: reason: only a daily line"),
        ({"payments__0__amount": 0}, "payments P-1: amount:"),
        ({"payments__0__invoice": "INV-9"}, "payments P-1: invoice:"),
        ({"refunds__0__credit_note": "CN-9"}, "refunds R-1: credit_note:"),
        ({"refunds__0__on": "2026-06-01"}, "refunds R-1: credit_note: CN-1 is not issued on that day"),
        ({"streams__0__group": "other"}, "streams dues: group:"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_file_that_cannot_be_taken_leaves_nothing(app: Flask, change: dict[str, Any], said: str) -> None:
    with app.app_context():
        with pytest.raises(Refused, match=said.replace("(", r"\(")):
            bring_in(changed(**change))
        with reading():
            assert db.session.scalar(select(func.count(JournalEntry.id))) == 0
            assert db.session.scalar(select(func.count(Invoice.id))) == 0


def test_a_note_beyond_its_invoice_and_other_content_are_refused(app: Flask) -> None:
    body = json.loads(BOOKS)
    body["credit_notes"].append(
        {
            "id": "CN-2",
            "invoice": "INV-3",
            "issued": "2026-06-11",
            "reason": "price_adjustment",
            "net": 24_000_001,
            "tax": 0,
        }
    )
    with app.app_context():
        with pytest.raises(Refused, match="credit_notes CN-2: net: more is credited than invoice INV-3 says"):
            bring_in(json.dumps(body))
        bring_in(BOOKS)
        with pytest.raises(Refused, match="payments P-1: id: is there already with other content"):
            bring_in(changed(payments__0__amount=1))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"functional_currency": "USD"}', '{"what": []}', '{"orders": {}}']
)
def test_a_file_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        past_file.parse(text)


def test_wider_books_with_dollars_milestones_units_and_commission(app: Flask) -> None:
    """Every method and currency at once; the figures are worked out by hand from the formulas of reports.md."""
    with app.app_context():
        bring_in((DATA / "books-wide.json").read_text("utf-8"))
        with reading():
            assert verify_books()[1] == []
        body = told()
        months = body["recognised_by_month"]
        assert [months[f"2026-0{n}"]["adaptation"] for n in (3, 5)] == [4_650_000, 7_440_000]
        assert [months[f"2026-0{n}"]["licence"] for n in (1, 4, 5, 6)] == [310_000, 300_000, 248_000, 240_000]
        assert [months[f"2026-0{n}"]["report"] for n in (3, 5)] == [1_000_000, -500_000]
        assert months["2026-03"]["certification"] == 300_000
        # Rated after March had closed: the first open month; June's turnover, known in July, is June's.
        assert [months[f"2026-0{n}"]["commission"] for n in (3, 4, 6)] == [0, 6_172_839, 5_000_000]
        assert (body["fx_unrealised"], body["fx_realised"], body["payment_fees"]) == (
            -128_000,
            18_000,
            12_000,
        )
        assert (body["by_stream"]["ar"]["sponsorship"], body["ar_rollforward"]["fx"]) == (0, -110_000)
        assert body["by_stream"]["contract_asset"]["adaptation"] == 690_000
        assert body["by_stream"]["deferred_uncollected"]["sponsorship"] == 0
        roll = body["rollforward"]
        assert roll["closing_contract_balance"] == roll["check_deferred_minus_asset"] == 558_308
        assert body["forecast_fy2026"]["committed_by_stream"]["adaptation"] == 6_510_000
