"""The people who act for an organisation: list, invite, accept, leave, and switch between organisations."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, request, session
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import confirming, contacts, joining, vacancies
from portal.accounts import forms as f
from portal.accounts.access import Reader, allow, me, signed_in, who
from portal.accounts.may import ContactRole, May
from portal.accounts.organisations import Contact, Invitation, Organisation
from portal.accounts.views import accounts
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import looks_like_mail
from portal.core.web import go, public


def acting_for(reader: Reader) -> Organisation | None:
    """Return the organisation chosen in the switcher, else the first one the reader acts for."""
    mine = sorted(reader.orgs(May.SEE_ORG))
    chosen = session.get("org")
    if not mine:
        return None
    return db.session.get(Organisation, chosen if chosen in mine else mine[0])


def required_org(reader: Reader, what: May) -> Organisation:
    """Return the organisation acted for, if the reader may do this there; else it is as if it were not there."""
    org = acting_for(reader)
    if org is None or org.id not in reader.orgs(what):
        raise Missing(_("You do not act for an organisation in a role that may do this."))
    return org


def own_orgs(reader: Reader) -> list[Organisation]:
    """Return the organisations the reader acts for, by name."""
    rows = db.session.scalars(select(Organisation).where(Organisation.id.in_(reader.orgs(May.SEE_ORG))))
    return sorted(rows, key=lambda row: row.name)


@accounts.post("/switch")
@signed_in
def switch() -> BaseResponse:
    """Act for another of one's organisations."""
    uid = request.form.get("organisation", "")
    org = next((org for org in own_orgs(me()) if org.uid == uid), None)
    if org is None:
        raise Missing(_("You do not act for that organisation."))
    session["org"] = org.id
    return go("member.home", _("You now act for %(org)s.", org=org.name))


def _care(org: Organisation) -> dict[str, Any]:
    """Return what an owner keeps in order: vacancies, open domains, requests, the quarter's check."""
    domains = db.session.scalars(joining.domains_of(org)).all()
    own = joining.domain_of(me().person)
    return {
        "vacancies": db.session.scalars(vacancies.open_vacancies(org)).all(),
        "domains": domains,
        "own_domain": own if own not in {one.domain for one in domains} else None,
        "requests": db.session.scalars(joining.waiting(org)).all(),
        "check": confirming.check_of(org),
    }


def _page(org: Organisation, form: f.Invite, status: int = 200) -> Any:
    tier = contacts.tier_of(org)
    rows = db.session.scalars(contacts.contacts_of(org)).all()
    filled = [row.role for row in rows]
    bounds = contacts.bounds(tier)
    return render_template(
        "accounts/people.html",
        org=org,
        contacts=rows,
        roles=[(role, filled.count(role), *bounds[role]) for role in bounds if bounds[role][1]],
        last={row.uid for row in rows if filled.count(row.role) <= contacts.least_of(row.role, bounds)},
        invitations=contacts.open_invitations(org),
        missing=contacts.missing(org, tier),
        form=form,
        may_manage=me().may(May.MANAGE_PEOPLE, org.id),
        today=clock.today(),
        **_care(org),
    ), status


@accounts.get("/people")
@allow(May.SEE_ORG)
def people() -> Any:
    """Show who acts for the organisation, in which role, and who is invited."""
    return _page(required_org(me(), May.SEE_ORG), f.Invite().offer())


@accounts.post("/people")
@allow(May.MANAGE_PEOPLE)
def invite() -> Any:
    """Invite somebody to a role."""
    reader, form = me(), f.Invite().offer()
    org = required_org(reader, May.MANAGE_PEOPLE)
    if not form.validate_on_submit():
        return _page(org, form, 422)
    role = ContactRole(form.role.data)
    _least, most = contacts.bounds(contacts.tier_of(org)).get(role, (0, 3))
    try:
        with transaction():
            contacts.invite(org, form.email.data, role, form.language.data, by=reader.person, most=most)
    except Refused as refusal:
        form.refused(refusal)
        return _page(org, form, refusal.status)
    return go("accounts.people", _("The invitation to %(email)s is on its way.", email=form.email.data))


@accounts.post("/people/<uid>/end")
@allow(May.MANAGE_PEOPLE)
def end_contact(uid: str) -> BaseResponse:
    """End somebody's role; access ends the same minute."""
    reader = me()
    row = db.session.scalars(
        select(Contact).where(
            Contact.uid == uid, Contact.ended_at.is_(None), Contact.org_id.in_(reader.orgs(May.MANAGE_PEOPLE))
        )
    ).first()
    if row is None:
        raise Missing(_("There is no such contact."))
    least = contacts.least_of(row.role, contacts.bounds(contacts.tier_of(row.org)))
    with transaction():
        contacts.leave(row, by=reader.person, least=least)
    return go("accounts.people", _("The role is ended."))


@accounts.post("/people/<uid>/successor")
@allow(May.MANAGE_PEOPLE)
def name_successor(uid: str) -> BaseResponse:
    """Invite whoever follows somebody in a role; he stays until the invitation is accepted."""
    reader, email = me(), request.form.get("email", "").strip()[:254]
    row = db.session.scalars(
        select(Contact).where(
            Contact.uid == uid, Contact.ended_at.is_(None), Contact.org_id.in_(reader.orgs(May.MANAGE_PEOPLE))
        )
    ).first()
    if row is None:
        raise Missing(_("There is no such contact."))
    if not looks_like_mail(email):
        raise Refused(_("This does not look like a mail address, such as name@company.com."), status=422)
    with transaction():
        contacts.name_successor(row, email, str(get_locale()), by=reader.person)
    return go("accounts.people", _("The invitation to %(email)s is on its way.", email=email))


@accounts.post("/people/invitations/<uid>/withdrawal")
@allow(May.MANAGE_PEOPLE)
def withdraw_invitation(uid: str) -> BaseResponse:
    """Take an invitation back."""
    reader = me()
    row = db.session.scalars(
        select(Invitation).where(
            Invitation.uid == uid,
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
            Invitation.org_id.in_(reader.orgs(May.MANAGE_PEOPLE)),
        )
    ).first()
    if row is None:
        raise Missing(_("There is no such invitation."))
    with transaction():
        contacts.withdraw(row, by=reader.person)
    return go("accounts.people", _("The invitation is withdrawn."))


@accounts.get("/invitations/<secret>")
@public
def invitation_link(secret: str) -> BaseResponse:
    """Take the ticket out of the address, and show the invitation."""
    session["invitation"] = secret
    return go("accounts.invitation")


@accounts.route("/invitation", methods=["GET", "POST"])
@public
def invitation() -> Any:
    """Show an invitation, and take it up once signed in under its address."""
    row = contacts.find_invitation(str(session.get("invitation", "")))
    if row is None:
        return render_template("accounts/gone.html", again="/"), 410
    reader = who()
    if request.method == "POST":
        if reader is None:
            abort(401)
        with transaction():
            contacts.accept(row, reader.person)
        session.pop("invitation", None)
        session["org"] = row.org_id
        return go("member.home", _("You now act for %(org)s.", org=row.org.name))
    return render_template("accounts/invitation.html", row=row, reader=reader)
