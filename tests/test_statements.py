"""Compute statements (services.md §6): one a seller and month, corrections that sum to the truth, silence, invoices, income."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from portal.billing import ledger
from portal.billing.models import Invoice
from portal.billing.money_models import JournalEntry, JournalLine
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.money import Money, half_up
from portal.core.states import TABLES
from portal.services.statements import chores, figures, reporting, sellers, settling
from portal.services.statements import reading as lists
from portal.services.statements.kinds import StatementState
from portal.services.statements.models import ComputeLine, ComputeSeller, ComputeStatement
from portal.services.statements.reading import Told
from portal.services.statements.verify import verify_statements
from tests import place_scene as s

S = StatementState
APRIL, MAY, JUNE, JULY = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app, "alpha", "omega")
    with s.at(app, "2026-05-20T10:00"):
        s.seller(since=APRIL)
    return app


def ask(app: Flask, day: str) -> None:
    with app.app_context(), clock.stopped_at(s.china(f"{day}T09:00")):
        chores.ask_statements()


def agree(app: Flask, month: date, day: str, *lines: Told, invoice: bool = True) -> None:
    """Report, send, confirm and invoice a month on a day."""
    ask(app, day)
    with s.at(app, f"{day}T10:00"):
        row = s.statement(month)
        reporting.report(row, lines, by=s.who("alpha", "billing"), nothing=not lines)
        settling.send(row, by=s.staff("fang"))
        settling.confirm(row, by=s.who("alpha"), sending=row.sending)
        if invoice:
            settling.invoice(row, by=s.staff("feng"))


def income(month: date) -> int:
    lines = (
        select(func.sum(JournalLine.amount))
        .join(JournalEntry, JournalLine.entry_id == JournalEntry.id)
        .where(JournalEntry.service_month == month, JournalLine.account == ledger.income("compute"))
    )
    found = db.session.scalar(lines)
    return -(found.minor if isinstance(found, Money) else int(found or 0))


def test_the_commission_is_taken_on_the_sum_and_tax_put_on_top() -> None:
    assert figures.commission(312_541_67, 1200) == 37_505_00
    shares = figures.shares([(MAY, 100_000_00), (MAY, 212_541_67)], {}, {MAY: 1200})
    assert [one.commission for one in shares] == [37_505_00]


@given(st.lists(st.integers(-(10**9), 10**10), min_size=1, max_size=12), st.integers(1000, 1500))
def test_corrections_sum_to_the_truth(told: list[int], bp: int) -> None:
    """V8: however a month's turnover is told in parts, its commissions together are that on the sum."""
    before, commissions = 0, 0
    for fen in told:
        (share,) = figures.shares([(MAY, fen)], {MAY: before}, {MAY: bp})
        before, commissions = before + fen, commissions + share.commission
    assert commissions == half_up(sum(told) * bp, 10_000)


def test_a_statement_goes_from_report_to_income_and_invoice(house: Flask) -> None:
    ask(house, "2026-06-01")
    with s.at(house, "2026-06-03T10:00"):
        row = s.statement(MAY)
        assert (row.state, row.number) == (S.EXPECTED, f"CS-202605-{row.seller_id:04d}")
        lines = lists.lines_of(
            "package,hours,unit_price,amount,evidence\nH100,1250.5,180.00,225090.00,log 7\n"
            "A800,1000,87.45167,,\n".replace("87.45167", "87.45").encode(),
            MAY,
        )
        lines += [Told(MAY, "A800", 1000, 1_67, 1_67, "")]
        assert sum(one.amount for one in lines) == 312_541_67
        reporting.report(row, lines, by=s.who("alpha", "billing"))
        settling.send(row, by=s.staff("fang"))
        assert (row.commission, row.tax, row.gross) == (
            s.yuan("37505.00"), s.yuan("2250.30"), s.yuan("39755.30"),
        )  # fmt: skip
        with pytest.raises(Refused, match="other figures"):
            settling.confirm(row, by=s.who("alpha"), sending=7)
        settling.confirm(row, by=s.who("alpha"), sending=1)
        assert income(MAY) == 37_505_00
        assert row.order is not None
        assert ledger.of_line(row.order.lines[0], ledger.CONTRACT_ASSET) == 37_505_00
        settling.invoice(row, by=s.staff("feng"))
        assert row.invoice is not None
        assert (row.invoice.net, row.invoice.tax) == (s.yuan("37505.00"), s.yuan("2250.30"))
        assert ledger.of_line(row.order.lines[0], ledger.CONTRACT_ASSET) == 0
    with house.app_context(), reading():
        assert verify_statements() == (2, [])
        assert verify_books()[1] == []
        titles = [one.title for one in db.session.query(MailMessage).filter_by(address="owner@alpha.example")]
        assert any(one.startswith("Statement CS-202605") for one in titles)


