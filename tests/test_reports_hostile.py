"""Reports under attack: what comes later changes nothing known before, one organisation is one payer, and who sees whom."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Flask
from sqlalchemy import select

from portal.accounts import merging
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation, Ownership
from portal.billing import issuing, recognition, refunds, settling
from portal.billing.models import Party
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from portal.reports import revenue
from portal.reports.income import asked, behind, pages, payers
from portal.reports.recurring import arr, running
from portal.reports.spread import windows
from tests import books, sale
from tests.people import browser, make_org, make_person
from tests.report_world import question, staff, take

NOW = date(2026, 7, 8)
STREAMS = [
    {"code": "dues", "zh": "会费", "group": "dues"},
    {"code": "support", "zh": "企业级技术支持", "group": "service"},
    {"code": "certification", "zh": "认证", "group": "service"},
]


def past(**more: Any) -> dict[str, Any]:
    return {
        "functional_currency": "CNY", "dues_share_target": "0.45", "max_share_limit": "0.60", "streams": STREAMS,
        "period_closed_on": {}, "commission": [], "credit_notes": [], "refunds": [], "fx_month_end": {}, "orders": [],
        "invoices": [], "payments": [], **more,
    }  # fmt: skip


def units(number: str, issued: str, count: int) -> dict[str, Any]:
    return {
        "id": number, "order": "O-1", "party": "Galaxy", "stream": "certification", "issued": issued,
        "net": 1_000 * count, "tax": 60 * count, "method": "units", "unit_net": 1_000, "units": count, "used": [],
    }  # fmt: skip


def test_what_is_invoiced_later_is_not_committed_as_known_before(app: Flask) -> None:
    order = {"id": "O-1", "party": "Galaxy", "stream": "certification", "signed": "2026-02-01", "net": 30_000}
    with app.app_context(), clock.stopped_at(NOW):
        take(past(orders=[order], invoices=[units("U-1", "2026-03-01", 10), units("U-2", "2026-06-15", 20)]))
        with reading():
            told = [
                revenue.revenue(date(2026, 1, 1), date(2026, 6, 30), known)["forecast_fy2026"]
                for known in (date(2026, 4, 30), NOW)
            ]
    assert [one["committed_undated"] for one in told] == [10_000, 30_000]


def test_a_board_member_narrows_no_rows_to_one_who_pays(app: Flask) -> None:
    order = {"id": "O-1", "party": "Galaxy", "stream": "certification", "signed": "2026-02-01", "net": 10_000}
    with app.app_context(), clock.stopped_at(NOW):
        take(past(orders=[order], invoices=[units("U-1", "2026-03-01", 10)]))
        staff()
    with clock.stopped_at(NOW):
        fang, sun = browser(app, "fang@house.example"), browser(app, "sun@house.example")
        asked_for = "figure=booked&from=2026-01&to=2026-06"
        for by in ("by_payer=1", "by_line=1"):
            for path in ("rows", "rows/csv/file", "rows/xlsx/file"):
                assert fang.get(f"/office/reports/{path}?{asked_for}&{by}").status_code == 200
                answer = sun.get(f"/office/reports/{path}?{asked_for}&{by}")
                assert (answer.status_code, "Galaxy" in answer.text) == (403, False), (path, by)
        assert sun.get(f"/office/reports/rows?{asked_for}").status_code == 200


def two_payers() -> tuple[Organisation, Organisation]:
    """Let two entries of one company buy support after one another, and another company own the second; merge none yet."""
    owner = make_person("wu@galaxy.example", "Wu")
    galaxy = db.session.scalars(select(Organisation).order_by(Organisation.id)).one()
    double, parent = make_org("Galaxy Limited", (owner, ContactRole.OWNER)), make_org("Cosmos")
    parties = [db.session.scalars(select(Party)).one(), issuing.party_of(double), issuing.party_of(parent)]
    db.session.add(
        Ownership(owner=parent, owned=double, share_bp=8000, start=date(2026, 1, 1), evidence="register")
    )
    db.session.flush()
    for party, period in zip(
        parties,
        [
            (date(2025, 3, 1), date(2026, 3, 1)),
            (date(2026, 3, 1), date(2027, 3, 1)),
            (date(2026, 1, 1), date(2027, 1, 1)),
        ],
        strict=True,
    ):
        placed = issuing.place_order(party, f"test:{party.id}", [issuing.Item(sale.price(1_060_000))])
        recognition.agree(placed.lines[0], period)
        issuing.issue_invoice(placed, language="en", by="test")
    return galaxy, double


def read_payers(known: date) -> tuple[Any, ...]:
    """Return who pays as known on a day: groups, moves of recurring income, how many payers are judged, the report's payers."""
    said = asked.read({"from": "2026-01", "to": "2026-04", "known": known.isoformat()}, clock.today())
    moves = arr.movement(running.runs(known), date(2026, 2, 1), date(2026, 3, 31)).moves
    found = windows.Sources(said, by_payer=True)
    judged = found.judged(found.window("period"), "recognised", "payers")
    whole = revenue.revenue(date(2026, 1, 1), date(2026, 4, 30), known)
    assert len(whole["payers"]) == judged.n
    table = pages.of("payers").build(said).tables[0]
    assert len(table.body) == judged.n
    for figure in table.figures():
        assert sum(row.amount for row in behind.rows_of(said, figure)) == figure.amount
    return (
        sorted(payers.heads(known).items()), [(one.kind, one.amount) for one in moves], judged.n,
        [(name, fen) for name, fen, _share in whole["payers"]],
    )  # fmt: skip


