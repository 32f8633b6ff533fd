"""Stands on loopback between the gateway and an independent server: kills callers, keeps keys, fills gaps, wraps hooks."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import stripe
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

HOOK_SECRET = "whsec_emulate"


class Wire:
    """Passes calls on. With a `victim` set, the next change is answered by the server and then its caller is killed."""

    def __init__(self, upstream: str, *, keeps_keys: bool = True) -> None:
        self.upstream, self.keeps_keys = upstream, keeps_keys
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.killing = False
        self.victim: int | None = None
        self.killed: list[str] = []
        self.url = ""

    def kill_next(self) -> None:
        """Kill the caller of the next call, once it is known and the server has answered."""
        self.killing, self.victim = True, None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        key = request.headers.get("Idempotency-Key", "") if self.keeps_keys else ""
        if key and key in self.answers:
            status, body = self.answers[key]
        else:
            status, body = self.answer(request)
            if key and status < 500:
                self.answers[key] = (status, body)
        if self.killing and request.path != "/hooks":
            self._kill(f"{request.method} {request.path}")
        return Response(body, status=status, mimetype="application/json")(environ, start_response)

    def _kill(self, what: str) -> None:
        self.killing = False
        for _ in range(200):
            if self.victim is not None:
                break
            time.sleep(0.05)
        assert self.victim is not None
        os.kill(self.victim, signal.SIGKILL)
        self.killed.append(what)

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Return what the server answers."""
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        return self.ask(request.method, request.path + query, request.get_data(), dict(request.headers))

    def ask(self, method: str, path: str, data: bytes = b"", headers: Any = None) -> tuple[int, bytes]:
        """Ask the server."""
        passed = {
            name: value for name, value in (headers or {}).items()
            if name.lower() in {"authorization", "content-type", "idempotency-key"}
        }  # fmt: skip
        call = urllib.request.Request(self.upstream + path, data or None, passed, method=method)
        try:
            with urllib.request.urlopen(call, timeout=20) as answer:
                return int(answer.status), bytes(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, error.read()


class Front(Wire):
    """Emulate with what it lacks: inline prices, sums, payments, event ids; each of its hooks is delivered twice."""

    def __init__(self, upstream: str, deliver: Callable[[bytes, str], int], secret: str) -> None:
        super().__init__(upstream)
        self.deliver, self.secret = deliver, secret
        self.asked: dict[str, dict[str, str]] = {}
        self.delivered: list[tuple[str, int]] = []

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Answer a call, or take a hook in."""
        if request.path == "/hooks":
            return self._hook(request)
        if request.method == "POST" and request.path == "/v1/checkout/sessions":
            return self._open(request)
        status, body = super().answer(request)
        if status == 200 and request.path.startswith("/v1/checkout/sessions"):
            found = json.loads(body)
            rows = found["data"] if found["object"] == "list" else [found]
            for row in rows:
                self._fill(row, opened=bool(request.args))
            body = json.dumps(found).encode()
        return status, body

    def _form(self, path: str, **fields: str) -> Any:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer sk_test_x"}
        return json.loads(self.ask("POST", path, urllib.parse.urlencode(fields).encode(), headers)[1])

    def _open(self, request: Request) -> tuple[int, bytes]:
        form = request.form.to_dict()
        line = "line_items[0][price_data]"
        product = self._form("/v1/products", name=form[f"{line}[product_data][name]"])
        price = self._form(
            "/v1/prices", product=product["id"], currency=form[f"{line}[currency]"], unit_amount=form[f"{line}[unit_amount]"]
        )  # fmt: skip
        kept = {key: value for key, value in form.items() if not key.startswith(line)}
        made = self._form("/v1/checkout/sessions", **{**kept, "line_items[0][price]": price["id"]})
        self.asked[made["id"]] = form
        self._fill(made, opened=False)
        return 200, json.dumps(made).encode()

    def _fill(self, row: dict[str, Any], *, opened: bool) -> None:
        form, line = self.asked[row["id"]], "line_items[0][price_data]"
        row.update(
            amount_total=int(form[f"{line}[unit_amount]"]), currency=form[f"{line}[currency]"],
            client_reference_id=form["client_reference_id"], payment_intent=None,
        )  # fmt: skip
        if row["payment_status"] == "paid":
            name = "pi_" + row["id"].removeprefix("cs_")
            charge = {"object": "charge", "id": "ch_" + name, "payment_method_details": {"type": "card"}}
            intent = {
                "object": "payment_intent",
                "id": name,
                "status": "succeeded",
                "latest_charge": charge,
                "metadata": {},
            }
            row["payment_intent"] = intent if opened else name

    def told(self, kind: str) -> list[int]:
        """Return what our door answered to the hooks of a kind."""
        return [status for one, status in self.delivered if one == kind]

    def _hook(self, request: Request) -> tuple[int, bytes]:
        raw = request.get_data()
        stripe.WebhookSignature.verify_header(
            raw.decode(), request.headers["Stripe-Signature"], HOOK_SECRET, tolerance=300
        )
        told = json.loads(raw)
        event = {
            "id": "evt_" + hashlib.sha256(raw).hexdigest()[:24], "object": "event", "type": told["type"],
            "created": int(time.time()), "api_version": "2026-10-28.endive", "livemode": False, "data": told["data"],
        }  # fmt: skip
        body = json.dumps(event, ensure_ascii=False)
        header = stripe.WebhookSignature.generate_signature_header(body, self.secret)
        self.delivered += [(event["type"], self.deliver(body.encode(), header)) for _twice in range(2)]
        return 200, b"{}"


def path_of(url: str) -> str:
    """Return the path of an address of a session's page."""
    return re.sub(r"^https?://[^/]+", "", url)


@contextmanager
def listening(wire: Any) -> Iterator[str]:
    """Serve something on a free loopback port; return its address."""
    server = make_server("127.0.0.1", 0, wire, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    if isinstance(wire, Wire):
        wire.url = address
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
