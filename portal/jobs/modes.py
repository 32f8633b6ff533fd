"""How far the board is open: one dated row of the catalogue, and the licence that the widest mode needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.core import catalogue, clock, labels
from portal.core.errors import Missing, Refused

KIND, CODE = "job_board", "jobs.mode"


class Mode(StrEnum):
    """What the board may do."""

    OFF = "off"
    NOTICES = "notices"
    LINK_OUT = "link_out"
    FULL = "full"


labels.name(
    Mode,
    {
        Mode.OFF: _l("Board closed"), Mode.NOTICES: _l("Notices for members"),
        Mode.LINK_OUT: _l("Public posts, applying on the employer's page"), Mode.FULL: _l("Everything"),
    },
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Licence:
    """A human-resources service licence: it holds up to `valid_until`, the first day without it."""

    number: str
    issuer: dict[str, str]
    valid_until: date

    def holds(self, on: date) -> bool:
        """Whether it covers a day."""
        return bool(self.number) and on < self.valid_until


def _body(on: date | None) -> dict[str, Any]:
    return catalogue.entries(KIND, on=on).get(CODE, {"value": Mode.OFF.value})


def licence(*, on: date | None = None) -> Licence | None:
    """Return the licence that is on record and covers a day."""
    day = on or clock.today()
    found = _read(_body(day))
    return found if found is not None and found.holds(day) else None


def _read(body: dict[str, Any]) -> Licence | None:
    number, until = str(body.get("licence_number") or ""), str(body.get("licence_valid_until") or "")
    if not number or not until:
        return None
    try:
        return Licence(number, dict(body.get("licence_issuer") or {}), date.fromisoformat(until))
    except ValueError as error:
        raise Refused(f"{KIND}: licence_valid_until must be a date such as 2027-06-30") from error


def mode(*, on: date | None = None) -> Mode:
    """Return the mode in force on a day: without a licence that covers the day, `full` falls back to links."""
    day = on or clock.today()
    said = Mode(str(_body(day)["value"]))
    return Mode.LINK_OUT if said is Mode.FULL and licence(on=day) is None else said


def check(row: dict[str, Any]) -> None:
    """Refuse a row of the board that is no mode, or opens everything without a licence."""
    value = str(row.get("value", ""))
    if str(row.get("code")) != CODE or value not in {one.value for one in Mode}:
        raise Refused(f"{KIND}: the row {CODE} has a value of {', '.join(one.value for one in Mode)}")
    found = _read(row)
    if value == Mode.FULL and (found is None or not found.holds(clock.today())):
        raise Refused(
            _l(
                "The whole board needs a human-resources service licence: licence_number and a licence_valid_until that lies ahead."
            )
        )


def is_open(*modes: Mode) -> bool:
    """Whether the board is in one of these modes today."""
    return mode() in modes


def full_only() -> None:
    """Raise `Missing` unless everything is open today: the pages of people who look for work do not exist before."""
    if mode() is not Mode.FULL:
        raise Missing(_l("This part of the job board is not open."))


def install() -> None:
    """Look at each new row of the board before it counts."""
    catalogue.checked(KIND, check)
