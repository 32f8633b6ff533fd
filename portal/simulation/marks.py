"""How far each table of facts was read: one statement a day tells which of them grew."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from portal.core.db import db


class Marks:
    """The last row of each table that was seen."""

    def __init__(self, *kinds: type[Any]) -> None:
        self.kinds = kinds
        self.seen = [0] * len(kinds)
        self.statement = select(*(select(func.max(kind.id)).scalar_subquery() for kind in kinds))

    def new(self) -> dict[type[Any], list[Any]]:
        """Return the rows of each table that were not seen before, oldest first."""
        now = [number or 0 for number in db.session.execute(self.statement).one()]
        found: dict[type[Any], list[Any]] = {}
        for kind, last, seen in zip(self.kinds, now, self.seen, strict=True):
            rows = select(kind).where(kind.id > seen).order_by(kind.id)
            found[kind] = list(db.session.scalars(rows)) if last > seen else []
        self.seen = now
        return found
