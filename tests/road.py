"""The road in as tests walk it: staff, a company, and each step by the person whose step it is."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any, NamedTuple

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.accounts.may import StaffRole
from portal.billing.models import InvoiceState
from portal.core import chores, clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.mail import MailMessage
from portal.core.money import Money
from portal.members.belonging import Agreement, AgreementState, Membership
from portal.members.models import Application, ApplicationState
from tests.people import browser, make_person, post, token

STAFF = {
    "rui": StaffRole.REVIEWER,
    "lena": StaffRole.LEGAL,
    "fang": StaffRole.FINANCE,
    "feng": StaffRole.FINANCE,
    "dai": StaffRole.DIRECTOR,
    "dong": StaffRole.DIRECTOR,
    "cao": StaffRole.COUNTER_SIGNER,
    "sun": StaffRole.SECRETARY,
    "rong": StaffRole.REVIEWER,
    "lou": StaffRole.LEGAL,
}
USCC = "91110000600037341L"
ANSWERS: dict[str, dict[str, Any]] = {
    "organisation": {
        "legal_name": "星河芯片有限公司", "legal_name_en": "Galaxy Chips Ltd", "country": "CN", "registration": USCC,
        "category": "chip", "homepage": "https://www.galaxy-chips.example", "address": "上海市示例路 1 号",
    },
    "membership": {
        "tier": "platinum", "why": "We want every model to run on our chips.", "chips": "G1, G2", "strategy": "Our CTO.", "department": "Laboratory 1",
        "display_name_zh": "星河芯片", "display_name_en": "Galaxy Chips", "listing": "yes",
    },
    "people": {
        "signatory_name": "Chen Wei", "signatory_email": "chen@galaxy-chips.example",
        "billing_name": "Chen Wei", "billing_email": "chen@galaxy-chips.example",
    },
}  # fmt: skip


def picture() -> bytes:
    """Return a small PNG."""
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "white").save(out, "PNG")
    return out.getvalue()


def staff(app: Flask) -> dict[str, FlaskClient]:
    """Add the staff, and return a browser for each."""
    with app.app_context(), transaction():
        for name, role in STAFF.items():
            make_person(f"{name}@house.example", name.title(), staff=(role,))
    return {name: browser(app, f"{name}@house.example") for name in STAFF}


def company(app: Flask, email: str = "chen@galaxy-chips.example", name: str = "Chen Wei") -> FlaskClient:
    """Add a person of a company, and return its browser."""
    with app.app_context(), transaction():
        make_person(email, name)
    return browser(app, email)


def fill(client: FlaskClient, uid: str, **changes: str) -> None:
    """Fill every page of the form."""
    for page, answers in ANSWERS.items():
        given = {**answers, **{key: value for key, value in changes.items() if key in answers}}
        answer = post(client, f"/applications/{uid}/form/{page}", **given)
        assert answer.status_code == 303, re.findall(r'form-error"[^>]*>(.*?)</p>', answer.text)
    scan = (io.BytesIO(picture()), "licence.png")
    sent = client.post(
        f"/applications/{uid}/form/papers", data={"csrf_token": token(client), "licence": scan},
        content_type="multipart/form-data",
    )  # fmt: skip
    assert sent.status_code == 303


def apply_draft(client: FlaskClient) -> str:
    """Start an application for one's own organisation; return its uid."""
    started = post(client, "/apply", tier="platinum")
    assert started.status_code == 303, started.text
    return str(started.location.split("/")[2])


def apply(client: FlaskClient, **changes: str) -> str:
    """Start, fill and send an application; return its uid."""
    started = post(client, "/apply", organisation="new", tier="platinum")
    uid = started.location.split("/")[2]
    fill(client, uid, **changes)
    sent = post(client, f"/applications/{uid}/submission")
    assert sent.status_code == 303, sent.text
    return uid


def case(uid: str, step: str) -> str:
    """Return the path of a step of the case."""
    return f"/office/applications/{uid}/{step}"


def review(
    house: dict[str, FlaskClient], uid: str, *, owner: str = "rui", voices: tuple[str, ...] = ("lena", "fang")
) -> None:
    """Take the case and give the recommendations."""
    assert post(house[owner], case(uid, "ownership")).status_code == 303
    for name in voices:
        voice = post(house[name], case(uid, "recommendations"), in_favour="yes", reason="sound")
        assert voice.status_code == 303, voice.text
    attach_minute(house[owner], uid)


