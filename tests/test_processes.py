"""Real processes: writers race for the audit chain, the supervised portal serves, restarts and leaves nobody behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from portal.core import audit, chores, outbox, processes
from portal.core.db import db
from portal.core.mail import MailMessage
from tests.conftest import KEY
from tests.nursery import Racer
from tests.ports import free_port

RACER = """
import sys
from portal.app import create_app
from portal.core import audit, mail
from portal.core.db import transaction
from portal.core.mail import Letter
with create_app().app_context():
    for n in range(25):
        try:
            with transaction():
                audit.record(f"step.{n}", f"racer:{sys.argv[1]}", by="a racer")
                mail.send(f"shared:{n}", "a@example.com", "A", "en", lambda: Letter("T", ("L",)))
                if n % 5 == 4:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
"""


def environment(app: Flask, home: Path) -> dict[str, str]:
    url = app.extensions["settings"].database_url
    return {**os.environ, "PORTAL_HOME": str(home), "PORTAL_DATABASE_URL": url, "PORTAL_SECRET_KEY": KEY}


def until(true: Callable[[], bool], what: str) -> None:
    for _ in range(1200):
        if true():
            return
        time.sleep(0.1)
    pytest.fail(f"waited in vain until {what}")


@pytest.mark.race
def test_eight_writers_keep_one_chain_and_one_mail_each(app: Flask, tmp_path: Path) -> None:
    racers = [Racer(tmp_path, environment(app, tmp_path), RACER, str(n)) for n in range(8)]
    assert [racer.wait() for racer in racers] == [0] * 8
    with app.app_context():
        assert audit.verify() == (8 * 20, [])
        assert outbox.drain() == 20
        assert (
            len(db.session.scalars(select(MailMessage).where(MailMessage.sent_at.is_not(None))).all()) == 20
        )


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as page:
            return bool(page.status == 200)
    except OSError:
        return False


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def descendants(pid: int) -> list[int]:
    """Return the children of a process and theirs: the server's own workers too."""
    own = children(pid)
    return own + [one for child in own for one in descendants(child)]


def gone(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def filed(home: Path) -> set[str]:
    """Return the names of the chores that lie in the outbox of a portal."""
    with closing(sqlite3.connect(home / "portal.sqlite3")) as raw:
        rows = raw.execute("SELECT payload FROM outbox WHERE kind = 'chore'").fetchall()
    return {str(json.loads(row[0])["name"]) for row in rows}


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run `portal serve` on a folder, in a group of its own, until it answers, and give its port; whatever becomes of it, it is killed at last."""
    port = free_port()
    env = {**os.environ, "PORTAL_HOME": str(home), "PORTAL_SECRET_KEY": KEY}
    for name in ("PORTAL_DATABASE_URL", "PORTAL_PUBLIC_URL"):
        env.pop(name, None)
    words = [sys.executable, "-m", "portal.cli", "serve", "--port", str(port)]
    parent = subprocess.Popen(words, env=env, process_group=0)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the portal answers")
        yield parent, port
    finally:
        parent.kill()
        parent.wait()


@pytest.mark.race
def test_serve_restarts_a_fallen_child_and_a_killed_parent_leaves_none(tmp_path: Path) -> None:
    with serving(tmp_path) as (parent, _port):
        before = children(parent.pid)
        assert len(before) == 3
        os.kill(before[1], signal.SIGKILL)
        until(lambda: len(set(children(parent.pid)) - set(before)) == 1, "the fallen worker is back")
        until(lambda: filed(tmp_path) == set(chores.table()), "the clock has filed every chore")
        last = descendants(parent.pid)
        assert len(last) > 3
    until(lambda: all(gone(child) for child in last), "the children of a killed parent end")


@pytest.mark.race
def test_ctrl_c_which_a_whole_group_hears_ends_everything(tmp_path: Path) -> None:
    with serving(tmp_path) as (parent, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/jobs/feed.json", timeout=20) as answer:
            assert json.load(answer)["feed_url"].startswith(
                f"http://127.0.0.1:{port}/"
            )  # links lead to where it is served
        last = descendants(parent.pid)
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.wait(60) == 0
        assert all(gone(child) for child in last)


@pytest.mark.race
def test_a_second_portal_on_a_port_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    """The server shares its port, so without a refusal each of two installations would get half of the requests."""
    port = free_port()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        for words in (["serve"], ["web"]):
            env = {**os.environ, "PORTAL_HOME": str(tmp_path), "PORTAL_SECRET_KEY": KEY}
            env.pop("PORTAL_DATABASE_URL", None)
            told = subprocess.run(
                [sys.executable, "-m", "portal.cli", *words, "--port", str(port)],
                env=env, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            assert told.returncode == 1
            assert told.stderr == (
                f"Another program listens on 127.0.0.1, port {port}. Stop it, or name another port with --port.\n"
            )
    assert not (tmp_path / "portal.sqlite3").exists()


def test_a_port_is_free_again_when_its_program_ends() -> None:
    port = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with (
            socket.create_connection(("127.0.0.1", port)),
            pytest.raises(RuntimeError, match="Another program"),
        ):
            processes.claim_port("127.0.0.1", port, patience=0)
    processes.claim_port("127.0.0.1", port, patience=0)
    with pytest.raises(RuntimeError, match=r"cannot listen on 192\.0\.2\.1"):
        processes.claim_port("192.0.2.1", port)