def test_a_changed_month_is_a_correction_in_the_next_statement(house: Flask) -> None:
    agree(house, APRIL, "2026-05-20", s.told(100_000_04, APRIL))
    agree(house, MAY, "2026-06-03", s.told(50_000_00, MAY), s.told(3_33, APRIL), s.told(-40_000_00, APRIL))
    with house.app_context(), reading():
        april, may = s.statement(APRIL), s.statement(MAY)
        assert april.commission == Money(half_up(100_000_04 * 1200, 10_000))
        truth = half_up(60_003_37 * 1200, 10_000)
        parts = {one.month: one.commission.minor for one in settling.shares(may)}
        assert parts == {MAY: 6_000_00, APRIL: truth - april.commission.minor}
        assert (income(APRIL), income(MAY)) == (truth, 6_000_00)
        assert verify_statements()[1] == []
        assert verify_books()[1] == []
    with s.at(house, "2026-06-04T10:00"), pytest.raises(Refused, match="goes as a correction"):
        reporting.report(s.statement(APRIL), [s.told(1, APRIL)], by=s.who("alpha"))


def test_what_may_be_told(house: Flask) -> None:
    agree(house, APRIL, "2026-05-20", s.told(100_00, APRIL))
    ask(house, "2026-07-02")
    with s.at(house, "2026-07-02T10:00"):
        may, june, biller = s.statement(MAY), s.statement(JUNE), s.who("alpha", "billing")
        for lines, nothing, why in (
            ([], False, "say that nothing was sold"),
            ([s.told(1, MAY)], True, "say that nothing was sold"),
            ([s.told(-1, MAY)], False, "not below zero"),
            ([s.told(1, JUNE)], False, "no month this statement can correct"),
            ([s.told(1, date(2026, 3, 1))], False, "no month this statement can correct"),
        ):
            with pytest.raises(Refused, match=why):
                reporting.report(may, lines, by=biller, nothing=nothing)
        reporting.report(may, [s.told(5_00, MAY), s.told(1_00, APRIL)], by=biller)
        for lines, why in (
            ([s.told(1, MAY)], "is not agreed"),
            ([s.told(1, APRIL)], "Another open statement"),
        ):
            with pytest.raises(Refused, match=why):
                reporting.report(june, lines, by=biller)
        reporting.report(may, [s.told(5_00, MAY)], by=biller)  # told anew: the old lines stay on record
        assert (may.report, len(reporting.lines(may))) == (2, 1)
        assert db.session.query(ComputeLine).filter_by(statement_id=may.id).count() == 3
        reporting.report(june, [s.told(1_00, APRIL)], by=biller)


def test_a_month_told_too_late_goes_into_the_next_statement(house: Flask) -> None:
    agree(house, APRIL, "2026-05-20")
    agree(house, JUNE, "2026-07-03", s.told(1_000_00, JUNE), s.told(500_00, MAY))
    with house.app_context(), reading():
        may, june = s.statement(MAY), s.statement(JUNE)
        assert (may.state, may.into, may.invoice) == (S.INVOICED, june, june.invoice)
        assert (income(MAY), income(JUNE)) == (60_00, 120_00)
        assert s.statement(APRIL).invoice is None
        assert verify_statements()[1] == []


