"""Hooks for schemathesis: real ids and versions where valid input was asked for, and what each operation answered."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
import schemathesis

WORLD: dict[str, Any] = json.loads(Path(os.environ["CONTRACT_WORLD"]).read_text("utf-8"))
SEEN = Path(os.environ["CONTRACT_SEEN"])
API = WORLD["api"]
HEADERS = {"Authorization": f"Bearer {WORLD['token']}"}


def version_of(kind: str, uid: str) -> int:
    """Return the version a row has now; 1 if this token may not see it."""
    answer = requests.get(f"{API}/{kind}/{uid}", headers=HEADERS, timeout=10)
    return int(answer.json()["version"]) if answer.status_code == 200 else 1


def valid(case: Any) -> bool:
    """Whether this case was meant to be valid."""
    return bool(case.meta is None or case.meta.generation.mode.is_positive)


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Put rows that exist into valid input: nobody guesses 128 random bits, a version or a cursor."""
    if not valid(case):
        return
    name = case.operation.label
    kind = name.split("/api/v1/")[-1].split("/")[0]
    pool = {
        "POST /api/v1/applications/{uid}/submission": "ready",
        "PATCH /api/v1/applications/{uid}": "drafts",
        "POST /api/v1/bookings/{uid}/confirmation": "held",
        "POST /api/v1/bookings/{uid}/release": "waits",
        "POST /api/v1/bookings/{uid}/cancellation": "cancelled",
        "POST /api/v1/bookings/{uid}/move": "moved",
        "GET /api/v1/certificates/{number}": "numbers",
        "POST /api/v1/statements/{uid}/report": "told",
        "POST /api/v1/statements/{uid}/confirmation": "confirmed",
        "POST /api/v1/statements/{uid}/dispute": "disputed",
    }
    uids = WORLD.get(pool.get(name, kind), [])
    if case.path_parameters and uids:
        turn = WORLD.setdefault("turns", {})
        turn[name] = turn.get(name, -1) + 1
        for parameter in case.path_parameters:
            case.path_parameters[parameter] = uids[turn[name] % len(uids)]
    if isinstance(case.body, dict) and "version" in case.body and case.path_parameters:
        case.body["version"] = version_of(kind, case.path_parameters["uid"])
    if isinstance(case.body, dict) and "organisation" in case.body:
        case.body["organisation"] = None if kind in {"tickets", "orders"} else ""
    if isinstance(case.body, dict) and "benefit" in case.body:
        case.body |= {"benefit": WORLD["benefits"][0], "quantity": 1}
    if isinstance(case.body, dict) and "rules" in case.body:
        case.body |= {"rules": "2026-01", "language": "en"}
    if isinstance(case.body, dict) and "sending" in case.body:
        case.body["sending"] = 1
    if kind == "statements" and isinstance(case.body, dict) and "lines" in case.body:
        case.body["lines"] = [
            one | {"month": None, "milli_hours": 1000} for one in case.body["lines"] if isinstance(one, dict)
        ]
    if isinstance(case.body, dict) and "session" in case.body:
        case.body["session"] = WORLD["goal" if case.path_parameters else "full"]
    if isinstance(case.body, dict) and "queue" in case.body:
        case.body["queue"] = True
    if case.query and case.query.get("cursor"):
        case.query["cursor"] = ""
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid4().hex


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Any) -> None:
    """Note what the operation answered."""
    with SEEN.open("a", encoding="utf-8") as out:
        out.write(json.dumps([case.operation.label, response.status_code]) + "\n")
