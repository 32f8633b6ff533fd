"""Sponsorship as sponsors, services and finance meet it (services.md §6): pages in both languages, files, foreign places."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask

from portal.core import clock
from portal.core.db import db, reading
from portal.services.sponsors import fulfilling, taking
from portal.services.sponsors.models import SponsorEdition, SponsorPackage
from tests import place_scene as s
from tests.people import browser
from tests.test_sponsors import hold, make_edition, package, place
from tests.test_statement_pages import post, seen

NOW = "2026-05-04T10:00"


@pytest.fixture
def house(app: Flask) -> Any:
    s.house(app, "alpha", "beta")
    with clock.stopped_at(s.china(NOW)):
        yield app


def test_services_sell_a_place_and_finance_confirms_that_it_is_cancelled(house: Flask) -> None:
    lead, mana, fang = (browser(house, f"{name}@house.example") for name in ("lead", "mana", "fang"))
    assert "No edition yet" in seen(lead, "/office/sponsorship/")
    given = {
        "name_zh": "峰会", "name_en": "Summit", "event": "summit", "year": "2026", "city": "Beijing",
        "first_day": "2026-09-10", "last_day": "2026-09-09",
    }  # fmt: skip
    assert "The last day lies before the first" in post(lead, "/office/sponsorship/", 422, **given)
    post(lead, "/office/sponsorship/", **{**given, "last_day": "2026-09-12"})
    with house.app_context(), reading():
        edition = f"/office/sponsorship/editions/{db.session.query(SponsorEdition).one().uid}"
    offer = {
        "name_zh": "冠名", "name_en": "Title", "product": "sponsorship", "price": "dear", "quantity": "2",
        "scope": "category", "title": "y",
    }  # fmt: skip
    assert "Please write the amount" in post(lead, f"{edition}/packages", 422, **offer)
    post(lead, f"{edition}/packages", **{**offer, "price": "600,000"})
    with house.app_context(), reading():
        uid = db.session.query(SponsorPackage).one().uid
    promise = {"kind": "asset", "words_zh": "标志", "words_en": "Logo", "days": "-30"}
    assert "Please fill this in" in post(
        lead, f"/office/sponsorship/packages/{uid}/items", 422, **{**promise, "words_en": ""}
    )
    post(lead, f"/office/sponsorship/packages/{uid}/items", **promise)
    assert "No organisation has this name" in post(lead, f"{edition}/holds", 422, package=uid, org="Nobody")
    post(lead, f"{edition}/holds", package=uid, org="Alpha Ltd")
    assert "Alpha Ltd holds a place that excludes this one" in post(
        lead, f"{edition}/holds", 409, package=uid, org="Beta Ltd"
    )
    with house.app_context(), reading():
        row, item = place().uid, None
    theirs, mine = f"/office/sponsorship/places/{row}", f"/sponsorship/{row}"
    marketing = browser(house, "marketing@alpha.example")
    assert "sign the contract by 11 May 2026, 10:00" in seen(marketing, mine)
    assert "Have it signed" in seen(lead, "/office/")
    post(lead, f"{theirs}/signature", contract="SP-1")
    with house.app_context(), reading():
        item = fulfilling.items(place())[0].uid
    assert "Please attach a file" in post(marketing, f"{mine}/items/{item}", 422)
    post(
        marketing, f"{mine}/items/{item}", file=(io.BytesIO(b"\x89PNG\r\n\x1a\n0"), "logo.png"), words="ours"
    )
    assert marketing.get(f"{mine}/items/{item}/file").data[:4] == b"\x89PNG"
    assert lead.get(f"{theirs}/items/{item}/file").status_code == 200
    post(lead, f"{theirs}/items/{item}/return", reason="too small")
    assert "too small" in seen(marketing, mine)
    post(marketing, f"{mine}/items/{item}", words="larger, by mail")
    post(lead, f"{theirs}/items/{item}/proof", proof="on the wall")
    assert "on the wall" in seen(marketing, mine)
    post(mana, f"{theirs}/leaving", reason="budget")
    assert "Confirm the cancellation" in seen(fang, "/office/")
    post(fang, f"{theirs}/keeping")
    post(mana, f"{theirs}/leaving", reason="budget")
    post(fang, f"{theirs}/cancellation")
    assert "Place cancelled" in seen(lead, theirs)
    for client, path in ((lead, edition), (lead, theirs), (marketing, mine), (marketing, "/sponsorship/")):
        seen(client, path)
    chinese = browser(house, "marketing@alpha.example", language="zh_Hans_CN")
    assert "权益清单" in seen(chinese, mine)


def test_nobody_sees_the_place_of_another(house: Flask) -> None:
    """V10: a foreign place looks missing, and so do its files."""
    with s.at(house, NOW):
        make_edition()
        taking.sign(hold("Booth", "alpha"), contract="SP", by=s.staff("lead"))
        row, item = place().uid, fulfilling.items(place())[0].uid
        assert package("Booth").names["en"] == "Booth"
    beta = browser(house, "marketing@beta.example")
    assert "Alpha" not in seen(beta, "/sponsorship/")
    for path in (f"/sponsorship/{row}", f"/sponsorship/{row}/items/{item}/file"):
        seen(beta, path, 404)
    post(beta, f"/sponsorship/{row}/items/{item}", 404, words="x")
    seen(browser(house, "technical@alpha.example"), f"/sponsorship/{row}", 404)
