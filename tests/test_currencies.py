"""Money in other currencies on the desk: written down by one, confirmed by another, converted with both sums stated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from portal.billing import converting, exchange, issuing, ledger, online, settling
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import (
    Allocation,
    JournalEntry,
    JournalLine,
    Receipt,
    ReceiptEntry,
    Refund,
    Way,
)
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from tests import books, sale
from tests.people import browser, make_org, post

NEW = "/office/money/receipts/new"
DAY = clock.today() - timedelta(days=3)


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let refusals outside a request be English, as the tests read them."""
    monkeypatch.setattr("portal.core.i18n.DEFAULT", "en")


@pytest.fixture
def house(app: Flask) -> Iterator[Flask]:
    """An invoice of 1 000 dollars issued at 7.20, and a rate of today."""
    books.house(app)
    with app.app_context(), clock.stopped_at(DAY), transaction():
        exchange.load_rate("USD", DAY, "7.20", source="PBOC", by="test")
        sale.sell(100_000, (DAY, DAY + timedelta(days=365)), tax=sale.FREE, currency="USD")
    yield app
    with app.app_context(), reading():
        assert verify_books()[1] == []


def dollars(**more: str) -> dict[str, str]:
    """Return the form of a transfer of 1 000 dollars, changed."""
    return {
        "bank_ref": "US-1", "currency": "USD", "foreign": "1,000.00", "amount": "7150", "received_on": str(DAY),
        "payer": "Galaxy Ltd", "text": "",
    } | more  # fmt: skip


def received(amount: int, *, units: int | None = None, ref: str = "R", known: bool = True) -> Receipt:
    """Let money arrive; call inside a transaction."""
    return settling.record_receipt(
        Way.BANK, "bank", ref, Money(amount), clock.today(), payer="x", by="t",
        party=books.party() if known else None, currency="USD" if units else "CNY", units=units,
    )[0]  # fmt: skip


def test_dollars_are_written_down_by_one_and_booked_by_another(house: Flask) -> None:
    fang, feng = browser(house, "fang@house.example"), browser(house, "feng@house.example")
    with house.app_context(), reading():
        text = f"fee {db.session.query(Invoice).one().reference}"
    assert post(fang, NEW, **dollars(text=text)).status_code == 303
    with house.app_context(), reading():
        entry = db.session.query(ReceiptEntry).one()
        assert (entry.came, entry.amount) == (Money(100_000, "USD"), Money(715_000))
        assert db.session.query(Receipt).count() == 0
        path = f"/office/money/receipts/entries/{entry.uid}/confirmation"
    page = feng.get("/office/money/").text
    assert "$1,000.00" in page
    assert "CN¥7,150.00" in page
    assert post(fang, path).status_code == 403
    assert post(feng, path).status_code == 303
    with house.app_context(), reading():
        receipt, invoice = db.session.query(Receipt).one(), db.session.query(Invoice).one()
        assert (receipt.came, invoice.state) == (Money(100_000, "USD"), InvoiceState.PAID)
        assert ledger.balance(ledger.EXCHANGE) == Money(5_000)
        units = db.session.query(JournalLine.account, JournalLine.units).filter_by(currency="USD").all()
        left = {account: sum(u or 0 for a, u in units if a == account) for account, _units in units}
        assert left[ledger.BANK] == 100_000
        assert left[ledger.RECEIVABLE] == left[ledger.CREDIT] == 0
        told = db.session.query(AuditEntry).filter_by(verb="receipt.confirmed").one()
        assert told.detail["came"] == "1000.00 USD"
        uid = receipt.uid
    assert "$1,000.00" in fang.get(f"/office/money/receipts/{uid}").text


