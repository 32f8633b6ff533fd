"""Where the foundation's plan contradicts itself: dated rows, with every parameter in sight and its sums worked out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from portal.core import catalogue
from portal.core.catalogue import CatalogueEntry
from portal.core.db import db
from portal.core.money import half_up
from portal.reports.spread.judging import Judged, Limits, judge

KIND = "contradiction"
WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """One parameter: how many at how much (fen), or only how many."""

    words: str
    count: int
    amount: int | None

    @property
    def sum(self) -> int:
        """What it comes to."""
        return self.count * (self.amount or 0)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the things the plan says: its parts, and what they come to, net of a tax that is within."""

    words: str
    parts: tuple[Part, ...]
    tax_bp: int
    judged: Judged | None

    @property
    def total(self) -> int:
        """What the parts come to, net."""
        return half_up(sum(one.sum for one in self.parts) * WHOLE, WHOLE + self.tax_bp)

    @property
    def counted(self) -> bool:
        """Whether the parts are numbers of things and no money."""
        return all(one.amount is None for one in self.parts)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contradiction as of a day: what it is, what was decided, by whom, since when."""

    code: str
    conflict: str
    decision: str
    owner: str
    since: date
    version: int
    sides: tuple[Side, ...]


def _side(body: dict[str, Any], limits: Limits) -> Side:
    parts = tuple(
        Part(catalogue.in_words(one["words"]), int(one["count"]), None if one.get("amount") is None else int(one["amount"]))
        for one in body["parts"]
    )  # fmt: skip
    amounts = {one.words: one.sum for one in parts}
    return Side(
        catalogue.in_words(body["words"]), parts, int(body.get("tax_bp", 0)),
        judge(amounts, limits) if body.get("judged") else None,
    )  # fmt: skip


def in_force(known: date, ceiling: Fraction) -> list[Conflict]:
    """Return the contradictions as of a day, in the order of the catalogue, each in its version of that day."""
    rows = db.session.scalars(
        select(CatalogueEntry)
        .where(CatalogueEntry.kind == KIND, CatalogueEntry.valid_from <= known)
        .order_by(CatalogueEntry.valid_from, CatalogueEntry.version, CatalogueEntry.id)
    )
    latest: dict[str, CatalogueEntry] = {row.code: row for row in rows}
    found = sorted(latest.values(), key=lambda row: (row.body.get("order", 0), row.code))
    limits = Limits(ceiling, ceiling)
    return [
        Conflict(
            row.code, catalogue.in_words(row.body["conflict"]), catalogue.in_words(row.body["decision"]),
            catalogue.in_words(row.body["owner"]), row.valid_from, row.version,
            tuple(_side(side, limits) for side in row.body["sides"]),
        )
        for row in found
    ]  # fmt: skip
