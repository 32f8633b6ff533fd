"""Webhooks: signed, in order, at least once, never into a private network, and none lost when a worker is killed."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from portal.accounts import hook_sending, hooks
from portal.accounts.hook_models import (
    DeliveryState,
    EndpointState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.core import clock, outbox, outgoing, signatures, vault
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.outbox import OutboxItem
from portal.core.outgoing import Answer, Unreachable
from tests.people import browser, make_org, make_person, post
from tests.road import work
from tests.test_processes import environment

URL = "https://hooks.receiver.example/in"


@dataclass
class Receiver:
    """Stands for the customer's program: takes what it is sent, and answers as it is told."""

    answers: list[int | str] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        assert url == URL
        said = self.answers.pop(0) if self.answers else 204
        if isinstance(said, str):
            raise Unreachable(said)
        self.got.append((dict(headers), body))
        return Answer(said, "", 3)

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _body in self.got]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    made = Receiver()
    monkeypatch.setattr(outgoing, "post", made)
    return made


@pytest.fixture
def org(app: Flask) -> Iterator[Organisation]:
    with app.app_context():
        with transaction():
            chen = make_person("chen@galaxy.example", "Chen")
            made = make_org("Galaxy", (chen, ContactRole.OWNER))
        yield made


def added(org: Organisation, *topics: str) -> tuple[WebhookEndpoint, str]:
    with transaction():
        return hooks.add(db.session.get_one(Organisation, org.id), URL, topics, by="test")


def tell(org: Organisation, n: int, *, stream: str = "one", kind: str = "licence.expiring") -> None:
    with transaction():
        hooks.tell(
            org.id, kind, message=f"{stream}_{n}", stream=stream, sequence=n, at=clock.now(), data={"n": n}
        )


def states(org: Organisation) -> list[tuple[str, str]]:
    rows = select(WebhookDelivery.message, WebhookDelivery.state).order_by(WebhookDelivery.id)
    with reading():
        return [(message, state.value) for message, state in db.session.execute(rows)]


def later(**time: float) -> Any:
    return clock.stopped_at(clock.now() + dt.timedelta(**time))


# ---- What is sent


