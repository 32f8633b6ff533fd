"""Whom the job board writes to, and in which language."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import select

from portal.accounts.may import CONTACT, May
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import mail
from portal.core.db import db
from portal.core.mail import Letter


def recruiters(org: Organisation) -> list[Person]:
    """Return the people who recruit for an organisation, in order of their contact."""
    roles = [role for role, verbs in CONTACT.items() if May.RECRUIT in verbs]
    rows = (
        select(Person)
        .join(Contact, Contact.person_id == Person.id)
        .where(Contact.org_id == org.id, Contact.role.in_(roles), Contact.ended_at.is_(None))
        .order_by(Contact.id)
    )
    return list(dict.fromkeys(one for one in db.session.scalars(rows) if one.erased_at is None))


def write(key: str, people: Iterable[Person], letter: Callable[[], Letter], *, topic: str) -> None:
    """Write the same mail to several people, to each once and in the language of each."""
    for person in people:
        if person.erased_at is None:
            mail.send(f"{key}:{person.uid}", person.email, person.name, person.language, letter, topic=topic)
