"""What support keeps of people: the register, what they take along, what goes with time or at their wish, merged companies."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, delete, func, select

from portal.accounts import erasure_plan, merging
from portal.accounts.erasure_plan import Fate, Line
from portal.accounts.events import PersonErased
from portal.accounts.merging import OrganisationsMerged
from portal.accounts.people import Person
from portal.billing.events import InvoiceSettled
from portal.core import files, labels, personal, retaining
from portal.core.db import db
from portal.core.files import StoredFile
from portal.core.personal import Keeping, Purpose, Sheet
from portal.services.support import people
from portal.services.support.models import Satisfaction, SupportTicket, TicketFile, TicketMessage
from portal.services.support.monthly_models import SupportReport
from portal.services.support.people_models import SupportPerson, SupportPhone


def install() -> None:
    """Put the columns into the register, and say what goes with time and at an erasure."""
    personal.holds(
        Purpose.SUPPORT, Keeping.SUPPORT, "support_ticket.title", "support_ticket.asker_id", "ticket_message.body",
        "ticket_satisfaction.words", "support_person.person_id", "support_phone.telephone",
    )  # fmt: skip
    personal.holds(Purpose.SUPPORT, Keeping.SUPPORT_FILES, "ticket_file.file_id")
    personal.no_person("knowledge_version.title_en", "knowledge_version.title_zh")  # names are refused there
    retaining.rule(retaining.Rule("support_files", "ticket_file", _due, _forget))
    erasure_plan.ask("support", lines)
    erasure_plan.say(
        {
            "own_tickets": _l("Words and files of tickets you asked for yourself"),
            "org_tickets": _l("Tickets you asked for an organisation, without your name"),
            "because_service": _l("they belong to the organisation's service"),
        }
    )
    personal.collects("support", sheets)


def _due(before: datetime) -> Select[Any]:
    """Select the files of tickets that were closed so long ago."""
    return (
        select(TicketFile.id)
        .join(TicketMessage, TicketFile.message_id == TicketMessage.id)
        .join(SupportTicket, TicketMessage.ticket_id == SupportTicket.id)
        .join(StoredFile, TicketFile.file_id == StoredFile.id)
        .where(SupportTicket.closed_at < before, StoredFile.erased_at.is_(None))
        .order_by(TicketFile.id)
    )


def _forget(number: int) -> None:
    files.forget(db.session.get_one(TicketFile, number).file)


def _own(person: Person) -> Select[Any]:
    return select(SupportTicket).where(SupportTicket.asker_id == person.id).order_by(SupportTicket.id)


def lines(person: Person) -> list[Line]:
    """Return what becomes of a person's tickets."""
    count = select(func.count(SupportTicket.id)).where(SupportTicket.asker_id == person.id)
    own = int(db.session.scalar(count.where(SupportTicket.org_id.is_(None))) or 0)
    org = int(db.session.scalar(count.where(SupportTicket.org_id.is_not(None))) or 0)
    return [
        Line("own_tickets", Fate.ERASED, own),
        Line("org_tickets", Fate.KEPT, org, "because_service"),
    ]


def on_erased(event: PersonErased) -> None:
    """Take the words and files out of a person's own tickets, what he said afterwards of any, and his number."""
    db.session.execute(delete(SupportPhone).where(SupportPhone.person_id == event.person.id))
    tickets = list(db.session.scalars(_own(event.person)))
    for ticket in tickets:
        for said in db.session.scalars(select(Satisfaction).where(Satisfaction.ticket_id == ticket.id)):
            said.words = ""
        if ticket.org_id is not None:
            continue
        ticket.title = event.token
        for message in db.session.scalars(select(TicketMessage).where(TicketMessage.ticket_id == ticket.id)):
            message.black_hash = message.black_hash or hashlib.sha256(message.body.encode()).hexdigest()
            message.body = ""
            for one in db.session.scalars(select(TicketFile).where(TicketFile.message_id == message.id)):
                files.forget(one.file)
    db.session.flush()


def on_merged(event: OrganisationsMerged) -> None:
    """Let the tickets and the list of a merged company belong to the one that is kept."""
    merge = event.merge
    for kind in (SupportTicket, SupportPerson, SupportReport):
        rows = select(kind).where(kind.org_id == merge.duplicate.id).order_by(kind.id)
        taken = _listed(merge.kept.id) if kind is SupportPerson else set()
        months = _months(merge.kept.id) if kind is SupportReport else set()
        for row in db.session.scalars(rows).all():
            if isinstance(row, SupportPerson) and row.ended_at is None and row.person_id in taken:
                continue
            if isinstance(row, SupportReport) and row.month in months:
                continue  # both had a report of this month: each stays where it is
            merging.move(merge, row, "org_id", merge.kept.id)


def _listed(org_id: int) -> set[int]:
    rows = select(SupportPerson.person_id).where(
        SupportPerson.org_id == org_id, SupportPerson.ended_at.is_(None)
    )
    return set(db.session.scalars(rows))


def _months(org_id: int) -> set[date]:
    return set(db.session.scalars(select(SupportReport.month).where(SupportReport.org_id == org_id)))


def on_settled(event: InvoiceSettled) -> None:
    """Let open tickets have the better level that was just paid."""
    org = event.invoice.order.party.org
    if org is not None:
        people.raise_levels(org, by=None)


def sheets(person: Person) -> list[Sheet]:
    """Return a person's tickets with what he wrote."""
    asked = db.session.scalars(_own(person))
    said = db.session.scalars(
        select(TicketMessage).where(TicketMessage.by_id == person.id).order_by(TicketMessage.id)
    )
    return [
        Sheet(
            "tickets",
            _l("Your support tickets"),
            (("number", _l("Number")), ("title", _l("Title")), ("received", _l("Received")), ("state", _l("State"))),
            [
                {"number": one.number, "title": one.title, "received": one.received_at, "state": labels.label(one.state)}
                for one in asked
            ],
        ),
        Sheet(
            "ticket_messages",
            _l("What you wrote in tickets"),
            (("number", _l("Number")), ("at", _l("Time")), ("words", _l("Your words"))),
            [
                {"number": one.ticket.number, "at": one.at, "words": one.body}
                for one in said
                if one.public and one.ticket.asker_id == person.id
            ],
        ),
    ]  # fmt: skip
