"""The mails the portal wrote, for staff with the right: per person, organisation or case."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from sqlalchemy import or_, select

from portal.accounts.access import allow
from portal.accounts.may import May
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import web
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.mail import MailMessage
from portal.core.paging import asked, page_of

letterbox = Blueprint("letterbox", __name__, url_prefix="/office/mailbox")


def _org() -> Organisation | None:
    uid = asked("org", most=32)
    if not uid:
        return None
    return db.session.scalars(select(Organisation).where(Organisation.uid == uid)).first()


def _chips(org: Organisation | None) -> list[dict[str, Any]]:
    found = []
    if org is not None:
        name = _("%(name)s: %(value)s", name=_("Organisation"), value=org.name)
        found.append({"label": name, "href": web.url_with(org=None, page=None), "active": True})
    if about := asked("about", most=80):
        name = _("%(name)s: %(value)s", name=_("Subject of the entry"), value=about)
        found.append({"label": name, "href": web.url_with(about=None, page=None), "active": True})
    waiting = request.args.get("state") == "waiting"
    href = web.url_with(state=None if waiting else "waiting", page=None)
    return [*found, {"label": _("Not sent yet"), "href": href, "active": waiting}]


@letterbox.get("/")
@allow(May.READ_MAIL)
def mails() -> str:
    """List the mails, newest first: by receiver, title, organisation or what they are about."""
    org, args = _org(), request.args
    statement = select(MailMessage).order_by(MailMessage.id.desc())
    if q := asked("q"):
        statement = statement.where(
            or_(
                *(
                    c.icontains(q, autoescape=True)
                    for c in (MailMessage.address, MailMessage.name, MailMessage.title)
                )
            )
        )
    if org is not None:
        theirs = select(Person.email).join(Contact).where(Contact.org_id == org.id)
        statement = statement.where(MailMessage.address.in_(theirs))
    if about := asked("about", most=80):
        statement = statement.where(MailMessage.topic == about)
    if args.get("state") == "waiting":
        statement = statement.where(MailMessage.sent_at.is_(None))
    return render_template("office/mailbox.html", page=page_of(statement), chips=_chips(org))


@letterbox.get("/<int:number>")
@allow(May.READ_MAIL)
def mail(number: int) -> str:
    """Show one mail; what opens a door (a link to reset, a code) stays between the portal and its receiver."""
    row = db.session.get(MailMessage, number)
    if row is None:
        raise Missing(_("There is no such mail."))
    return render_template("office/mail.html", row=row)