def test_the_signature_is_that_of_the_standard() -> None:
    body = b'{"test": 2432232314}'
    secret, name, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    assert signatures.signature(secret, name, at, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    given = signatures.headers([signatures.fresh(), secret], name, at, body)
    assert signatures.verified(secret, given, body, now=at + 299)
    assert not signatures.verified(secret, given, body, now=at + 301)
    assert not signatures.verified(secret, given, body + b" ", now=at)
    assert not signatures.verified(secret, {**given, "webhook-id": "msg_other"}, body, now=at)
    assert not signatures.verified(secret, {**given, "webhook-timestamp": "１"}, body, now=at)
    assert not signatures.verified(signatures.fresh(), given, body, now=at)


def test_a_message_is_signed_and_says_what_happened(org: Organisation, receiver: Receiver) -> None:
    row, secret = added(org)
    tell(org, 1)
    assert outbox.drain() == 1
    headers, body = receiver.got[0]
    assert signatures.verified(secret, headers, body, now=clock.now().timestamp())
    said = json.loads(body)
    assert (said["type"], said["data"], headers["webhook-id"]) == ("licence.expiring", {"n": 1}, "one_1")
    with reading():
        attempt = db.session.scalars(select(WebhookAttempt)).one()
        assert (attempt.status, attempt.error, attempt.delivery.state) == (204, "", DeliveryState.DELIVERED)
        kept = db.session.get_one(WebhookEndpoint, row.id)
        assert secret not in kept.sealed
        assert vault.unseal(kept.sealed, bound_to=kept.seal) == secret


def test_after_a_rotation_both_secrets_sign_for_a_day(org: Organisation, receiver: Receiver) -> None:
    row, old = added(org)
    with transaction():
        new = hooks.rotate(db.session.get_one(WebhookEndpoint, row.id), by="test")
    tell(org, 1)
    outbox.drain()
    headers, body = receiver.got[0]
    assert all(signatures.verified(one, headers, body, now=clock.now().timestamp()) for one in (old, new))
    with later(days=1):
        tell(org, 2)
        outbox.drain()
        headers, body = receiver.got[1]
        now = clock.now().timestamp()
        assert signatures.verified(new, headers, body, now=now)
        assert not signatures.verified(old, headers, body, now=now)


def test_an_address_hears_of_what_it_asked_for_and_of_its_own_organisation(
    org: Organisation, receiver: Receiver
) -> None:
    added(org, "node.")
    with transaction():
        other = make_org("Rival")
    tell(org, 1, kind="licence.expiring")
    tell(org, 2, kind="node.activated")
    tell(other, 1, kind="node.activated")
    outbox.drain()
    assert receiver.ids() == ["one_2"]


def test_what_is_rolled_back_is_never_sent(org: Organisation, receiver: Receiver) -> None:
    added(org)
    with pytest.raises(RuntimeError, match="changed my mind"), transaction():
        hooks.tell(org.id, "licence.expiring", message="m", stream="s", sequence=1, at=clock.now(), data={})
        raise RuntimeError("changed my mind")
    assert outbox.drain() == 0
    assert receiver.got == []


# ---- In order, at least once


def test_a_failed_message_is_tried_again_and_those_behind_it_wait(
    org: Organisation, receiver: Receiver
) -> None:
    added(org)
    receiver.answers = [500, "no answer in time"]
    for n in (1, 2, 3):
        tell(org, n)
    tell(org, 1, stream="two")
    outbox.drain()
    assert receiver.ids() == ["one_1", "two_1"] or receiver.ids() == ["one_1"]
    assert dict(states(org))["one_2"] == "waiting"
    with later(hours=1):
        outbox.drain()
    with later(hours=2):
        outbox.drain()
    mine = [one for one in receiver.ids() if one.startswith("one")]
    assert list(dict.fromkeys(mine)) == ["one_1", "one_2", "one_3"]
    assert {state for _message, state in states(org)} == {"delivered"}
    with reading():
        tried = select(WebhookDelivery.tries).where(WebhookDelivery.message == "one_1")
        assert db.session.scalar(tried) in (2, 3)
        assert db.session.scalars(select(WebhookEndpoint.failing_since)).one() is None


def test_after_three_days_an_address_is_stopped_and_resumed_without_a_loss(
    org: Organisation, receiver: Receiver
) -> None:
    row, _secret = added(org)
    receiver.answers = [503] * (len(hook_sending.WAITS) + 1)
    tell(org, 1)
    tell(org, 2)
    outbox.drain()
    began, at = clock.now(), clock.now()
    for wait in hook_sending.WAITS:
        at += wait + dt.timedelta(seconds=1)
        with clock.stopped_at(at):
            outbox.drain()
    assert at - began > dt.timedelta(days=3)
    with clock.stopped_at(at):
        with reading():
            assert db.session.get_one(WebhookEndpoint, row.id).state is EndpointState.STOPPED
            assert [one.address for one in db.session.scalars(select(MailMessage))] == ["chen@galaxy.example"]
        tell(org, 3)
        outbox.drain()
        assert set(receiver.ids()) == {"one_1"}
        assert {state for _message, state in states(org)} == {"waiting"}
        with transaction():
            hooks.resume(db.session.get_one(WebhookEndpoint, row.id), by="test")
        receiver.got.clear()
        outbox.drain()
    assert receiver.ids() == ["one_1", "one_2", "one_3"]
    assert {state for _message, state in states(org)} == {"delivered"}


def test_an_address_that_is_gone_is_stopped_at_once_and_an_ended_one_gets_nothing(
    org: Organisation, receiver: Receiver
) -> None:
    row, _secret = added(org)
    receiver.answers = [410]
    tell(org, 1)
    outbox.drain()
    with reading():
        assert db.session.get_one(WebhookEndpoint, row.id).state is EndpointState.STOPPED
    with transaction():
        hooks.end(db.session.get_one(WebhookEndpoint, row.id), by="test")
    tell(org, 2)
    outbox.drain()
    assert receiver.ids() == ["one_1"]
    with reading():
        assert db.session.get_one(WebhookEndpoint, row.id).sealed == ""


def test_people_replay_and_leave_out(org: Organisation, receiver: Receiver) -> None:
    row, _secret = added(org)
    receiver.answers = [204, 422]
    for n in (1, 2, 3):
        tell(org, n)
    outbox.drain()
    with transaction():
        first, second = db.session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).all()[:2]
        with force_locale("en"), pytest.raises(Refused, match="on its way"):
            hooks.replay(second, by="test")
        hooks.replay(first, by="test")
        assert hook_sending.skip(second, by="test")
        assert not hook_sending.skip(first, by="test")
    outbox.drain()
    assert sorted(receiver.ids()) == ["one_1", "one_1", "one_2", "one_3"]
    assert dict(states(org))["one_2"] == "skipped"
    with transaction():
        hooks.test(db.session.get_one(WebhookEndpoint, row.id), by="test")
    outbox.drain()
    assert json.loads(receiver.got[-1][1])["type"] == "webhook.test"


