"""The rows behind recurring income: the lines that run on a day, and what each line did to a move."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from flask_babel import lazy_gettext as _l

from portal.reports.income import behind
from portal.reports.income.asked import Question
from portal.reports.income.behind import Kind, Narrower
from portal.reports.income.figure import Row
from portal.reports.recurring import running
from portal.reports.recurring.arr import MOVES, SIGNS, Run, cohorts, movement
from portal.reports.spread.windows import month_of

ON, MOVED, COHORT = "recurring", "recurring_moved", "recurring_cohort"


def install() -> None:
    """Let amounts of recurring income open their lines."""
    behind.add(
        Kind(
            ON, _l("Recurring income a year"),
            _l("Daily lines of the streams that come back, in force on a day, each at what it is worth a year. It is not income."),
            _running, ("on", "stream", "payer"),
        ),
        Kind(
            MOVED, _l("Recurring income that moved"),
            _l("For each customer of this kind of move: what runs at the end less what ran at the beginning, line by line."),
            _moved, ("first", "last", "kind"),
        ),
        Kind(
            COHORT, _l("Recurring income of a cohort"),
            _l("Lines in force on a day of customers whose first paid term began in a month."), _of_cohort, ("on", "cohort"),
        ),
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _row(one: Run, sign: int = 1) -> Row:
    return Row(
        sign * one.yearly, one.stream, one.start, None, one.customer, one.line, ("order_line", one.line)
    )


def _on(runs: Iterable[Run], day: date | None, sign: int = 1) -> list[Row]:
    return [_row(one, sign) for one in runs if day is not None and one.covers(day) and one.yearly]


def _running(said: Question, by: Narrower) -> list[Row]:
    runs = [
        one
        for one in running.runs(said.known)
        if by.get("stream", one.stream) == one.stream
        and by.get("payer", str(one.customer)) == str(one.customer)
    ]
    return _on(runs, _day(by.get("on", "")))


def _moved(said: Question, by: Narrower) -> list[Row]:
    first, last, kind = _day(by.get("first", "")), _day(by.get("last", "")), by.get("kind", "")
    if first is None or last is None or kind not in MOVES:
        return []
    runs = running.runs(said.known)
    customers = {one.customer for one in movement(runs, first, last).of(kind)}
    of = [one for one in runs if one.customer in customers]
    sign = SIGNS[kind]
    return _on(of, last, sign) + _on(of, first, -sign)


def _of_cohort(said: Question, by: Narrower) -> list[Row]:
    day, month = _day(by.get("on", "")), month_of(by.get("cohort", ""))
    if day is None or month is None:
        return []
    runs = running.runs(said.known)
    found = next((one for one in cohorts(runs, [day]) if one.month == month), None)
    members = set(found.customers) if found else set()
    return _on([one for one in runs if one.customer in members], day)
