"""The example clients against a real server: they claim, beat, go on while it is away, stop when told, and verify files."""

from __future__ import annotations

import hmac
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from portal.core import signing
from portal.core.db import db, reading, transaction
from portal.core.signing import KeyUse
from portal.services.licences import files, keyring, life, proving
from portal.services.licences.kinds import HoldReason
from portal.services.licences.models.licence import LicenceKey
from portal.services.licences.models.node import Node
from portal.services.licences.verify import verify_licences
from tests import strangers
from tests.licences import licence
from tests.test_processes import until

SHARED = ("verify.py", "client.py", "verify.sh", "client.sh", "verify.go", "client.go", "pinned.json")
MACHINE = "0123456789abcdef0123456789abcdef"


class Served:
    """The portal on a port of its own, which can go away and come back there."""

    def __init__(self, app: Flask) -> None:
        self.app, self.port = app, 0
        self.come()

    def come(self) -> None:
        """Answer."""
        self._server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def go(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass
class World:
    """A served portal with a licence of two nodes; clients with its pinned keys."""

    app: Flask
    served: Served
    home: Path
    licence_id: int
    key: str
    words: list[str]
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "FLAGOS_LICENCE_URL": f"http://127.0.0.1:{self.served.port}",
            "FLAGOS_LICENCE_KEY": self.key, "FLAGOS_NODE_ID": "rack-7.slot-2", "FLAGOS_LICENCE_STATE": str(self.home / "state"),
        }  # fmt: skip

    def beats(self, many: int = 1, /, **env: str) -> list[dict[str, Any]]:
        """Let a client beat so often; return what it said."""
        ran = subprocess.run(
            [*self.words, *self._asked(many)], env={**self.env, **env}, cwd=self.home, text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        assert self.key not in ran.stdout + ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def _asked(self, many: int) -> list[str]:
        if self.words[0] == "sh":
            return [str(many), "0.05"]
        return ["--beats", str(many), "--wait-at-most", "0.05"]

    def live(self) -> list[str]:
        """Return the fingerprints of live nodes."""
        with self.app.app_context(), reading():
            rows = select(Node.fingerprint).where(Node.released_at.is_(None)).order_by(Node.id)
            return list(db.session.scalars(rows))


@pytest.fixture(params=["python", "shell", "go"])
def world(request: pytest.FixtureRequest, sqlite_app: Flask, tmp_path: Path) -> Iterator[World]:
    app = sqlite_app
    if request.param == "go" and shutil.which("go") is None:
        pytest.skip("there is no Go here")
    place = tmp_path / "client"
    place.mkdir()
    for name in SHARED:
        shutil.copy(strangers.EXAMPLES / name, place)
    with app.app_context():
        with transaction():
            signing.create(KeyUse.LICENCE, by="One", second="Other")
            row, key = licence(2)
            licence_id = row.id
        with reading():
            pinned = {"issuer": "http://127.0.0.1:8000", "tool": "flagscale", **proving.public_set()}
    (place / "pinned.json").write_text(json.dumps(pinned))
    words = {"python": [sys.executable, str(place / "client.py")], "shell": ["sh", str(place / "client.sh")]}
    if request.param == "go":
        words["go"] = [str(strangers.in_go(place, place)), "run"]
    served = Served(app)
    try:
        yield World(app, served, place, licence_id, key, words[request.param])
    finally:
        served.go()
    with app.app_context(), reading():
        assert verify_licences()[1] == []


def test_a_client_claims_beats_goes_on_alone_stops_when_told_and_gives_back(world: World) -> None:
    first = world.beats(2)
    assert [(one["may"], one["code"]) for one in first] == [(True, "VALID")] * 2
    assert first[1]["until"] > time.time() + 3000
    assert world.live() == []  # it said goodbye, and its proof went with the seat

    killed = subprocess.Popen(
        [*world.words, *world._asked(0)],
        env=world.env,
        cwd=world.home,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert killed.stdout is not None
    assert json.loads(killed.stdout.readline())["may"]
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    assert world.live() == ["rack-7.slot-2"]
    world.served.go()
    alone = world.beats()  # its last proof lasts an hour
    assert [(one["may"], one["code"]) for one in alone] == [(True, "SERVER_AWAY")]
    assert alone[0]["until"] >= first[1]["until"]
    fresh = world.beats(FLAGOS_LICENCE_STATE=str(world.home / "fresh"))
    assert fresh == [{"may": False, "code": "SERVER_AWAY", "until": 0}]

    (world.home / "state" / "mark").write_text(str(int(time.time()) + 4000))
    assert world.beats() == [{"may": False, "code": "CLOCK_SET_BACK", "until": 0}]
    (world.home / "state" / "mark").write_text(str(int(time.time()) + 200))
    assert world.beats()[0]["may"]

    world.served.come()
    with world.app.app_context(), transaction():
        life.suspend(world.licence_id, HoldReason.ABUSE, words=("a", "b"), source="x", by="test")
    assert world.beats() == [{"may": False, "code": "SUSPENDED", "until": 0}]
    with world.app.app_context(), transaction():
        life.lift(life.open_holds(world.licence_id)[0], by="test")
    assert world.beats()[0]["code"] == "VALID"


def test_a_client_is_ended_by_the_system_and_gives_its_seat_back(world: World) -> None:
    running = subprocess.Popen(
        [*world.words, *(["0"] if world.words[0] == "sh" else [])],
        env=world.env,
        cwd=world.home,
        stdout=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert json.loads(running.stdout.readline())["may"]
    assert world.live() == ["rack-7.slot-2"]
    running.terminate()
    assert running.wait(30) == 0
    running.stdout.close()
    until(lambda: world.live() == [], "the seat is given back")


def test_a_client_without_a_stable_id_refuses_to_start_and_names_the_setting(world: World) -> None:
    bare = {**world.env, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    del bare["FLAGOS_NODE_ID"]
    (world.home / "machine-id").write_text(f"{MACHINE}\n")
    (world.home / "empty").write_text("uninitialized\n")
    for more in (
        {},
        {"FLAGOS_CLUSTER": "prod-1"},
        {"FLAGOS_MACHINE_ID_FILE": str(world.home / "empty")},
        {"FLAGOS_NODE_ID": "-x"},
    ):
        ran = subprocess.run(
            [*world.words, *world._asked(1)],
            env={**bare, **more},
            cwd=world.home,
            text=True,
            capture_output=True,
            check=False,
        )
        assert ran.returncode != 0
        assert "FLAGOS_NODE_ID" in ran.stderr
        assert ran.stdout == ""
    with world.app.app_context(), reading():
        assert db.session.scalars(select(Node)).all() == []
    del world.env["FLAGOS_NODE_ID"]
    world.env["KUBERNETES_SERVICE_HOST"] = "10.0.0.1"
    world.beats(FLAGOS_CLUSTER="prod-1", NODE_NAME="gpu-017")
    world.beats(FLAGOS_MACHINE_ID_FILE=str(world.home / "machine-id"))
    with world.app.app_context(), reading():
        named = list(db.session.scalars(select(Node.fingerprint).order_by(Node.id)))
    expected = f"sha256:{hmac.digest(MACHINE.encode(), b'flagscale', 'sha256').hex()}"
    assert named == ["k8s:prod-1.gpu-017", expected]
    assert MACHINE not in expected


def test_a_file_lets_a_machine_run_without_a_network_even_after_its_key_ended(world: World) -> None:
    with world.app.app_context():
        with transaction():
            file = files.issue(world.licence_id, ["rack-7.slot-2"], 7, by="test")
            token, end = file.token, int(file.expires_at.timestamp())
        with transaction():
            keyring.end(db.session.scalars(select(LicenceKey)).one(), by="test")
    place = world.home / "machine.lic"
    place.write_text(token + "\n")
    assert world.beats() == [{"may": False, "code": "KEY_UNKNOWN", "until": 0}]
    world.served.go()
    alone = {"FLAGOS_LICENCE_FILE": str(place), "FLAGOS_LICENCE_URL": "", "FLAGOS_LICENCE_KEY": ""}
    good = {"may": True, "code": "OFFLINE_FILE", "until": end}
    assert world.beats(**alone) == [good]
    refused = [{"may": False, "code": "FILE_REFUSED", "until": 0}]
    assert world.beats(**alone, FLAGOS_NODE_ID="rack-7.slot-3") == refused
    place.write_text(token[:-9] + "AAAAAAAAA")
    assert world.beats(**alone) == refused
    world.served.come()
