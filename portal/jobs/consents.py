"""The one gate to candidates: what of a person a receiver may see now is read from the ledger of consents, here alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, Text, and_, case, cast, func, or_, select

from portal.accounts import consents as house
from portal.accounts import merging, named_consents
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel, Consent
from portal.core import catalogue, clock
from portal.core.db import Model, db
from portal.core.errors import Refused
from portal.jobs.models import Post
from portal.jobs.stages import Field, Purpose

P = Purpose
MEMBERS = ""  # the receiver of the pool: every member that recruits, none of them by name
Receiver = Post | Organisation | Model | str
NOTHING_TICKED = _l("Please tick what may be shown. Without your name an employer cannot answer you.")


def key(receiver: Receiver) -> str:
    """Return what a consent calls its receiver: a post, a company, a certificate (`job_post:7`); a partner by its code."""
    return receiver if isinstance(receiver, str) else receiver.subject


def _keys(receiver: Receiver) -> list[str]:
    """Return every name of a receiver: a company answers to those of the entries that were merged into it, too."""
    if not isinstance(receiver, Organisation):
        return [key(receiver)]
    return [key(receiver), *(key(one.duplicate) for one in merging.merges_into(receiver))]


def _stands(row: Consent, moment: datetime) -> bool:
    return not row.withdrawn and (row.until is None or clock.day_of(moment) < row.until)


def words(
    people: Collection[int], purpose: Purpose, receiver: Receiver, *, at: datetime | None = None
) -> dict[int, Consent]:
    """Return the words in force of some people, by their ids, to one receiver for one purpose: one statement."""
    moment = at or clock.now()
    rows = select(Consent).where(
        Consent.person_id.in_(people), Consent.purpose == purpose.value, Consent.about.in_(_keys(receiver)),
        Consent.org_id.is_(None),
    )  # fmt: skip
    if at is not None:  # now is whatever is saved, though another machine's clock be ahead
        rows = rows.where(Consent.at <= moment)
    last = {row.person_id: row for row in db.session.scalars(rows.order_by(Consent.id))}
    return {person: row for person, row in last.items() if _stands(row, moment)}


def word(
    candidate: Person, purpose: Purpose, receiver: Receiver, *, at: datetime | None = None
) -> Consent | None:
    """Return a candidate's word in force to one receiver for one purpose; None if nothing is allowed."""
    return words([candidate.id], purpose, receiver, at=at).get(candidate.id)


def allowed(
    candidate: Person, purpose: Purpose, receiver: Receiver, field: Field | str, at: datetime | None = None
) -> bool:
    """Whether a receiver may see one field of a candidate for a purpose at an instant: the only gate there is."""
    found = word(candidate, purpose, receiver, at=at)
    return found is not None and str(field) in found.fields


def letting(purpose: Purpose, receiver: Receiver, *fields: Field) -> Select[Any]:
    """Select the ids of the people who let a receiver see these fields now: the gate as sorting and searching ask it."""
    newest = select(func.max(Consent.id)).where(
        Consent.purpose == purpose.value, Consent.about.in_(_keys(receiver)), Consent.org_id.is_(None)
    )
    found = select(Consent.person_id).where(
        Consent.id.in_(newest.group_by(Consent.person_id)), Consent.withdrawn.is_(False),
        or_(Consent.until.is_(None), Consent.until > clock.today()),
    )  # fmt: skip
    # The list of fields as JSON has it: a code between its quotation marks, which no code contains.
    return found.where(*(cast(Consent.fields, Text).contains(f'"{one}"') for one in fields))


def lets(person: Any, purpose: Purpose, receiver: Receiver, *fields: Field) -> Any:
    """Return the condition that whoever a column names lets a receiver see these fields now: the gate, asked of one at a time.

    The last word is looked up in the index of the ledger; nobody else's words are read.
    """
    stands = and_(
        Consent.withdrawn.is_(False), or_(Consent.until.is_(None), Consent.until > clock.today()),
        *(cast(Consent.fields, Text).contains(f'"{one}"') for one in fields),
    )  # fmt: skip
    last = select(case((stands, 1), else_=0)).where(
        Consent.person_id == person, Consent.purpose == purpose.value, Consent.about.in_(_keys(receiver)),
        Consent.org_id.is_(None),
    )  # fmt: skip
    return last.order_by(Consent.id.desc()).limit(1).scalar_subquery() == 1


def ticked(fields: Iterable[str], offered: Sequence[Field]) -> list[Field]:
    """Return the ticked fields in the order in which they were offered; `Refused` without the name."""
    wanted = set(fields)
    found = [one for one in offered if one.value in wanted]
    if Field.NAME not in found:
        raise Refused(NOTHING_TICKED, field="fields", status=422)
    return found


def give(
    candidate: Person, purpose: Purpose, receiver: Receiver, name: str, fields: Sequence[Field | str], *,
    until: date | None = None, channel: Channel = Channel.ACCOUNT,
) -> Consent:  # fmt: skip
    """Write down that a candidate lets one receiver see some fields; said again it replaces what stood."""
    days = catalogue.entry("consent", purpose.value).get("days")
    if until is None and days:
        until = clock.today() + timedelta(days=int(days))
    return named_consents.give(
        purpose.value, about=key(receiver), receiver=name, fields=[str(one) for one in fields], by=candidate,
        channel=channel, until=until,
    )  # fmt: skip


def take_back(
    candidate: Person, purpose: Purpose, receiver: Receiver, *, channel: Channel = Channel.ACCOUNT
) -> bool:
    """Write down that a receiver may see nothing any more; False if it might not."""
    found = word(candidate, purpose, receiver)
    if found is None:
        return False
    named_consents.take_back(found, channel=channel)
    return True


def enter_pool(candidate: Person, given: bool, *, channel: Channel = Channel.ACCOUNT) -> bool:
    """Let members that recruit find a candidate in the pool, or stop that; False if nothing changed."""
    return house.speak(P.POOL.value, given, by=candidate, channel=channel) is not None


def in_force(candidate: Person) -> list[Consent]:
    """Return every word of a candidate to a named receiver that is in force, the newest first."""
    now = clock.now()
    return [row for row in named_consents.last_words(candidate) if _stands(row, now)]


def end_all(candidate: Person, *, channel: Channel) -> int:
    """Take back whatever is allowed, to whomever; return how many words that took."""
    rows = in_force(candidate)
    for row in rows:
        named_consents.take_back(row, channel=channel)
    return len(rows) + int(
        house.stands(P.POOL.value, candidate) and enter_pool(candidate, False, channel=channel)
    )


def texts(*purposes: Purpose) -> Mapping[Purpose, dict[str, Any]]:
    """Return the words of today that a candidate agrees to, by purpose, with their version."""
    return {
        one: {**catalogue.entry("consent", one.value), "version": catalogue.version_of("consent", one.value)}
        for one in purposes
    }
