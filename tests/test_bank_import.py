"""Statement files: each form read alike, whole or not at all, twice and overlapping add nothing, n equal lines stay n."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from random import Random

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.billing import bank_files, bank_import, ledger
from portal.billing.bank_models import BankBook, BankLine, LineState, StatementFile
from portal.billing.money_models import JournalEntry, Receipt
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from tests import bank_lines, statements
from tests.statements import Told, bring, camt, csv_two, mt940
from tests.undone import examples, half

DAY = date(2026, 9, 1)
LINES = [
    Told(2_000_000, DAY, "银河科技有限公司", "62220001", "会费", "R1"),
    Told(-150_050, DAY, "房东物业", "62220002", "房租 九月", "R2"),
    Told(700, DAY + timedelta(days=1), "本行", "", "利息", "R3"),
]


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let refusals outside a request be English, as the tests read them."""
    monkeypatch.setattr("portal.core.i18n.DEFAULT", "en")


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize(
    "data",
    [
        camt(LINES, 100_000),
        camt(LINES, 100_000, version="08"),
        mt940(LINES, 100_000),
        csv_two(LINES, 100_000),
        csv_two(LINES, 100_000, encoding="gb18030"),
    ],
    ids=["camt02", "camt08", "mt940", "csv", "csv-gb18030"],
)
def test_each_form_says_the_same_and_the_account_equals_the_statement(app: Flask, data: bytes) -> None:
    with app.app_context():
        done = bring(data)
        assert (done.told, done.fresh, done.closing.minor) == (3, 3, 100_000 + 2_000_000 - 150_050 + 700)
        again = bring(data)
        assert again.again
        assert again.fresh == 0
        with reading():
            rows = db.session.scalars(select(BankLine).order_by(BankLine.id)).all()
            assert [one.payer for one in rows] == ["银河科技有限公司", "房东物业", "本行"]
            assert [one.payer_account for one in rows] == ["62220001", "62220002", ""]
            assert "房租 九月" in rows[1].text
            assert [one.bank_ref for one in rows] == ["R1", "R2", "R3"]
            assert [one.receipt_id is not None for one in rows] == [True, False, True]
            assert ledger.balance(ledger.BANK) == done.closing
            assert ledger.balance(ledger.UNIDENTIFIED).minor == 150_050 - 2_000_700
            assert verify_books()[1] == []


def test_overlapping_files_add_nothing_and_a_missing_day_is_refused(app: Flask) -> None:
    week = [Told(1000 + n, DAY + timedelta(days=n), text=f"t{n}") for n in range(6)]
    with app.app_context():
        assert bring(camt(week[:3], 0)).fresh == 3
        assert bring(camt(week[1:5], 1000)).fresh == 2
        assert bring(camt(week[1:4], 1000)).fresh == 0
        with pytest.raises(Refused, match="a day or a line is missing"):
            bring(camt(week[5:], 99_999))
        with pytest.raises(Refused, match="book begins"):
            bring(camt([Told(5, DAY - timedelta(days=3))], -5))
        with reading():
            assert (count(BankLine), count(StatementFile)) == (5, 3)
            assert verify_books()[1] == []


