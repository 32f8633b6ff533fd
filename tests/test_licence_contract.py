"""Schemathesis over every operation of licences, on a served portal where each has rows to answer with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.accounts import tokens
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.scopes import Scope
from portal.core import signing
from portal.core.db import db, transaction
from portal.core.signing import KeyUse
from portal.services.licences import files, keyring, life
from portal.services.licences.kinds import HoldReason
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.node import Node
from tests.conftest import KEY, build
from tests.licences import claim, licence
from tests.people import make_org, make_person
from tests.ports import free_port
from tests.test_processes import answers, until

ROOT = Path(__file__).resolve().parents[1]
VERBS = ("release", "move", "block", "keep")
OPERATIONS = 35
# What never succeeds here: nobody answers what nobody asked, the licence keeps no list of names and was not sold, and some
# steps are the customer's alone, others those of staff.
L = "/api/v1/licences/{uid}"
NOT_HERE = {
    f"POST {L}/changes", f"POST {L}/changes/{{row}}/acceptance", f"POST {L}/proposals/{{row}}/decision",
    f"PUT {L}/named/{{fingerprint}}",
}  # fmt: skip
NEVER = {
    "owner": NOT_HERE
    | {
        f"POST {L}/holds",
        f"DELETE {L}/holds/{{row}}",
        f"POST {L}/revocation",
        f"POST {L}/files/{{row}}/return",
    },
    "staff": NOT_HERE | {f"POST {L}/keys", f"DELETE {L}/keys/{{row}}", f"POST {L}/nodes/{{row}}/move"},
}
EACH = 15  # rows for each verb


def world(app: Flask) -> dict[str, Any]:
    """Give a company two licences with keys, nodes, files and a hold, and a token to its owner and to staff."""
    with app.app_context():
        with transaction():
            signing.create(KeyUse.LICENCE, by="One", second="Other")
            owner = make_person("own@galaxy.example", "Own")
            ada = make_person("ada@house.example", "Ada", staff=tuple(StaffRole))
            org = make_org("Galaxy Ltd", (owner, ContactRole.OWNER))
            row, key = licence(5000, org=org)
            held, _second = licence(2, org=make_org("Other Ltd"))
            hold = life.suspend(held.id, HoldReason.REQUEST, words=("a", "b"), source="walk", by="walk")
            assert hold is not None
            made = [keyring.make(row.id, label="x", by="walk")[0].uid for _ in range(EACH)]
            scopes = [Scope.LICENCES_READ, Scope.LICENCES_WRITE]
            ids = {
                "licence": row.uid,
                "held": held.uid,
                "holds": [hold.uid],
                "keys": made,
                "licence_id": row.id,
            }
            by = {
                "owner": tokens.give("o", scopes, 30, by=owner)[1],
                "staff": tokens.give("s", scopes, 30, by=ada)[1],
            }
        for verb in VERBS:
            for n in range(EACH):
                claim(key, f"{verb}-{n}")
        with transaction():
            nodes = {
                verb: [
                    one.uid
                    for one in db.session.query(Node)
                    .filter(Node.fingerprint.like(f"{verb}-%"))
                    .order_by(Node.id)
                ]
                for verb in VERBS
            }
            row = db.session.get_one(Licence, ids["licence_id"])
            signed = [files.issue(row.id, [f"file-{n}"], 3, by="walk").jti for n in range(2)]
        db.engine.dispose()
    return {
        **ids,
        "tokens": by,
        "key": key,
        "nodes": nodes,
        "files": signed,
        "signed": [f"offline-{n}" for n in range(9)],
    }


@pytest.mark.slow
@pytest.mark.parametrize("who", ["owner", "staff"])
def test_schemathesis_finds_nothing_in_licences(sqlite_template: Path, tmp_path: Path, who: str) -> None:
    file = tmp_path / "portal.sqlite3"
    shutil.copy(sqlite_template, file)
    found = world(build(tmp_path, f"sqlite:///{file}"))
    port = free_port()
    env = {**os.environ, "PORTAL_HOME": str(tmp_path), "PORTAL_SECRET_KEY": KEY, "PYTHONPATH": str(ROOT)}
    env["PORTAL_LIMITS"] = (
        "licence-unknown=100000/minute, licence-validate=100000/second, licence-claim=100000/second, "
        "licence-token=100000/minute"
    )
    env.pop("PORTAL_DATABASE_URL", None)
    web = subprocess.Popen([sys.executable, "-m", "portal.cli", "web", "--port", str(port)], env=env)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the portal answers")
        ran = asked(f"http://127.0.0.1:{port}/api/v1", found, who, tmp_path)
    finally:
        web.terminate()
        web.wait(30)
    assert ran.returncode == 0, ran.stdout[-8000:]
    told: dict[str, set[int]] = defaultdict(set)
    for line in (tmp_path / "seen").read_text("utf-8").splitlines():
        label, status = json.loads(line)
        told[label].add(status // 100)
    assert len(told) == OPERATIONS, sorted(told)
    assert {status for all_of in told.values() for status in all_of} <= {2, 4}
    never = {label for label, statuses in told.items() if 2 not in statuses}
    assert never == NEVER[who]


def asked(api: str, found: dict[str, Any], who: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run schemathesis over the operations of licences."""
    (home / "world").write_text(json.dumps(found))
    words = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        f"{api}/openapi.json",
        "-c",
        "all",
        "--seed",
        "7",
    ]
    words += ["--include-path-regex", "/licences", "--phases", "coverage,fuzzing", "--max-examples", "6"]
    words += [
        "--no-shrink",
        "--continue-on-failure",
        "--no-color",
        "-H",
        f"Authorization: Bearer {found['tokens'][who]}",
    ]
    env = {
        **os.environ, "SCHEMATHESIS_HOOKS": "tests.licence_contract_hooks", "CONTRACT_WORLD": str(home / "world"),
        "CONTRACT_SEEN": str(home / "seen"), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    return subprocess.run(words, env=env, cwd=home, capture_output=True, text=True, timeout=900, check=False)
