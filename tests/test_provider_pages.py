"""Finance's pages about the provider: who sees what, replays, comparisons, files; and the payer's card on file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.may import ContactRole, StaffRole
from portal.billing import gateway, issuing
from portal.billing.checkout_models import GatewayEvent
from portal.billing.models import Party
from portal.billing.money_models import Receipt
from portal.billing.provider_models import Payout, SavedCard
from portal.core import catalogue, outbox
from portal.core.db import db, reading, transaction
from portal.core.outbox import OutboxItem
from tests import books
from tests.people import browser, make_org, make_person, post
from tests.stripe_double import Double
from tests.stripe_scene import begun, behind, deliver, news


@pytest.fixture
def house(app: Flask) -> Iterator[dict[str, FlaskClient]]:
    """Finance, an auditor and a reviewer, with a payment, a dispute, a payout and an event of another account."""
    books.house(app)
    double = Double()
    with behind(app, double):
        with app.app_context():
            with transaction():
                make_person("audra@house.example", "Audra", staff=(StaffRole.AUDITOR,))
                make_person("rui@house.example", "Rui", staff=(StaffRole.REVIEWER,))
            _number, session = begun()
            double.pay(session)
            double.dispute("pi_" + session[-6:], 500_000)
            double.pay_out()
            news(double)
            deliver({**double.told[0], "id": "evt_foreign", "account": "acct_other"})
            outbox.drain()
        yield {
            name: browser(app, f"{name}@{'galaxy' if name == 'chen' else 'house'}.example")
            for name in ("fang", "audra", "rui", "chen")
        }


LISTS = {
    "events": "evt_000000", "trouble": "acct_other", "attempts": "cs_test_000000", "disputes": "dp_000000",
    "payouts": "po_000000",
}  # fmt: skip


@pytest.mark.parametrize("show", LISTS)
def test_the_lists_show_their_rows_and_find_them(house: dict[str, FlaskClient], show: str) -> None:
    for who in ("fang", "audra"):
        assert LISTS[show] in house[who].get(f"/office/money/online?show={show}").text
    for q in ("%25", "zzz", "'\"<"):
        answer = house["fang"].get(f"/office/money/online?show={show}&q={q}")
        assert (answer.status_code, LISTS[show] in answer.text) == (200, False)
    assert house["rui"].get(f"/office/money/online?show={show}").status_code in {403, 404}
    assert house["chen"].get(f"/office/money/online?show={show}").status_code in {403, 404}


def test_an_event_is_worked_again_by_finance_alone(app: Flask, house: dict[str, FlaskClient]) -> None:
    page = house["fang"].get("/office/money/online/events/evt_000000")
    assert "checkout.session.completed" in page.text
    path = "/office/money/online/events/evt_000000/replay"
    assert path in page.text
    assert path not in house["audra"].get("/office/money/online/events/evt_000000").text
    assert post(house["audra"], path).status_code in {403, 404}
    for _twice in range(2):
        assert post(house["fang"], path).status_code == 303
    assert post(house["fang"], "/office/money/online/events/evt_foreign/replay").status_code == 409
    assert post(house["fang"], "/office/money/online/events/evt_none/replay").status_code == 404
    assert house["fang"].get("/office/money/online/events/evt_none").status_code == 404
    with app.app_context():
        outbox.drain()
        with reading():
            row = db.session.query(GatewayEvent).filter_by(event_id="evt_000000").one()
            assert (row.replays, row.tries, row.error) == (2, 3, "")
            assert db.session.query(Receipt).count() == 1


def test_a_payout_is_shown_line_by_line_and_handed_out(app: Flask, house: dict[str, FlaskClient]) -> None:
    with app.app_context(), reading():
        uid = db.session.query(Payout).one().uid
    text = house["fang"].get(f"/office/money/online/payouts/{uid}").text
    assert all(words in text for words in ("20,000.00", "680.00", "txn_000000", "txn_000001"))
    assert house["fang"].get("/office/money/online/payouts/none").status_code == 404
    file = house["fang"].get("/office/money/online/payouts/file")
    lines = file.text.lstrip("\ufeff").splitlines()
    assert len(lines) == 3
    assert "680.00" in file.text
    assert house["rui"].get("/office/money/online/payouts/file").status_code in {403, 404}


def test_a_comparison_is_filed_once_a_second(app: Flask, house: dict[str, FlaskClient]) -> None:
    assert "/office/money/online/comparison" in house["fang"].get("/office/money/online").text
    assert post(house["fang"], "/office/money/online/comparison").status_code == 303
    assert post(house["audra"], "/office/money/online/comparison").status_code in {403, 404}
    with app.app_context():
        outbox.drain()
        with reading():
            done = db.session.query(OutboxItem).filter(OutboxItem.key.startswith("reconcile@")).all()
            assert [row.error for row in done] == [None]


def test_every_page_says_that_a_test_key_moves_no_money(house: dict[str, FlaskClient]) -> None:
    for who, path in (("fang", "/office/money/online"), ("chen", "/invoices")):
        assert "测试模式" in house[who].get(path).text


def test_the_receipt_tells_of_its_dispute(app: Flask, house: dict[str, FlaskClient]) -> None:
    with app.app_context(), reading():
        uid = db.session.query(Receipt).one().uid
    text = house["fang"].get(f"/office/money/receipts/{uid}").text
    assert "dp_000000" in text
    assert "5,000.00" in text


def test_a_card_on_file_is_offered_kept_shown_and_forgotten_by_its_payer_alone(
    app: Flask, house: dict[str, FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context(), transaction():
        invoice = books.bill("second").uid
        other = make_person("eve@else.example", "Eve")
        issuing.party_of(make_org("Else Ltd", (other, ContactRole.OWNER)))
    assert "keep_card" not in house["chen"].get(f"/invoices/{invoice}").text
    real = catalogue.policy
    monkeypatch.setattr(
        catalogue, "policy", lambda name, **more: name == "online.saved_cards" or real(name, **more)
    )
    assert "keep_card" in house["chen"].get(f"/invoices/{invoice}").text
    with app.app_context():
        with transaction():
            db.session.add(SavedCard(party=party(), customer="cus_1", method="pm_1", words="Visa •••• 4242"))
        with reading():
            uid = db.session.query(SavedCard).one().uid
    assert "Visa •••• 4242" in house["chen"].get("/billing-details").text
    path = f"/billing-details/cards/{uid}/removal"
    eve = browser(app, "eve@else.example")
    assert "4242" not in eve.get("/billing-details").text
    for who in (eve, house["fang"]):
        foreign, missing = post(who, path), post(who, path.replace(uid, "0" * 32))
        assert (foreign.status_code, missing.status_code) == (404, 404)
    assert post(house["chen"], path).status_code == 303
    assert post(house["chen"], path).status_code == 409
    assert "4242" not in house["chen"].get("/billing-details").text


def party() -> Party:
    """Return the party of the company that pays."""
    return db.session.query(Party).join(Party.org).filter_by(legal_name="Galaxy Ltd").one()


def test_a_provider_that_is_silent_is_a_refusal_and_no_crash(
    app: Flask, house: dict[str, FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context(), transaction():
        invoice = books.bill("third").uid

    def silent(**_words: object) -> None:
        raise gateway.library().APIConnectionError("no route")

    monkeypatch.setattr(gateway, "open_checkout", silent)
    answer = post(house["chen"], f"/invoices/{invoice}/payment")
    assert answer.status_code == 503
    assert "几分钟后" in answer.text or "few minutes" in answer.text
