"""Runs the migrations on SQLite and PostgreSQL, each in one transaction that leaves all or nothing."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy.types import TypeDecorator

database = current_app.extensions["migrate"].db


def render_item(kind: str, obj: Any, _context: Any) -> str | bool:
    """Write our own column types as the plain types below them: migrations import nothing from the portal."""
    if kind == "type" and isinstance(obj, TypeDecorator):
        return f"sa.{obj.impl!r}"
    return False


def run() -> None:
    """Migrate; on SQLite with foreign keys off meanwhile, and checked before the commit."""
    with database.engine.connect().execution_options(aside=True) as conn:
        raw = conn.connection.driver_connection
        sqlite = conn.dialect.name == "sqlite"
        if sqlite:
            raw.execute("PRAGMA foreign_keys=OFF")
        try:
            context.configure(
                connection=conn,
                target_metadata=database.metadata,
                render_as_batch=True,
                render_item=render_item,
                transactional_ddl=True,
                compare_type=True,
            )
            with context.begin_transaction():
                context.run_migrations()
                if sqlite and raw.execute("PRAGMA foreign_key_check").fetchall():
                    raise RuntimeError("the migration leaves rows that point nowhere")
        finally:
            if sqlite:
                raw.execute("PRAGMA foreign_keys=ON")


run()
