"""Disputes, refunds that come back, payouts with fees, reconciliation, cards on file, events that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from portal.billing import (
    charging,
    dunning,
    gateway,
    gateway_books,
    hearing,
    inbox,
    issuing,
    ladder,
    ledger,
    online,
    saved_cards,
    sending,
)
from portal.billing import refunds as refunding
from portal.billing.catalogue import price_of
from portal.billing.checkout_models import AttemptState, CheckoutAttempt, GatewayEvent, PaymentAlert, Trouble
from portal.billing.issuing import Item, owed
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Receipt, Refund, RefundState
from portal.billing.provider_models import Dispute, DisputeState, Payout, PayoutState, SavedCard
from portal.billing.queries import disputed, under_dispute
from portal.billing.reconciling import reconcile
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import catalogue, clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.errors import Missing, Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from tests import books
from tests.stripe_double import Direct, Double
from tests.stripe_scene import again, begun, behind, deliver, news

SILVER = Money(2_000_000)


@pytest.fixture
def double(app: Flask) -> Iterator[Double]:
    """The application with Stripe's double behind it, in the same process."""
    books.house(app)
    made = Double()
    with behind(app, made) as direct, app.app_context():
        made.direct = direct  # type: ignore[attr-defined]
        yield made


def wire(double: Double) -> Direct:
    found: Direct = double.direct  # type: ignore[attr-defined]
    return found


def paid(double: Double, subject: str = "test:1") -> tuple[Invoice, Receipt, str]:
    """Pay an invoice online; return it, its receipt and the payment."""
    number, session = begun(subject)
    double.pay(session)
    online.settle(session)
    with reading():
        payment = "pi_" + session[-6:]
        receipt = db.session.query(Receipt).filter_by(provider_ref=payment).one()
        return db.session.get_one(Invoice, number), receipt, payment


def at(*accounts: str) -> list[int]:
    with reading():
        assert verify_books()[1] == []
        return [ledger.balance(code).minor for code in accounts]


def troubles() -> set[Trouble]:
    with reading():
        return {row.trouble for row in db.session.query(PaymentAlert)}


@pytest.mark.parametrize("told_late", [False, True])
def test_a_lost_dispute_stands_aside_and_is_then_taken_back(double: Double, told_late: bool) -> None:
    invoice, receipt, payment = paid(double)
    name = double.dispute(payment, 2_000_000)
    if not told_late:
        news(double)
        assert at(ledger.STRIPE, ledger.DISPUTED) == [0, 2_000_000]
        with reading():
            assert disputed(receipt)
            assert under_dispute(invoice)
    double.decide(name, "lost")
    news(double)
    assert at(ledger.STRIPE, ledger.DISPUTED, ledger.RECEIVABLE) == [0, 0, 2_000_000]
    with reading():
        assert db.session.query(Dispute).one().state is DisputeState.LOST
        assert db.session.get_one(Invoice, invoice.id).state is InvoiceState.OPEN
        assert owed(invoice) == SILVER
        assert not under_dispute(invoice)
    assert troubles() == {Trouble.DISPUTE}


def test_a_won_dispute_leaves_the_invoice_paid(double: Double) -> None:
    invoice, receipt, payment = paid(double)
    name = double.dispute(payment, 500_000)
    news(double)
    with transaction(), pytest.raises(Refused, match="银行争议"):
        refunding.request_refund(receipt, Money(1), by=books.person("fang"), reason="x")
    double.decide(name, "won")
    news(double)
    assert at(ledger.STRIPE, ledger.DISPUTED) == [2_000_000, 0]
    with reading():
        assert db.session.get_one(Invoice, invoice.id).state is InvoiceState.PAID


def test_a_question_of_the_bank_holds_no_money_until_it_is_a_dispute(double: Double) -> None:
    _invoice, _receipt, payment = paid(double)
    asked = double.dispute(payment, 700_000, "warning_needs_response")
    other = double.dispute(payment, 100_000, "warning_needs_response")
    news(double)
    assert at(ledger.DISPUTED) == [0]
    double.decide(other, "warning_closed")
    double.decide(asked, "needs_response")
    news(double)
    assert at(ledger.DISPUTED) == [700_000]
    with reading():
        assert {row.state for row in db.session.query(Dispute)} == {DisputeState.OPEN, DisputeState.CLOSED}


def test_what_was_refunded_already_cannot_be_lost_again(double: Double) -> None:
    number, session = begun()
    double.pay(session)
    with transaction():
        books.transfer("B-1", SILVER, str(db.session.get_one(Invoice, number).reference))
    online.settle(session)
    with transaction():
        receipt = db.session.query(Receipt).filter_by(provider="stripe").one()
        row = refunding.request_refund(
            receipt, Money(1_500_000), by=books.person("fang"), reason="paid twice"
        )
        refunding.approve_refund(row, by=books.person("feng"))
    outbox.drain()
    name = double.dispute("pi_" + session[-6:], 2_000_000)
    double.decide(name, "lost")
    news(double)
    assert at(ledger.DISPUTED) == [1_500_000]
    assert Trouble.SHORT in troubles()


