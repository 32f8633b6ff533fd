"""A thousand nodes wake at once, over 32 connections through the whole application; each has its seat, on both databases."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.core import signing
from portal.core.db import db, reading, transaction
from portal.core.signing import KeyUse
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceEvent
from portal.services.licences.verify import verify_licences
from tests.licences import licence
from tests.test_races import run

pytestmark = pytest.mark.race
NODES = 1000 if os.environ.get("PROOFS") else 240
PROCESSES, THREADS, AGAIN = 4, 8, 10

# Each thread is a connection of its own. Every tenth reply is lost on its way, and the same request is sent again.
WAKING = """
import json, sys, threading, time
from collections import Counter
from pathlib import Path
from portal.app import create_app
home, me, many, threads, nodes, key, again = sys.argv[1:]
app, said, proofs = create_app(), Counter(), []
head = {"Authorization": f"Bearer {key}"}
def put(client, name):
    answer = client.put(f"/api/v1/licences/nodes/{name}", json={"run": name, "tool": "flagscale"}, headers=head)
    said[f"{answer.status_code} {answer.get_json()['code']}"] += 1
    return answer.get_json()
def wake(mine):
    client = app.test_client(use_cookies=False)
    for n in mine:
        first = put(client, f"gpu-{n:04d}")
        if n % int(again) == 0:
            second = put(client, f"gpu-{n:04d}")
            assert second["node"]["fingerprint"] == first["node"]["fingerprint"], (first, second)
            assert second["lease_until"] >= first["lease_until"] and second["code"] == first["code"], (first, second)
mine = range(int(me), int(nodes), int(many))
crew = [threading.Thread(target=wake, args=(mine[n::int(threads)],)) for n in range(int(threads))]
(Path(home) / f"awake-{me}").touch()
while len(list(Path(home).glob("awake-*"))) < int(many):
    time.sleep(0.01)
for one in crew:
    one.start()
for one in crew:
    one.join()
print(json.dumps(said))
"""


def test_nodes_that_wake_at_once_all_get_their_seat(app: Flask, tmp_path: Path) -> None:
    with app.app_context(), transaction():
        signing.create(KeyUse.LICENCE, by="One", second="Other")
        key = licence(NODES)[1]
    words = (
        (str(tmp_path), str(n), str(PROCESSES), str(THREADS), str(NODES), key, str(AGAIN))
        for n in range(PROCESSES)
    )
    told = Counter[str]()
    for said in run(app, tmp_path, WAKING, *words):
        told.update(json.loads(said.splitlines()[-1]))
    assert told == {"201 VALID": NODES, "200 VALID": NODES // AGAIN}
    with app.app_context(), reading():
        assert db.session.scalar(select(func.count(Node.id)).where(Node.released_at.is_(None))) == NODES
        assert db.session.scalars(select(Licence.live_nodes)).one() == NODES
        taken = select(func.count(LicenceEvent.id)).where(LicenceEvent.kind == "node.activated")
        assert db.session.scalar(taken) == NODES
        assert verify_licences()[1] == []
