"""The views for outside tools: the same sums as the pages, on both databases, and nobody's name in them."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, text

from portal.billing import ageing, recognising
from portal.billing.note_models import NoteKind
from portal.core import catalogue, clock
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from portal.core.settings import place
from portal.reports.facts import gather
from portal.reports.flows import Flows
from portal.reports.lists import in_force
from portal.reports.revenue import revenue
from tests import books, sale
from tests.test_income import credit

VIEWS = (
    "rpt_stream", "rpt_line", "rpt_invoice_line", "rpt_receipt", "rpt_recognition", "rpt_contract_balance",
    "rpt_receivable", "rpt_payer", "rpt_term", "rpt_target",
)  # fmt: skip
START, END = date(2027, 1, 1), date(2027, 3, 31)


@pytest.fixture
def quarter(app: Flask) -> Flask:
    """Three sales over a quarter, money, a cut, and work delivered before its invoice is paid."""
    books.house(app)
    with app.app_context():
        with clock.stopped_at(date(2027, 1, 5)), transaction():
            first = sale.sell(3_869_000, (date(2027, 1, 1), date(2028, 1, 1)))
            number, line, reference = first.id, first.lines[0].id, str(first.reference)
            catalogue.put(
                "target", "2027.income.total",
                {"code": "2027.income.total", "measure": "income", "scope": "total", "year": 2027, "amount": 900_000_000,
                 "basis": "recognised", "set_by": {"en": "The board", "zh": "理事会"}}, date(2027, 1, 1),
            )  # fmt: skip
        with clock.stopped_at(date(2027, 2, 3)):
            recognising.recognise()
            with transaction():
                sale.sell(
                    500_003, (date(2027, 2, 1), date(2027, 2, 2)), subject="test:2", method="point",
                    stream="compliance",
                )  # fmt: skip
                books.transfer("B-1", Money(1_000_001), reference)
                books.transfer("B-2", Money(77), "nobody's")
        with clock.stopped_at(date(2027, 3, 3)), transaction():
            credit(number, NoteKind.PRICE_ADJUSTMENT, nets={line: Money(490_000)})
        with clock.stopped_at(date(2027, 4, 2)):
            recognising.recognise()
    return app


def sums(view: str, column: str, where: str = "1 = 1") -> dict[str, int]:
    found = db.session.execute(
        text(f"SELECT stream, SUM({column}) FROM {view} WHERE {where} GROUP BY stream ORDER BY stream")
    )
    return {stream: int(total) for stream, total in found if total}


def some(amounts: dict[str, int]) -> dict[str, int]:
    return {stream: amount for stream, amount in amounts.items() if amount}


def test_each_view_is_its_page(quarter: Flask) -> None:
    within = f"issued_on BETWEEN '{START}' AND '{END}'"
    with quarter.app_context(), clock.stopped_at(date(2027, 4, 2)), reading():
        body: dict[str, Any] = revenue(START, END, date(2027, 4, 2))
        by = body["by_stream"]
        for document, basis in (("invoice", "invoiced"), ("credit_note", "credited")):
            for kind in ("net", "tax"):
                told = sums("rpt_invoice_line", f"{kind}_fen", f"document = '{document}' AND {within}")
                assert told == some(by[f"{basis}_{kind}"])
        assert sums("rpt_recognition", "amount_fen", f"posted_on <= '{END}'") == some(by["recognised"])
        by_month: dict[str, int] = defaultdict(int)
        for day, amount in db.session.execute(text("SELECT posted_on, amount_fen FROM rpt_recognition")):
            by_month[str(day)[:7]] += int(amount)
        assert by_month == body["recognised_by_month_total"]
        assert sums("rpt_contract_balance", "deferred_fen") == some(by["deferred"])
        assert sums("rpt_contract_balance", "contract_asset_fen") == some(by["contract_asset"])
        assert sums("rpt_contract_balance", "recognised_fen") == some(by["recognised"])
        flows = Flows(gather(date(2027, 4, 2), START, END), in_force(END))
        agreed = sums("rpt_line", "net_fen", f"agreed_on BETWEEN '{START}' AND '{END}'")
        taken = sums("rpt_invoice_line", "net_fen", "document = 'credit_note'")
        assert {one: sum_ - taken.get(one, 0) for one, sum_ in agreed.items()} == some(
            flows.booked(START, END)
        )
        owed = db.session.execute(text("SELECT SUM(owed_fen) FROM rpt_receivable")).scalar_one()
        _columns, total, _credit = ageing.summed(ageing.as_of(END))
        assert int(owed) == body["totals"]["ar"] == total.minor
        money = db.session.execute(
            text("SELECT SUM(allocated_fen), SUM(amount_fen), SUM(refunded_fen) FROM rpt_receipt")
        ).one()
        assert [int(one) for one in money] == [body["totals"]["collected_gross"], 1_000_078, 0]
        plans = sum(
            part.amount for plan in flows.facts.plans.values() for part in plan if part.cut_on is None
        )
        uncut = text("SELECT SUM(net_fen) FROM rpt_term WHERE cut_on IS NULL")
        assert int(db.session.execute(uncut).scalar_one()) == plans
        streams = db.session.execute(
            text("SELECT stream, name_en, name_zh, stream_group FROM rpt_stream ORDER BY stream")
        ).all()
        listed = catalogue.entries("stream")
        assert [tuple(row) for row in streams] == [
            (code, listed[code]["name"]["en"], listed[code]["name"]["zh"], listed[code]["group"])
            for code in sorted(listed)
        ]
        payer = db.session.execute(text("SELECT kind, organisation FROM rpt_payer")).one()
        assert tuple(payer) == ("organisation", "Galaxy Ltd")
        goal = db.session.execute(
            text("SELECT measure, scope, year, amount FROM rpt_target WHERE target = '2027.income.total'")
        ).one()
        assert tuple(goal) == ("income", "total", 2027, 900_000_000)


def test_columns_are_those_of_the_document_and_name_no_person(app: Flask) -> None:
    said = (place("docs") / "operations.md").read_text("utf-8")
    with app.app_context(), reading():
        seen = inspect(db.engine)
        assert set(VIEWS) <= set(seen.get_view_names())
        for view in VIEWS:
            columns = [str(one["name"]) for one in seen.get_columns(view)]
            row = re.search(rf"\| `{view}` \|[^|]*\|([^|]*)\|", said)
            assert row is not None, view
            assert re.findall(r"`(\w+)`", row[1]) == columns
            assert not {"name", "person_id", "title", "payer", "email", "buyer_name"} & set(columns)


def test_a_reader_of_the_views_reads_nothing_else(app: Flask) -> None:
    if app.extensions["settings"].sqlite:
        pytest.skip("roles are PostgreSQL's")
    said = (place("docs") / "operations.md").read_text("utf-8")
    block = re.search(r"```sql\n(.*?)```", said[said.index("rpt_stream") - 2500 :], re.DOTALL)
    assert block is not None
    words = block[1].replace("CREATE ROLE portal_bi LOGIN PASSWORD '…'", "CREATE ROLE portal_bi NOLOGIN")
    with app.app_context(), db.engine.connect() as conn:
        whole = conn.begin()
        for statement in filter(None, (one.strip() for one in words.split(";"))):
            conn.execute(text(statement))
        conn.execute(text("SET LOCAL ROLE portal_bi"))
        for view in VIEWS:
            conn.execute(text(f"SELECT * FROM {view}"))
        for table in ("person", "party", "journal_line", "invoice"):
            inner = conn.begin_nested()
            with pytest.raises(Exception, match="permission denied"):
                conn.execute(text(f"SELECT * FROM {table}"))
            inner.rollback()
        whole.rollback()
