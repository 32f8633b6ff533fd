"""The job board at scale: statements and CPU per page against a constant page. `python -m benchmarks.jobs [POSTS]`.

Filled twice, with a tenth of the posts and with all of them, so that growth shows. Each page is asked with an address nobody
asked before, as after a change, and again as it comes from memory. TEST_DATABASE_URL names PostgreSQL; else a new SQLite file.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from benchmarks import members

DAY = date(2026, 6, 15)
TIMES = 5
PER_EMPLOYER = 20
WORDS = ("算子", "编译器", "推理", "训练", "量化", "驱动", "集群", "迁移", "前端", "测试")
LATIN = ("triton", "cuda", "mlir", "pytorch", "kubernetes", "linux", "rdma", "llvm", "python", "vulkan")
CITIES = ("beijing", "shanghai", "shenzhen", "hangzhou", "chengdu", "nanjing")
PAGES = (
    ("a page that is always the same", "/terms?x={n}"),
    ("the board", "/jobs/?x={n}"),
    ("the board, a word", "/jobs/?q=算子&x={n}"),
    ("the board, words and filters", "/jobs/?q=triton 编译&city=beijing&kind=full_time&x={n}"),
    ("the board, a page in the middle", "/jobs/?page={middle}&x={n}"),
    ("a post", "/jobs/{uid}?x={n}"),
    ("the feed of 200 (JSON)", "/jobs/feed.json?x={n}"),
    ("a page of the API", "/api/v1/jobs"),
)


def rows(start: int, count: int, dice: random.Random) -> dict[str, list[dict[str, Any]]]:
    """Return posts, versions and terms, each post live for a part of the year."""
    from portal.accounts.people import new_uid
    from portal.core import clock
    from portal.jobs.terms import terms_of

    found: dict[str, list[dict[str, Any]]] = {"post": [], "version": [], "term": []}
    for n in range(start, start + count):
        word, latin, city = dice.choice(WORDS), dice.choice(LATIN), dice.choice(CITIES)
        begun = DAY - timedelta(days=dice.randrange(80))
        at = clock.start_of(begun) + timedelta(seconds=n % 80_000)
        texts = {
            "title_zh": f"{word}工程师 {n}", "title_en": f"{latin} engineer {n}",
            "text_zh": f"负责{word}的研发与优化，与{dice.choice(WORDS)}团队合作。" * 4,
            "text_en": f"Build {latin} for many chips, beside {dice.choice(LATIN)}. " * 4,
        }  # fmt: skip
        found["post"].append({
            "id": n, "uid": new_uid(), "org_id": 1 + (n - 1) // PER_EMPLOYER, "by_id": 1, "created_at": at, "state": "draft",
            "starts_on": begun, "ends_on": begun + timedelta(days=90), "days": 90, "places": 1, "posted_at": at, "changed_at": at,
            "appeal": "", "edition": 1,
        })  # fmt: skip
        low = dice.randrange(10, 50) * 100_000
        found["version"].append({
            "id": n, "uid": new_uid(), "post_id": n, "n": 1, "state": "approved", "by_id": 1, "created_at": at, "submitted_at": at,
            "decided_at": at, "renews": False, "marks": [], **texts, "duties_zh": "", "duties_en": "", "requirements_zh": "",
            "requirements_en": "", "remote": "onsite", "city": city, "remote_from": [], "employment": "full_time", "places": 1,
            "currency": "CNY", "pay_low": low, "pay_high": low * 2, "pay_per": "month", "pay_months": 12, "pay_year": low * 24,
            "skills": [latin], "need": "none", "level": "", "apply_by": "link", "link": "https://jobs.example/1",
        })  # fmt: skip
        found["term"] += [{"term": one, "post_id": n} for one in sorted(terms_of(texts.values()))]
    return found


def fill(start: int, count: int) -> None:
    """Write posts straight into the tables, then let them be live."""
    from sqlalchemy import insert, text, update

    from portal.accounts.people import Person
    from portal.core import clock
    from portal.core.db import db, transaction
    from portal.jobs.models import Post, PostTerm, PostVersion

    tables: dict[str, Any] = {"post": Post, "version": PostVersion, "term": PostTerm}
    with transaction():
        if db.session.get(Person, 1) is None:
            db.session.add(
                Person(email="bench@house.example", name="Bench", language="en", verified_at=clock.now())
            )
    dice = random.Random(start)
    for at in range(start, start + count, 2_000):
        made = rows(at, min(2_000, start + count - at), dice)
        with transaction():
            for name, table in tables.items():
                db.session.connection().execute(insert(table.__table__), made[name])
            db.session.connection().execute(
                update(Post)
                .where(Post.id >= at, Post.state == "draft")
                .values(shown_id=Post.id, state="live")
            )
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("ANALYZE"))
    else:
        with transaction():
            db.session.execute(text("ANALYZE"))


def measure(app: Any, posts: int) -> dict[str, tuple[int, float, float]]:
    """Return of each page the statements and the least CPU milliseconds, fresh and from memory."""
    from portal.core.db import db, reading
    from portal.jobs.models import Post

    with app.app_context(), reading():
        uid = db.session.get_one(Post, posts).uid
    client, found, n = app.test_client(), {}, 0
    for name, path in PAGES:
        fresh, again, sent = [], [], 0
        for _ in range(TIMES):
            n += 1
            address = path.format(n=n, uid=uid, middle=max(1, posts // 50))
            with app.app_context(), members.watched() as told:
                fresh.append(_spent(lambda where=address: client.get(where)))  # type: ignore[misc]
            sent = int(told["sent"])
            again.append(_spent(lambda where=address: client.get(where)))  # type: ignore[misc]
        found[name] = sent, min(fresh), min(again)
    return found


def _spent(work: Callable[[], Any]) -> float:
    start = time.process_time()
    answer = work()
    took = (time.process_time() - start) * 1000
    assert answer.status_code == 200, answer.status_code
    return took


def main() -> None:
    """Fill, measure, fill the rest, measure again, and print both."""
    from portal.core import clock

    posts = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    app, tenth = members.application(), max(PER_EMPLOYER, posts // 10)
    with clock.stopped_at(DAY):
        with app.app_context():
            members.fill(1 + (posts - 1) // PER_EMPLOYER)
            fill(1, tenth)
        small = measure(app, tenth)
        with app.app_context():
            fill(tenth + 1, posts - tenth)
        large = measure(app, posts)
    floor = large[PAGES[0][0]][1]
    print(f"{posts} posts of {1 + (posts - 1) // PER_EMPLOYER} employers; CPU in ms, least of {TIMES}")
    print(f"{'page':36} {'statements':>10} {'fresh':>8} {'× floor':>8} {'again':>8} {'growth ×':>9}")
    for name, _path in PAGES:
        sent, fresh, again = large[name]
        print(
            f"{name:36} {sent:10} {fresh:8.1f} {fresh / floor:8.1f} {again:8.1f} {fresh / small[name][1]:9.1f}"
        )


if __name__ == "__main__":
    main()
