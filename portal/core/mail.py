"""Mail: written in the receiver's language with the fact, sent once by the outbox, readable in the demo's mailbox."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import default as letters
from urllib.parse import unquote, urlsplit

from flask import current_app
from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock, outbox
from portal.core.catalogue import brand
from portal.core.db import Model, db, let_go
from portal.core.settings import settings


class MailMessage(Model):
    """One mail to one address. `secret` ones lose their text once sent, outside demo and development.

    `calendar` is an iCalendar object that goes along, its method standing within it.
    """

    __tablename__ = "mail_message"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    address: Mapped[str] = mapped_column(String(254), index=True)
    name: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(String(80), index=True)
    secret: Mapped[bool] = mapped_column(default=False)
    calendar: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now, index=True)
    sent_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    bounced_at: Mapped[datetime | None] = mapped_column(init=False, default=None)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says: who and what in the title, what to do in the first line, at most one button."""

    title: str
    lines: tuple[str, ...]
    button: tuple[str, str] | None = None
    code: str | None = None
    secret: bool = False
    calendar: str = ""


# By the kind of row that mails are about: where one click ends them (RFC 8058), given the row's number.
_ways_out: dict[str, Callable[[int], str | None]] = {}


def ends_by_click(kind: str, address: Callable[[int], str | None]) -> None:
    """Let mails about a kind of row carry the address that ends them, which mail programs show as a button of their own.

    A POST there ends the mails without a question; it must be spared of CSRF.
    """
    _ways_out[kind] = address


def _way_out(topic: str) -> str | None:
    kind, _colon, number = topic.partition(":")
    return _ways_out[kind](int(number)) if kind in _ways_out and number.isdecimal() else None


def one_line(text: str, most: int = 300) -> str:
    """Return text that cannot split a header or a log line."""
    return " ".join(text.split())[:most]


def send(
    key: str, to: str, name: str, language: str, letter: Callable[[], Letter], *, topic: str = ""
) -> bool:
    """Write a mail in the present transaction; asked again with the same key it does nothing."""
    if not outbox.queue("mail", f"mail:{key}", {"key": key}):
        return False
    with force_locale(language):
        said = letter()
        words = {"letter": said, "name": name, "brand": brand(), "language": language}
        # Straight from the environment: a mail needs no rail, switcher or banner of the page.
        text = current_app.jinja_env.get_template("mail/letter.txt").render(words)
        html = current_app.jinja_env.get_template("mail/letter.html").render(words)
    db.session.add(
        MailMessage(
            key=key, address=to, name=one_line(name, 200), language=language, title=one_line(said.title),
            text=text, html=html, topic=topic, secret=said.secret, calendar=said.calendar,
        )
    )  # fmt: skip
    return True


def _message(row: MailMessage) -> EmailMessage:
    message = EmailMessage(policy=letters.clone(refold_source="none"))
    message["Subject"] = row.title
    message["From"] = f"{brand().short} <{brand().mail}>"
    message["To"] = row.address
    host = urlsplit(settings().public_url).hostname or "localhost"
    message["Message-ID"] = f"<{row.key.replace(':', '.')}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    if way_out := _way_out(row.topic):
        # As it stands: folded, a long address would be written in coded words, which no mail program takes for one.
        message.set_raw("List-Unsubscribe", f"<{way_out}>")
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(row.text)
    message.add_alternative(row.html, subtype="html")
    if row.calendar:
        method = "CANCEL" if "METHOD:CANCEL" in row.calendar else "REQUEST"
        data = row.calendar.encode()  # as bytes: the lines of the object keep their own ends
        message.add_attachment(
            data, "text", "calendar", filename="exam.ics", params={"method": method, "charset": "utf-8"}
        )
    return message


def deliver(message: EmailMessage, url: str) -> None:
    """Hand a mail to the server of `smtp://`, `smtps://` or `smtp+starttls://user:password@host:port`."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "localhost", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=30, context=secure)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=30)
    with server:
        if parts.scheme == "smtp+starttls":
            server.starttls(context=secure)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


@outbox.handles("mail", _l("Mail"))
def _send(item: outbox.Claim) -> outbox.Finish:
    row = db.session.query(MailMessage).filter_by(key=item.payload["key"]).one()
    message, url = _message(row), settings().mail_url
    let_go()
    if url:
        deliver(message, url)

    def finish() -> None:
        sent = db.session.query(MailMessage).filter_by(key=item.payload["key"]).one()
        sent.sent_at = clock.now()
        if sent.secret and url:
            sent.text = sent.html = ""

    return finish
