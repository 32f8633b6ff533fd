"""The candidate's pages: what is going on, the profile, who is shut out, what is allowed and who has seen what."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import consents as house
from portal.accounts import named_consents
from portal.accounts.access import fresh, me, signed_in
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel, Consent
from portal.core import files, i18n
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import folded, page_of
from portal.core.web import go
from portal.jobs import (
    applying,
    consents,
    contacting,
    credits,
    hires,
    leaving,
    looks,
    modes,
    naming,
    profiles,
    referring,
)
from portal.jobs import people_forms as f
from portal.jobs.application_models import JobApplication
from portal.jobs.people_doors import candidates
from portal.jobs.profiles import Written
from portal.jobs.stages import OPEN, Field, Purpose

HOME, PROFILE, PRIVACY = "candidates.mine", "candidates.profile", "candidates.privacy"


def open_board() -> Person:
    """Return who is reading; the pages of candidates do not exist unless everything is open, except one's own past."""
    g.nav = HOME
    return me().person


@candidates.get("/")
@signed_in
def mine() -> str:
    """Show one's applications, the requests that wait, and how one is found."""
    person = open_board()
    profile = profiles.of(person)
    rows = applying.of_person(person)
    if not rows and profile is None:
        modes.full_only()
    requests = contacting.of_person(person)
    return render_template(
        "jobs/candidate/mine.html", rows=rows, profile=profile, title=naming.title_of, open=OPEN,
        asked=[one for one in requests if not contacting.is_open(one)],
        waiting=[one for one in requests if contacting.is_open(one)],
        found=house.stands(Purpose.POOL.value, person), through=hires.through_certificate(),
        looks=db.session.scalars(looks.of_candidate(person).limit(5)).all(),
        referrals=[(one, referring.outcome(one)) for one in referring.of_person(person)],
    )  # fmt: skip


def _profile_page(person: Person, form: f.ProfileForm, status: int = 200, **given: Any) -> Any:
    profile = profiles.of(person)
    asked = consents.texts(Purpose.POOL)[Purpose.POOL]
    return render_template(
        "jobs/candidate/profile.html", form=form, profile=profile, asked=asked, pool=[Field(one) for one in asked["fields"]],
        found=house.stands(Purpose.POOL.value, person), badge=credits.highest(credits.of([person]).get(person.id, [])),
        resume=given.get("resume") or f.ResumeForm(formdata=None), shut=given.get("shut") or f.ShutOutForm(formdata=None),
        out=profiles.shut_outs(person), suggested=profiles.suggested(person), choices=given.get("choices") or [],
    ), status  # fmt: skip


def _filled(person: Person) -> f.ProfileForm:
    row = profiles.of(person)
    form = f.ProfileForm(formdata=None)
    form.offer()
    if row is not None:
        form.city.data, form.skills.data = row.city, ", ".join(row.skills)
        form.kinds.data, form.languages.data, form.reach.data = row.kinds, row.languages, row.reach
    return form


@candidates.get("/profile")
@signed_in
def profile() -> Any:
    """Show the profile, its résumé, the pool and those shut out."""
    modes.full_only()
    person = open_board()
    return _profile_page(person, _filled(person))


@candidates.post("/profile")
@signed_in
def save_profile() -> Any:
    """Save the profile; nobody sees it by that."""
    modes.full_only()
    person, form = open_board(), f.ProfileForm()
    form.offer()

    def save() -> None:
        profiles.save(
            person,
            Written(
                city=str(form.city.data or ""), skills=profiles.skills_in(str(form.skills.data or "")),
                kinds=form.kinds.data or (), languages=form.languages.data or (), reach=str(form.reach.data or ""),
            ),
        )  # fmt: skip

    status = form.carry_out(save)
    if not status:
        return go(PROFILE, _("Saved. Nobody sees it unless you say so below, or tick it in an application."))
    return _profile_page(person, form, status)


@candidates.post("/profile/resume")
@signed_in
def save_resume() -> Any:
    """Put a résumé into the profile."""
    modes.full_only()
    person, form = open_board(), f.ResumeForm()
    upload = request.files.get("resume")
    try:
        if upload is None or not upload.filename:
            raise Refused(_("Please choose a file."), field="resume", status=422)
        taken = profiles.check(upload)
    except Refused as refusal:
        form.refused(refusal)
        return _profile_page(person, _filled(person), refusal.status, resume=form)
    content = files.put(taken.data, taken.media_type)
    with transaction():
        profiles.attach(person, content, taken.name)
    return go(PROFILE, _("Your résumé is kept. An employer gets it only where you tick it."))


@candidates.post("/profile/resume/deletion")
@signed_in
def delete_resume() -> BaseResponse:
    """Delete the résumé of the profile."""
    with transaction():
        profiles.drop_resume(open_board())
    return go(PROFILE, _("The résumé is deleted."))


