"""Rows for the benchmark of licences, written straight into the tables: licences with a key, a term and live nodes."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from portal.accounts.organisations import Organisation
from portal.core import clock, signing
from portal.core.db import db, transaction
from portal.core.signing import KeyUse
from portal.services.licences import keys, plans
from portal.services.licences.kinds import TermKind
from portal.services.licences.models.licence import (
    Licence,
    LicenceKey,
    LicenceState,
    LicenceTerm,
    LicenceTool,
)
from portal.services.licences.models.node import Node

PLAN, TOOL = "flagscale-node", "flagscale"
BATCH = 500
Known = list[tuple[str, int]]


def fingerprint(n: int) -> str:
    """Return how the benchmark calls the n-th node of a licence."""
    return f"k8s:bench.gpu-{n:05d}"


def fill(sizes: list[int], *, lease_seconds: int = 3600, seated: bool = True) -> Known:
    """Write a licence of each size, all its seats taken; return the key of each and its size."""
    if signing.current(KeyUse.LICENCE) is None:
        with transaction():
            signing.create(KeyUse.LICENCE, by="One", second="Other")
    made: Known = []
    for start in range(0, len(sizes), BATCH):
        with transaction():
            made += [_licence(size, lease_seconds, seated) for size in sizes[start : start + BATCH]]
    _look_at_rows()
    return made


def _licence(size: int, lease_seconds: int, seated: bool) -> tuple[str, int]:
    now, sold, session = clock.now(), plans.sold(PLAN), db.session
    plan, org = plans.read(sold), Organisation(legal_name=f"Bench {secrets.token_hex(4)}")
    row = Licence(
        org=org, plan=PLAN, sold=sold, policy=plan.policy, lease_seconds=lease_seconds, warn_days=30, state=LicenceState.ACTIVE
    )  # fmt: skip
    tools = [
        LicenceTool(licence=row, org=org, tool=one["tool"], features=list(one.get("features", [])))
        for one in plan.tools
    ]
    half = timedelta(days=180)
    term = LicenceTerm(
        licence=row, kind=TermKind.BASE, nodes=size, starts_at=now - half, ends_at=now + half,
        source=secrets.token_hex(8), grace_days=15,
    )  # fmt: skip
    secret = keys.fresh(plans.prefix())
    body = keys.read(secret)
    assert body is not None
    key = LicenceKey(licence=row, key_hash=keys.digest(body), hint=body[:5], label="bench", by_name="bench")
    session.add_all([org, row, *tools, term, key])
    session.flush()
    if seated:
        row.live_nodes = size
        until = now + timedelta(seconds=lease_seconds)
        session.execute(
            insert(Node), [_node(row.id, key.id, fingerprint(n), now, until) for n in range(size)]
        )
    return secret, size


def _node(row: int, key: int, name: str, now: datetime, until: datetime) -> dict[str, Any]:
    empty = (
        "name",
        "machine",
        "other_machine",
        "platform",
        "accelerator",
        "tool_version",
        "run",
        "released_run",
    )
    return {
        "uid": f"ln_{secrets.token_hex(13)}", "licence_id": row, "key_id": key, "fingerprint": name, "activated_at": now,
        "lease_until": until, "seen_at": now, "kept": False, **dict.fromkeys(empty, ""),
    }  # fmt: skip


def _look_at_rows() -> None:
    """Let the database look at what it holds, as it does by itself after a while."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("VACUUM ANALYZE")
        return
    with transaction():
        db.session.connection().exec_driver_sql("ANALYZE")
