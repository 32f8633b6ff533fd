"""Sudden death: web and worker are killed at random instants while people approve and pay; nothing is half done."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import EntryState, Receipt, ReceiptEntry
from portal.core import outbox
from portal.core.db import db, reading
from portal.core.mail import MailMessage
from portal.demo.cast import credit_code
from portal.members.models import Application, ApplicationState
from tests import road
from tests.nursery import COMMAND, Racer
from tests.people import token
from tests.ports import free_port
from tests.test_processes import environment, until

pytestmark = [pytest.mark.race, pytest.mark.slow]
FIRMS = 5 if os.environ.get("PROOFS") else 2


class Victims:
    """Web and worker of one installation, killed and started again."""

    def __init__(self, app: Flask, home: Path) -> None:
        self.port = free_port()
        self.home, self.env = home, environment(app, home)
        self.commands = {"web": ["web", "--port", str(self.port)], "worker": ["worker"]}
        self.running = {name: self.start(name) for name in self.commands}

    def start(self, name: str) -> Racer:
        """Start one of the two as a fresh process."""
        return Racer(self.home, self.env, COMMAND, *self.commands[name], apart=True)

    def kill(self, name: str) -> None:
        """Kill one with all its children, as a power cut would, and start it again."""
        _end(self.running[name])
        self.running[name] = self.start(name)

    def answers(self) -> bool:
        """Whether the pages are there."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as page:
                return bool(page.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        """End both for good."""
        for victim in self.running.values():
            _end(victim)

    def post(self, client: FlaskClient, path: str, **fields: str) -> int:
        """Send a form over the wire as the person of a browser; try again until there is an answer."""
        csrf = token(client)
        cookie = "; ".join(
            f"{found.key}={found.value}"
            for found in [client.get_cookie("portal", domain="localhost")]
            if found is not None
        )
        data = urllib.parse.urlencode({"csrf_token": csrf, **fields}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, {"Cookie": cookie, "Host": "localhost"}
        )
        opener = urllib.request.build_opener(NoRedirect)
        for _ in range(400):
            try:
                with opener.open(request, timeout=30) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    return error.code
            except OSError:
                pass
            time.sleep(0.1)
        pytest.fail(f"no answer to {path}")


def _of_session(leader: int) -> list[int]:
    """Return the processes of a session, as the kernel tells them."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # one may end while it is asked
            if file.read_text().rpartition(")")[2].split()[3] == str(leader):
                found.append(int(file.parent.name))
    return found


def _end(victim: Racer) -> None:
    for pid in _of_session(victim.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    victim.kill()  # it may not lead its session yet
    victim.wait()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as the answer it is."""

    def redirect_request(self, *_args: object, **_more: object) -> None:
        """Follow nothing."""
        return


@pytest.fixture
def victims(app: Flask, tmp_path: Path) -> Iterator[Victims]:
    """Web and worker, running."""
    found = Victims(app, tmp_path)
    try:
        until(found.answers, "the pages answer")
        yield found
    finally:
        found.stop()


def in_review(app: Flask, house: dict[str, FlaskClient], n: int) -> str:
    """Bring one firm as far as a decision; return its application."""
    client = road.company(app, f"chen@firm{n}.example", "Chen Wei")
    uid = road.apply(
        client, tier="silver", registration=credit_code(900 + n), legal_name=f"示例{n}号有限公司",
        homepage=f"https://www.firm{n}.example", legal_name_en=f"Firm {n} Ltd",
        display_name_zh=f"示例{n}号", display_name_en=f"Firm {n}",
    )  # fmt: skip
    road.review(house, uid, voices=("lena",))
    return uid


def test_killed_at_any_instant_nothing_is_lost_or_done_twice(
    app: Flask, victims: Victims, tmp_path: Path
) -> None:
    house = road.staff(app)
    cases = [in_review(app, house, n) for n in range(FIRMS)]
    dice = random.Random(11)
    for n, uid in enumerate(cases):
        victims.kill(dice.choice(["web", "worker"]))
        time.sleep(dice.random())
        assert victims.post(house["dai"], road.case(uid, "approval")) in {303, 409}
        reference = road.invoice_of(app, uid).reference
        victims.kill(dice.choice(["web", "worker"]))
        fields = {
            "bank_ref": f"D-{n}", "amount": "20000", "received_on": "2026-01-05", "payer": "x", "text": reference,
        }  # fmt: skip
        assert victims.post(house["fang"], "/office/money/receipts/new", **fields) in {303, 422}
        with app.app_context(), reading():
            entry = (
                db.session.scalars(select(ReceiptEntry).where(ReceiptEntry.bank_ref == f"D-{n}")).one().uid
            )
        victims.kill(dice.choice(["web", "worker"]))
        time.sleep(dice.random() * 0.5)
        path = f"/office/money/receipts/entries/{entry}/confirmation"
        assert victims.post(house["feng"], path) in {303, 409}
    victims.stop()
    check_everything_is_there_once(app, cases)
    said = subprocess.run(
        [sys.executable, "-m", "portal.cli", "verify", "--format", "json"],
        env=environment(app, tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert json.loads(said.stdout)["found"] == []
    assert said.returncode == 0


def check_everything_is_there_once(app: Flask, cases: list[str]) -> None:
    """Every acknowledged change once, no dead work, every mail sent or queued and none twice."""
    with app.app_context():
        with reading():
            states = db.session.scalars(select(Application.state).where(Application.uid.in_(cases))).all()
            assert states == [ApplicationState.APPROVED] * FIRMS
            assert db.session.scalars(select(Invoice.state)).all() == [InvoiceState.PAID] * FIRMS
            assert db.session.scalar(select(func.count(Receipt.id))) == FIRMS
            assert set(db.session.scalars(select(ReceiptEntry.state))) == {EntryState.CONFIRMED}
        outbox_due_now(app)
        with reading():
            rows = db.session.scalars(select(outbox.OutboxItem)).all()
            assert [row.key for row in rows if row.dead_at is not None] == []
            keys = db.session.scalars(select(MailMessage.key)).all()
            assert len(keys) == len(set(keys))
            unsent = set(db.session.scalars(select(MailMessage.key).where(MailMessage.sent_at.is_(None))))
            open_work = {row.key for row in rows if row.done_at is None}
            assert {key for key in unsent if f"mail:{key}" not in open_work and key not in open_work} == set()


def outbox_due_now(app: Flask) -> None:
    """Work what is due; what a killed worker held comes back when its lease has run out."""
    outbox.drain("after the storm")
