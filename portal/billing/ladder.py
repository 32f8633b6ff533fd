"""Ladders of reminders as data: which step an unpaid invoice reached, and on which day people read its words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from portal.billing.models import Invoice
from portal.core import catalogue, clock

NEVER = "none"
STANDARD = "standard"
# What a step does beside its mail. The first two only mail; what a step proposes, a person decides.
BLOCK_CHANGES, BLOCK_SERVICE = "block_changes", "block_service"
PROPOSE_BLOCK, PROPOSE_WRITE_OFF = "propose_block", "propose_write_off"
PROPOSALS = frozenset({PROPOSE_BLOCK, PROPOSE_WRITE_OFF})
# What people read only on working days; a proposal is for finance and goes to nobody else.
SPOKEN = frozenset({"notify", "remind", BLOCK_CHANGES, PROPOSE_BLOCK})


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its code, its place on the ladder (from 0, in order of days), days from the due date, its action."""

    code: str
    place: int
    days: int
    action: str
    words: dict[str, str]

    def day(self, due_on: date) -> date:
        """Return the day on which an invoice with this due date reaches the step."""
        return due_on + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Reached:
    """What is due on a day: the one step that counts now, and the earlier ones that are passed over."""

    step: Step | None
    skipped: tuple[Step, ...]


def steps_of(invoice: Invoice) -> tuple[Step, ...]:
    """Return the ladder of an invoice as it stood when the invoice was issued; empty if it is never reminded."""
    if invoice.ladder == NEVER or invoice.issued_on is None:
        return ()
    kind = "organisation" if invoice.party.org_id else "person"
    code = kind if invoice.ladder == STANDARD else invoice.ladder
    return named(code, on=invoice.issued_on)


def named(code: str, *, on: date) -> tuple[Step, ...]:
    """Return the steps of a ladder in force on a day, by days; empty if there is no such ladder."""
    body = catalogue.entries("ladder", on=on).get(code, {"steps": []})
    rows = sorted(body["steps"], key=lambda row: int(row["days"]))
    return tuple(
        Step(row["code"], place, int(row["days"]), row["action"], row["name"])
        for place, row in enumerate(rows)
    )


def reached(
    steps: Collection[Step], *, due_on: date, issued_on: date, last: int, today: date
) -> Reached | None:
    """Return what is due by `today`, given the place of the last step already reached (−1: none); None if nothing.

    Only the latest due step counts, the earlier ones are passed over, as is what fell due before or with the issue:
    the invoice's own mail said it. Nothing is ever repeated, and nothing comes after a later step.
    """
    fresh = sorted(
        (one for one in steps if one.place > last and one.day(due_on) <= today), key=lambda one: one.place
    )
    if not fresh:
        return None
    if fresh[-1].day(due_on) <= issued_on:
        return Reached(None, tuple(fresh))
    return Reached(fresh[-1], tuple(fresh[:-1]))


def upcoming(steps: Collection[Step], *, due_on: date, issued_on: date, last: int) -> Step | None:
    """Return the step an invoice reaches next, if nobody pays."""
    left = [one for one in steps if one.place > last and one.day(due_on) > issued_on]
    return min(left, key=lambda one: one.place, default=None)


def is_working_day(day: date) -> bool:
    """Whether people work on a day: Monday to Friday without the catalogue's holidays, and the days it makes up for."""
    row = catalogue.entries("holiday", on=max(day, clock.today())).get(day.isoformat())
    if row is not None:
        return bool(row.get("works"))
    return day.weekday() < 5


def next_working_day(day: date) -> date:
    """Return the day itself if people work on it, else the first one after it on which they do."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day