def test_old_messages_are_forgotten(org: Organisation, receiver: Receiver) -> None:
    added(org)
    tell(org, 1)
    outbox.drain()
    receiver.answers = [500]
    tell(org, 2)
    outbox.drain()
    with later(days=91):
        assert hook_sending.forget() == 1
        assert hook_sending.forget() == 0
    assert [message for message, _state in states(org)] == ["one_2"]


def test_many_workers_and_a_bad_line_change_no_order(
    app: Flask, org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    added(org)
    monkeypatch.setattr(hook_sending, "WAITS", (dt.timedelta(),) * 60)
    taken, lock = defaultdict(list), threading.Lock()

    def answer(_url: str, body: bytes, _headers: dict[str, str]) -> Answer:
        said = json.loads(body)["data"]
        with lock:
            taken[said["stream"]].append(said["n"])
            bad = len(taken[said["stream"]]) % 3 == 1
        return Answer(500 if bad else 200, "", 1)

    monkeypatch.setattr(outgoing, "post", answer)
    number = org.id

    def make(stream: str) -> None:
        with app.app_context():
            for n in range(8):
                with transaction():
                    hooks.tell(
                        number, "node.activated", message=f"{stream}_{n}", stream=stream, sequence=n, at=clock.now(),
                        data={"stream": stream, "n": n},
                    )  # fmt: skip

    def toil(name: str) -> None:
        with app.app_context():
            for _ in range(200):
                item = outbox.claim(name)
                if item is not None:
                    outbox.work(item)

    db.session.remove()
    threads = [threading.Thread(target=make, args=(one,)) for one in "ab"]
    threads += [threading.Thread(target=toil, args=(f"w{n}",)) for n in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    outbox.drain()
    for stream in "ab":
        assert list(dict.fromkeys(taken[stream])) == list(range(8)), stream
        assert taken[stream] == sorted(taken[stream])
    assert {state for _message, state in states(org)} == {"delivered"}


KILLED = """
import os, signal, sys
from pathlib import Path
from portal.app import create_app
from portal.core import outbox, outgoing
seen, last = Path(sys.argv[1]), int(sys.argv[2])
app = create_app()
def post(url, body, headers):
    with seen.open("a") as out:
        out.write(headers["webhook-id"] + "\\n")
    if len(seen.read_text().splitlines()) == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return outgoing.Answer(204, "", 1)
outgoing.post = post
with app.app_context():
    outbox.drain("victim")
"""


@pytest.mark.race
def test_none_is_lost_when_the_worker_is_killed(
    app: Flask, org: Organisation, receiver: Receiver, tmp_path: Path
) -> None:
    """Killed as the receiver has the third message and we do not know it: it comes once more, and all come in order."""
    added(org)
    for n in range(1, 6):
        tell(org, n)
    db.session.remove()
    seen = tmp_path / "seen"
    seen.touch()
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(seen), "3"],
        env=environment(app, tmp_path),
        check=False,
        capture_output=True,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert seen.read_text().split() == ["one_1", "one_2", "one_3"]
    assert dict(states(org))["one_3"] == "waiting"
    assert outbox.drain() in (0, 1, 2)  # the dead worker's lease still holds what it had in hand
    assert receiver.ids() == []
    with transaction():
        db.session.execute(update(OutboxItem).values(lease_until=clock.now() - dt.timedelta(seconds=1)).where(OutboxItem.lease_until.is_not(None)))  # fmt: skip
    outbox.drain()
    assert receiver.ids() == ["one_3", "one_4", "one_5"]
    assert {state for _message, state in states(org)} == {"delivered"}
    with reading():
        assert db.session.scalar(select(func.count(WebhookDelivery.id))) == 5


# ---- Never inside


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
    "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "not an address", "",
]  # fmt: skip


def test_only_public_addresses_are_public() -> None:
    assert [one for one in PRIVATE if outgoing.public(one)] == []
    assert outgoing.public("93.184.216.34")
    assert outgoing.public("2606:2800:220:1:248:1893:25c8:1946")


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.com/", "https://", "https://localhost/", "https://127.0.0.1/", "https://[::1]/", "https://a.internal/",
     "https://user@hooks.example.com/", "https://hooks.example.com/#x", "https://hooks.example.com:0/", "https://hooks.example.com:x/",
     "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest", "ftp://hooks.example.com", "https://钩子.example/", "https://a b/",
     "file:///etc/passwd", "https://[", "https://printer.local/"],
)  # fmt: skip
def test_an_address_that_leads_inside_is_refused(sqlite_app: Flask, url: str) -> None:
    with sqlite_app.test_request_context(), pytest.raises(Refused):
        outgoing.checked(url)
    with pytest.raises(Unreachable):
        outgoing.post(url, b"", {})


