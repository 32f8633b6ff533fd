"""The price desk and the payer's plans through their pages and the API: two people, refusals, foreign rows, races."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from portal.accounts.may import ContactRole, StaffRole
from portal.billing import discounting, issuing, quoting, subscribing
from portal.billing.catalogue import price_of
from portal.billing.discount_models import DiscountOffer, Redemption
from portal.billing.models import Invoice, OrderLine
from portal.billing.price_models import PriceState, PriceVersion
from portal.billing.pricing import DiscountKind
from portal.billing.quote_models import Quote, QuoteState
from portal.billing.selling import Item
from portal.billing.subscription_models import Subscription, SubscriptionPeriod
from portal.billing.verify import verify_books
from portal.billing.verify_prices import CHECKS
from portal.core import clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from tests import books
from tests.people import browser, make_org, make_person, post
from tests.test_prices import draft
from tests.test_races import run, soon

DESK = "/office/prices"


def draft_uid(app: Flask, code: str = "dues.gold", amount: int = 18_000_000) -> str:
    with app.app_context(), transaction():
        return draft(code, amount, clock.today() + timedelta(days=10)).uid


def test_a_price_goes_from_draft_to_published_by_two_people(app: Flask) -> None:
    books.house(app)
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    page = post(fang, f"{DESK}/products/exam.seats/drafts").location
    shown = fang.get(page).text
    assert "one more costs less" in shown
    assert "<polyline" in shown
    assert 'style="' not in shown
    later = str(clock.today() + timedelta(days=10))
    form = {
        "valid_from": later, "model": "graduated", "interval": "once", "audience_kind": "public", "tax": "services",
        "document": "fapiao", "inclusive": "y", "steps-0-up_to": "10", "steps-0-unit": "800", "steps-1-unit": "700.50",
    }  # fmt: skip
    for wrong in (
        {"steps-0-unit": "abc"},
        {"steps-1-up_to": "5"},
        {"valid_from": "never"},
        {"tax": "magic"},
        {"model": "x"},
    ):
        answer = post(fang, page, **{**form, **wrong})
        assert answer.status_code == 422, wrong
        assert "700.50" in answer.text
    assert post(fang, page, **form).status_code == 303
    assert "one more costs less" not in fang.get(page).text
    assert post(fang, f"{page}/publication").status_code == 409
    assert post(fang, f"{page}/proposal").status_code == 303
    assert post(fang, f"{page}/publication").status_code == 403
    assert post(fang, page, **form).status_code == 422
    assert post(feng, f"{page}/return").status_code == 422
    assert post(feng, f"{page}/publication").status_code == 303
    assert post(feng, f"{page}/publication").status_code == 409
    assert "Price published" in feng.get(page).text
    assert "What differs" in feng.get(f"{page}/comparison").text
    assert later[:4] in feng.get(f"{DESK}/").text
    with app.app_context(), reading():
        price = price_of("exam.seats", on=clock.today() + timedelta(days=10))
        assert price.listed(11) == Money(870_050)
        assert verify_books()[1] == []


def test_readers_look_and_outsiders_do_not_enter(app: Flask) -> None:
    books.house(app)
    uid = draft_uid(app)
    with app.app_context(), transaction():
        make_person("ana@house.example", "Ana", staff=(StaffRole.AUDITOR,))
    auditor, chen = browser(app, "ana@house.example"), browser(app, "chen@galaxy.example")
    for path in (
        "",
        uid,
        "products/dues.gold",
        "taxes",
        "discounts",
        "quotes",
        "subscriptions",
        f"{uid}/comparison",
    ):
        assert auditor.get(f"{DESK}/{path}").status_code == 200
        assert chen.get(f"{DESK}/{path}").status_code == 403
    assert post(auditor, f"{DESK}/{uid}/proposal").status_code == 403
    assert auditor.get(f"{DESK}/nothing").status_code == 404
    assert auditor.get(f"{DESK}/products/nothing").status_code == 404


def test_whom_a_publication_touches_is_counted_and_listed(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        subscribing.subscribe(books.party(), price_of("support.gold"), by="test")
        quoting.draft_quote(
            books.party(), price_of("publication.deep"), by=books.person("fang"), language="en", quantity=2
        )
    uid = draft_uid(app, "support.gold", 11_000_000)
    page = browser(app, "fang@house.example").get(f"{DESK}/{uid}").text
    assert "Galaxy Ltd" in page
    assert "CN¥100,000.00 → CN¥110,000.00" in page
    uid = draft_uid(app, "publication.deep", 1)
    assert "Q-" in browser(app, "fang@house.example").get(f"{DESK}/{uid}").text


def test_taxes_are_switched_by_one_dated_row(app: Flask) -> None:
    books.house(app)
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    later = clock.today() + timedelta(days=5)
    row = {"code": "services", "rate": "9", "en": "9 %", "zh": "9%", "valid_from": str(later)}
    assert post(fang, f"{DESK}/taxes", **{**row, "rate": "101"}).status_code == 422
    assert post(fang, f"{DESK}/taxes", **{**row, "valid_from": "2020-01-01"}).status_code == 422
    assert post(fang, f"{DESK}/taxes", **row).status_code == 303
    with app.app_context(), reading():
        uid = db.session.execute(text("SELECT uid FROM tax_row WHERE state = 'proposed'")).scalar_one()
    assert post(fang, f"{DESK}/taxes/{uid}/publication").status_code == 403
    assert post(feng, f"{DESK}/taxes/{uid}/publication").status_code == 303
    with app.app_context(), reading():
        assert price_of("support.gold").figures(Money(10_900_000)).tax == 616_981
        assert price_of("support.gold", on=later).figures(Money(10_900_000)).tax == 900_000


def test_a_payer_changes_a_plan_with_exact_figures(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        uid = subscribing.subscribe(books.party(), price_of("support.gold"), by="test", language="en").uid
        make_org("Other", (make_person("eve@other.example", "Eve"), ContactRole.OWNER))
        tech = make_person("tim@galaxy.example", "Tim")
        from portal.accounts.organisations import Contact

        org = books.party().org
        assert org is not None
        db.session.add(Contact(person=tech, org=org, role=ContactRole.TECHNICAL, start=clock.today()))
    chen, eve = browser(app, "chen@galaxy.example"), browser(app, "eve@other.example")
    assert eve.get(f"/subscriptions/{uid}").status_code == 404
    assert browser(app, "tim@galaxy.example").get(f"/subscriptions/{uid}").status_code == 404
    assert post(chen, f"/subscriptions/{uid}/quotes", plan="support.gold", quantity="1").status_code == 422
    assert post(chen, f"/subscriptions/{uid}/quotes", plan="dues.gold", quantity="1").status_code == 422
    page = post(chen, f"/subscriptions/{uid}/quotes", plan="support.platinum", quantity="1").location
    assert "CN¥400,000.00" in chen.get(page).text
    assert eve.get(page).status_code == 404
    assert post(eve, f"{page}/acceptance").status_code == 404
    assert "/invoices/" in post(chen, f"{page}/acceptance").location
    assert post(chen, f"{page}/acceptance").status_code == 409
    assert post(chen, f"/subscriptions/{uid}/end").status_code == 303
    assert "It ends after" in chen.get(f"/subscriptions/{uid}").text
    assert post(chen, f"/subscriptions/{uid}/continuation").status_code == 303


def test_an_outdated_quote_is_answered_with_a_new_one(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        sub = subscribing.subscribe(books.party(), price_of("licence.triton"), by="test", quantity=100).uid
    chen = browser(app, "chen@galaxy.example")
    pages = [
        post(chen, f"/subscriptions/{sub}/quotes", plan="licence.triton", quantity=str(n)).location
        for n in (200, 300)
    ]
    assert post(chen, f"{pages[0]}/acceptance").status_code == 303
    answer = post(chen, f"{pages[1]}/acceptance")
    assert answer.status_code == 409
    assert "Here is a new one" in answer.text
    assert "A newer quote took its place" in chen.get(pages[1]).text
    with app.app_context(), reading():
        states = [row.state for row in db.session.scalars(select(Quote).order_by(Quote.id))]
        assert states == [QuoteState.ACCEPTED, QuoteState.SUPERSEDED, QuoteState.SENT]
        assert db.session.scalar(select(func.count(Invoice.id))) == 2
        assert verify_books()[1] == []


def test_a_quote_is_written_sent_as_paper_and_accepted(app: Flask) -> None:
    books.house(app)
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    form = {
        "party": "Galaxy Ltd",
        "product": "adaptation",
        "quantity": "1",
        "amount": "680,000",
        "halves": "y",
    }
    assert post(fang, f"{DESK}/quotes/new", **{**form, "party": "Nobody"}).status_code == 422
    assert post(fang, f"{DESK}/quotes/new", **{**form, "amount": "1"}).status_code == 422
    page = post(fang, f"{DESK}/quotes/new", **{**form, "amount": "1", "note": "a pilot"}).location
    chen = browser(app, "chen@galaxy.example")
    assert chen.get(page.replace(DESK, "")).status_code == 404  # not sent yet
    assert post(fang, f"{page}/approval").status_code == 403
    assert post(feng, f"{page}/approval").status_code == 303
    sent = post(fang, f"{DESK}/quotes/new", **form).location
    with app.app_context():
        outbox.drain("test")
    assert chen.get(f"{sent.replace(DESK, '')}/pdf").data.startswith(b"%PDF")
    assert post(chen, f"{sent.replace(DESK, '')}/acceptance").status_code == 303
    assert post(chen, f"{page.replace(DESK, '')}/refusal").status_code == 303
    with app.app_context(), reading():
        assert db.session.scalars(select(Invoice)).one().gross == Money(34_000_000)
        assert verify_books()[1] == []


def test_a_large_discount_waits_for_a_second_person_on_the_page(app: Flask) -> None:
    books.house(app)
    fang, feng = browser(app, "fang@house.example"), browser(app, "feng@house.example")
    form = {
        "kind": "percent", "value": "30", "en": "Thirty", "zh": "七折", "code": "thirty", "starts": str(clock.today()),
        "audience_kind": "public",
    }  # fmt: skip
    assert post(fang, f"{DESK}/discounts", **form).status_code == 422
    assert post(fang, f"{DESK}/discounts", **{**form, "value": "x"}).status_code == 422
    assert post(fang, f"{DESK}/discounts", **form, reason="launch").status_code == 303
    with app.app_context(), reading():
        uid = db.session.scalars(select(DiscountOffer)).one().uid
    assert post(fang, f"{DESK}/discounts/{uid}/approval").status_code == 403
    assert post(feng, f"{DESK}/discounts/{uid}/approval").status_code == 303
    assert "THIRTY" in feng.get(f"{DESK}/discounts").text
    assert post(feng, f"{DESK}/discounts/{uid}/end").status_code == 303


def test_prices_are_public_to_programs(app: Flask) -> None:
    found = app.test_client().get("/api/v1/prices").get_json()["items"]
    licence = next(one for one in found if one["product"] == "licence.triton")
    assert licence["steps"][1] == {"up_to": 500, "unit": 40_000, "flat": 0}
    assert licence["model"] == "graduated"


def test_what_was_granted_and_quoted_is_frozen(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        row = discounting.offer_discount(
            by=books.person("fang"), kind=DiscountKind.PERCENT, value=1_000, words={"en": "x", "zh": "x"}, code=None,
            products=[], starts=clock.today(),
        )  # fmt: skip
        discounting.order_with(books.party(), "test:1", [Item(price_of("exam.arch"))], [row])
        quoting.draft_quote(books.party(), price_of("exam.arch"), by=books.person("fang"), language="en")
    for words in (
        "UPDATE redemption SET amount = 0", "DELETE FROM redemption", "UPDATE quote_line SET gross = 0, net = 0, tax = 0",
        "DELETE FROM quote_line",
    ):  # fmt: skip
        with app.app_context(), pytest.raises(DatabaseError, match="on record"), transaction():
            db.session.execute(text(words))


def test_verify_names_the_row_that_breaks_a_rule(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        subscribing.subscribe(books.party(), price_of("support.gold"), by="test")
    with app.app_context(), reading():
        assert [sentence for check in CHECKS for sentence in check()] == []
    with app.app_context(), transaction():
        one = db.session.scalars(select(SubscriptionPeriod)).one()
        one.start = one.start - timedelta(days=1)
    with app.app_context(), reading():
        found = [sentence for check in CHECKS for sentence in check()]
        assert found == ["subscriptions: subscription_period:1 does not lie where period 0 lies"]


REDEEMER = """
import sys, time
from portal.app import create_app
from portal.billing import discounting
from portal.billing.catalogue import price_of
from portal.billing.discount_models import DiscountOffer
from portal.billing.models import Party
from portal.billing.selling import Item
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
def redeem():
    with transaction():
        row = db.session.query(DiscountOffer).one()
        party = db.session.query(Party).one()
        discounting.order_with(party, "race:" + sys.argv[1], [Item(price_of("exam.arch"))], [row])