@candidates.get("/profile/resume/file")
@signed_in
def resume_file() -> Response:
    """Hand out one's own résumé."""
    row = profiles.of(open_board())
    if row is None or row.resume is None:
        raise Missing(_("There is no résumé."))
    return files.send(row.resume)


@candidates.post("/pool")
@signed_in
def pool() -> BaseResponse:
    """Be found in the pool, or stop that at once."""
    given = request.form.get("given")
    if given not in {"yes", "no"}:
        raise Refused(_("Please say whether you agree."), status=422)
    person = open_board()
    if given == "yes":
        modes.full_only()
        if profiles.of(person) is None:
            raise Refused(_("Please write your profile first: there is nothing to be found yet."))
    with transaction():
        consents.enter_pool(person, given == "yes")
    words = _("Employers that are members find you in the pool now.") if given == "yes" else _("You are out of the pool: no search finds you any more.")  # fmt: skip
    return go(PROFILE, words)


@candidates.post("/shut-out")
@signed_in
def shut_out() -> Any:
    """Shut an employer out: by the button of one that is suggested, or by name."""
    person, form = open_board(), f.ShutOutForm()
    choices = _employers(request.form.get("uid", ""), str(form.employer.data or ""))
    if len(choices) == 1:
        with transaction():
            profiles.shut_out(person, choices[0])
        return go(PROFILE, _("%(org)s does not find you any more.", org=choices[0].name))
    if not choices:
        form.refused(Refused(_("We know no employer of this name."), field="employer", status=422))
    return _profile_page(person, _filled(person), 422 if not choices else 200, shut=form, choices=choices)


def _employers(uid: str, words: str) -> list[Organisation]:
    """Return the organisations meant: the one of a button, else up to ten whose name holds the words."""
    bodies = select(Organisation).where(
        Organisation.person_id.is_(None), Organisation.merged_into_id.is_(None)
    )
    if uid:
        return list(db.session.scalars(bodies.where(Organisation.uid == uid)))
    wanted = folded(words)
    if len(wanted) < 2:
        return []
    rows = bodies.where(
        or_(
            Organisation.search_text.contains(wanted, autoescape=True),
            Organisation.legal_name == words.strip(),
        )
    )
    return list(db.session.scalars(rows.order_by(Organisation.id).limit(10)))


@candidates.post("/shut-out/<uid>/end")
@signed_in
def let_in(uid: str) -> BaseResponse:
    """Let an employer in again."""
    person = open_board()
    row = next((one for one in profiles.shut_outs(person) if one.org.uid == uid), None)
    if row is None:
        raise Missing(_("You have not shut out this employer."))
    with transaction():
        profiles.let_in(person, row.org)
    return go(PROFILE, _("%(org)s may find you again.", org=row.org.name))


@candidates.get("/privacy")
@signed_in
def privacy() -> str:
    """Show what one allows to whom, in which words, and every look there was."""
    person = open_board()
    titles = {consents.key(one.post): naming.title_of(one.post) for one in applying.of_person(person)}
    return render_template(
        "jobs/candidate/privacy.html", titles=titles, tongue=_tongue, words=consents.in_force(person), found=house.stands(Purpose.POOL.value, person),
        pool=house.last_word(Purpose.POOL.value, person), asked=consents.texts(Purpose.POOL)[Purpose.POOL], name=house.purpose_name, page=page_of(looks.of_candidate(person)),
        field=_field,
    )  # fmt: skip


def _tongue(language: str) -> str:
    return i18n.LANGUAGES.get(language, language)


def _field(code: str) -> Field | str:
    return Field(code) if code in {one.value for one in Field} else code


@candidates.post("/privacy/<int:number>/withdrawal")
@signed_in
def take_back(number: int) -> BaseResponse:
    """Take one consent back: it counts from this moment on, and an application that rests on it is withdrawn."""
    person = open_board()
    row = next((one for one in consents.in_force(person) if one.id == number), None)
    if row is None:
        raise Missing(_("There is no such consent in force."))
    with transaction():
        _take_back(row, person)
    return go(PRIVACY, _("Taken back. It counts from this moment on."))


def _take_back(row: Consent, person: Person) -> None:
    if row.purpose == Purpose.APPLY.value:
        own = select(JobApplication).where(JobApplication.person_id == person.id)
        for one in db.session.scalars(own.order_by(JobApplication.id)):
            if consents.key(one.post) == row.about:
                applying.withdraw(one, by=person)
                return
    named_consents.take_back(row, channel=Channel.ACCOUNT)


@candidates.post("/erasure")
@fresh
@signed_in
def erase() -> BaseResponse:
    """Erase all that one handed in as a candidate; one's account stays."""
    with transaction():
        leaving.erase(open_board())
    return go(
        HOME, _("Your profile, résumés and applications are erased. Employers see that they were withdrawn.")
    )
