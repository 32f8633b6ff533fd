"""Keeping one's people right: vacancies, open domains, requests to join, and the quarterly confirmation."""

from __future__ import annotations

from typing import Any, TypeVar

from flask import g, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select
from werkzeug.wrappers import Response as BaseResponse
from wtforms import TextAreaField

from portal.accounts import confirming, joining, vacancies
from portal.accounts.access import allow, me, signed_in
from portal.accounts.care_models import JoinRequest, MailDomain
from portal.accounts.may import ContactRole, May
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people_views import required_org
from portal.accounts.views import accounts
from portal.core import labels
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import REQUIRED, Form, choice_field, clean, most, options
from portal.core.web import go

T = TypeVar("T")


class AskToJoin(Form):
    """Which organisation, in which role, and a word to its owners."""

    organisation = choice_field(_l("Organisation"))
    role = choice_field(_l("Role"))
    note = TextAreaField(
        _l("A word to its owners"), validators=[most(300)], filters=[clean], render_kw={"rows": 2}
    )

    def offer(self, orgs: list[Organisation]) -> AskToJoin:
        """Offer the organisations and roles that may be asked for."""
        self.organisation.choices = options((org.uid, org.name) for org in orgs)
        self.role.choices = options((role.value, labels.label(role)) for role in joining.ASKABLE)
        return self


class Gone(Form):
    """Why a role is vacant."""

    reason = TextAreaField(
        _l("Reason"), validators=[REQUIRED, most(300)], filters=[clean], render_kw={"rows": 2}
    )


def _own(statement: Select[T], what: Any, said: str) -> T:
    """Return a row of an organisation whose people the reader manages; others look missing."""
    row = db.session.scalars(statement.where(what.org_id.in_(me().orgs(May.MANAGE_PEOPLE)))).first()
    if row is None:
        raise Missing(said)
    return row


@accounts.post("/people/<uid>/vacancy")
@allow(May.MANAGE_PEOPLE)
def declare_vacant(uid: str) -> BaseResponse:
    """Declare the role of somebody who is gone vacant; access ends at once, the owners have a task."""
    live = select(Contact).where(Contact.uid == uid, Contact.ended_at.is_(None))
    row, given = _own(live, Contact, _("There is no such contact.")), Gone()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        vacancies.declare(row, by=me().person, reason=given.reason.data or "")
    return go("accounts.people", _("The role is vacant. Please invite somebody for it."))


@accounts.post("/people/confirmation")
@allow(May.MANAGE_PEOPLE)
def confirm_people() -> BaseResponse:
    """Say that the list of people is right."""
    reader = me()
    org = required_org(reader, May.MANAGE_PEOPLE)
    with transaction():
        confirming.confirm(org, by=reader.person)
    return go("accounts.people", _("Thank you: the list is confirmed for this quarter."))


@accounts.post("/people/domains")
@allow(May.MANAGE_PEOPLE)
def open_domain() -> BaseResponse:
    """Let people with a mail in one's own domain ask to join."""
    reader = me()
    org = required_org(reader, May.MANAGE_PEOPLE)
    with transaction():
        row = joining.open_domain(org, by=reader.person)
    return go("accounts.people", _("People with an address at %(domain)s may ask now.", domain=row.domain))


@accounts.post("/people/domains/<uid>/closing")
@allow(May.MANAGE_PEOPLE)
def close_domain(uid: str) -> BaseResponse:
    """Let nobody ask by a domain any more."""
    row = _own(select(MailDomain).where(MailDomain.uid == uid), MailDomain, _("There is no such domain."))
    with transaction():
        joining.close_domain(row, by=me().person)
    return go("accounts.people", _("Nobody can ask by this domain any more."))


def _request(uid: str) -> JoinRequest:
    return _own(
        select(JoinRequest).where(JoinRequest.uid == uid), JoinRequest, _("There is no such request.")
    )


@accounts.post("/people/requests/<uid>/acceptance")
@allow(May.MANAGE_PEOPLE)
def accept_request(uid: str) -> BaseResponse:
    """Let somebody who asked act for the organisation."""
    row = _request(uid)
    with transaction():
        joining.accept(row, by=me().person)
    return go("accounts.people", _("%(name)s acts for you now.", name=row.person.name))


@accounts.post("/people/requests/<uid>/refusal")
@allow(May.MANAGE_PEOPLE)
def decline_request(uid: str) -> BaseResponse:
    """Decline a request."""
    row = _request(uid)
    with transaction():
        joining.decline(row, by=me().person)
    return go("accounts.people", _("Declined; the person is told."))


def _ask_page(given: AskToJoin, status: int = 200) -> Any:
    person = me().person
    g.nav = "member.home"
    return render_template(
        "accounts/join.html", form=given, orgs=joining.open_to(person), domain=joining.domain_of(person),
        requests=db.session.scalars(joining.requests_of(person).limit(20)).all(),
    ), status  # fmt: skip


@accounts.get("/join")
@signed_in
def join() -> Any:
    """Show the organisations that one may ask to act for, by the domain of one's mail, and what was asked."""
    return _ask_page(AskToJoin().offer(joining.open_to(me().person)))


@accounts.post("/join")
@signed_in
def ask_to_join() -> Any:
    """Ask to act for an organisation."""
    person = me().person
    orgs = joining.open_to(person)
    given = AskToJoin().offer(orgs)
    if not given.validate_on_submit():
        return _ask_page(given, 422)
    org = next(one for one in orgs if one.uid == given.organisation.data)
    try:
        with transaction():
            joining.ask(person, org, ContactRole(given.role.data), note=given.note.data or "")
    except Refused as refusal:
        given.refused(refusal)
        return _ask_page(given, refusal.status)
    return go("accounts.join", _("Asked. The owners of %(org)s decide.", org=org.name))


@accounts.post("/join/<uid>/withdrawal")
@signed_in
def take_back_request(uid: str) -> BaseResponse:
    """Take one's own request back."""
    row = db.session.scalars(joining.requests_of(me().person).where(JoinRequest.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such request."))
    with transaction():
        joining.take_back(row, by=me().person)
    return go("accounts.join", _("The request is taken back."))
