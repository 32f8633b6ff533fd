"""Mail that comes in: it finds its ticket by what it answers, then by the number in its subject; machines' mail counts nowhere.

A delivery agent hands each mail to `portal services mail`. The same mail twice is one message.
"""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from enum import StrEnum

from flask_babel import force_locale
from sqlalchemy import select

from portal.accounts import door
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import bounces
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.forms import clean
from portal.core.mail import MailMessage
from portal.services.support import asking
from portal.services.support.clocks import Severity
from portal.services.support.models import Channel, SupportTicket, TicketMessage

BIGGEST = 10 * 1024 * 1024
NUMBER = re.compile(r"\[T-(\d{6,12})\]")
IDS = re.compile(r"<([^<>\s]{1,240})>")
QUOTED = re.compile(r"^(>|On .{5,200} wrote:$|在.{5,200}写道：$|-{3,} ?(Original Message|原始邮件))")
OURS = re.compile(r"^ticket-[a-z]+\.[0-9a-f]{32}\b")


class Fate(StrEnum):
    """What became of a mail."""

    OPENED = "opened"
    WRITTEN = "written"
    TWICE = "twice"
    MACHINE = "machine"
    STRANGER = "stranger"
    EMPTY = "empty"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True)
class Mail:
    """What counts of a mail: who sent it, its own id, the ids it answers, what it says."""

    sender: str
    mail_id: str
    answers: tuple[str, ...]
    title: str
    body: str
    by_machine: bool
    bounced: str | None = None


def read(raw: bytes) -> Mail:
    """Read a mail; `Refused` if it is too large or none. Whatever is broken in it reads as nothing."""
    if len(raw) > BIGGEST:
        raise Refused("this mail is larger than 10 MB", status=422)
    found = email.message_from_bytes(raw, policy=email.policy.default)
    if not isinstance(found, EmailMessage):
        raise Refused("this is no mail", status=422)
    ids = IDS.findall(_header(found, "Message-ID"))
    answers = IDS.findall(f"{_header(found, 'In-Reply-To')} {_header(found, 'References')}")
    auto = _header(found, "Auto-Submitted").split(";")[0].strip().lower()  # RFC 3834
    machine = auto not in ("", "no") or found.get_content_type() == "multipart/report"
    return Mail(
        sender=parseaddr(_header(found, "From"))[1].lower(), mail_id=ids[0] if ids else "", answers=tuple(answers[-20:]),
        title=" ".join(str(clean(_header(found, "Subject"))).split())[:200], body=_words(found), by_machine=machine,
        bounced=bounces.key_in(found),
    )  # fmt: skip


def _header(found: EmailMessage, name: str) -> str:
    try:
        return str(found.get(name, ""))
    except (ValueError, IndexError, AttributeError, UnicodeError):  # broken headers raise anything of these
        return ""


def _words(found: EmailMessage) -> str:
    """Return the plain words of a mail without what it quotes."""
    part = found.get_body(preferencelist=("plain",))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, ValueError, UnicodeError):
        return ""
    kept: list[str] = []
    for line in text.splitlines():
        if QUOTED.match(line.strip()):
            break
        kept.append(line)
    return str(clean("\n".join(kept)))[: asking.LONGEST]


def _thread(mail: Mail, person: Person) -> SupportTicket | None:
    """Return the ticket that a mail belongs to, if its sender follows that ticket as the one who asked."""
    row = _by_ids(mail.answers)
    if row is None and (match := NUMBER.search(mail.title)) is not None:
        row = db.session.get(SupportTicket, int(match[1]))
    return row if row is not None and row.asker_id == person.id else None


def _by_ids(answers: tuple[str, ...]) -> SupportTicket | None:
    """Return the ticket of a message that is answered: one that came in, or one that we sent."""
    for one in reversed(answers):
        said = db.session.scalars(select(TicketMessage).where(TicketMessage.mail_id == one)).first()
        if said is not None:
            return said.ticket
        key = one.rsplit("@", 1)[0]
        if OURS.match(key):
            asked = select(MailMessage).where(MailMessage.key == key.replace(".", ":"))
            sent = db.session.scalars(asked).first()
            if sent is not None and sent.topic.startswith("support_ticket:"):
                return db.session.get(SupportTicket, int(sent.topic.partition(":")[2]))
    return None


def _org_of(person: Person) -> Organisation | None:
    """Return the organisation that somebody acts for, if it is one alone."""
    rows = db.session.scalars(
        select(Organisation)
        .join(Contact, Contact.org_id == Organisation.id)
        .where(Contact.person_id == person.id, Contact.ended_at.is_(None), Organisation.person_id.is_(None))
        .distinct()
        .limit(2)
    ).all()
    return rows[0] if len(rows) == 1 else None


def take(raw: bytes) -> tuple[Fate, SupportTicket | None]:
    """Take a mail in, within the present transaction; return what became of it."""
    mail = read(raw)
    if mail.by_machine:
        return _by_machine(mail)
    if mail.mail_id:
        before = db.session.scalars(
            select(TicketMessage).where(TicketMessage.mail_id == mail.mail_id)
        ).first()
        if before is not None:
            return Fate.TWICE, before.ticket
    person = door.by_email(mail.sender) if mail.sender else None
    if person is None or person.verified_at is None or person.disabled_at is not None:
        return Fate.STRANGER, None
    if not mail.body.strip():
        return Fate.EMPTY, None
    with force_locale(person.language):
        return _kept(mail, person)


def _by_machine(mail: Mail) -> tuple[Fate, SupportTicket | None]:
    """Note a mail of ours that came back; whatever else a machine says opens, answers and counts nothing."""
    sent = bounces.note(mail.bounced) if mail.bounced else None
    if sent is None:
        return Fate.MACHINE, None
    kind, _, number = sent.topic.partition(":")
    return Fate.BOUNCED, db.session.get(SupportTicket, int(number)) if kind == "support_ticket" else None


def _kept(mail: Mail, person: Person) -> tuple[Fate, SupportTicket]:
    row, mail_id = _thread(mail, person), mail.mail_id or None
    if row is not None and row.into is not None:
        row = row.into
    if row is not None and asking.may_write(row):
        message = asking.write(row, by=person, body=mail.body, channel=Channel.MAIL, mail_id=mail_id)
        return Fate.WRITTEN, message.ticket
    made = asking.open_ticket(
        by=person, org=row.org if row is not None else _org_of(person), title=NUMBER.sub("", mail.title).strip(),
        body=mail.body, severity=Severity.S3, channel=Channel.MAIL, follows=row, mail_id=mail_id,
    )  # fmt: skip
    return Fate.OPENED, made