def test_a_refund_that_went_out_and_comes_back_is_credit_again(double: Double) -> None:
    number, session = begun()
    double.pay(session)
    with transaction():
        books.transfer("B-1", SILVER, str(db.session.get_one(Invoice, number).reference))
    online.settle(session)
    with transaction():
        receipt = db.session.query(Receipt).filter_by(provider="stripe").one()
        row = refunding.request_refund(receipt, SILVER, by=books.person("fang"), reason="paid twice")
        refunding.approve_refund(row, by=books.person("feng"))
    news(double)
    with reading():
        assert db.session.get_one(Refund, row.id).state is RefundState.SUCCEEDED
    double.finish_refund("re_000000", "failed", "lost_or_stolen_card")
    news(double)
    with reading():
        fresh = db.session.get_one(Refund, row.id)
        assert (fresh.state, fresh.failure) == (RefundState.FAILED, "lost_or_stolen_card")
        assert credit_of(receipt) == SILVER
    assert at(ledger.STRIPE, ledger.REFUNDS) == [2_000_000, 0]


def test_a_payout_is_booked_with_its_fees_line_by_line(double: Double) -> None:
    paid(double)
    _invoice, _receipt, payment = paid(double, "test:2")
    double.decide(double.dispute(payment, 300_000), "lost")
    name = double.pay_out()
    news(double)
    fee = 2 * 68_000 + 1_500
    assert at(ledger.FEES, ledger.BANK, ledger.STRIPE) == [fee, 3_700_000 - fee, 0]
    with reading():
        row = db.session.query(Payout).one()
        assert (row.payout_id, row.fee.minor, len(row.lines)) == (name, fee, 3)
        assert [line.receipt is not None for line in row.lines] == [True, True, True]
    double.payout_fails(name)
    news(double)
    assert at(ledger.BANK, ledger.STRIPE) == [0, 3_700_000 - fee]
    assert double.pay_out() == "po_000001"
    news(double)
    assert at(ledger.BANK, ledger.STRIPE) == [3_700_000 - fee, 0]
    with reading():
        assert [row.state for row in db.session.query(Payout).order_by(Payout.id)] == [
            PayoutState.FAILED, PayoutState.PAID,
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "change", "trouble"),
    [
        ("payouts", {"amount": 1_931_999}, Trouble.PAYOUT),
        ("payouts", {"livemode": True}, Trouble.MODE),
        ("payouts", {"currency": "usd"}, Trouble.CURRENCY),
        ("moves", {"net": 1_932_000, "fee": 67_000}, Trouble.PAYOUT),
    ],
)
def test_a_payout_that_does_not_add_up_is_an_alert_and_no_booking(
    double: Double, table: str, change: dict[str, object], trouble: Trouble
) -> None:
    paid(double)
    name = double.pay_out()
    (double.payouts[name] if table == "payouts" else double.moves["txn_000000"]).update(change)
    news(double)
    assert troubles() == {trouble}
    assert at(ledger.FEES, ledger.BANK) == [0, 0]


def test_a_payout_on_its_way_is_not_booked(double: Double) -> None:
    paid(double)
    assert hearing.settle_payout(double.pay_out("in_transit")) is None
    assert at(ledger.BANK) == [0]


def test_reconciling_finds_what_no_event_told(double: Double) -> None:
    invoice, _receipt, payment = paid(double)
    number, session = begun("test:2")
    double.pay(session)
    double.decide(double.dispute(payment, 2_000_000), "lost")
    double.pay_out()
    assert reconcile() > 0
    outbox.drain()
    with reading():
        assert db.session.get_one(Invoice, number).state is InvoiceState.PAID
        assert db.session.get_one(Invoice, invoice.id).state is InvoiceState.OPEN
        assert db.session.query(Payout).count() == 1
        assert db.session.query(GatewayEvent).filter(GatewayEvent.worked_at.is_(None)).count() == 0
    before = at(ledger.BANK, ledger.FEES, ledger.DISPUTED)
    reconcile()
    outbox.drain()
    assert at(ledger.BANK, ledger.FEES, ledger.DISPUTED) == before


def test_a_session_lost_before_it_was_saved_is_adopted(double: Double) -> None:
    with transaction():
        number = books.bill().id
    wire(double).after = 1
    with pytest.raises(Refused), gateway.answering():
        online.begin(db.session.get_one(Invoice, number))
    double.pay("cs_test_000000")
    reconcile()
    with reading():
        assert db.session.get_one(Invoice, number).state is InvoiceState.PAID


