"""Ageing as of any past day, statements of account, and order numbers beside frozen invoices."""

from __future__ import annotations

import dataclasses
import io
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from portal.accounts.may import ContactRole
from portal.billing import ageing, issuing, purchase_orders, statements
from portal.billing.ageing import as_of, summed
from portal.billing.issuing import Item
from portal.billing.models import Invoice
from portal.billing.papers import words_of
from portal.core import clock, outbox
from portal.core.audit import AuditEntry
from portal.core.catalogue import version_of
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from tests import books
from tests.people import browser, make_org, make_person, post

A, B = Money(2_000_000), Money(5_000_000)


def bill(subject: str, amount: Money, day: date) -> Invoice:
    """Issue an invoice over a sum on a day; call inside a transaction of that day."""
    from portal.billing.catalogue import price_of
    from portal.billing.pricing import Terms

    like = price_of("dues.silver")
    price = dataclasses.replace(like, terms=Terms(flat=amount.minor))
    order = issuing.place_order(books.party(), subject, [Item(price)])
    assert clock.today() == day
    assert version_of("price", "dues.silver") > 0
    return issuing.issue_invoice(order, language="en", by="test")


@pytest.fixture
def thirteen(app: Flask) -> Flask:
    """Worked example 13 of the specification."""
    books.house(app)
    with app.app_context(), clock.stopped_at(date(2027, 1, 30)), transaction():
        bill("test:b", B, date(2027, 1, 30))
    with app.app_context(), clock.stopped_at(date(2027, 3, 2)), transaction():
        bill("test:a", A, date(2027, 3, 2))
    with app.app_context(), clock.stopped_at(date(2027, 4, 10)), transaction():
        row = db.session.scalars(select(Invoice).where(Invoice.billed_subject == "test:b")).one()
        books.transfer("B-1", Money(1_000_000), str(row.reference))
    return app


def columns(app: Flask, day: date) -> list[int]:
    with app.app_context(), reading():
        return [one.minor for one in summed(as_of(day))[0]]


def test_worked_example_13(thirteen: Flask) -> None:
    assert columns(thirteen, date(2027, 3, 31)) == [2_000_000, 5_000_000, 0, 0, 0]
    assert columns(thirteen, date(2027, 4, 30)) == [0, 2_000_000, 4_000_000, 0, 0]
    with thirteen.app_context(), reading():
        (one,) = as_of(date(2027, 4, 30))
        assert [row.late for row in one.open] == [60, 29]
    assert columns(thirteen, date(2027, 1, 29)) == [0] * 5


def test_credit_stands_beside_the_debt_and_is_never_netted(thirteen: Flask) -> None:
    with thirteen.app_context(), clock.stopped_at(date(2027, 4, 20)), transaction():
        books.online("T-1", Money(700_000))
    with thirteen.app_context(), reading():
        _sums, total, credit = summed(as_of(date(2027, 4, 30)))
        assert (total, credit) == (Money(6_000_000), Money(700_000))
        assert summed(as_of(date(2027, 4, 19)))[2] == Money(0)


@settings(max_examples=500, deadline=None)
@given(st.integers(-400, 400))
def test_columns_hold_the_days_they_name(late: int) -> None:
    """Not due, 1–30, 31–60, 61–90, over 90: every day in exactly one."""
    borders = [(-10_000, 0), (1, 30), (31, 60), (61, 90), (91, 10_000)]
    assert [first <= late <= last for first, last in borders].index(True) == ageing.column_of(late)


def test_a_statement_carries_forward_and_ends_with_what_is_owed(thirteen: Flask) -> None:
    with thirteen.app_context(), clock.stopped_at(date(2027, 4, 20)), transaction():
        books.online("T-1", Money(700_000))
    with thirteen.app_context(), reading():
        found = statements.account(books.party(), date(2027, 3, 1), date(2027, 4, 30))
        assert found.opening == B
        assert [(line.kind, line.amount.minor) for line in found.lines] == [
            ("invoice", 2_000_000), ("identified", -1_000_000), ("receipt", -700_000),
        ] or [(line.kind, line.amount.minor) for line in found.lines] == [
            ("invoice", 2_000_000), ("receipt", -1_000_000), ("receipt", -700_000),
        ]  # fmt: skip
        assert found.closing == Money(5_300_000) == found.lines[-1].balance
        assert found.closing == found.opening + found.charged - found.credited
        again = statements.account(books.party(), date(2027, 1, 1), date(2027, 4, 9))
        assert again.closing == A + B
    with thirteen.app_context(), reading(), pytest.raises(Refused):
        statements.account(books.party(), date(2027, 4, 1), date(2027, 3, 1))