def test_equal_true_lines_stay_as_many_as_they_are(app: Flask) -> None:
    twin = Told(5000, DAY, text="会费")
    with app.app_context():
        assert bring(camt([twin, twin, twin], 0)).fresh == 3
        assert bring(camt([twin, twin, twin, Told(1, DAY + timedelta(days=1))], 0)).fresh == 1
        with pytest.raises(Refused):  # a lost twin
            bring(camt([Told(7, DAY + timedelta(days=2))], 10_001))
        with reading():
            assert count(BankLine) == 4
            assert count(Receipt) == 4


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><Document>&c;</Document>'
)
XXE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>'
GOOD = camt(LINES, 100_000)
SHEET = csv_two(LINES, 100_000).decode("utf-8-sig")
BAD = {
    "empty": (b" \n", "empty"),
    "torn xml": (GOOD[:-40], "cut off or broken"),
    "torn mt940": (mt940(LINES, 0)[:-40], "cut off"),
    "doubled mt940 line": (mt940(LINES, 0).replace(b":61:", b":61:XX", 1), "no readable MT940"),
    "torn csv": (SHEET.rsplit(",", 12)[0].encode(), "cut off"),
    "wrong balance": (camt(LINES, 100_000, closing=1), "closing balance says"),
    "doubled line": (GOOD.replace(b"</Stmt>", statements.entry(LINES[0]).encode() + b"</Stmt>"), "closing balance says"),
    "wrong account": (camt(LINES, 0, number="999"), "of account 999"),
    "wrong currency": (camt(LINES, 0, currency="USD"), "USD"),
    "entities": (BOMB, "declares a document type"),
    "outside entity": (XXE, "declares a document type"),
    "lying encoding": (GOOD.replace("银".encode(), b"\xd2\xf8"), "encoding it claims"),
    "other xml": (b"<html/>", "no camt.053"),
    "no text": (b"\x81\xff\xff\xff,1", "neither UTF-8 nor GB18030"),
    "another bank": ("日期,金额\n1,2\n".encode(), "names its columns"),
    "amount": (SHEET.replace("20,000.00", "20,0O0.00").encode(), "row 3, field 收入金额"),
    "amount empty": (SHEET.replace('"20,000.00"', "").encode(), "row 3"),
    "both columns": (SHEET.replace('"20,000.00",', '"20,000.00",1.00').encode(), "row 3"),
    "date": (SHEET.replace("20260902", "20260931").encode(), "row 5, field 交易日期"),
    "running balance": (SHEET.replace("21000.00", "21000.01").encode(), "balance after this line"),
    "currency in a row": (SHEET.replace("人民币", "美元", 1).encode(), "row 3 is in 美元"),
    "quotation": ((SHEET + '\r\n"x').encode(), "quotation mark"),
    "future": (camt([Told(1, date(2999, 1, 1))], 0), "not come yet"),
    "fraction": (GOOD.replace(b">7.00<", b">7.005<"), "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_refused_in_words_and_leaves_no_row(sqlite_app: Flask, what: str) -> None:
    data, words = BAD[what]
    with sqlite_app.app_context():
        with pytest.raises(Refused) as caught:
            bring(data)
        assert words in str(caught.value)
        with reading():
            assert [count(model) for model in (BankLine, StatementFile, BankBook, Receipt, JournalEntry)] == [
                0
            ] * 5


def test_an_unknown_account_and_a_file_of_another_account_are_refused(sqlite_app: Flask) -> None:
    bare = csv_two(LINES, 0).split(b"\r\n", 1)[1]
    with sqlite_app.app_context():
        with pytest.raises(Missing, match="basic, savings"):
            bring(GOOD, account="nothing")
        bring(bare)
        with pytest.raises(Refused, match="names its columns"):
            bring(bare, account="savings")


def test_without_balances_the_clerk_types_the_closing_one(app: Flask) -> None:
    data = csv_two(LINES, None)
    with app.app_context():
        with pytest.raises(Refused) as caught:
            bring(data)
        assert caught.value.field == "closing"
        done = bring(data, closing=2_000_000)
        assert done.opening.minor == 2_000_000 - sum(one.amount for one in LINES)
        later = [Told(900, DAY + timedelta(days=5))]
        with pytest.raises(Refused, match="missing"):
            bring(csv_two(later, None), closing=2_000_901)
        assert bring(csv_two(later, None), closing=2_000_900).fresh == 1
        with pytest.raises(Refused, match="file itself says"):
            bring(camt([Told(1, DAY + timedelta(days=6))], 2_000_900), closing=5)


def test_pending_entries_do_not_count_and_batches_are_not_doubled(sqlite_app: Flask) -> None:
    pending = statements.entry(Told(999, DAY), status="PDNG").encode()
    part = '<TxDtls><Amt Ccy="CNY">{}</Amt><RltdPties><Dbtr><Nm>{}</Nm></Dbtr></RltdPties></TxDtls>'
    batch = (
        '<Ntry><Amt Ccy="CNY">30.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-09-01</Dt></BookgDt>'
        f"<AcctSvcrRef>BATCH</AcctSvcrRef><NtryDtls>{part.format('10.00', '甲')}{part.format('20.00', '乙')}</NtryDtls></Ntry>"
    )
    for body, lines in ((batch, 2), (batch.replace("10.00", "11.00"), 1)):
        data = camt([], 0, closing=3000).replace(b"</Stmt>", pending + body.encode() + b"</Stmt>")
        with sqlite_app.app_context():
            found = bank_import.read(data, "basic")
        assert (len(found.entries), found.total.minor) == (lines, 3000)
        assert len(set(bank_files.fingerprints("basic", found.entries))) == lines


def test_mt940_reversals_have_the_sign_of_the_money(sqlite_app: Flask) -> None:
    data = (
        f":20:S\r\n:25:{statements.NUMBER}\r\n:28C:1/1\r\n:60F:C260901CNY10,00\r\n:61:2609010901C5,00NTRFNONREF//A\r\n"
        ":61:2609010901RC5,00NTRFNONREF//B\r\n:61:2609010901D7,00NTRFNONREF//C\r\n:61:2609010901RD7,00NTRFNONREF//D\r\n"
        ":62F:C260901CNY10,00\r\n-\r\n"
    ).encode()
    with sqlite_app.app_context():
        found = bank_import.read(data, "basic")
    assert [one.amount.minor for one in found.entries] == [500, -500, -700, 700]


def test_chinese_encoded_xml_is_read(sqlite_app: Flask) -> None:
    text = GOOD.decode().replace("UTF-8", "GB18030")
    with sqlite_app.app_context():
        found = bank_import.read(text.encode("gb18030"), "basic")
    assert found.entries[0].payer == "银河科技有限公司"


def test_full_width_figures_are_figures(sqlite_app: Flask) -> None:
    wide = SHEET.replace('"20,000.00"', '"２０，０００．００"').replace("20260901", "２０２６０９０１", 1)
    with sqlite_app.app_context():
        assert bank_import.read(wide.encode(), "basic").entries[0].amount.minor == 2_000_000


TOLD = st.builds(
    Told,
    st.integers(-3, 3).filter(bool),
    st.dates(DAY, DAY + timedelta(days=3)),
    st.sampled_from(["甲", "乙"]),
    text=st.sampled_from(["", "会费"]),
)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TOLD, min_size=1, max_size=9), st.data())
def test_whatever_windows_of_an_account_are_taken_its_lines_are_taken_once(
    sqlite_app: Flask, told: list[Told], data: st.DataObject
) -> None:
    """I6 on fingerprints alone: windows cut at day borders of one true account, in order, with any overlap."""
    lines = sorted(told, key=lambda one: one.day)
    days = sorted({one.day for one in lines})
    taken: set[str] = set()
    with sqlite_app.app_context():
        for end in range(len(days)):
            start = data.draw(st.integers(0, end))
            window = [one for one in lines if days[start] <= one.day <= days[end]]
            found = bank_import.read(camt(window, 0), "basic")
            prints = bank_files.fingerprints("basic", found.entries)
            assert len(set(prints)) == len(window)
            taken |= set(prints)
    assert len(taken) == len(lines)


