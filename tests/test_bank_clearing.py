"""Clearing lines: each step of the ladder, by hand, split, credit, outside, refunds, undone; on the page and in races."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.may import ContactRole, StaffRole
from portal.billing import bank_chasing, bank_clearing, bank_queries, bank_refunds, issuing, ledger, refunds
from portal.billing.bank_models import BankLine, LineState, OutsideMove, OutsideReason, PayerAccount
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import EntryState, Receipt, ReceiptEntry, Refund, RefundState
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from tests import books
from tests.nursery import Racer
from tests.people import browser, make_org, make_person, post
from tests.statements import Told, bring, camt, csv_two
from tests.test_processes import environment

DAY = date(2026, 9, 1)
BANK = "/office/money/bank"
SILVER = 2_000_000


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let refusals outside a request be English, as the tests read them."""
    monkeypatch.setattr("portal.core.i18n.DEFAULT", "en")


def clean() -> None:
    with reading():
        assert verify_books()[1] == []
        assert bank_queries.proof().holds


def lines() -> list[BankLine]:
    return list(db.session.scalars(select(BankLine).order_by(BankLine.id)))


def bill(name: str, subject: str, product: str = "dues.silver") -> Invoice:
    """Issue an invoice to a company of its own; call inside a transaction."""
    org = make_org(name, (make_person(f"{subject}@x.example".replace(":", ""), "Owner"), ContactRole.OWNER))
    order = issuing.place_order(issuing.party_of(org), subject, [Item(price_of(product))])
    return issuing.issue_invoice(order, language="en", by="test")


