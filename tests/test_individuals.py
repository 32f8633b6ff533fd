"""A person joins: from registration to membership, decided by the dated rule; flagged ones by a reviewer."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact, Organisation
from portal.billing.verify import verify_books
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.files import read
from portal.core.money import Money
from portal.members import form
from portal.members.belonging import Agreement, AgreementState, Grant, Term
from portal.members.models import ApplicationState, MatchKey
from portal.members.standing import Standing
from tests import road
from tests.people import PASSWORD, last_mail, link_in, make_org, make_person, post, token
from tests.test_pdf import text_of

ANSWERS = {
    "person_name": "Li Na", "person_country": "CN", "person_address": "杭州市示例路 9 号",
    "person_site": "https://code.example/lina", "person_why": "Operators for sparse attention.",
}  # fmt: skip


def english(app: Flask) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as state:
        state["language"] = "en"
    return client


def applied(client: FlaskClient, **changes: str) -> str:
    started = post(client, "/apply", organisation="person")
    uid = str(started.location.split("/")[2])
    assert started.location.endswith("/form/person")
    assert post(client, f"/applications/{uid}/form/person", **{**ANSWERS, **changes}).status_code == 303
    sent = post(client, f"/applications/{uid}/submission")
    assert sent.status_code == 303, sent.text
    return uid


@pytest.mark.papers
def test_from_registration_to_membership(app: Flask) -> None:
    house, client = road.staff(app), english(app)
    tiers = client.get("/tiers").text
    onward = re.search(r'href="(/apply\?tier=individual)"', tiers)
    assert onward is not None
    assert "As an individual" in client.get(onward.group(1)).text
    fields = {"name": "Li Na", "email": "lina@mail.example", "password": PASSWORD}
    post(client, "/register", "/register", next=onward.group(1), **fields)
    client.get(link_in(last_mail(app, "lina@mail.example")))
    assert post(client, "/confirm", "/confirm").status_code == 303
    page = client.get(onward.group(1)).text
    assert re.search(r'value="person" id="for-person" checked', page)
    uid = applied(client)
    assert "licence" not in client.get(f"/applications/{uid}/check").text
    with app.app_context(), reading():
        row = road.application(uid)
        assert (row.state, row.tier, row.decided_rule, row.decided_by) == (
            ApplicationState.APPROVED, "individual", "review.individual v1", None
        )  # fmt: skip
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "application.approved")).one()
        assert (entry.actor, entry.actor_id) == ("rule review.individual v1", None)
        assert db.session.scalar(select(MatchKey.id)) is None
        roles = db.session.scalars(select(Contact.role).where(Contact.org_id == row.org_id)).all()
        assert set(roles) == set(ContactRole)
    road.work(app)
    with app.app_context(), reading():
        agreement = db.session.scalars(select(Agreement)).one()
        assert (agreement.state, agreement.template) == (AgreementState.SENT, "individual")
        assert agreement.document is not None
        path, sha = f"/agreements/{agreement.uid}", agreement.document.sha256
        words = text_of(read(agreement.document))
        assert "LiNa" in words
        assert "Registration" not in words
    assert "company chop" not in client.get(path).text
    assert road.upload(client, f"{path}/scan", "scan").status_code == 409
    assert post(client, f"{path}/signature", name="Li Na", read="y", sha256=sha).status_code == 303
    invoice = road.invoice_of(app, uid)
    assert invoice.gross == Money(20_000)
    road.pay(app, house, "200.00", invoice.reference)
    road.work(app)
    with app.app_context(), reading():
        member, term = road.membership(), db.session.scalars(select(Term)).one()
        assert (member.standing, member.tier, term.charged) == (Standing.ACTIVE, "individual", Money(20_000))
        assert {row.benefit for row in db.session.scalars(select(Grant))} == {
            "certification_track", "rewards", "internship"
        }  # fmt: skip
        signed = db.session.scalars(select(Agreement)).one()
        assert (signed.state, signed.countersigned_by) == (AgreementState.EXECUTED, None)
        assert signed.final is not None
        assert "signedbeforehand" in text_of(read(signed.final))
        assert member.certificate is not None
        assert "LiNa" in text_of(read(member.certificate))
        assert verify_books()[1] == []
    for page in (
        "/home",
        "/membership",
        "/benefits",
        "/profile",
        "/people",
        "/applications",
        "/agreements",
        "/invoices",
    ):
        assert client.get(page).status_code == 200, page
    assert "you act for yourself in every role" in client.get("/people").text
    assert post(client, "/people", email="x@y.example", role="hr", language="en").status_code == 409


def joined(app: Flask, client: FlaskClient, house: dict[str, FlaskClient], **changes: str) -> str:
    """Bring an individual to membership."""
    uid = applied(client, **changes)
    road.work(app)
    path = f"/agreements/{road.agreement_of(app, uid)[0]}"
    sha = re.search(r'name="sha256" value="([0-9a-f]{64})"', client.get(path).text)
    assert sha is not None
    assert post(client, f"{path}/signature", name="Li Na", read="y", sha256=sha.group(1)).status_code == 303
    road.pay(app, house, "200.00", road.invoice_of(app, uid).reference)
    road.work(app)
    return uid


def test_a_person_is_shown_only_by_consent_and_never_among_organisations(app: Flask) -> None:
    house, client = road.staff(app), road.company(app, "lina@mail.example", "Li Na")
    joined(app, client, house)
    public = english(app)
    with app.app_context(), reading():
        uid = db.session.scalars(select(Organisation.uid)).one()
    assert "Li Na" not in public.get("/members").text
    assert public.get(f"/members/{uid}").status_code == 404
    assert post(client, "/membership/listing").status_code == 303
    page = public.get("/members").text
    assert "Individual members" in page
    assert "Li Na" in page
    assert public.get(f"/members/{uid}").status_code == 200
    assert "Li Na" not in public.get("/members.json").text
    assert "Li Na" not in public.get("/members/landscape.yml").text
    assert "0 members" in page


def test_a_flagged_person_is_decided_by_a_second_reviewer(app: Flask) -> None:
    house, client = road.staff(app), road.company(app, "lina@mail.example", "Li Na")
    with app.app_context(), transaction():
        from portal.members import names

        names.index(make_org("Li Na Ltd"))
    uid = applied(client)
    assert road.state_of(app, uid) is ApplicationState.SUBMITTED
    assert "the name is that of an organisation" in house["rui"].get(f"/office/applications/{uid}").text
    assert post(house["rui"], road.case(uid, "ownership")).status_code == 303
    assert post(house["rui"], road.case(uid, "approval")).status_code == 403
    assert post(house["dai"], road.case(uid, "approval")).status_code == 403
    assert post(house["rong"], road.case(uid, "approval")).status_code == 303
    assert road.state_of(app, uid) is ApplicationState.APPROVED


def test_a_holder_is_an_organisation_or_a_person_never_both(app: Flask) -> None:
    client = road.company(app, "lina@mail.example", "Li Na")
    first = post(client, "/apply", organisation="person").location
    assert post(client, "/apply", organisation="person").location == first
    org = post(client, "/apply", organisation="new", tier="individual").location.split("/")[2]
    with app.app_context(), reading():
        assert road.application(org).tier == ""
        assert (
            len(db.session.scalars(select(Organisation).where(Organisation.person_id.is_not(None))).all())
            == 1
        )
    given = {**road.ANSWERS["organisation"], "category": "individual"}
    assert post(client, f"/applications/{org}/form/organisation", **given).status_code == 422
    with app.app_context(), reading():
        row = road.application(org)
        assert form.holder_of(row.answers) == form.ORGANISATION
        assert list(form.pages(row.catalogue_day, row.answers)) == [
            "organisation",
            "membership",
            "people",
            "papers",
        ]
    assert client.get(f"/applications/{org}/form/person").status_code == 404
    uid = first.split("/")[2]
    wrong = post(client, f"/applications/{uid}/form/person", **{**ANSWERS, "person_country": "ZZ"})
    assert (wrong.status_code, "choose one of the list" in wrong.text) == (422, True)
    assert (
        client.post(f"/applications/{uid}/form/papers", data={"csrf_token": token(client)}).status_code == 404
    )


def test_the_switcher_leads_between_myself_and_my_company(app: Flask) -> None:
    client = road.company(app, "lina@mail.example", "Li Na")
    with app.app_context(), transaction():
        from portal.accounts.people import Person

        person = db.session.scalars(select(Person)).one()
        make_org("Second Ltd", (person, ContactRole.OWNER))
        make_person("eve@other.example")
    post(client, "/apply", organisation="person")
    page = client.get("/home").text
    options = dict(re.findall(r'<option value="([0-9a-f]{32})"[^>]*>([^<]+)</option>', page))
    assert sorted(options.values()) == ["Li Na", "Second Ltd"]
    for uid, name in options.items():
        assert post(client, "/switch", organisation=uid).status_code == 303
        assert f"<h1>{name}" in client.get("/home").text
