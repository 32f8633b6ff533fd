"""Builders for tests: people, browsers that are signed in, forms with their token."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Grant, Person
from portal.core import clock, vault
from portal.core.db import db, transaction
from portal.core.mail import MailMessage

PASSWORD = "quiet lantern maps seven rivers"
LINK = re.compile(r"http://127\.0\.0\.1:8000(/\S+)")


@cache
def _hashed() -> str:
    """Return the hash of the tests' password: made once, as it is meant to be costly."""
    from portal.accounts.passwords import HASHER

    return HASHER.hash(PASSWORD)


def make_person(
    email: str, name: str = "Lin", *, language: str = "en", staff: tuple[StaffRole, ...] = ()
) -> Person:
    """Add a verified person with the tests' password; call inside a transaction."""
    person = Person(email=email, name=name, language=language, password_hash=_hashed())
    person.verified_at = clock.now()
    person.demo = bool(staff)
    db.session.add(person)
    for role in staff:
        db.session.add(Grant(person=person, role=role, by_name="test", start=clock.today()))
    db.session.flush()
    return person


def make_org(name: str, *contacts: tuple[Person, ContactRole]) -> Organisation:
    """Add an organisation with its contacts; call inside a transaction."""
    org = Organisation(legal_name=name)
    db.session.add(org)
    for person, role in contacts:
        db.session.add(Contact(person=person, org=org, role=role, start=clock.today()))
    db.session.flush()
    return org


def session_for(person: Person) -> str:
    """Open a full session for a person and return its token; call inside a transaction."""
    from portal.accounts.people import Level, UserSession

    key, now = vault.token(), clock.now()
    db.session.add(
        UserSession(
            token_hash=vault.digest(key), person=person, level=Level.FULL, address="127.0.0.1", agent="test",
            created_at=now, seen_at=now, factor_at=now,
        )
    )  # fmt: skip
    return key


def browser(app: Flask, email: str, *, language: str = "en") -> FlaskClient:
    """Return a browser in which the person of an address is signed in with both factors."""
    with app.app_context(), transaction():
        person = db.session.query(Person).filter_by(email=email).one()
        key = session_for(person)
    client = app.test_client()
    with client.session_transaction() as state:
        state["key"] = key
        state["language"] = language
    return client


def token(client: FlaskClient, page: str = "/terms") -> str:
    """Return the CSRF token of a page with a form."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(page).text)
    assert found is not None
    return found.group(1)


def post(client: FlaskClient, path: str, page: str = "/terms", **fields: Any) -> TestResponse:
    """Send a form with the token of a page."""
    return client.post(path, data={"csrf_token": token(client, page), **fields})


def last_mail(app: Flask, to: str) -> MailMessage:
    """Return the newest mail to an address."""
    with app.app_context():
        row = db.session.query(MailMessage).filter_by(address=to).order_by(MailMessage.id.desc()).first()
        assert row is not None, f"no mail to {to}"
        return row


def link_in(mail: MailMessage) -> str:
    """Return the path behind a mail's button."""
    found = LINK.search(mail.text)
    assert found is not None
    return found.group(1)
