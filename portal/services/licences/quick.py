"""Questions outside any session: one prepared statement on a connection that each thread keeps, which cannot write.

A session of its own for each validation would cost several times the statement itself.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy.engine import Engine

from portal.core.db import db
from portal.services.licences import facts
from portal.services.licences.facts import Found
from portal.services.licences.judge import Ask

_NAME = re.compile(r":(\w+)")


class Kept(threading.local):
    """The connection of a thread, and the process it was opened in: a fork opens its own."""

    raw: Any = None
    process: int = 0


def look(digests: Sequence[str], ask: Ask, now: datetime) -> Found | None:
    """Return what the rows say about a key and a node; None for an unknown key."""
    kept = _kept()
    fresh = kept.raw is None
    try:
        return facts.decode(_rows(kept, digests, ask, now))
    except Exception as error:
        _drop(kept)
        if fresh or not _lost(error):
            raise
    return facts.decode(
        _rows(kept, digests, ask, now)
    )  # the server went away meanwhile: once more, on a new one


def _kept() -> Kept:
    found: Kept | None = current_app.extensions.get("licence_look")
    if found is None:
        found = current_app.extensions["licence_look"] = Kept()
    if found.process != os.getpid():
        found.raw, found.process = None, os.getpid()
    return found


def _rows(kept: Kept, digests: Sequence[str], ask: Ask, now: datetime) -> Sequence[Any]:
    if kept.raw is None:
        kept.raw = _open(db.engine)
    if isinstance(kept.raw, sqlite3.Connection):
        asked = facts.parameters(digests, ask, now.isoformat(" ", "microseconds")[:26])
        return kept.raw.execute(facts.spelling(len(digests)), asked).fetchall()
    found: Sequence[Any] = kept.raw.execute(
        _for_psycopg(len(digests)), facts.parameters(digests, ask, now), prepare=True
    ).fetchall()
    return found


@cache
def _for_psycopg(keys: int) -> str:
    return _NAME.sub(r"%(\1)s", facts.spelling(keys))


def _open(engine: Engine) -> Any:
    """Open a connection outside the pool, in the driver's own words: it commits nothing and refuses to write."""
    options = current_app.config["SQLALCHEMY_ENGINE_OPTIONS"].get("connect_args", {})
    words, named = engine.dialect.create_connect_args(engine.url)
    raw: Any = engine.dialect.connect(*words, **{**named, **options})
    if isinstance(raw, sqlite3.Connection):
        raw.isolation_level = None
        raw.execute("PRAGMA busy_timeout=20000")
        raw.execute("PRAGMA query_only=1")
    else:
        raw.autocommit = True
        raw.execute(
            "SET default_transaction_read_only = on"
        )  # the driver says it only with a BEGIN of its own
    return raw


def _drop(kept: Kept) -> None:
    raw, kept.raw = kept.raw, None
    if raw is not None:
        raw.close()


def _lost(error: Exception) -> bool:
    """Whether an error says that the connection is gone."""
    return type(error).__name__ in {"OperationalError", "InterfaceError", "AdminShutdown"}
