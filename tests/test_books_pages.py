"""The pages of the books: credit notes, months, journal, entries by hand, and who may open them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask

from portal.accounts.may import ContactRole, StaffRole
from portal.billing import issuing
from portal.billing.book_models import ExchangeRate, HandEntry, HandState
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import JournalEntry
from portal.billing.note_models import CreditNote, NoteState
from portal.core import clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from portal.core.periods import nth
from tests import books, sale
from tests.people import browser, make_org, make_person, post

DESK = "/office/money"


@pytest.fixture
def invoice(app: Flask) -> str:
    """An invoice of 24 000.00 for a year that began two months ago, paid in full."""
    books.house(app)
    with app.app_context(), transaction():
        start = nth(clock.today().replace(day=1), 1, -2)
        made = sale.sell(2_400_000, (start, nth(start, 12, 1)))
        books.transfer("B-1", Money(2_400_000), str(made.reference))
        make_person("eva@house.example", "Eva", staff=(StaffRole.AUDITOR,))
        other = make_person("mallory@other.example", "Mallory")
        issuing.party_of(make_org("Other Ltd", (other, ContactRole.OWNER)))
        return made.uid


def test_a_note_is_previewed_proposed_and_issued_by_another(app: Flask, invoice: str) -> None:
    fang, feng, chen = (
        browser(app, f"{who}@{at}.example")
        for who, at in (("fang", "house"), ("feng", "house"), ("chen", "galaxy"))
    )
    new = f"{DESK}/invoices/{invoice}/notes/new"
    with app.app_context(), reading():
        line = db.session.query(Invoice).one().lines[0].id
    assert "12,000.00" in fang.get(f"{new}?kind=price_adjustment&net_{line}=12000").text.replace("CN¥", "")
    assert "At most what is left" in fang.get(f"{new}?kind=price_adjustment&net_{line}=99999999").text
    assert "Please write the amount" in fang.get(f"{new}?kind=price_adjustment&net_{line}=x").text
    assert "last day served" in fang.get(f"{new}?kind=termination").text
    assert fang.get(f"{new}?kind=nonsense").status_code == 200
    looked = post(
        fang,
        f"{DESK}/invoices/{invoice}/notes",
        look="yes",
        kind="price_adjustment",
        **{f"net_{line}": "12000"},
    )
    assert (looked.status_code, "12,000.00" in looked.text.replace("CN¥", "")) == (200, True)
    with app.app_context(), reading():
        assert db.session.query(CreditNote).count() == 0
    told = post(
        fang,
        f"{DESK}/invoices/{invoice}/notes",
        kind="price_adjustment",
        reason="",
        **{f"net_{line}": "12000"},
    )
    assert (told.status_code, "12000" in told.text) == (422, True)
    made = post(
        fang,
        f"{DESK}/invoices/{invoice}/notes",
        kind="price_adjustment",
        reason="Discount agreed late",
        **{f"net_{line}": "12000"},
    )
    assert made.status_code == 303
    page = made.location
    assert post(fang, f"{page}/issue").status_code == 403
    assert "Credit note to issue" in feng.get(f"{DESK}/").text
    assert post(feng, f"{page}/issue").status_code == 303
    assert post(feng, f"{page}/issue").status_code == 404
    with app.app_context():
        while outbox.drain("test"):
            pass
    assert feng.get(f"{page}/pdf").data.startswith(b"%PDF")
    own = chen.get(f"/invoices/{invoice}").text
    link = re.findall(r'href="(/invoices/\w+/credit-notes/\w+/pdf)"', own)[0]
    assert chen.get(link).data.startswith(b"%PDF")
    assert browser(app, "mallory@other.example").get(link).status_code == 404
    assert "CN-" in feng.get(f"{DESK}/notes").text
    assert "CN-" in feng.get(f"{DESK}/notes/file").text
    assert "credit" in feng.get(f"{DESK}/invoices/{invoice}").text


def test_a_declined_note_leaves_the_invoice(app: Flask, invoice: str) -> None:
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    made = post(fang, f"{DESK}/invoices/{invoice}/notes", kind="cancellation", reason="Wrong party")
    assert post(feng, f"{made.location}/refusal").status_code == 303
    with app.app_context(), reading():
        note = db.session.query(CreditNote).one()
        assert (note.state, note.number) == (NoteState.DECLINED, None)
        assert db.session.query(Invoice).one().state is InvoiceState.PAID


def test_a_month_is_checked_proposed_closed_and_opened_by_two(app: Flask, invoice: str) -> None:
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    with app.app_context(), reading():
        month = f"{nth(clock.today().replace(day=1), 1, -2):%Y-%m}"
    path = f"{DESK}/months/{month}"
    assert "good" in fang.get(path).text
    assert post(fang, f"{path}/proposal").status_code == 303
    assert post(fang, f"{path}/close").status_code == 403
    assert post(feng, f"{path}/close").status_code == 303
    assert month in fang.get(f"{DESK}/months").text
    assert post(fang, f"{path}/reopening").status_code == 422
    assert post(fang, f"{path}/reopening", reason="A line is missing").status_code == 303
    assert post(fang, f"{path}/reopening/confirmation").status_code == 403
    assert post(feng, f"{path}/reopening/refusal").status_code == 303
    assert post(fang, f"{path}/reopening", reason="A line is missing").status_code == 303
    assert post(feng, f"{path}/reopening/confirmation").status_code == 303
    assert post(fang, f"{path}/proposal").status_code == 303
    assert post(fang, f"{path}/proposal/refusal").status_code == 303
    with app.app_context(), reading():
        now = f"{clock.today():%Y-%m}"
    assert "not over yet" in fang.get(f"{DESK}/months/{now}").text
    assert post(fang, f"{DESK}/months/{now}/proposal").status_code == 409
    for wrong in ("1999-01", "x", "2026-13", "'"):
        assert fang.get(f"{DESK}/months/{wrong}").status_code == 404


def test_an_entry_by_hand_takes_two_and_spares_what_documents_keep(app: Flask, invoice: str) -> None:
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    new = f"{DESK}/entries-by-hand/new"
    with app.app_context(), reading():
        day = str(clock.today() - timedelta(days=0))
    good = {
        "day": day,
        "reason": "Bank fee of the quarter",
        "account_0": "6602",
        "debit_0": "120.00",
        "account_1": "1002",
        "credit_1": "120",
    }
    for wrong in (
        {**good, "credit_1": "119"}, {**good, "account_1": "1122"}, {**good, "debit_0": "x"}, {**good, "reason": ""},
        {**good, "day": "2999-01-01"}, {"day": day, "reason": "nothing"},
    ):  # fmt: skip
        answer = post(fang, new, **wrong)
        assert answer.status_code == 422, wrong
    made = post(fang, new, **good)
    assert made.status_code == 303
    assert post(fang, f"{made.location}/confirmation").status_code == 403
    assert post(feng, f"{made.location}/confirmation").status_code == 303
    assert post(feng, f"{made.location}/refusal").status_code == 409
    with app.app_context(), reading():
        assert db.session.query(HandEntry).one().state is HandState.POSTED
        assert db.session.query(JournalEntry).filter_by(kind="hand").one().reason == "Bank fee of the quarter"
    assert "Bank fee of the quarter" in fang.get(f"{DESK}/entries-by-hand").text
    assert "6602" in fang.get(f"{DESK}/journal?kind=hand").text


def test_the_journal_leads_to_its_documents_and_takes_any_filter(app: Flask, invoice: str) -> None:
    fang = browser(app, "fang@house.example")
    page = fang.get(f"{DESK}/journal").text
    assert f"/office/money/invoices/{invoice}" in page
    for query in (
        "month=x",
        "month=2026-01",
        "account=1122",
        "account=6001",
        "kind=earned",
        "kind=nope",
        "q=Galaxy",
        "q=%27",
        "page=9",
    ):
        assert fang.get(f"{DESK}/journal?{query}").status_code == 200, query
    assert "2203" in fang.get(f"{DESK}/journal/file").text
    assert "2203" in fang.get(f"{DESK}/books").text


def test_rates_are_written_once_and_never_changed(app: Flask, invoice: str) -> None:
    fang, eva = browser(app, "fang@house.example"), browser(app, "eva@house.example")
    good = {"currency": "usd", "day": "2026-01-31", "value": "7.2034", "source": "PBOC"}
    for wrong in (
        {**good, "value": "0"},
        {**good, "value": "7,2"},
        {**good, "currency": "CNY"},
        {**good, "currency": "1"},
    ):
        assert post(fang, f"{DESK}/rates", **wrong).status_code == 422, wrong
    assert post(fang, f"{DESK}/rates", **good).status_code == 303
    assert "7.2034" in eva.get(f"{DESK}/rates").text
    assert post(eva, f"{DESK}/rates", **good).status_code == 403
    with app.app_context():
        with reading():
            assert db.session.query(ExchangeRate).count() == 1
        with pytest.raises(Exception, match="on record"), transaction():
            db.session.execute(db.text("UPDATE exchange_rate SET value = '8'"))


def test_an_auditor_reads_all_and_changes_nothing(app: Flask, invoice: str) -> None:
    eva = browser(app, "eva@house.example")
    for path in ("books", "journal", "months", "notes", "entries-by-hand", "rates"):
        assert eva.get(f"{DESK}/{path}").status_code == 200, path
    for path in (f"invoices/{invoice}/notes", f"invoices/{invoice}/write-off", f"invoices/{invoice}/recovery",
                 f"invoices/{invoice}/charges", "entries-by-hand/new", "months/2026-01/proposal"):  # fmt: skip
        assert post(eva, f"{DESK}/{path}").status_code == 403, path
    assert browser(app, "chen@galaxy.example").get(f"{DESK}/books").status_code == 403


def test_a_write_off_takes_two_and_small_rests_are_charges(app: Flask) -> None:
    books.house(app)
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    with app.app_context(), transaction():
        day = clock.today() - timedelta(days=40)
        uid = sale.sell(106_000, (day, day + timedelta(days=1))).uid
    path = f"{DESK}/invoices/{uid}"
    assert post(fang, f"{path}/write-off", reason="").status_code == 422
    assert post(fang, f"{path}/write-off", reason="Company is gone").status_code == 303
    assert post(fang, f"{path}/write-off/confirmation").status_code == 403
    assert post(feng, f"{path}/write-off/confirmation").status_code == 303
    assert "Written off" in feng.get(path).text
    assert post(feng, f"{path}/recovery").status_code == 303
    assert post(feng, f"{path}/charges").status_code == 409
    with app.app_context(), transaction():
        books.transfer("B-2", Money(103_000), str(db.session.query(Invoice).one().reference))
    assert "bank charges" in feng.get(path).text
    assert post(feng, f"{path}/charges").status_code == 303
    with app.app_context(), reading():
        assert db.session.query(Invoice).one().state is InvoiceState.PAID
