"""The job board and the talent pool at scale. `python -m benchmarks.jobs [POSTS [PROFILES]] [--postgresql]`.

Filled twice, with a tenth of the posts and profiles and with all of them, so that growth shows. Each page is asked right
after somebody saved something, with an address nobody asked before, and once more as it comes from memory. Statements are
counted; CPU is that of this process, and on PostgreSQL (a server started here) that of the server beside it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import job_rows, members, servers
from benchmarks.job_rows import COMMON, DAY, PER_EMPLOYER, RARE

TIMES = 5
PAGES = (
    ("a page that is always the same", "/terms?x={n}"),
    ("the board", "/jobs/?x={n}"),
    ("the board, a word", "/jobs/?q=算子&x={n}"),
    ("the board, a name of few", "/jobs/?q=示例000003&x={n}"),
    ("the board, words and filters", "/jobs/?q=triton 编译&city=beijing&kind=full_time&x={n}"),
    ("the board, remote", "/jobs/?city=remote&x={n}"),
    ("the board, level and pay", "/jobs/?level=ARCH&pay=40000&x={n}"),
    ("the board, nothing fits", "/jobs/?q=fortran&x={n}"),
    ("the board, a page in the middle", "/jobs/?page={middle}&x={n}"),
    ("a post", "/jobs/{uid}?x={n}"),
    ("the feed of 200 (JSON)", "/jobs/feed.json?x={n}"),
    ("the feed of 200 (Atom), a word", "/jobs/feed.atom?q=算子&x={n}"),
    ("the sitemap, its index", "/jobs/sitemap.xml?x={n}"),
    ("the sitemap, a part", "/jobs/sitemap-0.xml?x={n}"),
    ("a page of the API", "/api/v1/jobs"),
    ("a page of the API, a word", "/api/v1/jobs?q=triton"),
    ("the pool, its form", "/jobs/hiring/pool?x={n}"),
)
SEARCHES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("the pool, anybody", {}),
    ("the pool, a common skill", {"skills": COMMON}),
    ("the pool, a rare skill", {"skills": RARE}),
    ("the pool, two skills and a city", {"skills": "cuda 算子", "city": "shanghai"}),
    ("the pool, the highest level", {"level": 3}),
    ("the pool, all filters", {"level": 2, "skills": COMMON, "city": "beijing", "kind": "full_time", "language": "en"}),
    ("the pool, nobody", {"skills": "fortran"}),
)  # fmt: skip
Cost = tuple[int, float, float, float]  # statements; CPU here, and of the server; CPU here from memory


@dataclass(frozen=True, slots=True)
class World:
    """An application on a database of its own, with somebody signed in who recruits."""

    app: Any
    client: Any
    org: int
    person: int


def build() -> World:
    """Return an application whose board is fully open, and in it an employer whose membership is in force."""
    from portal.accounts.may import ContactRole
    from portal.accounts.organisations import Contact, Organisation
    from portal.core import catalogue, clock
    from portal.core.db import db, transaction
    from portal.jobs import quotas
    from portal.members import names
    from portal.members.standing import Answer
    from tests.people import make_person, session_for

    app = members.application()
    with app.app_context():
        members.fill(1_000)
        with transaction():
            names.rebuild()
            body = dict(catalogue.entries("job_board")["jobs.mode"]) | {
                "value": "full", "licence_number": "DEMO-1", "licence_issuer": {"zh": "测试", "en": "Test"},
                "licence_valid_until": "2030-01-01",
            }  # fmt: skip
            catalogue.put("job_board", "jobs.mode", body, clock.today())
            org = next(
                one
                for one in db.session.query(Organisation).order_by(Organisation.id)
                if quotas.right(one) is Answer.YES
            )
            reader = make_person("bench@house.example", "Bench")
            db.session.add(Contact(person=reader, org=org, role=ContactRole.HR, start=clock.today()))
            key, found = session_for(reader), (org.id, reader.id)
    client = app.test_client()
    with client.session_transaction() as state:
        state["key"], state["language"] = key, "en"
    return World(app, client, *found)


def searches(world: World) -> list[tuple[str, str]]:
    """Begin every search of the pool as many times as it is asked; return their pages."""
    from portal.accounts.organisations import Organisation
    from portal.accounts.people import Person
    from portal.core import clock
    from portal.core.db import db, transaction
    from portal.jobs.matching import Wanted
    from portal.jobs.people_models import PoolSearch

    found: list[tuple[str, str]] = []
    with world.app.app_context(), transaction():
        org, by = db.session.get_one(Organisation, world.org), db.session.get_one(Person, world.person)
        for name, said in SEARCHES:
            row = PoolSearch(org=org, by=by, day=clock.today(), asked=asdict(Wanted(**said)))
            db.session.add(row)
            db.session.flush()
            found.append((name, f"/jobs/hiring/pool/{row.uid}?x={{n}}"))
            if not said:
                found.append(
                    ("the pool, the last page of many", f"/jobs/hiring/pool/{row.uid}?page=20&x={{n}}")
                )
    return found


def measure(world: World, posts: int) -> dict[str, Cost]:
    """Return what each page costs at least, right after a change and from memory."""
    from portal.core.db import db, reading, transaction
    from portal.jobs.models import Post

    with world.app.app_context(), reading():
        uid = db.session.get_one(Post, posts).uid
    found, n = {}, 0
    for name, path in (*PAGES, *searches(world)):
        fresh, again, server, sent = [], [], [], 0
        for _ in range(TIMES):
            n += 1
            address = path.format(n=n, uid=uid, middle=max(1, posts // 50))
            ask = lambda where=address: world.client.get(where)  # noqa: E731
            with world.app.app_context():
                with transaction():  # somebody saves something: nothing is remembered
                    db.session.get_one(Post, 1).places = 1 + n % 2
                before = _server_ms()
                with members.watched() as told:
                    fresh.append(_spent(ask))
                server.append(_server_ms() - before)
            sent = int(told["sent"])
            again.append(min(_spent(ask) for _ in range(3)))  # each connection remembers by itself
        found[name] = sent, min(fresh), min(server), min(again)
    return found


def _server_ms() -> float:
    """Return the milliseconds that the server's processes for this database have been on a processor; 0 on SQLite."""
    from portal.core.db import db

    if db.engine.dialect.name != "postgresql":
        return 0.0
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        rows = conn.exec_driver_sql("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        pids = [int(row[0]) for row in rows]
    spent = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            spent += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return spent / 1e6


def _spent(work: Callable[[], Any]) -> float:
    start = time.process_time()
    answer = work()
    took = (time.process_time() - start) * 1000
    assert answer.status_code == 200, (answer.status_code, answer.request.path)
    return took


def _settle() -> None:
    """Let the database know its rows, as it does by itself at night."""
    from portal.core.db import db

    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE" if db.engine.dialect.name == "postgresql" else "ANALYZE")


def run(posts: int, profiles: int) -> None:
    """Fill, measure, fill the rest, measure again, and print both."""
    from portal.core import clock

    taken: list[dict[str, Cost]] = []
    with clock.stopped_at(DAY):
        world, had, have = build(), 0, 0
        for part in (10, 1):
            more, people = max(PER_EMPLOYER, posts // part), max(20, profiles // part)
            with world.app.app_context():
                job_rows.fill_posts(had + 1, more - had)
                job_rows.fill_people(have + 1, people - have)
                _settle()
            had, have = more, people
            taken.append(measure(world, more))
    small, large = taken
    floor = sum(large[PAGES[0][0]][1:3])
    print(f"{posts} posts, {profiles} profiles; milliseconds of CPU, least of {TIMES}")
    print(
        f"{'page':34} {'statements':>10} {'fresh':>8} {'server':>7} {'× floor':>8} {'again':>8} {'growth ×':>9}"
    )
    for name, (sent, fresh, server, again) in large.items():
        before = sum(small[name][1:3])
        print(
            f"{name:34} {small[name][0]:>6}/{sent:<3} {fresh:8.1f} {server:7.1f} {(fresh + server) / floor:8.1f} "
            f"{again:8.1f} {(fresh + server) / before:9.1f}"
        )


def main() -> None:
    """Measure on SQLite, or with `--postgresql` on a server of its own."""
    words = sys.argv[1:]
    with servers.asked_for(words):
        sizes = [int(word) for word in words] or [20_000]
        run(sizes[0], sizes[1] if len(sizes) > 1 else sizes[0] * 5)


if __name__ == "__main__":
    main()
