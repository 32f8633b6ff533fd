"""The office's view of members' people: who has not confirmed, what is vacant, and letters that name an owner."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import confirming, contacts, replacing, vacancies
from portal.accounts.access import allow, me
from portal.accounts.care_models import ContactCheck, OwnerLetter, Vacancy
from portal.accounts.may import ContactRole, May
from portal.core import clock, export, files, i18n, labels
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import Form, choice_field, mail_field, options
from portal.core.paging import page_of
from portal.core.web import go
from portal.members import roll, uploads
from portal.members.forms import area

lists = Blueprint("lists", __name__, url_prefix="/office/contacts")


class OwnerForm(Form):
    """Who becomes owner, and how the letter was checked."""

    email = mail_field(_l("Mail address of the new owner"))
    language = choice_field(_l("Language of the invitation"))
    reason = area(_l("How the letter was checked"), longest=300, rows=3)

    def offer(self) -> OwnerForm:
        """Offer the languages of the portal."""
        self.language.choices = options(i18n.LANGUAGES.items())
        return self


@lists.get("/")
@allow(May.READ_MEMBERS)
def overview() -> str:
    """Show whose owners have not confirmed their people this quarter, what is vacant, and letters to decide."""
    quarter = confirming.quarter_of(clock.today())
    asked = db.session.scalar(select(func.count(ContactCheck.id)).where(ContactCheck.quarter == quarter)) or 0
    return render_template(
        "office/contacts.html", quarter=quarter, asked=asked, page=page_of(confirming.unconfirmed(quarter)), today=clock.today(),
        vacancies=db.session.scalars(vacancies.open_vacancies().limit(200)).all(),
        letters=db.session.scalars(replacing.waiting()).all(), me=me().person, may_appoint=me().staff_may(May.APPOINT_OWNERS),
    )  # fmt: skip


HEADS = (
    _l("Organisation"),
    _l("Role"),
    _l("To be filled by"),
    _l("Who left"),
    _l("Reason"),
    _l("Declared by"),
)


@lists.get("/vacancies/file")
@allow(May.READ_MEMBERS)
def vacancies_file() -> Response:
    """Hand out the open vacancies as CSV."""

    def row(one: Vacancy) -> tuple[Any, ...]:
        return one.org.name, labels.label(one.role), one.due_on, one.left_by, one.reason, one.declared_by

    return export.csv_of("vacancies", HEADS, vacancies.open_vacancies(), row, by=me().person)


@lists.get("/unconfirmed/file")
@allow(May.READ_MEMBERS)
def unconfirmed_file() -> Response:
    """Hand out who has not confirmed this quarter as CSV."""
    heads = (_("Organisation"), _("Asked on"), _("Owners"))

    def row(one: ContactCheck) -> tuple[Any, ...]:
        owners = contacts.holders(one.org, ContactRole.OWNER)
        return one.org.name, one.asked_on, ", ".join(person.email for person in owners)

    quarter = confirming.quarter_of(clock.today())
    return export.csv_of("unconfirmed", heads, confirming.unconfirmed(quarter), row, by=me().person)


def _owner_page(uid: str, given: OwnerForm, status: int = 200) -> Any:
    row, g.nav = roll.one(uid), "lists.overview"
    return render_template(
        "office/owner.html", membership=row, form=given, owners=contacts.holders(row.org, ContactRole.OWNER),
        letters=db.session.scalars(replacing.letters_of(row.org)).all(),
    ), status  # fmt: skip


@lists.get("/owners/<uid>")
@allow(May.APPOINT_OWNERS)
def owner(uid: str) -> Any:
    """Show who owns an organisation's account, and the form to bring a letter that names somebody else."""
    given = OwnerForm().offer()
    given.language.data = str(get_locale())
    return _owner_page(uid, given)


@lists.post("/owners/<uid>")
@allow(May.APPOINT_OWNERS)
def bring_letter(uid: str) -> Any:
    """Bring a chopped letter that names a new owner."""
    row, given, upload = roll.one(uid), OwnerForm().offer(), request.files.get("letter")
    if not given.validate_on_submit():
        return _owner_page(uid, given, 422)
    try:
        if upload is None or not upload.filename:
            raise Refused(_("Please choose a file."), status=422)
        taken = uploads.check(upload)
        content = files.put(taken.data, taken.media_type)
        stored = files.StoredFile(
            sha256=content.sha256, name=taken.name, media_type=content.media_type, size=content.size,
            purpose="owner_letter", org_id=row.org_id,
        )  # fmt: skip
        with transaction():
            replacing.propose(
                row.org, given.email.data or "", given.language.data, file=stored, by=me().person,
                reason=given.reason.data or "",
            )  # fmt: skip
    except Refused as refusal:
        given.refused(refusal)
        return _owner_page(uid, given, refusal.status)
    return go("lists.overview", _("The letter is kept. A colleague looks at it and decides."))


def _letter(uid: str) -> OwnerLetter:
    row = db.session.scalars(select(OwnerLetter).where(OwnerLetter.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such letter."))
    return row


@lists.get("/letters/<uid>/file")
@allow(May.APPOINT_OWNERS)
def letter_file(uid: str) -> Response:
    """Hand out a letter."""
    return files.send(_letter(uid).file, inline=True)


@lists.post("/letters/<uid>/confirmation")
@allow(May.APPOINT_OWNERS)
def confirm_letter(uid: str) -> BaseResponse:
    """Appoint the owner a letter names, as a second person."""
    row = _letter(uid)
    with transaction():
        replacing.confirm(row, by=me().person)
    return go(
        "lists.overview", _("The new owner is appointed, or invited if the address has no account yet.")
    )


@lists.post("/letters/<uid>/refusal")
@allow(May.APPOINT_OWNERS)
def decline_letter(uid: str) -> BaseResponse:
    """Decline a letter, as a second person."""
    row = _letter(uid)
    with transaction():
        replacing.decline(row, by=me().person)
    return go("lists.overview", _("The letter is declined."))
