"""Mail that comes back (RFC 3464): which of our mails could not be delivered; whoever counts on it is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage, Message
from email.parser import HeaderParser

from sqlalchemy import select

from portal.core import clock, events
from portal.core.db import db
from portal.core.mail import MailMessage


@dataclass(frozen=True, slots=True)
class MailBounced:
    """A mail of ours did not reach its address."""

    message: MailMessage


def _failed(part: Message) -> bool:
    """Whether a delivery report says that it gave up: a delay is none."""
    blocks = part.get_payload()
    return isinstance(blocks, list) and any(
        isinstance(one, Message) and str(one.get("Action", "")).strip().lower() == "failed" for one in blocks
    )


def _ids(found: EmailMessage) -> Iterator[str]:
    """Yield the ids of the mails that a report carries, whole or by their headers alone."""
    for part in found.walk():
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            if isinstance(inner, list) and inner and isinstance(inner[0], Message):
                yield str(inner[0].get("Message-ID", ""))
        elif part.get_content_type() == "text/rfc822-headers":
            text = part.get_payload(decode=True)
            if isinstance(text, bytes):
                yield str(HeaderParser().parsestr(text.decode("utf-8", "replace")).get("Message-ID", ""))


def key_in(found: EmailMessage) -> str | None:
    """Return the key of our mail that a report of failed delivery is about; None if it is no such report, or of no mail of ours."""
    try:
        if found.get_content_type() != "multipart/report":
            return None
        parts = [one for one in found.walk() if one.get_content_type() == "message/delivery-status"]
        if not any(_failed(one) for one in parts):
            return None
        said = next((one for one in _ids(found) if one.strip()), "")
    except (ValueError, IndexError, AttributeError, LookupError):  # broken reports raise anything of these
        return None
    local = said.strip().strip("<>").rsplit("@", 1)[0]
    return local.replace(".", ":") or None


def note(key: str) -> MailMessage | None:
    """Write down that a mail came back, once; None if no mail of ours has this key."""
    row = db.session.scalars(select(MailMessage).where(MailMessage.key == key)).first()
    if row is not None and row.bounced_at is None:
        row.bounced_at = clock.now()
        db.session.flush()
        events.publish(MailBounced(row))
    return row


def came_back(topic: str, address: str, since: datetime) -> bool:
    """Whether a mail about something to an address, written since an instant, came back."""
    rows = select(MailMessage.id).where(
        MailMessage.topic == topic, MailMessage.address == address, MailMessage.created_at >= since,
        MailMessage.bounced_at.is_not(None),
    )  # fmt: skip
    return db.session.scalar(rows.limit(1)) is not None
