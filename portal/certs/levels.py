"""Levels and the rules of exams as the catalogue says them today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.billing.catalogue import Price, price_of
from portal.certs.models.eligibility import ExamKind
from portal.core import catalogue
from portal.core.errors import Missing, Refused


@dataclass(frozen=True, slots=True)
class Level:
    """A level: its name, what it asks for (`mode` ever: an expired award will do), and which scheme is in force."""

    code: str
    name: str
    asks: str | None
    mode: str
    scheme: int


def _level(code: str, body: dict[str, Any], on: date | None) -> Level:
    asked = body.get("asks") or None
    scheme = catalogue.version_of("scheme", code, on=on) or catalogue.version_of("level", code, on=on)
    return Level(code, catalogue.in_words(body["name"]), asked, body.get("mode", "in_force"), scheme)


def levels(*, on: date | None = None) -> list[Level]:
    """Return every level, in the order of the catalogue."""
    return [_level(code, body, on) for code, body in catalogue.entries("level", on=on).items()]


def level(code: str, *, on: date | None = None) -> Level:
    """Return one level; `Missing` if there is none."""
    body = catalogue.entries("level", on=on).get(code)
    if body is None:
        raise Missing(_l("There is no such level."))
    return _level(code, body, on)


def name_of(code: str) -> str:
    """Return what a level is called in the reader's language; its code if it is not in the catalogue any more."""
    body = catalogue.entries("level").get(code)
    return catalogue.in_words(body["name"]) if body else code


def price(code: str, kind: ExamKind, *, on: date | None = None) -> Price:
    """Return the price of an exam of a level; a retake or renewal without a row of its own costs the exam's."""
    for one in (kind, ExamKind.EXAM):
        try:
            return price_of(f"{one}.{code.lower()}", on=on)
        except Refused:
            continue
    raise Refused(_l("This exam is not offered at the moment."))


def number(name: str) -> int:
    """Return a rule of the catalogue that is a whole number."""
    return int(catalogue.policy(name))


def cutoff_hours() -> int:
    """Return how many hours before the start changes end."""
    return number("booking.cutoff_hours")


def hold_for() -> timedelta:
    """Return how long a seat is held until it is confirmed."""
    return timedelta(minutes=number("booking.hold_minutes"))


def offer_for() -> timedelta:
    """Return how long a freed seat is offered to whoever waits."""
    return timedelta(hours=number("booking.offer_hours"))
