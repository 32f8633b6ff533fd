"""The holder's pages of continuing education: what counts so far, a new entry, what shows it, asking for the renewal."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.certs import awarding, levels
from portal.certs.education import entries, renewing, rules
from portal.certs.education.forms import NewEntry
from portal.certs.models.education import EducationEntry
from portal.core import clock, files
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.members import uploads

education = Blueprint("education", __name__, url_prefix="/certificates/education")
PAGE, RAIL = "education.mine", "holder.certificates"


def _own(uid: str) -> EducationEntry:
    row = entries.found(uid)
    if row.person_id != me().person.id:
        raise Missing(_("This entry is not there."))
    return row


@education.get("/")
@signed_in
def mine() -> str:
    """Show what counts so far against the number, what is missing, the caps, the entries and the renewals."""
    person, today, g.nav = me().person, clock.today(), RAIL
    rows = entries.of_person(person)
    return render_template(
        "education/mine.html", entries=rows, title=levels.name_of, kind_name=rules.name_of, kinds=rules.kinds(),
        standings=[renewing.standing(one, rows, today) for one in entries.renewable(person)],
        renewals=renewing.of_person(person), needed=rules.needed(), months=rules.months(), today=today,
    )  # fmt: skip


def _page(form: NewEntry, status: int = 200) -> Any:
    form.offer()
    g.nav, today = RAIL, clock.today()
    awards = entries.renewable(me().person)
    return render_template(
        "education/new.html", form=form, kinds=rules.kinds(), held=bool(awards),
        first=min((entries.first_day(one, today) for one in awards), default=None),
    ), status  # fmt: skip


@education.get("/new")
@signed_in
def new() -> Any:
    """Show the form of an entry."""
    return _page(NewEntry(formdata=None))


@education.post("/new")
@signed_in
def submit() -> Any:
    """Write an entry down; nothing that was typed is lost."""
    form, person = NewEntry(), me().person
    form.offer()
    if not form.validate_on_submit():
        return _page(form, 422)
    try:
        paper = _paper()
        with transaction():
            entries.submit(person, form.claim(), by=person, paper=paper)
    except Refused as refusal:
        form.refused(refusal)
        return _page(form, refusal.status)
    return go(PAGE, _("Written down. Somebody checks it and writes to you."))


def _paper() -> tuple[files.Content, str] | None:
    """Return the checked file that shows an entry, laid in the store before the transaction; None without one."""
    given = request.files.get("file")
    if given is None or not given.filename:
        return None
    try:
        checked = uploads.check(given)
    except Refused as refusal:
        raise Refused(refusal.words, field="file", status=refusal.status) from None
    return files.put(checked.data, checked.media_type), checked.name


@education.post("/<uid>/withdrawal")
@signed_in
def withdraw(uid: str) -> BaseResponse:
    """Take an entry back."""
    row = _own(uid)
    with transaction():
        entries.withdraw(row, by=me().person)
    return go(PAGE, _("Taken back."))


@education.get("/<uid>/file")
@signed_in
def file(uid: str) -> Response:
    """Hand out the file that shows one's own entry."""
    row = _own(uid)
    if row.file is None:
        raise Missing(_("There is no such file."))
    return files.send(row.file)


@education.post("/awards/<uid>/renewal")
@signed_in
def ask(uid: str) -> BaseResponse:
    """Ask for the renewal of an award."""
    award = awarding.found(uid)
    if award.person_id != me().person.id:
        raise Missing(_("There is no such award."))
    with transaction():
        renewing.ask(award, by=me().person)
    return go(PAGE, _("Asked. Somebody who checked none of your points decides and writes to you."))


@education.post("/renewals/<uid>/withdrawal")
@signed_in
def take_back(uid: str) -> BaseResponse:
    """Take a renewal back that is not decided yet."""
    row = renewing.found(uid)
    if row.award.person_id != me().person.id:
        raise Missing(_("There is no such renewal."))
    with transaction():
        renewing.withdraw(row, by=me().person)
    return go(PAGE, _("Taken back. The points are free again."))
