"""Which streams, groups, limits and targets a report is printed with: the catalogue's, or those imported books bring."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from portal.billing.book_models import PastRecord
from portal.core import catalogue
from portal.core.db import db

GROUPS = ("dues", "service", "ecosystem")


@dataclass(frozen=True, slots=True)
class Lists:
    """The list of streams with their groups, the ceiling, the benchmark of dues and the year's targets."""

    groups: dict[str, str]
    limit: Fraction = Fraction(3, 5)
    dues: Fraction = Fraction(45, 100)
    targets: dict[int, dict[str, int]] = field(default_factory=dict)

    @property
    def streams(self) -> list[str]:
        """Return the codes in the order of the list."""
        return list(self.groups)

    def zeros(self) -> dict[str, int]:
        """Return nothing for every stream."""
        return dict.fromkeys(self.groups, 0)

    def by_group(self, amounts: dict[str, int]) -> dict[str, int]:
        """Return amounts by group, negatives of a stream taken into account."""
        names = [name for name in GROUPS if name in self.groups.values()]
        names += [name for name in dict.fromkeys(self.groups.values()) if name not in names]
        return {
            name: sum(amount for code, amount in amounts.items() if self.groups.get(code) == name)
            for name in names
        }


def in_force(on: date) -> Lists:
    """Return the lists of imported books if there are any, else those of the catalogue on a day."""
    rows = db.session.scalars(select(PastRecord).order_by(PastRecord.id)).all()
    streams = [row.body for row in rows if row.kind == "streams"]
    heads: dict[str, Any] = {row.ref: row.body for row in rows if row.kind == "head"}
    if not streams:
        return Lists({code: str(body["group"]) for code, body in catalogue.entries("stream", on=on).items()})
    targets = {int(key[8:]): value for key, value in heads.items() if key.startswith("targets_")}
    return Lists(
        {str(one["code"]): str(one["group"]) for one in streams},
        Fraction(str(heads.get("max_share_limit", "0.60"))),
        Fraction(str(heads.get("dues_share_target", "0.45"))),
        targets,
    )
