"""Looks: whatever an employer sees of a candidate goes through here, is asked of the ledger, and is on record before it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import has_request_context, request
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.privacy_models import Consent
from portal.core import clock
from portal.core.db import READERS, aside, db
from portal.jobs import consents
from portal.jobs.consents import Receiver
from portal.jobs.people_models import Look
from portal.jobs.stages import Field, Purpose

Said = Mapping[Field, Any]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, and for which organisation."""

    person: Person
    org: Organisation


@dataclass(frozen=True, slots=True)
class Asked:
    """One candidate on a page: by which purpose and receiver, on which page (`about`), and what there is to be seen."""

    candidate: Person
    purpose: Purpose
    receiver: Receiver
    about: str
    said: Said


def card(viewer: Viewer, asked: Asked) -> dict[Field, Any]:
    """Return what a viewer may see of one candidate now, and put the look on record; empty if nothing."""
    return cards(viewer, [asked])[0]


def cards(viewer: Viewer, many: Sequence[Asked]) -> list[dict[Field, Any]]:
    """Return for each what may be seen of it now: what the ledger does not allow, or is not there, is left out.

    The people of one purpose and receiver cost one statement, and all looks are written by one.
    """
    moment = clock.now()  # of the question, not of the answer: a word taken back in between came later
    found: list[dict[Field, Any]] = []
    rows: list[dict[str, Any]] = []
    words = _words(many)
    for one in many:
        word = words.get((one.purpose, consents.key(one.receiver)), {}).get(one.candidate.id)
        seen = _seen(one.said, word)
        found.append(seen)
        if word is not None and seen:
            rows.append(_row(viewer, one, word, seen, moment))
    _write(rows)
    return found


def _words(many: Iterable[Asked]) -> dict[tuple[Purpose, str], dict[int, Consent]]:
    groups: dict[tuple[Purpose, str], list[Asked]] = {}
    for one in many:
        groups.setdefault((one.purpose, consents.key(one.receiver)), []).append(one)
    return {
        (purpose, key): consents.words({one.candidate.id for one in group}, purpose, group[0].receiver)
        for (purpose, key), group in groups.items()
    }


def _seen(said: Said, word: Consent | None) -> dict[Field, Any]:
    if word is None:
        return {}
    return {field: value for field, value in said.items() if field.value in word.fields and value}


def _row(
    viewer: Viewer, asked: Asked, word: Consent, seen: Mapping[Field, Any], now: datetime
) -> dict[str, Any]:
    return {
        "person_id": asked.candidate.id, "org_id": viewer.org.id, "by_id": viewer.person.id, "consent_id": word.id,
        "purpose": asked.purpose, "about": asked.about, "fields": ",".join(sorted(seen)), "hour": _hour(now), "at": now,
    }  # fmt: skip


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _write(rows: list[dict[str, Any]]) -> None:
    """Write looks: beside a reader's request at once, within a writer's transaction with it."""
    if not rows:
        return
    if has_request_context() and request.method in READERS:
        with aside() as conn:
            _insert(conn, rows)
    else:
        _insert(db.session, rows)


def _insert(where: Connection | Session | Any, rows: list[dict[str, Any]]) -> None:
    dialect = db.session.get_bind().dialect.name
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    where.execute(build(Look.metadata.tables[Look.__tablename__]).on_conflict_do_nothing(), rows)


def of_candidate(person: Person) -> Any:
    """Select the looks at a candidate, the newest first."""
    return select(Look).where(Look.person_id == person.id).order_by(Look.at.desc(), Look.id.desc())
