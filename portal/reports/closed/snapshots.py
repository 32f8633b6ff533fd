"""The chain of snapshots: one for each close of a month, written with the close, walked and re-run ever after."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from portal.accounts.people import Person
from portal.billing import closing, months
from portal.billing.book_models import AccountingPeriod, PeriodState
from portal.billing.events import PeriodClosed
from portal.core import audit, clock
from portal.core.db import db, reading, transaction
from portal.reports.closed import bodies, checks, versions
from portal.reports.closed.models import Snapshot, SnapshotHead, SnapshotKind

GENESIS = "0" * 64
CHECKED = "snapshots.checked"
AGAIN = 3  # so many closed months are worked out again every night


def on_closed(event: PeriodClosed) -> None:
    """Write the snapshot of a month within the transaction that closes it."""
    row = closing.row_of(event.month)
    if row is not None and row.closed_at is not None and row.closed_by is not None:
        keep(row.month, row.closed_at, by=row.closed_by, strict=True)


def of_close(month: date, at: datetime) -> Snapshot | None:
    """Return the snapshot of one close of a month."""
    statement = select(Snapshot).where(Snapshot.month == month, Snapshot.known_at == at)
    return db.session.scalars(statement.order_by(Snapshot.n.desc()).limit(1)).first()


def newest(month: date) -> Snapshot | None:
    """Return the last snapshot of a month that is closed now; None if it is open, or was closed before there were any."""
    row = closing.row_of(months.first_of(month))
    if row is None or row.state is not PeriodState.CLOSED or row.closed_at is None:
        return None
    return of_close(row.month, row.closed_at)


def hash_of(month: date) -> str | None:
    """Return the hash that closes a month; None while it is open."""
    row = newest(month)
    return row.hash if row is not None else None


def hash_known(month: date, known: date) -> str | None:
    """Return the hash that closed a month as it was known at the end of a day; None if it was open then.

    A close, a reopening or a nightly chore after that day changes nothing of what is read as known on it.
    """
    row, until = closing.row_of(months.first_of(month)), clock.start_of(known + timedelta(days=1))
    if row is None:
        return None
    opened = (
        select(audit.AuditEntry.id)
        .where(
            audit.AuditEntry.subject == row.subject, audit.AuditEntry.verb == "period.reopened",
            audit.AuditEntry.at > Snapshot.made_at, audit.AuditEntry.at < until,
        )
        .exists()
    )  # fmt: skip
    made = select(Snapshot.hash).where(Snapshot.month == row.month, Snapshot.made_at < until, ~opened)
    return db.session.scalar(made.order_by(Snapshot.n.desc()).limit(1))


def keep(month: date, at: datetime, *, by: Person | str, strict: bool = False) -> Snapshot:
    """Append the snapshot of a month as known at the instant of its close; that one again changes nothing.

    `strict` refuses figures whose roll-forwards do not hold: a snapshot would only freeze what is wrong.
    """
    head = db.session.execute(
        update(SnapshotHead)
        .where(SnapshotHead.id == 1)
        .values(count=SnapshotHead.count + 1)
        .returning(SnapshotHead.count, SnapshotHead.hash)
        .execution_options(synchronize_session=False)
    ).one()
    if (found := of_close(month, at)) is not None:
        _set_head(head[0] - 1, head[1])
        return found
    one, year = bodies.flows(month, at)
    if strict:
        checks.insist(one)
    said, who = versions.in_force(clock.day_of(at)), by if isinstance(by, Person) else None
    body = bodies.canonical(
        {
            "n": head[0], "kind": SnapshotKind.MONTH, "month": f"{month:%Y-%m}", "known_at": bodies.instant(at),
            "versions": said, "made_by": who.id if who is not None else None, **bodies.parts(one, year),
        }
    )  # fmt: skip
    made = Snapshot(
        n=head[0], kind=SnapshotKind.MONTH, month=month, known_at=at, body=body, prev=head[1],
        hash=bodies.digest(head[1], body), made_by=who, **said,
    )  # fmt: skip
    db.session.add(made)
    _set_head(made.n, made.hash)
    db.session.flush()
    audit.record("snapshot.made", made, by=by, month=f"{month:%Y-%m}", number=made.n, sha256=made.hash)
    return made


def _set_head(count: int, digest: str) -> None:
    values = update(SnapshotHead).where(SnapshotHead.id == 1).values(count=count, hash=digest)
    db.session.execute(values.execution_options(synchronize_session=False))


def _says(row: Snapshot) -> bool:
    """Whether the columns beside a body say what the body says."""
    try:
        body = json.loads(row.body)
        said = (
            body["n"], body["kind"], body["month"], body["known_at"], body["made_by"], body["versions"],
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return False
    mine = {name: getattr(row, name) for name in ("streams", "catalogue", "formulas", "release")}
    return said == (
        row.n, row.kind, f"{row.month:%Y-%m}", bodies.instant(row.known_at), row.made_by_id, mine,
    )  # fmt: skip


def read(row: Snapshot) -> dict[str, Any]:
    """Return what a snapshot says."""
    body: dict[str, Any] = json.loads(row.body)
    return body


def verify() -> tuple[int, list[str]]:
    """Walk the chain; return how many snapshots were read and a sentence for each break, naming the row."""
    found: list[str] = []
    head = db.session.get(SnapshotHead, 1, populate_existing=True)
    prev, count = GENESIS, 0
    rows = select(Snapshot).order_by(Snapshot.n).execution_options(yield_per=20, populate_existing=True)
    for row in db.session.scalars(rows):
        count += 1
        if row.n != count or row.prev != prev:
            found.append(f"snapshots: number {row.n} ({row.month:%Y-%m}) does not follow number {count - 1}")
        elif bodies.digest(row.prev, row.body) != row.hash or not _says(row):
            found.append(f"snapshots: number {row.n} ({row.month:%Y-%m}) was altered")
        prev, count = row.hash, row.n
    if head is None or (head.count, head.hash) != (count, prev):
        found.append("snapshots: the end of the chain is missing")
    return count, found


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure or row that is another now: where it stands in the body, what it was and what it is."""

    path: tuple[str, ...]
    was: Any
    now: Any

    @property
    def where(self) -> str:
        """The place as one text."""
        return " / ".join(self.path)


