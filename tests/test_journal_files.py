"""The journal as files: the same lines as CSV and XLSX, both safe in spreadsheets, and every kind of entry with a name."""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from openpyxl import load_workbook
from sqlalchemy import select

from portal.billing import ledger
from portal.billing.kinds import KINDS, to_finance, to_payer
from portal.billing.models import Invoice
from portal.core import clock, sheets
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from tests import books
from tests.people import browser

DESK = "/office/money"
BILLING = Path(ledger.__file__).parent


@pytest.fixture
def house(app: Flask) -> Flask:
    """A month with an invoice, a payment and a payer who would like to be a formula."""
    books.house(app)
    with app.app_context(), transaction():
        books.party().title = '=HYPERLINK("http://x.example","x")'
        invoice = books.bill()
        books.transfer("B-1", Money(500_000), str(invoice.reference))
    return app


def test_csv_and_xlsx_say_the_same_and_no_text_is_a_formula(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    month = f"?month={clock.today():%Y-%m}"
    lines = list(csv.reader(io.StringIO(fang.get(f"{DESK}/journal/file{month}").data.decode("utf-8-sig"))))
    answer = fang.get(f"{DESK}/journal/xlsx/file{month}")
    assert answer.mimetype == sheets.MEDIA_TYPE
    rows = list(sheet_of(answer.data).iter_rows())
    assert len(rows) == len(lines) > 5
    assert [one.value for one in rows[0]][1] == "入账日期 Booked"
    assert all(head in str(cell.value) for head, cell in zip(lines[0], rows[0], strict=True))
    for told, cells in zip(lines[1:], rows[1:], strict=True):
        assert told[0] == str(cells[0].value)
        assert told[1] == f"{cells[1].value:%Y-%m-%d}"
        assert cells[3].value == to_finance(told[3])
        for column in (5, 6):  # true figures, not text
            assert cells[column].value is None or Money.parse(told[column]).decimal == cells[column].value
        assert {cell.data_type for cell in cells} <= {"n", "d", "s"}
    payers = {told[10] for told in lines[1:]}
    assert '\'=HYPERLINK("http://x.example","x")' in payers
    with house.app_context(), reading():
        record = db.session.scalars(
            select(AuditEntry).where(AuditEntry.verb == "list.exported").order_by(AuditEntry.id)
        ).all()
        assert record[-1].detail["filters"] == {"month": month[7:], "form": "xlsx"}


def test_the_files_hold_what_the_filters_of_the_page_ask_for(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    with house.app_context(), reading():
        number = db.session.scalars(select(Invoice.number)).one()

    def rows(query: str) -> list[list[str]]:
        told = fang.get(f"{DESK}/journal/file{query}")
        assert told.status_code == 200
        return list(csv.reader(io.StringIO(told.data.decode("utf-8-sig"))))[1:]

    assert fang.get(f"{DESK}/journal?account=1122&q={number}").status_code == 200
    assert {row[3] for row in rows("?account=1002")} == {"receipt"}
    assert {row[3] for row in rows(f"?q={number}")} == {"invoice", "allocation"}
    assert {row[3] for row in rows(f"?q={number}&account=2203&kind=invoice")} == {"invoice"}
    assert {row[3] for row in rows("?q=HYPERLINK")} == {"invoice", "receipt", "allocation"}
    assert rows("?q=nobody") == []


def test_equal_journals_give_equal_bytes_and_an_empty_one_has_heads(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    assert fang.get(f"{DESK}/journal/xlsx/file").data == fang.get(f"{DESK}/journal/xlsx/file").data
    empty = sheet_of(fang.get(f"{DESK}/journal/xlsx/file?month=1999-01").data)
    assert empty.max_row == 1


def test_rows_beyond_one_sheet_go_on_another_and_are_asked_for_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 4)
    ahead = []

    def rows() -> Iterator[tuple[Any, ...]]:
        for n in range(7):
            ahead.append(n)
            yield (n, f"=1+{n}")

    book = load_workbook(io.BytesIO(b"".join(sheets.streamed("Journal", ["N", "Text"], rows()))))
    assert [len(list(one.iter_rows())) for one in book.worksheets] == [4, 4, 2]
    assert [one.title for one in book.worksheets] == ["Journal", "Journal 2", "Journal 3"]
    assert book.worksheets[2]["B2"].data_type == "s"
    assert ahead == list(range(7))


def test_the_whole_ledger_comes_as_plain_text(house: Flask) -> None:
    fang, eva = browser(house, "fang@house.example"), browser(house, "chen@galaxy.example")
    assert "open Assets:1002" in fang.get(f"{DESK}/ledger/beancount/file").text
    hledger = fang.get(f"{DESK}/ledger/hledger/file?until={clock.today()}")
    assert "account Assets:1002" in hledger.text
    assert hledger.headers["Content-Disposition"].endswith(f"ledger-{clock.today()}.journal")
    assert fang.get(f"{DESK}/ledger/exe/file").status_code == 404
    assert fang.get(f"{DESK}/ledger/hledger/file?until=nonsense").status_code == 200
    assert eva.get(f"{DESK}/ledger/hledger/file").status_code == 403


def sheet_of(data: bytes) -> Any:
    """Return the sheet of a file."""
    return load_workbook(io.BytesIO(data)).active


def posted() -> set[str]:
    """Return every kind of entry that stands in the code as a word where something is posted or mirrored."""
    found: set[str] = set()
    for file in BILLING.glob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        names = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call):
                found |= {kind for one in kinds_of(call) for kind in words_in(one, names)}
    return found


def kinds_of(call: ast.Call) -> list[ast.expr]:
    """Return the arguments of a call that are a kind of entry."""
    name = ast.unparse(call.func)
    if name in {"ledger.post", "_post", "book", "refunds.book"}:
        return call.args[:1]
    if name == "ledger.mirror":
        return call.args[1:2]
    return [word.value for word in call.keywords if word.arg == "kind" and name.endswith("release")]


def words_in(one: ast.expr, names: dict[str, Any]) -> list[str]:
    """Return the words an argument can be: itself, a name of the module, or either branch of a choice."""
    if isinstance(one, ast.IfExp):
        return [*words_in(one.body, names), *words_in(one.orelse, names)]
    if isinstance(one, ast.Name):
        return [names[one.id]] if isinstance(names.get(one.id), str) else []
    return [one.value] if isinstance(one, ast.Constant) and isinstance(one.value, str) else []


def test_every_kind_posted_anywhere_has_a_name_in_both_languages(sqlite_app: Flask) -> None:
    assert posted() == set(KINDS)
    with sqlite_app.test_request_context():
        for say in (to_finance, to_payer):
            for code in KINDS:
                with force_locale("en"):
                    english = say(code)
                with force_locale("zh_Hans_CN"):
                    chinese = say(code)
                assert english != code
                assert not chinese.isascii(), f"{code}: {chinese}"


def test_the_journal_takes_no_kind_without_a_name(sqlite_app: Flask) -> None:
    with (
        sqlite_app.app_context(),
        transaction(),
        pytest.raises(ValueError, match="no name"),
    ):
        ledger.post(
            "whim",
            "test:1",
            [ledger.Line("1002", Money(1)), ledger.Line("6602", Money(-1))],
            on=clock.today(),
        )
