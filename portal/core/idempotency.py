"""Idempotency keys: a program may send a write again, and it happens once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Annotated, Any

from flask import Response, g, request
from flask_babel import gettext as _
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import JSON, String, UniqueConstraint, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Model, db, transaction
from portal.core.errors import Refused

KEEP = timedelta(hours=24)
LEASE = timedelta(minutes=2)
HEADER = "Idempotency-Key"


class IdempotencyKey(Model):
    """A write that a program named: what was asked (as a hash) and, once done, what was answered."""

    __tablename__ = "idempotency_key"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    owner: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(120))
    request_hash: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None] = mapped_column(default=None)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    __table_args__ = (UniqueConstraint("owner", "key"),)


class WriteHeaders(BaseModel):
    """The headers of a write."""

    model_config = ConfigDict(extra="ignore")
    key: Annotated[
        str, Field(alias=HEADER, min_length=1, max_length=120, pattern=r"^[!-~]+$", default="none")
    ]


def once(view: Callable[..., Any]) -> Callable[..., Any]:
    """Run a write of the API in one transaction, and once per key: the answer is kept with what it did.

    The view returns `(body, status, headers)` and opens no transaction. The same key again gets the same
    answer; with another request 422; while the first still runs 409. A write that failed frees its key.
    """

    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        key = request.headers.get(HEADER)
        if key is None:
            with transaction():
                return view(*args, **kwargs)
        owner = str(g.token.owner)
        done = _claim(owner, key)
        if done is not None:
            return _again(done)
        try:
            with transaction():
                body, status, headers = view(*args, **kwargs)
                _keep(owner, key, status, {"body": body, "headers": headers})
        except Exception:  # whatever it was, nothing was done: the key may be used again
            _free(owner, key)
            raise
        return body, status, headers

    return run


def _request_hash() -> str:
    body = json.dumps(request.get_json() if request.get_data() else None, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).hexdigest()


def _mine(owner: str, key: str) -> Any:
    return (IdempotencyKey.owner == owner) & (IdempotencyKey.key == key)


def _claim(owner: str, key: str) -> IdempotencyKey | None:
    """Take the key for this request; return the row of one that was answered already."""
    now, asked = clock.now(), _request_hash()
    values = {"owner": owner, "key": key, "request_hash": asked, "started_at": now}
    with transaction():
        db.session.execute(
            delete(IdempotencyKey).where(_mine(owner, key), IdempotencyKey.started_at < now - KEEP)
        )
        build = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
        fresh = build(IdempotencyKey).values(**values).on_conflict_do_nothing()
        if db.session.execute(fresh.returning(IdempotencyKey.id)).first() is not None:
            return None
        row = db.session.scalars(select(IdempotencyKey).where(_mine(owner, key))).one()
        if row.request_hash != asked:
            raise Refused(_("This Idempotency-Key was used for another request."), field=HEADER, status=422)
        if row.status is not None:
            return row
        # A process that was killed leaves its claim behind; what it began was rolled back.
        taken = (
            update(IdempotencyKey)
            .where(IdempotencyKey.id == row.id, IdempotencyKey.status.is_(None))
            .where(IdempotencyKey.started_at < now - LEASE)
            .values(started_at=now)
            .returning(IdempotencyKey.id)
            .execution_options(synchronize_session=False)
        )
        if db.session.execute(taken).first() is None:
            raise Refused(_("The first request with this Idempotency-Key is still running."), field=HEADER)
        return None


def _keep(owner: str, key: str, status: int, answer: dict[str, Any]) -> None:
    kept = (
        update(IdempotencyKey)
        .where(_mine(owner, key), IdempotencyKey.status.is_(None))
        .values(status=status, answer=answer)
        .returning(IdempotencyKey.id)
        .execution_options(synchronize_session=False)
    )
    if db.session.execute(kept).first() is None:
        raise Refused(_("The first request with this Idempotency-Key is still running."), field=HEADER)


def _free(owner: str, key: str) -> None:
    with transaction():
        db.session.execute(delete(IdempotencyKey).where(_mine(owner, key), IdempotencyKey.status.is_(None)))


def _again(row: IdempotencyKey) -> Response | tuple[Any, ...]:
    answer = row.answer or {}
    return answer["body"], row.status, {**answer["headers"], "Idempotency-Replayed": "true"}


def purge() -> int:
    """Forget the keys of more than 24 hours ago; return how many."""
    with transaction():
        gone = db.session.execute(
            delete(IdempotencyKey)
            .where(IdempotencyKey.started_at < clock.now() - KEEP)
            .returning(IdempotencyKey.id)
        )
        return len(gone.all())
