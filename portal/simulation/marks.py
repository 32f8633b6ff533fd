"""How far each table of facts was read: one query a table and day tells what is new."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from portal.core.db import db


class Marks:
    """How far each table was read."""

    def __init__(self) -> None:
        self.last: dict[type[Any], int] = {}

    def new(self, kind: type[Any]) -> list[Any]:
        """Return the rows of a table that were not seen before, oldest first."""
        rows = list(
            db.session.scalars(select(kind).where(kind.id > self.last.get(kind, 0)).order_by(kind.id))
        )
        if rows:
            self.last[kind] = rows[-1].id
        return rows
