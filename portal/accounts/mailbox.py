"""The in-app mailbox of demo and development: every mail the portal wrote, so that each link can be clicked."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, request
from sqlalchemy import or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import door, tickets
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact
from portal.accounts.people import Grant, Level, Person, TicketKind
from portal.accounts.views import accounts
from portal.core import flags, labels
from portal.core.db import db, transaction
from portal.core.mail import MailMessage
from portal.core.paging import page_of
from portal.core.web import go, public


def _open() -> None:
    if not flags.open_mailbox():
        abort(404)


@accounts.get("/mailbox")
@public
def mailbox() -> Any:
    """List the newest mails; search by receiver or title."""
    _open()
    statement = select(MailMessage).order_by(MailMessage.id.desc())
    if q := request.args.get("q", "").strip():
        like = f"%{q}%"
        statement = statement.where(or_(MailMessage.address.ilike(like), MailMessage.title.ilike(like)))
    return render_template("accounts/mailbox.html", page=page_of(statement))


@accounts.get("/mailbox/<int:number>")
@public
def mail(number: int) -> Any:
    """Show one mail as its receiver reads it."""
    _open()
    row = db.session.get(MailMessage, number)
    if row is None:
        abort(404)
    return render_template("accounts/mail.html", row=row)


@accounts.get("/demo/<secret>")
@public
def demo_link(secret: str) -> Any:
    """Show the door of the demo: one button comes in as the person the link names."""
    if not flags.demo():
        abort(404)
    ticket = tickets.find(TicketKind.DEMO, secret)
    if ticket is None:
        abort(404)
    return render_template("accounts/demo.html", person=ticket.person)


@accounts.post("/demo/as/<uid>")
@public
def demo_enter(uid: str) -> BaseResponse:
    """Come in as somebody of the demo without a second factor; never outside the demo."""
    if not flags.demo():
        abort(404)
    person = db.session.scalars(select(Person).where(Person.uid == uid, Person.demo)).first()
    if person is None:
        abort(404)
    with transaction():
        door.open_session(person, Level.FULL)
    return go("accounts.arrive")


def demo_people() -> list[dict[str, str]]:
    """Return who can be entered from the sign-in page of the demo, one per role."""
    if not flags.demo():
        return []
    rows = db.session.execute(
        select(Person, Grant.role).join(Grant).where(Person.demo, Grant.end.is_(None)).order_by(Grant.id)
    )
    found = {role: {"uid": who.uid, "name": who.name, "what": labels.label(role)} for who, role in rows}
    owners = db.session.execute(
        select(Person, Contact)
        .join(Contact)
        .where(Person.demo, Contact.role == ContactRole.OWNER)
        .order_by(Contact.id)
        .limit(1)
    )
    members = [
        {"uid": who.uid, "name": who.name, "what": f"{labels.label(contact.role)} · {contact.org.name}"}
        for who, contact in owners
    ]
    return [*members, *found.values()]