def test_a_paid_session_that_no_attempt_knows_comes_before_a_person(double: Double) -> None:
    _number, session = begun()
    double.pay(session)
    double.sessions["cs_other"] = {**double.sessions[session], "id": "cs_other", "payment_intent": None}
    reconcile()
    assert troubles() == {Trouble.MISFIT}


def test_an_event_of_another_account_is_set_aside(app: Flask, double: Double) -> None:
    number, session = begun()
    double.pay(session)
    deliver({**double.told[0], "account": "acct_other"})
    outbox.drain()
    with reading():
        assert db.session.get_one(Invoice, number).state is InvoiceState.OPEN
        row = db.session.query(GatewayEvent).one()
        assert (row.error, row.worked_at is not None) == ("account acct_other", True)
    assert troubles() == {Trouble.ACCOUNT}
    with transaction(), pytest.raises(Refused):
        inbox.replay(db.session.get_one(GatewayEvent, row.id), by=books.person("fang"))
    books.set_up(app, stripe_account="acct_ours")
    deliver({**double.told[0], "id": "evt_ours", "account": "acct_ours"})
    outbox.drain()
    with reading():
        assert db.session.get_one(Invoice, number).state is InvoiceState.PAID


def test_an_event_of_the_other_mode_is_refused_with_an_alert(double: Double) -> None:
    _number, session = begun()
    double.pay(session)
    for _again in range(2):
        with pytest.raises(Refused):
            deliver({**double.told[0], "livemode": True})
    assert troubles() == {Trouble.MODE}
    with reading():
        assert db.session.query(GatewayEvent).count() == 0


def test_an_event_that_cannot_be_worked_keeps_its_error_and_comes_again(double: Double) -> None:
    number, session = begun()
    double.pay(session)
    deliver(double.told[0])
    wire(double).before = 1
    outbox.drain()
    with reading():
        row = db.session.query(GatewayEvent).one()
        assert (row.tries, row.worked_at, row.error) == (1, None, "APIConnectionError: cut before")
    with clock.stopped_at(clock.now() + timedelta(minutes=1)):
        outbox.drain()
    with reading():
        row = db.session.query(GatewayEvent).one()
        assert (row.tries, row.error) == (2, "")
        assert db.session.get_one(Invoice, number).state is InvoiceState.PAID
    with transaction():
        inbox.replay(db.session.get_one(GatewayEvent, row.id), by=books.person("fang"))
    assert outbox.drain() >= 1
    with reading():
        assert db.session.query(Receipt).count() == 1
        assert db.session.query(GatewayEvent).one().tries == 3


@pytest.fixture
def kept(double: Double, monkeypatch: pytest.MonkeyPatch) -> Double:
    """A party that paid once and ticked to keep its card."""
    real = catalogue.policy
    monkeypatch.setattr(
        catalogue, "policy", lambda name, **more: name == "online.saved_cards" or real(name, **more)
    )
    _number, session = begun("first", keep_card=True)
    double.pay(session)
    online.settle(session)
    with reading():
        assert db.session.query(SavedCard).one().words == "Visa •••• 4242"
    return double


def billed(subject: str) -> Invoice:
    with transaction():
        return books.bill(subject)


def test_a_card_is_kept_only_where_that_is_switched_on(double: Double) -> None:
    _number, session = begun(keep_card=True)
    double.pay(session)
    online.settle(session)
    with reading():
        assert db.session.query(SavedCard).count() == 0
        assert db.session.query(CheckoutAttempt).one().keep_card is False
    with pytest.raises(Missing):
        charging.charge(billed("second"), k=1)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 0), (0, 1)])
def test_a_card_on_file_is_charged_once_per_try(kept: Double, before: int, after: int) -> None:
    invoice = billed("second")
    wire(kept).before, wire(kept).after = before, after
    if before or after:
        with pytest.raises(Exception, match="cut"):
            charging.charge(invoice, k=1)
    charging.sweep()
    assert charging.charge(invoice, k=1) is AttemptState.PAID
    news(kept)
    reconcile()
    with reading():
        assert db.session.get_one(Invoice, invoice.id).state is InvoiceState.PAID
        assert db.session.query(Receipt).count() == 2
    assert len(kept.intents) == 2
    with pytest.raises(Refused):
        charging.charge(invoice, k=2)


