"""Which streams, groups, limits and targets a report is printed with: the catalogue's, or those imported books bring."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.billing.book_models import PastRecord
from portal.core import catalogue
from portal.core.db import db
from portal.reports.goals import targets
from portal.reports.once import once

GROUPS = ("dues", "service", "ecosystem")
GROUP_NAMES = {"dues": _l("Dues"), "service": _l("Services"), "ecosystem": _l("Ecosystem")}


@dataclass(frozen=True, slots=True)
class Lists:
    """The list of streams with their groups, the ceiling, the benchmark of dues and the year's targets."""

    groups: dict[str, str]
    limit: Fraction = Fraction(3, 5)
    dues: Fraction = Fraction(45, 100)
    targets: dict[int, dict[str, int]] = field(default_factory=dict)
    names: dict[str, dict[str, str] | str] = field(default_factory=dict)
    version: str = "streams@1"

    def called(self, code: str) -> str:
        """Return what a stream is called in the reader's language; its code if the list has no name for it."""
        return catalogue.in_words(self.names.get(code) or code)

    @property
    def streams(self) -> list[str]:
        """Return the codes in the order of the list."""
        return list(self.groups)

    def zeros(self) -> dict[str, int]:
        """Return nothing for every stream."""
        return dict.fromkeys(self.groups, 0)

    def group_of(self, stream: str) -> str:
        """Return the group of a stream; one that is not on the list stands by itself under its own code."""
        return self.groups.get(stream, stream)

    def by_group(self, amounts: dict[str, int]) -> dict[str, int]:
        """Return amounts by group, negatives of a stream taken into account; they sum to what all streams come to."""
        names = [name for name in GROUPS if name in self.groups.values()]
        found = dict.fromkeys([*names, *self.groups.values()], 0)
        for code, amount in amounts.items():
            found[self.group_of(code)] = found.get(self.group_of(code), 0) + amount
        return found


def group_name(code: str) -> str:
    """Return what a group of streams is called."""
    return str(GROUP_NAMES.get(code, code))


def in_force(on: date) -> Lists:
    """Return the lists of imported books if there are any, else those of the catalogue on a day."""
    return once(("lists", on), lambda: _read(on))


def _read(on: date) -> Lists:
    kinds = PastRecord.kind.in_(("streams", "head"))
    rows = db.session.scalars(select(PastRecord).where(kinds).order_by(PastRecord.id)).all()
    streams = [row.body for row in rows if row.kind == "streams"]
    heads: dict[str, Any] = {row.ref: row.body for row in rows if row.kind == "head"}
    if not streams:
        # Before the catalogue began, the list of today.
        known = catalogue.entries("stream", on=on) or catalogue.entries("stream")
        policy = catalogue.entries("policy", on=on)
        return Lists(
            {code: str(body["group"]) for code, body in known.items()},
            Fraction(str(policy.get("diversity.ceiling", {}).get("value", "0.60"))),
            Fraction(str(policy.get("diversity.dues_benchmark", {}).get("value", "0.45"))),
            targets.of_groups(on),
            names={code: body["name"] for code, body in known.items()},
            version=f"streams@{_version(on)}",
        )
    goals = {int(key[8:]): value for key, value in heads.items() if key.startswith("targets_")}
    return Lists(
        {str(one["code"]): str(one["group"]) for one in streams},
        Fraction(str(heads.get("max_share_limit", "0.60"))),
        Fraction(str(heads.get("dues_share_target", "0.45"))),
        goals,
        {
            str(one["code"]): {"en": str(one.get("en") or one["code"]), "zh": str(one["zh"])}
            for one in streams
        },
        "books@1",
    )


def _version(on: date) -> int:
    """Return which version of the list is in force on a day: how many days changed it so far."""
    row = catalogue.CatalogueEntry
    changes = select(func.count(func.distinct(row.valid_from))).where(
        row.kind == "stream", row.valid_from <= on
    )
    return db.session.scalar(changes) or 1
