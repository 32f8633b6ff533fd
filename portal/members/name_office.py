"""The office's page for registered names: correct one, or change it from a day, with the evidence."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import DateField
from wtforms.validators import Optional

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import Form, text_field
from portal.core.web import go
from portal.members import renaming
from portal.members.roll import roll


class Names(Form):
    """Registered names, with the evidence for them."""

    legal_name = text_field(_l("Legal name"), description=_l("As on the business licence or register."))
    legal_name_en = text_field(_l("Legal name in English"), required=False)
    since = DateField(
        _l("Changed on"),
        validators=[Optional()],
        description=_l("The day of the change; leave it empty if the old name was never right."),
    )
    evidence = text_field(
        _l("Evidence"), longest=300, description=_l("For example: new business licence, number and date.")
    )


@roll.route("/<uid>/names", methods=["GET", "POST"])
@allow(May.REVIEW)
def names(uid: str) -> Any:
    """Correct or change the registered names of a member."""
    g.nav = "roll.members"
    org = db.session.scalars(select(Organisation).where(Organisation.uid == uid)).first()
    if org is None:
        raise Missing(_("There is no such member."))
    form, status = Names(obj=org) if request.method == "GET" else Names(), 200
    if request.method == "POST":
        try:
            if form.validate_on_submit():
                with transaction():
                    renaming.rename(
                        org, legal_name=form.legal_name.data, legal_name_en=form.legal_name_en.data or "",
                        evidence=form.evidence.data, since=form.since.data, by=me().person,
                    )  # fmt: skip
                return go("roll.member", _("The registered name is written."), uid=uid)
            status = 422
        except Refused as refusal:
            form.refused(refusal)
            status = refusal.status
    return render_template("office/names.html", org=org, form=form), status
