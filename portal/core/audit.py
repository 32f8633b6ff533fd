"""The audit chain: append-only, each entry carrying an HMAC over itself and the entry before."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask import g, has_request_context, request
from sqlalchemy import JSON, Select, String, event, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import clock
from portal.core.db import Model, aside, db, reading, transaction
from portal.core.money import Money
from portal.core.settings import settings
from portal.core.vault import derived

GENESIS = "0" * 64


class AuditEntry(Model):
    """One thing somebody did. Frozen by triggers; the chain shows whoever goes round them."""

    __tablename__ = "audit_entry"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(120))
    actor_id: Mapped[int | None]
    verb: Mapped[str] = mapped_column(String(80), index=True)
    subject: Mapped[str] = mapped_column(String(80), index=True)
    org_id: Mapped[int | None] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    address: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[str] = mapped_column(String(40))
    prev: Mapped[str] = mapped_column(String(64), unique=True)
    mac: Mapped[str] = mapped_column(String(64))


class AuditHead(Model):
    """The end of the chain; locked while a writer appends, so that parallel writers keep one chain."""

    __tablename__ = "audit_head"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
    mac: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry that waits for the commit, so that its subject has an id by then."""

    at: datetime
    actor: str
    actor_id: int | None
    verb: str
    subject: Model | str
    org_id: int | None
    detail: dict[str, Any]


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it, without changing what it says."""
    if isinstance(value, Money | date | datetime):
        return str(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def record(verb: str, subject: Model | str, *, by: Any, org_id: int | None = None, **detail: Any) -> None:
    """Note what `by` (a person, or the text naming a chore) did to a subject; written with the commit."""
    actor_id = getattr(by, "id", None)
    actor = str(getattr(by, "name", by))[:120]
    if has_request_context() and (program := g.get("token")) is not None:
        detail["token"] = program.prefix
    session = db.session()
    entry = Pending(clock.now(), actor, actor_id, verb, subject, org_id, plain(detail))
    session.info.setdefault("audit", []).append(entry)
    if (ear := session.info.get("ear")) is not None:
        ear.append(entry)


@contextmanager
def overheard() -> Iterator[list[Pending]]:
    """Yield what is recorded meanwhile, also what a savepoint has written down already: for dry runs."""
    session = db.session()
    found: list[Pending] = []
    session.info["ear"] = found
    try:
        yield found
    finally:
        session.info.pop("ear", None)


def trace(verb: str, subject: str, *, by: Any, org_id: int | None = None, **detail: Any) -> None:
    """Note at once, from a reader, what somebody took out (an export); raises if it cannot be written."""
    actor_id, actor = getattr(by, "id", None), str(getattr(by, "name", by))[:120]
    entry = Pending(clock.now(), actor, actor_id, verb, subject, org_id, plain(detail))
    with aside() as conn, Session(bind=conn, join_transaction_mode="rollback_only") as session:
        session.info["audit"] = [entry]
        _append(session)


def _canonical(entry: AuditEntry) -> bytes:
    content = {
        name: plain(getattr(entry, name))
        for name in (
            "id",
            "actor",
            "actor_id",
            "verb",
            "subject",
            "org_id",
            "detail",
            "address",
            "request_id",
        )
    }
    content["at"] = entry.at.isoformat()
    content["prev"] = entry.prev
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _mac(entry: AuditEntry, *, secret: str | None = None) -> str:
    return hmac.new(derived("audit", secret=secret), _canonical(entry), "sha256").hexdigest()


def _append(session: Session) -> None:
    pending: list[Pending] = session.info.pop("audit", [])
    if not pending:
        return
    session.flush()
    head = session.scalars(
        select(AuditHead).where(AuditHead.id == 1).with_for_update().execution_options(populate_existing=True)
    ).one()
    inside = has_request_context()
    for item in pending:
        subject = item.subject if isinstance(item.subject, str) else item.subject.subject
        entry = AuditEntry(
            id=head.count + 1,
            at=item.at,
            actor=item.actor,
            actor_id=item.actor_id,
            verb=item.verb,
            subject=subject,
            org_id=item.org_id,
            detail=item.detail,
            address=(request.remote_addr or "")[:64] if inside else "",
            request_id=g.get("request_id", "") if inside else "",
            prev=head.mac,
            mac="",
        )
        entry.mac = _mac(entry)
        session.add(entry)
        head.count, head.mac = entry.id, entry.mac
    session.flush()


def install(session_factory: Any) -> None:
    """Append what was recorded when a session commits, and forget it when it rolls back."""

    @event.listens_for(session_factory, "before_commit")
    def before_commit(session: Session) -> None:
        _append(session)

    @event.listens_for(session_factory, "after_soft_rollback")
    def after_rollback(session: Session, _previous: Any) -> None:
        session.info.pop("audit", None)


def of_subject(*subjects: str) -> Select[AuditEntry]:
    """Select what happened to these subjects, oldest first."""
    return select(AuditEntry).where(AuditEntry.subject.in_(subjects)).order_by(AuditEntry.id)


def verify() -> tuple[int, list[str]]:
    """Walk the chain; return how many entries were read and a sentence for each break."""
    keys = (settings().secret_key, *settings().secret_key_fallbacks)
    found: list[str] = []
    # The last entry first, then the head: whatever others append meanwhile lies behind both.
    last = db.session.scalar(select(func.max(AuditEntry.id))) or 0
    head = db.session.get(AuditHead, 1, populate_existing=True)
    end = max(last, head.count if head else 0)
    prev, count = GENESIS, 0
    for entry in db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.id <= end)
        .order_by(AuditEntry.id)
        .execution_options(yield_per=500)
    ):
        count += 1
        if entry.id != count or entry.prev != prev:
            found.append(f"audit: entry {entry.id} does not follow entry {count - 1}")
        elif entry.mac not in {_mac(entry, secret=key) for key in keys}:
            found.append(f"audit: entry {entry.id} was altered")
        prev, count = entry.mac, entry.id
    if head is None or (head.count, head.mac) != (count, prev):
        found.append("audit: the end of the chain is missing")
    return count, found


def head_count() -> int:
    """Return how many entries the chain has."""
    return db.session.scalar(select(AuditHead.count).where(AuditHead.id == 1)) or 0


def last_check() -> AuditEntry | None:
    """Return the entry that says how far the chain was checked last, and what was found."""
    return db.session.scalars(
        select(AuditEntry).where(AuditEntry.verb == "audit.checked").order_by(AuditEntry.id.desc()).limit(1)
    ).first()


def how_far() -> tuple[int, AuditEntry | None]:
    """Return how many entries the chain has, and the entry of its last check, in one statement."""
    newest = select(func.max(AuditEntry.id)).where(AuditEntry.verb == "audit.checked").scalar_subquery()
    row = db.session.execute(
        select(AuditHead.count, AuditEntry).outerjoin(AuditEntry, AuditEntry.id == newest)
    ).first()
    return (row[0], row[1]) if row is not None else (0, None)


def check(by: Any) -> int:
    """Walk the chain as a reader, then note how far it was read and what was found; return the entries read."""
    with reading():
        count, breaks = verify()
    with transaction():
        record("audit.checked", "audit:0", by=by, through=count, breaks=breaks[:20])
    return count
