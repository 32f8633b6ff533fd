"""The database: typed models, one transaction at the edge, readers that cannot write."""

from __future__ import annotations

import enum
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import g, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Engine,
    Enum,
    Integer,
    MetaData,
    Select,
    TextClause,
    event,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass, Session
from sqlalchemy.types import TypeDecorator

from portal.core import pool
from portal.core.money import Money

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BIG = BigInteger().with_variant(Integer, "sqlite")
LEDGER_CURRENCY = "CNY"


class Utc(TypeDecorator[datetime]):
    """An aware instant; naive ones are refused, SQLite's lost offset is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Fen(TypeDecorator[Money]):
    """Money in the ledger's currency, stored as whole fen."""

    impl = BigInteger()
    cache_ok = True

    def process_bind_param(self, value: Money | None, dialect: Any) -> int | None:
        if value is None:
            return None
        if value.currency != LEDGER_CURRENCY:
            raise ValueError(f"{value.currency} cannot stand in a column of {LEDGER_CURRENCY}")
        return value.minor

    def process_result_value(self, value: int | None, dialect: Any) -> Money | None:
        return None if value is None else Money(int(value), LEDGER_CURRENCY)


class Model(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False, repr=False):
    """The base of every row. Foreign keys are `init=False`: pass objects."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {int: BIG, Money: Fen, datetime: Utc}

    @property
    def subject(self) -> str:
        """The row's name in audit, events and subjects of orders: `table:id`."""
        return f"{self.__tablename__}:{getattr(self, 'id', '')}"


db = SQLAlchemy(metadata=Model.metadata, session_options={"expire_on_commit": False})


def spelt(statement: Select[Any], dialect: str) -> TextClause:
    """Return a statement without parameters as the text that a database reads: nothing is left to put together.

    For what every request asks. Values within it are written in, so they may not come from outside.
    """
    spoken = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}[dialect]()
    written = str(statement.compile(dialect=spoken, compile_kwargs={"literal_binds": True}))
    return text(written.replace("%%", "%").replace(":", "\\:"))


def choice(kind: type[enum.StrEnum], *, length: int = 32) -> Enum:
    """Return the column type of a StrEnum: VARCHAR by value, with a CHECK."""
    name = "".join("_" + c.lower() if c.isupper() else c for c in kind.__name__).strip("_")
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=length,
        name=name,
        values_callable=lambda members: [m.value for m in members],
    )


_reading: ContextVar[bool] = ContextVar("reading", default=False)
_inside: ContextVar[bool] = ContextVar("inside_transaction", default=False)
READERS = frozenset({"GET", "HEAD", "OPTIONS"})
PEN_WAIT = 20.0
INTRANS = 2  # libpq: within a transaction that has not failed


def is_reader(conn: Connection) -> bool:
    """Whether what runs now only looks: decided by the request's method or by `reading()`."""
    if conn.get_execution_options().get("aside"):
        return False
    if _reading.get():
        return True
    return has_request_context() and (request.method in READERS or bool(g.get("reader")))


def _take_the_pen(raw: Any) -> None:
    """Begin to write on SQLite, waiting in turn for up to `PEN_WAIT` seconds; raises `OperationalError` after that.

    SQLite's own waiting sleeps longer the longer one has waited, so under steady writing the oldest in the queue
    has the worst chance and can starve. Beginning its wait anew every few milliseconds gives all the same chance.
    """
    until = time.monotonic() + PEN_WAIT
    raw.execute("PRAGMA busy_timeout=10")
    try:
        while True:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
    finally:
        raw.execute("PRAGMA busy_timeout=20000")


def guard(engine: Engine) -> None:
    """Put the rules of readers and writers on an engine; see `docs/decisions/0001-readers-and-writers.md`."""
    pool.watch(engine)

    @event.listens_for(engine, "connect")
    def connect(raw: Any, _record: Any) -> None:
        if engine.dialect.name != "sqlite":
            return
        raw.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=20000", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        reader = is_reader(conn)
        raw: Any = conn.connection.dbapi_connection
        if conn.dialect.name == "sqlite":
            raw.execute(f"PRAGMA query_only={int(reader)}")
            if reader:
                raw.execute("BEGIN")
            else:
                _take_the_pen(raw)
        else:
            raw.read_only = reader or None  # said with the driver's own BEGIN: no journey of its own

    @event.listens_for(engine, "rollback")
    def rollback(conn: Connection) -> None:
        # Who only read ends either way the same, but PostgreSQL's driver forgets all statements it has prepared when
        # it rolls back: each request would have every statement parsed and planned anew.
        if conn.dialect.name == "sqlite" or conn.invalidated:
            return
        raw: Any = conn.connection.dbapi_connection
        if raw.read_only and raw.pgconn.transaction_status == INTRANS:
            with suppress(Exception):  # a lost connection is told by the rollback that follows
                raw.commit()


def in_transaction() -> bool:
    """Whether a `transaction()` is open: gateways refuse to call the outside from within one."""
    return _inside.get()


@contextmanager
def transaction() -> Iterator[Session]:
    """Save all of it or none of it. The only place that commits; it does not nest."""
    if _inside.get():
        raise RuntimeError("a transaction is already open: only the edge opens one")
    token = _inside.set(True)
    try:
        yield db.session()
        db.session.commit()
    except BaseException:
        db.session.rollback()
        db.session().info.clear()  # SQLAlchemy tells nobody of a rollback before the first statement
        raise
    finally:
        _inside.reset(token)


def write_one(raw: Any, statement: str, values: Any) -> list[Any]:
    """Run one statement that changes something on a driver's own connection, as a transaction of its own; return its rows.

    For what thousands of programs ask at once and no session may cost; PostgreSQL's connection must commit by itself.
    """
    if not isinstance(raw, sqlite3.Connection):
        found: list[Any] = raw.execute(statement, values, prepare=True).fetchall()
        return found
    _take_the_pen(raw)
    try:
        found = raw.execute(statement, values).fetchall()
        raw.execute("COMMIT")
    except BaseException:
        raw.rollback()
        raise
    return found


@contextmanager
def reading() -> Iterator[Session]:
    """Only look: the database refuses a write, and all queries share what they see."""
    token = _reading.set(True)
    try:
        db.session.rollback()
        yield db.session()
    finally:
        db.session.rollback()
        _reading.reset(token)


def let_go() -> None:
    """End the open transaction without a change, before slow work (hashing, files, outside calls)."""
    db.session.rollback()


@contextmanager
def aside() -> Iterator[Connection]:
    """Leave a trace from a reader (last seen, a download) on a connection and short transaction of its own."""
    with db.engine.connect().execution_options(aside=True) as conn, conn.begin():
        yield conn