with create_app().app_context():
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    try:
        patiently(redeem)
        print("taken")
    except Refused:
        print("refused")
"""
RENEWER = """
import sys, time
from portal.app import create_app
from portal.billing import subscribing
from portal.core import clock
from datetime import date
with create_app().app_context():
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    with clock.stopped_at(date(2029, 1, 2)):
        print(subscribing.sweep())
"""


@pytest.mark.race
def test_the_last_use_goes_to_one_of_eight(app: Flask, tmp_path: Path) -> None:
    books.house(app)
    with app.app_context(), transaction():
        discounting.offer_discount(
            by=books.person("fang"), kind=DiscountKind.PERCENT, value=1_000, words={"en": "x", "zh": "x"}, code="LAST",
            products=[], starts=clock.today(), most_uses=1,
        )  # fmt: skip
    start = soon()
    said = run(app, tmp_path, REDEEMER, *((str(n), start) for n in range(8)))
    assert sorted(word.strip() for word in said) == ["refused"] * 7 + ["taken"]
    with app.app_context(), reading():
        assert db.session.scalar(select(func.count(Redemption.id))) == 1
        assert db.session.scalar(select(func.count(OrderLine.id))) == 1


@pytest.mark.race
def test_eight_renewals_at_once_make_each_period_once(app: Flask, tmp_path: Path) -> None:
    books.house(app)
    from datetime import date

    with app.app_context(), clock.stopped_at(date(2027, 1, 1)), transaction():
        subscribing.subscribe(books.party(), price_of("support.gold"), by="test")
    start = soon()
    said = run(app, tmp_path, RENEWER, *((str(n), start) for n in range(8)))
    assert sum(int(word) for word in said) == 2
    with app.app_context(), reading():
        assert [one.n for one in db.session.scalars(select(Subscription)).one().periods] == [0, 1, 2]
        assert db.session.scalar(select(func.count(Invoice.id))) == 3
        assert issuing.owed(db.session.scalars(select(Invoice).order_by(Invoice.id)).all()[0]) == Money(
            10_000_000
        )


def test_dropped_drafts_stay_on_record(app: Flask) -> None:
    books.house(app)
    uid = draft_uid(app)
    fang = browser(app, "fang@house.example")
    assert post(fang, f"{DESK}/{uid}/drop").status_code == 303
    assert post(fang, f"{DESK}/{uid}/proposal").status_code == 409
    with app.app_context(), reading():
        row = db.session.scalars(select(PriceVersion).where(PriceVersion.uid == uid)).one()
        assert row.state is PriceState.DROPPED
