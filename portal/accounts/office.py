"""The staff's side of accounts: who works here, in which role."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import door, grants
from portal.accounts import forms as f
from portal.accounts.access import allow, me
from portal.accounts.may import May, StaffRole
from portal.accounts.people import Grant, Person
from portal.core import clock, labels
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import options
from portal.core.paging import page_of
from portal.core.web import go

staff = Blueprint("staff", __name__, url_prefix="/office/staff")


def _page(form: f.NewStaff, status: int = 200) -> Any:
    statement = (
        select(Grant)
        .join(Person)
        .where((Grant.end.is_(None)) | (Grant.end > clock.today()))
        .order_by(Person.name, Grant.role)
    )
    return render_template("office/staff.html", page=page_of(statement), form=form), status


def _form() -> f.NewStaff:
    form = f.NewStaff()
    form.role.choices = options((role.value, labels.label(role)) for role in StaffRole)
    return form


@staff.get("/")
@allow(May.MANAGE_STAFF)
def people() -> Any:
    """List the roles in force."""
    return _page(_form())


@staff.post("/")
@allow(May.MANAGE_STAFF, fresh=True)
def grant() -> Any:
    """Give somebody a role; an unknown address gets an account and a link to choose a password."""
    form = _form()
    if not form.validate_on_submit():
        return _page(form, 422)
    try:
        with transaction():
            person = door.by_email(form.email.data) or grants.newcomer(
                form.email.data, form.name.data, str(get_locale())
            )
            grants.give(person, StaffRole(form.role.data), by=me().person)
    except Refused as refusal:
        form.refused(refusal)
        return _page(form, refusal.status)
    return go("staff.people", _("The role is given."))


@staff.post("/<int:number>/end")
@allow(May.MANAGE_STAFF, fresh=True)
def end_grant(number: int) -> BaseResponse:
    """Take a role back; it ends the same minute."""
    row = db.session.get(Grant, number)
    if row is None or row.end is not None:
        raise Missing(_("There is no such role."))
    with transaction():
        grants.end(row, by=me().person)
    return go("staff.people", _("The role is ended."))
