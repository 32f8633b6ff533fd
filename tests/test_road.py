"""The road in, from the draft to the wall, through the pages and with two eyes."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.billing.models import InvoiceState
from portal.billing.verify import verify_books
from portal.core import audit
from portal.core.db import db, reading, transaction
from portal.core.mail import MailMessage
from portal.core.money import Money
from portal.members.belonging import Agreement, AgreementState, Grant, Term
from portal.members.models import ApplicationState
from portal.members.standing import Standing
from tests import road
from tests.people import browser, last_mail, post


def test_a_chip_vendor_becomes_platinum_by_bank_transfer(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    assert last_mail(app, "chen@galaxy-chips.example").title.startswith("We have your application")
    road.review(house, uid)
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    invoice = road.invoice_of(app, uid)
    assert (invoice.number, invoice.gross, invoice.state) == (
        "INV-2026-000001",
        Money(40_000_000),
        InvoiceState.OPEN,
    )
    road.sign(app, house, client, uid)
    with app.app_context(), reading():
        assert road.application(uid).state is ApplicationState.APPROVED
        assert road.membership().standing is Standing.PENDING
    road.pay(app, house, "399,999.00", f"会费 {invoice.reference}")
    with app.app_context(), reading():
        assert road.application(uid).state is ApplicationState.APPROVED
    road.pay(app, house, "1.00", f"rest {invoice.reference}", ref="B-2")
    road.work(app)
    with app.app_context(), reading():
        assert road.application(uid).state is ApplicationState.COMPLETED
        member = road.membership()
        assert (member.standing, member.tier) == (Standing.ACTIVE, "platinum")
        assert member.certificate is not None
        term = db.session.scalars(select(Term)).one()
        assert (term.charged, term.end) == (Money(40_000_000), term.start.replace(year=term.start.year + 1))
        grants = {row.benefit: row.quantity for row in db.session.scalars(select(Grant))}
        assert grants["adaptation_test"] == 6
        agreement = db.session.scalars(select(Agreement)).one()
        assert agreement.state is AgreementState.EXECUTED
        assert agreement.final is not None
        assert verify_books() == (5, [])
        assert audit.verify()[1] == []
        titles = [
            row.title
            for row in db.session.scalars(
                select(MailMessage).where(MailMessage.address == "chen@galaxy-chips.example")
            )
        ]
    assert len(titles) == len(set(titles)) == 6
    assert "Galaxy Chips" in client.get("/members", headers={"Accept-Language": "en"}).text
    assert "Done: you are a member." in client.get(f"/applications/{uid}").text
    assert client.get("/membership/certificate").data.startswith(b"%PDF")
    assert client.get("/home").status_code == 200


def test_a_founding_member_pays_nothing_and_the_waiver_shows(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    road.review(house, uid)
    assert post(house["dai"], road.case(uid, "approval"), founding="y").status_code == 409
    assert post(house["rong"], road.case(uid, "waiver"), reason="invited first").status_code == 403
    assert post(house["rui"], road.case(uid, "waiver")).status_code == 422
    assert post(house["rui"], road.case(uid, "waiver"), reason="One of the first invited.").status_code == 303
    assert "One of the first invited." in house["dai"].get(f"/office/applications/{uid}").text
    assert post(house["dai"], road.case(uid, "approval"), founding="y").status_code == 303
    invoice = road.invoice_of(app, uid)
    assert (invoice.gross, invoice.state) == (Money(0), InvoiceState.PAID)
    road.sign(app, house, client, uid)
    with app.app_context(), reading():
        assert road.application(uid).state is ApplicationState.COMPLETED
        assert (road.membership().standing, road.membership().founding) == (Standing.ACTIVE, True)
        assert verify_books() == (0, [])
    page = client.get(f"/invoices/{invoice.uid}").text
    assert "Founding member: first year waived" in page


def test_returned_answered_rejected_appealed(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    post(house["rui"], road.case(uid, "ownership"))
    asked = post(
        house["rui"], road.case(uid, "questions"), **{"ask-why": "Which models?", "ask-nonsense": "x"}
    )
    assert asked.status_code == 303
    assert "Which models?" in client.get(f"/applications/{uid}").text
    locked = post(client, f"/applications/{uid}/form/membership", tier="silver", why="All open models.")
    assert locked.status_code == 303
    with app.app_context(), reading():
        assert road.application(uid).answers["tier"] == "platinum"
    assert post(client, f"/applications/{uid}/submission").status_code == 303
    page = house["rui"].get(f"/office/applications/{uid}").text
    assert "We want every model to run on our chips." in page
    assert "All open models." in page
    for name in ("lena", "fang"):
        post(house[name], road.case(uid, "recommendations"), in_favour="no", reason="unclear")
    words = {"code": "papers", "reason_zh": "材料不足。", "reason_en": "The papers do not suffice."}
    assert post(house["dai"], road.case(uid, "rejection"), **words).status_code == 303
    assert "The papers do not suffice." in client.get(f"/applications/{uid}").text
    assert post(client, "/apply", organisation="own").status_code == 409
    assert post(client, f"/applications/{uid}/appeal", reason="The papers are complete.").status_code == 303
    assert post(client, f"/applications/{uid}/appeal", reason="Again.").status_code == 409
    assert post(house["sun"], road.case(uid, "appeal-hearing")).status_code == 303
    assert post(house["rui"], road.case(uid, "ownership")).status_code == 403
    road.review(house, uid, owner="rong", voices=("lou", "feng"))
    assert post(house["dai"], road.case(uid, "approval")).status_code == 403
    assert post(house["dong"], road.case(uid, "approval")).status_code == 303
    with app.app_context(), reading():
        assert road.application(uid).state is ApplicationState.APPROVED


def test_nobody_stands_in_two_places(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    road.review(house, uid)
    assert (
        post(house["rui"], road.case(uid, "recommendations"), in_favour="yes", reason="x").status_code == 403
    )
    assert (
        post(house["fang"], road.case(uid, "recommendations"), in_favour="yes", reason="x").status_code == 409
    )
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    assert post(house["dong"], road.case(uid, "approval")).status_code == 409
    invoice = road.invoice_of(app, uid)
    fields = {
        "bank_ref": "B-9",
        "amount": "400000",
        "received_on": "2026-01-05",
        "payer": "x",
        "text": invoice.reference,
    }
    post(house["fang"], "/office/money/receipts/new", **fields)
    with app.app_context(), reading():
        entry = db.session.execute(text("SELECT uid FROM receipt_entry")).scalar_one()
    own = post(house["fang"], f"/office/money/receipts/entries/{entry}/confirmation")
    assert own.status_code == 403
    again = post(house["feng"], "/office/money/receipts/new", **fields)
    assert again.status_code == 422


def test_recommendations_are_needed_and_void_after_a_change(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    post(house["rui"], road.case(uid, "ownership"))
    assert post(house["dai"], road.case(uid, "approval")).status_code == 409
    for name in ("lena", "fang"):
        post(house[name], road.case(uid, "recommendations"), in_favour="yes", reason="sound")
    post(house["rui"], road.case(uid, "questions"), **{"ask-chips": "Which process?"})
    post(client, f"/applications/{uid}/form/membership", chips="G1, G2, G3")
    post(client, f"/applications/{uid}/submission")
    assert post(house["dai"], road.case(uid, "approval")).status_code == 409


@pytest.mark.parametrize(
    ("page", "field", "value", "said"),
    [
        ("organisation", "registration", "9111000060003734IL", "Credit codes have no letters"),
        ("organisation", "registration", "91110000600037314L", "check characters"),
        ("organisation", "homepage", "javascript:alert(1)", "whole address"),
        ("organisation", "legal_name", "x" * 201, "at most 200"),
        ("organisation", "country", "ZZ", "choose one of the list"),
        ("people", "signatory_email", "nobody", "does not look like a mail address"),
    ],
)
def test_wrong_answers_are_kept_and_explained(
    app: Flask, page: str, field: str, value: str, said: str
) -> None:
    client = road.company(app)
    uid = post(client, "/apply", organisation="new").location.split("/")[2]
    answer = post(client, f"/applications/{uid}/form/{page}", **{**road.ANSWERS[page], field: value})
    assert answer.status_code == 422
    assert said in answer.text
    with app.app_context(), reading():
        assert road.application(uid).answers[field] == value
    assert post(client, f"/applications/{uid}/submission").status_code == 422


def test_strangers_find_nothing(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    road.review(house, uid)
    post(house["dai"], road.case(uid, "approval"))
    invoice = road.invoice_of(app, uid)
    with app.app_context(), transaction():
        from tests.people import make_org, make_person

        stranger = make_person("eve@other.example", "Eve")
        make_org(
            "Other", (stranger, __import__("portal.accounts.may", fromlist=["ContactRole"]).ContactRole.OWNER)
        )
    eve = browser(app, "eve@other.example")
    for path in (
        f"/applications/{uid}",
        f"/applications/{uid}/check",
        f"/invoices/{invoice.uid}",
        f"/invoices/{invoice.uid}/pdf",
    ):
        assert eve.get(path).status_code == 404, path
    assert post(eve, f"/applications/{uid}/withdrawal").status_code == 404
    assert eve.get(f"/office/applications/{uid}").status_code == 403


def test_what_is_on_record_refuses_change(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    road.review(house, uid)
    post(house["dai"], road.case(uid, "approval"))
    for statement in (
        "UPDATE journal_line SET amount = 1", "DELETE FROM journal_entry", "UPDATE invoice SET gross = 1, net = 1",
        "DELETE FROM invoice", "UPDATE invoice_line SET n = 9", "UPDATE submission SET n = 9",
    ):  # fmt: skip
        with app.app_context(), pytest.raises(Exception, match="on record"), transaction():
            db.session.execute(text(statement))
