"""The price desk begins a subscription: preview, permission, refusals, audit, both languages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.accounts.may import StaffRole
from portal.billing.catalogue import price_of
from portal.billing.models import Invoice
from portal.billing.subscribing import ahead
from portal.billing.subscription_models import Renewal, Subscription
from portal.billing.verify import verify_books
from portal.core import audit, clock
from portal.core.db import db, reading, transaction
from tests import books
from tests.people import browser, make_person, post

PAGE = "/office/prices/subscriptions/new"


@pytest.fixture
def desk(app: Flask) -> FlaskClient:
    """Fang at the price desk."""
    books.house(app)
    return browser(app, "fang@house.example")


def fields(app: Flask, **more: str) -> dict[str, str]:
    """Return what the form sends: support gold for Galaxy from today on."""
    with app.app_context(), reading():
        price = str(price_of("support.gold").id)
    given = {
        "party": "Galaxy Ltd", "price": price, "quantity": "1", "anchor": clock.today().isoformat(), "renewal": "keep",
    }  # fmt: skip
    return {**given, **more}


def count(app: Flask) -> tuple[Any, Any]:
    with app.app_context(), reading():
        return db.session.scalar(select(func.count(Subscription.id))), db.session.scalar(
            select(func.count(Invoice.id))
        )


def test_looked_at_then_begun(app: Flask, desk: FlaskClient) -> None:
    given = fields(app, renewal="latest")
    assert "Begin the subscription" in desk.get(PAGE).text
    seen = desk.get(PAGE, query_string=given).text
    assert seen.count("100,000.00") >= 4
    assert seen.count("94,339.62") == 4
    looked = post(desk, PAGE, look="yes", **given)
    assert (looked.status_code, looked.text.count("94,339.62")) == (200, 4)
    assert count(app) == (0, 0)
    answer = post(desk, PAGE, **given)
    assert answer.status_code == 303
    assert count(app) == (1, 1)
    with app.app_context(), reading():
        row = db.session.scalars(select(Subscription)).one()
        assert (row.quantity, row.renewal, row.anchor) == (1, Renewal.LATEST, clock.today())
        found = db.session.scalars(audit.of_subject(row.subject)).first()
        assert found is not None
        assert (found.verb, found.actor) == ("subscription.begun", "Fang")
        plan = ahead(price_of("support.gold"), 1, row.anchor)
        assert (plan[0].start, plan[0].end) == (row.periods[0].start, row.periods[0].end)
        assert plan[0].gross == row.periods[0].line.gross
        assert plan[1].invoiced_on == plan[1].start - timedelta(days=row.lead_days)
        assert verify_books()[1] == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"party": "Nobody"}, "Nobody of this name is here."),
        ({"party": ""}, "Please fill this in."),
        ({"price": "999999"}, "Not a valid choice"),
        ({"quantity": "2"}, "This quantity cannot be sold at this price."),
        ({"quantity": "x"}, "Not a valid integer value"),
        ({"anchor": "2020-01-01"}, "from 31 days ago to a year ahead"),
        ({"anchor": "soon"}, "Please fill this in."),
        ({"renewal": "never"}, "Not a valid choice"),
    ],
)
def test_bad_input_is_refused_and_kept(
    app: Flask, desk: FlaskClient, more: dict[str, str], said: str
) -> None:
    given = fields(app, **more)
    answer = post(desk, PAGE, **given)
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{given["party"]}"' in answer.text
    assert desk.get(PAGE, query_string=given).status_code == 200
    assert count(app) == (0, 0)


def test_the_same_twice_is_refused(app: Flask, desk: FlaskClient) -> None:
    post(desk, PAGE, **fields(app))
    answer = post(desk, PAGE, **fields(app))
    assert answer.status_code == 422
    assert "change that one" in answer.text
    assert count(app) == (1, 1)


def test_only_who_sells_may_begin_one(app: Flask, desk: FlaskClient) -> None:
    with app.app_context(), transaction():
        make_person("ana@house.example", "Ana", staff=(StaffRole.AUDITOR,))
    reader = browser(app, "ana@house.example")
    assert "Begin a subscription" not in reader.get("/office/prices/subscriptions").text
    assert "Begin a subscription" in desk.get("/office/prices/subscriptions").text
    owner = browser(app, "chen@galaxy.example")
    for client in (reader, owner):
        assert client.get(PAGE).status_code in {403, 404}
        assert post(client, PAGE, **fields(app)).status_code in {403, 404}
    assert count(app) == (0, 0)


def test_the_page_speaks_chinese(app: Flask, desk: FlaskClient) -> None:
    client = browser(app, "fang@house.example", language="zh_Hans_CN")
    seen = client.get(PAGE, query_string=fields(app)).text
    assert "新建订阅" in seen
    assert "后续各期沿用此价格。" in seen
