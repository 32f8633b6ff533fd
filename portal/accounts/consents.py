"""Consents: one word per purpose, given and taken back as easily, never a condition of anything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts.events import ConsentChanged
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel, Consent
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.events import publish

LISTING, PERSON_SHOWN, NEWSLETTER = "listing", "person_shown", "newsletter"
EXAM_RESULTS = "exam_results"
PERSON, ORGANISATION = "person", "organisation"


@dataclass(frozen=True, slots=True)
class Asked:
    """A purpose as its page shows it: the words of today, and the last word given about it."""

    code: str
    body: dict[str, Any]
    last: Consent | None

    @property
    def given(self) -> bool:
        """Whether the consent stands today."""
        return stands_by(self.last)

    @property
    def version(self) -> int:
        """Return the version of the words of today."""
        return catalogue.version_of("consent", self.code)

    @property
    def outdated(self) -> bool:
        """Whether the words have changed since the consent was given."""
        return self.given and self.last is not None and self.last.text_version < self.version


def purposes(holder: str = PERSON) -> dict[str, dict[str, Any]]:
    """Return the purposes that people, or organisations, are asked about, with their words."""
    return {
        code: body
        for code, body in catalogue.entries("consent").items()
        if body.get("holder", PERSON) == holder
    }


def purpose_name(code: str) -> str:
    """Return what a purpose is called in the reader's language; its code if the catalogue does not know it."""
    body = catalogue.entries("consent").get(code)
    return catalogue.in_words(body["name"]) if body else code


def stands_by(row: Consent | None, on: date | None = None) -> bool:
    """Whether a last word is a consent in force on a day."""
    day = on or clock.today()
    return row is not None and not row.withdrawn and (row.until is None or day < row.until)


def _words_of(person: Person, org: Organisation | None) -> Select[Consent]:
    whose = Consent.org_id.is_(None) & (Consent.person_id == person.id)
    return select(Consent).where(whose if org is None else Consent.org_id == org.id)


def ledger(person: Person) -> list[Consent]:
    """Return every word of a person about himself, and those he spoke for organisations, the newest first."""
    rows = select(Consent).where(Consent.person_id == person.id).order_by(Consent.id.desc())
    return list(db.session.scalars(rows))


def last_word(purpose: str, person: Person, org: Organisation | None = None) -> Consent | None:
    """Return the last word about a purpose: a person's, or an organisation's whoever spoke for it."""
    rows = _words_of(person, org).where(Consent.purpose == purpose)
    return db.session.scalars(rows.order_by(Consent.id.desc()).limit(1)).first()


def stands(purpose: str, person: Person, *, on: date | None = None) -> bool:
    """Whether a person's consent to a purpose stands on a day."""
    return stands_by(last_word(purpose, person), on)


def standing_among(purpose: str, people: Iterable[int]) -> set[int]:
    """Return which of some people, by their ids, allow a purpose today."""
    last: dict[int, Consent] = {}
    rows = select(Consent).where(
        Consent.purpose == purpose, Consent.org_id.is_(None), Consent.person_id.in_(list(people))
    )
    for row in db.session.scalars(rows.order_by(Consent.id)):
        last[row.person_id] = row
    return {person for person, row in last.items() if stands_by(row)}


def asked_of(person: Person) -> list[Asked]:
    """Return each purpose a person is asked about, with his last word."""
    last: dict[str, Consent] = {}
    for row in db.session.scalars(_words_of(person, None).order_by(Consent.id)):
        last[row.purpose] = row
    return [Asked(code, body, last.get(code)) for code, body in purposes().items()]


def speak(
    purpose: str, given: bool, *, by: Person, channel: Channel, org: Organisation | None = None,
    present: bool | None = None,
) -> Consent | None:  # fmt: skip
    """Write down that a consent is given or taken back, if that is news; whoever acts on it hears at once.

    A consent given again after its words changed is a new word. `present` says what holds now where that is older
    than the ledger.
    """
    body = purposes(PERSON if org is None else ORGANISATION).get(purpose)
    if body is None:
        raise Missing(_l("There is no such purpose."))
    db.session.scalars(select(Person).where(Person.id == by.id).with_for_update(of=Person)).one()
    last, version = last_word(purpose, by, org), catalogue.version_of("consent", purpose)
    same = (stands_by(last) if present is None else present) == given
    if same and (not given or last is None or last.text_version == version):
        return None
    days = body.get("days")
    row = Consent(
        person=by, org=org, purpose=purpose, receiver=str(body["receiver"]["en"])[:200],
        fields=list(body["fields"]), until=clock.today() + timedelta(days=days) if given and days else None,
        text_version=version, language=str(get_locale() or by.language), channel=channel,
        withdrawn=not given,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record(
        "consent.given" if given else "consent.withdrawn", by if org is None else org, by=by,
        org_id=org.id if org else None, purpose=purpose, text_version=version,
    )  # fmt: skip
    publish(ConsentChanged(purpose, by, org, given))
    return row


def receivers(purpose: str) -> list[Person]:
    """Return the people whose consent to a purpose stands today and whose account is open, by name."""
    last: dict[int, Consent] = {}
    rows = select(Consent).where(Consent.purpose == purpose, Consent.org_id.is_(None))
    for row in db.session.scalars(rows.order_by(Consent.id)):
        last[row.person_id] = row
    ids = [person for person, row in last.items() if stands_by(row)]
    people = select(Person).where(
        Person.id.in_(ids), Person.disabled_at.is_(None), Person.verified_at.is_not(None)
    )
    return list(db.session.scalars(people.order_by(Person.name, Person.id)))