def attach_minute(client: FlaskClient, uid: str) -> None:
    """Attach the minute of the board."""
    sent = upload(client, case(uid, "minute"), "minute")
    assert sent.status_code == 303, sent.text


def work(app: Flask) -> int:
    """Do all work of the outbox."""
    with app.app_context():
        return outbox.drain()


def sign(app: Flask, house: dict[str, FlaskClient], client: FlaskClient, uid: str) -> None:
    """Send, sign by click and counter-sign the agreement."""
    work(app)
    assert post(house["lena"], case(uid, "agreement/sending")).status_code == 303
    with app.app_context(), reading():
        agreement = db.session.scalars(select(Agreement)).all()[-1]
        path, sha = f"/agreements/{agreement.uid}", agreement.document.sha256 if agreement.document else ""
    signed = post(client, f"{path}/signature", name="chen wei", read="y", sha256=sha)
    assert signed.status_code == 303, signed.text
    assert post(house["cao"], case(uid, "agreement/countersignature")).status_code == 303


def pay(app: Flask, house: dict[str, FlaskClient], amount: str, text: str, *, ref: str = "B-1") -> None:
    """Record a transfer by one of finance and confirm it by another."""
    recorded = post(
        house["fang"], "/office/money/receipts/new", bank_ref=ref, amount=amount, received_on="2026-01-05",
        payer="星河芯片有限公司", text=text,
    )  # fmt: skip
    assert recorded.status_code == 303, recorded.text
    page = house["feng"].get("/office/money/").text
    entry = re.findall(r"/office/money/receipts/entries/([0-9a-f]{32})/confirmation", page)
    assert post(house["feng"], f"/office/money/receipts/entries/{entry[-1]}/confirmation").status_code == 303


def application(uid: str) -> Application:
    """Return an application."""
    return db.session.scalars(select(Application).where(Application.uid == uid)).one()


class Paper(NamedTuple):
    """What tests ask of an invoice."""

    uid: str
    number: str | None
    reference: str
    gross: Money
    state: InvoiceState


def invoice_of(app: Flask, uid: str) -> Paper:
    """Return the invoice of an application."""
    with app.app_context(), reading():
        found = application(uid).invoice
        assert found is not None
        return Paper(found.uid, found.number, found.reference or "", found.gross, found.state)


def membership() -> Membership:
    """Return the one membership."""
    return db.session.scalars(select(Membership)).one()


def chore(app: Flask, name: str, days: int = 0) -> int:
    """Run a chore as if so many days had passed; return how many rows it did."""
    with app.app_context():
        return chores.run(name, as_of=clock.today() + timedelta(days=days))


def mails(app: Flask, topic: str = "application:") -> list[tuple[str, str]]:
    """Return receiver and subject of every mail about a kind of subject, in order."""
    with app.app_context(), reading():
        rows = db.session.scalars(
            select(MailMessage).where(MailMessage.topic.startswith(topic)).order_by(MailMessage.id)
        )
        return [(row.address.split("@")[0], row.title) for row in rows]


def upload(client: FlaskClient, path: str, field: str, **more: str) -> TestResponse:
    """Send a form with a picture."""
    return client.post(
        path, data={"csrf_token": token(client), field: (io.BytesIO(picture()), "scan.png"), **more},
        content_type="multipart/form-data",
    )  # fmt: skip


def approved(app: Flask, house: dict[str, FlaskClient], client: FlaskClient, **changes: str) -> str:
    """Bring an application to its approval, with its papers made; return its uid."""
    uid = apply(client, **changes)
    review(house, uid)
    assert post(house["dai"], case(uid, "approval")).status_code == 303
    work(app)
    return uid


def agreement_of(app: Flask, uid: str) -> tuple[str, AgreementState]:
    """Return uid and state of the newest agreement of an application."""
    with app.app_context(), reading():
        row = db.session.scalars(
            select(Agreement).join(Application).where(Application.uid == uid).order_by(Agreement.id.desc())
        ).first()
        assert row is not None
        return row.uid, row.state


def state_of(app: Flask, uid: str) -> ApplicationState:
    """Return the state of an application."""
    with app.app_context(), reading():
        return application(uid).state
