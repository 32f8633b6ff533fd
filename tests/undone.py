"""Examples that leave nothing: each lives in one transaction of the database that is taken back, its own commits being savepoints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from flask import Flask

from portal.core.db import db


def examples(app: Flask) -> int:
    """Return how many histories a costly test lives through: 60 on SQLite and 30 on PostgreSQL, 500 on both by `make proofs`."""
    if os.environ.get("PROOFS"):
        return 500
    return 60 if app.extensions["settings"].sqlite else 30


def half(app: Flask) -> int:
    """Return half of `examples`, for the costliest of their tests; all of them by `make proofs`."""
    return part(app, one_in=2)


def part(app: Flask, *, one_in: int) -> int:
    """Return a part of `examples`; all of them by `make proofs`."""
    many = examples(app)
    return many if many == 500 else many // one_in


def lives(app: Flask, *, one_in: int) -> int:
    """Return how many whole lives, of seconds each, a test lives through: a part of `examples`, 100 by `make proofs`."""
    return 100 if os.environ.get("PROOFS") else max(3, examples(app) // one_in)


@contextmanager
def undone(app: Flask) -> Iterator[None]:
    """Run what is inside with every `transaction()` a savepoint, and take all of it back; needs an application context."""
    db.session.remove()
    with db.engine.connect() as conn:
        whole = conn.begin()
        kind = db.session.session_factory.class_
        try:
            with mock.patch.object(kind, "get_bind", return_value=conn):
                db.session(join_transaction_mode="create_savepoint")
                try:
                    yield
                finally:
                    db.session.remove()
        finally:
            whole.rollback()