@dataclass(frozen=True, slots=True)
class Rerun:
    """A snapshot worked out again: what differs of its figures and rows, and which versions have changed since."""

    snapshot: Snapshot
    figures: list[Difference] = field(default_factory=list)
    rows: list[Difference] = field(default_factory=list)
    changed: list[Difference] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether every figure and row is what it was."""
        return not self.figures and not self.rows


def differences(was: Any, now: Any, path: tuple[str, ...] = ()) -> list[Difference]:
    """Return every leaf in which two bodies differ."""
    if isinstance(was, dict) and isinstance(now, dict):
        found: list[Difference] = []
        for key in sorted({*was, *now}):
            found += differences(was.get(key), now.get(key), (*path, key))
        return found
    return [] if was == now else [Difference(path, was, now)]


def again(row: Snapshot) -> Rerun:
    """Work a snapshot out again from what was known at its instant, by the formulas and lists of today."""
    said, made = read(row), bodies.parts(*bodies.flows(row.month, row.known_at))
    figures = [
        one
        for part in ("month_figures", "year_figures")
        for one in differences(said[part], made[part], (part,))
    ]
    changed = differences(said["versions"], versions.in_force(clock.day_of(row.known_at)))
    return Rerun(row, figures, differences(said["cells"], made["cells"]), changed)


def unkept() -> list[AccountingPeriod]:
    """Return the closed months whose close left no snapshot: imported ones, and those closed before there were any."""
    kept = (
        select(Snapshot.id)
        .where(Snapshot.month == AccountingPeriod.month, Snapshot.known_at == AccountingPeriod.closed_at)
        .exists()
    )
    return list(
        db.session.scalars(
            select(AccountingPeriod)
            .where(AccountingPeriod.state == PeriodState.CLOSED, AccountingPeriod.closed_at.is_not(None), ~kept)
            .order_by(AccountingPeriod.month)
        )
    )  # fmt: skip


def _last_closed() -> list[Snapshot]:
    closed = (
        select(AccountingPeriod.month)
        .where(AccountingPeriod.state == PeriodState.CLOSED)
        .order_by(AccountingPeriod.month.desc())
        .limit(AGAIN)
    )
    found = [newest(month) for month in db.session.scalars(closed)]
    return [one for one in found if one is not None]


def check() -> int:
    """Keep what no close kept, walk the chain and re-run the last closed months; note what was found, return how many were read."""
    with reading():
        waiting = [row.month for row in unkept()]
    for month in waiting:
        with transaction():
            row = closing.row_to_move(month)
            if row.state is PeriodState.CLOSED and row.closed_at is not None:
                keep(month, row.closed_at, by="check_snapshots")
    with reading():
        count, faults = verify()
        for one in _last_closed():
            done = again(one)
            faults += [
                f"snapshots: number {one.n} ({one.month:%Y-%m}) differs at {found.where}: {found.was} was kept, {found.now} is worked out"
                for found in (*done.figures, *done.rows)
            ]
    with transaction():
        audit.record(CHECKED, "report_snapshot:0", by="check_snapshots", through=count, breaks=faults[:20])
    return count


def last_check() -> audit.AuditEntry | None:
    """Return the entry that says what the last nightly check found."""
    return db.session.scalars(
        select(audit.AuditEntry)
        .where(audit.AuditEntry.verb == CHECKED)
        .order_by(audit.AuditEntry.id.desc())
        .limit(1)
    ).first()