def live_through(told: list[Told], data: st.DataObject) -> None:
    """Take windows of one account in order, each spoilt first and again afterwards; look at its lines and its balance."""
    lines = sorted(told, key=lambda one: one.day)
    days = sorted({one.day for one in lines})
    code = f"x{count(BankBook)}"
    db.session.rollback()
    opening = data.draw(st.integers(-5, 5))
    for end in range(len(days)):
        start = data.draw(st.integers(0, end)) if end else 0
        window = [one for one in lines if days[start] <= one.day <= days[end]]
        before = opening + sum(one.amount for one in lines if one.day < days[start])
        spoilt = camt(window[1:], before, closing=before + sum(one.amount for one in window))
        rows = count(BankLine)
        db.session.rollback()
        with pytest.raises(Refused):
            take(code, spoilt)
        take(code, camt(window, before))
        wanted = sum(one.day <= days[end] for one in lines) - sum(one.day < days[end] for one in lines)
        assert count(BankLine) - rows == wanted
        db.session.rollback()
        assert take(code, camt(window, before)).fresh == 0
    with reading():
        book = db.session.scalars(select(BankBook).where(BankBook.account == code)).one()
        assert bank_import.balance(book).minor == opening + sum(one.amount for one in lines)


def test_files_of_one_account_taken_in_any_way_make_its_lines_and_its_balance(app: Flask) -> None:
    """I6 on rows: windows taken in order, again and spoilt; each example is an account of its own in one database."""

    @settings(max_examples=examples(app), deadline=None, suppress_health_check=list(HealthCheck))
    @given(told=st.lists(TOLD, min_size=1, max_size=4), data=st.data())
    def run(told: list[Told], data: st.DataObject) -> None:
        live_through(told, data)

    with app.app_context():
        run()


