"""Levels as the catalogue says them on a day: names, what each asks for, what it costs; and the rules that are numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing.catalogue import Price, price_of
from portal.certs.models.eligibility import ExamKind
from portal.core import catalogue
from portal.core.catalogue import CatalogueEntry
from portal.core.db import db
from portal.core.errors import Missing, Refused

IN_FORCE, EVER = "in_force", "ever"
LONGEST = 20
Names = dict[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A level that another asks for; with the mode `ever` an award that has expired will do."""

    level: str
    mode: str


@dataclass(frozen=True, slots=True)
class Level:
    """A level: names, what it shows of its holders, what it asks for, its place from the lowest (1), the scheme in force."""

    code: str
    programme: str
    names: Names
    shows: Names
    narrative: Names
    asks: tuple[Asked, ...]
    rank: int
    scheme: int

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


def levels(*, on: date | None = None) -> list[Level]:
    """Return every level on a day, in the order of the catalogue: the lowest first."""
    return [
        Level(
            code=code, programme=str(body.get("programme", "")), names=body["name"], shows=body.get("shows", {}),
            narrative=body.get("narrative", body["name"]), asks=asked_of(body), rank=rank,
            scheme=catalogue.version_of("scheme", code, on=on) or catalogue.version_of("level", code, on=on),
        )
        for rank, (code, body) in enumerate(catalogue.entries("level", on=on).items(), 1)
    ]  # fmt: skip


def level(code: str, *, on: date | None = None) -> Level:
    """Return one level; `Missing` if there is none."""
    for one in levels(on=on):
        if one.code == code:
            return one
    raise Missing(_l("There is no such level."))


def name_of(code: str) -> str:
    """Return what a level is called in the reader's language; its code if the catalogue has it no more."""
    body = catalogue.entries("level").get(code)
    return catalogue.in_words(body["name"]) if body else code


def below(code: str, *, on: date | None = None) -> list[str]:
    """Return every level that one asks for, itself or through others, the nearest first."""
    known = {one.code: one for one in levels(on=on)}
    found: list[str] = []
    waiting = [one.level for one in known[code].asks] if code in known else []
    while waiting:
        one = waiting.pop(0)
        if one in found or one == code:
            continue
        found.append(one)
        waiting += [asked.level for asked in known[one].asks] if one in known else []
    return found


def listed(code: str, kind: ExamKind = ExamKind.EXAM, *, on: date | None = None) -> Price | None:
    """Return what an exam, retake or renewal costs everybody; without a row of its own, what the exam costs; None if not sold."""
    for one in dict.fromkeys((kind, ExamKind.EXAM)):
        try:
            return price_of(f"{one}.{code.lower()}", on=on)
        except Refused:
            continue
    return None


def price(code: str, kind: ExamKind, *, on: date | None = None) -> Price:
    """Return the listed price of an exam of a level; `Refused` if it is not sold."""
    found = listed(code, kind, on=on)
    if found is None:
        raise Refused(_l("This exam is not offered at the moment."))
    return found


# ---- Rules that are numbers


def number(name: str) -> int:
    """Return a rule of the catalogue that is a whole number."""
    return int(catalogue.policy(name))


def renewal_window(*, on: date | None = None) -> tuple[int, int]:
    """Return from when to when an award can be renewed, in days from its end: `[−180, 90)`."""
    first, last = catalogue.policy("renewal.window", on=on)
    return int(first), int(last)


def cutoff_hours() -> int:
    """Return how many hours before the start changes end."""
    return number("booking.cutoff_hours")


def hold_for() -> timedelta:
    """Return how long a seat is held until it is confirmed."""
    return timedelta(minutes=number("booking.hold_minutes"))


def offer_for() -> timedelta:
    """Return how long a freed seat is offered to whoever waits."""
    return timedelta(hours=number("booking.offer_hours"))


# ---- What a file may not say


def torn(kind: str, code: str, why: str) -> Refused:
    """Return the refusal of a row of the catalogue."""
    return Refused(f"{kind}: {code}: {why}")


def latest(kind: str) -> dict[str, dict[str, Any]]:
    """Return the newest bodies of a kind within this transaction, as far as the files are loaded."""
    rows = db.session.scalars(
        select(CatalogueEntry).where(CatalogueEntry.kind == kind).order_by(CatalogueEntry.valid_from, CatalogueEntry.version)
    )  # fmt: skip
    return {row.code: row.body for row in rows}


def _check(row: dict[str, Any]) -> None:
    code = str(row["code"])
    if not isinstance(row.get("name"), dict):
        raise torn("level", code, "name must be given in both languages")
    if len(code) > LONGEST:
        raise torn("level", code, f"a code has at most {LONGEST} letters: an award could not be written down")
    bodies = latest("level") | {code: row}
    for one in asked_of(row):
        if one.mode not in (IN_FORCE, EVER):
            raise torn("level", code, f"mode is {IN_FORCE} or {EVER}, not {one.mode}")
        if one.level not in bodies:
            raise torn("level", code, f"asks for {one.level}, which is no level above it in the file")
    seen, waiting = set(), [one.level for one in asked_of(row)]
    while waiting:
        at = waiting.pop()
        if at == code:
            raise torn("level", code, "asks for itself, directly or through others")
        if at not in seen:
            seen.add(at)
            waiting += [one.level for one in asked_of(bodies.get(at, {}))]


catalogue.checked("level", _check)
