"""What nodes ask all day, outside any session: prepared statements on two connections that each thread keeps.

One cannot write, the other writes one statement at a time. A session for each would cost several times the statement.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import structlog
from flask import current_app
from sqlalchemy.engine import Engine

from portal.core.db import db, write_one
from portal.services.licences import facts
from portal.services.licences.facts import Found
from portal.services.licences.judge import Ask

log = structlog.get_logger(__name__)
_NAME = re.compile(r":(\w+)")


class Kept(threading.local):
    """The connections of a thread, and the process they were opened in: a fork opens its own."""

    raw: Any = None
    pen: Any = None
    process: int = 0


def look(digests: Sequence[str], ask: Ask, now: datetime) -> Found | None:
    """Return what the rows say about a key and a node; None for an unknown key."""
    return facts.decode(_again(lambda kept: _rows(kept, digests, ask, now)))


def read(statement: str, values: dict[str, Any]) -> Sequence[Any]:
    """Return the rows of a statement in the names of SQLite; instants go in by `at`."""
    return _again(lambda kept: _asked(kept, statement, values))


def write(statement: str, values: dict[str, Any]) -> Sequence[Any] | None:
    """Run one statement that changes something, and return its rows; None if the database could not be asked now.

    It may have been done nevertheless: only for what may be done twice.
    """
    kept = _kept()
    try:
        if kept.pen is None:
            kept.pen = _open(db.engine, reader=False)
        said = statement if isinstance(kept.pen, sqlite3.Connection) else _spelt(statement)
        return write_one(kept.pen, said, values)
    except Exception as error:
        _drop(kept)
        if not _lost(error):
            raise
        log.warning("licence_pen_lost", reason=str(error)[:120])
        return None


def at(moment: datetime) -> Any:
    """Return an instant as the database takes it outside a session."""
    return moment.isoformat(" ", "microseconds")[:26] if db.engine.dialect.name == "sqlite" else moment


def _again(work: Callable[[Kept], Sequence[Any]]) -> Sequence[Any]:
    """Read, once more on a new connection if the server went away meanwhile."""
    kept = _kept()
    fresh = kept.raw is None
    try:
        return work(kept)
    except Exception as error:
        _drop(kept)
        if fresh or not _lost(error):
            raise
    return work(kept)


def _kept() -> Kept:
    found: Kept | None = current_app.extensions.get("licence_look")
    if found is None:
        found = current_app.extensions["licence_look"] = Kept()
    if found.process != os.getpid():
        found.raw, found.pen, found.process = None, None, os.getpid()
    return found


def _rows(kept: Kept, digests: Sequence[str], ask: Ask, now: datetime) -> Sequence[Any]:
    if kept.raw is None:
        kept.raw = _open(db.engine)
    if isinstance(kept.raw, sqlite3.Connection):
        asked = facts.parameters(digests, ask, now.isoformat(" ", "microseconds")[:26])
        return kept.raw.execute(facts.spelling(len(digests)), asked).fetchall()
    found: Sequence[Any] = kept.raw.execute(
        _spelt(facts.spelling(len(digests))), facts.parameters(digests, ask, now), prepare=True
    ).fetchall()
    return found


def _asked(kept: Kept, statement: str, values: dict[str, Any]) -> Sequence[Any]:
    if kept.raw is None:
        kept.raw = _open(db.engine)
    if isinstance(kept.raw, sqlite3.Connection):
        return kept.raw.execute(statement, values).fetchall()
    found: Sequence[Any] = kept.raw.execute(_spelt(statement), values, prepare=True).fetchall()
    return found


@cache
def _spelt(statement: str) -> str:
    return _NAME.sub(r"%(\1)s", statement)


def _open(engine: Engine, *, reader: bool = True) -> Any:
    """Open a connection outside the pool, in the driver's own words; a reader's commits nothing and refuses to write."""
    options = current_app.config["SQLALCHEMY_ENGINE_OPTIONS"].get("connect_args", {})
    words, named = engine.dialect.create_connect_args(engine.url)
    raw: Any = engine.dialect.connect(*words, **{**named, **options})
    if isinstance(raw, sqlite3.Connection):
        raw.isolation_level = None
        raw.execute("PRAGMA busy_timeout=20000")
        raw.execute(
            "PRAGMA query_only=1"
            if reader
            else f"PRAGMA synchronous={_promise(engine, 'PRAGMA synchronous')}"
        )
        return raw
    raw.autocommit = True
    if reader:  # the driver says it only with a BEGIN of its own
        raw.execute("SET default_transaction_read_only = on")
    else:
        raw.execute(f"SET synchronous_commit = {_promise(engine, 'SHOW synchronous_commit')}")
    return raw


def _promise(engine: Engine, ask: str) -> Any:
    """Return when the house's own connections call a row written: on the disk, unless somebody decided otherwise."""
    with engine.connect() as conn:
        return conn.exec_driver_sql(ask).scalar()


def _drop(kept: Kept) -> None:
    both, kept.raw, kept.pen = (kept.raw, kept.pen), None, None
    for raw in both:
        if raw is not None:
            raw.close()


def _lost(error: Exception) -> bool:
    """Whether an error says that the connection is gone."""
    return type(error).__name__ in {"OperationalError", "InterfaceError", "AdminShutdown"}