def test_each_step_of_the_ladder(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with transaction():
            refs = [str(books.bill(f"t:{n}").reference) for n in range(3)]
            bill("蓝鲸科技有限公司", "t:9", "dues.gold")
            bill("Alone Ltd", "t:10", "dues.startup")
        told = [
            Told(2 * SILVER, DAY, text=f"f0－{refs[0][2:]} 会费 {refs[1]}"),
            Told(500, DAY, text=f"part {refs[2]}"),
            Told(16_000_000, DAY, payer="蓝鲸科技　有限公司", account="777"),
            Told(500_000, DAY, payer="somebody"),
            Told(123, DAY, payer="nobody"),
            Told(1000, DAY, text=f"again {refs[0]}"),
        ]
        done = bring(camt(told, 0))
        assert dict(done.steps) == {1: 1, 2: 2, 3: 1, 4: 1, 5: 1}
        with reading():
            rows = lines()
            assert [one.state.value for one in rows] == [
                "matched",
                "suggested",
                "suggested",
                "new",
                "new",
                "suggested",
            ]
            assert [one.step for one in rows] == [1, 2, 3, 4, 5, 2]
            states = db.session.scalars(select(Invoice.state).order_by(Invoice.id)).all()
            assert states[:3] == [InvoiceState.PAID, InvoiceState.PAID, InvoiceState.OPEN]
            shown = bank_queries.offers(rows[3], bank_queries.verdict_of(rows[3]))
            assert [(one.owed.minor, one.chosen) for one in shown] == [(500_000, False)]
            late = bank_queries.offers(rows[5], bank_queries.verdict_of(rows[5]))
            assert late[0].owed == Money(0)
        clean()


def test_a_match_by_hand_teaches_and_undo_forgets(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with transaction():
            first, second = books.bill("t:1"), books.bill("t:2", "dues.gold")
            ids = [first.id, second.id]
        bring(camt([Told(SILVER, DAY, payer="Treasury of Galaxy", account="6222 88")], 0))
        for _round in range(2):  # undone, it can be done again
            with transaction():
                bank_clearing.match(
                    lines()[0], [db.session.get_one(Invoice, ids[0])], by=books.person("fang")
                )
            with reading():
                assert db.session.scalars(select(PayerAccount.account)).all() == ["622288"]
                assert db.session.get_one(Invoice, ids[0]).state is InvoiceState.PAID
                assert lines()[0].receipt is not None
            clean()
            with transaction():
                bank_clearing.undo(lines()[0], by=books.person("feng"))
            with reading():
                assert db.session.scalars(select(PayerAccount.account)).all() == []
                assert db.session.get_one(Invoice, ids[0]).state is InvoiceState.OPEN
                assert lines()[0].state is LineState.NEW
                assert db.session.scalars(select(Receipt.party_id)).one() is None
            clean()
        with transaction():
            bank_clearing.match(lines()[0], [db.session.get_one(Invoice, ids[0])], by=books.person("fang"))
        bring(
            camt([Told(16_000_000, DAY + timedelta(days=1), payer="another name", account="622288")], SILVER)
        )
        with reading():
            assert lines()[1].step == 3
            assert lines()[1].state is LineState.SUGGESTED


def test_one_line_pays_several_invoices_and_the_rest_is_credit(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with transaction():
            ids = [books.bill(f"t:{n}").id for n in range(2)]
            other = bill("Other", "t:7").id
        bring(camt([Told(2 * SILVER + 5, DAY)], 0))
        with transaction():
            row, by = lines()[0], books.person("fang")
            with pytest.raises(Refused, match="different payers"):
                bank_clearing.match(row, [db.session.get_one(Invoice, one) for one in (*ids, other)], by=by)
        with transaction():
            put = bank_clearing.match(lines()[0], [db.session.get_one(Invoice, one) for one in ids], by=by)
            assert put.minor == 2 * SILVER
        with reading():
            receipt = lines()[0].receipt
            assert receipt is not None
            assert credit_of(receipt) == Money(5)
        clean()
        with transaction(), pytest.raises(Refused, match="cleared already"):
            bank_clearing.match(lines()[0], [db.session.get_one(Invoice, ids[0])], by=by)


def test_a_refunded_line_cannot_be_undone(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        bring(camt([Told(1000, DAY)], 0))
        with transaction():
            bank_clearing.keep(lines()[0], books.party(), by=books.person("fang"))
        with transaction():
            receipt = lines()[0].receipt
            assert receipt is not None
            refunds.request_refund(
                receipt, Money(400), by=books.person("fang"), reason="x", payee=refunds.Payee("G", "B", "1")
            )
        with pytest.raises(Refused, match="refunded"), transaction():
            bank_clearing.undo(lines()[0], by=books.person("feng"))
        with reading():
            assert lines()[0].state is LineState.MATCHED
        clean()


def outside(row: BankLine, reason: OutsideReason = OutsideReason.INTEREST, payout: str = "") -> OutsideMove:
    return OutsideMove(line=row, amount=row.amount, reason=reason, note="", by_name="t", payout=payout)


def test_outside_in_and_out_and_back(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        bring(camt([Told(700, DAY, payer="Bank"), Told(-1800, DAY, payer="Landlord")], 0))
        for row in range(2):
            with transaction():
                bank_clearing.set_outside(lines()[row], outside(lines()[row]), by=books.person("fang"))
        with reading():
            assert ledger.balance(ledger.OUTSIDE).minor == 1100
            assert ledger.balance(ledger.UNIDENTIFIED) == Money(0)
            assert bank_queries.last_reason(lines()[0]) is OutsideReason.INTEREST
        clean()
        for row in range(2):
            with transaction():
                bank_clearing.undo(lines()[row], by=books.person("fang"))
        with reading():
            assert ledger.balance(ledger.OUTSIDE) == Money(0)
        clean()
        with transaction():
            bank_clearing.keep(lines()[0], books.party(), by=books.person("fang"))
        with pytest.raises(Refused, match="cleared already"), transaction():
            bank_clearing.set_outside(lines()[0], outside(lines()[0]), by=books.person("fang"))


def test_a_payout_booked_by_the_provider_is_in_the_bank_once(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with transaction():
            sides = [ledger.Line(ledger.BANK, Money(900)), ledger.Line(ledger.STRIPE, Money(-900))]
            ledger.post("payout", "payout:1", sides, on=DAY)
        bring(camt([Told(900, DAY + timedelta(days=2)), Told(900, DAY + timedelta(days=2))], 0))
        with transaction():
            row = lines()[0]
            found = bank_refunds.payout_of(row)
            assert found == "payout:1"
            bank_clearing.set_outside(row, outside(row, OutsideReason.PAYOUT, found), by=books.person("fang"))
        with reading():
            assert bank_refunds.payout_of(lines()[1]) == ""
            assert ledger.balance(ledger.BANK) == Money(1800)
            assert bank_queries.proof().unseen == Money(0)
        clean()


def _refund(amount: int, ref: str) -> int:
    """Bring a refund by transfer on its way; returns its id."""
    with transaction():
        receipt = books.transfer(f"B-{ref}", Money(amount), "")
        row = refunds.request_refund(
            receipt, Money(amount), by=books.person("fang"), reason="x", payee=refunds.Payee("G", "B", "1")
        )
        refunds.approve_refund(row, by=books.person("feng"))
        refunds.hand_over(row, by=books.person("feng"), bank_ref=ref)
        return row.id


def test_money_out_ends_the_refund_it_names(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        named, quiet, ended = _refund(500, "OUT-4711"), _refund(600, "OUT-4712"), _refund(700, "OUT-4713")
        with transaction():
            refunds.finish_transfer(db.session.get_one(Refund, ended), by=books.person("feng"), good=True)
        told = [
            Told(-500, DAY, text="refund out4711"),
            Told(-600, DAY, text="refund"),
            Told(-700, DAY, ref="OUT-4713"),
        ]
        bring(camt(told, 0))
        with reading():
            assert [one.state for one in lines()] == [LineState.MATCHED, LineState.NEW, LineState.MATCHED]
            assert db.session.get_one(Refund, named).state is RefundState.SUCCEEDED
        clean()
        with pytest.raises(Refused, match="proof"), transaction():
            bank_clearing.undo(lines()[0], by=books.person("feng"))
        with transaction():
            bank_clearing.undo(lines()[2], by=books.person("feng"))
        clean()
        with pytest.raises(Refused, match="yourself"), transaction():
            bank_refunds.match_refund(lines()[1], db.session.get_one(Refund, quiet), by=books.person("fang"))
        with transaction():
            bank_refunds.match_refund(lines()[1], db.session.get_one(Refund, quiet), by=books.person("feng"))
        clean()


def test_what_was_written_down_by_hand_is_not_booked_twice(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with transaction():
            invoice = books.bill()
            books.transfer("REF-1", Money(SILVER), str(invoice.reference))
            from portal.billing import settling

            settling.propose_receipt(
                bank_ref="REF-2",
                amount=Money(5),
                received_on=clock.today(),
                payer="x",
                text="",
                by=books.person("fang"),
            )
        with reading():
            assert bank_queries.proof().unseen == Money(SILVER)
        bring(camt([Told(SILVER, DAY, ref="REF-1"), Told(5, DAY, ref="REF-2")], 0))
        with reading():
            assert db.session.scalar(select(func.count()).select_from(Receipt)) == 2
            assert [one.state for one in lines()] == [LineState.MATCHED, LineState.NEW]
            entries = {one.bank_ref: one.state for one in db.session.scalars(select(ReceiptEntry))}
            assert entries == {"REF-1": EntryState.CONFIRMED, "REF-2": EntryState.DECLINED}
            assert bank_queries.proof().unseen == Money(0)
        clean()


def test_finance_is_asked_after_two_days(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with clock.stopped_at(clock.today() - timedelta(days=1)):
            bring(camt([Told(700, DAY, payer="Unknown")], 0))
        assert bank_chasing.chase() == 0
        with clock.stopped_at(clock.today() + timedelta(days=2)):
            assert bank_chasing.chase() == 1
            assert bank_chasing.chase() == 1
            assert (
                "Unidentified money: Unknown" in browser(app, "fang@house.example").get("/office/money/").text
            )
        with reading():
            assert db.session.scalar(select(func.count()).select_from(MailMessage)) == 2  # one each


def test_the_page_clears_lines_one_after_the_other(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with transaction():
            number = str(books.bill("t:1").number)
            books.bill("t:2")
        bring(
            camt(
                [
                    Told(SILVER, DAY, payer="<b>Someone</b>"),
                    Told(700, DAY, payer="=cmd|calc"),
                    Told(800, DAY),
                    Told(-9, DAY),
                ],
                0,
            )
        )
        with reading():
            first, second, third, out = (one.uid for one in lines())
            invoice = db.session.scalars(select(Invoice.uid).order_by(Invoice.id)).first()
            party = books.party().uid
    fang = browser(app, "fang@house.example")
    page = fang.get(BANK).text
    assert "0 of 4 cleared" in page
    assert "&lt;b&gt;Someone" in page
    assert "<b>Someone" not in page
    assert number in fang.get(f"{BANK}?line={first}&q=galaxy").text
    assert "'=cmd|calc" in fang.get(f"{BANK}/lines/file").get_data(as_text=True)
    went = post(fang, f"{BANK}/lines/{first}/match", invoice=invoice, at_next=second)
    assert f"line={second}" in went.location
    assert f"done={first}" in went.location
    assert "1 of 4 cleared" in fang.get(went.location).text
    assert post(fang, f"{BANK}/lines/{first}/match", invoice=invoice).status_code == 303
    assert "cleared already" in fang.get(f"{BANK}?line={first}").text
    post(fang, f"{BANK}/lines/{second}/outside", reason="other")
    assert "Please say what it is" in fang.get(f"{BANK}?line={second}").text
    post(fang, f"{BANK}/lines/{second}/outside", reason="payout")
    assert "No payout of this sum" in fang.get(f"{BANK}?line={second}").text
    post(fang, f"{BANK}/lines/{second}/outside", reason="other", note="a joke")
    assert "a joke" in fang.get(f"{BANK}?line={second}&show=all").text
    post(fang, f"{BANK}/lines/{third}/keep", party=party)
    post(fang, f"{BANK}/lines/{out}/outside", reason="charges")
    assert "Nothing to clear" in fang.get(BANK).text
    post(fang, f"{BANK}/lines/{third}/undo")
    assert "3 of 4 cleared" in fang.get(BANK).text
    for path in ("match", "refund", "keep"):
        assert post(fang, f"{BANK}/lines/{'0' * 32}/{path}", party=party).status_code == 404
    assert post(fang, f"{BANK}/lines/{third}/match", invoice="nothing").status_code == 404
    assert fang.get(f"{BANK}?line={'0' * 32}").status_code == 404
    with app.app_context():
        clean()


def test_only_finance_clears_and_only_who_reads_money_sees(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        bring(camt([Told(700, DAY)], 0))
        with transaction():
            make_person("ana@house.example", "Ana", staff=(StaffRole.AUDITOR,))
            make_person("rui@house.example", "Rui", staff=(StaffRole.REVIEWER,))
        with reading():
            uid = lines()[0].uid
    ana, rui, chen = (
        browser(app, f"{one}") for one in ("ana@house.example", "rui@house.example", "chen@galaxy.example")
    )
    page = ana.get(BANK).text
    assert "Set outside" not in page
    assert ana.get(f"{BANK}/import").status_code == 200
    for path in (f"lines/{uid}/outside", f"lines/{uid}/undo", f"lines/{uid}/match", "import"):
        assert post(ana, f"{BANK}/{path}", reason="rent").status_code == 403
        assert post(rui, f"{BANK}/{path}", reason="rent").status_code == 403
    assert rui.get(BANK).status_code == 403
    assert chen.get(BANK).status_code in (403, 404)


def test_files_are_uploaded_and_refused_in_words(app: Flask) -> None:
    books.house(app)
    fang = browser(app, "fang@house.example")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', fang.get(f"{BANK}/import").text)
    assert token is not None

    def send(data: bytes | None, name: str = "../../a\u202e.csv", **more: str) -> tuple[int, str]:
        import io

        fields = {"csrf_token": token.group(1), "account": "basic", **more}
        if data is not None:
            fields["file"] = (io.BytesIO(data), name)
        answer = fang.post(f"{BANK}/import", data=fields, content_type="multipart/form-data")
        return answer.status_code, answer.text

    assert send(None)[0] == 422
    assert send(b"x" * (8 * 1024 * 1024 + 1))[0] == 422
    status, page = send(b"<!DOCTYPE x [<!ENTITY y 'z'>]><x>&y;</x>", closing="1,234.00")
    assert status == 422
    assert "declares a document type" in page
    assert "1,234.00" in page
    assert send(b"a", closing="abc")[0] == 422
    assert send(csv_two([Told(700, DAY)], None))[0] == 422
    assert send(csv_two([Told(700, DAY)], None), closing="7.00")[0] == 303
    assert "a .csv" in fang.get(f"{BANK}/import").text
    assert send(b"a", account="nothing")[0] == 422
    with app.app_context(), reading():
        uid = lines()[0].file.uid
    assert fang.get(f"{BANK}/files/{uid}").headers["Content-Disposition"].startswith("attachment")
    assert fang.get(f"{BANK}/files/{'0' * 32}").status_code == 404


RACER = """
import sys
from portal.app import create_app
from portal.billing import bank_import
from portal.core import files
from portal.core.db import let_go, transaction
from portal.core.retry import patiently
data = open(sys.argv[1], "rb").read()
def take():
    found = bank_import.read(data, "basic")
    let_go()
    content = files.put(data, "x")
    with transaction():
        return bank_import.take(found, content, name="x", account="basic", by="race").fresh
with create_app().app_context():
    print(patiently(take))
"""


@pytest.mark.race
def test_overlapping_files_taken_at_the_same_time_add_each_line_once(app: Flask, tmp_path: Path) -> None:
    books.house(app)
    with app.app_context(), transaction():
        ref = str(books.bill().reference)
    week = [
        Told(SILVER if n == 2 else 100 + n, DAY + timedelta(days=n), text=ref if n == 2 else "")
        for n in range(6)
    ]
    parts = [camt(week[: n + 3], 0) for n in range(4)]
    racers = []
    for n, data in enumerate(parts):
        file = tmp_path / f"{n}.xml"
        file.write_bytes(data)
        racers.append(Racer(tmp_path, environment(app, tmp_path), RACER, str(file)))
    assert [racer.wait() for racer in racers] == [0] * 4, [racer.wrong[-500:] for racer in racers]
    assert sum(int(racer.said.split()[-1]) for racer in racers) == 6
    with app.app_context():
        with reading():
            assert len(lines()) == 6
            assert db.session.scalars(select(Invoice.state)).one() is InvoiceState.PAID
        clean()
