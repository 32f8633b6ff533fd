"""Another try for work that lost a race in the database: deadlocks, serialisation failures, a locked file."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

import structlog
from flask import request, session
from flask.sessions import NullSession
from sqlalchemy.exc import OperationalError

from portal.core.db import READERS, db

log = structlog.get_logger(__name__)
T = TypeVar("T")
TRIES = 6
FIRST_WAIT = 0.02
# Serialisation failure, deadlock, and a lock waited for longer than the connection allows: many at one row.
LOST_RACE = {"40001", "40P01", "55P03"}
_trying: ContextVar[bool] = ContextVar("trying", default=False)


def lost_race(error: BaseException) -> bool:
    """Whether an error says no more than: somebody else was faster, try again."""
    if not isinstance(error, OperationalError):
        return False
    if getattr(error.orig, "sqlstate", None) in LOST_RACE:
        return True
    return "database is locked" in str(error.orig)


def patiently(work: Callable[[], T], *, again: Callable[[], None] | None = None) -> T:
    """Do some work up to six times with growing random waits while it loses races; `again` cleans up between.

    The work must leave nothing behind but database rows, or be safe to repeat. Raises the last error. Work
    within such work is tried once: the outermost door does the repeating.
    """
    if _trying.get():
        return work()
    token = _trying.set(True)
    try:
        return _tries(work, again)
    finally:
        _trying.reset(token)


def _tries(work: Callable[[], T], again: Callable[[], None] | None) -> T:
    for turn in range(1, TRIES):
        try:
            return work()
        except OperationalError as error:
            if not lost_race(error):
                raise
            log.warning("retry", turn=turn, reason=str(error.orig)[:120])
        db.session.rollback()  # not `remove()`: the signed-in person stays attached and reloads
        if again is not None:
            again()
        time.sleep(FIRST_WAIT * 2**turn * random.uniform(0.5, 1.5))
    return work()


def at_the_door(dispatch: Callable[[], Any]) -> Any:
    """Answer a request, again if it lost a race: uploads are rewound, what the failed try said is taken back."""
    written = request.method not in READERS and not isinstance(session, NullSession)  # a program has none
    before = copy.deepcopy(dict(session)) if written else None

    def again() -> None:
        if before is not None and dict(session) != before:
            session.clear()
            session.update(before)
        if "files" in request.__dict__:  # only if the form was read: asking would read it
            for _field, upload in request.files.items(multi=True):
                upload.stream.seek(0)

    try:
        return patiently(dispatch, again=again)
    except OperationalError:
        again()  # what the last try said did not happen either
        raise
