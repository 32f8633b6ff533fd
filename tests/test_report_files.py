"""Reports as files: typed, safe in spreadsheets, read by the programs people have, and the same bytes for the same question."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from openpyxl import load_workbook
from sqlalchemy import select

from portal.billing import recognising
from portal.billing.models import OrderLine
from portal.billing.price_models import Product
from portal.core import clock
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from portal.core.sheets import Address, Sheet, book
from portal.reports.income import behind, files, pages
from tests.conftest import build
from tests.kept import Kept
from tests.people import browser
from tests.plainly import STREAMS, random_books
from tests.report_world import NOW, bring_in, question, staff, take

WAYS = ["", "months", "payers", "waterfall", "deferred", "rpo", "ageing", "corrections", "waived"]


@pytest.fixture
def house(app: Flask) -> Any:
    """The wide books with finance, the board and somebody without the right."""
    with app.app_context(), clock.stopped_at(NOW):
        bring_in("books-wide.json", renamed={"A": "=Zeta"})
        staff()
        yield app


def test_every_page_in_every_form_and_twice_the_same_bytes(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    for key in WAYS:
        for form in ("csv", "xlsx", "json"):
            path = f"/office/reports/{key or 'overview'}/{form}/file?from=2026-01&to=2026-06&known=2026-07-08"
            first, again = fang.get(path), fang.get(path)
            assert first.status_code == 200, (path, first.text)
            assert first.data == again.data, path
            assert "attachment" in first.headers["Content-Disposition"]
    with reading():
        traced = db.session.scalars(
            select(AuditEntry).where(AuditEntry.verb == "list.exported").order_by(AuditEntry.id)
        ).all()
    assert len(traced) == 2 * 3 * len(WAYS)
    assert {"form", "filters", "list"} <= set(traced[-1].detail)


def test_csv_as_a_chinese_spreadsheet_reads_it(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    path = "/office/reports/payers/csv/file?from=2026-01&to=2026-06&known=2026-07-08"
    data = fang.get(path).data
    assert data.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in data
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert any(row[0].startswith("'=Zeta") for row in rows)
    money = [cell for row in rows[1:] for cell in row[1:] if cell and cell[-1].isdigit()]
    assert all(float(cell) is not None for cell in money)
    assert not fang.get(f"{path}&bom=0").data.startswith(b"\xef\xbb\xbf")


def test_a_minus_stays_a_number_and_formulas_stay_text(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    path = "/office/reports/months/csv/file?from=2026-01&to=2026-06&known=2026-07-08"
    assert ",-5000.00," in fang.get(path).text
    data = fang.get(path.replace("csv", "xlsx")).data
    values = [cell.value for row in load_workbook(io.BytesIO(data)).worksheets[0].iter_rows() for cell in row]
    assert -5000 in [float(value) for value in values if isinstance(value, int | float)]


def test_a_spreadsheet_has_types_heads_that_stay_and_notes(house: Flask) -> None:
    fang = browser(house, "fang@house.example", language="zh_Hans_CN")
    data = fang.get("/office/reports/payers/xlsx/file?from=2026-01&to=2026-06&known=2026-07-08").data
    made = load_workbook(io.BytesIO(data))
    assert made.sheetnames[-2:] == ["明细", "说明"]
    sheet = made.worksheets[0]
    assert (sheet.freeze_panes, bool(sheet.auto_filter.ref)) == ("A2", True)
    money = sheet["D2"]
    assert (money.data_type, money.number_format) == ("n", "#,##0.00")
    names = [cell for cell in sheet["A"] if str(cell.value).startswith("=Zeta")]
    assert names
    assert {(cell.data_type, cell.number_format) for cell in names} == {("s", "@")}
    detail = made["明细"]
    days = [row[1] for row in detail.iter_rows(min_row=2) if row[1].value]
    assert days
    assert all(cell.is_date for cell in days)
    assert any(cell.hyperlink for row in detail.iter_rows(min_row=2) for cell in row)
    notes = {row[0]: row[1] for row in made["说明"].iter_rows(min_row=2, values_only=True)}
    assert (notes["口径"], notes["截至该日已知"]) == ("已确认收入", "2026-07-08")
    stamps = {info.date_time for info in zipfile.ZipFile(io.BytesIO(data)).infolist()}
    assert stamps == {(1980, 1, 1, 0, 0, 0)}


def test_text_that_looks_like_a_formula_is_text_in_a_book() -> None:
    data = book(
        [
            Sheet(
                "a/b",
                ["x", "y", "z"],
                [
                    ["=1+1", Money(-12345), date(2026, 1, 2)],
                    ["＝cmd", Address("中", "https://a.example/"), None],
                ],
            )
        ]
    )
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    assert [sheet["A2"].data_type, sheet["A2"].value, sheet["A3"].value] == ["s", "=1+1", "＝cmd"]
    assert (sheet["B2"].value, sheet["C2"].value.date()) == (-123.45, date(2026, 1, 2))
    assert (sheet["B3"].value, sheet["B3"].hyperlink.target) == ("中", "https://a.example/")
    assert data == book(
        [
            Sheet(
                "a/b",
                ["x", "y", "z"],
                [
                    ["=1+1", Money(-12345), date(2026, 1, 2)],
                    ["＝cmd", Address("中", "https://a.example/"), None],
                ],
            )
        ]
    )


def test_the_board_gets_no_payer_in_any_file(house: Flask) -> None:
    sun = browser(house, "sun@house.example")
    assert sun.get("/office/reports/payers/csv/file").status_code == 403
    assert sun.get("/office/reports/rows/csv/file?figure=recognised&payer=x").status_code == 403
    for path in (
        "rows/csv/file?figure=recognised&",
        "waived/csv/file?",
        "ageing/json/file?",
        "stream/json/file?stream=support&",
    ):
        text = sun.get(f"/office/reports/{path}from=2026-01&to=2026-06").text
        assert "Zeta" not in text, path
    stream = sun.get("/office/reports/stream?stream=support&from=2026-01&to=2026-06").text
    assert "All of it is unrestricted." in stream
    made = load_workbook(
        io.BytesIO(sun.get("/office/reports/overview/xlsx/file?from=2026-01&to=2026-06").data)
    )
    assert "Zeta" not in json.dumps([[str(cell) for cell in row] for sheet in made for row in sheet.values])


def test_the_mark_of_restricted_income_stands_on_page_rows_and_files(house: Flask) -> None:
    asks = "from=2026-01&to=2026-06&known=2026-07-08"
    fang, sun = browser(house, "fang@house.example"), browser(house, "sun@house.example")
    path = f"/office/reports/stream?stream=adaptation&{asks}"
    with house.app_context(), transaction():
        line = db.session.scalars(
            select(OrderLine).where(OrderLine.stream == "adaptation").order_by(OrderLine.id).limit(1)
        ).one()
        sold = db.session.scalar(select(Product).where(Product.code == line.product))
        if sold is None:
            words = {"en": "Work", "zh": "工作"}
            sold = Product(code=line.product, words=words, stream="adaptation", recognition="milestone")
            db.session.add(sold)
        sold.restricted = True
    for reader in (fang, sun):
        page = reader.get(path).text
        assert "Restricted and unrestricted" in page
        assert "All of it is unrestricted." not in page
    with house.test_request_context(), reading():
        said = question(stream="adaptation", known="2026-07-08")
        (table,) = [one for one in pages.of("stream").build(said).tables if one.key == "restricted"]
        figures = table.figures()
        assert any(one.amount for one in figures if ("restricted", "yes") in one.rows)
        for one in figures:
            assert sum(row.amount for row in behind.rows_of(said, one)) == one.amount, one
    text = fang.get(f"/office/reports/rows/csv/file?figure=recognised&by_stream=adaptation&{asks}").text
    heads, *rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    at = heads.index("Mark")
    assert {row[at] for row in rows} <= {"Restricted", "Unrestricted"}
    assert "Restricted" in {row[at] for row in rows}
    shown = fang.get(
        f"/office/reports/rows?figure=recognised&by_restricted=yes&by_stream=adaptation&{asks}"
    ).text
    assert "<small" in shown
    assert "Restricted" in fang.get(f"/office/reports/lines/{line_id(house)}").text


def line_id(house: Flask) -> int:
    with house.app_context(), reading():
        found = select(OrderLine.id).where(OrderLine.stream == "adaptation").order_by(OrderLine.id)
        return int(db.session.scalars(found.limit(1)).one())


def test_a_file_that_is_not_there(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    for path in (
        "overview/doc/file",
        "none/csv/file",
        "rows/pdf/file?figure=recognised",
        "rows/csv/file?figure=none",
    ):
        assert fang.get(f"/office/reports/{path}").status_code == 404


@pytest.mark.papers
def test_the_same_question_gives_the_same_bytes_on_both_databases_and_after_more_work(
    sqlite_app: Flask, postgres_kept: Kept, tmp_path: Path
) -> None:
    other = build(tmp_path / "other", postgres_kept.take())
    said, laid_out = {}, {}
    try:
        for name, app in (("sqlite", sqlite_app), ("postgresql", other)):
            with clock.stopped_at(NOW):
                with app.app_context():
                    take(random_books(9, until=date(2026, 7, 1), size=16))
                said[name] = digests(app)
                if name == "sqlite":  # before anything more
                    laid_out[name] = of_papers(app)
                with app.app_context():
                    recognising.recognise()
                    take(LATER)
                assert digests(app) == said[name], name
            with clock.stopped_at(date(2026, 9, 9)):
                with app.app_context():
                    recognising.recognise()
                assert digests(app) == said[name], name
        with clock.stopped_at(date(2026, 9, 9)):  # and after all of it, on the other database
            laid_out["postgresql"] = of_papers(other)
        assert said["sqlite"] == said["postgresql"]
        assert laid_out["sqlite"] == laid_out["postgresql"]
    finally:
        with other.app_context():
            db.engine.dispose()
        postgres_kept.give_back()


# What happens after the day known: a payer, an order, a note on a line that was there, money.
LATER: dict[str, Any] = {
    "functional_currency": "CNY",
    "commission_vat": "0.06",
    "streams": [{"code": code, "zh": code, "group": group} for code, group in STREAMS.items()],
    "orders": [{"id": "OL", "party": "Late", "stream": "dues", "signed": "2026-06-02", "net": 1_000_000, "list": 1_200_000}],
    "invoices": [
        {"id": "IL", "order": "OL", "party": "Late", "stream": "dues", "issued": "2026-06-03", "net": 1_000_000, "tax": 60_000,
         "method": "daily", "start": "2026-01-01", "end": "2026-12-31"}
    ],
    "payments": [{"id": "PL", "invoice": "IL", "on": "2026-06-20", "amount": 500_000}],
}  # fmt: skip


SAME = [key or "overview" for key in WAYS] + [
    "diversity",
    "targets",
    "forecast",
    "recurring",
    "contradictions",
]


def digests(app: Flask) -> dict[str, str]:
    """Return what each file of each page comes to, for one question as known in the middle of May.

    `html` is what a paper is laid out from: everything that stands on it.
    """
    found = {}
    for key in SAME:
        with app.test_request_context(), reading(), force_locale("zh_Hans_CN"):
            asks = question(known="2026-05-15", to="2026-05")
            report = pages.of(key).build(asks)
            made = {form: files.of(asks, report, form, by="Fang") for form in ("csv", "json", "xlsx")}
            made["html"] = files.written(asks, report, by="Fang")
        for form, data in made.items():
            whole = data if isinstance(data, bytes) else data.encode()
            found[f"{key} {form}"] = hashlib.sha256(whole).hexdigest()
    return found


def of_papers(app: Flask) -> dict[str, str]:
    """Return what the papers of some pages come to, to the byte: one of tables alone, one with a chart."""
    found = {}
    for key in ("overview", "diversity"):
        with app.test_request_context(), reading(), force_locale("zh_Hans_CN"):
            asks = question(known="2026-05-15", to="2026-05")
            data = files.of(asks, pages.of(key).build(asks), "pdf", by="Fang")
        assert isinstance(data, bytes)
        assert data.startswith(b"%PDF-1.7")
        found[key] = hashlib.sha256(data).hexdigest()
    return found
