"""Worlds that many tests of a process stand on: built once by the verbs, then laid as rows into the fresh database of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
from flask import Flask

from portal.core.db import db
from tests.kept import SEQUENCES, plain

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


class Rows(NamedTuple):
    """A world on PostgreSQL: what each table that it touched holds, and how far the sequences are."""

    tables: dict[str, bytes]
    sequences: list[tuple[str, int | None]]


_kept: dict[tuple[str, str], sqlite3.Connection | Rows] = {}


def stand_on(app: Flask, name: str, build: Callable[[], None]) -> None:
    """Let a fresh database hold the world of a name; the first test of the process builds it, the others get its rows.

    What is built must be the same each time, and in the database alone: files of a store are not kept.
    """
    with app.app_context():
        url = db.engine.url
        db.engine.dispose()
    known = _kept.get((url.get_backend_name(), name))
    if url.get_backend_name() == "sqlite":
        _on_sqlite(str(url.database), name, known, build)
    else:
        _on_postgresql(url.render_as_string(hide_password=False), name, known, build)


def _on_sqlite(file: str, name: str, known: Any, build: Callable[[], None]) -> None:
    if known is None:
        build()
    with sqlite3.connect(file) as disk:
        if known is None:
            made = _kept["sqlite", name] = sqlite3.connect(":memory:", check_same_thread=False)
            disk.backup(made)
        else:
            known.backup(disk)
    disk.close()


def _on_postgresql(url: str, name: str, known: Any, build: Callable[[], None]) -> None:
    with psycopg.connect(plain(url), autocommit=True) as conn:
        if known is not None:
            _lay(conn, known)
            return
        names = [str(one) for (one,) in conn.execute(TABLES).fetchall()]
        before = {one: _read(conn, one) for one in names}
        build()
        after = {one: _read(conn, one) for one in names}
        changed = {one: data for one, data in after.items() if data != before[one]}
        sequences = [(str(one), last) for one, last in conn.execute(SEQUENCES).fetchall()]
        _kept["postgresql", name] = Rows(changed, sequences)


def _read(conn: psycopg.Connection[Any], table: str) -> bytes:
    with conn.cursor().copy(f'COPY public."{table}" TO STDOUT') as copy:
        return b"".join(bytes(part) for part in copy)


def _lay(conn: psycopg.Connection[Any], world: Rows) -> None:
    """Write the rows without triggers and in any order, and set the sequences."""
    words = [
        "SET session_replication_role = replica",
        *(f'DELETE FROM public."{one}"' for one in world.tables),
    ]
    words += [
        f"SELECT setval('public.\"{one}\"', {last or 1}, {last is not None})"
        for one, last in world.sequences
        if last is not None
    ]
    conn.execute("; ".join(words), prepare=False)
    for one, data in world.tables.items():
        with conn.cursor().copy(f'COPY public."{one}" FROM STDIN') as copy:
            copy.write(data)
