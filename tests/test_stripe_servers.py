"""Stories against servers that others wrote: each is Stripe in part, and none of them knows us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from flask import Flask
from sqlalchemy import select

from portal.billing import charging, gateway, hearing, ledger, online, refunds, sending, settling
from portal.billing.checkout_models import AttemptState, CheckoutAttempt, GatewayEvent
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Allocation, Receipt, Refund, RefundState, Way
from portal.billing.provider_models import Dispute, DisputeState, SavedCard
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from tests import books, contract
from tests.nursery import Racer
from tests.ports import free_port
from tests.stripe_front import HOOK_SECRET, Front, Wire, listening, path_of
from tests.test_processes import environment, until
from tools import stripe_servers

pytestmark = pytest.mark.slow
SECRET = "whsec_tests"
SILVER = Money(2_000_000)
LOCAL = (
    "from aiohttp import web; from localstripe import server, resources; "
    "resources.store.dump_to_disk = lambda: None; "
    'web.run_app(server.app, host="127.0.0.1", port={port})'
)
STATEFUL = 'require("stripe-stateful-mock/dist/index.js").createExpressApp().listen({port}, "127.0.0.1")'
VICTIM = """
import sys
from portal.app import create_app
from portal.billing import charging, online, sending
from portal.billing.models import Invoice
from portal.core.db import db
verb, what = sys.argv[1:3]
with create_app().app_context():
    if verb == "begin":
        online.begin(db.session.get_one(Invoice, int(what)))
    elif verb == "settle":
        online.settle(what)
    elif verb == "charge":
        charging.settle_charge(what)
    else:
        sending.settle_refund(what)
"""


def servers() -> Path:
    """Return where the servers lie; the test says it when they cannot be had."""
    try:
        return stripe_servers.installed()
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"the independent Stripe servers cannot be installed here: {error}")


def started(command: list[str], url: str, folder: Path, **more: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, **more}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def listens() -> bool:
        assert process.poll() is None, command
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    until(listens, f"{command} answers")
    return process


@pytest.fixture(scope="session")
def stateful() -> Iterator[str]:
    """stripe-stateful-mock: keys, charges, refunds, disputes."""
    folder, port = servers(), free_port()
    url = f"http://127.0.0.1:{port}"
    process = started([str(stripe_servers.node()), "-e", STATEFUL.format(port=port)], url, folder)
    yield url
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def localstripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """localstripe: payments without their payer, declines, refunds, hooks of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = started([sys.executable, "-c", LOCAL.format(port=port)], url, tmp_path_factory.mktemp("local"))
    yield url
    process.kill()
    process.wait()


@pytest.fixture
def front(app: Flask, tmp_path: Path) -> Iterator[Front]:
    """emulate with its front, and the application behind both."""
    folder, port = servers(), free_port()

    def deliver(body: bytes, header: str) -> int:
        client = app.test_client()
        return client.post(
            "/billing/stripe/webhook", data=body, headers={"Stripe-Signature": header}
        ).status_code

    made = Front(f"http://127.0.0.1:{port}", deliver, SECRET)
    with listening(made) as url:
        seed = tmp_path / "emulate.yaml"
        hook = f'{{url: "{url}/hooks", events: ["*"], secret: {HOOK_SECRET}}}'
        seed.write_text(f"stripe:\n  webhooks:\n    - {hook}\n", "utf-8")
        program = str(folder / "node_modules" / "emulate" / "dist" / "index.js")
        command = [str(stripe_servers.node()), program, "start", "--service", "stripe", "--port", str(port)]
        process = started([*command, "--seed", str(seed)], made.upstream + "/v1/products", folder)
        connect(app, url)
        yield made
        process.kill()
        process.wait()


def connect(app: Flask, url: str) -> None:
    """Let the application talk to an address, every request checked on its way out."""
    books.set_up(app, stripe_secret_key="sk_test_x", stripe_webhook_secret=SECRET, stripe_api_base=url)
    books.house(app)


@pytest.fixture(autouse=True)
def checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check every request against the types of the pinned version."""
    real = gateway.client
    monkeypatch.setattr(gateway, "client", lambda: contract.Checked(real()))


def killed(app: Flask, home: Path, wire: Wire, verb: str, what: object) -> None:
    """Run a step in a process of its own that is killed -9 between the server's answer and our commit."""
    env = {
        **environment(app, home), "STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": wire.url,
    }  # fmt: skip
    wire.kill_next()
    process = Racer(home, env, VICTIM, verb, str(what))
    wire.victim = process.pid
    assert process.wait() == -9
    assert len(wire.killed) >= 1