def take(code: str, data: bytes) -> bank_import.Outcome:
    """Take a file in for an account made up for one example."""
    from portal.core import files

    marked = data.replace(b"</Document>", f"<!-- {code} --></Document>".encode())
    found = bank_import.read(marked, "basic")
    db.session.rollback()
    content = files.put(marked, "application/xml")
    with transaction():
        return bank_import.take(found, content, name="x", account=code, by="test")


def test_lines_are_on_record_even_in_raw_sql(app: Flask) -> None:
    from sqlalchemy.exc import DBAPIError

    with app.app_context():
        bring(GOOD)
        for statement in (
            "UPDATE bank_line SET amount = amount + 1",
            "DELETE FROM bank_line",
            "UPDATE statement_file SET closing = 0",
            "DELETE FROM bank_book",
        ):
            with pytest.raises(DBAPIError, match="on record"), transaction() as session:
                session.execute(db.text(statement))
        with reading():
            assert verify_books()[1] == []


def test_verify_names_the_line_that_is_not_in_the_ledger(app: Flask) -> None:
    with app.app_context():
        bring(GOOD)
        with transaction():
            line = db.session.scalars(select(BankLine).where(BankLine.amount < Money(0))).one()
            sides = [
                ledger.Line(ledger.BANK, Money(1)),
                ledger.Line(ledger.UNIDENTIFIED, Money(-1)),
            ]
            ledger.post("bank_line", line.subject, sides, on=clock.today(), n=9)
            number = line.id
        with reading():
            found = verify_books()[1]
        assert any(f"bank: line {number} moved" in one for one in found)
        assert any("bank: account basic stands at" in one for one in found)


def test_states_follow_the_table() -> None:
    from portal.billing.bank_models import LINE_LIFE

    assert LINE_LIFE[LineState.SUGGESTED] == {LineState.MATCHED, LineState.NEW}
    assert LINE_LIFE[LineState.OUTSIDE] == LINE_LIFE[LineState.MATCHED] == {LineState.NEW}


@pytest.mark.slow
def test_hundreds_of_lines_climb_the_ladder_and_the_rates_are_printed(app: Flask) -> None:
    whole = 5 * half(app)  # a thousand and more on both are in the benchmark
    with app.app_context():
        told = bank_lines.invent(whole, Random(6))
        done = bank_lines.take(told)
        sys.stdout.write(f"\n{bank_lines.rates(done)}\n")
        assert done.fresh == whole
        assert sum(done.steps.values()) + done.out == whole
        assert done.steps[1] > whole // 4  # of the half that are for invoices
        assert done.steps[3] > whole // 20
        assert bank_lines.take(told, name="again").fresh == 0
        first, last = whole * 3 // 10, whole * 7 // 10
        middle = [one for one in told if told[first].day <= one.day <= told[last].day]
        before = 100_000 + sum(one.amount for one in told if one.day < told[first].day)
        assert bring(camt(middle, before), name="overlap").fresh == 0
        with reading():
            assert count(BankLine) == whole
            assert verify_books()[1] == []