def test_a_name_that_leads_inside_by_any_of_its_addresses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def both(host: str, port: int, **_more: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", (one, port)) for one in ("93.184.216.34", "10.0.0.7")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    monkeypatch.setattr(socket, "create_connection", lambda *_a, **_k: pytest.fail("it connected"))
    with pytest.raises(Unreachable, match="not public"):
        outgoing.post("https://sly.example/", b"", {})
    assert asked == ["sly.example"]


@given(st.text(max_size=60))
def test_no_address_breaks_the_reading(text: str) -> None:
    try:
        outgoing._parts(text)
        outgoing._parts("https://" + text)
    except Unreachable:
        pass


class Door(http.server.BaseHTTPRequestHandler):
    """Answers by the path it is asked for."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.rfile.read(length)
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "https://127.0.0.1/secret")
        elif self.path == "/slow":
            self.connection.settimeout(5)
            self.send_response(200)
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for _ in range(40):
                try:
                    self.wfile.write(b"X")
                    self.wfile.flush()
                except OSError:
                    return
                threading.Event().wait(0.05)
            return
        else:
            self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"x" * 100_000)

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


def certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.receiver.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.receiver.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = folder / "server.pem"
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(plain + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A real receiver with TLS, to which a public name leads."""
    file = certificate(tmp_path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(outgoing, "resolved", lambda _host, _port: "127.0.0.1")
    monkeypatch.setattr(outgoing, "trust", lambda: ssl.create_default_context(cafile=str(file)))
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_a_real_receiver_is_reached_by_its_certificate_and_no_redirect_is_followed(door: int) -> None:
    answer = outgoing.post(f"https://hooks.receiver.example:{door}/in?x=1", b"{}", {"webhook-id": "m"})
    assert (answer.status, len(answer.text)) == (200, outgoing.MOST_READ)
    assert outgoing.post(f"https://hooks.receiver.example:{door}/elsewhere", b"{}", {}).status == 302
    with pytest.raises(Unreachable, match="certificate"):
        outgoing.post(f"https://other.receiver.example:{door}/in", b"{}", {})


def test_a_receiver_that_answers_drop_by_drop_holds_nobody(
    door: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 0.4)
    with pytest.raises(Unreachable):
        outgoing.post(f"https://hooks.receiver.example:{door}/slow", b"{}", {})


# ---- On the pages


def one(app: Flask, column: Any) -> str:
    with app.app_context(), reading():
        return str(db.session.scalars(select(column)).one())


def test_an_owner_adds_an_address_sees_its_secret_once_and_what_was_sent(
    app: Flask, receiver: Receiver
) -> None:
    with app.app_context(), transaction():
        make_org("Galaxy", (make_person("chen@galaxy.example", "Chen"), ContactRole.OWNER))
    chen = browser(app, "chen@galaxy.example")
    assert "No address yet" in chen.get("/webhooks").text
    bad = post(chen, "/webhooks", url="https://127.0.0.1/")
    assert bad.status_code == 422
    assert "leads to a public host" in bad.text
    made = post(chen, "/webhooks", url=URL, topics="licence.")
    assert made.status_code == 200
    secret = made.text.split("<code>whsec_")[1].split("<")[0]
    assert made.headers["Cache-Control"] == "no-store"
    page = f"/webhooks/{one(app, WebhookEndpoint.uid)}"
    assert "Nothing was sent yet" in chen.get(page).text
    assert post(chen, f"{page}/test").status_code == 303
    receiver.answers = [500]
    work(app)
    shown = chen.get(page).text
    assert "webhook.test" in shown
    assert secret not in shown
    assert "500" in shown
    sent = one(app, WebhookDelivery.uid)
    assert post(chen, f"{page}/deliveries/{sent}/skip").status_code == 303
    assert post(chen, f"{page}/deliveries/{sent}/replay").status_code == 303
    work(app)
    with app.app_context(), reading():
        rows = db.session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id))
        assert [row.state.value for row in rows] == ["skipped", "delivered"]
    assert "whsec_" in post(chen, f"{page}/secret").text
    assert post(chen, f"{page}/end").status_code == 303
    assert "No address yet" in chen.get("/webhooks").text
