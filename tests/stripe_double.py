"""A double of Stripe on loopback: the few endpoints the gateway calls, keys that repeat, and some mischief."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response


class Double:
    """What the provider knows: sessions, refunds, answers by key. `lose`: accept the next calls and answer nothing."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, tuple[str, dict[str, Any]]] = {}
        self.calls: list[str] = []
        self.lose = 0
        self.refuse = 0
        self.refund_status = "succeeded"
        self.url = ""

    def pay(self, session_id: str, *, later: bool = False, kind: str = "card") -> dict[str, Any]:
        """Let the payer pay."""
        row = self.sessions[session_id]
        row.update(status="complete", payment_status="unpaid" if later else "paid", _wallet=kind)
        row["payment_intent"] = "pi_" + session_id[-6:]
        return row

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.calls.append(f"{request.method} {request.path}")
        if self.refuse:
            self.refuse -= 1
            return self._answer({"error": {"message": "busy", "type": "api_error"}}, 503)(
                environ, start_response
            )
        key = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
        asked = json.dumps(sorted(request.form.items(multi=True)))
        if key in self.answers:
            before, body = self.answers[key]
            if before != asked:
                error = {"message": "other words for this key", "type": "idempotency_error"}
                return self._answer({"error": error}, 400)(environ, start_response)
        else:
            body = self._work(request)
            if key and "error" not in body:
                self.answers[key] = (asked, body)
        if self.lose:
            self.lose -= 1
            return self._answer({"error": {"message": "lost", "type": "api_error"}}, 500)(
                environ, start_response
            )
        return self._answer(body, 400 if "error" in body else 200)(environ, start_response)

    def _answer(self, body: dict[str, Any], status: int) -> Response:
        return Response(json.dumps(body), status=status, mimetype="application/json")

    def _work(self, request: Request) -> dict[str, Any]:
        path, form = request.path, request.form
        if request.method == "POST" and path == "/v1/checkout/sessions":
            return self._session(form)
        if found := re.fullmatch(r"/v1/checkout/sessions/(\w+)(/expire)?", path):
            row = self.sessions[found[1]]
            if found[2]:
                if row["status"] != "open":
                    return {"error": {"message": "over", "type": "invalid_request_error"}}
                row["status"] = "expired"
            return self._opened(row) if request.args else row
        if path == "/v1/refunds" and request.method == "POST":
            return self._refund(form)
        if path == "/v1/refunds":
            mine = [r for r in self.refunds.values() if r["payment_intent"] == request.args["payment_intent"]]
            return {"object": "list", "data": mine, "has_more": False, "url": "/v1/refunds"}
        return self.refunds[path.rsplit("/", 1)[1]]

    def _session(self, form: Any) -> dict[str, Any]:
        name = f"cs_test_{len(self.sessions):06d}"
        self.sessions[name] = {
            "id": name, "object": "checkout.session", "status": "open", "payment_status": "unpaid", "livemode": False,
            "amount_total": int(form["line_items[0][price_data][unit_amount]"]),
            "currency": form["line_items[0][price_data][currency]"], "payment_intent": None,
            "client_reference_id": form["client_reference_id"], "url": f"{self.url}/pay/{name}",
        }  # fmt: skip
        return self.sessions[name]

    def _opened(self, row: dict[str, Any]) -> dict[str, Any]:
        if not row["payment_intent"]:
            return row
        status = {"paid": "succeeded", "unpaid": row.get("_intent", "processing")}[row["payment_status"]]
        charge = {
            "id": "ch_1",
            "object": "charge",
            "payment_method_details": {"type": row.get("_wallet", "card")},
        }
        return {
            **row,
            "payment_intent": {
                "id": row["payment_intent"],
                "object": "payment_intent",
                "status": status,
                "latest_charge": charge,
            },
        }

    def _refund(self, form: Any) -> dict[str, Any]:
        payment, amount = form["payment_intent"], int(form["amount"])
        total = sum(s["amount_total"] for s in self.sessions.values() if s["payment_intent"] == payment)
        given = sum(
            r["amount"]
            for r in self.refunds.values()
            if r["payment_intent"] == payment and r["status"] != "failed"
        )
        if given + amount > total:
            return {
                "error": {
                    "message": "Refund amount is greater than charge amount",
                    "type": "invalid_request_error",
                }
            }
        name = f"re_{len(self.refunds):06d}"
        self.refunds[name] = {
            "id": name, "object": "refund", "amount": amount, "payment_intent": payment, "status": self.refund_status,
            "metadata": {"refund": form["metadata[refund]"]}, "failure_reason": None,
        }  # fmt: skip
        return self.refunds[name]


@contextmanager
def serving() -> Iterator[Double]:
    """Serve a double on a free loopback port."""
    double = Double()
    server = make_server("127.0.0.1", 0, double, threaded=True)
    double.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
