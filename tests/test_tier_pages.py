"""Changes of tier through the pages of both sides, the API, mails and the paper."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact
from portal.accounts.scopes import Scope
from portal.billing.models import Invoice
from portal.core import catalogue, clock
from portal.core.db import db, reading, transaction
from portal.core.mail import MailMessage
from portal.members.models import Application, Kind
from portal.members.tier_models import TierQuote
from tests import road, tiers
from tests.people import browser, make_person, post
from tests.test_api import Program, give
from tests.test_prices import publish

CHEN = "chen@galaxy.example"


def joined(app: Flask, tier: str = "silver") -> tuple[dict[str, FlaskClient], FlaskClient]:
    """Add the staff and a member with a paid year from today; return the staff's browsers and its owner's."""
    house = road.staff(app)
    with app.app_context(), transaction():
        tiers.member(tier, clock.today())
    return house, browser(app, CHEN)


def titles(app: Flask) -> list[str]:
    """Return the titles of all mails to the owner."""
    with app.app_context(), reading():
        return list(db.session.scalars(select(MailMessage.title).where(MailMessage.address == CHEN)))


def request_of(app: Flask) -> tuple[str, str, str]:
    """Return uid, tier and applicant of the one request for another tier."""
    with app.app_context(), reading():
        row = db.session.scalars(select(Application).where(Application.kind == Kind.TIER_CHANGE)).one()
        return row.uid, row.tier, row.applicant.email


def quote_of(app: Flask) -> str:
    with app.app_context(), reading():
        return str(db.session.scalars(select(TierQuote.uid).order_by(TierQuote.id.desc())).first())


def asked(client: FlaskClient, tier: str = "gold") -> str:
    """Ask for a tier and answer what is new; return the request's uid."""
    begun = post(client, "/membership/tier", to=tier)
    assert begun.status_code == 303, begun.text
    uid = str(begun.location.split("/")[2])
    kept = post(client, f"/applications/{uid}/form/membership", why_change="We grow.", strategy="Our CTO.")
    assert kept.status_code == 303, kept.text
    return uid


def test_a_member_picks_sees_asks_confirms_and_pays(app: Flask) -> None:
    house, client = joined(app)
    page = client.get("/membership/tier")
    assert "Platinum" in page.text
    assert "Individual" not in page.text
    shown = client.get("/membership/tier?to=gold").text
    for words in (
        "Not used: Silver",
        "140,000.00",
        "Custom technical support",
        "Alternate representative",
        "from today",
    ):
        assert words in shown, words
    uid = asked(client)
    form = client.get(f"/applications/{uid}/form/membership").text
    assert "Why another tier" in form
    assert 'name="tier"' not in form
    assert client.get(f"/applications/{uid}/form/organisation").status_code == 404
    assert "From Silver to Gold" in client.get(f"/applications/{uid}/check").text
    assert post(client, f"/applications/{uid}/submission").status_code == 303
    assert "under way already" in client.get("/membership/tier").text
    road.review(house, uid)
    case = house["dai"].get(f"/office/applications/{uid}").text
    assert "Request for another tier" in case
    assert "From Silver to Gold" in case
    assert post(house["rui"], road.case(uid, "waiver"), reason="x").status_code == 409
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    assert "Galaxy Ltd: the change to Gold is approved" in titles(app)
    assert "Confirm the change of tier" in client.get("/home").text
    quote = f"/membership/changes/{quote_of(app)}"
    road.work(app)
    offered = client.get(quote).text
    assert "Confirm the change" in offered
    assert client.get(f"{quote}/pdf").status_code == 200
    assert house["rui"].get(f"/office/applications/{uid}/preview.pdf").status_code == 200
    confirmed = post(client, f"{quote}/confirmation")
    assert confirmed.status_code == 303
    assert "/invoices/" in confirmed.location
    assert post(client, f"{quote}/confirmation").status_code == 409
    assert "To be paid" in client.get(confirmed.location).text
    bill = road.invoice_of(app, uid)
    assert bill.gross.minor == 14_000_000
    road.pay(app, house, "140,000.00", bill.reference, ref="B-2")
    with app.app_context(), reading():
        assert road.membership().tier == "gold"
        assert db.session.scalar(select(func.count(Invoice.id))) == 2
        assert tiers.clean() == []
    road.work(app)
    assert "Galaxy Ltd: now Gold" in titles(app)
    assert "Done: Gold" in client.get(quote).text
    assert "Tier changed" in house["rui"].get(f"/office/members/{org_uid(app)}").text
    program = Program(app, give(app, CHEN, Scope.APPLICATIONS_READ, org="Galaxy Ltd"))
    items = program.get("/tier-changes").get_json()["items"]
    assert [(one["state"], one["gross"]["amount"]) for one in items] == [("done", 14_000_000)]
    one = program.get(f"/tier-changes/{items[0]['id']}").get_json()
    assert [line["role"] for line in one["lines"]] == ["credit", "charge"]
    assert program.get(f"/tier-changes/{'0' * 32}").status_code == 404


def org_uid(app: Flask) -> str:
    with app.app_context(), reading():
        return road.membership().org.uid


