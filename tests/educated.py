"""Holders with points for tests: entries written down, checked, and renewals asked for, by the verbs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from unittest import mock

from portal.accounts.people import Person
from portal.certs import awarding
from portal.certs.education import checking, entries, renewing
from portal.certs.education.entries import Claim
from portal.certs.models.award import Award
from portal.certs.models.education import EducationEntry, EducationRenewal
from portal.core import clock
from portal.core.db import transaction
from tests.awarded import person

HOLDER, CHECKER, SECOND, DECIDER = (
    "zhang@holder.example", "cen@house.example", "clara@house.example", "deng@house.example",
)  # fmt: skip

END = date(2028, 11, 20)  # of an award decided on `awarded.DECIDED`
EARLY = END - timedelta(days=100)


def claim(
    points: object = 5, *, kind: str = "contribution", on: date | None = None, link: str | None = None, what: str = "A change"
) -> Claim:  # fmt: skip
    """Return what a holder says of something done today, shown by a link of its own."""
    claim.n += 1  # type: ignore[attr-defined]
    shown = f"https://git.example/changes/{claim.n}" if link is None else link  # type: ignore[attr-defined]
    return Claim(kind, on or clock.today(), what, shown, str(points))


claim.n = 0  # type: ignore[attr-defined]


def holder() -> Person:
    """Return the holder of `awarded.house`."""
    return person(HOLDER)


def submitted(points: int = 5, **more: object) -> EducationEntry:
    """Write an entry down; call inside a transaction."""
    return entries.submit(holder(), claim(points, **more), by=holder())  # type: ignore[arg-type]


def accepted(points: int = 5, *, drawn: bool = False, **more: object) -> EducationEntry:
    """Write an entry down and accept it whole, in two looks if it is drawn; call inside a transaction."""
    row = submitted(points, **more)
    with mock.patch.object(checking, "draw_of", return_value=("0" if drawn else "f") * checking.DIGITS):
        checking.accept(row, points, by=person(CHECKER))
    if drawn:
        checking.accept(row, points, by=person(SECOND))
    return row


def enough(rows: Iterable[tuple[str, int]] = (("contribution", 30), ("talk", 10))) -> None:
    """Let the holder have points enough; call inside a transaction."""
    for kind, points in rows:
        accepted(points, kind=kind)


def newest() -> Award:
    """Return the holder's award that lasts the longest."""
    row = awarding.newest(holder(), "OPDEV")
    assert row is not None
    return row


def asked() -> EducationRenewal:
    """Ask for the renewal of the newest award; call inside a transaction."""
    return renewing.ask(newest(), by=holder())


def decide(row: EducationRenewal, *, granted: bool = True, by: str = DECIDER) -> EducationRenewal:
    """Decide on a renewal in a transaction of its own."""
    with transaction():
        return renewing.decide(row, granted=granted, by=person(by), reason="The points are there.")