def test_a_sum_below_zero_is_carried_until_a_statement_takes_it_in(house: Flask) -> None:
    agree(house, APRIL, "2026-05-20", s.told(10_000_00, APRIL))
    agree(house, MAY, "2026-06-03", s.told(-6_000_00, APRIL), invoice=False)
    with s.at(house, "2026-06-04T10:00"):
        may = s.statement(MAY)
        assert (may.net, may.tax, may.order) == (s.yuan("-720.00"), s.yuan("0"), None)
        with pytest.raises(Refused, match="below zero"):
            settling.invoice(may, by=s.staff("fang"))
    agree(house, JUNE, "2026-07-03", s.told(5_000_00, JUNE), invoice=False)
    agree(house, JULY, "2026-08-03", s.told(3_000_00, JULY))
    with house.app_context(), reading():
        may, june, july = s.statement(MAY), s.statement(JUNE), s.statement(JULY)
        assert (june.carried, june.net, june.order) == (s.yuan("-720.00"), s.yuan("-120.00"), None)
        assert (july.carried, july.net) == (s.yuan("-120.00"), s.yuan("240.00"))
        assert [one.state for one in (may, june, july)] == [S.INVOICED] * 3
        assert may.invoice == july.invoice
        assert [income(month) for month in (APRIL, MAY, JUNE, JULY)] == [480_00, 0, 600_00, 360_00]
        assert db.session.scalar(select(func.sum(Invoice.net)).where(Invoice.id == july.invoice_id)) == Money(
            240_00
        )
        assert verify_statements()[1] == []
        assert verify_books()[1] == []


def test_a_dispute_stops_the_silence_and_is_answered(house: Flask) -> None:
    ask(house, "2026-05-20")
    with s.at(house, "2026-05-20T10:00"):
        row = s.statement(APRIL)
        reporting.report(row, [s.told(1_000_00, APRIL)], by=s.who("alpha"))
        settling.send(row, by=s.staff("fang"))
        settling.dispute(row, by=s.who("alpha"), words="Two hours too many")
        with pytest.raises(Refused, match="no longer possible"):
            settling.confirm(row, by=s.who("alpha"), sending=1)
    ask(house, "2026-06-30")
    with s.at(house, "2026-06-30T10:00"):
        row = s.statement(APRIL)
        assert row.state is S.DISPUTED
        reporting.report(row, [s.told(900_00, APRIL)], by=s.who("alpha"))
        with pytest.raises(Refused, match="Please answer"):
            settling.send(row, by=s.staff("fang"))
        settling.send(row, by=s.staff("fang"), answer="You are right")
        assert (row.sending, row.commission) == (2, s.yuan("108.00"))
        settling.confirm(row, by=s.who("alpha"), sending=2)
        assert [one.answer for one in settling.disputes(row)] == ["You are right"]


def test_silence_of_five_working_days_confirms(house: Flask) -> None:
    ask(house, "2026-05-20")
    with s.at(house, "2026-05-20T10:00"):  # a Wednesday
        row = s.statement(APRIL)
        reporting.report(row, [s.told(1_000_00, APRIL)], by=s.who("alpha"))
        settling.send(row, by=s.staff("fang"))
        assert row.deemed_after == date(2026, 5, 27)
    ask(house, "2026-05-27")
    with house.app_context(), reading():
        assert s.statement(APRIL).state is S.SENT
    for _again in range(3):
        ask(house, "2026-05-28")
    with house.app_context(), reading():
        row = s.statement(APRIL)
        assert (row.state, row.deemed, row.order is not None) == (S.CONFIRMED, True, True)


def test_a_silent_seller_is_reminded_once_a_step_and_the_managers_hear_of_it(house: Flask) -> None:
    def mails(address: str) -> list[str]:
        with house.app_context(), reading():
            rows = db.session.query(MailMessage).filter_by(address=address).order_by(MailMessage.id)
            return [one.title for one in rows if "pril" in one.title or "4" in one.title]

    ask(house, "2026-05-08")
    ask(house, "2026-05-08")
    assert mails("billing@alpha.example") == ["Please report your compute sales of April 2026"]
    ask(house, "2026-05-14")  # the 10th and the 13th went by: the latest is said, once
    ask(house, "2026-05-14")
    assert mails("billing@alpha.example")[1:] == ["Your compute sales of April 2026 are missing"]
    assert mails("mana@house.example") == []
    ask(house, "2026-05-20")
    assert mails("mana@house.example") == ["No compute sales from Alpha Ltd for April 2026"]


