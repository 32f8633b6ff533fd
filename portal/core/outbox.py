"""Work that follows a fact: a row written with it, done afterwards with retries, exactly one effect."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask_babel import LazyString
from sqlalchemy import JSON, Index, String, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Model, db, let_go, transaction
from portal.core.retry import patiently

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=5)
MOST_TRIES = 12
KEEP = timedelta(days=30)
WAIT = timedelta(minutes=5)


class OutboxItem(Model):
    """A message or a slot of a chore; the table is the record of all background work."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kind: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(200), unique=True)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    run_after: Mapped[datetime]
    created_at: Mapped[datetime]
    lease_until: Mapped[datetime | None] = mapped_column(default=None)
    holder: Mapped[str | None] = mapped_column(String(80), default=None)
    fence: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    tries: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(default=None)
    dead_at: Mapped[datetime | None] = mapped_column(default=None)
    error: Mapped[str | None] = mapped_column(String(500), default=None)
    __table_args__ = (
        Index(
            "ix_outbox_open",
            "run_after",
            postgresql_where=literal_column("done_at IS NULL AND dead_at IS NULL"),
            sqlite_where=literal_column("done_at IS NULL AND dead_at IS NULL"),
        ),
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker holds: the row's id and fence, and what it needs for the work."""

    id: int
    fence: int
    kind: str
    key: str
    payload: dict[str, Any]
    tries: int


Finish = Callable[[], None]
Handler = Callable[[Claim], Finish | None]
_handlers: dict[str, Handler] = {}
_words: dict[str, LazyString] = {}


def handles(kind: str, words: LazyString) -> Callable[[Handler], Handler]:
    """Register the worker of a kind of work, and what people call it.

    The worker runs outside any transaction and may return what to save at the end.
    """

    def put(handler: Handler) -> Handler:
        _handlers[kind], _words[kind] = handler, words
        return handler

    return put


def called(kind: str) -> str:
    """Return what people call a kind of work; its code where no worker of this version knows it."""
    return str(_words.get(kind, kind))


def kinds() -> list[str]:
    """Return every kind of work that has a handler."""
    return sorted(_handlers)


def queue(
    kind: str, key: str, payload: dict[str, Any] | None = None, *, after: datetime | None = None
) -> bool:
    """File a piece of work in the present transaction; False if one with this key exists already."""
    if kind not in _handlers:
        raise LookupError(f"nobody handles {kind}")
    now = clock.now()
    values = {
        "kind": kind, "key": key, "payload": payload or {}, "run_after": after or now, "created_at": now,
        "fence": 0, "tries": 0,
    }  # fmt: skip
    dialect = db.session.get_bind().dialect.name
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = build(OutboxItem).values(**values).on_conflict_do_nothing(index_elements=["key"])
    return db.session.execute(statement.returning(OutboxItem.id)).first() is not None


def claim(holder: str) -> Claim | None:
    """Take one due row under a lease; None if nothing is due."""
    now = clock.now()
    due = (
        select(OutboxItem.id)
        .where(
            OutboxItem.done_at.is_(None),
            OutboxItem.dead_at.is_(None),
            OutboxItem.run_after <= now,
            (OutboxItem.lease_until.is_(None)) | (OutboxItem.lease_until < now),
        )
        .order_by(OutboxItem.run_after, OutboxItem.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    statement = (
        update(OutboxItem)
        .where(OutboxItem.id.in_(select(due.c.id)))
        .values(lease_until=now + LEASE, holder=holder, fence=OutboxItem.fence + 1, started_at=None)
        .returning(
            OutboxItem.id,
            OutboxItem.fence,
            OutboxItem.kind,
            OutboxItem.key,
            OutboxItem.payload,
            OutboxItem.tries,
        )
        .execution_options(synchronize_session=False)
    )
    with transaction():
        row = db.session.execute(statement).first()
    return None if row is None else Claim(*row)


def _held(item: Claim) -> Any:
    return (OutboxItem.id == item.id) & (OutboxItem.fence == item.fence) & OutboxItem.done_at.is_(None)


def _set(item: Claim, **values: Any) -> bool:
    statement = update(OutboxItem).where(_held(item)).values(**values).returning(OutboxItem.id)
    return db.session.execute(statement.execution_options(synchronize_session=False)).first() is not None


class NotYet(RuntimeError):
    """What the work needs is not here yet, and the text says what: the row waits, which counts as no try."""


class LeaseLost(RuntimeError):
    """Somebody else holds the row now: what was about to be saved is rolled back."""


def work(item: Claim) -> bool:
    """Start, do and finish one claimed row; False if it failed or was lost."""
    with transaction():
        started = _set(
            item, tries=OutboxItem.tries + 1, started_at=clock.now(), lease_until=clock.now() + LEASE
        )
    if not started:
        return False
    try:
        finish = patiently(lambda: _handlers[item.kind](item))
        let_go()
        patiently(lambda: _finish(item, finish))
    except LeaseLost:
        log.warning("outbox.lease_lost", key=item.key)
        return False
    except NotYet as wanting:
        _wait(item, wanting)
        return False
    except Exception as error:
        log.exception("outbox.failed", key=item.key, kind=item.kind)
        fail(item, error)
        return False
    return True


def _finish(item: Claim, finish: Finish | None) -> None:
    with transaction():
        if finish is not None:
            finish()
        if not _set(item, done_at=clock.now(), error=None, lease_until=None):
            raise LeaseLost(item.key)


def _wait(item: Claim, wanting: NotYet) -> None:
    """Put a row back for a few minutes, as often as it takes: it goes on by itself once all is here."""
    let_go()
    log.info("outbox.waits", key=item.key, kind=item.kind, wanting=str(wanting))
    with transaction():
        later = clock.now() + WAIT
        _set(item, run_after=later, lease_until=None, tries=item.tries, error=str(wanting)[:500])


def fail(item: Claim, error: Exception) -> None:
    """Put a row back with a growing wait (30 s doubling to 6 h, with jitter), or lay it aside after 12 tries."""
    let_go()
    tries = item.tries + 1
    wait = min(30 * 2 ** (tries - 1), 6 * 3600) * random.uniform(0.8, 1.2)
    dead = clock.now() if tries >= MOST_TRIES else None
    with transaction():
        _set(
            item,
            run_after=clock.now() + timedelta(seconds=wait),
            lease_until=None,
            dead_at=dead,
            error=f"{type(error).__name__}: {error}"[:500],
        )


def again(item: OutboxItem) -> None:
    """Give a dead row another life, asked for by a person."""
    item.dead_at, item.tries, item.run_after, item.lease_until = None, 0, clock.now(), None


def drain(holder: str = "by hand", *, most: int = 10_000) -> int:
    """Work everything that is due now; return how many rows were done."""
    done = 0
    for _ in range(most):
        item = claim(holder)
        if item is None:
            break
        done += work(item)
    return done


def purge() -> int:
    """Delete rows done more than 30 days ago, except the newest slot of each chore."""
    newest = (
        select(OutboxItem.kind, OutboxItem.payload, OutboxItem.id)
        .where(OutboxItem.kind == "chore")
        .order_by(OutboxItem.run_after.desc())
    )
    keep: dict[str, int] = {}
    for _kind, payload, row_id in db.session.execute(newest):
        keep.setdefault(str(payload.get("name")), row_id)
    old = db.session.scalars(
        select(OutboxItem).where(OutboxItem.done_at < clock.now() - KEEP, OutboxItem.id.not_in(keep.values()))
    ).all()
    for row in old:
        db.session.delete(row)
    return len(old)
