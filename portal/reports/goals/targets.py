"""The targets of a fiscal year as dated rows of the catalogue, and what other bodies are compared by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from portal.core import catalogue
from portal.core.catalogue import CatalogueEntry
from portal.core.db import db

KIND = "target"
INCOME = "income"
COUNTS = ("organisations", "certified", "universities")
FIRST_ANSWERS = "first_answers"
MEASURES = (INCOME, *COUNTS, FIRST_ANSWERS)
WHOLE_BP = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """One goal of a fiscal year: fen for income, a number for counts, basis points for first answers."""

    code: str
    measure: str
    scope: str
    year: int
    amount: int
    basis: str
    profile: tuple[int, ...]
    set_by: str
    ambition: bool

    @property
    def start(self) -> date:
        """The first day of the fiscal year."""
        return date(self.year, 1, 1)

    @property
    def end(self) -> date:
        """The first day after it."""
        return date(self.year + 1, 1, 1)

    @property
    def group(self) -> str:
        """The group of streams it is for, or nothing."""
        return self.scope.partition(":")[2] if self.scope.startswith("group:") else ""

    @property
    def stream(self) -> str:
        """The stream it is for, or nothing."""
        return self.scope.partition(":")[2] if self.scope.startswith("stream:") else ""


def code_of(year: int, measure: str, scope: str, *, ambition: bool = False) -> str:
    """Return under which code a target stands: one row a year, measure and scope."""
    if measure != INCOME:
        return f"{year}.{measure}"
    return f"{year}.{'ambition' if ambition else INCOME}.{scope.replace(':', '.')}"[:60]


def read(body: dict[str, Any]) -> Target:
    """Return a target from a row of the catalogue."""
    return Target(
        str(body["code"]), str(body["measure"]), str(body["scope"]), int(body["year"]), int(body["amount"] if "amount" in body else body["goal"]),
        str(body.get("basis", "recognised")), tuple(int(part) for part in body.get("profile") or ()),
        catalogue.in_words(body["set_by"]), bool(body.get("ambition")),
    )  # fmt: skip


def in_force(year: int, known: date) -> list[Target]:
    """Return the targets of a year that were in force on a day, in the order of the catalogue."""
    rows = (read(body) for body in catalogue.entries(KIND, on=known).values())
    return [one for one in rows if one.year == year and one.amount > 0]


def of_groups(known: date) -> dict[int, dict[str, int]]:
    """Return what the year's income is to be by group of streams, without what is only an ambition."""
    found: dict[int, dict[str, int]] = {}
    for body in catalogue.entries(KIND, on=known).values():
        one = read(body)
        if one.group and one.basis == "recognised" and not one.ambition and one.amount > 0:
            found.setdefault(one.year, {})[one.group] = one.amount
    return found


def versions() -> list[CatalogueEntry]:
    """Return every version of every target, the newest first."""
    return list(
        db.session.scalars(
            select(CatalogueEntry)
            .where(CatalogueEntry.kind == KIND)
            .order_by(CatalogueEntry.valid_from.desc(), CatalogueEntry.id.desc())
        )
    )


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What another body reported of a year: which share, exact, and how far the figure can be trusted."""

    body: str
    year: int | None
    of: str
    share: Fraction
    said: str
    source: str
    quality: str


def benchmarks(known: date) -> list[Benchmark]:
    """Return what other bodies reported, as known on a day."""
    found = []
    for body in catalogue.entries("benchmark", on=known).values():
        for one in body["shares"]:
            whole = Fraction(str(one["whole"])) if "whole" in one else None
            share = Fraction(str(one["part"])) / whole if whole else Fraction(str(one["share"]))
            said = ""
            if whole:
                said = _("%(part)s of %(whole)s %(unit)s", part=one["part"], whole=one["whole"], unit=catalogue.in_words(one["unit"]))  # fmt: skip
            found.append(
                Benchmark(
                    catalogue.in_words(body["body"]), body["year"], str(one["of"]), share, said,
                    catalogue.in_words(body["source"]), catalogue.in_words(body["quality"]),
                )
            )  # fmt: skip
    return found