@pytest.mark.papers
def test_pages_and_files_of_both_sides(thirteen: Flask) -> None:
    fang, chen = browser(thirteen, "fang@house.example"), browser(thirteen, "chen@galaxy.example")
    with thirteen.app_context(), reading():
        uid = books.party().uid
    period = "start=2027-01-01&end=2027-12-31"
    for client, path in ((chen, "/account-statement"), (fang, f"/office/money/payers/{uid}/statement")):
        page = client.get(f"{path}?{period}")
        assert page.status_code == 200
        assert "60,000.00" in page.text
        paper = client.get(f"{path}/pdf/file?{period}")
        said = "".join(part.extract_text() for part in PdfReader(io.BytesIO(paper.data)).pages)
        assert "Statement of account" in said
        assert "对账单" in said
        assert "60,000.00" in said
        assert client.get(f"{path}/pdf/file?{period}").data == paper.data
        sheet: Any = load_workbook(io.BytesIO(client.get(f"{path}/xlsx/file?{period}").data)).active
        assert sheet.cell(sheet.max_row, 6).value == 60_000
        assert client.get(f"{path}/exe/file?{period}").status_code == 404
        assert client.get(f"{path}?start=nonsense&end=9999-99-99").status_code == 200
        assert client.get(f"{path}?start=2027-02-01&end=2027-01-01").status_code == 422
    assert chen.get(f"/office/money/payers/{uid}/statement").status_code == 403
    assert fang.get(f"/office/money/payers/{'0' * 32}/statement").status_code == 404
    with thirteen.app_context(), reading():
        assert "statement.exported" in db.session.scalars(select(AuditEntry.verb)).all()


def test_the_ageing_page_and_its_files(app: Flask) -> None:
    books.house(app)
    today = clock.today()
    with app.app_context(), clock.stopped_at(today - timedelta(days=40)), transaction():
        books.bill()
    fang = browser(app, "fang@house.example")
    page = fang.get("/office/money/ageing/").text
    assert "10 days late" in page
    assert "Galaxy Ltd" in page
    assert "Nobody owed anything" in fang.get(f"/office/money/ageing/?day={today - timedelta(days=41)}").text
    text_file = fang.get("/office/money/ageing/csv/file").text
    assert "Galaxy Ltd" in text_file
    assert "20000.00" in text_file
    sheet: Any = load_workbook(io.BytesIO(fang.get("/office/money/ageing/xlsx/file").data)).active
    assert [cell.value for cell in sheet[2]][4:10] == [None, 20_000, None, None, None, 20_000]
    assert fang.get("/office/money/ageing/exe/file").status_code == 404
    assert fang.get("/office/money/ageing/?day=9999-12-31").status_code == 200


def test_a_payer_without_invoices_has_no_account(app: Flask) -> None:
    with app.app_context(), transaction():
        make_org("New Ltd", (make_person("new@new.example"), ContactRole.OWNER))
    new = browser(app, "new@new.example")
    assert new.get("/account-statement").status_code == 404
    assert new.get("/fapiao").status_code == 200


@pytest.mark.papers
def test_order_numbers_before_and_after_the_issue(app: Flask) -> None:
    books.house(app)
    chen = browser(app, "chen@galaxy.example")
    assert post(chen, "/billing-details/order-number", number="PO-7").status_code == 303
    with app.app_context(), transaction():
        first = books.bill("test:1").uid
    assert post(chen, "/billing-details/order-number", number="").status_code == 303
    with app.app_context(), transaction():
        second = books.bill("test:2").uid
    assert post(chen, f"/invoices/{second}/order-number", number="PO-8").status_code == 303
    assert post(chen, f"/invoices/{first}/order-number", number="PO-9").status_code == 303
    assert post(chen, f"/invoices/{first}/order-number", number="x" * 61).status_code == 422
    assert "PO-9" in chen.get(f"/invoices/{first}").text
    assert "PO-9" in browser(app, "fang@house.example").get(f"/office/money/invoices/{first}").text
    with app.app_context(), reading():
        rows = {row.uid: row for row in db.session.scalars(select(Invoice))}
        assert words_of(rows[first])["invoice"]["order_number"] == "PO-7"
        assert words_of(rows[second])["invoice"]["order_number"] == ""
        assert purchase_orders.of_invoice(rows[first]) == "PO-9"
        assert purchase_orders.of_invoice(rows[second]) == "PO-8"
    with app.app_context():
        outbox.drain()
    paper = chen.get(f"/invoices/{first}/pdf")
    assert "PO-7" in "".join(part.extract_text() for part in PdfReader(io.BytesIO(paper.data)).pages)
    for statement in ("UPDATE purchase_order SET number = 'x'", "DELETE FROM purchase_order"):
        with app.app_context(), pytest.raises(DatabaseError), transaction():
            db.session.execute(text(statement))


def test_a_foreign_invoice_takes_no_order_number(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        uid = books.bill().uid
        make_org("Rival Ltd", (make_person("rival@rival.example"), ContactRole.OWNER))
    rival = browser(app, "rival@rival.example")
    assert post(rival, f"/invoices/{uid}/order-number", number="PO-1").status_code == 404
