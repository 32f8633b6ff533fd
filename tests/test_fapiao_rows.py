"""The limit of fapiao on rows and under a race, and papers that are no fapiao: receipts for dues and donations."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.billing import crediting, fapiao, issuing, receipt_papers, settling
from portal.billing.catalogue import price_of
from portal.billing.fapiao_models import Fapiao, FapiaoKind, FapiaoState
from portal.billing.issuing import Item
from portal.billing.models import Invoice
from portal.billing.note_models import NoteKind
from portal.billing.price_models import Document
from portal.billing.verify import verify_books
from portal.core import catalogue, clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from tests import books
from tests.people import browser
from tests.test_fapiao import SILVER, ask, firm, invoice, paid
from tests.test_prices import publish
from tests.test_races import run, soon

__all__ = ["firm"]
S = FapiaoState
NONE = Money(0)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "ask", "ask", "withdraw", "reject", "issue", "credit", "red"]),
        st.integers(1, 2_000_000),
    ),
    max_size=9,
)
ASKER = """
import sys, time
from portal.app import create_app
from portal.accounts.people import Person
from portal.billing import fapiao
from portal.billing.fapiao_models import FapiaoKind
from portal.billing.models import Invoice
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.retry import patiently
def ask():
    with transaction():
        row = db.session.query(Invoice).one()
        who = db.session.query(Person).filter(Person.email.startswith("chen@")).one()
        fapiao.request_fapiao(row.party, {row.id: Money(int(sys.argv[1]))}, kind=FapiaoKind.NORMAL, by=who)
with create_app().app_context():
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    try:
        patiently(ask)
        print("asked")
    except Refused:
        print("refused")
"""


@pytest.fixture
def billed(firm: Flask) -> Flask:
    """The company with one invoice over 20,000.00, not paid yet."""
    paid(firm, amount=NONE)
    return firm


def _act(row: Invoice, what: str, n: int, tag: str) -> bool:
    """Do one deed on rows; False if the rules refuse it, and it is to be undone."""
    fang, feng, chen = (books.person(name) for name in ("fang", "feng", "chen"))
    live = fapiao.of_invoice(row)
    one = live[n % len(live)] if live else None
    try:
        if what == "pay":
            settling.put_on(books.online(f"pi_{tag}", Money(n)), row, by="test")
        elif what == "ask":
            fapiao.request_fapiao(row.party, {row.id: Money(n)}, kind=FapiaoKind.NORMAL, by=chen)
        elif what == "credit":
            note = crediting.propose_note(
                row, NoteKind.PRICE_ADJUSTMENT, by=fang, reason="less", nets={row.lines[0].id: Money(n)}
            )
            crediting.issue_note(note, by=feng)
        elif one is not None and what == "withdraw" and one.state is S.REQUESTED:
            fapiao.withdraw(one, by=chen)
        elif one is not None and what == "reject" and one.state is S.REQUESTED:
            fapiao.reject(one, by=fang, reason="no")
        elif one is not None and what == "issue" and one.state is S.REQUESTED:
            fapiao.record_issue(one, fapiao.Issued(f"F-{tag}", clock.today()), by=fang)
        elif one is not None and what == "red" and one.state is S.RED_REQUESTED:
            fapiao.record_red(one, fapiao.Issued(f"R-{tag}", clock.today()), by=fang)
    except Refused:
        assert what in {"ask", "credit", "issue"}
        return False
    return True


@given(ACTS)
@settings(
    max_examples=500 if os.environ.get("PROOFS") else 20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_fapiao_is_at_most_what_is_settled_less_what_is_issued(
    billed: Flask, acts: list[tuple[str, int]]
) -> None:
    """Each example is rolled back. A request is taken just when it fits; what is too much is called back."""
    with billed.app_context():
        db.session.rollback()
        row = db.session.scalars(select(Invoice)).one()
        for number, (what, n) in enumerate(acts):
            left, count = issuing.allocated(row) - fapiao.taken(row), len(fapiao.of_invoice(row))
            savepoint = db.session.begin_nested()
            if _act(row, what, n, str(number)):
                savepoint.commit()
            else:
                savepoint.rollback()
            if what == "ask":
                assert (len(fapiao.of_invoice(row)) == count + 1) == (Money(n) <= left)
            assert fapiao.taken(row, S.REQUESTED, S.ISSUED) <= fapiao.worth(row)
            assert fapiao.limit_of(row) == max(issuing.allocated(row) - fapiao.taken(row), NONE)
        assert verify_books()[1] == []
        db.session.rollback()


@pytest.mark.race
def test_two_requests_at_once_for_the_same_money_make_one(firm: Flask, tmp_path: Path) -> None:
    uid = paid(firm)
    half = str(SILVER.minor // 2 + 1)  # each fits alone, both together do not
    said = run(firm, tmp_path, ASKER, *[(half, soon())] * 2)
    assert sorted(word.strip() for word in said) == ["asked", "refused"]
    with firm.app_context(), reading():
        assert db.session.scalar(select(func.count(Fapiao.id))) == 1
        assert fapiao.taken(invoice(uid)) == Money(int(half))
        assert verify_books()[1] == []


# --- Papers that are no fapiao


def sold_with(app: Flask, document: Document, amount: Money = SILVER) -> str:
    """Sell dues whose price yields this paper, and let money arrive; return the invoice's uid."""
    with app.app_context(), transaction():
        publish("dues.silver", 2_000_000, clock.today(), document=document)
    with app.app_context(), transaction():
        bill = books.bill("test:dues")
        if amount:
            books.transfer("B-dues", amount, str(bill.reference))
        return bill.uid


