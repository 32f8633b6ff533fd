"""Members at scale: nightly chores, list pages, figures and imports. `python -m benchmarks.members [PART[=SIZE]…] [--postgresql]`.

Statements are counted, time is given per thousand memberships and as a ratio to a floor of the same run: the leanest SQL
that reads the same facts in the same batches and works nothing out. Memory is the process's own, read after each fifth.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks import servers

os.environ.setdefault("PORTAL_SECRET_KEY", "a key for the benchmark only, of forty characters")
NIGHT = date(2027, 6, 15)
# The chores of the night that walk memberships; those that this version of the portal has are run.
CHORES = (
    "announce_standings", "offer_renewals", "issue_renewal_invoices", "charge_renewals", "send_reminders",
    "announce_benefit_expiry", "ask_contact_confirmation", "expire_applications", "close_unfulfilled", "void_envelopes",
    "expire_tier_quotes", "serve_benefit_queues", "publish_wall", "check_files", "retain",
)  # fmt: skip
TOGETHER = 200


def resident() -> int:
    """Return the megabytes of memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


@contextmanager
def watched(every: int = 0) -> Iterator[dict[str, Any]]:
    """Count statements and commits, note the memory after each `every` commits, and the seconds it all took."""
    from sqlalchemy import event

    from portal.core.db import db

    told: dict[str, Any] = {"sent": 0, "commits": 0, "memory": [resident()], "took": 0.0}

    def sent(*_: Any) -> None:
        told["sent"] += 1

    def commit(*_: Any) -> None:
        told["commits"] += 1
        if every and told["commits"] % every == 0:
            told["memory"].append(resident())

    engine = db.engine
    event.listen(engine, "before_cursor_execute", sent)
    event.listen(engine, "commit", commit)
    start = time.perf_counter()
    try:
        yield told
    finally:
        told["took"] = time.perf_counter() - start
        told["memory"].append(resident())
        event.remove(engine, "before_cursor_execute", sent)
        event.remove(engine, "commit", commit)


def application() -> Any:
    """Return an application on a database of its own: TEST_DATABASE_URL if it is given, else a new SQLite file."""
    from portal.app import create_app
    from portal.cli import migrate_now

    os.environ["PORTAL_HOME"] = tempfile.mkdtemp(prefix="portal-benchmark-")
    os.environ["PORTAL_DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "")
    app = create_app()
    with app.app_context():
        migrate_now()
    return app


def _invent(count: int, dice: random.Random) -> dict[str, list[dict[str, Any]]]:
    """Return rows of memberships of every kind: most renewed each year, some left, some in arrears of nothing, some held."""
    from portal.accounts.people import new_uid
    from portal.core import clock
    from portal.core.money import Money
    from portal.core.periods import nth

    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("org", "membership", "term", "ending", "hold")
    }
    said = clock.start_of(date(2025, 1, 1))
    for n in range(1, count + 1):
        tier = dice.choices(["platinum", "gold", "silver", "startup"], [1, 4, 10, 6])[0]
        price, start = (
            Money({"platinum": 40_000_000, "gold": 16_000_000}.get(tier, 2_000_000)),
            date(2025, 1, 1),
        )
        start += timedelta(days=dice.randrange(365))
        rows["org"].append({
            "id": n, "uid": new_uid(), "legal_name": f"示例{n:06d}号科技有限公司", "legal_name_en": f"Example {n} Ltd",
            "display_name_zh": f"示例{n:06d}", "display_name_en": f"Example {n}", "country": "CN", "legal_key": f"CN:MANY{n:09d}",
            "created_at": said, "version": 1, "registration_verdict": "", "category": "software", "homepage": "",
            "address": "", "about": "", "search_text": "", "sort_zh": f"shi li {n:06d}", "sort_en": f"example {n:06d}",
            "listing_consent": True, "unclaimed": False,
        })  # fmt: skip
        rows["membership"].append({
            "id": n, "uid": new_uid(), "org_id": n, "founding": False, "standing": "none", "tier": tier, "listed_tier": "",
            "created_at": said,
        })  # fmt: skip
        for k in range(dice.choices([1, 2, 3], [5, 5, 90])[0]):
            rows["term"].append({
                "id": len(rows["term"]) + 1, "uid": new_uid(), "membership_id": n, "kind": "renewal" if k else "new",
                "tier": tier, "category": "software", "start": nth(start, 12, k), "end": nth(start, 12, k + 1),
                "anchor": start, "k": k, "period_price": price, "charged": price, "cover": "settled", "by_name": "benchmark",
                "recorded_at": said,
            })  # fmt: skip
        if dice.random() < 0.03:
            last = rows["term"][-1]
            rows["ending"].append({
                "term_id": last["id"], "on": last["start"] + timedelta(days=100), "cause": "resigned", "reason": "",
                "by_name": "benchmark", "second_name": "", "bar_for_good": False, "recorded_at": said,
            })  # fmt: skip
        if dice.random() < 0.01:
            rows["hold"].append({
                "membership_id": n, "start": date(2026, 1, 1), "end": date(2026, 6, 1), "cause": "conduct", "reason": "",
                "by_name": "benchmark", "second_name": "", "recorded_at": said,
            })  # fmt: skip
    return rows


