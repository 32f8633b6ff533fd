"""Tokens for programs: list, make (with the factor shown again), see once, revoke."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import forms as f
from portal.accounts import hook_views  # noqa: F401 - the other page of programs: its routes
from portal.accounts import tokens as deeds
from portal.accounts.access import Reader, fresh, me, signed_in
from portal.accounts.may import CONTACT, ContactRole, May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import own_orgs
from portal.accounts.scopes import SCOPES, Scope
from portal.accounts.views import accounts
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go

OWN = "own"


def _arrive() -> Reader:
    g.nav = "accounts.security"  # the rail shows these pages as part of the account
    return me()


def _managed(reader: Reader) -> list[Organisation]:
    """Return the organisations whose tokens the reader may make and end."""
    ids = reader.orgs(May.MANAGE_PEOPLE)
    return [org for org in own_orgs(reader) if org.id in ids]


def _useful(reader: Reader) -> list[Scope]:
    """Return the scopes that could open anything for this person, or for an organisation he manages."""
    org_verbs = CONTACT[ContactRole.OWNER] if _managed(reader) else frozenset()
    return [
        scope
        for scope, verbs in SCOPES.items()
        if not verbs or any(reader.may(verb) or verb in org_verbs for verb in verbs)
    ]


@accounts.get("/account/tokens")
@signed_in
def tokens() -> str:
    """List the tokens of the reader and of the organisations he manages."""
    reader = _arrive()
    rows = db.session.scalars(deeds.alive(reader.person, reader.orgs(May.MANAGE_PEOPLE))).all()
    return render_template("accounts/tokens.html", rows=rows)


@accounts.route("/account/tokens/new", methods=["GET", "POST"])
@signed_in
@fresh
def new_token() -> Any:
    """Make a token and show it once."""
    reader = _arrive()
    orgs = {org.uid: org for org in _managed(reader)}
    owners = [(OWN, _("me: %(name)s", name=reader.person.name)), *((uid, o.name) for uid, o in orgs.items())]
    form = f.NewToken().offer(owners, _useful(reader))
    if form.validate_on_submit():
        try:
            with transaction():
                row, secret = deeds.give(
                    form.name.data,
                    [Scope(one) for one in form.scopes.data],
                    int(form.days.data),
                    org=orgs.get(form.owner.data),
                    by=reader.person,
                )
        except Refused as refusal:
            form.refused(refusal)
        else:
            return render_template("accounts/token.html", row=row, secret=secret)
    return render_template("accounts/token_new.html", form=form), 422 if form.errors else 200


@accounts.post("/account/tokens/<uid>/revocation")
@signed_in
def revoke_token(uid: str) -> BaseResponse:
    """End a token at once."""
    reader = me()
    mine = deeds.alive(reader.person, reader.orgs(May.MANAGE_PEOPLE))
    row = db.session.scalars(mine.where(deeds.ApiToken.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such token, or it is not yours."))
    with transaction():
        deeds.revoke(row, by=reader.person)
    return go("accounts.tokens", _("The token is revoked."))
