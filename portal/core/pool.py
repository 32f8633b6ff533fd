"""Connections that lay in the pool: a look whether the server is still there, a question only where that is in doubt."""

from __future__ import annotations

import select
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

from portal.core import clock

LONG = 30.0
SINCE = "portal_since"


def watch(engine: Engine) -> None:
    """Hand out a pooled connection only if its server answers, without asking it each time.

    A server that goes away closes its end or says so, and either can be seen on the socket at no cost. A network
    that forgets a silent connection cannot, so one that was idle for long is asked as well.
    """
    if engine.dialect.name != "postgresql":
        return

    @event.listens_for(engine, "checkin")
    def checkin(_raw: Any, record: Any) -> None:
        record.info[SINCE] = clock.monotonic()

    @event.listens_for(engine, "checkout")
    def checkout(raw: Any, record: Any, _proxy: Any) -> None:
        since = record.info.get(SINCE)
        if since is None or (clock.monotonic() - since < LONG and silent(raw)):
            return
        try:
            engine.dialect.do_ping(raw)
        except Exception as gone:
            raise InvalidatePoolError from gone


def silent(raw: Any) -> bool:
    """Whether nothing has come in on a connection that expects nothing: neither a word nor the end."""
    if raw.closed:
        return False
    look = select.poll()
    look.register(raw.fileno(), select.POLLIN)
    return not look.poll(0)
