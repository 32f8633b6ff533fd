"""Cards on file in renewals: announced with brand, digits and month, tried on four days, then never again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.billing import issuing
from portal.billing.checkout_models import AttemptState, CheckoutAttempt
from portal.billing.gateway import card_words
from portal.billing.models import InvoiceState
from portal.billing.provider_models import SavedCard
from portal.core import catalogue, chores, clock, outbox
from portal.core.db import db, let_go, reading
from portal.core.mail import MailMessage
from portal.members.standing import Standing
from tests import renewals as r
from tests.stripe_double import Double
from tests.stripe_scene import behind
from tests.test_renewals import found

T = r.NEW_YEAR


@pytest.fixture
def double(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """The provider's double behind the application, and a silver member with a card on file, invoiced."""
    real, made = catalogue.policy, Double()
    monkeypatch.setattr(
        catalogue, "policy", lambda name, **more: name == "online.saved_cards" or real(name, **more)
    )
    found(app, tier="silver")
    with r.on(app, date(2026, 1, 2)):
        party = issuing.party_of(r.only().org)
        db.session.add(SavedCard(party=party, customer="cus_1", method="pm_1", words="Visa •••• 4242, 08/27"))
    with app.app_context(), behind(app, made):
        r.pass_days([date(2026, 10, 3), date(2026, 11, 2)])
        yield made


def nights(*offsets: int) -> list[str]:
    """Let nights pass with their charges, twice each, by days from the end; return what became of every try so far."""
    for day in (T + timedelta(days=n) for n in offsets):
        for _twice in range(2):
            for name in r.NIGHTLY:
                chores.run(name, as_of=day)
            let_go()
            with clock.stopped_at(day):
                outbox.drain()
    with reading():
        rows = select(CheckoutAttempt.state).order_by(CheckoutAttempt.id)
        return [str(state) for state in db.session.scalars(rows)]


def test_four_failed_charges_then_no_fifth_and_the_membership_lapses(double: Double) -> None:
    """Row `part payment, failed charge`."""
    double.card = "card_declined"
    assert nights(-14, -4) == []
    with reading():
        said = db.session.scalars(select(MailMessage.text).where(MailMessage.key.like("%remind_14%"))).all()
        assert said
        assert all(
            "we charge Visa •••• 4242, 08/27 on 29 Dec 2026" in " ".join(text.split()) for text in said
        )
    failed = str(AttemptState.FAILED)
    assert nights(-3, -2) == [failed]
    assert nights(0, 1, 3) == [failed] * 3
    assert nights(6, 7, 8, 29, 30, 35) == [failed] * 4
    with reading():
        row = r.only()
        assert [step for step, _state in r.steps(row, "card")] == [
            "charge_1",
            "charge_2",
            "charge_3",
            "charge_4",
        ]
        assert (row.standing, r.paper(row).state) == (Standing.LAPSED, InvoiceState.VOID)


def test_a_charge_that_succeeds_renews_and_ends_the_reminders(double: Double) -> None:
    nights(-3, -2)
    with reading():
        row = r.only()
        assert r.terms_of(row)[1][2:] == (T, date(2028, 1, 1))
        assert r.steps(row, "card") == [("charge_1", "sent")]
    nights(0, 7, 10)
    with reading():
        assert [step for step, state in r.steps(r.only()) if state == "sent"] == [
            "offer",
            "invoice",
            "remind_7",
        ]


def test_after_an_outage_one_try_is_made_for_all_that_were_missed(double: Double) -> None:
    double.card = "card_declined"
    nights(5)
    with reading():
        assert r.steps(r.only(), "card") == [
            ("charge_1", "skipped"), ("charge_2", "skipped"), ("charge_3", "sent")
        ]  # fmt: skip


def test_a_card_is_said_with_its_month() -> None:
    class Card:
        brand, last4, exp_month, exp_year = "visa", "4242", 8, 2027

    card: Any = Card()
    assert card_words(card) == "Visa •••• 4242, 08/27"
    card.exp_month = None
    assert card_words(card) == "Visa •••• 4242"
