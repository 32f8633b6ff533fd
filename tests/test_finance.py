"""The finance desk and the payer's side through the pages: two pairs of eyes, credit, refunds, voids, details."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.accounts.may import ContactRole, StaffRole
from portal.billing import refunds
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import EntryState, Receipt, ReceiptEntry, Refund, RefundState
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import outbox
from portal.core.db import db, reading, transaction
from portal.core.mail import MailMessage
from portal.core.money import Money
from tests import books
from tests.people import browser, make_org, make_person, post

DESK = "/office/money"


def receipt_uid(app: Flask) -> str:
    with app.app_context(), reading():
        return db.session.scalars(select(Receipt.uid).order_by(Receipt.id.desc())).first() or ""


def test_unknown_money_finds_its_invoice_by_hand(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        invoice = books.bill()
        books.bill("test:2", "dues.gold")
        books.transfer("B-1", Money(2_000_000), "no reference", payer="Ｇａｌａｘｙ ltd")
        uid, number = invoice.uid, str(invoice.number)
    fang = browser(app, "fang@house.example")
    page = fang.get(f"{DESK}/").text
    assert "Unidentified money" in page
    receipt = receipt_uid(app)
    shown = fang.get(f"{DESK}/receipts/{receipt}").text
    assert "same sum and payer" in shown or "same sum" in shown
    assert "INV-2026-000002" not in shown
    assert number in fang.get(f"{DESK}/receipts/{receipt}?q=20,000").text
    assert "No open invoice matches" in fang.get(f"{DESK}/receipts/{receipt}?q=nobody%25_").text
    assert post(fang, f"{DESK}/receipts/{receipt}/allocations", invoice="nothing").status_code == 404
    assert post(fang, f"{DESK}/receipts/{receipt}/allocations", invoice=uid).status_code == 303
    assert post(fang, f"{DESK}/receipts/{receipt}/allocations", invoice=uid).status_code == 409
    with app.app_context(), reading():
        assert db.session.scalars(select(Invoice).where(Invoice.uid == uid)).one().state is InvoiceState.PAID
        assert verify_books()[1] == []
        allocation = db.session.execute(text("SELECT id FROM allocation")).scalar_one()
    path = f"{DESK}/receipts/{receipt}/allocations/{allocation}/release"
    assert post(fang, path).status_code == 422
    assert post(fang, path, reason="wrong company").status_code == 303
    assert post(fang, path, reason="again").status_code == 409
    with app.app_context(), transaction():
        make_person("ana@house.example", "Ana", staff=(StaffRole.AUDITOR,))
    auditor = browser(app, "ana@house.example")
    assert auditor.get(f"{DESK}/receipts/{receipt}").status_code == 200
    assert post(auditor, f"{DESK}/receipts/{receipt}/allocations", invoice=uid).status_code == 403


def test_a_payer_uses_credit_on_the_next_invoice(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        first = books.bill()
        books.transfer("B-1", Money(2_500_000), str(first.reference))
        second = books.bill("test:2")
        uid = second.uid
        make_org("Other", (make_person("eve@other.example", "Eve"), ContactRole.OWNER))
    chen, eve = browser(app, "chen@galaxy.example"), browser(app, "eve@other.example")
    assert "Your credit: CN¥5,000.00" in chen.get(f"/invoices/{uid}").text
    assert post(eve, f"/invoices/{uid}/credit").status_code == 404
    assert post(chen, f"/invoices/{uid}/credit").status_code == 303
    page = chen.get(f"/invoices/{uid}").text
    assert "CN¥15,000.00 is still to be paid" in page
    assert "CN¥5,000.00 has arrived" in page
    assert post(chen, f"/invoices/{uid}/credit").status_code == 409
    with app.app_context(), reading():
        assert verify_books()[1] == []


def test_a_refund_by_bank_takes_two_pairs_of_eyes(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        invoice = books.bill()
        books.transfer("B-1", Money(2_300_000), str(invoice.reference))
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    receipt = f"{DESK}/receipts/{receipt_uid(app)}"
    ask = {
        "amount": "3,000.00",
        "reason": "paid too much",
        "payee": "Galaxy Ltd",
        "payee_account": "6222 0001",
    }
    assert post(fang, f"{receipt}/refunds", **{**ask, "amount": "3,000.01"}).status_code == 422
    kept = post(fang, f"{receipt}/refunds", **{**ask, "payee_account": ""})
    assert kept.status_code == 422
    assert "paid too much" in kept.text
    path = post(fang, f"{receipt}/refunds", **ask).location
    assert post(fang, f"{path}/approval").status_code == 403
    assert post(feng, f"{path}/sending", bank_ref="T-1").status_code == 409
    assert post(feng, f"{path}/approval").status_code == 303
    assert post(feng, f"{path}/approval").status_code == 409
    assert "6222 0001" in feng.get(f"{DESK}/transfers").text
    assert post(fang, f"{path}/sending", bank_ref="T-1").status_code == 403
    assert post(feng, f"{path}/sending").status_code == 422
    assert post(feng, f"{path}/sending", bank_ref="T-1").status_code == 303
    assert post(fang, f"{path}/outcome", good="yes").status_code == 403
    assert post(feng, f"{path}/outcome").status_code == 422
    assert post(feng, f"{path}/outcome", reason="account closed").status_code == 303
    with app.app_context(), reading():
        failed = db.session.scalars(select(Refund)).one()
        assert (failed.state, failed.failure) == (RefundState.FAILED, "account closed")
        assert credit_of(failed.receipt) == Money(300_000)
        assert verify_books()[1] == []
    assert "Refund failed" in feng.get(f"{DESK}/").text
    again = post(feng, f"{receipt}/refunds", **ask).location
    post(fang, f"{again}/approval")
    post(fang, f"{again}/sending", bank_ref="T-2")
    assert post(fang, f"{again}/outcome", good="yes").status_code == 303
    with app.app_context(), reading():
        assert verify_books()[1] == []
        assert [row.title for row in db.session.query(MailMessage).filter_by(address="chen@galaxy.example")][
            -1:
        ] == ["Refund of CN¥3,000.00"]
    assert "Refund failed" not in feng.get(f"{DESK}/").text


def test_a_refund_through_the_test_gateway_settles_itself(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        invoice_uid = books.bill().uid
    chen = browser(app, "chen@galaxy.example")
    path = post(chen, f"/invoices/{invoice_uid}/payment").location.removeprefix("http://127.0.0.1:8000")
    with app.app_context(), transaction():
        books.transfer("B-1", Money(2_000_000), str(db.session.query(Invoice).one().reference))
    post(chen, f"{path}/pay")
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    with app.app_context():
        outbox.drain()
    assert "Paid twice" in fang.get(f"{DESK}/").text
    receipt = f"{DESK}/receipts/{receipt_uid(app)}"
    unlucky = post(fang, f"{receipt}/refunds", amount="100.13", reason="paid twice").location
    lucky = post(fang, f"{receipt}/refunds", amount="19,899.87", reason="paid twice").location
    for one in (unlucky, lucky):
        assert post(feng, f"{one}/approval").status_code == 303
    with app.app_context():
        outbox.drain()
        with reading():
            states = [row.state for row in db.session.query(Refund).order_by(Refund.id)]
            assert states == [RefundState.FAILED, RefundState.SUCCEEDED]
            assert verify_books()[1] == []
    assert post(feng, f"{lucky}/outcome", good="yes").status_code == 409


def test_an_invoice_is_voided_by_two_and_never_with_money_on_it(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        first, second = books.bill(), books.bill("test:2")
        books.transfer("B-1", Money(100), str(second.reference))
        paths = [f"{DESK}/invoices/{row.uid}" for row in (first, second)]
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    assert post(fang, f"{paths[0]}/voiding").status_code == 422
    assert post(fang, f"{paths[1]}/voiding", reason="wrong").status_code == 409
    assert "Money is booked on this invoice" in fang.get(paths[1]).text
    assert post(feng, f"{paths[0]}/voiding/confirmation").status_code == 404
    assert post(fang, f"{paths[0]}/voiding", reason="wrong tier").status_code == 303
    assert post(feng, f"{paths[0]}/voiding", reason="wrong tier").status_code == 409
    assert post(fang, f"{paths[0]}/voiding/confirmation").status_code == 403
    assert "wrong tier" in feng.get(paths[0]).text
    assert post(feng, f"{paths[0]}/voiding/refusal").status_code == 303
    assert post(feng, f"{paths[0]}/voiding", reason="wrong after all").status_code == 303
    assert post(fang, f"{paths[0]}/voiding/confirmation").status_code == 303
    with app.app_context(), reading():
        assert [row.state for row in db.session.query(Invoice).order_by(Invoice.id)] == [
            InvoiceState.VOID, InvoiceState.OPEN,
        ]  # fmt: skip
        assert verify_books()[1] == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE refund SET second_id = by_id",
        "UPDATE refund SET sent_by_id = by_id",
        "INSERT INTO voiding (invoice_id, reason, by_id, second_id, state, created_at) "
        "VALUES (1, 'x', 1, 1, 'confirmed', '2026-01-01 00:00:00+00:00')",
        "INSERT INTO voiding (invoice_id, reason, by_id, state, created_at) "
        "VALUES (1, 'x', 1, 'confirmed', '2026-01-01 00:00:00+00:00')",
    ],
)
def test_the_database_wants_two_pairs_of_eyes_too(app: Flask, statement: str) -> None:
    books.house(app)
    with app.app_context():
        with transaction():
            books.bill()
            receipt = books.online("pi_1", Money(100))
            refunds.request_refund(receipt, Money(100), by=books.person("fang"), reason="x")
        with pytest.raises(Exception, match=r"(?i)check"), transaction():
            db.session.execute(text(statement))


def test_a_declined_entry_needs_a_reason_of_ones_own(app: Flask) -> None:
    books.house(app)
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    post(
        fang, f"{DESK}/receipts/new", bank_ref="B-7", amount="5", received_on="2026-01-05", payer="x", text=""
    )
    uid = re.findall(r"entries/([0-9a-f]{32})/refusal", feng.get(f"{DESK}/").text)[0]
    assert post(feng, f"{DESK}/receipts/entries/{uid}/refusal").status_code == 422
    assert (
        post(feng, f"{DESK}/receipts/entries/{uid}/refusal", reason="not on the statement").status_code == 303
    )
    with app.app_context(), reading():
        row = db.session.query(ReceiptEntry).one()
        assert (row.state, row.reason) == (EntryState.DECLINED, "not on the statement")
    assert "not on the statement" in feng.get(f"{DESK}/entries").text


def test_details_are_checked_kept_and_leave_issued_invoices_alone(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        uid = books.bill().uid
    chen = browser(app, "chen@galaxy.example")
    good = {
        "title": "Galaxy Chips Ltd", "tax_number": "９１１１００００６０００３７３４１Ｌ", "address": "1 Example Road",
        "telephone": "010 1234", "bank": "Example Bank", "bank_account": "6222",
    }  # fmt: skip
    wrong = post(chen, "/billing-details", **{**good, "tax_number": "91110000600037342M"})
    assert wrong.status_code == 422
    assert "Galaxy Chips Ltd" in wrong.text
    assert post(chen, "/billing-details", **{**good, "title": ""}).status_code == 422
    assert post(chen, "/billing-details", **good).status_code == 303
    assert "91110000600037341L" in chen.get("/billing-details").text
    assert "Galaxy Chips Ltd" not in chen.get(f"/invoices/{uid}").text
    with app.app_context():
        with transaction():
            assert books.bill("test:2").buyer["title"] == "Galaxy Chips Ltd"
        with pytest.raises(Exception, match="on record"), transaction():
            db.session.execute(text("UPDATE invoice SET buyer = '{}'"))


def test_the_lists_answer_every_filter(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        books.transfer("B-1", Money(100), "x")
    fang = browser(app, "fang@house.example")
    for path in (
        "receipts?show=unidentified", "receipts?show=credit", "receipts?show=twice", "receipts?q=1.00&sort=sum",
        "receipts?q=%27%3B--&sort=nothing&page=9", "refunds?state=open", "refunds?state=failed", "refunds?state=zzz",
        "transfers", "entries", "receipts/file?show=twice", "receipts/file?q=1.00", "journal/file?account=1002&q=x",
    ):  # fmt: skip
        assert fang.get(f"{DESK}/{path}").status_code == 200, path
    for path in ("receipts/none", "refunds/none", "alerts/none", "invoices/none"):
        assert fang.get(f"{DESK}/{path}").status_code == 404, path
    assert "Galaxy Ltd" in fang.get(f"{DESK}/receipts?q=1.00").text
    assert "No receipt matches" in fang.get(f"{DESK}/receipts?q=2.00").text