def test_rates_are_dated_and_bounded(house: Flask) -> None:
    agree(house, APRIL, "2026-05-20", s.told(1_000_00, APRIL))
    with s.at(house, "2026-06-02T10:00"):
        row = db.session.query(ComputeSeller).one()
        for bp, start, why in (
            (1600, JUNE, "lies between 10 % and 15 %"),
            (1300, APRIL, "no statement was sent"),
        ):
            with pytest.raises(Refused, match=why):
                sellers.set_rate(row, start=start, bp=bp, reason="volume", by=s.staff("fang"))
        sellers.set_rate(row, start=MAY, bp=1500, reason="volume", by=s.staff("fang"))
        with pytest.raises(Refused, match="written down already"):
            sellers.set_rate(row, start=MAY, bp=1400, reason="volume", by=s.staff("fang"))
    agree(house, MAY, "2026-06-03", s.told(1_000_00, MAY), s.told(1_000_00, APRIL))
    with house.app_context(), reading():
        assert {one.month: one.commission.minor for one in settling.shares(s.statement(MAY))} == {
            MAY: 150_00, APRIL: 120_00,
        }  # fmt: skip


def test_who_sells(house: Flask) -> None:
    with s.at(house, "2026-06-02T10:00"):
        with pytest.raises(Refused, match="Only members"):
            s.seller("omega")
        with pytest.raises(Refused, match="sells already"):
            s.seller()
        row = db.session.query(ComputeSeller).one()
        with pytest.raises(Refused, match="month to come"):
            sellers.end(row, until=APRIL, by=s.staff("fang"))
        sellers.end(row, until=date(2026, 6, 15), by=s.staff("fang"))
    ask(house, "2026-09-01")
    with house.app_context(), reading():
        months = db.session.scalars(select(ComputeStatement.month).order_by(ComputeStatement.month)).all()
        assert months == [APRIL, MAY]


WRONG_LISTS = [
    (b"", "must name the columns"),
    (b"package,hours\nA,1\n", "must name the columns"),
    (b"package,hours,unit_price\nA,1.2345,2\n", "Row 2, hours: hours have at most three decimals"),
    (b"package,hours,unit_price\nA,1,x\n", "Row 2, unit_price: this is no sum"),
    (b"package,hours,unit_price,amount\nA,3,0.10,0.31\n", "Row 2, amount: hours × price make 0.30"),
    (b"package,hours,unit_price,month\nA,3,0.10,2026-13\n", "Row 2, month: a month reads 2026-05"),
    (b"package,hours,unit_price\n,3,0.10\n", "Row 2, package"),
    (b"package,hours,unit_price\nA,3\n", "another number of cells"),
    (b"\xff\xfe\x00", "neither UTF-8 nor GB18030"),
    (b'package,hours,unit_price\n"A,3,1\n', "no CSV"),
]


def test_a_list_is_taken_whole_or_not_at_all(house: Flask) -> None:
    with s.at(house, "2026-06-02T10:00"):
        for data, why in WRONG_LISTS:
            with pytest.raises(Refused, match=why):
                lists.lines_of(data, MAY)


def test_a_list_in_gb18030_with_full_width_digits_reads_the_same(house: Flask) -> None:
    raw = "month,package,hours,unit_price,amount,evidence\n2026-04,'=算力,１２.５,1 000.00,12500.00,日志\n\n"
    with s.at(house, "2026-06-02T10:00"):
        expected = [Told(APRIL, "=算力", 12_500, 1_000_00, 12_500_00, "日志")]
        assert lists.lines_of(raw.encode("gb18030"), MAY) == expected
        assert lists.lines_of(raw.encode("utf-8-sig"), MAY) == expected


def test_reports_and_sendings_are_on_record(house: Flask) -> None:
    agree(house, APRIL, "2026-05-20", s.told(1_000_00, APRIL))
    for table in ("compute_line", "compute_share"):
        for change in (f"UPDATE {table} SET month = '2026-01-01'", f"DELETE FROM {table}"):
            with house.app_context(), pytest.raises((DatabaseError, IntegrityError)), transaction():
                db.session.execute(text(change))


def test_verify_finds_what_was_changed_behind_its_back(house: Flask) -> None:
    agree(house, APRIL, "2026-05-20", s.told(1_000_00, APRIL))
    with house.app_context(), transaction():
        db.session.execute(text("UPDATE compute_statement SET commission = commission + 1 WHERE sending > 0"))
    with house.app_context(), reading():
        found = verify_statements()[1]
        assert any("not the sum of its months" in one for one in found)


def test_every_state_is_reached_by_the_table() -> None:
    reached: set[Any] = {S.EXPECTED}
    for _n in S:
        reached |= {to for state in reached for to in TABLES[S][state]}
    assert reached == set(S)
