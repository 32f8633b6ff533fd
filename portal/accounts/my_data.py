"""My data: everything the domains keep of a person, with what was disclosed to whom, as JSON and as PDF."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from flask import render_template
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import consents
from portal.accounts.devices import device
from portal.accounts.named_consents import NAMED
from portal.accounts.organisations import Contact, Invitation
from portal.accounts.people import Grant, Passkey, Person, UserSession
from portal.accounts.tokens import ApiToken
from portal.core import catalogue, clock, i18n, labels, pdf, periods, personal, story, words
from portal.core.audit import AuditEntry, plain
from portal.core.db import db, let_go
from portal.core.mail import MailMessage
from portal.core.personal import Sheet

MOST_DEEDS = 2000


def sheets(person: Person) -> list[Sheet]:
    """Return what this domain and the house keep of a person."""
    return [
        _account(person), _roles(person), _staff(person), _consents(person), _disclosed(person),
        _sessions(person), _keys(person), _invitations(person), _mails(person), _deeds(person),
    ]  # fmt: skip


def _account(person: Person) -> Sheet:
    return Sheet(
        "account",
        _l("Account"),
        (
            ("name", _l("Name")), ("email", _l("Mail address")), ("language", _l("Language")),
            ("since", _l("Since")), ("confirmed", _l("Address confirmed")), ("code_app", _l("Code app")),
        ),
        [
            {
                "name": person.name, "email": person.email, "language": person.language,
                "since": person.created_at, "confirmed": person.verified_at, "code_app": bool(person.totp_sealed),
            }
        ],
    )  # fmt: skip


def _roles(person: Person) -> Sheet:
    rows = db.session.scalars(select(Contact).where(Contact.person_id == person.id).order_by(Contact.id))
    return Sheet(
        "roles",
        _l("Roles for organisations"),
        (("organisation", _l("Organisation")), ("role", _l("Role")), ("from", _l("From")), ("until", _l("Until"))),
        [
            {"organisation": row.org.name, "role": labels.label(row.role), "from": row.start, "until": row.ended_at}
            for row in rows
        ],
    )  # fmt: skip


def _staff(person: Person) -> Sheet:
    rows = db.session.scalars(select(Grant).where(Grant.person_id == person.id).order_by(Grant.id))
    return Sheet(
        "staff",
        _l("Roles of staff"),
        (("role", _l("Role")), ("from", _l("From")), ("until", _l("Until"))),
        [{"role": labels.label(row.role), "from": row.start, "until": row.end} for row in rows],
    )


def _receiver(code: str, written: str) -> str:
    body = catalogue.entries("consent").get(code)
    named = body is not None and body.get("holder") == NAMED
    return catalogue.in_words(body["receiver"]) if body and not named else written


def _consents(person: Person) -> Sheet:
    return Sheet(
        "consents",
        _l("Consents, each word"),
        (
            ("at", _l("When")), ("purpose", _l("Purpose")), ("word", _l("Word")), ("receiver", _l("To whom")),
            ("fields", _l("What")), ("until", _l("Until")), ("text_version", _l("Version of the text")),
            ("language", _l("Language")), ("channel", _l("Where")), ("organisation", _l("For")),
        ),
        [
            {
                "at": row.at, "purpose": consents.purpose_name(row.purpose),
                "word": str(_l("taken back") if row.withdrawn else _l("given")),
                "receiver": _receiver(row.purpose, row.receiver), "fields": row.fields, "until": periods.last(row.until),
                "text_version": row.text_version, "language": row.language, "channel": labels.label(row.channel),
                "organisation": row.org.name if row.org else None,
            }
            for row in reversed(consents.ledger(person))
        ],
    )  # fmt: skip


def _disclosed(person: Person) -> Sheet:
    """Return to whom something of the person is open, or went: by consent, and by acting for an organisation."""
    rows = [
        {
            "to": catalogue.in_words(one.body["receiver"]), "what": one.body["fields"],
            "since": one.last.at if one.last else None, "ground": consents.purpose_name(one.code),
        }
        for one in consents.asked_of(person)
        if one.given
    ]  # fmt: skip
    for acting in db.session.scalars(select(Contact).where(Contact.person_id == person.id)):
        if acting.org.person_id is None:
            rows.append(
                {
                    "to": str(_l("people who act for %(org)s", org=acting.org.name)), "what": ["name", "email", "role"],
                    "since": acting.start, "ground": str(_l("you act for it")),
                }
            )  # fmt: skip
    return Sheet(
        "disclosed",
        _l("Disclosed to whom"),
        (("to", _l("To whom")), ("what", _l("What")), ("since", _l("Since")), ("ground", _l("Ground"))),
        rows,
    )


def _sessions(person: Person) -> Sheet:
    rows = db.session.scalars(
        select(UserSession).where(UserSession.person_id == person.id).order_by(UserSession.id)
    )
    return Sheet(
        "sessions",
        _l("Where you signed in"),
        (("from", _l("From")), ("last_seen", _l("Last seen")), ("address", _l("Address")), ("device", _l("Device"))),
        [
            {
                "from": row.created_at, "last_seen": row.seen_at, "address": row.address, "device": device(row.agent)
            }
            for row in rows
        ],
    )  # fmt: skip


def _keys(person: Person) -> Sheet:
    keys = db.session.scalars(select(Passkey).where(Passkey.person_id == person.id).order_by(Passkey.id))
    tokens = db.session.scalars(select(ApiToken).where(ApiToken.maker_id == person.id).order_by(ApiToken.id))
    found: list[dict[str, Any]] = [
        {"kind": str(_l("Passkey")), "name": row.name, "since": row.created_at, "used": row.used_at}
        for row in keys
    ]
    found += [
        {"kind": str(_l("Token")), "name": row.name, "since": row.created_at, "used": row.used_at}
        for row in tokens
    ]
    columns = (("kind", _l("Type")), ("name", _l("Name")), ("since", _l("Since")), ("used", _l("Last used")))
    return Sheet("keys", _l("Passkeys and tokens"), columns, found)


def _invitations(person: Person) -> Sheet:
    rows = db.session.scalars(
        select(Invitation).where(Invitation.email == person.email).order_by(Invitation.id)
    )
    return Sheet(
        "invitations",
        _l("Invitations"),
        (("organisation", _l("Organisation")), ("role", _l("Role")), ("at", _l("When")), ("by", _l("By"))),
        [
            {
                "organisation": row.org.name,
                "role": labels.label(row.role),
                "at": row.created_at,
                "by": row.by_name,
            }
            for row in rows
        ],
    )


def _mails(person: Person) -> Sheet:
    rows = db.session.execute(
        select(MailMessage.created_at, MailMessage.title)
        .where(MailMessage.address == person.email)
        .order_by(MailMessage.id)
    )
    columns = (("at", _l("When")), ("title", _l("Title")))
    return Sheet("mails", _l("Mails to you"), columns, [{"at": at, "title": title} for at, title in rows])


def _deeds(person: Person) -> Sheet:
    """Return what the record says that the person did, the last ones of a long record."""
    rows = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.actor_id == person.id)
        .order_by(AuditEntry.id.desc())
        .limit(MOST_DEEDS)
    ).all()
    said = story.verbs()
    return Sheet(
        "deeds",
        _l("What you did here"),
        (("at", _l("When")), ("what", _l("What")), ("address", _l("Address"))),
        [
            {"at": row.at, "what": said.get(row.verb, row.verb), "address": row.address}
            for row in reversed(rows)
        ],
    )


def document(person: Person) -> dict[str, Any]:
    """Return all of a person's data as a JSON object: a list of rows per kind."""
    found: dict[str, Any] = {"made": clock.now().isoformat(), "foundation": catalogue.brand().name}
    for sheet in personal.sheets(person):
        found[sheet.code] = found.get(sheet.code, []) + [
            {key: plain(value) for key, value in row.items()} for row in sheet.rows
        ]
    return found


def shown(value: Any) -> str:
    """Return a value as people read it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return str(_l("Yes") if value else _l("No"))
    if isinstance(value, datetime):
        return words.moment(value)
    if isinstance(value, date):
        return words.day(value)
    if isinstance(value, dict):
        return "; ".join(f"{key}: {shown(one)}" for key, one in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return str(_l(", ")).join(shown(one) for one in value)
    return str(value)


def paper(person: Person) -> bytes:
    """Return the same as a PDF, made outside any transaction."""
    html = render_template(
        "papers/my_data.html", person=person, sheets=personal.sheets(person), shown=shown, made=clock.now(),
        lang=i18n.HTML.get(i18n.language(), "en"),
    )  # fmt: skip
    let_go()
    return pdf.render(html)
