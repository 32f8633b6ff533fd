"""What was worked out of the whole database, kept for as long as nothing at all has been saved in it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from sqlalchemy import Connection

from portal.core.db import db, is_reader

T = TypeVar("T")
MOST = 64
HELD = "portal_unchanged"


def state_of(conn: Connection) -> Hashable:
    """Return a mark of what this connection sees: the same mark means the same data, down to the last row.

    SQLite tells a connection whether others have saved since it looked; its own changes it counts. PostgreSQL names
    the transactions a snapshot holds. A snapshot is never seen again once somebody has saved, so what was read a
    moment after its mark is never shown for an older state.
    """
    if conn.dialect.name == "sqlite":
        raw: Any = conn.connection.dbapi_connection
        return conn.exec_driver_sql("PRAGMA data_version").scalar(), raw.total_changes
    return str(conn.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar())


def unchanged(key: Hashable, read: Callable[[], T]) -> T:
    """Return what `read` gives, from memory while the database stands as it stood then.

    The key says all else that it depends on: the language, the day, what the address asks for, whoever may see it.
    For what many ask and what costs much, such as the public wall; kept per connection, plain values only.
    """
    conn = db.session.connection()
    if not is_reader(conn):
        return read()
    state, held = state_of(conn), conn.info.get(HELD)
    if held is None or held[0] != state or len(held[1]) >= MOST:
        held = conn.info[HELD] = (state, {})
    known: dict[Hashable, T] = held[1]
    if key not in known:
        known[key] = read()
    return known[key]
