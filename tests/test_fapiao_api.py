"""Fapiao for programs: list, ask, withdraw; scopes, foreign rows, a key sent twice."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.accounts.may import ContactRole
from portal.accounts.scopes import Scope
from portal.billing.fapiao_models import Fapiao
from portal.billing.profile import set_profile
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from tests import books
from tests.people import make_org, make_person
from tests.test_api import Program, give

CODE = "91110108551385082Q"


@pytest.fixture
def firm(app: Flask) -> Flask:
    """A company that has paid an invoice, with its details; its owner is Chen."""
    books.house(app)
    with app.app_context(), transaction():
        given = {
            "title": "Galaxy Ltd",
            "tax_number": CODE,
            "address": "",
            "telephone": "",
            "bank": "",
            "bank_account": "",
        }
        set_profile(books.party(), given, by=books.person("chen"))
        row = books.bill()
        books.transfer("B-1", Money(2_000_000), str(row.reference))
    return app


def told(answer: TestResponse) -> Any:
    """Return what an answer says."""
    return answer.json


def invoice_of(program: Program) -> str:
    return str(told(program.get("/invoices"))["items"][0]["id"])


def body(invoice: str, amount: int, kind: str = "normal") -> dict[str, Any]:
    return {"kind": kind, "parts": [{"invoice": invoice, "amount": amount}]}


def test_a_program_asks_once_and_withdraws(firm: Flask) -> None:
    program = Program(firm, give(firm, "chen@galaxy.example", Scope.INVOICES_READ, Scope.FAPIAO_WRITE))
    invoice = invoice_of(program)
    made = program.send("POST", "/fapiao", body(invoice, 1_500_000), key="one")
    assert made.status_code == 201, made.text
    again = program.send("POST", "/fapiao", body(invoice, 1_500_000), key="one")
    assert again.json == made.json
    uid = told(made)["id"]
    assert told(program.get(f"/fapiao/{uid}"))["parts"][0]["amount"] == {
        "amount": 1_500_000,
        "currency": "CNY",
    }
    assert [row["state"] for row in told(program.get("/fapiao?state=requested"))["items"]] == ["requested"]
    too_much = program.send("POST", "/fapiao", body(invoice, 500_001))
    assert too_much.status_code == 422
    assert program.send("POST", "/fapiao", body(invoice, 1, "special")).status_code == 422
    assert told(program.send("POST", f"/fapiao/{uid}/withdrawal", {}))["state"] == "withdrawn"
    assert program.send("POST", f"/fapiao/{uid}/withdrawal", {}).status_code == 409
    with firm.app_context(), reading():
        assert len(db.session.scalars(select(Fapiao)).all()) == 1


@pytest.mark.parametrize(
    "wrong", [{}, {"kind": "gold", "parts": []}, {"kind": "normal", "parts": [{"invoice": "x", "amount": 0}]}]
)
def test_nonsense_is_told_field_by_field(firm: Flask, wrong: dict[str, Any]) -> None:
    program = Program(firm, give(firm, "chen@galaxy.example", Scope.INVOICES_READ, Scope.FAPIAO_WRITE))
    assert program.send("POST", "/fapiao", wrong).status_code == 422


def test_scopes_and_foreign_rows(firm: Flask) -> None:
    owner = Program(firm, give(firm, "chen@galaxy.example", Scope.INVOICES_READ, Scope.FAPIAO_WRITE))
    invoice = invoice_of(owner)
    uid = told(owner.send("POST", "/fapiao", body(invoice, 100)))["id"]
    reader = Program(firm, give(firm, "chen@galaxy.example", Scope.INVOICES_READ))
    assert reader.send("POST", "/fapiao", body(invoice, 100)).status_code == 403
    with firm.app_context(), transaction():
        make_org("Rival Ltd", (make_person("rival@rival.example"), ContactRole.OWNER))
    rival = Program(firm, give(firm, "rival@rival.example", Scope.INVOICES_READ, Scope.FAPIAO_WRITE))
    assert told(rival.get("/fapiao"))["items"] == []
    for answer in (
        rival.get(f"/fapiao/{uid}"), rival.send("POST", "/fapiao", body(invoice, 1)), rival.send("POST", f"/fapiao/{uid}/withdrawal", {}),
    ):  # fmt: skip
        assert answer.status_code == 404