def test_a_merged_payer_is_one_from_the_day_of_the_merge_and_two_as_known_before(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with clock.stopped_at(date(2026, 1, 2)), transaction():
            galaxy, double = two_payers()
        with clock.stopped_at(date(2026, 5, 10)):
            with reading():
                before = read_payers(date(2026, 5, 10))
            assert [kind for kind, _fen in before[1]] == ["churn", "new"]
            assert before[2] == 2  # the double and its parent are one group
        with clock.stopped_at(date(2026, 5, 12)):
            with transaction():
                deed = merging.merge(
                    double,
                    into=galaxy,
                    by=books.person("fang"),
                    second=books.person("feng"),
                    reason="one company",
                )
            with reading():
                assert read_payers(date(2026, 5, 10)) == before
                heads, moves, count, told = read_payers(date(2026, 5, 12))
        assert {head for _party, head in heads} == {1}
        assert moves == []
        assert (count, told) == (1, [("Galaxy Ltd", sum(fen for _name, fen in before[3]))])
        with clock.stopped_at(date(2026, 5, 14)):
            with transaction():
                merging.undo(
                    deed, by=books.person("fang"), second=books.person("feng"), reason="two after all"
                )
            with reading():
                assert read_payers(date(2026, 5, 14)) == read_payers(date(2026, 5, 10)) == before
                assert read_payers(date(2026, 5, 12))[1:] == (moves, count, told)


def test_books_with_orders_and_nothing_dated_yet_come_in(app: Flask) -> None:
    order = {"id": "O-1", "party": "Galaxy", "stream": "certification", "signed": "2026-02-01", "net": 10_000}
    with app.app_context(), clock.stopped_at(NOW):
        take(past(orders=[order]))
        with reading():
            assert revenue.revenue(date(2026, 1, 1), date(2026, 6, 30), NOW)["totals"]["booked"] == 10_000


def sold(stream: str, method: str = "daily", gross: int = 1_060_000) -> Any:
    """Sell a year from March on of a stream; call inside a transaction."""
    period = (date(2026, 3, 1), date(2027, 3, 1))
    return sale.sell(
        gross, period if method == "daily" else None, subject=f"test:{stream}", stream=stream, method=method
    )


def test_a_refund_stays_with_the_invoice_it_came_from_whatever_is_paid_later(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with clock.stopped_at(date(2026, 3, 2)), transaction():
            first = sold("support")
            second = sold("licensing", gross=212_000)
        with clock.stopped_at(date(2026, 4, 2)), transaction():
            receipt = books.transfer("B-1", Money(1_590_000), str(first.reference))
        with clock.stopped_at(date(2026, 4, 20)):
            with transaction():
                row = refunds.request_refund(
                    receipt,
                    Money(106_000),
                    by=books.person("fang"),
                    reason="too much",
                    payee=refunds.Payee(name="Galaxy Ltd", account="6222 01"),
                )
                refunds.approve_refund(row, by=books.person("feng"))
            with transaction():
                refunds.hand_over(row, by=books.person("feng"), bank_ref="OUT-1")
            with transaction():
                refunds.finish_transfer(row, by=books.person("feng"), good=True)
        with clock.stopped_at(date(2026, 5, 4)):
            with reading():
                before = revenue.revenue(date(2026, 4, 1), date(2026, 4, 30), date(2026, 4, 30))
            with transaction():
                settling.put_on(receipt, second, by=books.person("fang"))
            with reading():
                known = [
                    revenue.revenue(date(2026, 4, 1), date(2026, 4, 30), day)
                    for day in (date(2026, 4, 30), date(2026, 5, 4))
                ]
    assert known[0] == before
    assert before["by_stream"]["refunded_gross"]["support"] == 106_000
    assert known[1]["by_stream"]["refunded_gross"] == before["by_stream"]["refunded_gross"]


def test_a_stream_that_is_not_on_the_list_is_in_every_total_and_a_group_of_its_own(app: Flask) -> None:
    """Imported books bring their own list; what the portal sells beside it is on no list, and is not lost."""
    books.house(app)
    with app.app_context():
        order = {
            "id": "O-1",
            "party": "Galaxy",
            "stream": "certification",
            "signed": "2026-01-02",
            "net": 10_000,
        }
        with clock.stopped_at(date(2026, 3, 2)):
            with transaction():
                sold("licensing")
                sold("dues", gross=530_000)
            take(past(orders=[order], invoices=[units("U-1", "2026-01-05", 10)]))
        with clock.stopped_at(NOW), reading():
            said = question()
            whole = revenue.revenue(date(2026, 1, 1), date(2026, 6, 30), NOW)
            assert whole["totals"]["recognised"] == sum(whole["group_recognised"].values())
            sources = windows.Sources(said, by_payer=True)
            page = sources.judged(sources.window("period"), "recognised", "groups")
            assert page.amounts == whole["group_recognised"]
            assert page.total == whole["diversity_recognised_groups"]["total"]
            for one in ("overview", "months", "recurring", "diversity", "deferred", "rpo"):
                for figure in pages.of(one).build(said).figures():
                    found = sum(row.amount for row in behind.rows_of(said, figure))
                    assert found == figure.amount, (one, figure)