def fill(count: int) -> None:
    """Write so many memberships straight into the tables."""
    from sqlalchemy import insert, text

    from portal.accounts.organisations import Organisation
    from portal.core.db import db, transaction
    from portal.members.belonging import Ending, Hold, Membership, Term

    tables: dict[str, Any] = {
        "org": Organisation, "membership": Membership, "term": Term, "ending": Ending, "hold": Hold,
    }  # fmt: skip
    for name, rows in _invent(count, random.Random(7)).items():
        for at in range(0, len(rows), 5_000):
            with transaction():
                db.session.connection().execute(insert(tables[name].__table__), rows[at : at + 5_000])
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("ANALYZE"))


def floor(count: int) -> float:
    """Return the seconds that reading the facts of all memberships takes, in the same batches, working nothing out."""
    from sqlalchemy import bindparam, text

    from portal.core.db import db, transaction

    asked = [
        text(words).bindparams(bindparam("ids", expanding=True))
        for words in (
            "SELECT id, standing, tier, member_since FROM membership WHERE id IN :ids",
            'SELECT id, start, "end", tier, recorded_at FROM term WHERE membership_id IN :ids',
            "SELECT e.id, e.term_id FROM term_ending e JOIN term t ON t.id = e.term_id WHERE t.membership_id IN :ids",
            "SELECT id, start FROM membership_hold WHERE membership_id IN :ids",
            "SELECT id, undoes_id FROM membership_reversal WHERE membership_id IN :ids",
            "SELECT id, submitted_at FROM application WHERE org_id IN :ids",
        )
    ]
    start = time.perf_counter()
    for at in range(1, count + 1, TOGETHER):
        ids = list(range(at, min(at + TOGETHER, count + 1)))
        with transaction():
            for one in asked:
                db.session.connection().execute(one, {"ids": ids}).all()
    return time.perf_counter() - start


