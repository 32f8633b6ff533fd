"""Schemes as the catalogue says them on a day: how a level is examined, its parts, weights and blueprints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.certs import levels
from portal.certs.levels import Level, Names, latest, torn
from portal.core import catalogue
from portal.core.errors import Missing


@dataclass(frozen=True, slots=True)
class Topic:
    """A line of the blueprint: of this topic a form has so many items."""

    code: str
    names: Names
    count: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an exam: minutes, weight and least share in percent, and its blueprint if it has one."""

    code: str
    names: Names
    minutes: int
    weight: int
    minimum: int
    topics: tuple[Topic, ...]


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a level is examined from a day on; `version` is what an eligibility keeps."""

    level: str
    version: int
    validity_months: int
    votes: int
    languages: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def topics(self) -> tuple[Topic, ...]:
        """Return the whole blueprint."""
        return tuple(topic for part in self.parts for topic in part.topics)


def _minutes(part: dict[str, Any]) -> int:
    return int(part.get("minutes") or 60 * int(part.get("hours") or 0))


def _part(body: dict[str, Any], least: int) -> Part:
    topics = tuple(Topic(str(one["code"]), one["name"], int(one["count"])) for one in body.get("topics", ()))
    return Part(
        str(body["code"]), body["name"], _minutes(body), int(body["weight"]), int(body.get("minimum", least)), topics
    )  # fmt: skip


def scheme(code: str, on: date | None = None) -> Scheme:
    """Return the scheme of a level in force on a day; `Missing` if there is none."""
    body = catalogue.entries("scheme", on=on).get(code)
    if body is None:
        raise Missing(_l("This level has no scheme yet."))
    return _scheme(code, catalogue.version_of("scheme", code, on=on), body, on)


def _scheme(code: str, version: int, body: dict[str, Any], on: date | None) -> Scheme:
    least = int(catalogue.policy("section.minimum", on=on))
    return Scheme(
        code, version, _months(body, on), int(body["votes"]), tuple(body["languages"]),
        tuple(_part(one, least) for one in body["parts"]),
    )  # fmt: skip


def pinned(code: str, version: int, *, sold: date) -> Scheme:
    """Return the version of a scheme that was bought, with what held for every level when it was, whatever came since."""
    body = catalogue.nth_version("scheme", code, version)
    return _scheme(code, version, body, sold) if body is not None else scheme(code)


def examined(on: date | None = None) -> list[Level]:
    """Return the levels that have a scheme, the lowest first: only those can be shown, bought and sat."""
    known = catalogue.entries("scheme", on=on)
    return [one for one in levels.levels(on=on) if one.code in known]


def part_name(code: object) -> str:
    """Return what a part is called, by whichever level has one of that code; the code itself where none has."""
    for one in examined():
        for part in scheme(one.code).parts:
            if part.code == code:
                return catalogue.in_words(part.names)
    return str(code)


def validity(code: str, on: date | None = None) -> int:
    """Return for how many months an award of a level lasts: what its scheme says, else what holds for every level."""
    return _months(catalogue.entries("scheme", on=on).get(code, {}), on)


def _months(body: dict[str, Any], on: date | None) -> int:
    return int(body.get("validity_months") or catalogue.policy("validity.months", on=on))


def _check(row: dict[str, Any]) -> None:
    code = str(row["code"])
    if code not in latest("level"):
        raise torn("scheme", code, "there is no such level")
    try:
        parts = [_part(one, 0) for one in row["parts"]]
        numbers = int(row.get("validity_months", 1)), int(row["votes"]), len(list(row["languages"]))
    except (KeyError, TypeError, ValueError) as error:
        raise torn("scheme", code, f"cannot be read: {error!r}") from None
    if min(numbers[0], numbers[1] + 1, numbers[2]) < 1:  # a level may do without the community's votes
        raise torn("scheme", code, "validity_months, votes and languages must be given")
    if sum(one.weight for one in parts) != 100:
        raise torn("scheme", code, "the weights of the parts must make 100")
    if any(one.minutes < 1 or one.weight < 1 or not 0 <= one.minimum <= 100 for one in parts):
        raise torn("scheme", code, "each part needs minutes or hours, a weight, and a minimum from 0 to 100")
    topics = [topic for one in parts for topic in one.topics]
    if any(topic.count < 1 for topic in topics) or len({topic.code for topic in topics}) < len(topics):
        raise torn("scheme", code, "topics need a count and differ from each other")


catalogue.checked("scheme", _check)
