"""One PostgreSQL database for all tests of a process: what a test wrote is taken back row by row, which is cheaper than a copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg

# What a test may change of the schema itself: then the database is made anew.
SHAPE = " UNION ALL ".join(
    f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM pg_catalog.{name}"
    for name in ("pg_class", "pg_attribute", "pg_constraint", "pg_trigger", "pg_proc", "pg_db_role_setting")
)
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"
OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def plain(url: str) -> str:
    """Return an address as the driver itself takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://")


def named(url: str, name: str) -> str:
    """Return a server's address with another database."""
    head, _, tail = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{tail}" if tail else "")


class Start:
    """How a database stood when it was made, and the way back to it."""

    def __init__(self, url: str) -> None:
        # Kept open: its plans, and what the server has read of its own catalogue for it, serve every test.
        conn = self.conn = psycopg.connect(plain(url), autocommit=True, prepare_threshold=0)
        tables = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        self.marks = " UNION ALL ".join(
            f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM public.\"{name}\"" for (name,) in tables
        )
        self.full = {name for name, count, _xmin in conn.execute(self.marks) if count}
        self.schema = f"start_{uuid4().hex[:6]}"
        conn.execute(f"CREATE SCHEMA {self.schema}")
        for name in self.full:
            conn.execute(f'CREATE TABLE {self.schema}."{name}" AS TABLE public."{name}"')
        self.known = self._all(self.marks)
        self.sequences = self._all(SEQUENCES)
        self.shape = self._all(SHAPE)

    def _all(self, words: str) -> set[Any]:
        return set(self.conn.execute(words).fetchall())

    def same_shape(self) -> bool:
        """Whether tables, constraints, triggers and settings are those of the start."""
        return self._all(SHAPE) == self.shape

    def back(self, *, alone: bool = False) -> None:
        """Lay back the tables that were written to since, without triggers: also what is on record, in any order.

        `alone` ends whatever else is connected first.
        """
        if alone:
            self.conn.execute(OTHERS)
        changed = sorted({row[0] for row in self._all(self.marks) - self.known})
        words = ["SET session_replication_role = replica"]
        for name in changed:
            words.append(f'DELETE FROM public."{name}"')
            if name in self.full:
                words.append(f'INSERT INTO public."{name}" SELECT * FROM {self.schema}."{name}"')
        run = self._all(SEQUENCES) - self.sequences
        for name, last in self.sequences:
            if name in {moved for moved, _last in run}:
                words.append(f"SELECT setval('public.\"{name}\"', {last or 1}, {last is not None})")
        self.conn.execute("; ".join(words), prepare=False)
        self.known = self._all(self.marks)

    def close(self) -> None:
        """Let the database go."""
        self.conn.close()


class Kept:
    """The database of a process that its tests use one after the other; made when the first asks."""

    def __init__(self, server: str, template: str, admin: Callable[[str], Any]) -> None:
        self.server, self.template, self.admin = server, template, admin
        self.name, self.start = "", None

    start: Start | None

    def take(self) -> str:
        """Return the address of a database that stands at the start."""
        if self.start is None:
            self.name = f"test_{uuid4().hex[:10]}"
            with self.admin(self.server) as conn:
                conn.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}"')
            self.start = Start(named(self.server, self.name))
        return named(self.server, self.name)

    def give_back(self) -> None:
        """Bring it back to the start; one whose shape a test has changed, or whose connections it ended, is dropped."""
        try:
            if self.start is not None and self.start.same_shape():
                self.start.back(alone=True)
                return
        except psycopg.OperationalError:  # a test of lost connections ends this one too
            pass
        self.drop()

    def drop(self) -> None:
        """Drop it; the next test gets a new one."""
        if self.start is not None:
            self.start.close()
            with self.admin(self.server) as conn:
                conn.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')
            self.start = None
