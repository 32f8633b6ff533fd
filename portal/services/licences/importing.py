"""Licences from a list (CSV: organisation key, tool, nodes, start, end, fingerprints): shown first, taken whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import or_, select

from portal.accounts.organisations import Organisation
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.services.licences import life, nodes, plans, seats
from portal.services.licences.judge import Ask, judge
from portal.services.licences.kinds import Code, Policy, TermKind
from portal.services.licences.locking import facts_of, lock
from portal.services.licences.models.licence import Licence, LicenceTerm
from portal.services.licences.seats import FINGERPRINT, Report

HEAD = ("organisation", "tool", "nodes", "start", "end", "fingerprints")
MOST_BYTES, MOST_NODES = 5 * 1024 * 1024, 100_000
BY = "import"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: whose, the plan of its tool, how many nodes, from which day until and including which, its machines."""

    number: int
    org: Organisation
    plan: str
    tool: str
    nodes: int
    first: date
    last: date
    fingerprints: tuple[str, ...]

    @property
    def source(self) -> str:
        """Return what its term comes from: the same line again writes none."""
        return f"import:{self.org.uid}:{self.tool}:{self.first}:{self.last}"


class _Wrong(Exception):
    """What is wrong with a line: the field, and why."""


def read(raw: bytes) -> list[Row]:
    """Return the lines of a file; `Refused` with every fault, by line and field."""
    if len(raw) > MOST_BYTES:
        raise Refused("The file is larger than 5 MB.")
    try:
        table = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
        lines = list(table)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"The file is no CSV in UTF-8: {error}") from error
    if tuple(table.fieldnames or ()) != HEAD:
        raise Refused(f"The first line must be {','.join(HEAD)}.")
    found, faults = list[Row](), list[str]()
    for number, line in enumerate(lines, 2):
        try:
            found.append(_row(number, line))
        except _Wrong as wrong:
            faults.append(f"line {number}: {wrong}")
    faults += _twice(found)
    if faults:
        raise Refused("\n".join(faults[:50]))
    return found


def _row(number: int, line: dict[str, str]) -> Row:
    if None in line or None in line.values():
        raise _Wrong(f"it needs {len(HEAD)} cells")
    org = _org(line["organisation"].strip())
    plan = _plan(line["tool"].strip())
    count = line["nodes"].strip()
    if not (count.isascii() and count.isdigit() and 0 < int(count[:9]) <= MOST_NODES):
        raise _Wrong(f"nodes: {count!r} is no number from 1 to {MOST_NODES}")
    first, last = _day("start", line["start"]), _day("end", line["end"])
    if last < first:
        raise _Wrong("end: it lies before the start")
    prints = tuple(dict.fromkeys(line["fingerprints"].split()))
    if bad := [one for one in prints if not FINGERPRINT.fullmatch(one)]:
        raise _Wrong(f"fingerprints: {bad[0]!r} is none")
    if prints and plan.policy is Policy.FLOATING:
        raise _Wrong("fingerprints: a floating licence keeps no seat for a machine; leave the cell empty")
    if len(prints) > int(count):
        raise _Wrong("fingerprints: there are more than nodes")
    return Row(number, org, plan.code, line["tool"].strip(), int(count), first, last, prints)


def organisation(key: str) -> Organisation:
    """Return the organisation of an id, registration number or legal name."""
    try:
        return _org(key.strip())
    except _Wrong as wrong:
        raise Refused(str(wrong)) from wrong


def _org(key: str) -> Organisation:
    by = or_(Organisation.uid == key, Organisation.legal_key == key, Organisation.legal_name == key)
    rows = list(
        db.session.scalars(
            select(Organisation)
            .where(by, Organisation.merged_into_id.is_(None))
            .order_by(Organisation.id)
            .limit(2)
        )
    )
    if not key or len(rows) != 1:
        raise _Wrong(f"organisation: {key!r} names {'none' if not rows else 'several'}")
    return rows[0]


def _plan(tool: str) -> plans.Plan:
    fitting = [
        one for one in plans.every() if tool in {entry["tool"] for entry in one.tools} or one.code == tool
    ]
    if not fitting:
        raise _Wrong(f"tool: {tool!r} is in no plan")
    return fitting[0]


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise _Wrong(f"{name}: {text!r} is no day like 2027-01-31") from error


def _twice(rows: Iterable[Row]) -> list[str]:
    seen: dict[str, int] = {}
    faults = []
    for row in rows:
        if row.source in seen:
            faults.append(f"line {row.number}: it says the same as line {seen[row.source]}")
        seen.setdefault(row.source, row.number)
    return faults


def take(rows: Iterable[Row]) -> tuple[int, int, int]:
    """Write what a file says; return how many licences, terms and seats or names of the list are new. Again, nothing is."""
    licences = terms = machines = 0
    for row in rows:
        try:
            made, written, seated = _take(row)
        except Refused as refusal:
            raise Refused(f"line {row.number}: {refusal}") from refusal
        licences, terms, machines = licences + made, terms + written, machines + seated
    return licences, terms, machines


def _take(row: Row) -> tuple[bool, bool, int]:
    there = db.session.scalar(select(LicenceTerm.licence_id).where(LicenceTerm.source == row.source))
    if there is not None:
        return False, False, 0
    tools = plans.read(plans.sold(row.plan)).tools
    licence = next(
        (one for entry in tools if (one := life.live_for(row.org, entry["tool"])) is not None), None
    )
    made = licence is None
    licence = licence or life.order(row.org, row.plan, by=BY)
    life.add_term(
        licence.id, TermKind.GRANT, row.nodes, start=clock.start_of(row.first), end=clock.start_of(row.last + timedelta(days=1)),
        source=row.source, by=BY,
    )  # fmt: skip
    return made, True, sum(_bring(licence, one) for one in row.fingerprints)


def _bring(licence: Licence, fingerprint: str) -> bool:
    """Put a machine on the list, or give it its seat where the policy keeps one; False if it is there."""
    if licence.policy is Policy.NODE_NAMED:
        fresh = not nodes.rules_of(licence, fingerprint)
        nodes.name(licence, fingerprint, by=BY)
        return fresh
    row, now = lock(licence.id), clock.now()
    if seats.live_node(row.id, fingerprint) is not None:
        return False
    verdict = judge(facts_of(row), Ask(), now)
    if verdict.code is not Code.NODE_REQUIRED:
        return False  # the term is over or lies ahead: machines come in by themselves once it runs
    seats.make_room(row, verdict, now)
    seats.sit(row, verdict, fingerprint, Report(), now, key=None, by=BY)
    return True