@pytest.mark.papers
@pytest.mark.parametrize(
    ("document", "said", "title"),
    [
        (Document.DUES_RECEIPT, "会费收据", "Receipt for dues"),
        (Document.DONATION_RECEIPT, "捐赠收据", "Receipt for a donation"),
    ],
)
def test_dues_and_donations_yield_a_receipt_instead(
    firm: Flask, document: Document, said: str, title: str
) -> None:
    uid = sold_with(firm, document)
    with pytest.raises(Refused, match=said):
        ask(firm, uid, Money(1))
    client = browser(firm, "chen@galaxy.example")
    page = client.get(f"/invoices/{uid}").text
    assert "For this invoice you get this receipt instead of a fapiao." in page
    assert "Ask for a fapiao" not in page
    paper = client.get(f"/invoices/{uid}/receipt")
    assert (paper.status_code, paper.mimetype) == (200, "application/pdf")
    assert paper.data == client.get(f"/invoices/{uid}/receipt").data
    with firm.app_context(), reading():
        words = receipt_papers.words_of(invoice(uid), document)
        assert (words["title"]["en"], words["total"]) == (title, "20,000.00")
        assert fapiao.limit_of(invoice(uid)) == NONE


def test_the_receipt_waits_for_the_money_and_is_its_payers_alone(firm: Flask) -> None:
    uid = sold_with(firm, Document.DUES_RECEIPT, NONE)
    client = browser(firm, "chen@galaxy.example")
    assert "once your payment has arrived" in client.get(f"/invoices/{uid}").text
    assert client.get(f"/invoices/{uid}/receipt").status_code == 404
    other = paid(firm, "test:support", NONE)
    with firm.app_context(), reading():
        assert receipt_papers.receipt_of(invoice(other)) is Document.DUES_RECEIPT
    assert browser(firm, "fang@house.example").get(f"/invoices/{uid}/receipt").status_code == 404


def test_the_catalogue_may_let_such_invoices_have_a_fapiao(
    firm: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid, real = sold_with(firm, Document.DUES_RECEIPT), catalogue.policy
    both = ["fapiao", "dues_receipt"]
    monkeypatch.setattr(
        catalogue, "policy", lambda name, **more: both if name == "fapiao.documents" else real(name, **more)
    )
    ask(firm, uid, SILVER)
    assert browser(firm, "chen@galaxy.example").get(f"/invoices/{uid}/receipt").status_code == 404


def test_of_a_mixed_invoice_only_the_rest_yields_a_fapiao(firm: Flask) -> None:
    with firm.app_context(), transaction():
        publish("dues.silver", 2_000_000, clock.today(), document=Document.DUES_RECEIPT)
    with firm.app_context(), transaction():
        items = [Item(price_of("dues.silver")), Item(price_of("exam.arch"))]
        bill = issuing.issue_invoice(
            issuing.place_order(books.party(), "test:mixed", items), language="en", by="test"
        )
        books.transfer("B-mixed", bill.gross, str(bill.reference))
        uid, seats = bill.uid, bill.lines[1].gross
    with firm.app_context(), reading():
        assert fapiao.limit_of(invoice(uid)) == seats
    with pytest.raises(Refused, match="more than was paid"):
        ask(firm, uid, seats + Money(1))
    ask(firm, uid, seats)