def test_an_outdated_preview_is_answered_with_a_new_one_on_the_same_page(app: Flask) -> None:
    house, client = joined(app)
    uid = asked(client)
    assert post(client, f"/applications/{uid}/submission").status_code == 303
    road.review(house, uid)
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    quote = quote_of(app)
    with app.app_context(), transaction():
        body = catalogue.entry("contacts", "gold")
        catalogue.put(
            "contacts", "gold", {**body, "roles": {**body["roles"], "alternate": [0, 5]}}, clock.today()
        )
    answer = post(client, f"/membership/changes/{quote}/confirmation")
    assert answer.status_code == 409
    assert "have changed since this preview" in answer.text
    fresh = quote_of(app)
    assert fresh != quote
    assert f"/membership/changes/{fresh}/confirmation" in answer.text
    assert "A newer preview took its place." in client.get(f"/membership/changes/{quote}").text
    assert post(client, f"/membership/changes/{fresh}/confirmation").status_code == 303


def test_staff_propose_and_the_owner_sends(app: Flask) -> None:
    house, client = joined(app)
    page = f"/office/members/{org_uid(app)}/tier"
    assert "What another tier would cost" in house["lena"].get(page).text
    assert "140,000.00" in house["lena"].get(f"{page}?to=gold").text
    assert post(house["lena"], page, to="gold").status_code == 403
    assert post(house["rui"], page, to="nothing").status_code == 422
    assert post(house["rui"], page, to="gold").status_code == 303
    road.work(app)
    assert "Rui proposes another tier for Galaxy Ltd" in titles(app)
    uid, *rest = request_of(app)
    assert rest == ["gold", CHEN]
    assert "Finish your application" in client.get("/home").text
    kept = post(client, f"/applications/{uid}/form/membership", why_change="You asked.")
    assert kept.status_code == 303
    assert post(client, f"/applications/{uid}/submission").status_code == 303
    assert post(house["rui"], page, to="platinum").status_code == 409


def test_down_is_chosen_for_the_next_year_and_taken_back(app: Flask) -> None:
    house, client = joined(app, "platinum")
    uid = asked(client, "gold")
    assert "Nothing is to be paid now." in client.get("/membership/tier?to=gold").text
    assert post(client, f"/applications/{uid}/submission").status_code == 303
    road.review(house, uid)
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    quote = f"/membership/changes/{quote_of(app)}"
    assert post(client, f"{quote}/confirmation").status_code == 303
    assert "Keep Platinum" in client.get(quote).text
    assert "it is Gold" in client.get("/membership").text
    assert post(client, f"{quote}/keeping").status_code == 303
    assert post(client, f"{quote}/keeping").status_code == 409
    assert "it is Gold" not in client.get("/membership").text
    with app.app_context(), reading():
        assert db.session.scalar(select(func.count(Invoice.id))) == 1
        assert tiers.clean() == []


def test_who_may_see_and_who_may_confirm(app: Flask) -> None:
    house, client = joined(app)
    with app.app_context(), transaction():
        org = road.membership().org
        for name, role in (
            ("bill", ContactRole.BILLING),
            ("repr", ContactRole.REPRESENTATIVE),
            ("tech", ContactRole.TECHNICAL),
        ):
            person = make_person(f"{name}@galaxy.example", name.title())
            db.session.add(Contact(person=person, org=org, role=role, start=clock.today()))
        make_person("other@else.example", "Other")
    bill, repr_, tech, other = (browser(app, mail) for mail in (
        "bill@galaxy.example", "repr@galaxy.example", "tech@galaxy.example", "other@else.example"
    ))  # fmt: skip
    assert tech.get("/membership/tier").status_code == 403
    assert bill.get("/membership/tier").status_code == 403
    assert repr_.get("/membership/tier?to=gold").status_code == 200
    uid = asked(repr_)
    assert post(repr_, f"/applications/{uid}/submission").status_code == 403
    assert post(client, f"/applications/{uid}/submission").status_code == 303
    road.review(house, uid)
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    quote = f"/membership/changes/{quote_of(app)}"
    assert bill.get(quote).status_code == 200
    assert "Confirm the change" not in bill.get(quote).text
    assert post(bill, f"{quote}/confirmation").status_code == 403
    assert (other.get(quote).status_code, tech.get(quote).status_code) == (403, 403)
    done = post(repr_, f"{quote}/confirmation")
    assert (done.status_code, done.location) == (303, quote)


@pytest.mark.parametrize("language", ["en", "zh_Hans_CN"])
def test_the_pages_speak_both_languages(app: Flask, language: str) -> None:
    joined(app)
    client = browser(app, CHEN, language=language)
    words = {"en": ("Change the tier", "Key contacts and seats"), "zh_Hans_CN": ("变更等级", "联系人与席位")}[
        language
    ]
    page = client.get("/membership/tier?to=platinum").text
    assert all(one in page for one in words)
    if language != "en":
        assert not re.search(r"(Platinum|Benefit|Money|won|lost)<", page)


def test_a_price_that_rises_shows_in_the_preview_of_its_day(app: Flask) -> None:
    _house, client = joined(app)
    with app.app_context(), transaction():
        publish("dues.gold", 17_000_000, clock.today() + timedelta(days=1))
    assert "140,000.00" in client.get("/membership/tier?to=gold").text
