"""The learning path: steps of the catalogue, what a candidate declared of them, and who confirmed it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.certs import levels
from portal.certs.models.learning import StepRecord, StepSource, StepState
from portal.core import audit, catalogue, clock, labels
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move

S = StepState


class StepKind(StrEnum):
    """What a step is."""

    COURSE = "course"
    READING = "reading"
    REPOSITORY = "repository"
    ATTESTATION = "attestation"
    EXPERIENCE = "experience"


labels.name(
    StepKind,
    {
        StepKind.COURSE: _l("Course"),
        StepKind.READING: _l("Reading"),
        StepKind.REPOSITORY: _l("Exercises"),
        StepKind.ATTESTATION: _l("Attestation by somebody else"),
        StepKind.EXPERIENCE: _l("Own experience"),
    },
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the catalogue with a candidate's record of it, if any. `group` names its alternatives."""

    code: str
    level: str
    kind: StepKind
    body: dict[str, Any]
    record: StepRecord | None = None

    @property
    def state(self) -> StepState:
        """Return how far the candidate is."""
        return self.record.state if self.record is not None else S.OPEN

    @property
    def group(self) -> str:
        """Return what it shares with its alternatives; a step without any is its own."""
        return str(self.body.get("group") or self.code)

    @property
    def required(self) -> bool:
        """Whether it, or an alternative, must be confirmed before the practical."""
        return bool(self.body.get("required"))


@dataclass(frozen=True, slots=True)
class Path:
    """A level's path for one candidate: its steps, how many groups there are and how many are done."""

    level: str
    steps: tuple[Step, ...]
    groups: int
    done: int
    following: Step | None
    open_required: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether every required step is confirmed."""
        return not self.open_required


def _check_step(row: dict[str, Any]) -> None:
    code = str(row["code"])
    if row.get("kind") not in set(StepKind) or not isinstance(row.get("name"), dict):
        raise Refused(
            f"step: {code}: kind is one of {', '.join(StepKind)}, and name is given in both languages"
        )
    if row.get("own") and not row.get("group"):
        raise Refused(
            f"step: {code}: a course of our own needs a group with an alternative (ISO/IEC 17024 5.2)"
        )
    link = str(row.get("link") or "https://")
    if not link.startswith("https://"):
        raise Refused(f"step: {code}: link must begin with https://")


catalogue.checked("step", _check_step)


def steps(level: str) -> list[Step]:
    """Return the steps of a level in the order of the catalogue."""
    return [
        Step(code, level, StepKind(body["kind"]), body)
        for code, body in catalogue.entries("step").items()
        if body["level"] == level
    ]


def records(person: Person) -> dict[str, StepRecord]:
    """Return a candidate's records by step."""
    rows = db.session.scalars(select(StepRecord).where(StepRecord.person_id == person.id))
    return {row.step: row for row in rows}


def path(level: str, person: Person | None) -> Path:
    """Return a level's path as one candidate has walked it; for nobody, as it lies."""
    levels.level(level)
    own = records(person) if person is not None else {}
    rows = tuple(Step(one.code, level, one.kind, one.body, own.get(one.code)) for one in steps(level))
    groups: dict[str, list[Step]] = {}
    for one in rows:
        groups.setdefault(one.group, []).append(one)
    done = {name for name, group in groups.items() if any(one.state is S.CONFIRMED for one in group)}
    declared = {name for name, group in groups.items() if any(one.state is S.DECLARED for one in group)}
    open_required = tuple(
        name for name, group in groups.items() if name not in done and any(one.required for one in group)
    )
    following = next(
        (one for name, group in groups.items() if name not in done | declared for one in group), None
    )
    return Path(level, rows, len(groups), len(done), following, open_required)


def _step(code: str) -> dict[str, Any]:
    body = catalogue.entries("step").get(code)
    if body is None:
        raise Missing(_l("There is no such learning step."))
    return body


def _row(person: Person, code: str) -> StepRecord:
    """Return a candidate's record of a step, made where there is none."""
    body = _step(code)
    found = db.session.scalars(
        select(StepRecord).where(StepRecord.person_id == person.id, StepRecord.step == code)
    ).first()
    if found is None:
        found = StepRecord(person=person, level=str(body["level"]), step=code)
        db.session.add(found)
        db.session.flush()
    return found


def _past(day: date | None) -> None:
    if day is not None and day > clock.today():
        raise Refused(_l("This day has not come yet."), field="done_on", status=422)


def declare(
    person: Person, code: str, *, by: Person, evidence: str, link: str, done_on: date | None
) -> StepRecord:
    """Say that a step is done, with what shows it; staff look at it."""
    _past(done_on)
    if not evidence.strip() and not link.strip():
        raise Refused(_l("Please say what shows it: a few words or a link."), field="evidence", status=422)
    if link and not link.startswith("https://"):
        raise Refused(_l("Please give a whole address that begins with https://"), field="link", status=422)
    row = _row(person, code)
    move(row, S.DECLARED)
    row.evidence, row.link, row.done_on, row.reason = evidence.strip(), link.strip(), done_on, ""
    row.declared_at = clock.now()
    audit.record("step.declared", row, by=by, step=code)
    return row


def withdraw(row: StepRecord, *, by: Person) -> None:
    """Take a declaration back before it is confirmed."""
    if row.state is not S.DECLARED:
        raise Refused(_l("Only a declaration that waits can be taken back."))
    move(row, S.OPEN)
    audit.record("step.withdrawn", row, by=by, step=row.step)


def confirm(row: StepRecord, *, by: Person) -> None:
    """Confirm a declared step; nobody confirms his own."""
    _refuse_own(row, by)
    move(row, S.CONFIRMED)
    row.confirmed_at, row.source, row.confirmed_by = clock.now(), StepSource.STAFF, by
    audit.record("step.confirmed", row, by=by, step=row.step, source=StepSource.STAFF)


def send_back(row: StepRecord, *, by: Person, reason: str) -> None:
    """Return a declaration with a reason: the step is open again."""
    _refuse_own(row, by)
    if not reason.strip():
        raise Refused(_l("Please say what is missing."), field="reason", status=422)
    if row.state is not S.DECLARED:
        raise Refused(_l("Only a declaration that waits can be returned."))
    move(row, S.OPEN)
    row.reason = reason.strip()
    audit.record("step.returned", row, by=by, step=row.step, reason=row.reason)


def _refuse_own(row: StepRecord, by: Person) -> None:
    if row.person_id == by.id:
        raise Forbidden(_l("Somebody else confirms your own steps."))


def complete(person: Person, code: str, *, on: date, by: Person | str) -> bool:
    """Confirm a step because a list of completions names the person; False if it was confirmed already."""
    _past(on)
    row = _row(person, code)
    if row.state is S.CONFIRMED:
        return False
    move(row, S.CONFIRMED)
    row.done_on, row.confirmed_at, row.source = on, clock.now(), StepSource.FILE
    audit.record("step.confirmed", row, by=by, step=code, source=StepSource.FILE)
    return True
