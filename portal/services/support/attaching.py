"""Files that come with messages: hostile until shown to be harmless, kept under the ticket, handed out as attachments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from portal.core import files
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.members import work_files
from portal.services.support.models import SupportTicket, TicketFile, TicketMessage

MOST = 5


@dataclass(frozen=True, slots=True)
class Attached:
    """A checked file that lies in the store and waits for its message."""

    content: files.Content
    name: str


def take(uploads: Iterable[FileStorage]) -> list[Attached]:
    """Check files and lay them in the store; outside any transaction, as files are written before their rows."""
    chosen = [one for one in uploads if one.filename]
    if len(chosen) > MOST:
        raise Refused(
            _l("Please attach at most %(most)s files to a message.", most=MOST), field="files", status=422
        )
    found = []
    for one in chosen:
        try:
            taken = work_files.check(one)
        except Refused as refusal:
            raise Refused(refusal.words, field="files", status=422) from None
        found.append(Attached(files.put(taken.data, taken.media_type), taken.name))
    return found


def keep(message: TicketMessage, attached: Sequence[Attached]) -> None:
    """Put files under a message."""
    ticket = message.ticket
    for one in attached:
        row = files.StoredFile(
            sha256=one.content.sha256, name=one.name, media_type=one.content.media_type, size=one.content.size,
            purpose="ticket", org_id=ticket.org_id, person_id=None if ticket.org_id else ticket.asker_id,
        )  # fmt: skip
        db.session.add_all([row, TicketFile(message=message, file=row)])
    db.session.flush()


def of_ticket(ticket: SupportTicket, *, public: bool) -> dict[int, list[files.StoredFile]]:
    """Return a ticket's files by message; with `public` only those that the customer sees."""
    asked = (
        select(TicketFile)
        .join(TicketMessage, TicketFile.message_id == TicketMessage.id)
        .where(TicketMessage.ticket_id == ticket.id)
        .order_by(TicketFile.id)
    )
    if public:
        asked = asked.where(TicketMessage.public)
    known: dict[int, list[files.StoredFile]] = {}
    for row in db.session.scalars(asked):
        known.setdefault(row.message_id, []).append(row.file)
    return known


def one(ticket: SupportTicket, uid: str, *, public: bool) -> files.StoredFile:
    """Return one file of a ticket."""
    for row in of_ticket(ticket, public=public).values():
        for file in row:
            if file.uid == uid:
                return file
    raise Missing(_l("There is no such file."))