def page(url: str, data: bytes | None = None) -> tuple[int, str, str]:
    """Open a page without following where it leads: status, text, address."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_args: Any, **_more: Any) -> None:
            return None

    try:
        with urllib.request.build_opener(Stay).open(url, data, timeout=20) as answer:
            return int(answer.status), answer.read().decode(), ""
    except urllib.error.HTTPError as error:
        return error.code, "", error.headers.get("Location", "")


def bill(subject: str = "test:1") -> int:
    with transaction():
        return books.bill(subject).id


def attempt(number: int) -> CheckoutAttempt:
    with reading():
        rows = select(CheckoutAttempt).where(CheckoutAttempt.invoice_id == number)
        found = db.session.scalars(rows.order_by(CheckoutAttempt.n.desc())).first()
        assert found is not None
        db.session.expunge(found)  # to read on it later would take the pen from the processes we start
        return found


def state_of(number: int) -> InvoiceState:
    with reading():
        assert verify_books()[1] == []
        return db.session.get_one(Invoice, number).state


# -- emulate


def test_pay_on_the_hosted_page(app: Flask, front: Front) -> None:
    with app.app_context():
        number = bill()
        url = front.upstream + path_of(online.begin(db.session.get_one(Invoice, number)))
        status, text, _to = page(url)
        assert (status, "INV-" in text, "20,000.00" in text or "20000.00" in text) == (200, True, True)
        status, _text, to = page(url + "/complete", b"")
        assert (status, path_of(to)) == (302, f"/payments/{attempt(number).uid}")
        done = "checkout.session.completed"
        until(lambda: len(front.told(done)) == 2, "the hook came twice")
        assert front.told(done) == [200, 200]
        outbox.drain()
        assert state_of(number) is InvoiceState.PAID
        page(url + "/complete", b"")
        assert online.settle(str(attempt(number).session_id)) is AttemptState.PAID
        with reading():
            assert db.session.query(GatewayEvent).filter_by(kind=done).count() == 1
            receipt = db.session.query(Receipt).one()
            assert (receipt.way, receipt.amount) == (Way.CARD, SILVER)


def test_expire_and_try_again_for_what_is_left(app: Flask, front: Front) -> None:
    with app.app_context():
        number = bill()
        first = front.upstream + path_of(online.begin(db.session.get_one(Invoice, number)))
        with transaction():
            books.transfer("B-1", Money(500_000), str(db.session.get_one(Invoice, number).reference))
        outbox.drain()
        until(lambda: len(front.told("checkout.session.expired")) == 2, "emulate told that it expired")
        assert "expired" in page(first)[1].lower()
        second = front.upstream + path_of(online.begin(db.session.get_one(Invoice, number)))
        assert first != second
        page(second + "/complete", b"")
        until(lambda: len(front.told("checkout.session.completed")) == 2, "emulate told of the payment")
        outbox.drain()
        assert state_of(number) is InvoiceState.PAID
        with reading():
            assert sorted(row.amount.minor for row in db.session.query(Receipt)) == [500_000, 1_500_000]


def test_killed_while_a_session_is_opened_and_while_it_is_settled(
    app: Flask, front: Front, tmp_path: Path
) -> None:
    with app.app_context():
        number = bill()
        killed(app, tmp_path, front, "begin", number)
        assert attempt(number).state is AttemptState.CREATING
        url = front.upstream + path_of(online.begin(db.session.get_one(Invoice, number)))
        assert len(front.asked) == 1
        page(url + "/complete", b"")
        killed(app, tmp_path, front, "settle", attempt(number).session_id)
        assert attempt(number).state is AttemptState.OPEN
        assert online.sweep() == 1
        outbox.drain()
        assert state_of(number) is InvoiceState.PAID
        with reading():
            assert db.session.query(Receipt).count() == 1


# -- localstripe


def ask(server: str, path: str, **fields: str) -> Any:
    data = urllib.parse.urlencode(fields).encode() if fields else None
    call = urllib.request.Request(server + path, data, {"Authorization": "Bearer sk_test_x"})
    with urllib.request.urlopen(call, timeout=20) as answer:
        return json.loads(answer.read() or b"null")


def card(url: str, number: str) -> None:
    """Keep a card of the company at the server, and here."""
    customer = ask(url, "/v1/customers", email="chen@galaxy.example")["id"]
    fields = {"card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2040", "card[cvc]": "123"}
    method = ask(url, "/v1/payment_methods", type="card", **fields)["id"]
    ask(url, f"/v1/payment_methods/{method}/attach", customer=customer)
    with transaction():
        db.session.add(
            SavedCard(party=books.party(), customer=customer, method=method, words=f"Visa •••• {number[-4:]}")
        )


@pytest.fixture
def local(app: Flask, localstripe: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """localstripe behind a wire that keeps keys, its hooks coming to our door over HTTP."""
    monkeypatch.setattr("portal.billing.saved_cards.offered", lambda: True)
    monkeypatch.setattr("portal.billing.charging.offered", lambda: True)
    wire = Wire(localstripe)
    with listening(wire) as url, listening(app) as door:
        connect(app, url)
        ask(localstripe, "/_config/webhooks/h1", url=f"{door}/billing/stripe/webhook", secret=SECRET)
        yield wire


def told() -> set[str]:
    with reading():
        return {row.kind for row in db.session.query(GatewayEvent)}


def test_a_card_on_file_pays_and_its_hook_changes_nothing_more(app: Flask, local: Wire) -> None:
    with app.app_context():
        card(local.upstream, "4242424242424242")
        number = bill()
        assert charging.charge(db.session.get_one(Invoice, number), k=1) is AttemptState.PAID
        until(lambda: "payment_intent.succeeded" in told(), "localstripe told of it")
        outbox.drain()
        assert state_of(number) is InvoiceState.PAID
        with reading():
            assert db.session.query(Receipt).count() == 1


@pytest.mark.parametrize(
    ("number", "why"),
    [("4000000000000341", "card_declined"), ("4000002500003155", "authentication_required")],
)
def test_a_card_that_is_declined_or_wants_its_payer_fails_and_says_so(
    app: Flask, local: Wire, number: str, why: str
) -> None:
    with app.app_context():
        card(local.upstream, number)
        invoice = bill()
        assert charging.charge(db.session.get_one(Invoice, invoice), k=1) is AttemptState.FAILED
        outbox.drain()
        assert (attempt(invoice).why, state_of(invoice)) == (why, InvoiceState.OPEN)
        with reading():
            mails = db.session.query(MailMessage).filter(MailMessage.key.startswith("card_failed:"))
            assert mails.count() == 1
            assert db.session.query(Receipt).count() == 0


def test_killed_while_a_card_is_charged_it_is_charged_once(app: Flask, local: Wire, tmp_path: Path) -> None:
    with app.app_context():
        card(local.upstream, "4242424242424242")
        number = bill()
        with transaction():
            row = db.session.get_one(Invoice, number)
            uid = charging._begin(row, 1).uid
        killed(app, tmp_path, local, "charge", uid)
        assert attempt(number).state is AttemptState.CREATING
        assert charging.sweep() == 1
        assert state_of(number) is InvoiceState.PAID
        customer = db.session.scalars(select(SavedCard.customer)).one()
        db.session.rollback()
    found = ask(local.upstream, "/v1/payment_intents?limit=100")["data"]
    assert len([one for one in found if one["customer"] == customer]) == 1


def test_refund_in_part_and_never_more_than_there_is(app: Flask, local: Wire) -> None:
    with app.app_context():
        card(local.upstream, "4242424242424242")
        number = bill()
        charging.charge(db.session.get_one(Invoice, number), k=1)
        with transaction():
            receipt = db.session.query(Receipt).one()
            allocation = db.session.query(Allocation).one()
            settling.release(allocation, by="test", reason="half of it back", part=Money(800_000))
        for fen in (500_000, 300_000):
            with transaction():
                row = refunds.request_refund(receipt, Money(fen), by=books.person("fang"), reason="half")
                refunds.approve_refund(row, by=books.person("feng"))
        sending.sweep()
        with transaction(), pytest.raises(Refused):
            refunds.request_refund(receipt, Money(1), by=books.person("fang"), reason="too much")
        assert state_of(number) is InvoiceState.OPEN
        with reading():
            assert {row.state for row in db.session.query(Refund)} == {RefundState.SUCCEEDED}
            assert ledger.balance(ledger.STRIPE) == Money(1_200_000)
            payment = receipt.provider_ref
    given = ask(local.upstream, f"/v1/refunds?payment_intent={payment}")["data"]
    assert sorted(one["amount"] for one in given) == [300_000, 500_000]


# -- stripe-stateful-mock


@pytest.fixture
def mock(app: Flask, stateful: str) -> Iterator[Wire]:
    """The server with keys of its own, behind a wire that keeps none."""
    wire = Wire(stateful, keeps_keys=False)
    with listening(wire) as url:
        connect(app, url)
        yield wire


def charged(wire: Wire, token: str = "tok_visa") -> str:
    """Take money at the server and book it here as credit; return the charge."""
    made = ask(wire.upstream, "/v1/charges", amount="2000000", currency="cny", source=token)
    with transaction():
        settling.record_receipt(
            Way.CARD, "stripe", made["id"], SILVER, clock.today(), payer="Galaxy Ltd", party=books.party(), by="test"
        )  # fmt: skip
    return str(made["id"])


def approved(fen: int) -> str:
    with transaction():
        receipt = db.session.query(Receipt).one()
        row = refunds.request_refund(receipt, Money(fen), by=books.person("fang"), reason="x")
        refunds.approve_refund(row, by=books.person("feng"))
        return row.uid


def test_killed_while_a_refund_is_sent_it_goes_out_once(app: Flask, mock: Wire, tmp_path: Path) -> None:
    with app.app_context():
        charge = charged(mock)
        uid = approved(700_000)
        killed(app, tmp_path, mock, "refund", uid)
        with reading():
            assert db.session.query(Refund).one().state is RefundState.SENDING
        for _again in range(3):
            sending.sweep()
        with reading():
            assert db.session.query(Refund).one().state is RefundState.SUCCEEDED
            assert verify_books()[1] == []
    given = ask(mock.upstream, f"/v1/refunds?charge={charge}")["data"]
    assert [one["amount"] for one in given] == [700_000]
    assert given[0]["metadata"] == {"refund": uid}


def test_the_same_key_is_the_same_refund_and_other_words_are_refused(app: Flask, mock: Wire) -> None:
    with app.app_context():
        charge = charged(mock)

        def send(fen: int) -> str:
            words = {"key": "refund:k" + charge, "uid": "u", "payment": charge}
            return gateway.send_refund("stripe", amount=Money(fen), **words).id

        assert send(100) == send(100)
        with pytest.raises(stripe.IdempotencyError):
            send(200)


def test_a_refund_beyond_the_payment_fails_and_is_credit_again(app: Flask, mock: Wire) -> None:
    with app.app_context():
        charge = charged(mock)
        gateway.send_refund(
            "stripe", key="outside" + charge, uid="x", payment=charge, amount=Money(1_500_000)
        )
        approved(700_000)
        sending.sweep()
        with reading():
            row = db.session.query(Refund).one()
            assert row.state is RefundState.FAILED
            assert "greater than" in row.failure
            assert credit_of(row.receipt) == SILVER
            assert verify_books()[1] == []


def test_a_dispute_holds_the_money_and_stops_refunds(app: Flask, mock: Wire) -> None:
    with app.app_context():
        charge = charged(mock, "tok_createDispute")
        dispute = ask(mock.upstream, f"/v1/charges/{charge}")["dispute"]
        for _again in range(2):
            assert hearing.settle_dispute(dispute) is DisputeState.OPEN
        with reading():
            row = db.session.query(Dispute).one()
            assert (row.amount, row.reason, row.answer_by is not None) == (SILVER, "fraudulent", True)
            assert ledger.balance(ledger.DISPUTED) == SILVER
            assert verify_books()[1] == []
        with pytest.raises(Refused):
            approved(1)
        sent = gateway.send_refund("stripe", key="late" + charge, uid="x", payment=charge, amount=Money(1))
        assert (sent.status, "charged back" in sent.why) == ("failed", True)


def test_a_question_of_the_bank_is_no_dispute_yet(app: Flask, mock: Wire) -> None:
    with app.app_context():
        charge = charged(mock, "tok_createDisputeInquiry")
        dispute = ask(mock.upstream, f"/v1/charges/{charge}")["dispute"]
        assert hearing.settle_dispute(dispute) is DisputeState.INQUIRY
        with reading():
            assert ledger.balance(ledger.DISPUTED) == Money(0)
