"""A double of Stripe on loopback: the endpoints the gateway calls, keys that repeat for a day, a clock, and mischief."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from werkzeug.serving import make_server
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from tests.contract import check_answer

Row = dict[str, Any]
BROKEN: Any = stripe.APIConnectionError  # untyped in the library
KEEPS_KEYS = timedelta(hours=24)
FEE_BP = 340  # what a card costs
DISPUTE_FEE = 1500


class Refusal(Exception):
    """An answer of status 400 or 402 with its error."""

    def __init__(self, message: str, kind: str = "invalid_request_error", **more: Any) -> None:
        super().__init__(message)
        self.body = {"error": {"message": message, "type": kind, **more}}
        self.status = 402 if kind == "card_error" else 400


class Double:
    """What the provider knows, and what it does to us.

    `lose`: accept the next calls and answer nothing; `refuse`: do not accept them; `cut` counts the same for the
    in-process client as broken connections. `told` are the events so far, in order.
    """

    def __init__(self) -> None:
        self.sessions: dict[str, Row] = {}
        self.intents: dict[str, Row] = {}
        self.charges: dict[str, Row] = {}
        self.refunds: dict[str, Row] = {}
        self.disputes: dict[str, Row] = {}
        self.payouts: dict[str, Row] = {}
        self.moves: dict[str, Row] = {}
        self.answers: dict[str, tuple[datetime, str, Row]] = {}
        self.told: list[Row] = []
        self.calls: list[str] = []
        self.lose = self.refuse = 0
        self.refund_status = "succeeded"
        self.card = (
            ""  # what the bank says to cards on file: "", a code of refusal, or authentication_required
        )
        self.url = "http://double"
        self.now = datetime.now(UTC)

    # -- the clock and the events

    def stamp(self) -> int:
        """Return the double's instant as Stripe writes it."""
        return int(self.now.timestamp())

    def wait(self, how_long: timedelta) -> None:
        """Let time pass; keys older than a day are forgotten."""
        self.now += how_long
        self.answers = {key: row for key, row in self.answers.items() if self.now - row[0] < KEEPS_KEYS}

    def tell(self, kind: str, about: Row) -> None:
        """Make an event of what happened, as it was at that moment."""
        self.told.append(
            {
                "id": f"evt_{len(self.told):06d}", "object": "event", "type": kind, "livemode": False,
                "created": self.stamp(), "api_version": "2026-10-28.endive", "data": {"object": _shown(about)},
            }
        )  # fmt: skip

    # -- what payers, banks and the provider do

    def pay(self, session_id: str, *, later: bool = False, kind: str = "card") -> Row:
        """Let the payer pay, or promise to."""
        row = self.sessions[session_id]
        name = "pi_" + session_id[-6:]
        self.intents[name] = self._intent(
            name, row["amount_total"], row["currency"], "processing", row["_marks"]
        )
        row.update(status="complete", payment_status="unpaid", payment_intent=name, _kind=kind)
        if row["customer_creation"] == "always":
            row["customer"] = row["customer"] or f"cus_{session_id[-6:]}"
        if not later:
            self._captured(row)
        self.tell("checkout.session.completed", row)
        return row

    def _captured(self, row: Row) -> None:
        row["payment_status"] = "paid"
        self._charge(self.intents[row["payment_intent"]], row.pop("_kind", "card"))

    def arrive(self, session_id: str) -> None:
        """Let promised money come."""
        self._captured(self.sessions[session_id])
        self.tell("checkout.session.async_payment_succeeded", self.sessions[session_id])

    def fail(self, session_id: str) -> None:
        """Let promised money not come."""
        intent = self.intents[self.sessions[session_id]["payment_intent"]]
        intent["status"] = "requires_payment_method"
        self.tell("payment_intent.payment_failed", intent)
        self.tell("checkout.session.async_payment_failed", self.sessions[session_id])

    def decline(self, session_id: str) -> None:
        """Let the payer's bank say no on the payment page; the page stays open."""
        row = self.sessions[session_id]
        name = "pi_" + session_id[-6:]
        marks = row["_marks"]
        intent = self._intent(name, row["amount_total"], row["currency"], "requires_payment_method", marks)
        self.tell("payment_intent.payment_failed", intent)

    def expire(self, session_id: str) -> None:
        """Let a session run out."""
        self.sessions[session_id]["status"] = "expired"
        self.tell("checkout.session.expired", self.sessions[session_id])

    def dispute(self, payment: str, amount: int, status: str = "needs_response") -> str:
        """Let the payer go to his bank."""
        name = f"dp_{len(self.disputes):06d}"
        self.disputes[name] = {
            "id": name, "object": "dispute", "amount": amount, "currency": "cny", "status": status,
            "payment_intent": payment, "charge": self.intents[payment]["latest_charge"], "reason": "fraudulent",
            "livemode": False, "evidence_details": {"due_by": self.stamp() + 7 * 86400},
        }  # fmt: skip
        self.tell("charge.dispute.created", self.disputes[name])
        if not status.startswith("warning"):
            self._withdraw(name)
        return name

    def _withdraw(self, name: str) -> None:
        row = self.disputes[name]
        self._move("adjustment", -row["amount"], DISPUTE_FEE, row)
        self.tell("charge.dispute.funds_withdrawn", row)

    def decide(self, dispute: str, status: str) -> None:
        """Let the bank decide: won, lost, warning_closed, or needs_response after a warning."""
        row = self.disputes[dispute]
        before, row["status"] = row["status"], status
        if status == "needs_response" and before.startswith("warning"):
            self.tell("charge.dispute.updated", row)
            self._withdraw(dispute)
            return
        if status == "won":
            self._move("adjustment", row["amount"], 0, row)
            self.tell("charge.dispute.funds_reinstated", row)
        self.tell("charge.dispute.closed", row)

    def send_back(self, payment: str, amount: int, uid: str = "") -> Row:
        """Make a refund; one without our mark was made on the provider's own pages."""
        total = sum(one["amount"] for one in self.intents.values() if one["id"] == payment)
        given = sum(
            one["amount"] for one in self.refunds.values()
            if one["payment_intent"] == payment and one["status"] != "failed"
        )  # fmt: skip
        if given + amount > total:
            raise Refusal("Refund amount is greater than charge amount")
        name = f"re_{len(self.refunds):06d}"
        row = self.refunds[name] = {
            "id": name, "object": "refund", "amount": amount, "currency": "cny", "payment_intent": payment,
            "charge": self.intents[payment]["latest_charge"], "status": self.refund_status,
            "metadata": {"refund": uid} if uid else {}, "failure_reason": None,
        }  # fmt: skip
        self._move("refund", -amount, 0, row)
        self.tell("refund.created", row)
        self.tell("charge.refunded", self.charges[row["charge"]])
        return row

    def finish_refund(self, name: str, status: str, why: str | None = None) -> None:
        """Let a refund that waits succeed, or any refund fail."""
        row = self.refunds[name]
        row.update(status=status, failure_reason=why)
        if status == "failed":
            self._move("refund_failure", row["amount"], 0, row)
        self.tell("refund.failed" if status == "failed" else "refund.updated", row)

    def pay_out(self, status: str = "paid") -> str:
        """Send everything that has come together to our bank account, less the fees."""
        name = f"po_{len(self.payouts):06d}"
        mine = [row for row in self.moves.values() if row["_payout"] is None]
        for row in mine:
            row["_payout"] = name
        self.payouts[name] = {
            "id": name, "object": "payout", "amount": sum(row["net"] for row in mine), "currency": "cny",
            "status": status, "livemode": False, "arrival_date": self.stamp(), "automatic": True,
        }  # fmt: skip
        self._move("payout", -self.payouts[name]["amount"], 0, self.payouts[name], payout=name)
        self.tell(f"payout.{status}", self.payouts[name])
        return name

    def payout_fails(self, name: str) -> None:
        """Let our bank send a payout back."""
        row = self.payouts[name]
        row["status"] = "failed"
        self._move("payout_failure", row["amount"], 0, row)
        self.tell("payout.failed", row)

    # -- rows

    def _intent(self, name: str, amount: int, currency: str, status: str, marks: Row) -> Row:
        return {
            "id": name, "object": "payment_intent", "amount": amount, "currency": currency, "status": status,
            "metadata": marks, "latest_charge": None, "payment_method": f"pm_{name[3:]}", "livemode": False,
            "customer": None, "last_payment_error": None,
        }  # fmt: skip

    def _charge(self, intent: Row, kind: str = "card") -> None:
        name = "ch_" + intent["id"][3:]
        details: Row = {"type": kind}
        if kind == "card":
            details["card"] = {"brand": "visa", "last4": "4242"}
        self.charges[name] = {
            "id": name, "object": "charge", "amount": intent["amount"], "currency": intent["currency"],
            "payment_intent": intent["id"], "payment_method_details": details, "livemode": False,
            "metadata": intent["metadata"],
        }  # fmt: skip
        intent.update(status="succeeded", latest_charge=name)
        self._move("charge", intent["amount"], -(-intent["amount"] * FEE_BP // 10000), self.charges[name])

    def _move(self, kind: str, amount: int, fee: int, source: Row, payout: str | None = None) -> None:
        name = f"txn_{len(self.moves):06d}"
        self.moves[name] = {
            "id": name, "object": "balance_transaction", "type": kind, "amount": amount, "fee": fee,
            "net": amount - fee, "currency": "cny", "source": source["id"], "_payout": payout,
        }  # fmt: skip

    # -- the wire

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.calls.append(f"{request.method} {request.path}")
        if self.refuse:
            self.refuse -= 1
            return _answer({"error": {"message": "busy", "type": "api_error"}}, 503)(environ, start_response)
        body, status = self._keyed(request)
        if self.lose:
            self.lose -= 1
            return _answer({"error": {"message": "lost", "type": "api_error"}}, 500)(environ, start_response)
        return _answer(body, status)(environ, start_response)

    def _keyed(self, request: Request) -> tuple[Row, int]:
        """Answer a call; with a key that came before: the same answer, or a refusal if the words differ."""
        key = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
        asked = json.dumps([request.path, sorted(request.form.items(multi=True))])
        if key in self.answers:
            _at, before, body = self.answers[key]
            if before != asked:
                error = {"message": "other words for this key", "type": "idempotency_error"}
                return {"error": error}, 400
            return body, 402 if "error" in body else 200
        try:
            body, status = _shown(self._work(request)), 200
        except Refusal as refusal:
            body, status = refusal.body, refusal.status
        if "error" not in body:
            check_answer(body)
        if key and status in {200, 402}:
            self.answers[key] = (self.now, asked, body)
        return body, status

    def _work(self, request: Request) -> Row:
        method, path, form, args = request.method, request.path, request.form, request.args
        if method == "POST":
            return self._change(path, form)
        lists = {
            "/v1/checkout/sessions": self.sessions.values(), "/v1/events": self.told,
            "/v1/payouts": self.payouts.values(), "/v1/payment_intents": self.intents.values(),
        }  # fmt: skip
        if path in lists:
            return _listed(path, [one for one in lists[path] if _asked_for(one, args)])
        if path == "/v1/refunds":
            mine = [one for one in self.refunds.values() if one["payment_intent"] == args["payment_intent"]]
            return _listed(path, mine)
        if path == "/v1/balance_transactions":
            found = [one for one in self.moves.values() if one["_payout"] == args["payout"]]
            return _listed(path, [{**one, "source": self._source(one["source"])} for one in found])
        _v1, *_group, kind, name = path.strip("/").split("/")
        places = {
            "sessions": self.sessions, "payment_intents": self.intents, "refunds": self.refunds,
            "disputes": self.disputes, "payouts": self.payouts,
        }  # fmt: skip
        if name not in places.get(kind, {}):
            raise Refusal(f"No such {kind}: {name}", code="resource_missing")
        return self._opened(places[kind][name]) if args else places[kind][name]

    def _source(self, name: str) -> Any:
        for place in (self.charges, self.refunds, self.disputes, self.payouts):
            if name in place:
                return place[name]
        return name

    def _opened(self, row: Row) -> Row:
        if row.get("latest_charge"):
            return {**row, "latest_charge": self.charges[row["latest_charge"]]}
        if row.get("payment_intent"):
            return {**row, "payment_intent": self._opened(self.intents[row["payment_intent"]])}
        return row

    def _change(self, path: str, form: Any) -> Row:
        if path == "/v1/checkout/sessions":
            return self._session(form)
        if path == "/v1/payment_intents":
            return self._off_session(form)
        if path == "/v1/refunds":
            return self.send_back(form["payment_intent"], int(form["amount"]), form["metadata[refund]"])
        if found := re.fullmatch(r"/v1/checkout/sessions/(\w+)/expire", path):
            if self.sessions[found[1]]["status"] != "open":
                raise Refusal("over")
            self.expire(found[1])
            return self.sessions[found[1]]
        if found := re.fullmatch(r"/v1/payment_intents/(\w+)/cancel", path):
            self.intents[found[1]]["status"] = "canceled"
            return self.intents[found[1]]
        if found := re.fullmatch(r"/v1/payment_methods/(\w+)/detach", path):
            return {"id": found[1], "object": "payment_method", "customer": None}
        raise Refusal(f"Unrecognized request URL: {path}")

    def _session(self, form: Any) -> Row:
        name = f"cs_test_{len(self.sessions):06d}"
        marks = {
            key[len("payment_intent_data[metadata][") : -1]: value
            for key, value in form.items() if key.startswith("payment_intent_data[metadata][")
        }  # fmt: skip
        self.sessions[name] = {
            "id": name, "object": "checkout.session", "status": "open", "payment_status": "unpaid",
            "livemode": False, "amount_total": int(form["line_items[0][price_data][unit_amount]"]),
            "currency": form["line_items[0][price_data][currency]"], "payment_intent": None,
            "client_reference_id": form["client_reference_id"], "url": f"{self.url}/pay/{name}",
            "created": self.stamp(), "customer": form.get("customer"), "metadata": marks,
            "customer_creation": form.get("customer_creation", "if_required"), "_marks": marks,
        }  # fmt: skip
        return self.sessions[name]

    def _off_session(self, form: Any) -> Row:
        name = f"pi_auto{len(self.intents):04d}"
        marks = {"invoice": form["metadata[invoice]"], "attempt": form["metadata[attempt]"]}
        status = "requires_payment_method" if self.card else "succeeded"
        row = self._intent(name, int(form["amount"]), form["currency"], status, marks)
        self.intents[name] = row
        row.update(customer=form["customer"], payment_method=form["payment_method"])
        if self.card:
            row["last_payment_error"] = {"code": self.card, "type": "card_error"}
            self.tell("payment_intent.payment_failed", row)
            raise Refusal("Your card was declined.", "card_error", code=self.card, payment_intent=_shown(row))
        self._charge(row)
        self.tell("payment_intent.succeeded", row)
        return row


def _shown(row: Any) -> Any:
    """Return a row as the world sees it: without what the double notes for itself."""
    if isinstance(row, dict):
        return {key: _shown(value) for key, value in row.items() if not key.startswith("_")}
    return [_shown(one) for one in row] if isinstance(row, list) else row


def _listed(path: str, rows: list[Row]) -> Row:
    return {"object": "list", "data": rows[::-1], "has_more": False, "url": path}


def _asked_for(row: Row, args: Any) -> bool:
    since, customer = args.get("created[gte]"), args.get("customer")
    kinds = {value for key, value in args.items() if key.startswith("types[")}
    return not (
        (since and row.get("created", 2**40) < int(since))
        or (customer and row.get("customer") != customer)
        or (kinds and row.get("type") not in kinds)
    )


def _answer(body: Row, status: int) -> Response:
    return Response(json.dumps(body), status=status, mimetype="application/json")


class Direct(stripe.HTTPClient):
    """The way to a double without a network; a call can break before or after the double has heard it."""

    name = "direct"

    def __init__(self, double: Double) -> None:
        super().__init__()
        self.client = Client(double)
        self.before = self.after = 0

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, *, _usage: Any = None
    ) -> tuple[str, int, Any]:
        """Hand one call over."""
        if self.before:
            self.before -= 1
            raise BROKEN("cut before")
        answer = self.client.open(
            url, method=method.upper(), headers=dict(headers), data=post_data or None,
            content_type="application/x-www-form-urlencoded" if post_data else None,
        )  # fmt: skip
        if self.after:
            self.after -= 1
            raise BROKEN("cut after")
        return answer.get_data(as_text=True), answer.status_code, dict(answer.headers)

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def serving(double: Double | None = None) -> Iterator[Double]:
    """Serve a double on a free loopback port."""
    double = double or Double()
    server = make_server("127.0.0.1", 0, double, threaded=True)
    double.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