def nightly(count: int = 100_000) -> None:
    """Run the chores of a night over many memberships: the first night, the same night again, the next, and after three weeks."""
    from portal.core import chores, clock

    app = application()
    with app.app_context():
        fill(count)
        ground = floor(count)
        print(f"floor: {1000 * ground / count:.3f} s per thousand of {count} memberships")
        nights = (("first night", 0), ("again", 0), ("next night", 1), ("three weeks later", 22))
        for name in [one for one in CHORES if one in chores.table()]:
            for words, days in nights if name == "announce_standings" else nights[:2]:
                with clock.stopped_at(NIGHT + timedelta(days=days)), watched(count // TOGETHER // 5) as told:
                    done = chores.table()[name].run()
                print(
                    f"{name:22} {words:18} {done:7d} rows, {1000 * told['sent'] / count:7.2f} statements and "
                    f"{1000 * told['took'] / count:.3f} s per thousand, {told['took'] / ground:.2f} times the floor, "
                    f"memory {' '.join(map(str, told['memory']))} MB"
                )


def page(count: int = 20_000) -> None:
    """Work out the standing of every row of a list page from its facts: statements do not grow with the rows."""
    from sqlalchemy import select

    from portal.core import clock
    from portal.core.db import db, reading
    from portal.members import terms
    from portal.members.belonging import Membership
    from portal.members.facts import facts_of
    from portal.members.standing import standing_of

    app = application()
    with app.app_context(), clock.stopped_at(NIGHT):
        fill(count)
        for size in (25, 50, 100, 1_000):
            with reading():
                policy = terms.policy_on(NIGHT)
                list(db.session.scalars(select(Membership).limit(1)))
                with watched() as told:
                    rows = list(
                        db.session.scalars(select(Membership).order_by(Membership.id.desc()).limit(size))
                    )
                    facts = facts_of(rows)
                    found = {row.id: standing_of(facts[row.id], NIGHT, policy) for row in rows}
            print(
                f"page of {len(found):5d} of {count}: {told['sent']} statements, {1e3 * told['took']:.1f} ms"
            )


def figures(count: int = 100_000) -> None:
    """Count members on a day and work out the retention of a year, against the leanest SQL that counts them by tier."""
    from sqlalchemy import text

    from portal.core import clock
    from portal.core.db import db, reading
    from portal.members import reports
    from portal.reports import retention

    lean = """SELECT t.tier, count(*) FROM term t LEFT JOIN term_ending e ON e.term_id = t.id
        WHERE t.start <= :day AND COALESCE(e."on", t."end") > :day GROUP BY t.tier"""
    app = application()
    with app.app_context(), clock.stopped_at(NIGHT):
        fill(count)
        with reading():
            start = time.perf_counter()
            counted = sorted(n for _tier, n in db.session.execute(text(lean), {"day": str(NIGHT)}).all())
            ground = time.perf_counter() - start
            with watched() as told:
                by_tier = reports.members_on(NIGHT)
            assert sorted(by_tier.values()) == counted
            print(
                f"members on a day, of {count}: {told['took']:.2f} s, {told['sent']} statements, lean SQL {ground:.2f} s"
            )
            with watched() as told:
                found = retention.body(retention.look(date(2026, 7, 1), date(2027, 6, 1)))
            print(
                f"retention of a year, of {count}: {told['took']:.2f} s, {told['sent']} statements, memory "
                f"{' '.join(map(str, told['memory']))} MB; {found['opening']} + {found['arrivals']} − {found['departures']}"
            )


def past(count: int = 2_000) -> None:
    """Take a history of so many events in, and the same file again."""
    from portal.core.db import transaction
    from portal.members import history
    from tests.test_history import invented

    app = application()
    text = invented(4, count)
    with app.app_context():
        for words in ("new", "again"):
            with watched() as told, transaction():
                history.bring_in(text)
            print(
                f"history of {count} events, {words}: {told['took']:.1f} s, {told['sent'] / count:.2f} statements an event"
            )


PARTS: dict[str, Callable[..., None]] = {"nightly": nightly, "page": page, "figures": figures, "past": past}


def main() -> None:
    """Run the parts named, or all: `nightly` or `nightly=10000` for another size; `--postgresql` on a server of its own."""
    words = sys.argv[1:]
    with servers.asked_for(words) as server:
        for n, word in enumerate(words or PARTS):
            if server is not None:
                server.psql(f"CREATE DATABASE part_{n}")
                servers.use(server.get_uri(database=f"part_{n}"))
            name, _, size = word.partition("=")
            PARTS[name](*([int(size)] if size else []))


if __name__ == "__main__":
    main()
