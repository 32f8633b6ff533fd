"""Hooks for schemathesis over licences: real ids where valid input was asked for, the licence's key for what nodes ask."""

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
BASE = "/api/v1/licences"
BY_KEY = {
    f"POST {BASE}/validate",
    f"PUT {BASE}/nodes/{{fingerprint}}",
    f"DELETE {BASE}/nodes/{{fingerprint}}",
    f"GET {BASE}/current",
}
TURNS: dict[str, int] = {}
NOBODY = [
    "0" * 32
]  # a change or a proposal: nobody here made one, and its acceptance would end the licence for the others


def valid(case: Any) -> bool:
    """Whether this case was meant to be valid."""
    return bool(case.meta is None or case.meta.generation.mode.is_positive)


def turn(name: str, pool: list[str]) -> str:
    """Return the next of some rows, so that each request meets a fresh one."""
    TURNS[name] = TURNS.get(name, -1) + 1
    return pool[TURNS[name] % len(pool)]


def by_key(asked: requests.PreparedRequest) -> requests.PreparedRequest:
    """Put the licence's key where the token stands."""
    asked.headers["Authorization"] = f"Bearer {WORLD['key']}"
    return asked


@schemathesis.hook
def before_call(_context: Any, case: Any, kwargs: Any) -> None:
    """Put rows that exist into valid input."""
    name = case.operation.label
    if not valid(case):
        return
    if name in BY_KEY:
        kwargs["auth"] = by_key
    parts = name.split("/")
    if "{uid}" in parts:
        case.path_parameters["uid"] = WORLD["held" if "holds" in parts else "licence"]
    if "{row}" in parts:
        kind = parts[parts.index("{row}") - 1]
        pools = (
            WORLD["nodes"].get(parts[-1], WORLD["nodes"]["block"])
            if kind == "nodes"
            else WORLD.get(kind, NOBODY)
        )
        case.path_parameters["row"] = turn(name, pools)
    if name == f"POST {BASE}/{{uid}}/files":
        case.body = {"fingerprints": [turn("signed", WORLD["signed"])], "days": 7}
    if isinstance(case.body, dict) and case.body.get("lease_seconds") is not None:
        case.body["lease_seconds"] = 3600  # what is possible hangs on the policy of the licence
    if case.query and case.query.get("cursor"):
        case.query["cursor"] = ""
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid4().hex


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Any) -> None:
    """Note what the operation answered; methods that its address lacks are asked under its name too."""
    if case.method.upper() != case.operation.method.upper():
        return
    with SEEN.open("a", encoding="utf-8") as out:
        out.write(json.dumps([case.operation.label, response.status_code]) + "\n")
