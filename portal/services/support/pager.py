"""Calls beside mail: a signed message to the foundation's gateway for short messages, with the numbers of who has duty."""

from __future__ import annotations

import json

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.core import audit, clock, outbox, outgoing, signatures, web
from portal.core.db import db, let_go
from portal.core.settings import settings
from portal.services.support import history
from portal.services.support.models import SupportTicket, TicketState
from portal.services.support.people_models import SupportPhone


def number_of(person: Person) -> str:
    """Return under which number somebody is called; empty if he gave none."""
    return str(
        db.session.scalar(select(SupportPhone.telephone).where(SupportPhone.person_id == person.id)) or ""
    )


def set_number(person: Person, telephone: str, *, by: Person) -> None:
    """Keep one's number for calls; nothing takes it away."""
    row = db.session.scalars(select(SupportPhone).where(SupportPhone.person_id == person.id)).first()
    if row is not None and not telephone:
        db.session.delete(row)
    elif row is not None:
        row.telephone = telephone
    elif telephone:
        db.session.add(SupportPhone(person=person, telephone=telephone))
    db.session.flush()
    audit.record("support.number", person, by=by, given=bool(telephone))


def page(ticket: SupportTicket, people: list[Person], *, again: int) -> None:
    """File a call to everybody of some people who gave a number, if the foundation has a gateway."""
    if settings().pager_url:
        key = f"page:{ticket.uid}:{clock.today()}:{again}"
        who = [one.id for one in people]
        outbox.queue("page", key, {"ticket": ticket.uid, "people": who, "again": again, "name": key})


@outbox.handles("page", _l("Call to who has duty"))
def _call(item: outbox.Claim) -> outbox.Finish | None:
    asked, ticket = settings(), history.found(item.payload["ticket"])
    if ticket.state is not TicketState.NEW or not asked.pager_url:
        return None  # taken meanwhile: nobody is woken for it
    rows = db.session.scalars(
        select(SupportPhone)
        .where(SupportPhone.person_id.in_(item.payload["people"]))
        .order_by(SupportPhone.id)
    )
    people = [{"name": one.person.name, "telephone": one.telephone} for one in rows]
    body = {
        "type": "support.page", "ticket": ticket.number, "severity": ticket.severity.value, "title": ticket.title,
        "again": item.payload["again"], "people": people, "url": web.absolute("support_office.ticket", uid=ticket.uid),
    }  # fmt: skip
    let_go()
    text = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
    held = [asked.pager_secret] if asked.pager_secret else []
    answer = outgoing.post(
        asked.pager_url,
        text,
        signatures.headers(held, item.payload["name"], int(clock.now().timestamp()), text),
    )
    if not 200 <= answer.status < 300:
        raise outgoing.Unreachable(f"the gateway answered {answer.status}")
    return None
