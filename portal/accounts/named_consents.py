"""Consents that name their receiver: one post, one company, one certificate; each word is a row, the last one counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import get_locale
from sqlalchemy import select, update

from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel, Consent
from portal.core import audit, catalogue
from portal.core.db import db

NAMED = "named"
CANDIDATE = "candidate"  # the actor on record: who it was says the ledger, which loses the name at an erasure


def locked(person: Person) -> None:
    """Take a person's row for a change; an UPDATE, since SQLite drops SELECT FOR UPDATE in silence."""
    same = update(Person).where(Person.id == person.id).values(version=Person.version)
    db.session.execute(same.execution_options(synchronize_session=False))


def give(
    purpose: str, *, about: str, receiver: str, fields: Sequence[str], by: Person, channel: Channel,
    until: date | None = None,
) -> Consent:  # fmt: skip
    """Write down that a person allows one receiver some fields; what was allowed this receiver before is replaced."""
    row = Consent(
        person=by, org=None, purpose=purpose, receiver=receiver[:200], fields=list(fields), until=until,
        text_version=catalogue.version_of("consent", purpose), language=str(get_locale() or by.language),
        channel=channel, withdrawn=False, about=about,
    )  # fmt: skip
    return _written(row)


def take_back(before: Consent, *, channel: Channel) -> Consent:
    """Write down that what a word allowed is allowed no longer; the word itself stays."""
    row = Consent(
        person=before.person, org=None, purpose=before.purpose, receiver=before.receiver,
        fields=list(before.fields), until=None, text_version=before.text_version,
        language=str(get_locale() or before.person.language), channel=channel, withdrawn=True,
        about=before.about,
    )  # fmt: skip
    return _written(row)


def _written(row: Consent) -> Consent:
    locked(row.person)
    db.session.add(row)
    db.session.flush()
    verb = "consent.withdrawn" if row.withdrawn else "consent.given"
    audit.record(verb, row, by="candidate", purpose=row.purpose, text_version=row.text_version)
    return row


def last_words(person: Person) -> list[Consent]:
    """Return a person's last word to each receiver that a word of his names, the newest first."""
    rows = select(Consent).where(Consent.person_id == person.id, Consent.about != "")
    last: dict[tuple[str, str], Consent] = {}
    for row in db.session.scalars(rows.order_by(Consent.id)):
        last[row.purpose, row.about] = row
    return sorted(last.values(), key=lambda row: -row.id)
