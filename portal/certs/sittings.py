"""Sittings of the past taken in by file, and read back for their analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, insert, select

from portal.accounts.people import new_uid
from portal.certs.models.marking import Response, Sitting
from portal.certs.psychometrics import Mark
from portal.certs.responses import parse
from portal.core import audit, catalogue
from portal.core.db import db
from portal.core.errors import Missing, Refused

LONGEST_EXAM, LONGEST_NAME, TOGETHER = 40, 200, 500


@dataclass(slots=True)
class Outcome:
    """What an import did: the sitting, how many candidates and items came in (none if they were there), what is worth telling."""

    sitting: str
    candidates: int = 0
    items: int = 0
    same: bool = False
    notes: list[str] = field(default_factory=list)


def is_level(exam: str) -> bool:
    """Whether a code is that of a level that can be booked; any other exam is known by its imported sittings alone."""
    return exam in catalogue.entries("level")


def bring_in(
    text: str,
    *,
    exam: str,
    name: str,
    named: bool,
    by: Any = "import",
    step: Callable[[int], Any] = lambda _n: None,
) -> Outcome:
    """Take the responses of a sitting in, in the present transaction, whole or not at all.

    The same content again changes nothing; under a `name` that was only taken from the file (not `named` by whoever
    asks) also where it stands under another. A name that stands with other content is `Refused`.
    """
    said, exam, name = parse(text), _short(exam, "exam", LONGEST_EXAM), _short(name, "sitting", LONGEST_NAME)
    digest, outcome = said.digest(), Outcome(name)
    there = [one.name for one in db.session.scalars(of_exam(exam).where(Sitting.sha256 == digest))]
    if name in there or (there and not named):
        outcome.sitting, outcome.same = (name if name in there else there[0]), True
        outcome.notes.append(f"these responses of {exam} are on record already, as {outcome.sitting}")
        return outcome
    if db.session.scalars(of_exam(exam).where(Sitting.name == name)).first() is not None:
        raise Refused(
            f"sitting: {name} of {exam} is on record with other content; give this one another name",
            status=409,
        )
    sitting = Sitting(
        exam=exam, name=name, imported=True, items=[{"code": one, "most": 1} for one in said.items],
        candidates=len(said.marks), sha256=digest, by_name=str(getattr(by, "name", by))[:200],
    )  # fmt: skip
    db.session.add(sitting)
    db.session.flush()
    for at in range(0, len(said.marks), TOGETHER):
        part = said.marks[at : at + TOGETHER]
        rows = [{"sitting_id": sitting.id, "key": new_uid(), "marks": list(marks)} for marks in part]
        db.session.execute(insert(Response), rows)
        step(len(part))
    audit.record("sitting.imported", sitting, by=by, exam=exam, sitting=name, candidates=len(said.marks))
    outcome.candidates, outcome.items = len(said.marks), len(said.items)
    if not is_level(exam):
        outcome.notes.append(
            f"{exam} is no level of the catalogue: an imported exam, not bookable and without price"
        )
    return outcome


def _short(text: str, field: str, most: int) -> str:
    bare = " ".join(text.split())
    if not bare or len(bare) > most or not bare.isprintable():
        raise Refused(
            f"{field}: {text[:60]!r} is empty, longer than {most} characters, or cannot be shown", status=422
        )
    return bare


# ---- Read back


def of_exam(exam: str) -> Select[Sitting]:
    """Select the sittings of an exam, the latest first."""
    return select(Sitting).where(Sitting.exam == exam).order_by(Sitting.id.desc())


def all_of(exam: str) -> list[Sitting]:
    """Return the sittings of an exam, the latest first."""
    return list(db.session.scalars(of_exam(exam)))


def found(exam: str, name: str | None = None) -> Sitting:
    """Return a sitting of an exam by its name (the file's, with or without its ending), by default the latest; else `Missing`."""
    rows = all_of(exam)
    if not rows:
        raise Missing(_l("There is no sitting of %(exam)s on record.", exam=exam))
    if name is None:
        return rows[0]
    exact = [row for row in rows if row.name == name]
    for one in exact or [row for row in rows if name and row.name.rpartition(".")[0] == name]:
        return one
    raise Missing(_l("There is no sitting %(name)s of %(exam)s on record.", name=name, exam=exam))


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered in a sitting: items with their highest marks, and each candidate's marks, options, language."""

    items: tuple[str, ...]
    maxima: tuple[Mark, ...]
    marks: list[tuple[Mark | None, ...]]
    chosen: list[list[list[str]] | None]
    languages: list[str | None]


def answers(sitting: Sitting) -> Answers:
    """Return what was answered in a sitting."""
    rows = db.session.execute(
        select(Response.marks, Response.chosen, Response.language)
        .where(Response.sitting_id == sitting.id)
        .order_by(Response.id)
    ).all()
    return Answers(
        items=tuple(str(one["code"]) for one in sitting.items),
        maxima=tuple(_mark(one["most"]) or 0 for one in sitting.items),
        marks=[tuple(_mark(mark) for mark in row.marks) for row in rows],
        chosen=[row.chosen for row in rows],
        languages=[row.language for row in rows],
    )


def _mark(value: int | str | None) -> Mark | None:
    """Return a stored mark: whole numbers as they are, others from their decimal text."""
    return Decimal(value) if isinstance(value, str) else value


def split(found: Answers, language: str) -> Iterator[Sequence[Mark | None]]:
    """Yield the marks of who read the items in one language."""
    return (marks for marks, said in zip(found.marks, found.languages, strict=True) if said == language)
