"""The leanest program that answers a validation: a bare Flask application, one route, one statement of its own.

It reads JSON, hashes the key as the portal does, asks the driver, and answers the same JSON for licences in force. It knows
nothing of holds, grace, rank, versions, languages, limits and refusals.
"""

from __future__ import annotations

import hmac
import json
import os
import sqlite3
import threading
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, request

SQL = """SELECT l.uid, l.state, l.live_nodes, n.lease_until,
 (SELECT SUM(t.nodes) FROM licence_term t WHERE t.licence_id = l.id AND t.starts_at <= {0} AND t.ends_at > {0}),
 (SELECT MAX(t.ends_at) FROM licence_term t WHERE t.licence_id = l.id AND t.starts_at <= {0} AND t.ends_at > {0})
 FROM licence_key k JOIN licence l ON l.id = k.licence_id
 LEFT JOIN licence_node n ON n.licence_id = l.id AND n.fingerprint = {1} AND n.released_at IS NULL
 WHERE k.key_hash = {2} AND (k.ends_at IS NULL OR k.ends_at > {0})"""
ALIKE = str.maketrans("OIL", "011", "- ")


def floor_app() -> Flask:
    """Return the floor on the database that the environment names."""
    from portal.core import settings as places
    from portal.core.vault import derived

    found = places.load()
    pepper = derived("licence keys", secret=found.secret_key)
    app, kept, url = Flask("floor"), threading.local(), os.environ["PORTAL_DATABASE_URL"]

    def rows(now: datetime, fingerprint: str, digest: str) -> Any:
        if url.startswith("sqlite"):
            if not hasattr(kept, "raw"):
                kept.raw = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            asked = (now.strftime("%Y-%m-%d %H:%M:%S.%f"), fingerprint, digest)
            return kept.raw.execute(SQL.format("?1", "?2", "?3"), asked).fetchone()
        if not hasattr(kept, "raw"):
            import psycopg

            kept.raw = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        named = {"now": now, "fingerprint": fingerprint, "digest": digest}
        statement = SQL.format("%(now)s", "%(fingerprint)s", "%(digest)s")
        return kept.raw.execute(statement, named, prepare=True).fetchone()

    @app.post("/api/v1/licences/validate")
    def validate() -> Response:
        body = json.loads(request.get_data())
        key = request.headers["Authorization"][7:].upper().translate(ALIKE)[-25:]
        digest = hmac.digest(pepper, key.encode(), "sha256").hex()
        now = datetime.now(UTC)
        uid, state, live, until, limit, end = rows(now, body["fingerprint"], digest)
        lease = until if isinstance(until, datetime) else datetime.fromisoformat(until).replace(tzinfo=UTC)
        ends = end if isinstance(end, datetime) else datetime.fromisoformat(end).replace(tzinfo=UTC)
        valid = state == "active" and lease > now and live <= limit
        answer = {
            "valid": valid, "code": "VALID" if valid else "LEASE_LAPSED", "detail": "Valid: the tool may run.",
            "checked_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "nonce": body.get("nonce", ""), "reason": None,
            "licence": {
                "id": uid, "stage": "in_force", "ends_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ"), "limit": int(limit), "live": live,
            },
            "node": {"fingerprint": body["fingerprint"], "lease_until": lease.strftime("%Y-%m-%dT%H:%M:%SZ")},
        }  # fmt: skip
        return Response(json.dumps(answer), content_type="application/json")

    return app
