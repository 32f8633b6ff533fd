"""A list of completed steps (CSV: email,step,done_on), taken whole or not at all."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date

from flask_babel import lazy_gettext as _l

from portal.accounts import door
from portal.accounts.people import Person
from portal.certs import learning
from portal.core import catalogue, clock
from portal.core.errors import Refused
from portal.core.forms import clean

HEAD = ["email", "step", "done_on"]
BIGGEST = 5 * 1024 * 1024
MOST = 20_000


@dataclass(slots=True)
class Outcome:
    """How many steps were confirmed, and how many were before."""

    confirmed: int = 0
    same: int = 0


def _torn(name: str, line: int, why: object) -> Refused:
    return Refused(
        _l("%(name)s: line %(line)s: %(why)s", name=name, line=line, why=why), field="file", status=422
    )


def _rows(data: bytes, name: str) -> list[tuple[int, list[str]]]:
    if len(data) > BIGGEST:
        raise _torn(name, 1, _l("the file is larger than 5 MB"))
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        rows = [(reader.line_num, row) for row in reader if row]
    except (UnicodeDecodeError, csv.Error):
        raise _torn(name, 1, _l("this is no CSV file in UTF-8")) from None
    if not rows or [cell.strip() for cell in rows[0][1]] != HEAD:
        raise _torn(name, 1, _l("the first line must be %(head)s", head=",".join(HEAD)))
    if len(rows) > MOST:
        raise _torn(name, MOST, _l("there are too many lines; please part the file"))
    return rows[1:]


def _read(row: list[str], line: int, name: str) -> tuple[Person, str, date]:
    if len(row) != len(HEAD):
        raise _torn(name, line, _l("there must be %(count)s cells", count=len(HEAD)))
    email, step, done_on = (str(clean(cell)) for cell in row)
    person = door.by_email(email)
    if person is None:
        raise _torn(name, line, _l("email: nobody has the address %(email)s", email=email[:100]))
    if step not in catalogue.entries("step"):
        raise _torn(name, line, _l("step: there is no step %(step)s", step=step[:60]))
    try:
        day = date.fromisoformat(done_on)
    except ValueError:
        raise _torn(name, line, _l("done_on: a day is written 2026-03-28")) from None
    if day > clock.today():
        raise _torn(name, line, _l("done_on: this day has not come yet"))
    return person, step, day


def bring_in(data: bytes, name: str, *, by: Person | str) -> Outcome:
    """Confirm every step that a file names; `Refused` says which line cannot be taken, and nothing is."""
    outcome = Outcome()
    for line, row in _rows(data, name):
        person, step, day = _read(row, line, name)
        if learning.complete(person, step, on=day, by=by):
            outcome.confirmed += 1
        else:
            outcome.same += 1
    return outcome