def test_a_charge_older_than_a_day_is_looked_for_before_it_is_sent_again(kept: Double) -> None:
    invoice = billed("second")
    wire(kept).after = 1
    with pytest.raises(Exception, match="cut"):
        charging.charge(invoice, k=1)
    kept.wait(timedelta(hours=25))
    with clock.stopped_at(clock.now() + timedelta(hours=25)):
        assert charging.sweep() == 1
    assert len(kept.intents) == 2
    with reading():
        assert db.session.get_one(Invoice, invoice.id).state is InvoiceState.PAID


@pytest.mark.parametrize("said", ["card_declined", "authentication_required"])
def test_a_card_that_does_not_pay_sends_its_payer_to_the_page(kept: Double, said: str) -> None:
    invoice = billed("second")
    kept.card = said
    assert charging.charge(invoice, k=1) is AttemptState.FAILED
    news(kept)
    with reading():
        attempt = db.session.query(CheckoutAttempt).filter_by(invoice_id=invoice.id).one()
        assert attempt.why == said
        assert db.session.query(MailMessage).filter(MailMessage.key.startswith("card_failed:")).count() == 1
    assert kept.intents[str(attempt.session_id)]["status"] == "canceled"
    kept.card = ""
    assert charging.charge(invoice, k=1) is AttemptState.FAILED
    assert charging.charge(invoice, k=2) is AttemptState.PAID
    assert at(ledger.STRIPE) == [4_000_000]


def test_the_ladder_charges_the_card_at_each_step_once(kept: Double) -> None:
    """Declined on the due day, paid at the next step: each step is one try, however often its chore runs."""
    with transaction():
        order = issuing.place_order(books.party(), "second", [Item(price_of("dues.silver"))])
        number = issuing.issue_invoice(order, language="en", by="test", ladder=ladder.STANDARD).id
    with reading():
        due = db.session.get_one(Invoice, number).due_on
    assert due is not None

    def day(later: int) -> list[str]:
        for _twice in range(2):
            with clock.stopped_at(due + timedelta(days=later)):
                dunning.sweep()
                outbox.drain()
        with reading():
            rows = db.session.query(CheckoutAttempt).filter(CheckoutAttempt.auto_key.is_not(None))
            return [row.state for row in rows.order_by(CheckoutAttempt.id)]

    assert day(-7) == []
    kept.card = "card_declined"
    assert day(0) == [AttemptState.FAILED]
    kept.card = ""
    assert day(7) == [AttemptState.FAILED, AttemptState.PAID]
    assert day(15) == [AttemptState.FAILED, AttemptState.PAID]
    with reading():
        assert db.session.get_one(Invoice, number).state is InvoiceState.PAID
    assert at(ledger.STRIPE) == [4_000_000]


def test_a_charge_waits_for_a_payment_page_and_closes_it(kept: Double) -> None:
    invoice = billed("second")
    session = again(invoice.id)
    assert charging.charge(invoice, k=1) is AttemptState.PAID
    outbox.drain()
    assert kept.sessions[session]["status"] == "expired"


def test_a_card_is_forgotten_when_its_payer_says_so(kept: Double) -> None:
    with transaction():
        card = db.session.query(SavedCard).one()
        saved_cards.remove(card, by=books.person("chen"))
    outbox.drain()
    assert f"POST /v1/payment_methods/{card.method}/detach" in kept.calls
    with transaction(), pytest.raises(Refused):
        saved_cards.remove(db.session.get_one(SavedCard, card.id), by=books.person("chen"))
    with pytest.raises(Missing):
        charging.charge(billed("third"), k=1)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE dispute SET amount = amount + 1", "disputes: receipt"),
        ("UPDATE payout SET fee = fee + 1", "payouts: po_000000 cost"),
        ("UPDATE payout SET amount = amount + 1", "payouts: po_000000 is"),
    ],
)
def test_a_change_by_hand_is_found_and_named(double: Double, sql: str, said: str) -> None:
    _invoice, _receipt, payment = paid(double)
    double.dispute(payment, 100_000)
    double.pay_out()
    news(double)
    assert at(ledger.DISPUTED) == [100_000]
    with transaction():
        db.session.execute(text(sql))
    with reading():
        assert any(one.startswith(said) for one in verify_books()[1])


def test_nothing_of_the_providers_books_is_asked_from_within_a_transaction(double: Double) -> None:
    calls: list[Callable[[], object]] = [
        lambda: gateway_books.fetch_dispute("dp"), lambda: gateway_books.fees("po"),
        lambda: gateway_books.recent(clock.now()), lambda: gateway_books.fetch_payment("pi"),
        lambda: gateway_books.forget_card("pm"), lambda: gateway.refunds_of("pi"),
        lambda: gateway_books.find_payment("cus", "x"),
    ]  # fmt: skip
    for call in calls:
        with transaction(), pytest.raises(RuntimeError, match="never called inside"):
            call()
    assert double.calls == []
    assert sending.sweep() == 0
