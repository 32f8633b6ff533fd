"""Programmes, levels and schemes as the catalogue says them on a day: what each asks for, its parts, its prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing.catalogue import Price, price_of
from portal.core import catalogue
from portal.core.catalogue import CatalogueEntry
from portal.core.db import db
from portal.core.errors import Missing, Refused

IN_FORCE, EVER = "in_force", "ever"
Names = dict[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A level that another asks for; with the mode `ever` an award that has expired will do."""

    level: str
    mode: str


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


@dataclass(frozen=True, slots=True)
class Level:
    """A level with its names in both languages, what it shows of its holders, and what it asks for."""

    code: str
    programme: str
    names: Names
    shows: Names
    asks: tuple[Asked, ...]

    @property
    def name(self) -> str:
        """Return the name in the reader's language."""
        return catalogue.in_words(self.names)


def asked_of(body: dict[str, Any]) -> tuple[Asked, ...]:
    """Return what the row of a level asks for: nothing, one code, codes, or rows with a mode each."""
    asks, mode = body.get("asks") or [], str(body.get("mode", IN_FORCE))
    rows = [asks] if isinstance(asks, str) else list(asks)
    return tuple(
        Asked(str(row["level"]), str(row.get("mode", mode)))
        if isinstance(row, dict)
        else Asked(str(row), mode)
        for row in rows
    )


def _level(code: str, body: dict[str, Any]) -> Level:
    return Level(code, str(body.get("programme", "")), body["name"], body.get("shows", {}), asked_of(body))


def levels(on: date | None = None) -> list[Level]:
    """Return every level on a day, in the order of the catalogue."""
    return [_level(code, body) for code, body in catalogue.entries("level", on=on).items()]


def level(code: str, on: date | None = None) -> Level:
    """Return one level; `Missing` if there is none."""
    body = catalogue.entries("level", on=on).get(code)
    if body is None:
        raise Missing(_l("There is no such level."))
    return _level(code, body)


def level_name(code: str) -> str:
    """Return what a level is called in the reader's language; its code if the catalogue has it no more."""
    body = catalogue.entries("level").get(code)
    return catalogue.in_words(body["name"]) if body else code


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
    return Scheme(
        code, catalogue.version_of("scheme", code, on=on), int(body["validity_months"]), int(body["votes"]),
        tuple(body["languages"]), tuple(_part(one, int(catalogue.policy("section.minimum", on=on))) for one in body["parts"]),
    )  # fmt: skip


def below(code: str, on: date | None = None) -> list[str]:
    """Return every level that one asks for, itself or through others, the nearest first."""
    known = {one.code: one for one in levels(on)}
    found: list[str] = []
    waiting = [one.level for one in known[code].asks] if code in known else []
    while waiting:
        one = waiting.pop(0)
        if one in found or one == code:
            continue
        found.append(one)
        waiting += [asked.level for asked in known[one].asks] if one in known else []
    return found


def price(code: str, kind: str = "exam", on: date | None = None) -> Price | None:
    """Return what an exam, retake or renewal of a level costs everybody; without a row of its own, what the exam costs."""
    for product in (f"{kind}.{code.lower()}", f"exam.{code.lower()}"):
        try:
            return price_of(product, on=on)
        except Refused:
            continue
    return None


def _torn(kind: str, code: str, why: str) -> Refused:
    return Refused(f"{kind}: {code}: {why}")


def _latest(kind: str) -> dict[str, dict[str, Any]]:
    """Return the newest bodies of a kind within this transaction, as far as the files are loaded."""
    rows = db.session.scalars(
        select(CatalogueEntry).where(CatalogueEntry.kind == kind).order_by(CatalogueEntry.valid_from, CatalogueEntry.version)
    )  # fmt: skip
    return {row.code: row.body for row in rows}


def _check_level(row: dict[str, Any]) -> None:
    code = str(row["code"])
    if not isinstance(row.get("name"), dict):
        raise _torn("level", code, "name must be given in both languages")
    bodies = _latest("level") | {code: row}
    for one in asked_of(row):
        if one.mode not in (IN_FORCE, EVER):
            raise _torn("level", code, f"mode is {IN_FORCE} or {EVER}, not {one.mode}")
        if one.level not in bodies:
            raise _torn("level", code, f"asks for {one.level}, which is no level above it in the file")
    seen, waiting = set(), [one.level for one in asked_of(row)]
    while waiting:
        at = waiting.pop()
        if at == code:
            raise _torn("level", code, "asks for itself, directly or through others")
        if at not in seen:
            seen.add(at)
            waiting += [one.level for one in asked_of(bodies.get(at, {}))]


def _check_scheme(row: dict[str, Any]) -> None:
    code = str(row["code"])
    if code not in _latest("level"):
        raise _torn("scheme", code, "there is no such level")
    try:
        parts = [_part(one, 0) for one in row["parts"]]
        numbers = int(row["validity_months"]), int(row["votes"]), len(list(row["languages"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _torn("scheme", code, f"cannot be read: {error!r}") from None
    if min(numbers[0], numbers[1] + 1, numbers[2]) < 1:  # a level may do without the community's votes
        raise _torn("scheme", code, "validity_months, votes and languages must be given")
    if sum(one.weight for one in parts) != 100:
        raise _torn("scheme", code, "the weights of the parts must make 100")
    if any(one.minutes < 1 or one.weight < 1 or not 0 <= one.minimum <= 100 for one in parts):
        raise _torn("scheme", code, "each part needs minutes or hours, a weight, and a minimum from 0 to 100")
    topics = [topic for one in parts for topic in one.topics]
    if any(topic.count < 1 for topic in topics) or len({topic.code for topic in topics}) < len(topics):
        raise _torn("scheme", code, "topics need a count and differ from each other")


catalogue.checked("level", _check_level)
catalogue.checked("scheme", _check_scheme)
