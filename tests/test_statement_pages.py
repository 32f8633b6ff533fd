"""Compute statements as sellers, finance and programs meet them (services.md §6): pages in both languages, files, the API."""

from __future__ import annotations

import io
import re
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.scopes import Scope
from portal.core import clock, outbox
from portal.core.db import db, reading
from portal.services.statements import chores
from portal.services.statements.models import ComputeSeller
from tests import place_scene as s
from tests.people import browser
from tests.people import post as send
from tests.test_api import Program, give

MAY = date(2026, 5, 1)
CSV = "package,hours,unit_price,amount,evidence\nH100,1250.5,180,225090.00,log\n"


@pytest.fixture
def house(app: Flask) -> Any:
    s.house(app, "alpha", "beta")
    with s.at(app, "2026-05-20T10:00"):
        s.seller(since=MAY)
        s.seller("beta", since=MAY)
    with clock.stopped_at(s.china("2026-06-02T10:00")):
        with app.app_context():
            chores.ask_statements()
        yield app


def uid(app: Flask, name: str = "alpha") -> str:
    with app.app_context(), reading():
        return s.statement(MAY, name).uid


def seen(client: FlaskClient, path: str, status: int = 200) -> str:
    found = client.get(path)
    assert found.status_code == status, found.text
    return re.sub(r"\s+", " ", found.text)


def post(client: FlaskClient, path: str, status: Any = 303, more: Any = None, **fields: Any) -> str:
    found = send(client, path, **(more or {}), **fields)
    assert found.status_code == status, found.text
    return re.sub(r"\s+", " ", found.text)


def body(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer.get_json()
    return found


def test_a_seller_reports_and_finance_sends_and_invoices(house: Flask) -> None:
    biller, fang, row = (
        browser(house, "billing@alpha.example"),
        browser(house, "fang@house.example"),
        uid(house),
    )
    assert "by 10 Jun 2026" in seen(biller, "/statements/")
    here = f"/statements/{row}"
    bad = post(
        biller,
        f"{here}/report",
        422,
        **{"rows-0-package": "A800", "rows-0-hours": "1.2345", "rows-0-unit_price": "2"},
    )
    assert "hours have at most three decimals" in bad
    assert 'value="1.2345"' in bad
    assert "say that nothing was sold" in post(biller, f"{here}/report", 422)
    post(
        biller, f"{here}/report", note="one log",
        more={
            "file": (io.BytesIO(CSV.encode()), "sales.csv"), "rows-0-package": "A800", "rows-0-hours": "1000",
            "rows-0-unit_price": "87.45",
        },
    )  # fmt: skip
    page = seen(biller, here)
    assert all(
        word in page for word in ("CN¥312,540.00", "CN¥37,504.80", "As it would be sent today", "sales.csv")
    )
    theirs = f"/office/statements/{row}"
    assert "one log" in seen(fang, theirs)
    assert "Check and send it" in seen(fang, "/office/")
    post(fang, f"{theirs}/sending")
    with house.app_context():
        outbox.drain()
    assert biller.get(f"{here}/statement.pdf").data[:5] == b"%PDF-"
    assert "Confirm CN¥39,755.09" in seen(biller, here)
    assert "confirmed when 9 Jun 2026 ends" in seen(biller, "/statements/")
    post(biller, f"{here}/dispute", words="Too many hours")
    post(fang, f"{theirs}/sending", 422)
    post(fang, f"{theirs}/sending", answer="The log says so")
    assert "The log says so" in seen(biller, here)
    assert "other figures meanwhile" in post(biller, f"{here}/confirmation", 409, sending="1")
    post(biller, f"{here}/confirmation", sending="2")
    assert "Issue the invoice over CN¥39,755.09" in seen(fang, theirs)
    post(fang, f"{theirs}/invoice")
    assert "INV-2026-" in seen(biller, here)
    lines = biller.get(f"{here}/lines/file")
    assert "2026-05,H100,1250.5,180.00,225090.00,log" in lines.text
    assert "CS-202605" in fang.get("/office/statements/file").text
    assert "/office/statements/file?q=Alpha" in seen(fang, "/office/statements/?q=Alpha&_method=-1")
    for word in ("佣金", "所售内容", "2026年5月"):
        assert word in seen(browser(house, "billing@alpha.example", language="zh_Hans_CN"), here)


def test_finance_keeps_sellers_and_rates_and_writes_down_what_comes_by_letter(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    with house.app_context(), reading():
        seller = db.session.query(ComputeSeller).order_by(ComputeSeller.id).first()
        assert seller is not None
        where = f"/office/statements/sellers/{seller.uid}"
    assert "No organisation has this name" in post(
        fang, "/office/statements/sellers", 422, org="Nobody", since="2026-05", contract="C"
    )
    assert "A month reads 2026-05" in post(
        fang, "/office/statements/sellers", 422, org="Alpha Ltd", since="May", contract="C"
    )
    assert "at most two decimals" in post(
        fang, f"{where}/rates", 422, start="2026-06", percent="12.345", reason="r"
    )
    assert "lies between 10 % and 15 %" in post(
        fang, f"{where}/rates", 422, start="2026-06", percent="20", reason="r"
    )
    post(fang, f"{where}/rates", start="2026-05", percent="12.5", reason="volume")
    assert "12.5 %" in seen(fang, where)
    row = uid(house)
    post(fang, f"/office/statements/{row}/report", nothing="y")
    assert "Nothing was sold in this month" in seen(fang, f"/office/statements/{row}")
    post(fang, f"{where}/end", until="2026-07")


def test_nobody_sees_the_statement_of_another(house: Flask) -> None:
    """V10: a foreign statement looks missing, for reading and for every deed."""
    beta, row, own = browser(house, "owner@beta.example"), uid(house), uid(house, "beta")
    assert seen(beta, f"/statements/{own}")
    for path in ("", "/report", "/lines/file", "/statement.pdf"):
        seen(beta, f"/statements/{row}{path}", 404)
    for path in ("/report", "/confirmation", "/dispute"):
        post(beta, f"/statements/{row}{path}", 404, words="x", sending="1", nothing="y")
    seen(browser(house, "marketing@alpha.example"), f"/statements/{row}", 403)
    assert "Alpha" not in seen(beta, "/statements/")


def test_a_program_reports_and_confirms(house: Flask) -> None:
    token = give(house, "owner@alpha.example", Scope.SERVICES_READ, Scope.SERVICES_WRITE)
    program, row = Program(house, token), uid(house)
    (item,) = body(program.get("/statements"))["items"]
    assert (item["id"], item["state"], item["month"]) == (row, "expected", "2026-05")
    line = {"package": "H100", "milli_hours": 1_000, "unit_price": 312_541_67}
    said = program.send("POST", f"/statements/{row}/report", {"lines": [line]})
    assert said.status_code == 200, said.text
    assert (body(said)["commission"], body(said)["tax"]) == (
        {"amount": 37_505_00, "currency": "CNY"}, {"amount": 2_250_30, "currency": "CNY"},
    )  # fmt: skip
    assert program.send("POST", f"/statements/{row}/confirmation", {"sending": 1}).status_code == 409
    foreign = program.get(f"/statements/{uid(house, 'beta')}")
    assert foreign.status_code == 404
    fang = browser(house, "fang@house.example")
    post(fang, f"/office/statements/{row}/sending")
    assert body(program.send("POST", f"/statements/{row}/dispute", {"words": "No"}))["state"] == "disputed"
    post(fang, f"/office/statements/{row}/sending", answer="Yes")
    said = program.send("POST", f"/statements/{row}/confirmation", {"sending": 2})
    assert body(said)["state"] == "confirmed"