def test_without_the_banks_figure_the_loaded_rate_counts(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    assert post(fang, NEW, **dollars(amount="")).status_code == 303
    with house.app_context(), reading():
        assert db.session.query(ReceiptEntry).one().amount == Money(720_000)


WRONG: list[tuple[dict[str, str], str]] = [
    ({"foreign": ""}, "foreign"),
    ({"foreign": "1,2"}, "foreign"),
    ({"foreign": "0"}, "foreign"),
    ({"foreign": "-5"}, "foreign"),
    ({"foreign": "1.001"}, "foreign"),
    ({"currency": "XXX"}, "currency"),
    ({"currency": "CNY"}, "currency"),
    ({"currency": "CNY", "foreign": "", "amount": ""}, "amount"),
    ({"amount": "0"}, "amount"),
    ({"amount": "much"}, "amount"),
    ({"amount": "", "received_on": "2001-01-01"}, "amount"),
    ({"received_on": "2999-01-01"}, "received_on"),
]


def test_bad_sums_are_refused_at_their_field_and_keep_what_was_typed(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    for wrong, field in WRONG:
        answer = post(fang, NEW, **dollars(**wrong))
        assert answer.status_code == 422, wrong
        assert f'id="{field}-error"' in answer.text, wrong
        assert 'value="Galaxy Ltd"' in answer.text
    with house.app_context(), reading():
        assert db.session.query(ReceiptEntry).count() == 0


def test_money_of_nobody_in_dollars_leaves_no_units_behind(house: Flask) -> None:
    with house.app_context():
        with transaction():
            receipt = received(715_000, units=100_000, known=False)
            settling.put_on(receipt, db.session.query(Invoice).one(), by="t")
        with reading():
            units = db.session.query(JournalLine.account, JournalLine.units).filter_by(currency="USD").all()
            assert sum(u or 0 for account, u in units if account == ledger.UNIDENTIFIED) == 0


def with_credit(house: Flask) -> tuple[str, str]:
    """Let ten thousand yuan come for nothing in particular; return the receipt and the open invoice."""
    with house.app_context():
        with transaction():
            uid = received(1_000_000).uid
        with reading():
            return uid, db.session.query(Invoice).one().uid


def test_credit_pays_an_invoice_in_dollars_with_both_sums_stated(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    uid, bill = with_credit(house)
    path = f"/office/money/receipts/{uid}/conversion"
    assert path in fang.get(f"/office/money/receipts/{uid}").text
    page = fang.get(path).text
    assert "$1,000.00" in page
    assert "1 USD = 7.20 CNY" in page
    seen = fang.get(f"{path}?invoice={bill}&taken=3575&given=500").text
    assert "1 USD = 7.1500 CNY" in seen
    rows = re.findall(r'class="account">(\d{4})', seen)
    assert rows == ["2205", "1122", "6603"]
    with house.app_context(), reading():
        assert db.session.query(JournalEntry).filter_by(kind="allocation").count() == 0
    assert post(fang, path, invoice=bill, taken="3575", given="500").status_code == 303
    with house.app_context(), reading():
        entry = db.session.query(JournalEntry).filter_by(kind="allocation").one()
        assert [(line.account, line.amount.minor) for line in entry.lines] == [
            ("2205", 357_500), ("1122", -360_000), ("6603", 2_500),
        ]  # fmt: skip
        row, receipt = db.session.query(Invoice).one(), db.session.query(Receipt).one()
        assert converting.left(row) == Money(50_000, "USD")
        assert settling.unused(receipt) == Money(642_500)
        told = db.session.query(AuditEntry).filter_by(verb="invoice.exchanged").one()
        assert (told.detail["taken"], told.detail["given"]) == ("3575.00 CNY", "500.00 USD")
    assert post(fang, path, invoice=bill, taken="6,425.00", given="500.00").status_code == 303
    with house.app_context(), reading():
        assert db.session.query(Invoice).one().state is InvoiceState.PAID
    assert "Nothing of this receipt is unused" in fang.get(path).text


def test_credit_in_dollars_pays_an_invoice_in_yuan(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    with house.app_context(), transaction():
        uid = received(7_150_000, units=1_000_000).uid
        bill = books.bill("test:cny").uid
    path = f"/office/money/receipts/{uid}/conversion"
    assert "10,000.00" in fang.get(path).text
    assert post(fang, path, invoice=bill, taken="2,800.00", given="20,000.00").status_code == 303
    with house.app_context(), reading():
        receipt, row = db.session.query(Receipt).one(), db.session.get_one(Invoice, 2)
        assert (row.uid, row.state) == (bill, InvoiceState.PAID)
        assert settling.unused(receipt) == Money(720_000, "USD")
        assert settling.credit_of(receipt) == Money(5_148_000)
        entry = db.session.query(JournalEntry).filter_by(kind="allocation").one()
        assert [line.units for line in entry.lines if line.currency == "USD"] == [280_000]


TOO_MUCH = [
    ("10,000.01", "500"), ("0", "500"), ("-1", "500"), ("100", "1,000.01"), ("100", "0"), ("x", "5"), ("5", ""),
]  # fmt: skip


def test_more_than_is_left_of_either_is_refused_before_and_at_the_deed(house: Flask) -> None:
    fang = browser(house, "fang@house.example")
    uid, bill = with_credit(house)
    path = f"/office/money/receipts/{uid}/conversion"
    for taken, given in TOO_MUCH:
        seen = fang.get(f"{path}?invoice={bill}&taken={taken}&given={given}")
        assert seen.status_code == 422, (taken, given)
        assert "Convert and pay" not in seen.text
        assert post(fang, path, invoice=bill, taken=taken, given=given).status_code == 422, (taken, given)
    with house.app_context(), reading():
        assert db.session.query(JournalEntry).filter_by(kind="allocation").count() == 0


def test_only_a_person_who_books_money_converts_and_only_the_payers_own(house: Flask) -> None:
    fang, chen = browser(house, "fang@house.example"), browser(house, "chen@galaxy.example")
    with house.app_context():
        with transaction():
            other = issuing.party_of(make_org("Other Ltd"))
            uid = settling.record_receipt(
                Way.BANK, "bank", "O", Money(1_000_000), clock.today(), payer="x", party=other, by="t"
            )[0].uid
        with reading():
            bill = db.session.query(Invoice).one().uid
    path = f"/office/money/receipts/{uid}/conversion"
    assert "no open invoice in another currency" in fang.get(path).text
    assert post(fang, path, invoice=bill, taken="1", given="1").status_code == 422
    assert chen.get(path).status_code == 403
    assert post(chen, path, invoice=bill, taken="1", given="1").status_code == 403
    assert fang.get(f"/office/money/receipts/{'0' * 32}/conversion").status_code == 404
    with house.app_context(), transaction():
        row, invoice = db.session.query(Receipt).one(), db.session.query(Invoice).one()
        with pytest.raises(Refused, match="another payer"):
            converting.part(row, invoice, Money(1), Money(1, "USD"))


def test_money_in_the_same_currency_is_not_converted(house: Flask) -> None:
    with house.app_context(), transaction():
        invoice = books.bill("test:cny")
        with pytest.raises(Refused, match="as it is"):
            converting.part(received(5_000), invoice, Money(1), Money(1))


def test_an_invoice_in_dollars_is_asked_for_and_listed_in_dollars(house: Flask) -> None:
    fang, chen = browser(house, "fang@house.example"), browser(house, "chen@galaxy.example")
    with house.app_context(), reading():
        uid = db.session.query(Invoice).one().uid
    for client, path in ((chen, f"/invoices/{uid}"), (fang, f"/office/money/invoices/{uid}")):
        page = client.get(path).text
        assert "Invoiced in USD: $1,000.00" in page
        assert re.search(r"Still to pay</dt><dd><span class=\"money\">\$1,000.00<", page)
    assert "1000.00" in chen.get(f"/invoices/{uid}").text
    assert "$1,000.00" in fang.get("/office/money/invoices").text


def test_dollars_go_back_in_dollars(house: Flask) -> None:
    fang, feng = browser(house, "fang@house.example"), browser(house, "feng@house.example")
    with house.app_context(), transaction():
        uid = received(715_001, units=100_000).uid
    page = fang.get(f"/office/money/receipts/{uid}").text
    assert "Amount (USD)" in page
    assert 'value="1,000.00"' in page
    asked = {"reason": "too much", "payee": "Galaxy Ltd", "payee_account": "6222"}
    for wrong in ("1,000.01", "7,150.00", "0", "1.001"):
        assert post(fang, f"/office/money/receipts/{uid}/refunds", amount=wrong, **asked).status_code == 422
    for part in ("333.33", "666.67"):
        gone = post(fang, f"/office/money/receipts/{uid}/refunds", amount=part, **asked)
        path = gone.headers["Location"]
        assert f"${part}" in fang.get(path).text
        assert post(feng, f"{path}/approval").status_code == 303
        assert f"${part}" in feng.get("/office/money/transfers").text
        assert post(feng, f"{path}/sending", bank_ref="T-1").status_code == 303
        assert post(feng, f"{path}/outcome", good="yes").status_code == 303
        with house.app_context(), reading():
            assert verify_books()[1] == []
    with house.app_context(), reading():
        rows = db.session.query(JournalLine.account, JournalLine.amount, JournalLine.units).filter_by(
            currency="USD"
        )
        for account in (ledger.BANK, ledger.CREDIT, ledger.REFUNDS):
            mine = [(fen.minor, units or 0) for code, fen, units in rows if code == account]
            assert [sum(column) for column in zip(*mine, strict=True)] == [0, 0]
        assert settling.unused(db.session.query(Receipt).one()) == Money(0, "USD")
        assert sorted(row.came.minor for row in db.session.query(Refund)) == [33_333, 66_667]


def test_a_conversion_taken_back_frees_the_very_units_it_took(house: Flask) -> None:
    with house.app_context():
        with transaction():
            receipt, bill = received(7_150_003, units=1_000_000), books.bill("test:cny")
            taken, given = Money(280_001, "USD"), Money(2_000_000)
            converting.convert(receipt, bill, taken=taken, given=given, by=books.person("fang"))
            assert settling.unused(receipt) == Money(719_999, "USD")
            (one,) = db.session.query(Allocation).all()
            settling.release(one, by=books.person("fang"), reason="wrong invoice", part=Money(700_000))
            settling.release(one, by=books.person("fang"), reason="wrong invoice", part=Money(1_300_000))
        with reading():
            receipt = db.session.query(Receipt).one()
            assert settling.unused(receipt) == Money(1_000_000, "USD")
            assert settling.credit_of(receipt) == Money(7_150_003)


def test_an_invoice_in_dollars_is_not_paid_online(house: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online, "most", lambda: Money(10**9))
    with house.app_context(), reading():
        row = db.session.query(Invoice).one()
        assert online.offer(row) is None
        with pytest.raises(Refused, match="bank transfer"):
            online.begin(row)
